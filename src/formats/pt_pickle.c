/* pt_pickle.c: a restricted unpickler (spec architecture 8.5): a stack machine with one row per opcode it knows.
 *
 * Protocols 2 to 5 as far as checkpoints use them. A GLOBAL is two texts and is never looked up; REDUCE knows a handful
 * of functions by name and makes a record of any other. Every value costs at least one byte of pickle, which bounds
 * memory. Marks fence the stack: an opcode cannot reach below the innermost one.
 */
#include "base/array.h"
#include "base/text.h"
#include "formats/pt_values.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_VALUES = 1 << 22, /* the largest Ultralytics file has some 10^5 */
    MAX_MARKS = 256,      /* open containers; those of Ultralytics files nest a dozen deep */
    MAX_PROTOCOL = 5,
    MAX_GLOBAL_LETTERS = 512
};

typedef struct machine {
    const unsigned char *begin, *at, *end;
    const char *where;
    yti_arena *arena;
    yti_pt_value **stack, **memo; /* memo: NULL where nothing was put */
    size_t used, capacity;        /* of the stack */
    size_t memo_used, memo_capacity;
    size_t marks[MAX_MARKS], n_marks; /* heights of the stack */
    size_t n_values, n_items;         /* made so far */
    size_t opcode;                    /* its offset, for messages */
    bool stopped;
    yt_err *err;
} machine;

static yt_status fail(const machine *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
static yt_status fail(const machine *m, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return yt_fail(m->err, YT_ERR_SYNTAX, "%s, byte %zu: %s", m->where, m->opcode, text);
}

static yt_status no_memory(const machine *m) {
    return yt_fail(m->err, YT_ERR_NO_MEMORY, "%s: no memory for its values", m->where);
}

/* ---- stack and values ---- */

static size_t fence(const machine *m) {
    return m->n_marks ? m->marks[m->n_marks - 1] : 0;
}

static yt_status need(const machine *m, size_t count) {
    return m->used - fence(m) >= count ? YT_OK : fail(m, "the stack is empty; the pickle is damaged");
}

static yt_status push(machine *m, yti_pt_value *value) {
    yti_pt_value **grown = yti_grow(m->stack, &m->capacity, m->used + 1, sizeof *grown);
    if (!grown) return no_memory(m);
    m->stack = grown;
    m->stack[m->used++] = value;
    return YT_OK;
}

/* Pushes a new value, zero but for its kind. */
static yt_status push_new(machine *m, yti_pt_kind kind, yti_pt_value **out) {
    if (m->n_values++ == MAX_VALUES) return fail(m, "more than %d values; this is no checkpoint", MAX_VALUES);
    yti_pt_value *value = yti_arena_take(m->arena, sizeof *value);
    if (!value) return no_memory(m);
    *value = (yti_pt_value){.kind = kind};
    *out = value;
    return push(m, value);
}

/* Every item is a byte of pickle or more when it is collected, and may be converted once; without a bound, a long
 * list could be converted again and again for a few bytes each. */
static yt_status append(machine *m, yti_pt_items *items, yti_pt_value *const *values, size_t count) {
    m->n_items += count;
    if (m->n_items > 2 * (size_t)(m->end - m->begin))
        return fail(m, "its containers hold more items than %zu bytes can stand for", (size_t)(m->end - m->begin));
    if (items->capacity - items->count < count) {
        size_t capacity = items->capacity * 2 > items->count + count ? items->capacity * 2 : items->count + count;
        yti_pt_value **grown = yti_arena_take(m->arena, capacity * sizeof *grown);
        if (!grown) return no_memory(m);
        if (items->count) memcpy(grown, items->at, items->count * sizeof *grown);
        items->at = grown;
        items->capacity = capacity;
    }
    if (count) memcpy(items->at + items->count, values, count * sizeof *values);
    items->count += count;
    return YT_OK;
}

/* Ends the innermost mark: its values are m->stack[*first] and those above. */
static yt_status close_mark(machine *m, size_t *first) {
    if (!m->n_marks) return fail(m, "a container ends that did not begin");
    *first = m->marks[--m->n_marks];
    return YT_OK;
}

static bool is_global(const yti_pt_value *value, const char *module, const char *name) {
    return value->kind == YT_PT_GLOBAL && yti_pt_text_is(value->global.module, module) &&
           yti_pt_text_is(value->global.name, name);
}

/* ---- plain values ---- */

static yt_status op_protocol(machine *m, uint64_t argument, int detail) {
    (void)detail;
    return argument <= MAX_PROTOCOL
               ? YT_OK
               : fail(m, "pickle protocol %llu; 2 to %d are read", (unsigned long long)argument, MAX_PROTOCOL);
}

static yt_status op_nothing(machine *m, uint64_t argument, int detail) {
    (void)m, (void)argument, (void)detail;
    return YT_OK;
}

static yt_status op_none(machine *m, uint64_t argument, int detail) {
    (void)argument, (void)detail;
    yti_pt_value *value = NULL;
    return push_new(m, YT_PT_NONE, &value);
}

static yt_status op_bool(machine *m, uint64_t argument, int truth) {
    (void)argument;
    yti_pt_value *value = NULL;
    YT_TRY(push_new(m, YT_PT_BOOL, &value));
    value->number = truth;
    return YT_OK;
}

static yt_status op_int(machine *m, uint64_t argument, int is_signed) {
    yti_pt_value *value = NULL;
    YT_TRY(push_new(m, YT_PT_INT, &value));
    value->number = is_signed ? (int32_t)(uint32_t)argument : (int64_t)argument;
    return YT_OK;
}

/* `length` bytes of the pickle. */
static yt_status take_bytes(machine *m, uint64_t length, const unsigned char **out) {
    if (length > (size_t)(m->end - m->at))
        return fail(m, "%llu bytes should follow, but the pickle ends after %zu", (unsigned long long)length,
                    (size_t)(m->end - m->at));
    *out = m->at;
    m->at += length;
    return YT_OK;
}

/* Two's complement of any length; what does not fit is a record, since nothing we need is so large. */
static yt_status op_long(machine *m, uint64_t length, int detail) {
    (void)detail;
    const unsigned char *bytes = NULL;
    YT_TRY(take_bytes(m, length, &bytes));
    yti_pt_value *value = NULL;
    YT_TRY(push_new(m, length <= 8 ? YT_PT_INT : YT_PT_RECORD, &value));
    if (length > 8) return YT_OK;
    uint64_t bits = length && bytes[length - 1] & 0x80 ? UINT64_MAX : 0;
    for (uint64_t i = length; i-- > 0;) bits = bits << 8 | bytes[i];
    value->number = (int64_t)bits;
    return YT_OK;
}

static yt_status op_real(machine *m, uint64_t argument, int detail) {
    (void)detail;
    uint64_t bits = __builtin_bswap64(argument); /* the one big-endian number of the format */
    yti_pt_value *value = NULL;
    YT_TRY(push_new(m, YT_PT_REAL, &value));
    memcpy(&value->real, &bits, sizeof value->real);
    return YT_OK;
}

static yt_status op_text(machine *m, uint64_t length, int is_utf8) {
    const unsigned char *bytes = NULL;
    YT_TRY(take_bytes(m, length, &bytes));
    if (is_utf8 && !yti_text_is_utf8((const char *)bytes, (size_t)length))
        return fail(m, "a text is not UTF-8; the file is damaged");
    yti_pt_value *value = NULL;
    YT_TRY(push_new(m, YT_PT_TEXT, &value));
    value->text = (yti_pt_text){(const char *)bytes, (size_t)length};
    return YT_OK;
}

static yt_status take_line(machine *m, yti_pt_text *out) {
    size_t rest = (size_t)(m->end - m->at), length = 0;
    while (length < rest && length < MAX_GLOBAL_LETTERS && m->at[length] != '\n') length++;
    if (length == rest || m->at[length] != '\n') return fail(m, "the name of a class has no end");
    *out = (yti_pt_text){(const char *)m->at, length};
    m->at += length + 1;
    return YT_OK;
}

static yt_status op_global(machine *m, uint64_t argument, int detail) {
    (void)argument, (void)detail;
    yti_pt_text module, name;
    YT_TRY(take_line(m, &module));
    YT_TRY(take_line(m, &name));
    yti_pt_value *value = NULL;
    YT_TRY(push_new(m, YT_PT_GLOBAL, &value));
    value->global.module = module;
    value->global.name = name;
    return YT_OK;
}

static yt_status op_stack_global(machine *m, uint64_t argument, int detail) {
    (void)argument, (void)detail;
    YT_TRY(need(m, 2));
    const yti_pt_value *module = m->stack[m->used - 2], *name = m->stack[m->used - 1];
    if (module->kind != YT_PT_TEXT || name->kind != YT_PT_TEXT || module->text.length > MAX_GLOBAL_LETTERS ||
        name->text.length > MAX_GLOBAL_LETTERS)
        return fail(m, "a class is not named by two texts");
    m->used -= 2;
    yti_pt_value *value = NULL;
    YT_TRY(push_new(m, YT_PT_GLOBAL, &value));
    value->global.module = module->text;
    value->global.name = name->text;
    return YT_OK;
}

/* ---- containers ---- */

static yt_status op_empty(machine *m, uint64_t argument, int kind) {
    (void)argument;
    yti_pt_value *value = NULL;
    return push_new(m, (yti_pt_kind)kind, &value);
}

static yt_status op_mark(machine *m, uint64_t argument, int detail) {
    (void)argument, (void)detail;
    if (m->n_marks == MAX_MARKS) return fail(m, "nested deeper than %d levels", MAX_MARKS);
    m->marks[m->n_marks++] = m->used;
    return YT_OK;
}

/* The values from `first` up become one container. */
static yt_status collect(machine *m, yti_pt_kind kind, size_t first) {
    yti_pt_items items = {0};
    YT_TRY(append(m, &items, m->stack + first, m->used - first));
    m->used = first;
    yti_pt_value *value = NULL;
    YT_TRY(push_new(m, kind, &value));
    value->items = items;
    return YT_OK;
}

static yt_status op_collect(machine *m, uint64_t argument, int kind) {
    (void)argument;
    size_t first = 0;
    YT_TRY(close_mark(m, &first));
    if (kind == YT_PT_MAP && (m->used - first) % 2) return fail(m, "a map has a key without a value");
    return collect(m, (yti_pt_kind)kind, first);
}

static yt_status op_tuple(machine *m, uint64_t argument, int count) {
    (void)argument;
    YT_TRY(need(m, (size_t)count));
    return collect(m, YT_PT_TUPLE, m->used - (size_t)count);
}

/* Puts the values from `first` up into the container below them, which stays. Records take nothing: what a class of
 * its own does with items is not for us to know. */
static yt_status fill(machine *m, size_t first, bool pairs) {
    if (first == fence(m)) return fail(m, "items without a container");
    yti_pt_value *target = m->stack[first - 1];
    bool fits = pairs ? target->kind == YT_PT_MAP : target->kind == YT_PT_LIST || target->kind == YT_PT_SET;
    if (!fits && target->kind != YT_PT_RECORD)
        return fail(m, pairs ? "keys and values for what is no map" : "items for what is no list");
    if (pairs && (m->used - first) % 2) return fail(m, "a map has a key without a value");
    if (fits) YT_TRY(append(m, &target->items, m->stack + first, m->used - first));
    m->used = first;
    return YT_OK;
}

static yt_status op_fill_one(machine *m, uint64_t argument, int pairs) {
    (void)argument;
    size_t count = pairs ? 2 : 1;
    YT_TRY(need(m, count));
    return fill(m, m->used - count, pairs);
}

static yt_status op_fill_many(machine *m, uint64_t argument, int pairs) {
    (void)argument;
    size_t first = 0;
    YT_TRY(close_mark(m, &first));
    return fill(m, first, pairs);
}

/* ---- stack and memo ---- */

static yt_status op_pop(machine *m, uint64_t argument, int detail) {
    (void)argument, (void)detail;
    if (m->n_marks && m->used == fence(m)) { /* the mark itself lies on top */
        m->n_marks--;
        return YT_OK;
    }
    YT_TRY(need(m, 1));
    m->used--;
    return YT_OK;
}

static yt_status op_pop_mark(machine *m, uint64_t argument, int detail) {
    (void)argument, (void)detail;
    return close_mark(m, &m->used);
}

static yt_status op_duplicate(machine *m, uint64_t argument, int detail) {
    (void)argument, (void)detail;
    YT_TRY(need(m, 1));
    return push(m, m->stack[m->used - 1]);
}

/* Slots are given out one by one, so an index beyond the length of the pickle is nonsense. */
static yt_status put(machine *m, uint64_t index) {
    YT_TRY(need(m, 1));
    if (index > (size_t)(m->end - m->begin))
        return fail(m, "memo slot %llu in a pickle of %zu bytes", (unsigned long long)index,
                    (size_t)(m->end - m->begin));
    if (index >= m->memo_used) {
        yti_pt_value **grown = yti_grow(m->memo, &m->memo_capacity, (size_t)index + 1, sizeof *grown);
        if (!grown) return no_memory(m);
        m->memo = grown;
        memset(m->memo + m->memo_used, 0, ((size_t)index + 1 - m->memo_used) * sizeof *m->memo);
        m->memo_used = (size_t)index + 1;
    }
    m->memo[index] = m->stack[m->used - 1];
    return YT_OK;
}

static yt_status op_put(machine *m, uint64_t index, int detail) {
    (void)detail;
    return put(m, index);
}

static yt_status op_memoize(machine *m, uint64_t argument, int detail) {
    (void)argument, (void)detail;
    return put(m, m->memo_used);
}

static yt_status op_get(machine *m, uint64_t index, int detail) {
    (void)detail;
    if (index >= m->memo_used || !m->memo[index])
        return fail(m, "memo slot %llu was never filled", (unsigned long long)index);
    return push(m, m->memo[index]);
}

/* ---- tensors ---- */

static const struct {
    const char *name;
    yti_st_type type;
} storage_types[] = {
    {"HalfStorage", YT_ST_F16},      {"FloatStorage", YT_ST_F32}, {"DoubleStorage", YT_ST_F64},
    {"LongStorage", YT_ST_I64},      {"IntStorage", YT_ST_I32},   {"ShortStorage", YT_ST_I16},
    {"CharStorage", YT_ST_I8},       {"ByteStorage", YT_ST_U8},   {"BoolStorage", YT_ST_BOOL},
    {"BFloat16Storage", YT_ST_BF16},
};

/* ("storage", type, key, location, count): the bytes of member data/<key>. */
static yt_status op_persistent(machine *m, uint64_t argument, int detail) {
    (void)argument, (void)detail;
    YT_TRY(need(m, 1));
    const yti_pt_value *id = m->stack[--m->used];
    yti_pt_value *const *part = id->kind == YT_PT_TUPLE && id->items.count >= 5 ? id->items.at : NULL;
    if (!part || part[0]->kind != YT_PT_TEXT || !yti_pt_text_is(part[0]->text, "storage") ||
        part[1]->kind != YT_PT_GLOBAL || part[2]->kind != YT_PT_TEXT || part[4]->kind != YT_PT_INT ||
        part[4]->number < 0)
        return fail(m, "a storage is not described by type, key, place and number of elements");
    yti_pt_storage *storage = yti_arena_take(m->arena, sizeof *storage);
    if (!storage) return no_memory(m);
    *storage = (yti_pt_storage){.type = part[1]->global.name, .key = part[2]->text, .count = part[4]->number};
    for (size_t i = 0; i < sizeof storage_types / sizeof storage_types[0]; i++)
        if (yti_pt_text_is(storage->type, storage_types[i].name)) {
            storage->known = true;
            storage->number = storage_types[i].type;
        }
    yti_pt_value *value = NULL;
    YT_TRY(push_new(m, YT_PT_STORAGE, &value));
    value->storage = storage;
    return YT_OK;
}

/* A tuple of whole numbers from 0 up. Returns how many, -1 when it is none. */
static int read_sizes(const yti_pt_value *tuple, int64_t out[YT_ST_MAX_DIMS]) {
    if (tuple->kind != YT_PT_TUPLE || tuple->items.count > YT_ST_MAX_DIMS) return -1;
    for (size_t i = 0; i < tuple->items.count; i++) {
        const yti_pt_value *item = tuple->items.at[i];
        if (item->kind != YT_PT_INT || item->number < 0) return -1;
        out[i] = item->number;
    }
    return (int)tuple->items.count;
}

/* ---- calls: each handler gets the arguments on top of the stack and replaces them by the result ---- */

static yt_status call_tensor(machine *m, const yti_pt_items *args) {
    yti_pt_tensor *tensor = yti_arena_take(m->arena, sizeof *tensor);
    if (!tensor) return no_memory(m);
    bool good = args->count >= 4 && args->at[0]->kind == YT_PT_STORAGE && args->at[1]->kind == YT_PT_INT &&
                args->at[1]->number >= 0;
    int n_strides = -1;
    if (good) {
        tensor->storage = args->at[0]->storage;
        tensor->offset = args->at[1]->number;
        tensor->n_dims = read_sizes(args->at[2], tensor->dims);
        n_strides = read_sizes(args->at[3], tensor->strides);
    }
    if (!good || n_strides < 0 || tensor->n_dims != n_strides)
        return fail(m, "a tensor is not described by storage, offset, at most %d sizes and as many strides",
                    YT_ST_MAX_DIMS);
    yti_pt_value *value = NULL;
    YT_TRY(push_new(m, YT_PT_TENSOR, &value));
    value->tensor = tensor;
    return YT_OK;
}

/* A parameter is its tensor. */
static yt_status call_first(machine *m, const yti_pt_items *args) {
    return args->count ? push(m, args->at[0]) : fail(m, "a parameter without a tensor");
}

/* OrderedDict(), or of a list of pairs, as Python 2 wrote it. */
static yt_status call_map(machine *m, const yti_pt_items *args) {
    yti_pt_value *map = NULL;
    YT_TRY(push_new(m, YT_PT_MAP, &map));
    if (!args->count) return YT_OK;
    const yti_pt_value *pairs = args->at[0];
    if (pairs->kind != YT_PT_LIST) return fail(m, "a map of what is no list of pairs");
    for (size_t i = 0; i < pairs->items.count; i++) {
        const yti_pt_value *pair = pairs->items.at[i];
        if ((pair->kind != YT_PT_LIST && pair->kind != YT_PT_TUPLE) || pair->items.count != 2)
            return fail(m, "a map of what is no list of pairs");
        YT_TRY(append(m, &map->items, pair->items.at, 2));
    }
    return YT_OK;
}

/* set(list), torch.Size(tuple): the items under another kind. */
static yt_status convert(machine *m, const yti_pt_items *args, yti_pt_kind kind) {
    yti_pt_value *value = NULL;
    YT_TRY(push_new(m, kind, &value));
    if (!args->count) return YT_OK;
    const yti_pt_value *from = args->at[0];
    if (from->kind != YT_PT_LIST && from->kind != YT_PT_TUPLE) return fail(m, "a set or size of no list");
    return append(m, &value->items, from->items.at, from->items.count);
}

static yt_status call_set(machine *m, const yti_pt_items *args) {
    return convert(m, args, YT_PT_SET);
}

static yt_status call_size(machine *m, const yti_pt_items *args) {
    return convert(m, args, YT_PT_TUPLE);
}

static const struct {
    const char *module, *name;
    yt_status (*run)(machine *m, const yti_pt_items *args);
} calls[] = {
    {"torch._utils", "_rebuild_tensor_v2", call_tensor},
    {"torch._utils", "_rebuild_tensor", call_tensor},
    {"torch._utils", "_rebuild_parameter", call_first},
    {"torch._utils", "_rebuild_parameter_with_state", call_first},
    {"collections", "OrderedDict", call_map},
    {"torch", "Size", call_size},
    {"__builtin__", "set", call_set},
    {"builtins", "set", call_set},
};

static yt_status op_reduce(machine *m, uint64_t argument, int detail) {
    (void)argument, (void)detail;
    YT_TRY(need(m, 2));
    const yti_pt_value *function = m->stack[m->used - 2], *args = m->stack[m->used - 1];
    if (args->kind != YT_PT_TUPLE) return fail(m, "a call without a tuple of arguments");
    m->used -= 2;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (is_global(function, calls[i].module, calls[i].name)) return calls[i].run(m, &args->items);
    yti_pt_value *record = NULL;
    YT_TRY(push_new(m, YT_PT_RECORD, &record));
    record->record.class = function;
    return YT_OK;
}

/* An object whose state a BUILD will bring. `extra` arguments lie above the class. */
static yt_status op_new_object(machine *m, uint64_t argument, int extra) {
    (void)argument;
    YT_TRY(need(m, 1 + (size_t)extra));
    m->used -= 1 + (size_t)extra;
    const yti_pt_value *class = m->stack[m->used];
    yti_pt_value *record = NULL;
    YT_TRY(push_new(m, YT_PT_RECORD, &record));
    record->record.class = class;
    return YT_OK;
}

/* State for the object below it; containers may be given one, too, which means nothing to us. */
static yt_status op_build(machine *m, uint64_t argument, int detail) {
    (void)argument, (void)detail;
    YT_TRY(need(m, 2));
    const yti_pt_value *state = m->stack[--m->used];
    yti_pt_value *target = m->stack[m->used - 1];
    if (target->kind == YT_PT_RECORD) target->record.state = state;
    return YT_OK;
}

static yt_status op_stop(machine *m, uint64_t argument, int detail) {
    (void)argument, (void)detail;
    if (m->n_marks || m->used != 1) return fail(m, "the pickle ends in the middle of a value");
    m->stopped = true;
    return YT_OK;
}

/* ---- the opcodes: how many bytes of argument follow, and what is done ---- */

/* clang-format off */
static const struct opcode {
    unsigned char argument_bytes;
    yt_status (*run)(machine *m, uint64_t argument, int detail);
    int detail;
} opcodes[256] = {
    [0x80] = {1, op_protocol, 0},         /* PROTO */
    [0x95] = {8, op_nothing, 0},          /* FRAME: only a hint for buffered reading */
    ['.']  = {0, op_stop, 0},             /* STOP */
    ['N']  = {0, op_none, 0},             /* NONE */
    [0x88] = {0, op_bool, 1},             /* NEWTRUE */
    [0x89] = {0, op_bool, 0},             /* NEWFALSE */
    ['J']  = {4, op_int, 1},              /* BININT */
    ['K']  = {1, op_int, 0},              /* BININT1 */
    ['M']  = {2, op_int, 0},              /* BININT2 */
    [0x8a] = {1, op_long, 0},             /* LONG1 */
    [0x8b] = {4, op_long, 0},             /* LONG4 */
    ['G']  = {8, op_real, 0},             /* BINFLOAT */
    ['X']  = {4, op_text, true},          /* BINUNICODE */
    [0x8c] = {1, op_text, true},          /* SHORT_BINUNICODE */
    [0x8d] = {8, op_text, true},          /* BINUNICODE8 */
    ['T']  = {4, op_text, 0},             /* BINSTRING */
    ['U']  = {1, op_text, 0},             /* SHORT_BINSTRING */
    ['B']  = {4, op_text, 0},             /* BINBYTES */
    ['C']  = {1, op_text, 0},             /* SHORT_BINBYTES */
    ['c']  = {0, op_global, 0},           /* GLOBAL */
    [0x93] = {0, op_stack_global, 0},     /* STACK_GLOBAL */
    ['(']  = {0, op_mark, 0},             /* MARK */
    ['}']  = {0, op_empty, YT_PT_MAP},    /* EMPTY_DICT */
    [']']  = {0, op_empty, YT_PT_LIST},   /* EMPTY_LIST */
    [')']  = {0, op_empty, YT_PT_TUPLE},  /* EMPTY_TUPLE */
    [0x8f] = {0, op_empty, YT_PT_SET},    /* EMPTY_SET */
    ['d']  = {0, op_collect, YT_PT_MAP},  /* DICT */
    ['l']  = {0, op_collect, YT_PT_LIST}, /* LIST */
    ['t']  = {0, op_collect, YT_PT_TUPLE},/* TUPLE */
    [0x91] = {0, op_collect, YT_PT_SET},  /* FROZENSET */
    [0x85] = {0, op_tuple, 1},            /* TUPLE1 */
    [0x86] = {0, op_tuple, 2},            /* TUPLE2 */
    [0x87] = {0, op_tuple, 3},            /* TUPLE3 */
    ['s']  = {0, op_fill_one, true},      /* SETITEM */
    ['u']  = {0, op_fill_many, true},     /* SETITEMS */
    ['a']  = {0, op_fill_one, false},     /* APPEND */
    ['e']  = {0, op_fill_many, false},    /* APPENDS */
    [0x90] = {0, op_fill_many, false},    /* ADDITEMS */
    ['0']  = {0, op_pop, 0},              /* POP */
    ['1']  = {0, op_pop_mark, 0},         /* POP_MARK */
    ['2']  = {0, op_duplicate, 0},        /* DUP */
    ['q']  = {1, op_put, 0},              /* BINPUT */
    ['r']  = {4, op_put, 0},              /* LONG_BINPUT */
    [0x94] = {0, op_memoize, 0},          /* MEMOIZE */
    ['h']  = {1, op_get, 0},              /* BINGET */
    ['j']  = {4, op_get, 0},              /* LONG_BINGET */
    ['Q']  = {0, op_persistent, 0},       /* BINPERSID */
    ['R']  = {0, op_reduce, 0},           /* REDUCE */
    [0x81] = {0, op_new_object, 1},       /* NEWOBJ */
    [0x92] = {0, op_new_object, 2},       /* NEWOBJ_EX */
    ['b']  = {0, op_build, 0},            /* BUILD */
};
/* clang-format on */

static yt_status step(machine *m) {
    m->opcode = (size_t)(m->at - m->begin);
    if (m->at == m->end) return fail(m, "the pickle ends before its last opcode; the file is cut short");
    unsigned char code = *m->at++;
    const struct opcode *row = &opcodes[code];
    if (!row->run) return fail(m, "opcode 0x%02x is not one that checkpoints use", code);
    const unsigned char *bytes = NULL;
    YT_TRY(take_bytes(m, row->argument_bytes, &bytes));
    uint64_t argument = 0;
    for (int i = row->argument_bytes; i-- > 0;) argument = argument << 8 | bytes[i];
    return row->run(m, argument, row->detail);
}

yt_status yti_pt_unpickle(const char *data, size_t size, const char *where, yti_arena *arena, const yti_pt_value **out,
                          yt_err *err) {
    const unsigned char *begin = (const unsigned char *)data;
    machine m = {.begin = begin, .at = begin, .end = begin + size, .where = where, .arena = arena, .err = err};
    m.stack = yti_grow(NULL, &m.capacity, 1, sizeof *m.stack);
    yt_status status = m.stack ? YT_OK : no_memory(&m);
    while (status == YT_OK && !m.stopped) status = step(&m);
    if (status == YT_OK) *out = m.stack[0];
    free(m.stack);
    free(m.memo);
    return status;
}
