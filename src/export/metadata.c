/* metadata.c: see metadata.h. */
#include "export/metadata.h"
#include "base/text.h"
#include "yolotrain/version.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* As a Python string in single quotes. */
static void put_quoted(FILE *out, const char *text) {
    putc('\'', out);
    for (const char *c = text; *c; c++) {
        if (yti_text_is_control(*c))
            fprintf(out, "\\x%02x", (unsigned char)*c);
        else {
            if (*c == '\'' || *c == '\\') putc('\\', out);
            putc(*c, out);
        }
    }
    putc('\'', out);
}

/* Ends the text and adds it. */
static yt_status add_text(yti_metadata *metadata, const char *key, yti_text_stream *stream, yt_err *err) {
    char *text = yti_text_close(stream);
    const yt_status status = text ? yti_metadata_add(metadata, key, text, err) : yti_no_memory(err, "the metadata");
    free(text);
    return status;
}

static yt_status add_names(const yti_class_names *names, yti_metadata *metadata, yt_err *err) {
    yti_text_stream stream;
    if (!yti_text_open(&stream)) return yti_no_memory(err, "the metadata");
    for (int i = 0; i < names->count; i++) {
        char *name = yti_text_to_utf8(names->names[i]);
        fprintf(stream.out, "%s%d: ", i ? ", " : "{", i);
        put_quoted(stream.out, name ? name : "");
        if (!name) {
            free(yti_text_close(&stream));
            return yti_no_memory(err, "the metadata");
        }
        free(name);
    }
    putc('}', stream.out);
    return add_text(metadata, "names", &stream, err);
}

/* "2026-12-01T12:00:00+00:00" of SOURCE_DATE_EPOCH (reproducible-builds.org). */
static yt_status add_date(yti_metadata *metadata, yt_err *err) {
    const char *typed = getenv("SOURCE_DATE_EPOCH");
    if (!typed || !*typed) return YT_OK;
    char *end, text[40];
    const long long seconds = strtoll(typed, &end, 10);
    const time_t when = (time_t)seconds;
    struct tm utc;
    if (*end || seconds < 0 || !gmtime_r(&when, &utc) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S+00:00", &utc))
        return yt_fail(err, YT_ERR_ARGUMENT, "SOURCE_DATE_EPOCH is \"%s\"; it is a number of seconds", typed);
    return yti_metadata_add(metadata, "date", text, err);
}

static const char *truth(bool value) {
    return value ? "True" : "False";
}

yt_status yti_export_describe(const yti_export_facts *f, yti_metadata *metadata, yt_err *err) {
    char description[256], stride[16], batch[16], size[48], args[192];
    snprintf(description, sizeof description, "%.200s, exported by yolotrain", f->model->name);
    snprintf(stride, sizeof stride, "%d", f->model->max_stride);
    snprintf(batch, sizeof batch, "%d", f->batch);
    snprintf(size, sizeof size, "[%d, %d]", f->height, f->width);
    snprintf(args, sizeof args, "{'batch': %d, 'half': %s, 'dynamic': %s, 'nms': %s", f->batch, truth(f->half),
             truth(f->dynamic), truth(f->nms));
    if (f->opset) yti_text_append(args, sizeof args, ", 'opset': %d", f->opset);
    yti_text_append(args, sizeof args, "}");
    const struct {
        const char *key, *value;
    } pairs[] = {{"description", description},
                 {"author", "yolotrain"},
                 {"version", yt_version_text()},
                 {"license", f->model->base_license},
                 {"stride", stride},
                 {"task", "detect"},
                 {"head", "Detect"},
                 {"batch", batch},
                 {"imgsz", size},
                 {"args", args},
                 {"channels", "3"},
                 {"end2end", truth(f->end2end)}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (strcmp(pairs[i].key, "version") == 0) YT_TRY(add_date(metadata, err));
        if (strcmp(pairs[i].key, "args") == 0) YT_TRY(add_names(f->names, metadata, err));
        if (pairs[i].value) YT_TRY(yti_metadata_add(metadata, pairs[i].key, pairs[i].value, err));
    }
    return f->opset ? yti_metadata_describe_network(metadata, f->model, err) : YT_OK; /* for the way back */
}
