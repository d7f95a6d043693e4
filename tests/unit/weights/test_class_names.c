/* Tests of src/weights/class_names.c: which class of a data set a class of the weights is. */
#include "weights/class_names.h"

#include <criterion/criterion.h>
#include <string.h>

enum { MOST = 8 };

/* expected: class of the set for each of the weights; NULL: refused. said: part of the note or the refusal, "" for
 * none. */
static void expect(const char *const *weights, const char *const *set, const int *expected, const char *said) {
    int n_weights = 0, n_set = 0, map[MOST];
    char note[512];
    yt_err err = {.text = ""};
    while (weights[n_weights]) n_weights++;
    while (set[n_set]) n_set++;
    const yt_status status = yti_match_classes(weights, n_weights, set, n_set, map, note, sizeof note, &err);
    cr_assert_eq(status, expected ? YT_OK : YT_ERR_MISMATCH, "%s", err.text);
    const char *text = expected ? note : err.text;
    cr_assert(*said ? strstr(text, said) != NULL : !*text, "'%s' does not say '%s'", text, said);
    for (int w = 0; expected && w < n_weights; w++) cr_assert_eq(map[w], expected[w], "class %d: %d", w, map[w]);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define MAP(...)  ((const int[]){__VA_ARGS__})

Test(class_names, the_same_names_in_place_are_the_same_classes) {
    expect(LIST("cat", "dog"), LIST("cat", "dog"), MAP(0, 1), "");
    expect(LIST("cat", "dog"), LIST("Cat ", " DOG"), MAP(0, 1), "");
    expect(LIST("a", "a"), LIST("a", "a"), MAP(0, 1), "");
}

Test(class_names, another_order_is_matched_by_name) {
    expect(LIST("cat", "dog", "cow"), LIST("dog", "cow", "cat"), MAP(2, 0, 1),
           "classes are matched by name: 'dog', class 0 of the data set, is 1 in the weights");
}

Test(class_names, more_and_fewer_classes_are_matched_by_name) {
    expect(LIST("cat", "dog", "cow"), LIST("cow", "dog"), MAP(-1, 1, 0),
           "the 1 other classes of the weights is left out");
    expect(LIST("cat", "dog"), LIST("cow", "dog", "cat"), MAP(2, 1), "'cow' is unknown to the weights");
    expect(LIST("cat"), LIST("cow", "dog", "cat"), MAP(2), "'cow' and 1 more are unknown to the weights");
    expect(LIST("cat", "dog"), LIST("cat", "dog", "cow"), MAP(0, 1), "'cow' is unknown to the weights");
}

Test(class_names, one_renamed_class_is_named_and_taken_by_number) {
    expect(LIST("cat", "dog", "cow"), LIST("cat", "hound", "cow"), MAP(0, 1, 2),
           "taken by number: class 1 is 'hound' in the data set and 'dog' in the weights");
    expect(LIST("cat", "dog"), LIST("x", "y"), MAP(0, 1), "class 0 is 'x' in the data set and 'cat' in the weights");
}

Test(class_names, numbers_in_the_place_of_names_say_nothing) {
    expect(LIST("class_0", "class_1"), LIST("cat", "dog"), MAP(0, 1), "");
    expect(LIST("cat", "dog"), LIST("0", "1"), MAP(0, 1), "");
    expect(LIST("class_0", "class_1"), LIST("cat"), NULL, "has 1 classes, but the weights know 2");
}

Test(class_names, what_cannot_be_matched_is_refused) {
    expect(LIST("cat", "dog"), LIST("x", "y", "z"), NULL,
           "has 3 classes, but the weights know 2, and none of the same name");
    expect(LIST("cat", "dog", "dog"), LIST("dog", "cat"), NULL, "'dog' stands twice");
    expect(LIST("dog", "cat", "dog"), LIST("cat", "dog", "cow"), MAP(0, 1, 2), "a name stands twice");
}
