/* verdict.c: from facts to a word. The limits and their sources are in limits.h.
 *
 *   non-finite                                              exploding
 *   mean low                                                vanishing
 *   ratio < vanishing, unless the update is not low         vanishing
 *   ratio > exploding and update or norm high               exploding
 *   ratio within flat                                       flat
 *   else                                                    decaying or growing, by the side of 1
 *
 * where ratio is first layer over last. A norm over its limit alone decides nothing: the loss of a detector is summed
 * over the batch, and healthy trainings pass 100.
 */
#include "gradients/verdict.h"
#include "base/text.h"
#include "gradients/limits.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *yti_verdict_word(yti_verdict verdict) {
    static const char *const words[] = {
#define VERDICT_WORD(code, word) word,
        YT_VERDICT_MAP(VERDICT_WORD)
#undef VERDICT_WORD
    };
    return words[verdict];
}

static double limit(yti_flow_limit_code which) {
    return yti_flow_limits()[which].value;
}

static bool is_tiny(const yti_flow_facts *f) {
    return f->first_to_last < limit(YT_LIMIT_VANISHING);
}

static bool is_huge(const yti_flow_facts *f) {
    return f->first_to_last > limit(YT_LIMIT_EXPLODING);
}

/* Comparisons with NaN, what was not measured, are false. */
static yti_verdict judge(const yti_flow_facts *f) {
    const double ratio = f->first_to_last;
    if (f->non_finite) return YT_VERDICT_EXPLODING;
    if (f->mean_abs < limit(YT_LIMIT_MEAN_LOW)) return YT_VERDICT_VANISHING;
    if (is_tiny(f) && !(f->update >= limit(YT_LIMIT_UPDATE_LOW))) return YT_VERDICT_VANISHING;
    if (!isfinite(ratio)) return YT_VERDICT_UNKNOWN;
    if (is_huge(f) && (f->update > limit(YT_LIMIT_UPDATE_HIGH) || f->norm > limit(YT_LIMIT_NORM_HIGH)))
        return YT_VERDICT_EXPLODING;
    if (ratio < 1 / limit(YT_LIMIT_FLAT)) return YT_VERDICT_DECAYING;
    return ratio > limit(YT_LIMIT_FLAT) ? YT_VERDICT_GROWING : YT_VERDICT_FLAT;
}

/* The limits on either side of the ratio. */
static void say_ratio(const yti_flow_facts *f, char *text, size_t room) {
    const double ratio = f->first_to_last, flat = limit(YT_LIMIT_FLAT);
    if (!isfinite(ratio)) return;
    yti_text_append(text, room, ": the first layer's gradient is %.3g times the last layer's", ratio);
    if (ratio < limit(YT_LIMIT_VANISHING))
        yti_text_append(text, room, ", below %g", limit(YT_LIMIT_VANISHING));
    else if (ratio < 1 / flat)
        yti_text_append(text, room, ", below %g but not below %g", 1 / flat, limit(YT_LIMIT_VANISHING));
    else if (ratio <= flat)
        yti_text_append(text, room, ", within a factor of %g", flat);
    else if (ratio <= limit(YT_LIMIT_EXPLODING))
        yti_text_append(text, room, ", above %g but not above %g", flat, limit(YT_LIMIT_EXPLODING));
    else
        yti_text_append(text, room, ", above %g", limit(YT_LIMIT_EXPLODING));
}

/* What passed its limit, and what would have had to. */
static void say_rest(const yti_flow_facts *f, char *text, size_t room) {
    const double low = limit(YT_LIMIT_UPDATE_LOW), high = limit(YT_LIMIT_UPDATE_HIGH);
    if (f->update < low)
        yti_text_append(text, room, "; its update is %.2g of its weights, below %g", f->update, low);
    else if (f->update > high)
        yti_text_append(text, room, "; its update is %.2g of its weights, above %g", f->update, high);
    else if (isfinite(f->update) && (is_tiny(f) || is_huge(f)))
        yti_text_append(text, room, "; its update is %.2g of its weights, within %g and %g", f->update, low, high);
    if (f->mean_abs < limit(YT_LIMIT_MEAN_LOW))
        yti_text_append(text, room, "; its mean |g| is %.2g, below %g", f->mean_abs, limit(YT_LIMIT_MEAN_LOW));
    if (is_huge(f) && isfinite(f->norm))
        yti_text_append(text, room, "; the norm of all gradients is %.3g, %s %g", f->norm,
                        f->norm > limit(YT_LIMIT_NORM_HIGH) ? "above" : "not above", limit(YT_LIMIT_NORM_HIGH));
}

yti_verdict yti_verdict_of(const yti_flow_facts *f, char *sentence, size_t room) {
    yti_verdict verdict = judge(f);
    snprintf(sentence, room, "%s", yti_verdict_word(verdict));
    if (f->non_finite) yti_text_append(sentence, room, ": a value became NaN or infinite by the end of the run");
    say_ratio(f, sentence, room);
    say_rest(f, sentence, room);
    return verdict;
}

static void say_interval(const char *name, yti_interval i, char *text, size_t room) {
    if (!isfinite(i.value)) {
        yti_text_append(text, room, "%s not measured", name);
        return;
    }
    yti_text_append(text, room, "%s %.4f", name, i.value);
    if (yti_interval_known(i)) yti_text_append(text, room, " [%.4f, %.4f]", i.low, i.high);
}

bool yti_verdict_compare(const yti_contrast *c, char *sentence, size_t room) {
    const bool paired = yti_interval_known(c->difference);
    const bool known = paired || (yti_interval_known(c->value) && yti_interval_known(c->other_value));
    const bool differ = paired ? c->difference.low > 0 || c->difference.high < 0
                               : known && !yti_intervals_overlap(c->value, c->other_value);
    snprintf(sentence, room, "%s: ", !known ? "unknown" : differ ? "different" : "no difference");
    say_interval(c->name, c->value, sentence, room);
    yti_text_append(sentence, room, ", ");
    say_interval(c->other, c->other_value, sentence, room);
    if (paired)
        say_interval("; difference", c->difference, sentence, room);
    else
        yti_text_append(sentence, room, "%s",
                        !known   ? "; fewer than two seeds have both"
                        : differ ? "; intervals apart"
                                 : "; intervals overlap");
    return differ;
}
