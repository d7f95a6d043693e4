/* results_table.c: reads results.csv: losses and AP of a run, epoch by epoch. */
#include "base/file.h"
#include "base/number.h"
#include "study/study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 28, MAX_COLUMNS = 64 };

/* What a column is added to. */
typedef enum role { OTHER, EPOCH, TRAIN, VAL, AP50, AP } role;

static role role_of(const char *name, size_t length) {
    static const struct {
        const char *text;
        bool prefix;
        role role;
    } names[] = {{"epoch", false, EPOCH},
                 {"train/", true, TRAIN},
                 {"val/", true, VAL},
                 {"metrics/mAP50(B)", false, AP50},
                 {"metrics/mAP50-95(B)", false, AP}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t n = strlen(names[i].text);
        if (strncmp(name, names[i].text, n) == 0 && length >= n && (names[i].prefix || length == n))
            return names[i].role;
    }
    return OTHER;
}

/* The next field from *at, which moves behind its comma. */
static const char *next_field(const char **at, const char *end, size_t *length) {
    const char *field = *at, *comma = memchr(field, ',', (size_t)(end - field));
    *length = (size_t)((comma ? comma : end) - field);
    *at = comma ? comma + 1 : NULL;
    return field;
}

static int read_header(const char *line, const char *end, role roles[MAX_COLUMNS]) {
    int n = 0;
    for (const char *at = line; at && n < MAX_COLUMNS; n++) {
        size_t length;
        const char *field = next_field(&at, end, &length);
        roles[n] = role_of(field, length);
    }
    return n;
}

static bool read_row(const char *line, const char *end, const role *roles, int n, study_epoch *out) {
    *out = (study_epoch){0};
    int i = 0;
    for (const char *at = line; at && i < n; i++) {
        size_t length;
        const char *field = next_field(&at, end, &length);
        double value;
        if (roles[i] == OTHER) continue;
        if (length == 3 && memcmp(field, "nan", 3) == 0)
            value = (double)NAN; /* a loss that was not finite */
        else if (!yti_parse_decimal(field, length, &value))
            return false;
        switch (roles[i]) {
        case EPOCH:
            out->epoch = (int)value;
            break;
        case TRAIN:
            out->loss += value;
            break;
        case VAL:
            out->val_loss += value;
            break;
        case AP50:
            out->ap50 = value;
            break;
        case AP:
            out->ap = value;
            break;
        case OTHER:
            break;
        }
    }
    return i == n && out->epoch > 0 && isfinite(out->ap) && isfinite(out->ap50);
}

static yt_status read_rows(const char *path, const char *text, study_epoch **rows, int *count, yt_err *err) {
    role roles[MAX_COLUMNS];
    int n = 0, capacity = 0;
    size_t line = 1;
    for (const char *at = text, *end; (end = strchr(at, '\n')); at = end + 1, line++) {
        if (line == 1) {
            n = read_header(at, end, roles);
            continue;
        }
        if (*count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            study_epoch *grown = realloc(*rows, (size_t)capacity * sizeof *grown);
            if (!grown) return yt_fail(err, YT_ERR_NO_MEMORY, "%s: no memory for %d epochs", path, capacity);
            *rows = grown;
        }
        if (!read_row(at, end, roles, n, &(*rows)[*count]))
            return yti_fail_at(err, YT_ERR_SYNTAX, path, line, "is no row of numbers under the header");
        (*count)++;
    }
    return YT_OK;
}

yt_status yti_curves_load(const char *path, study_epoch **out, int *count, yt_err *err) {
    char *text;
    size_t bytes;
    YT_TRY(yti_file_read(path, MAX_BYTES, &text, &bytes, err));
    study_epoch *rows = NULL;
    int n = 0;
    yt_status status = read_rows(path, text, &rows, &n, err);
    free(text);
    if (status != YT_OK) {
        free(rows);
        return status;
    }
    *out = rows;
    *count = n;
    return YT_OK;
}
