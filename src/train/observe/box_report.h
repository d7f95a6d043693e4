/* box_report.h: whether an epoch had objects to learn from. Internal to src/train. */
#ifndef YT_BOX_REPORT_H
#define YT_BOX_REPORT_H

#include "train/observe/watchers.h"

/* What it is judged by, lent; and what was reported. */
typedef struct yti_box_report {
    const yti_train_config *config;
    const yti_split *split; /* that is trained on */
    const yti_schedule *schedule;
    int stride;            /* of input sizes */
    bool reported_nothing; /* the epoch before had nothing to learn from, which was reported */
} yti_box_report;

/* Alarms the watchers when the epoch had no object to learn from, and after the first epoch when many were too small.
 * NO_MEMORY. */
yt_status yti_report_boxes(yti_box_report *report, const yti_train_epoch *row, yti_watchers *watchers, yt_err *err);

#endif
