/* Tests of src/study/analysis/gradient_table.c and curves.c: the tables that a run leaves, written here by hand. */
#include "study/study.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(study_tables, .init = test_folder_make, .fini = test_folder_remove);

#define HEADER "step,epoch,layer,name,kind,stat,value\n"

static gradient_table load(const char *text) {
    test_folder_write_text("gradients.csv", text);
    gradient_table table;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_gradient_table_load(test_folder_path("gradients.csv"), &table, &err), YT_OK, "%s", err.text);
    return table;
}

static void refused(const char *text, const char *sentence) {
    test_folder_write_text("gradients.csv", text);
    gradient_table table = {0};
    yt_err err = {.text = ""};
    cr_assert_eq(yti_gradient_table_load(test_folder_path("gradients.csv"), &table, &err), YT_ERR_SYNTAX, "%s", text);
    cr_assert(strstr(err.text, sentence), "\"%s\" lacks \"%s\"", err.text, sentence);
    cr_assert_null(table.rows);
}

Test(study_tables, rows_of_the_long_form_are_read_in_order) {
    gradient_table t = load(HEADER "0,1,4,C3k2,activation_gradient,rms,1.5e-05\n"
                                   "0,1,4,model.4.m.0,block_gradient,rms,2\n"
                                   "120,3,0,model.0.conv.weight,update,ratio,0.001\n");
    cr_assert_eq(t.count, 3);
    cr_assert(t.rows[0].step == 0 && t.rows[0].epoch == 1 && t.rows[0].layer == 4 && t.rows[0].value == 1.5e-05);
    cr_assert_str_eq(t.rows[1].name, "model.4.m.0");
    cr_assert_str_eq(t.rows[1].kind, "block_gradient");
    cr_assert(t.rows[2].step == 120 && strcmp(t.rows[2].stat, "ratio") == 0);
    yti_gradient_table_free(&t);
}

Test(study_tables, columns_are_found_by_name_and_others_ignored) {
    gradient_table t = load("value,extra,stat,kind,name,layer,epoch,step\n7,x,rms,weight,w,2,1,5\n");
    cr_assert(t.count == 1 && t.rows[0].value == 7 && t.rows[0].step == 5 && t.rows[0].layer == 2);
    yti_gradient_table_free(&t);
}

Test(study_tables, values_that_are_not_finite_are_read_as_such) {
    gradient_table t = load(HEADER "0,1,0,a,weight,rms,nan\n0,1,0,a,weight,rms,-nan\n0,1,0,a,weight,rms,inf\n"
                                   "0,1,0,a,weight,rms,-inf\n");
    cr_assert_eq(t.count, 4);
    cr_assert(isnan(t.rows[0].value) && isnan(t.rows[1].value));
    cr_assert(isinf(t.rows[2].value) && t.rows[2].value > 0 && isinf(t.rows[3].value) && t.rows[3].value < 0);
    yti_gradient_table_free(&t);
}

Test(study_tables, a_last_line_cut_by_a_crash_is_left_out) {
    gradient_table t = load(HEADER "0,1,0,a,weight,rms,1\n0,1,0,a,wei");
    cr_assert_eq(t.count, 1);
    yti_gradient_table_free(&t);
}

Test(study_tables, what_is_no_table_is_refused_with_its_line) {
    refused("", ":1: there is no header");
    refused("epoch,kind,row,name,rms\n1,activation,0,Conv,3\n", ":1: there is no column \"step\"");
    refused(HEADER "0,1,0,a,weight,rms,1\n0,1,0,a,weight\n", ":3: is no row of numbers");
    refused(HEADER "x,1,0,a,weight,rms,1\n", ":2: is no row of numbers");
    refused(HEADER "0,1,0.5,a,weight,rms,1\n", ":2: is no row of numbers");
    refused(HEADER "0,1,0,a,weight,rms,much\n", ":2: is no row of numbers");
}

Test(study_tables, curves_are_sums_of_losses_and_ap_by_epoch) {
    test_folder_write_text(
        "results.csv", "epoch,time,train/box_loss,train/cls_loss,train/l1_loss,metrics/precision(B),metrics/recall(B),"
                       "metrics/mAP50(B),metrics/mAP50-95(B),val/box_loss,val/cls_loss,val/l1_loss,lr/pg0\n"
                       "1,0.5,1,2,3.5,0.1,0.2,0.3,0.25,4,5,6,0.01\n2,1.5,1,1,1,0.1,0.2,0.5,0.4,1,1,1,0.01\n3,2,1,");
    study_epoch *rows = NULL;
    int count = 0;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_curves_load(test_folder_path("results.csv"), &rows, &count, &err), YT_OK, "%s", err.text);
    cr_assert_eq(count, 2);
    cr_assert(rows[0].epoch == 1 && rows[0].loss == 6.5 && rows[0].val_loss == 15 && rows[0].ap50 == 0.3 &&
              rows[0].ap == 0.25);
    cr_assert(rows[1].epoch == 2 && rows[1].loss == 3 && rows[1].ap == 0.4);
    free(rows);
    test_folder_write_text("results.csv", "epoch,train/box_loss\n1,many\n");
    cr_assert_eq(yti_curves_load(test_folder_path("results.csv"), &rows, &count, &err), YT_ERR_SYNTAX);
    cr_assert(strstr(err.text, ":2: "), "%s", err.text);
}
