/* rules.h: judging one row of labels, whichever file it comes from. The table of the rules is YT_LABEL_RULE_MAP. */
#ifndef YT_DATA_RULES_H
#define YT_DATA_RULES_H

#include "data/index/dataset.h"
#include "data/index/problems.h"

/* Counts of the rules that the rows of one image or file broke. Zero-initialised. */
typedef struct yti_tally {
    int rules[YT_LABEL_RULES];
    int reported;      /* lines of a kind that ends after some */
    size_t first_bad;  /* where the first row left out stands in the report's text, plus 1; 0: none was */
    bool past_the_end; /* a class equal to the number of classes was met */
} yti_tally;

/* Counts the rule and reports the row, unless enough of this tally were reported. */
void yti_tally_row(yti_tally *tally, yti_report *report, yti_label_rule rule, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Says how many rows were not reported one by one: "NAME: and 80 more such rows". */
void yti_tally_finish(const yti_tally *tally, yti_report *report, const char *name);

int yti_tally_bad(const yti_tally *tally);

/* Judges a box in fractions of the image, [cx, cy, w, h]. YT_LABEL_RULES: it stays as it is; YT_LABEL_CLIPPED: so it
 * does with the part that is in the image, which box then holds; else the rule by which it is left out. */
yti_label_rule yti_judge_box(double box[4]);

/* first_of[i]: the first of the labels that is the same as label i (class, box, and outline where both have one), or
 * -1. Labels that are coco_only are equal to none. */
yt_status yti_find_duplicates(const yti_label *labels, int count, const yti_point *points, int *first_of);

#endif
