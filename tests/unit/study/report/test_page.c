/* Tests of src/study/report/page.c and gnuplot.c: texts from outside are shown and never acted on. */
#include "base/file.h"
#include "study/report/gnuplot.h"
#include "study/report/page.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(page, .init = test_folder_make, .fini = test_folder_remove);

static void written(void (*write)(FILE *, const char *), const char *text, const char *want) {
    char *got = NULL;
    size_t bytes;
    FILE *out = open_memstream(&got, &bytes);
    cr_assert_not_null(out);
    write(out, text);
    fclose(out);
    cr_assert_str_eq(got, want);
    free(got);
}

Test(page, marks_of_html_are_written_as_text) {
    written(study_html_text, "<b>&\"'\x01", "&lt;b&gt;&amp;&quot;&#39;?");
    written(study_html_text, "plain+nobn \xc3\xa4", "plain+nobn \xc3\xa4");
}

Test(page, strings_of_gnuplot_end_where_they_should) {
    written(study_gnuplot_text, "it's", "'it''s'");
    written(study_gnuplot_text, "a\nb", "'a?b'");
    written(study_gnuplot_text, "\\", "'\\'");
}

/* The program itself reads it: nothing is substituted, nothing is run, and the text is in the image. */
Test(page, gnuplot_shows_a_hostile_name_and_does_nothing_with_it) {
    char why[256];
    if (!study_gnuplot_works(why, sizeof why)) cr_skip_test("%s", why);
    test_folder_write_text("it's `touch x`/figures.gp", "");
    const char *folder = test_folder_path("it's `touch x`");
    char path[512];
    snprintf(path, sizeof path, "%s/figures.gp", folder);
    FILE *script = fopen(path, "w");
    cr_assert_not_null(script);
    fprintf(script, "set terminal svg noenhanced\nset output 'a.svg'\nplot x title ");
    study_gnuplot_text(script, "a' ; system 'touch made' # `touch made` @made {/:Bold b} <i>");
    fprintf(script, "\n");
    fclose(script);
    yt_err err = {.text = ""};
    cr_assert_eq(study_gnuplot_run(folder, "figures.gp", &err), YT_OK, "%s", err.text);
    snprintf(path, sizeof path, "%s/made", folder);
    cr_assert(!yti_path_exists(path));
    snprintf(path, sizeof path, "%s/a.svg", folder);
    char *svg;
    size_t bytes;
    cr_assert_eq(yti_file_read(path, 1 << 24, &svg, &bytes, &err), YT_OK, "%s", err.text);
    cr_assert(strstr(svg, "a' ; system 'touch made' # `touch made` @made {/:Bold b} &lt;i>"));
    free(svg);
}

Test(page, a_script_that_fails_is_an_error_that_says_why) {
    char why[256];
    if (!study_gnuplot_works(why, sizeof why)) cr_skip_test("%s", why);
    test_folder_write_text("figures.gp", "plot 'nothing.dat'\n");
    yt_err err = {.text = ""};
    cr_assert_eq(study_gnuplot_run(test_folder_path(""), "figures.gp", &err), YT_ERR_IO);
    cr_assert(strstr(err.text, "figures.gp: gnuplot failed: "), "%s", err.text);
    cr_assert(strstr(err.text, "nothing.dat"), "%s", err.text);
}

Test(page, without_the_program_the_sentence_says_what_to_install) {
    cr_assert_eq(setenv("PATH", "/nonexistent", 1), 0);
    char why[256];
    cr_assert(!study_gnuplot_works(why, sizeof why));
    cr_assert(strstr(why, "apt-get install gnuplot-nox"), "%s", why);
}
