/* forms.c: how modules stand in a model YAML: the arguments of a row and their defaults (spec architecture 1.4), and
 * the table of all of them.
 *
 * What a module's arguments mean beyond its channels was settled by the parameter counts that were published for the
 * networks in models/ (tests/unit/model/test_model_zoo.c).
 */
#include "model/modules.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>

enum { MAX_LIST = 8 }; /* numbers in an argument that is a list */

/* A row being built: its arguments are read by position, with the module's defaults. */
typedef struct row_form {
    const char *module;
    const yti_yaml_node *args;
    const yti_value *from;
    int n_from, repeats;
    yti_path at;
} row_form;

static const yti_yaml_node *arg_at(const row_form *f, size_t i) {
    return f->args && i < f->args->count && !yti_yaml_is_null(f->args->items[i]) ? f->args->items[i] : NULL;
}

static int arg_int(yti_builder *b, const row_form *f, size_t i, int fallback) {
    const yti_yaml_node *node = arg_at(f, i);
    int64_t value;
    if (!node) return fallback;
    if (yti_yaml_int(node, &value) && value > -(1 << 24) && value < 1 << 24) return (int)value;
    return yti_fail(b, "argument %zu of %s is not a whole number", i + 1, f->module);
}

/* A stride, a dilation or a number of groups: yti_conv_opts reads 0 as "not given", so a typed one is refused here. */
static int arg_count(yti_builder *b, const row_form *f, size_t i, int fallback) {
    const int count = arg_int(b, f, i, fallback);
    if (b->status == YT_OK && count == 0)
        return yti_fail(b, "argument %zu of %s is 0; it must be at least 1", i + 1, f->module);
    return count;
}

static bool arg_bool(yti_builder *b, const row_form *f, size_t i, bool fallback) {
    const yti_yaml_node *node = arg_at(f, i);
    bool value;
    if (!node) return fallback;
    if (yti_yaml_bool(node, &value)) return value;
    return yti_fail(b, "argument %zu of %s is not True or False", i + 1, f->module);
}

static double arg_double(yti_builder *b, const row_form *f, size_t i, double fallback) {
    const yti_yaml_node *node = arg_at(f, i);
    double value;
    if (!node) return fallback;
    if (yti_yaml_double(node, &value) && value > 0 && value <= 8) return value;
    return yti_fail(b, "argument %zu of %s is not a number between 0 and 8", i + 1, f->module);
}

/* A list of whole numbers, or one of them alone; how many, 0 after an error or where there is none. */
static int arg_list(yti_builder *b, const row_form *f, size_t i, int out[MAX_LIST]) {
    const yti_yaml_node *node = arg_at(f, i);
    int64_t value;
    if (!node) return 0;
    const size_t count = node->kind == YT_YAML_LIST ? node->count : 1;
    for (size_t k = 0; k < count && k < MAX_LIST; k++) {
        const yti_yaml_node *item = node->kind == YT_YAML_LIST ? node->items[k] : node;
        if (!yti_yaml_int(item, &value) || value < -(1 << 24) || value > 1 << 24)
            return yti_fail(b, "argument %zu of %s is not a list of whole numbers", i + 1, f->module);
        out[k] = (int)value;
    }
    if (count < 1 || count > MAX_LIST)
        return yti_fail(b, "argument %zu of %s has %zu numbers; it takes 1 to %d", i + 1, f->module, count, MAX_LIST);
    return (int)count;
}

/* The first argument: channels before scaling (spec architecture 1.4). */
static int arg_channels(yti_builder *b, const row_form *f) {
    const yti_yaml_node *node = arg_at(f, 0);
    int64_t base;
    if (!node || !yti_yaml_int(node, &base) || base < 1 || base > 1 << 16)
        return yti_fail(b, "the first argument of %s is its number of channels, 1 to %d", f->module, 1 << 16);
    double scaled = ((double)base < b->max_channels ? (double)base : b->max_channels) * b->width;
    int c = (int)scaled;
    if ((double)c < scaled) c++; /* ceil */
    return (c + 7) / 8 * 8;
}

/* An argument that says which activation: *given holds one that is named. */
static void arg_activation(yti_builder *b, const row_form *f, size_t i, yti_conv_opts *o, yti_activation *given) {
    const yti_yaml_node *act = arg_at(f, i);
    bool flag;
    if (act && yti_yaml_bool(act, &flag))
        o->no_act = !flag;
    else if (act && act->text && yti_activation_parse(act->text, given) == 0)
        o->act = given;
    else if (act)
        yti_fail(b, "argument %zu of %s is True, False or an activation such as nn.ReLU()", i + 1, f->module);
}

static yti_value form_conv(yti_builder *b, const row_form *f) {
    yti_conv_opts o = {
        .stride = arg_count(b, f, 2, 1), .groups = arg_count(b, f, 4, 1), .dilation = arg_count(b, f, 5, 1)};
    yti_activation given;
    o.has_pad = arg_at(f, 3) != NULL;
    o.pad = arg_int(b, f, 3, 0);
    arg_activation(b, f, 6, &o, &given);
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

static yti_value form_dwconv(yti_builder *b, const row_form *f) {
    const int c2 = arg_channels(b, f);
    yti_conv_opts o = {.stride = arg_count(b, f, 2, 1),
                       .dilation = arg_count(b, f, 3, 1),
                       .no_act = !arg_bool(b, f, 4, true),
                       .groups = greatest_common_divisor(yti_channels(b, f->from[0]), c2)};
    return yti_conv(b, f->from[0], f->at, c2, arg_int(b, f, 1, 1), o);
}

static yti_value form_bottleneck(yti_builder *b, const row_form *f) {
    return yti_bottleneck(b, f->from[0], f->at, arg_channels(b, f),
                          (yti_bottleneck_opts){.shortcut = arg_bool(b, f, 1, true),
                                                .groups = arg_count(b, f, 2, 1),
                                                .kernel1 = 3,
                                                .kernel2 = 3,
                                                .expansion = arg_double(b, f, 4, 0.5)});
}

static yti_value form_c2f(yti_builder *b, const row_form *f) {
    return yti_c2f(
        b, f->from[0], f->at, arg_channels(b, f), f->repeats, arg_double(b, f, 3, 0.5), YTI_BOTTLENECK,
        (yti_bottleneck_opts){.shortcut = arg_bool(b, f, 1, false), .groups = arg_count(b, f, 2, 1), .expansion = 1.0});
}

static yti_value csp3(yti_builder *b, const row_form *f, yti_inner_kind kind, int kernel1) {
    return yti_c3(
        b, f->from[0], f->at, arg_channels(b, f), f->repeats, arg_double(b, f, 3, 0.5), kind,
        (yti_bottleneck_opts){
            .shortcut = arg_bool(b, f, 1, true), .groups = arg_count(b, f, 2, 1), .kernel1 = kernel1, .kernel2 = 3});
}

static yti_value form_c3(yti_builder *b, const row_form *f) {
    return csp3(b, f, YTI_BOTTLENECK, 1);
}

static yti_value form_c3ghost(yti_builder *b, const row_form *f) {
    return csp3(b, f, YTI_GHOST, 3);
}

static yti_value form_repcsp(yti_builder *b, const row_form *f) {
    return csp3(b, f, YTI_REP_BOTTLENECK, 3);
}

static yti_value form_c3k(yti_builder *b, const row_form *f) {
    const int kernel = arg_int(b, f, 5, 3), n = arg_int(b, f, 1, 1);
    if (n < 1 || n > 100) return yti_fail(b, "%d bottlenecks in a C3k; it takes 1 to 100", n);
    return yti_c3(b, f->from[0], f->at, arg_channels(b, f), n, arg_double(b, f, 4, 0.5), YTI_BOTTLENECK,
                  (yti_bottleneck_opts){.shortcut = arg_bool(b, f, 2, true),
                                        .groups = arg_count(b, f, 3, 1),
                                        .kernel1 = kernel,
                                        .kernel2 = kernel});
}

static yti_value form_c3k2(yti_builder *b, const row_form *f) {
    const bool large = b->scale && strchr("mlx", b->scale); /* these scales always use C3k (spec architecture 1.4) */
    const bool attn = arg_bool(b, f, 3, false), c3k = arg_bool(b, f, 1, false) || large;
    b->legacy_head = false;
    return yti_c2f(
        b, f->from[0], f->at, arg_channels(b, f), f->repeats, arg_double(b, f, 2, 0.5),
        attn  ? YTI_ATTENTION
        : c3k ? YTI_C3K
              : YTI_BOTTLENECK,
        (yti_bottleneck_opts){.shortcut = arg_bool(b, f, 5, true), .groups = arg_count(b, f, 4, 1), .expansion = 0.5});
}

/* The short form, [1024, 5] of YOLOv5 to 11, has an activation in cv1; the long one, [1024, 5, 3, True] of YOLO26,
 * has none. Releases 8.4.0 to 8.4.140 of the reference trainer left it out of both, so weights may say otherwise. */
static yti_value form_sppf(yti_builder *b, const row_form *f) {
    enum { SHORT_FORM = 2 };
    const int chosen = b->model->options.sppf_activation;
    const bool short_form = !f->args || f->args->count <= SHORT_FORM;
    return yti_sppf(b, f->from[0], f->at, arg_channels(b, f), arg_int(b, f, 1, 5), arg_int(b, f, 2, 3),
                    arg_bool(b, f, 3, false), chosen < 0 ? short_form : chosen > 0);
}

static bool keeps_channels(yti_builder *b, const row_form *f, int c2) {
    if (b->status != YT_OK || yti_channels(b, f->from[0]) == c2) return true;
    return yti_fail(b, "%s gives %d channels but is given %d; they must be equal", f->module, c2,
                    yti_channels(b, f->from[0]));
}

static yti_value form_c2psa(yti_builder *b, const row_form *f) {
    const int c2 = arg_channels(b, f);
    if (!keeps_channels(b, f, c2)) return 0;
    return yti_c2psa(b, f->from[0], f->at, c2, f->repeats, arg_double(b, f, 1, 0.5));
}

static yti_value form_psa(yti_builder *b, const row_form *f) {
    const int c2 = arg_channels(b, f);
    if (!keeps_channels(b, f, c2)) return 0;
    return yti_psa(b, f->from[0], f->at, c2, arg_double(b, f, 1, 0.5));
}

static yti_value form_a2c2f(yti_builder *b, const row_form *f) {
    const bool large = b->scale && strchr("lx", b->scale); /* these scales have the residual and a thinner MLP */
    const yti_a2c2f_opts o = {.attend = arg_bool(b, f, 1, true),
                              .areas = arg_int(b, f, 2, 1),
                              .residual = large || arg_bool(b, f, 3, false),
                              .mlp_ratio = large ? 1.2 : arg_double(b, f, 4, 2.0),
                              .expansion = arg_double(b, f, 5, 0.5),
                              .groups = arg_count(b, f, 6, 1),
                              .shortcut = arg_bool(b, f, 7, true)};
    b->legacy_head = false;
    return yti_a2c2f(b, f->from[0], f->at, arg_channels(b, f), f->repeats, o);
}

static yti_value form_c2(yti_builder *b, const row_form *f) {
    return yti_c2(b, f->from[0], f->at, arg_channels(b, f), f->repeats, arg_double(b, f, 3, 0.5),
                  (yti_bottleneck_opts){.shortcut = arg_bool(b, f, 1, true),
                                        .groups = arg_count(b, f, 2, 1),
                                        .kernel1 = 3,
                                        .kernel2 = 3,
                                        .expansion = 1.0});
}

static yti_value form_spp(yti_builder *b, const row_form *f) {
    int kernels[MAX_LIST] = {5, 9, 13};
    const int n = arg_list(b, f, 1, kernels);
    return yti_spp(b, f->from[0], f->at, arg_channels(b, f), kernels, n ? n : 3);
}

static yti_value form_scdown(yti_builder *b, const row_form *f) {
    return yti_scdown(b, f->from[0], f->at, arg_channels(b, f), arg_int(b, f, 1, 3), arg_count(b, f, 2, 2));
}

static yti_value form_cib(yti_builder *b, const row_form *f) {
    return yti_inverted(b, f->from[0], f->at, arg_channels(b, f), arg_bool(b, f, 1, true), arg_double(b, f, 2, 0.5),
                        arg_bool(b, f, 3, false));
}

static yti_value form_c2fcib(yti_builder *b, const row_form *f) {
    const bool large = arg_bool(b, f, 2, false);
    b->legacy_head = false;
    return yti_c2f(b, f->from[0], f->at, arg_channels(b, f), f->repeats, arg_double(b, f, 4, 0.5),
                   large ? YTI_INVERTED_LARGE : YTI_INVERTED,
                   (yti_bottleneck_opts){.shortcut = arg_bool(b, f, 1, false), .expansion = 1.0});
}

static yti_value form_ghostconv(yti_builder *b, const row_form *f) {
    yti_conv_opts o = {.stride = arg_count(b, f, 2, 1), .groups = arg_count(b, f, 3, 1)};
    yti_activation given;
    arg_activation(b, f, 4, &o, &given);
    return yti_ghost_conv(b, f->from[0], f->at, arg_channels(b, f), arg_int(b, f, 1, 1), o);
}

static yti_value form_ghost_bottleneck(yti_builder *b, const row_form *f) {
    return yti_ghost_bottleneck(b, f->from[0], f->at, arg_channels(b, f), arg_int(b, f, 1, 3), arg_int(b, f, 2, 1));
}

static yti_value form_repconv(yti_builder *b, const row_form *f) {
    const yti_conv_opts o = {.stride = arg_count(b, f, 2, 1)};
    const int kernel = arg_int(b, f, 1, 3);
    if (kernel % 2 == 0) return yti_fail(b, "RepConv with kernel size %d; it must be odd", kernel);
    if (f->args && f->args->count > 3) return yti_fail(b, "RepConv takes channels, kernel and stride alone");
    return yti_rep_conv(b, f->from[0], f->at, arg_channels(b, f), kernel, o);
}

static yti_value form_elan(yti_builder *b, const row_form *f) {
    const yti_elan_opts o = {
        .hidden = arg_int(b, f, 1, 0), .inner = arg_int(b, f, 2, 0), .repeats = arg_int(b, f, 3, 1)};
    if (b->status == YT_OK && (o.repeats < 1 || o.repeats > 100))
        return yti_fail(b, "%d bottlenecks in a stage of RepNCSPELAN4; it takes 1 to 100", o.repeats);
    return yti_elan(b, f->from[0], f->at, arg_channels(b, f), o);
}

static yti_value form_elan1(yti_builder *b, const row_form *f) {
    const yti_elan_opts o = {.hidden = arg_int(b, f, 1, 0), .inner = arg_int(b, f, 2, 0)};
    return yti_elan(b, f->from[0], f->at, arg_channels(b, f), o);
}

static yti_value form_aconv(yti_builder *b, const row_form *f) {
    return yti_aconv(b, f->from[0], f->at, arg_channels(b, f));
}

static yti_value form_adown(yti_builder *b, const row_form *f) {
    return yti_adown(b, f->from[0], f->at, arg_channels(b, f));
}

static yti_value form_sppelan(yti_builder *b, const row_form *f) {
    return yti_sppelan(b, f->from[0], f->at, arg_channels(b, f), arg_int(b, f, 1, 0), arg_int(b, f, 2, 5));
}

/* One convolution for several maps: their widths, which are not scaled, are its argument. */
static yti_value form_cblinear(yti_builder *b, const row_form *f) {
    int widths[MAX_LIST], sum = 0;
    const int n = arg_list(b, f, 0, widths);
    for (int i = 0; i < n; i++) {
        if (widths[i] < 1 || widths[i] > 1 << 16)
            return yti_fail(b, "CBLinear gives %d channels; the range is 1 to %d", widths[i], 1 << 16);
        sum += widths[i];
    }
    if (b->status == YT_OK && (!n || f->args->items[0]->kind != YT_YAML_LIST || f->args->count > 1))
        return yti_fail(b, "the argument of CBLinear is a list of channels, [[64, 128]]");
    const yti_value out = yti_conv_bias(b, f->from[0], yti_sub(f->at, "conv"), sum);
    if (b->status == YT_OK) b->built[out].parts = f->args->items[0];
    return out;
}

static yti_value form_cbfuse(yti_builder *b, const row_form *f) {
    int which[MAX_LIST] = {0};
    const int n = arg_list(b, f, 0, which);
    if (b->status == YT_OK && n != f->n_from - 1)
        return yti_fail(b,
                        "CBFuse reads %d maps and its argument lists %d part numbers; it needs one for every "
                        "map but the last",
                        f->n_from, n);
    return yti_cbfuse(b, f->from, f->n_from, which, f->at);
}

static yti_value form_identity(yti_builder *b, const row_form *f) {
    return yti_slice(b, f->from[0], f->at, 0, yti_channels(b, f->from[0]));
}

static yti_value form_maxpool(yti_builder *b, const row_form *f) {
    const int kernel = arg_int(b, f, 0, 0);
    if (f->args && f->args->count > 3) return yti_fail(b, "nn.MaxPool2d takes kernel, stride and padding alone");
    return yti_pool(b, f->from[0], f->at, &yti_op_maxpool2d, kernel, arg_int(b, f, 1, kernel), arg_int(b, f, 2, 0));
}

static yti_value form_pad(yti_builder *b, const row_form *f) {
    int sides[MAX_LIST];
    const int n = arg_list(b, f, 0, sides);
    if (n == 1) sides[1] = sides[2] = sides[3] = sides[0];
    if (b->status == YT_OK && n != 1 && n != 4)
        return yti_fail(b, "the argument of nn.ZeroPad2d is [left, right, top, bottom]");
    return yti_pad(b, f->from[0], f->at, sides);
}

static yti_value form_transpose(yti_builder *b, const row_form *f) {
    const int kernel = arg_int(b, f, 1, 0), stride = arg_int(b, f, 2, 1), pad = arg_int(b, f, 3, 0);
    if (f->args && f->args->count > 4)
        return yti_fail(b, "nn.ConvTranspose2d takes channels, kernel, stride and padding alone");
    return yti_transpose(b, f->from[0], f->at, arg_channels(b, f), kernel, stride, pad);
}

static yti_value form_upsample(yti_builder *b, const row_form *f) {
    const yti_yaml_node *mode = arg_at(f, 2);
    const int factor = arg_int(b, f, 1, 2);
    if (arg_at(f, 0)) return yti_fail(b, "nn.Upsample to a fixed size is not known; use [None, 2, nearest]");
    if (mode && (!mode->text || strcmp(mode->text, "nearest") != 0))
        return yti_fail(b, "nn.Upsample knows only the mode nearest");
    if (factor < 1 || factor > 8) return yti_fail(b, "nn.Upsample by %d; the factor may be 1 to 8", factor);
    return yti_upsample(b, f->from[0], f->at, factor, false);
}

static yti_value form_concat(yti_builder *b, const row_form *f) {
    const int dimension = arg_int(b, f, 0, 1);
    if (dimension != 1) return yti_fail(b, "Concat along dimension %d; only channels (1) can be joined", dimension);
    if (b->cut < YT_CUT_LATERAL) return yti_concat(b, f->from, f->n_from, f->at);
    yti_value latest = f->from[0];
    for (int i = 1; i < f->n_from; i++)
        if (f->from[i] > latest) latest = f->from[i];
    return yti_concat(b, &latest, 1, f->at);
}

static yti_value form_detect(yti_builder *b, const row_form *f) {
    const yti_yaml_node *nc = arg_at(f, 0);
    int64_t number;
    if (nc && nc->text && strcmp(nc->text, "nc") != 0 && !(yti_yaml_int(nc, &number) && number == b->model->n_classes))
        return yti_fail(b, "the argument of %s is nc, the number of classes", f->module);
    yti_build_detect(b, f->at, f->from, f->n_from);
    return -1;
}

/* YOLOv10's head has two branches whatever the YAML says, and always the class branch of YOLO11. */
static yti_value form_v10_detect(yti_builder *b, const row_form *f) {
    b->model->end2end = b->model->options.fusion != YT_FUSED_ONE_TO_MANY;
    b->legacy_head = false;
    return form_detect(b, f);
}

/* How a module takes its row. */
static const struct form {
    const char *module;
    yti_value (*build)(yti_builder *b, const row_form *f);
    bool takes_repeats; /* the repeats are an argument of one module; else the row becomes a chain */
    bool many_sources;
} forms[] = {
    {"Conv", form_conv, false, false},
    {"DWConv", form_dwconv, false, false},
    {"GhostConv", form_ghostconv, false, false},
    {"RepConv", form_repconv, false, false},
    {"Bottleneck", form_bottleneck, false, false},
    {"GhostBottleneck", form_ghost_bottleneck, false, false},
    {"CIB", form_cib, false, false},
    {"C2", form_c2, true, false},
    {"C2f", form_c2f, true, false},
    {"C2fCIB", form_c2fcib, true, false},
    {"C3", form_c3, true, false},
    {"C3Ghost", form_c3ghost, true, false},
    {"C3k", form_c3k, false, false},
    {"C3k2", form_c3k2, true, false},
    {"RepCSP", form_repcsp, true, false},
    {"RepNCSPELAN4", form_elan, false, false},
    {"ELAN1", form_elan1, false, false},
    {"SPP", form_spp, false, false},
    {"SPPF", form_sppf, false, false},
    {"SPPELAN", form_sppelan, false, false},
    {"PSA", form_psa, false, false},
    {"C2PSA", form_c2psa, true, false},
    {"A2C2f", form_a2c2f, true, false},
    {"SCDown", form_scdown, false, false},
    {"AConv", form_aconv, false, false},
    {"ADown", form_adown, false, false},
    {"CBLinear", form_cblinear, false, false},
    {"CBFuse", form_cbfuse, false, true},
    {"nn.Identity", form_identity, false, false},
    {"nn.MaxPool2d", form_maxpool, false, false},
    {"nn.ZeroPad2d", form_pad, false, false},
    {"nn.ConvTranspose2d", form_transpose, false, false},
    {"nn.Upsample", form_upsample, false, false},
    {"Concat", form_concat, false, true},
    {"Detect", form_detect, false, true},
    {"v10Detect", form_v10_detect, false, true},
};
enum { N_FORMS = sizeof forms / sizeof forms[0] };

static void unknown_module(yti_builder *b, const char *module) {
    const char *known[N_FORMS];
    char list[N_FORMS * 24] = "";
    if (b->model->options.described_in) { /* no slip of a pen, so nothing was meant instead */
        yti_fail(b, "the module %s is not known", module);
        return;
    }
    for (int i = 0; i < N_FORMS; i++) {
        const size_t used = strlen(list);
        known[i] = forms[i].module;
        snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : i == N_FORMS - 1 ? " and " : ", ", known[i]);
    }
    const char *nearest = yti_nearest_word(module, known, N_FORMS);
    if (nearest)
        yti_fail(b, "unknown module '%s'; did you mean %s?", module, nearest);
    else
        yti_fail(b, "unknown module '%s'; known are %s", module, list);
}

/* The maps of a CBLinear lie side by side in its output; only CBFuse takes them apart. */
static bool reads_whole_maps(yti_builder *b, const char *module, const yti_value *from, int n_from) {
    for (int i = 0; i < n_from; i++)
        if (b->built[from[i]].parts && strcmp(module, "CBFuse") != 0)
            return yti_fail(b, "%s reads a CBLinear row, which gives several maps; only CBFuse can", module);
    return true;
}

void yti_build_row(yti_builder *b, const char *module, const yti_value *from, int n_from, int repeats,
                   const yti_yaml_node *args, yti_value *out) {
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
    if (!reads_whole_maps(b, module, from, n_from)) return;
    const yti_path at = yti_sub((yti_path){"model"}, "%d", b->row);
    row_form f = {.module = module, .args = args, .from = from, .n_from = n_from, .repeats = repeats, .at = at};
    if (form->takes_repeats || repeats == 1) {
        *out = form->build(b, &f);
        return;
    }
    if (form->many_sources) {
        yti_fail(b, "%s takes no repeats", module);
        return;
    }
    yti_value chain = from[0];
    for (int r = 0; r < repeats && b->status == YT_OK; r++) {
        f.at = yti_sub(at, "%d", r);
        f.from = &chain;
        f.n_from = 1;
        chain = form->build(b, &f);
    }
    *out = chain;
}
