/* activation.c: names of the activation functions; the arithmetic is in the kernels. */
#include "base/activation.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *module;
} table[YT_ACT_COUNT] = {
#define YT_ACTIVATION_ROW(code, name, module, formula) [YT_ACT_##code] = {name, module},
    YT_ACTIVATION_MAP(YT_ACTIVATION_ROW)
#undef YT_ACTIVATION_ROW
};

const char *yti_activation_name(yti_activation_kind kind) {
    return kind < YT_ACT_COUNT ? table[kind].name : "unknown";
}

int yti_activation_find(const char *name) {
    for (int i = 0; i < YT_ACT_COUNT; i++)
        if (strcmp(name, table[i].name) == 0) return i;
    return -1;
}

int yti_activation_parse(const char *text, yti_activation *out) {
    if (strncmp(text, "torch.", 6) == 0) text += 6;
    if (strncmp(text, "nn.", 3) == 0) text += 3;
    size_t length = strcspn(text, "(");
    for (int i = 0; i < YT_ACT_COUNT; i++) {
        if (strlen(table[i].module) != length || strncmp(text, table[i].module, length) != 0) continue;
        yti_activation found = {.kind = (yti_activation_kind)i, .slope = 0.01f}; /* the framework's default slope */
        const char *arg = text + length;
        if (*arg == '(') arg++;
        if (i == YT_ACT_LEAKY_RELU) {
            const char *named = strstr(arg, "negative_slope=");
            char *end;
            double slope = strtod(named ? named + 15 : arg, &end);
            if (end != (named ? named + 15 : arg)) found.slope = (float)slope;
        }
        *out = found;
        return 0;
    }
    return -1;
}
