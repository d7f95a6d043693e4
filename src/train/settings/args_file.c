/* args_file.c: args.yaml, the record of every setting of a run and where it came from.
 *
 *     epochs: 10  # cli
 *
 * Its keys are the reference trainer's where there are such; `task` and `mode` are what its files begin with.
 */
#include "base/file.h"
#include "base/yaml.h"
#include "train/settings/config.h"

#include <ctype.h>
#include <stdlib.h>
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

yt_status yti_train_config_write(const yti_train_config *config, const char *path, const char *save_dir, int n_classes,
                                 const char *base_license, yt_err *err) {
    yti_file_writer writer;
    YT_TRY(yti_file_writer_open(path, &writer, err));
    FILE *out = writer.stream;
    fputs("task: detect  # default\nmode: train  # default\n", out);
    for (int i = 0; i < YT_TRAIN_KEYS; i++) {
        const yti_train_option *row = &yti_train_options()[i];
        char text[YT_TRAIN_TEXT];
        yti_train_config_text(config, (yti_train_key)i, text, sizeof text);
        fprintf(out, "%s: ", row->key);
        if (row->type == YT_TRAIN_STRING)
            write_text(text, out);
        else
            fputs(text, out);
        fprintf(out, "  # %s\n", yti_setting_source_text(config->source[i]));
    }
    fprintf(out, "nc: %d  # dataset\nsave_dir: ", n_classes);
    write_text(save_dir, out);
    fputs("  # auto\n", out);
    if (base_license) {
        fputs("base_license: ", out);
        write_text(base_license, out);
        fputs("  # weights\n", out);
    }
    return yti_file_writer_commit(&writer, err);
}

/* ---- whose it is ---- */

/* A setting as args.yaml has it, in the words of this program; false: it is not there, or is none that could be set. */
static bool recorded(const yti_yaml_node *root, yti_train_key key, char *text, size_t room) {
    const yti_train_option *row = &yti_train_options()[key];
    const yti_yaml_node *node = yti_yaml_find(root, row->key);
    if (!node || node->kind != YT_YAML_SCALAR) return false;
    yti_train_config scratch;
    yti_train_config_defaults(&scratch);
    const bool empty = row->type == YT_TRAIN_STRING && !node->quoted && yti_yaml_is_null(node);
    if (yti_train_config_set(&scratch, row->key, empty ? "" : node->text, YT_SOURCE_CHECKPOINT, NULL) != YT_OK)
        return false;
    yti_train_config_text(&scratch, key, text, room);
    return true;
}

yt_status yti_config_same_run(const yti_train_config *config, const char *folder, const char *checkpoint, yt_err *err) {
    char *path = yti_path_join(folder, "args.yaml");
    if (!path) return yti_no_memory(err, "the paths of the run");
    yti_yaml yaml;
    yt_status status = yti_yaml_load(path, &yaml, err);
    for (int i = 0; status == YT_OK && i < YT_TRAIN_KEYS; i++) {
        char there[YT_TRAIN_TEXT], own[YT_TRAIN_TEXT];
        if (yti_train_options()[i].on_resume != YT_RESUME_FIXED) continue;
        if (!recorded(yaml.root, (yti_train_key)i, there, sizeof there)) continue;
        yti_train_config_text(config, (yti_train_key)i, own, sizeof own);
        if (strcmp(there, own) != 0)
            status = yt_fail(err, YT_ERR_MISMATCH,
                             "%.300s: is not of the run in its folder: it was trained with %s %.150s, and "
                             "%.300s says %.150s; put it back into the folder of its own run",
                             checkpoint, yti_train_options()[i].key, own[0] ? own : "none", path,
                             there[0] ? there : "none");
    }
    yti_yaml_free(&yaml);
    free(path);
    return status;
}
