/* modules.c: the composite modules of the family (spec architecture 3), written as the network reads, and the
 * table of the forms they take in a model YAML.
 *
 * A split costs nothing: a concatenation takes the whole of cv1's output where the paper writes its two
 * halves. The shortcut of a block is added inside its last normalisation pass. Roads that a cut takes away
 * (ablation.h) take their weights with them: what is left has no tensor that nothing reads.
 */
#include "model/build.h"

#include "yt/file.h"

#include <string.h>

/* ---- blocks ---- */

typedef struct bottleneck_opts {
    bool shortcut;
    int groups, kernel1, kernel2;
    double expansion;
} bottleneck_opts;

static yt_value bottleneck(yt_builder *b, yt_value x, yt_path at, int c2, bottleneck_opts o) {
    const bool add = o.shortcut && yti_channels(b, x) == c2 && b->cut < YT_CUT_ADD;
    const int hidden = (int)(c2 * o.expansion);
    yt_value h = yti_conv(b, x, yti_sub(at, "cv1"), hidden, o.kernel1, (yt_conv_opts){0});
    h = yti_conv(b, h, yti_sub(at, "cv2"), c2, o.kernel2,
                 (yt_conv_opts){.groups = o.groups, .shortcut = add ? &x : NULL});
    return yti_block(b, at, h);
}

/* C3 (kernel1 = 1, kernel2 = 3) and C3k (both k): two paths, one through a chain of bottlenecks. */
static yt_value c3(yt_builder *b, yt_value x, yt_path at, int c2, int n, double expansion,
                   bottleneck_opts inner) {
    const int hidden = (int)(c2 * expansion);
    inner.expansion = 1.0;
    const bool bypassed = b->cut < YT_CUT_CSP;
    yt_value chain = yti_conv(b, x, yti_sub(at, "cv1"), hidden, 1, (yt_conv_opts){0}), bypass = 0;
    if (bypassed) bypass = yti_conv(b, x, yti_sub(at, "cv2"), hidden, 1, (yt_conv_opts){0});
    for (int i = 0; i < n && b->status == YT_OK; i++)
        chain = bottleneck(b, chain, yti_sub(at, "m.%d", i), hidden, inner);
    if (bypassed) chain = yti_concat(b, (const yt_value[]){chain, bypass}, 2, yti_sub(at, "cat"));
    return yti_conv(b, chain, yti_sub(at, "cv3"), c2, 1, (yt_conv_opts){0});
}

/* Attention (3.9) with the shortcut around it when residual is set. */
static yt_value attention(yt_builder *b, yt_value x, yt_path at, int heads, bool residual) {
    const int dim = yti_channels(b, x);
    if (b->status != YT_OK) return 0;
    if (heads < 1 || dim % heads)
        return yti_fail(b, "attention over %d channels in %d heads; they must divide evenly", dim, heads);
    const int head_dim = dim / heads, key_dim = head_dim / 2, per_head = 2 * key_dim + head_dim;
    if (key_dim < 1 || heads > YT_MAX_SOURCES)
        return yti_fail(b, "attention over %d channels in %d heads is too thin", dim, heads);
    yt_value qkv =
        yti_conv(b, x, yti_sub(at, "qkv"), dim + 2 * key_dim * heads, 1, (yt_conv_opts){.no_act = true});
    yt_value per_head_values[YT_MAX_SOURCES];
    for (int i = 0; i < heads; i++)
        per_head_values[i] = yti_slice(b, qkv, yti_sub(at, "v.%d", i), i * per_head + 2 * key_dim, head_dim);
    yt_value v = yti_concat(b, per_head_values, heads, yti_sub(at, "v"));
    yt_value o = yti_attention(b, qkv, yti_sub(at, "softmax"), heads, key_dim, head_dim);
    yt_value position = yti_conv(b, v, yti_sub(at, "pe"), dim, 3,
                                 (yt_conv_opts){.groups = dim, .no_act = true, .shortcut = &o});
    return yti_conv(b, position, yti_sub(at, "proj"), dim, 1,
                    (yt_conv_opts){.no_act = true, .shortcut = residual ? &x : NULL});
}

static yt_value psa_block(yt_builder *b, yt_value x, yt_path at, int heads) {
    const bool add = b->cut < YT_CUT_ADD;
    const int c = yti_channels(b, x);
    yt_value attended = attention(b, x, yti_sub(at, "attn"), heads, add);
    yt_value hidden = yti_conv(b, attended, yti_sub(at, "ffn.0"), 2 * c, 1, (yt_conv_opts){0});
    hidden = yti_conv(b, hidden, yti_sub(at, "ffn.1"), c, 1,
                      (yt_conv_opts){.no_act = true, .shortcut = add ? &attended : NULL});
    return yti_block(b, at, hidden);
}

typedef enum inner_kind { INNER_BOTTLENECK, INNER_C3K, INNER_ATTENTION } inner_kind;

/* One inner module of C3k2 (3.7). */
static yt_value c3k2_inner(yt_builder *b, yt_value x, yt_path at, int c, inner_kind kind, bottleneck_opts o) {
    o.kernel1 = o.kernel2 = 3;
    switch (kind) {
    case INNER_C3K:
        return yti_block(b, at, c3(b, x, at, c, 2, 0.5, o));
    case INNER_ATTENTION: {
        yt_value h = bottleneck(b, x, yti_sub(at, "0"), c, o);
        return psa_block(b, h, yti_sub(at, "1"), c / 64 > 1 ? c / 64 : 1);
    }
    case INNER_BOTTLENECK:
        break;
    }
    return bottleneck(b, x, at, c, o);
}

/* C2f (3.4) and C3k2: both halves of cv1 and the output of every inner module go side by side into cv2. */
static yt_value c2f(yt_builder *b, yt_value x, yt_path at, int c2, int n, double expansion, inner_kind kind,
                    bottleneck_opts inner) {
    const int c = (int)(c2 * expansion);
    if (n + 1 > YT_MAX_SOURCES) return yti_fail(b, "%d repeats; at most %d work", n, YT_MAX_SOURCES - 1);
    const bool bypassed = b->cut < YT_CUT_CSP;
    yt_value parts[YT_MAX_SOURCES];
    yt_value h = parts[0] = yti_conv(b, x, yti_sub(at, "cv1"), bypassed ? 2 * c : c, 1, (yt_conv_opts){0});
    if (bypassed) h = yti_slice(b, parts[0], yti_sub(at, "split"), c, c);
    for (int i = 0; i < n && b->status == YT_OK; i++)
        parts[i + 1] = h = c3k2_inner(b, h, yti_sub(at, "m.%d", i), c, kind, inner);
    if (bypassed) h = yti_concat(b, parts, n + 1, yti_sub(at, "cat"));
    return yti_conv(b, h, yti_sub(at, "cv2"), c2, 1, (yt_conv_opts){0});
}

/* SPPF (3.8); `active`: cv1 has an activation. */
static yt_value sppf(yt_builder *b, yt_value x, yt_path at, int c2, int kernel, int n, bool shortcut,
                     bool active) {
    const int c1 = yti_channels(b, x);
    const bool add = shortcut && c1 == c2 && b->cut < YT_CUT_ADD;
    if (n < 1 || n + 1 > YT_MAX_SOURCES)
        return yti_fail(b, "%d poolings; 1 to %d work", n, YT_MAX_SOURCES - 1);
    yt_value parts[YT_MAX_SOURCES];
    parts[0] = yti_conv(b, x, yti_sub(at, "cv1"), c1 / 2, 1, (yt_conv_opts){.no_act = !active});
    for (int i = 0; i < n; i++) parts[i + 1] = yti_maxpool(b, parts[i], yti_sub(at, "pool.%d", i), kernel);
    yt_value all = yti_concat(b, parts, n + 1, yti_sub(at, "cat"));
    return yti_conv(b, all, yti_sub(at, "cv2"), c2, 1, (yt_conv_opts){.shortcut = add ? &x : NULL});
}

static yt_value c2psa(yt_builder *b, yt_value x, yt_path at, int c2, int n, double expansion) {
    const int c = (int)(c2 * expansion);
    const bool bypassed = b->cut < YT_CUT_CSP;
    const yt_value in = yti_conv(b, x, yti_sub(at, "cv1"), bypassed ? 2 * c : c, 1, (yt_conv_opts){0});
    yt_value bypass = 0, h = in;
    if (bypassed) {
        bypass = yti_slice(b, in, yti_sub(at, "split.0"), 0, c);
        h = yti_slice(b, in, yti_sub(at, "split.1"), c, c);
    }
    for (int i = 0; i < n && b->status == YT_OK; i++)
        h = psa_block(b, h, yti_sub(at, "m.%d", i), c / 64 > 1 ? c / 64 : 1);
    if (bypassed) h = yti_concat(b, (const yt_value[]){bypass, h}, 2, yti_sub(at, "cat"));
    return yti_conv(b, h, yti_sub(at, "cv2"), c2, 1, (yt_conv_opts){0});
}

/* ---- their forms in a YAML ---- */

/* A row being built: its arguments are read by position, with the module's defaults. */
typedef struct row_form {
    const char *module;
    const yt_yaml_node *args;
    const yt_value *from;
    int n_from, repeats;
    yt_path at;
} row_form;

static const yt_yaml_node *arg_at(const row_form *f, size_t i) {
    return f->args && i < f->args->count && !yt_yaml_is_null(f->args->items[i]) ? f->args->items[i] : NULL;
}

static int arg_int(yt_builder *b, const row_form *f, size_t i, int fallback) {
    const yt_yaml_node *node = arg_at(f, i);
    int64_t value;
    if (!node) return fallback;
    if (yt_yaml_int(node, &value) && value > -(1 << 24) && value < 1 << 24) return (int)value;
    return yti_fail(b, "argument %zu of %s is not a whole number", i + 1, f->module);
}

static bool arg_bool(yt_builder *b, const row_form *f, size_t i, bool fallback) {
    const yt_yaml_node *node = arg_at(f, i);
    bool value;
    if (!node) return fallback;
    if (yt_yaml_bool(node, &value)) return value;
    return yti_fail(b, "argument %zu of %s is not True or False", i + 1, f->module);
}

static double arg_double(yt_builder *b, const row_form *f, size_t i, double fallback) {
    const yt_yaml_node *node = arg_at(f, i);
    double value;
    if (!node) return fallback;
    if (yt_yaml_double(node, &value) && value > 0 && value <= 8) return value;
    return yti_fail(b, "argument %zu of %s is not a number between 0 and 8", i + 1, f->module);
}

/* The first argument: channels before scaling (spec architecture 1.4). */
static int arg_channels(yt_builder *b, const row_form *f) {
    const yt_yaml_node *node = arg_at(f, 0);
    int64_t base;
    if (!node || !yt_yaml_int(node, &base) || base < 1 || base > 1 << 16)
        return yti_fail(b, "the first argument of %s is its number of channels, 1 to %d", f->module, 1 << 16);
    double scaled = ((double)base < b->max_channels ? (double)base : b->max_channels) * b->width;
    int c = (int)scaled;
    if ((double)c < scaled) c++; /* ceil */
    return (c + 7) / 8 * 8;
}

static yt_value form_conv(yt_builder *b, const row_form *f) {
    yt_conv_opts o = {
        .stride = arg_int(b, f, 2, 1), .groups = arg_int(b, f, 4, 1), .dilation = arg_int(b, f, 5, 1)};
    o.has_pad = arg_at(f, 3) != NULL;
    o.pad = arg_int(b, f, 3, 0);
    const yt_yaml_node *act = arg_at(f, 6);
    yt_activation given;
    bool flag;
    if (act && yt_yaml_bool(act, &flag))
        o.no_act = !flag;
    else if (act && act->text && yt_activation_parse(act->text, &given) == 0)
        o.act = &given;
    else if (act)
        yti_fail(b, "argument 7 of Conv is True, False or an activation such as nn.ReLU()");
    return yti_conv(b, f->from[0], f->at, arg_channels(b, f), arg_int(b, f, 1, 1), o);
}

static int greatest_common_divisor(int a, int c) {
    while (c) {
        int rest = a % c;
        a = c;
        c = rest;
    }
    return a;
}

static yt_value form_dwconv(yt_builder *b, const row_form *f) {
    const int c2 = arg_channels(b, f);
    yt_conv_opts o = {.stride = arg_int(b, f, 2, 1),
                      .dilation = arg_int(b, f, 3, 1),
                      .no_act = !arg_bool(b, f, 4, true),
                      .groups = greatest_common_divisor(yti_channels(b, f->from[0]), c2)};
    return yti_conv(b, f->from[0], f->at, c2, arg_int(b, f, 1, 1), o);
}

static yt_value form_bottleneck(yt_builder *b, const row_form *f) {
    return bottleneck(b, f->from[0], f->at, arg_channels(b, f),
                      (bottleneck_opts){.shortcut = arg_bool(b, f, 1, true),
                                        .groups = arg_int(b, f, 2, 1),
                                        .kernel1 = 3,
                                        .kernel2 = 3,
                                        .expansion = arg_double(b, f, 4, 0.5)});
}

static yt_value form_c2f(yt_builder *b, const row_form *f) {
    return c2f(b, f->from[0], f->at, arg_channels(b, f), f->repeats, arg_double(b, f, 3, 0.5),
               INNER_BOTTLENECK,
               (bottleneck_opts){
                   .shortcut = arg_bool(b, f, 1, false), .groups = arg_int(b, f, 2, 1), .expansion = 1.0});
}

static yt_value form_c3(yt_builder *b, const row_form *f) {
    return c3(
        b, f->from[0], f->at, arg_channels(b, f), f->repeats, arg_double(b, f, 3, 0.5),
        (bottleneck_opts){
            .shortcut = arg_bool(b, f, 1, true), .groups = arg_int(b, f, 2, 1), .kernel1 = 1, .kernel2 = 3});
}

static yt_value form_c3k(yt_builder *b, const row_form *f) {
    const int kernel = arg_int(b, f, 5, 3), n = arg_int(b, f, 1, 1);
    if (n < 1 || n > 100) return yti_fail(b, "%d bottlenecks in a C3k; 1 to 100 work", n);
    return c3(b, f->from[0], f->at, arg_channels(b, f), n, arg_double(b, f, 4, 0.5),
              (bottleneck_opts){.shortcut = arg_bool(b, f, 2, true),
                                .groups = arg_int(b, f, 3, 1),
                                .kernel1 = kernel,
                                .kernel2 = kernel});
}

static yt_value form_c3k2(yt_builder *b, const row_form *f) {
    const bool large =
        b->scale && strchr("mlx", b->scale); /* these scales always use C3k (spec architecture 1.4) */
    const bool attn = arg_bool(b, f, 3, false), c3k = arg_bool(b, f, 1, false) || large;
    b->legacy_head = false;
    return c2f(b, f->from[0], f->at, arg_channels(b, f), f->repeats, arg_double(b, f, 2, 0.5),
               attn  ? INNER_ATTENTION
               : c3k ? INNER_C3K
                     : INNER_BOTTLENECK,
               (bottleneck_opts){
                   .shortcut = arg_bool(b, f, 5, true), .groups = arg_int(b, f, 4, 1), .expansion = 0.5});
}

/* The short form, [1024, 5] of YOLOv5 to 11, has an activation in cv1; the long one, [1024, 5, 3, True] of YOLO26, has
 * none. Releases 8.4.0 to 8.4.140 of the family left it out of both, so weights may say otherwise. */
static yt_value form_sppf(yt_builder *b, const row_form *f) {
    enum { SHORT_FORM = 2 };
    const int chosen = b->model->options.sppf_activation;
    const bool short_form = !f->args || f->args->count <= SHORT_FORM;
    return sppf(b, f->from[0], f->at, arg_channels(b, f), arg_int(b, f, 1, 5), arg_int(b, f, 2, 3),
                arg_bool(b, f, 3, false), chosen < 0 ? short_form : chosen > 0);
}

static yt_value form_c2psa(yt_builder *b, const row_form *f) {
    const int c2 = arg_channels(b, f);
    if (b->status == YT_OK && yti_channels(b, f->from[0]) != c2)
        return yti_fail(b, "C2PSA gives %d channels but is given %d; they must be equal", c2,
                        yti_channels(b, f->from[0]));
    return c2psa(b, f->from[0], f->at, c2, f->repeats, arg_double(b, f, 1, 0.5));
}

static yt_value form_upsample(yt_builder *b, const row_form *f) {
    const yt_yaml_node *mode = arg_at(f, 2);
    const int factor = arg_int(b, f, 1, 2);
    if (arg_at(f, 0)) return yti_fail(b, "nn.Upsample to a fixed size is not known; use [None, 2, nearest]");
    if (mode && (!mode->text || strcmp(mode->text, "nearest") != 0))
        return yti_fail(b, "nn.Upsample knows only the mode nearest");
    if (factor < 1 || factor > 8) return yti_fail(b, "nn.Upsample by %d; 1 to 8 work", factor);
    return yti_upsample(b, f->from[0], f->at, factor);
}

static yt_value form_concat(yt_builder *b, const row_form *f) {
    const int dimension = arg_int(b, f, 0, 1);
    if (dimension != 1) return yti_fail(b, "Concat along dimension %d; only channels (1) work", dimension);
    if (b->cut < YT_CUT_LATERAL) return yti_concat(b, f->from, f->n_from, f->at);
    yt_value latest = f->from[0];
    for (int i = 1; i < f->n_from; i++)
        if (f->from[i] > latest) latest = f->from[i];
    return yti_concat(b, &latest, 1, f->at);
}

static yt_value form_detect(yt_builder *b, const row_form *f) {
    const yt_yaml_node *nc = arg_at(f, 0);
    int64_t number;
    if (nc && nc->text && strcmp(nc->text, "nc") != 0 &&
        !(yt_yaml_int(nc, &number) && number == b->model->n_classes))
        return yti_fail(b, "the argument of Detect is nc, the number of classes");
    yti_build_detect(b, f->at, f->from, f->n_from);
    return -1;
}

/* How a module takes its row. */
static const struct form {
    const char *module;
    yt_value (*build)(yt_builder *b, const row_form *f);
    bool takes_repeats; /* the repeats are an argument of one module; else the row becomes a chain */
    bool many_sources;
} forms[] = {
    {"Conv", form_conv, false, false},
    {"DWConv", form_dwconv, false, false},
    {"Bottleneck", form_bottleneck, false, false},
    {"C2f", form_c2f, true, false},
    {"C3", form_c3, true, false},
    {"C3k", form_c3k, false, false},
    {"C3k2", form_c3k2, true, false},
    {"SPPF", form_sppf, false, false},
    {"C2PSA", form_c2psa, true, false},
    {"nn.Upsample", form_upsample, false, false},
    {"Concat", form_concat, false, true},
    {"Detect", form_detect, false, true},
};
enum { N_FORMS = sizeof forms / sizeof forms[0] };

static void unknown_module(yt_builder *b, const char *module) {
    if (b->model->options.described_in) { /* no slip of a pen, so nothing was meant instead */
        yti_fail(b, "the module %s is not known", module);
        return;
    }
    const char *known[N_FORMS];
    for (int i = 0; i < N_FORMS; i++) known[i] = forms[i].module;
    const char *nearest = yt_nearest_word(module, known, N_FORMS);
    yti_fail(
        b, "unknown module '%s'%s%s%s", module, nearest ? "; did you mean " : "", nearest ? nearest : "",
        nearest
            ? "?"
            : "; known are Conv, DWConv, Bottleneck, C2f, C3, C3k, C3k2, SPPF, C2PSA, nn.Upsample, Concat "
              "and Detect");
}

void yti_build_row(yt_builder *b, const char *module, const yt_value *from, int n_from, int repeats,
                   const yt_yaml_node *args, yt_value *out) {
    int i = 0;
    while (i < N_FORMS && strcmp(forms[i].module, module) != 0) i++;
    if (i == N_FORMS) {
        unknown_module(b, module);
        return;
    }
    const struct form *form = &forms[i];
    if (!form->many_sources && n_from != 1) {
        yti_fail(b, "%s reads one row, not %d", module, n_from);
        return;
    }
    const yt_path at = yti_sub((yt_path){"model"}, "%d", b->row);
    row_form f = {
        .module = module, .args = args, .from = from, .n_from = n_from, .repeats = repeats, .at = at};
    if (form->takes_repeats || repeats == 1) {
        *out = form->build(b, &f);
        return;
    }
    if (form->many_sources) {
        yti_fail(b, "%s takes no repeats", module);
        return;
    }
    yt_value chain = from[0];
    for (int r = 0; r < repeats && b->status == YT_OK; r++) {
        f.at = yti_sub(at, "%d", r);
        f.from = &chain;
        f.n_from = 1;
        chain = form->build(b, &f);
    }
    *out = chain;
}
