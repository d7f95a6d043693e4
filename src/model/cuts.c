/* cuts.c: the words of --no-residual and what each cuts in backbone and neck; the table is in ablation.h. */
#include "model/ablation.h"

#include <string.h>

static const struct {
    const char *word;
    yti_cut backbone, neck;
} cuts[YT_NO_RESIDUAL_COUNT] = {[YT_RESIDUAL_KEPT] = {"false", YT_CUT_NOTHING, YT_CUT_NOTHING},
#define CUT(code, word, backbone, neck) [YT_NO_RESIDUAL_##code] = {word, YT_CUT_##backbone, YT_CUT_##neck},
                                YT_NO_RESIDUAL_MAP(CUT)
#undef CUT
};

const char *yti_no_residual_word(yti_no_residual kind) {
    return cuts[kind].word;
}

int yti_no_residual_find(const char *word) {
    for (int i = 0; i < YT_NO_RESIDUAL_COUNT; i++)
        if (strcmp(cuts[i].word, word) == 0) return i;
    return -1;
}

yti_cut yti_no_residual_backbone(yti_no_residual kind) {
    return cuts[kind].backbone;
}

yti_cut yti_no_residual_neck(yti_no_residual kind) {
    return cuts[kind].neck;
}
