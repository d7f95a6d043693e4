/* config_file.c: args.yaml, the record of every setting of a run and where it came from.
 *
 *     epochs: 10  # cli
 */
#include "yt/file.h"
#include "yt/train.h"

#include <ctype.h>
#include <string.h>

/* Whether a text can stand in YAML without quotes and still be read as that text. */
static bool is_plain(const char *text) {
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off"};
    if (!isalpha((unsigned char)text[0]) && text[0] != '/' && text[0] != '.') return false;
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_-./", *c)) return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i]) == 0) return false;
    return true;
}

static void write_text(const char *text, FILE *out) {
    if (text[0] == '\0') {
        fputs("null", out);
    } else if (is_plain(text)) {
        fputs(text, out);
    } else {
        fputc('"', out);
        for (const char *c = text; *c; c++) {
            if (*c == '"' || *c == '\\') fputc('\\', out);
            if ((unsigned char)*c < 0x20)
                fprintf(out, "\\x%02x", (unsigned)(unsigned char)*c);
            else
                fputc(*c, out);
        }
        fputc('"', out);
    }
}

yt_status yt_train_config_write(const yt_train_config *config, const char *path, const char *save_dir,
                                int n_classes, yt_err *err) {
    yt_file_writer writer;
    YT_TRY(yt_file_writer_open(path, &writer, err));
    FILE *out = writer.stream;
    for (int i = 0; i < YT_TRAIN_KEYS; i++) {
        const yt_train_option *row = &yt_train_options()[i];
        char text[YT_TRAIN_TEXT];
        yt_train_config_text(config, (yt_train_key)i, text, sizeof text);
        fprintf(out, "%s: ", row->key);
        if (row->type == YT_TRAIN_TEXT_TYPE)
            write_text(text, out);
        else
            fputs(text, out);
        fprintf(out, "  # %s\n", yt_source_text(config->source[i]));
    }
    fprintf(out, "nc: %d  # dataset\nsave_dir: ", n_classes);
    write_text(save_dir, out);
    fputs("  # auto\n", out);
    return yt_file_writer_commit(&writer, err);
}
