/* Tests of src/train/observe/results_csv.c: reading results.csv; that it is written as it should be is asked by
 * test_train.c. */
#include "train/observe/results_csv.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(results_csv, .init = test_folder_make, .fini = test_folder_remove);

Test(results_csv, losses_are_sums_of_their_terms) {
    test_folder_write_text(
        "results.csv", "epoch,time,train/box_loss,train/cls_loss,train/l1_loss,metrics/precision(B),metrics/recall(B),"
                       "metrics/mAP50(B),metrics/mAP50-95(B),val/box_loss,val/cls_loss,val/l1_loss,lr/pg0\n"
                       "1,0.5,1,2,3.5,0.1,0.2,0.3,0.25,4,5,6,0.01\n2,1.5,1,1,1,0.1,0.2,0.5,0.4,1,1,1,0.01\n3,2,1,");
    yti_results_row *rows = NULL;
    int count = 0;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_results_load(test_folder_path("results.csv"), &rows, &count, &err), YT_OK, "%s", err.text);
    cr_assert_eq(count, 2);
    cr_assert(rows[0].epoch == 1 && rows[0].train_loss == 6.5 && rows[0].val_loss == 15 && rows[0].ap50 == 0.3 &&
              rows[0].ap == 0.25);
    cr_assert(rows[1].epoch == 2 && rows[1].train_loss == 3 && rows[1].ap == 0.4);
    free(rows);
    test_folder_write_text("results.csv", "epoch,train/box_loss\n1,many\n");
    cr_assert_eq(yti_results_load(test_folder_path("results.csv"), &rows, &count, &err), YT_ERR_SYNTAX);
    cr_assert(strstr(err.text, ":2: "), "%s", err.text);
}

static yt_status load(const char *text, yti_results_row **rows, int *count, yt_err *err) {
    test_folder_write_text("results.csv", text);
    return yti_results_load(test_folder_path("results.csv"), rows, count, err);
}

#define HEADER "epoch,train/box_loss,metrics/mAP50(B),metrics/mAP50-95(B),val/box_loss\n"

Test(results_csv, a_loss_may_be_not_finite_and_a_metric_not) {
    yti_results_row *rows = NULL;
    int count = 0;
    yt_err err;
    cr_assert_eq(load(HEADER "1,nan,0.5,0.25,inf\n", &rows, &count, &err), YT_OK);
    cr_assert(count == 1 && isnan(rows[0].train_loss) && isinf(rows[0].val_loss) && rows[0].ap == 0.25);
    free(rows);
    cr_assert_eq(load(HEADER "1,2,0.5,nan,3\n", &rows, &count, &err), YT_ERR_SYNTAX);
    cr_assert_eq(load(HEADER "0,2,0.5,0.5,3\n", &rows, &count, &err), YT_ERR_SYNTAX);
    cr_assert_eq(load(HEADER "1,2,0.5,0.5\n", &rows, &count, &err), YT_ERR_SYNTAX);
}

/* The metrics of the other branch end in the same words. */
Test(results_csv, metrics_are_those_of_the_branch_that_chooses_the_best_weights) {
    yti_results_row *rows = NULL;
    int count = 0;
    cr_assert_eq(load("epoch,one2one/mAP50-95(B),metrics/mAP50-95(B)\n3,0.1,0.9\n", &rows, &count, NULL), YT_OK);
    cr_assert(count == 1 && rows[0].epoch == 3 && rows[0].ap == 0.9 && rows[0].ap50 == 0);
    free(rows);
}

Test(results_csv, a_table_without_rows_is_none_without_a_header_an_error) {
    yti_results_row *rows = NULL;
    int count = -1;
    yt_err err;
    cr_assert_eq(load(HEADER, &rows, &count, &err), YT_OK);
    cr_assert(count == 0 && !rows);
    cr_assert_eq(load("", &rows, &count, &err), YT_ERR_SYNTAX);
    cr_assert(strstr(err.text, ":1: there is no header"), "%s", err.text);
}
