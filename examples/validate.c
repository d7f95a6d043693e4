/* validate.c: measures weights on the validation images of a dataset: validate WEIGHTS DATA.yaml [OPTION VALUE]... */
#include <stdio.h>
#include <yolotrain.h>

int main(int argc, char **argv) {
    yt_validate_options *options = NULL;
    yt_validation *validation = NULL;
    const yt_metrics *all;
    yt_err err;
    yt_status status;
    if (argc < 3 || argc % 2 == 0) return fprintf(stderr, "usage: validate WEIGHTS DATA.yaml [OPTION VALUE]...\n"), 2;

    status = yt_validate_options_create(&options, &err);
    for (int i = 3; i + 1 < argc && status == YT_OK; i += 2)
        status = yt_validate_options_set(options, argv[i], argv[i + 1], &err);
    if (status == YT_OK) status = yt_validation_run(argv[1], argv[2], options, &validation, &err);
    if (status == YT_OK) {
        all = yt_validation_all(validation);
        printf("mAP50-95 %.3f, mAP50 %.3f\n", all->map50_95, all->map50);
        for (int c = 0; c < yt_validation_classes(validation); c++) {
            const yt_metrics *m = yt_validation_class(validation, c);
            if (m->objects > 0)
                printf("%s: %d objects, mAP50-95 %.3f\n", yt_validation_class_name(validation, c), m->objects,
                       m->map50_95);
        }
    } else {
        fprintf(stderr, "validate: %s\n", err.text);
    }
    yt_validation_destroy(validation);
    yt_validate_options_destroy(options);
    return status == YT_OK ? 0 : 1;
}
