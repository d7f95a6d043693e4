/* Tests of src/base: status, activation names, random streams. */
#include "base/activation.h"
#include "base/rng.h"
#include "base/status.h"
#include "support/near.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

Test(status, a_place_goes_in_front_of_the_message) {
    yt_err err;
    cr_assert_eq(yti_fail_at(&err, YT_ERR_DATA, "labels/a.txt", 7, "class %d", 9), YT_ERR_DATA);
    cr_assert_str_eq(err.text, "labels/a.txt:7: class 9");
    cr_assert_eq(yti_fail_at(&err, YT_ERR_IO, "a.jpg", 0, "is gone"), YT_ERR_IO);
    cr_assert_str_eq(err.text, "a.jpg: is gone");
    cr_assert_eq(yt_fail(NULL, YT_ERR_IO, "nobody listens"), YT_ERR_IO);
}

Test(status, control_characters_of_a_file_do_not_get_into_a_message) {
    yt_err err;
    yt_fail(&err, YT_ERR_SYNTAX, "type %s", "\033]0;title\a\n\177Stra\xC3\x9F");
    cr_assert_str_eq(err.text, "type ?]0;title???Stra\xC3\x9F");
    yti_fail_at(&err, YT_ERR_SYNTAX, "a\tb", 2, "%s", "c\r");
    cr_assert_str_eq(err.text, "a?b:2: c?");
}

Test(activation, names_of_a_model_yaml_are_understood) {
    yti_activation act = {0};
    cr_assert_eq(yti_activation_parse("nn.SiLU()", &act), 0);
    cr_assert_eq(act.kind, YT_ACT_SILU);
    cr_assert_eq(yti_activation_parse("torch.nn.LeakyReLU(0.1)", &act), 0);
    cr_assert_eq(act.kind, YT_ACT_LEAKY_RELU);
    cr_assert(test_near((double)act.slope, 0.1, 1e-7));
    cr_assert_eq(yti_activation_parse("nn.Hardswish()", &act), 0);
    cr_assert_eq(act.kind, YT_ACT_HARDSWISH);
    cr_assert_eq(yti_activation_parse("nn.Swish()", &act), -1);
    cr_assert_eq(yti_activation_find("tanh"), YT_ACT_TANH);
    cr_assert_eq(yti_activation_find("SILU"), -1);
}

/* Known answers of the authors' Random123 distribution (kat_vectors, philox4x32 10): counter and key all zero. */
Test(rng, philox_gives_the_published_words) {
    yti_rng rng = {.used = 4};
    cr_assert_eq(yti_rng_u32(&rng), 0x6627e8d5u);
    cr_assert_eq(yti_rng_u32(&rng), 0xe169c58du);
    cr_assert_eq(yti_rng_u32(&rng), 0xbc57ac4cu);
    cr_assert_eq(yti_rng_u32(&rng), 0x9b00dbd8u);
}

Test(rng, streams_differ_and_repeat) {
    yti_rng a = yti_rng_make(1, 2, 3, YT_RNG_TEST), b = yti_rng_make(1, 2, 3, YT_RNG_TEST);
    yti_rng c = yti_rng_make(1, 2, 4, YT_RNG_TEST), d = yti_rng_make(1, 3, 3, YT_RNG_TEST);
    uint32_t first = yti_rng_u32(&a);
    cr_assert_eq(first, yti_rng_u32(&b));
    cr_assert_neq(first, yti_rng_u32(&c));
    cr_assert_neq(first, yti_rng_u32(&d));
}

Test(rng, moments_are_those_of_the_distribution) {
    yti_rng rng = yti_rng_make(0, 0, 0, YT_RNG_TEST);
    double sum = 0, square = 0, normal = 0, normal_square = 0;
    int below[3] = {0};
    enum { N = 30000 };
    for (int i = 0; i < N; i++) {
        double u = yti_rng_unit(&rng), g = yti_rng_normal(&rng);
        cr_assert(u >= 0 && u < 1);
        sum += u, square += u * u, normal += g, normal_square += g * g;
        below[yti_rng_below(&rng, 3)]++;
    }
    cr_assert(test_near(sum / N, 0.5, 0.01));
    cr_assert(test_near(square / N, 1.0 / 3, 0.01));
    cr_assert(test_near(normal / N, 0, 0.03));
    cr_assert(test_near(normal_square / N, 1, 0.04));
    for (int i = 0; i < 3; i++) cr_assert(test_near(below[i] / (double)N, 1.0 / 3, 0.015));
}

/* "a" by the published test vectors of 64-bit FNV-1a; the float whose pattern is 0x61 is one item of the same value. */
Test(rng, hashes_are_those_of_fnv) {
    const uint32_t pattern = 0x61;
    float values[2] = {0, 0};
    memcpy(values, &pattern, sizeof pattern);
    cr_assert_eq(yti_hash64("a", 1), 0xaf63dc4c8601ec8cu);
    cr_assert_eq(yti_hash64_floats(values, 1), 0xaf63dc4c8601ec8cu);
    const uint64_t both = yti_hash64_floats(values, 2);
    values[1] = -0.0f;
    cr_assert_neq(yti_hash64_floats(values, 2), both, "the sign of a zero counts");
}
