/* Tests of src/gradients/gradient_table.c: gradients.csv, written by hand and by the writer. */
#include "gradients/gradient_table.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

TestSuite(gradient_table, .init = test_folder_make, .fini = test_folder_remove);

#define HEADER "step,epoch,layer,name,kind,stat,value\n"

static yti_gradient_table load(const char *text) {
    test_folder_write_text("gradients.csv", text);
    yti_gradient_table table;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_gradient_table_load(test_folder_path("gradients.csv"), &table, &err), YT_OK, "%s", err.text);
    return table;
}

static void refused(const char *text, const char *sentence) {
    test_folder_write_text("gradients.csv", text);
    yti_gradient_table table = {0};
    yt_err err = {.text = ""};
    cr_assert_eq(yti_gradient_table_load(test_folder_path("gradients.csv"), &table, &err), YT_ERR_SYNTAX, "%s", text);
    cr_assert(strstr(err.text, sentence), "\"%s\" lacks \"%s\"", err.text, sentence);
    cr_assert_null(table.rows);
}

Test(gradient_table, rows_of_the_long_form_are_read_in_order) {
    yti_gradient_table t = load(HEADER "0,1,4,C3k2,activation_gradient,rms,1.5e-05\n"
                                       "0,1,4,model.4.m.0,block_gradient,rms,2\n"
                                       "120,3,0,model.0.conv.weight,update,ratio,0.001\n");
    cr_assert_eq(t.count, 3);
    cr_assert(t.rows[0].step == 0 && t.rows[0].epoch == 1 && t.rows[0].layer == 4 && t.rows[0].value == 1.5e-05);
    cr_assert_str_eq(t.rows[1].name, "model.4.m.0");
    cr_assert(t.rows[1].kind == YT_FLOW_BLOCK_GRADIENT && t.rows[1].stat == YT_FLOW_STAT_RMS);
    cr_assert(t.rows[2].step == 120 && t.rows[2].kind == YT_FLOW_UPDATE && t.rows[2].stat == YT_FLOW_STAT_RATIO);
    yti_gradient_table_free(&t);
}

Test(gradient_table, columns_are_found_by_name_and_others_ignored) {
    yti_gradient_table t = load("value,extra,stat,kind,name,layer,epoch,step\n7,x,rms,weight,w,2,1,5\n");
    cr_assert(t.count == 1 && t.rows[0].value == 7 && t.rows[0].step == 5 && t.rows[0].layer == 2);
    yti_gradient_table_free(&t);
}

Test(gradient_table, values_that_are_not_finite_are_read_as_such) {
    yti_gradient_table t = load(HEADER "0,1,0,a,weight,rms,nan\n0,1,0,a,weight,rms,-nan\n0,1,0,a,weight,rms,inf\n"
                                       "0,1,0,a,weight,rms,-inf\n");
    cr_assert_eq(t.count, 4);
    cr_assert(isnan(t.rows[0].value) && isnan(t.rows[1].value));
    cr_assert(isinf(t.rows[2].value) && t.rows[2].value > 0 && isinf(t.rows[3].value) && t.rows[3].value < 0);
    yti_gradient_table_free(&t);
}

Test(gradient_table, a_last_line_cut_by_a_crash_is_left_out) {
    yti_gradient_table t = load(HEADER "0,1,0,a,weight,rms,1\n0,1,0,a,wei");
    cr_assert_eq(t.count, 1);
    yti_gradient_table_free(&t);
}

Test(gradient_table, what_is_no_table_is_refused_with_its_line) {
    refused("", ":1: there is no header");
    refused("epoch,kind,row,name,rms\n1,activation,0,Conv,3\n", ":1: there is no column \"step\"");
    refused(HEADER "0,1,0,a,weight,rms,1\n0,1,0,a,weight\n", ":3: is no row of numbers");
    refused(HEADER "x,1,0,a,weight,rms,1\n", ":2: is no row of numbers");
    refused(HEADER "0,1,0.5,a,weight,rms,1\n", ":2: is no row of numbers");
    refused(HEADER "0,1,0,a,weight,rms,much\n", ":2: is no row of numbers");
}

/* A table of a later program may measure more. */
Test(gradient_table, words_that_are_not_known_are_read_as_such) {
    yti_gradient_table t = load(HEADER "0,1,0,a,curvature,rms,1\n0,1,0,a,weight,skew,2\n0,1,0,a,weight,l2,3\n");
    cr_assert_eq(t.count, 3);
    cr_assert(t.rows[0].kind == YT_FLOW_KINDS && t.rows[0].stat == YT_FLOW_STAT_RMS);
    cr_assert(t.rows[1].kind == YT_FLOW_WEIGHT && t.rows[1].stat == YT_FLOW_STATS);
    cr_assert(t.rows[2].kind == YT_FLOW_WEIGHT && t.rows[2].stat == YT_FLOW_STAT_L2);
    yti_gradient_table_free(&t);
}

Test(gradient_table, what_is_written_is_read_back_for_every_kind_and_statistic) {
    FILE *file = fopen(test_folder_path("gradients.csv"), "w");
    cr_assert_not_null(file);
    fprintf(file, "%s\n", yti_gradient_table_header());
    for (int k = 0; k < YT_FLOW_KINDS; k++)
        for (int s = 0; s < YT_FLOW_STATS; s++) {
            const yti_gradient_row row = {(int64_t)1 << 40,
                                          7,
                                          k,
                                          "model.0.m.1",
                                          (yti_flow_kind)k,
                                          (yti_flow_stat)s,
                                          s ? 0.5 * s : -(double)INFINITY};
            yti_gradient_row_write(&row, file);
        }
    cr_assert_eq(fclose(file), 0);
    yti_gradient_table t;
    cr_assert_eq(yti_gradient_table_load(test_folder_path("gradients.csv"), &t, NULL), YT_OK);
    cr_assert_eq(t.count, (size_t)YT_FLOW_KINDS * YT_FLOW_STATS);
    for (size_t i = 0; i < t.count; i++) {
        const yti_gradient_row *r = &t.rows[i];
        const int k = (int)(i / YT_FLOW_STATS), s = (int)(i % YT_FLOW_STATS);
        cr_assert(r->step == (int64_t)1 << 40 && r->epoch == 7 && r->layer == k);
        cr_assert(r->kind == (yti_flow_kind)k && r->stat == (yti_flow_stat)s, "row %zu", i);
        cr_assert(s ? r->value == 0.5 * s : isinf(r->value) && r->value < 0);
        cr_assert_str_eq(r->name, "model.0.m.1");
    }
    yti_gradient_table_free(&t);
}
