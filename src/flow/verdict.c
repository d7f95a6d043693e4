/* verdict.c: from facts to a word. The limits and their sources stand in verdict.h.
 *
 *   non-finite                                   exploding
 *   ratio < vanishing and (update or mean low)   vanishing      mean low   vanishing
 *   ratio > exploding and (update or norm high)  exploding
 *   ratio within flat                            flat
 *   else                                         decaying or growing, by the side of 1
 *
 * where ratio is first layer over last. A norm over its limit alone decides nothing: the loss of a detector is
 * summed over the batch, and healthy trainings pass 100.
 */
#include "yt/verdict.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const yt_verdict_limit *yt_verdict_limits(void) {
    static const yt_verdict_limit rows[] = {
#define LIMIT_ROW(code, name, value, meaning, source) {name, value, meaning, source},
        YT_VERDICT_LIMIT_MAP(LIMIT_ROW)
#undef LIMIT_ROW
    };
    return rows;
}

const char *yt_verdict_word(yt_verdict verdict) {
    static const char *const words[] = {
#define VERDICT_WORD(code, word) word,
        YT_VERDICT_MAP(VERDICT_WORD)
#undef VERDICT_WORD
    };
    return words[verdict];
}

static double limit(yt_verdict_limit_code which) {
    return yt_verdict_limits()[which].value;
}

static void say(char *text, size_t room, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(char *text, size_t room, const char *format, ...) {
    size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, room - used, format, args);
    va_end(args);
}

/* Comparisons with NaN, what was not measured, are false. */
static yt_verdict judge(const yt_flow_facts *f) {
    const double ratio = f->first_to_last;
    const bool mean_low = f->mean_abs < limit(YT_LIMIT_MEAN_LOW);
    if (f->non_finite) return YT_VERDICT_EXPLODING;
    if (mean_low || (ratio < limit(YT_LIMIT_VANISHING) && f->update < limit(YT_LIMIT_UPDATE_LOW)))
        return YT_VERDICT_VANISHING;
    if (!isfinite(ratio)) return YT_VERDICT_UNKNOWN;
    if (ratio > limit(YT_LIMIT_EXPLODING) &&
        (f->update > limit(YT_LIMIT_UPDATE_HIGH) || f->norm > limit(YT_LIMIT_NORM_HIGH)))
        return YT_VERDICT_EXPLODING;
    if (ratio < 1 / limit(YT_LIMIT_FLAT)) return YT_VERDICT_DECAYING;
    return ratio > limit(YT_LIMIT_FLAT) ? YT_VERDICT_GROWING : YT_VERDICT_FLAT;
}

/* The limits on either side of the ratio. */
static void say_ratio(const yt_flow_facts *f, char *text, size_t room) {
    const double ratio = f->first_to_last, flat = limit(YT_LIMIT_FLAT);
    if (!isfinite(ratio)) return;
    say(text, room, ": the first layer's gradient is %.3g of the last layer's", ratio);
    if (ratio < limit(YT_LIMIT_VANISHING))
        say(text, room, ", below %g", limit(YT_LIMIT_VANISHING));
    else if (ratio < 1 / flat)
        say(text, room, ", below %g but not below %g", 1 / flat, limit(YT_LIMIT_VANISHING));
    else if (ratio <= flat)
        say(text, room, ", within a factor of %g", flat);
    else if (ratio <= limit(YT_LIMIT_EXPLODING))
        say(text, room, ", above %g but not above %g", flat, limit(YT_LIMIT_EXPLODING));
    else
        say(text, room, ", above %g", limit(YT_LIMIT_EXPLODING));
}

static void say_between(const char *what, double value, double low, double high, char *text, size_t room) {
    if (!isfinite(value)) return;
    say(text, room, "; %s %.3g", what, value);
    if (value < low)
        say(text, room, " is below %g", low);
    else if (value > high)
        say(text, room, " is above %g", high);
    else if (low > 0)
        say(text, room, " is not below %g", low);
    else
        say(text, room, " is not above %g", high);
}

yt_verdict yt_verdict_of(const yt_flow_facts *f, char *sentence, size_t room) {
    yt_verdict verdict = judge(f);
    snprintf(sentence, room, "%s", yt_verdict_word(verdict));
    if (f->non_finite) say(sentence, room, ": a value became NaN or infinite");
    say_ratio(f, sentence, room);
    say_between("update : weight of the first layer", f->update, limit(YT_LIMIT_UPDATE_LOW),
                limit(YT_LIMIT_UPDATE_HIGH), sentence, room);
    say_between("mean |g| of the first layer", f->mean_abs, limit(YT_LIMIT_MEAN_LOW), (double)INFINITY,
                sentence, room);
    say_between("norm of all gradients", f->norm, 0, limit(YT_LIMIT_NORM_HIGH), sentence, room);
    return verdict;
}

static void say_interval(const char *name, yt_interval i, char *text, size_t room) {
    say(text, room, "%s %.4f", name, i.value);
    if (yt_interval_known(i)) say(text, room, " [%.4f, %.4f]", i.low, i.high);
}

bool yt_verdict_compare(const char *name, yt_interval value, const char *other, yt_interval other_value,
                        char *sentence, size_t room) {
    const bool known = yt_interval_known(value) && yt_interval_known(other_value);
    const bool differ = known && !yt_intervals_overlap(value, other_value);
    snprintf(sentence, room, "%s: ", !known ? "unknown" : differ ? "different" : "no difference");
    say_interval(name, value, sentence, room);
    say(sentence, room, ", ");
    say_interval(other, other_value, sentence, room);
    say(sentence, room, "%s",
        !known   ? "; an interval is missing"
        : differ ? "; intervals apart"
                 : "; intervals overlap");
    return differ;
}
