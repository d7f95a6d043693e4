/* Tests of src/formats/pt_*.c: Ultralytics checkpoints, made ones, and every hostile form. */
#include "base/file.h"
#include "formats/pt.h"
#include "support/pt_archive.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

static archive made;

static const int64_t two_three[] = {2, 3}, rows[] = {3, 1}, columns[] = {1, 2}, zeros[] = {0, 0};

/* ---- files of the reference trainer ---- */

ParameterizedTestParameters(pt, a_checkpoint_holds_the_tensors_of_the_safetensors_file_beside_it) {
    static char names[3][16] = {"yolo26n", "yolo11n", "yolov8n"};
    return cr_make_param_array(char[16], names, 3);
}

ParameterizedTest(char name[16], pt, a_checkpoint_holds_the_tensors_of_the_safetensors_file_beside_it) {
    char path[512], beside[512];
    snprintf(path, sizeof path, "%s/fixtures/%s/%s_coco8_fit.pt", YT_SHARED_DIR, name, name);
    snprintf(beside, sizeof beside, "%s/fixtures/%s/%s_coco8_fit.safetensors", YT_SHARED_DIR, name, name);
    if (!yti_path_exists(path)) cr_skip_test("%s is not here", path);
    yti_pt_file pt;
    yti_st_file st;
    yt_err err = {.text = ""};
    cr_assert(yti_pt_probe(path));
    cr_assert_not(yti_pt_probe(beside));
    cr_assert_eq(yti_pt_open(path, &pt, &err), YT_OK, "%s", err.text);
    cr_assert_eq(yti_st_load(beside, &st, &err), YT_OK, "%s", err.text);
    cr_assert(pt.n_tensors > 300 && pt.n_tensors == st.n_entries);
    for (size_t i = 0; i < pt.n_tensors; i++) {
        const yti_st_entry *a = &pt.tensors[i], *b = yti_st_find(&st, a->name);
        cr_assert_not_null(b, "%s", a->name);
        cr_assert(a->type == b->type && a->n_dims == b->n_dims && a->bytes == b->bytes, "%s", a->name);
        cr_assert_eq(memcmp(a->dims, b->dims, (size_t)a->n_dims * sizeof a->dims[0]), 0, "%s", a->name);
        cr_assert_eq(memcmp(a->data, b->data, a->bytes), 0, "%s", a->name);
    }
    cr_assert_str_eq(pt.tensors[0].name, "model.0.conv.weight");
    cr_assert_eq(strncmp(pt.model_name, name, strlen(name)), 0);
    cr_assert(pt.scale == 'n' && pt.n_classes == 80 && pt.n_names == 80 && pt.imgsz == 320);
    cr_assert_str_eq(pt.names[79], "toothbrush");
    cr_assert_eq(pt.sppf_activation, 0, "written by a release that left it out");
    cr_assert_not_null(strstr(pt.yaml, "backbone:\n  - [-1, 1, Conv, [64, 3, 2]]\n"), "%s", pt.yaml);
    cr_assert_not_null(strstr(pt.yaml, "[-1, 1, nn.Upsample, [None, 2, nearest]]\n"), "%s", pt.yaml);
    yti_st_free(&st);
    yti_pt_free(&pt);
}

/* ---- made networks ---- */

static yti_pt_file parse(void) {
    yti_pt_file file;
    yt_err err = {.text = ""};
    cr_assert_eq(yti_pt_parse(made.bytes, made.size, "made.pt", &file, &err), YT_OK, "%s", err.text);
    return file;
}

Test(pt, a_walk_over_the_modules_gives_the_state_dict) {
    pickle_checkpoint("ema", "SiLU");
    archive_checkpoint(&made);
    yti_pt_file file = parse();
    cr_assert_eq(file.n_tensors, 2u, "absent and unstored ones are left out");
    cr_assert_str_eq(file.tensors[0].name, "model.0.weight");
    cr_assert(file.tensors[0].type == YT_ST_F32 && file.tensors[0].n_dims == 2);
    cr_assert(file.tensors[0].dims[0] == 2 && file.tensors[0].dims[1] == 3);
    cr_assert_eq(memcmp(file.tensors[0].data, archive_weights, sizeof archive_weights), 0);
    cr_assert_str_eq(file.tensors[1].name, "model.0.num_batches_tracked");
    cr_assert(file.tensors[1].type == YT_ST_I64 && file.tensors[1].n_dims == 0);
    cr_assert_eq(memcmp(file.tensors[1].data, &archive_steps, sizeof archive_steps), 0);
    yti_pt_free(&file);
    cr_assert_null(file.tensors);
}

Test(pt, a_checkpoint_describes_its_network) {
    pickle_checkpoint("model", "SiLU");
    archive_checkpoint(&made);
    yti_pt_file file = parse();
    cr_assert_str_eq(file.yaml, "nc: 2\ndepth_multiple: 0.33\nactivation: \"nn.ReLU()\"\nhead:\n  - [-1]\n"
                                "scale: s\nyaml_file: \"some/where/yolo11s.yaml\"\n");
    cr_assert_str_eq(file.model_name, "yolo11s.yaml");
    cr_assert(file.scale == 's' && file.n_classes == 2 && file.imgsz == 640);
    cr_assert_eq(file.n_names, 2u);
    cr_assert_str_eq(file.names[0], "red");
    cr_assert_str_eq(file.names[1], "white cell");
    yti_pt_free(&file);
}

Test(pt, the_class_of_one_activation_tells_how_sppf_was_trained) {
    static const char *const classes[] = {"SiLU", "Identity"};
    for (int i = 0; i < 2; i++) {
        pickle_checkpoint("model", classes[i]);
        archive_checkpoint(&made);
        yti_pt_file file = parse();
        cr_assert_eq(file.sppf_activation, i == 0);
        yti_pt_free(&file);
    }
}

Test(pt, strides_and_offsets_are_honoured) {
    pickle_plain("FloatStorage", 6, 0, 2, two_three, columns);
    archive_checkpoint(&made);
    yti_pt_file file = parse();
    cr_assert_eq(file.n_tensors, 1u);
    cr_assert_null(file.yaml, "a plain map says nothing about its network");
    static const float transposed[6] = {1, 3, 5, 2, 4, 6};
    cr_assert_eq(memcmp(file.tensors[0].data, transposed, sizeof transposed), 0);
    yti_pt_free(&file);

    pickle_plain("FloatStorage", 6, 4, 1, (const int64_t[]){2}, (const int64_t[]){1});
    archive_checkpoint(&made);
    file = parse();
    cr_assert(file.tensors[0].count == 2 && memcmp(file.tensors[0].data, archive_weights + 4, 8) == 0);
    yti_pt_free(&file);

    pickle_plain("FloatStorage", 6, 6, 2, (const int64_t[]){0, 3}, rows);
    archive_checkpoint(&made);
    file = parse();
    cr_assert(file.tensors[0].count == 0 && file.tensors[0].bytes == 0);
    yti_pt_free(&file);
}

Test(pt, later_protocols_name_classes_on_the_stack) {
    pickle_begin();
    pickle_bytes("\x80\x04\x95\0\0\0\0\0\0\0\0}\x94\x8c\x01w", 16); /* PROTO 4, FRAME, {, MEMOIZE, "w" */
    pickle_bytes("\x8c\x0ctorch._utils\x8c\x12_rebuild_tensor_v2\x93\x94(", 37);
    pickle_storage("HalfStorage", "0", 12);
    pickle_int(0), pickle_sizes(1, (const int64_t[]){12}), pickle_sizes(1, (const int64_t[]){1});
    pickle_bytes("tRs.", 4);
    archive_checkpoint(&made);
    yti_pt_file file = parse();
    cr_assert(file.n_tensors == 1 && file.tensors[0].type == YT_ST_F16 && file.tensors[0].count == 12);
    yti_pt_free(&file);
}

Test(pt, a_container_that_grows_later_is_seen_through_the_memo) {
    static const int64_t one[] = {1};
    pickle_begin();
    pickle_bytes("}q\x01h\x01(", 6); /* the same map twice; the second reference is filled */
    pickle_text("w"), pickle_tensor("FloatStorage", "0", 6, 0, 1, one, one);
    pickle_bytes("u0.", 3);
    archive_checkpoint(&made);
    yti_pt_file file = parse();
    cr_assert_eq(file.n_tensors, 1u);
    yti_pt_free(&file);
}

/* ---- hostile files ---- */

static void expect_refused(const void *bytes, size_t size, const char *reason) {
    yti_pt_file file = {.n_tensors = 77};
    yt_err err = {.text = ""};
    cr_assert_neq(yti_pt_parse(bytes, size, "made.pt", &file, &err), YT_OK, "accepted; expected: %s", reason);
    cr_assert_not_null(strstr(err.text, reason), "said: %s; expected: %s", err.text, reason);
    cr_assert_eq(strncmp(err.text, "made.pt", 7), 0, "said: %s", err.text);
    cr_assert_eq(file.n_tensors, 0u, "a failure leaves an empty file");
}

static void expect_made_refused(const char *reason) {
    archive_checkpoint(&made);
    expect_refused(made.bytes, made.size, reason);
}

Test(pt, every_truncation_is_an_error) {
    pickle_checkpoint("model", "SiLU");
    archive_checkpoint(&made);
    for (size_t size = 0; size < made.size; size++) {
        unsigned char *part = malloc(size + 1); /* an exact block, so that a sanitizer sees a read beyond it */
        cr_assert_not_null(part);
        memcpy(part, made.bytes, size);
        yti_pt_file file;
        cr_assert_neq(yti_pt_parse(part, size, "made.pt", &file, NULL), YT_OK, "%zu bytes", size);
        free(part);
    }
}

Test(pt, every_truncation_of_the_pickle_is_an_error) {
    pickle_checkpoint("model", "SiLU");
    archive_checkpoint(&made);
    static unsigned char whole[ARCHIVE_ROOM];
    static const char name[] = "net/data.pkl";
    const unsigned char *begin = made.bytes + 30 + sizeof name - 1; /* after the first local header */
    size_t size = 0;
    while (memcmp(begin + size, "PK", 2) != 0) size++;
    memcpy(whole, begin, size);
    cr_assert(size > 500 && whole[size - 1] == '.');
    for (size_t n = 0; n < size; n++) {
        archive_begin();
        archive_add(name, whole, n);
        archive_end(&made);
        expect_refused(made.bytes, made.size, "data.pkl, byte");
    }
}

Test(pt, files_that_are_no_checkpoints_are_told_apart) {
    expect_refused("", 0, "is no .pt file");
    expect_refused("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15,
                   "in the format of torch before 1.6");
    expect_refused("GGUF and so on", 14, "is no .pt file");
    archive_begin();
    archive_add("some/thing.txt", "text", 4);
    archive_end(&made);
    expect_refused(made.bytes, made.size, "without data.pkl");
    archive_begin();
    archive_add("net/data.pkl", ".", 1);
    archive_add("net/code/__torch__.py", "text", 4);
    archive_end(&made);
    expect_refused(made.bytes, made.size, "TorchScript");
    archive_begin();
    archive_add("net/data.pkl", ".", 1);
    archive_add("net/byteorder", "big", 3);
    archive_end(&made);
    expect_refused(made.bytes, made.size, "big-endian");
}

/* As a file that was packed anew has them. */
Test(pt, deflated_members_are_read) {
    pickle_plain("FloatStorage", 6, 0, 2, two_three, rows);
    archive_begin();
    archive_add_pickle();
    archive_add_compressed("net/data/0", archive_weights, sizeof archive_weights);
    archive_end(&made);
    yti_pt_file file = parse();
    cr_assert_eq(file.n_tensors, 1u);
    cr_assert_eq(memcmp(file.tensors[0].data, archive_weights, sizeof archive_weights), 0);
    yti_pt_free(&file);
}

Test(pt, a_bomb_is_refused_before_anything_is_unpacked) {
    static const char zeros_page[200000];
    archive_begin();
    archive_add("net/data.pkl", ".", 1);
    archive_add_compressed("net/data/0", zeros_page, sizeof zeros_page);
    archive_end(&made);
    expect_refused(made.bytes, made.size, "its members unpack to over 64 times the file");
}

/* A map of tensors under a key, with a licence beside it. */
Test(pt, a_state_dict_is_found_under_the_keys_of_trainers) {
    static const char *const keys[] = {"model", "ema", "state_dict", "model_state_dict"};
    static const int64_t six[] = {6}, one[] = {1};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        pickle_begin();
        pickle_map_begin();
        pickle_text("license"), pickle_text("AGPL-3.0 License (https://example.org)");
        pickle_text("epoch"), pickle_int(7);
        pickle_text(keys[i]), pickle_map_begin();
        pickle_text("model.0.conv.weight"), pickle_tensor("FloatStorage", "0", 6, 0, 1, six, one);
        pickle_map_end();
        pickle_map_end();
        pickle_op('.');
        archive_checkpoint(&made);
        yti_pt_file file = parse();
        cr_assert_eq(file.n_tensors, 1u, "%s", keys[i]);
        cr_assert_str_eq(file.tensors[0].name, "model.0.conv.weight");
        cr_assert_str_eq(file.license, "AGPL-3.0 License (https://example.org)");
        yti_pt_free(&file);
    }
}

static void set32(unsigned char *at, uint32_t value) {
    memcpy(at, &value, sizeof value);
}

/* A member whose bytes are another member, header and all, that the directory lists, too. */
Test(pt, overlapping_members_are_refused) {
    enum { LOCAL = 30, CENTRAL = 46, NAME = 10, OUTER = 4000, INNER = 3900 };
    static unsigned char page[OUTER];
    uint32_t directory, listed;
    for (int pass = 0; pass < 2; pass++) { /* the first pass shows what a header looks like */
        archive_begin();
        archive_add("net/data/0", page, OUTER);
        archive_add("net/data.pkl", ".", 1);
        archive_end(&made);
        memcpy(page, made.bytes, LOCAL + NAME);
        set32(page + 14, 0), set32(page + 18, INNER), set32(page + 22, INNER);
        page[LOCAL + NAME - 1] = '1';
    }
    unsigned char *end = made.bytes + made.size - 22;
    cr_assert_eq(memcmp(end, "PK\5\6", 4), 0);
    memcpy(&listed, end + 12, 4), memcpy(&directory, end + 16, 4);
    cr_assert_eq(memcmp(made.bytes + directory + CENTRAL, "net/data/0", NAME), 0);
    const uint32_t entry = CENTRAL + NAME;
    memmove(end + entry, end, 22);
    memmove(made.bytes + directory + entry, made.bytes + directory, listed);
    unsigned char *inner = made.bytes + directory;
    inner[entry - 1] = '1';
    set32(inner + 16, 0), set32(inner + 20, INNER), set32(inner + 24, INNER), set32(inner + 42, LOCAL + NAME);
    end += entry;
    made.size += entry;
    end[8]++, end[10]++;
    set32(end + 12, listed + entry);
    expect_refused(made.bytes, made.size, "overlap");
}

Test(pt, a_wrong_checksum_is_noticed) {
    pickle_plain("FloatStorage", 6, 0, 2, two_three, rows);
    archive_checkpoint(&made);
    for (size_t i = 0; i + sizeof archive_weights < made.size; i++)
        if (memcmp(made.bytes + i, archive_weights, sizeof archive_weights) == 0) made.bytes[i + 2] ^= 1;
    expect_refused(made.bytes, made.size, "net/data/0 is damaged");
}

Test(pt, tensors_must_lie_in_their_storage) {
    static const int64_t big[] = {3, 3}, huge[] = {(int64_t)1 << 40, (int64_t)1 << 40}, six[] = {6}, one[] = {1};
    pickle_plain("FloatStorage", 6, 0, 2, big, rows);
    expect_made_refused("reaches beyond its storage of 6 elements");
    pickle_plain("FloatStorage", 6, 1, 1, six, one);
    expect_made_refused("reaches beyond");
    pickle_plain("FloatStorage", 6, INT64_MAX, 1, six, one);
    expect_made_refused("reaches beyond");
    pickle_plain("FloatStorage", 6, 0, 2, huge, rows);
    expect_made_refused("reaches beyond");
    pickle_plain("FloatStorage", 6, 0, 2, two_three, huge);
    expect_made_refused("reaches beyond");
    pickle_plain("FloatStorage", 6, 0, 2, huge, zeros);
    expect_made_refused("reaches beyond");
    pickle_plain("FloatStorage", 6, 0, 2, big, zeros);
    expect_made_refused("reaches beyond");
    pickle_plain("FloatStorage", 7, 0, 2, two_three, rows);
    expect_made_refused("data/0 has 24 bytes, but tensor w needs 7 elements of 4 bytes there");
    pickle_plain("DoubleStorage", INT64_MAX, 0, 2, two_three, rows);
    expect_made_refused("data/0 has 24 bytes");
    pickle_plain("QUInt8Storage", 24, 0, 1, six, one);
    expect_made_refused("of type QUInt8Storage, which is not read");
}

/* Thousands of transposed views of one storage would be thousands of copies. */
Test(pt, copies_of_one_storage_take_no_more_than_the_file) {
    pickle_begin();
    pickle_map_begin();
    pickle_text("w"), pickle_tensor("FloatStorage", "0", 6, 0, 2, two_three, columns);
    pickle_bytes("q\x05", 2);
    for (int i = 0; i < 500; i++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", i);
        pickle_text(name), pickle_bytes("h\x05", 2);
    }
    pickle_map_end();
    pickle_op('.');
    expect_made_refused("overlap");
}

Test(pt, storages_that_are_not_there_are_named) {
    static const char *const keys[] = {"7", "", "../0", "a very long key that is longer than any number of a member"};
    static const int64_t one[] = {1};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        pickle_begin();
        pickle_map_begin();
        pickle_text("w"), pickle_tensor("FloatStorage", keys[i], 1, 0, 1, one, one);
        pickle_map_end();
        pickle_op('.');
        expect_made_refused("which is not in the archive");
    }
}

/* Pickles that are wrong by themselves, after the two bytes of the protocol. */
#define PICKLE(text) text, sizeof text - 1
static const struct {
    const char *bytes;
    size_t count;
    const char *reason;
} bad_pickles[] = {
    {PICKLE(""), "ends before its last opcode"},
    {PICKLE("."), "ends in the middle of a value"},
    {PICKLE("(}."), "ends in the middle of a value"},
    {PICKLE("}}."), "ends in the middle of a value"},
    {PICKLE("\xff"), "opcode 0xff is not one"},
    {PICKLE("i"), "opcode 0x69 is not one"}, /* INST: would call a class by name */
    {PICKLE("\x82\x01"), "opcode 0x82 is not one"},
    {PICKLE("\x80\x07"), "pickle protocol 7"},
    {PICKLE("h\x05"), "memo slot 5 was never filled"},
    {PICKLE("j\xff\xff\xff\xff"), "memo slot 4294967295 was never filled"},
    {PICKLE("Nr\xff\xff\xff\xff"), "memo slot 4294967295 in a pickle"},
    {PICKLE("q\x01"), "stack is empty"},
    {PICKLE("X\xff\xff\xff\xff"), "4294967295 bytes should follow"},
    {PICKLE("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"), "bytes should follow"},
    {PICKLE("\x8a\x20"), "32 bytes should follow"},
    {PICKLE("X\x02\0\0\0\xc3("), "byte 2: a text is not UTF-8"},
    {PICKLE("\x8c\x01\xff"), "a text is not UTF-8"},
    {PICKLE("\x8d\x02\0\0\0\0\0\0\0\xc0\x80"), "a text is not UTF-8"},
    {PICKLE("U\x01\xff."), "holds no network"}, /* bytes may be any */
    {PICKLE("ctorch"), "name of a class has no end"},
    {PICKLE("NN\x93"), "not named by two texts"},
    {PICKLE("t"), "ends that did not begin"},
    {PICKLE("N\x86"), "stack is empty"},
    {PICKLE("N(\x85"), "stack is empty"},
    {PICKLE("(Nu"), "items without a container"},
    {PICKLE("}(Nu"), "a key without a value"},
    {PICKLE("](NNu"), "for what is no map"},
    {PICKLE("}Na"), "for what is no list"},
    {PICKLE("NNR"), "without a tuple of arguments"},
    {PICKLE("NQ"), "a storage is not described"},
    {PICKLE("ctorch._utils\n_rebuild_tensor_v2\n)R"), "a tensor is not described"},
    {PICKLE("ctorch._utils\n_rebuild_parameter\n)R"), "a parameter without a tensor"},
    {PICKLE("ccollections\nOrderedDict\nN\x85R"), "no list of pairs"},
    {PICKLE("ctorch\nSize\nN\x85R"), "of no list"},
    {PICKLE("}."), "holds no network"},
    {PICKLE("N."), "holds no network"},
    {PICKLE("cos\nsystem\nU\x09touch /tm\x85R."), "holds no network"}, /* never called, only a label */
};

Test(pt, bad_pickles_are_refused_with_their_reason) {
    for (size_t i = 0; i < sizeof bad_pickles / sizeof bad_pickles[0]; i++) {
        pickle_begin();
        pickle_bytes(bad_pickles[i].bytes, bad_pickles[i].count);
        expect_made_refused(bad_pickles[i].reason);
    }
}

Test(pt, deep_nesting_is_refused) {
    pickle_begin();
    for (int i = 0; i < 5000; i++) pickle_op('(');
    expect_made_refused("nested deeper than");
    /* Tuples of one need no mark; nobody walks down there. */
    pickle_begin();
    pickle_op('}');
    pickle_text("model");
    pickle_op('N');
    for (int i = 0; i < 20000; i++) pickle_op(0x85);
    pickle_bytes("s.", 2);
    expect_made_refused("holds no network");
}

/* { model: detector whose only module is itself }. */
Test(pt, a_network_that_contains_itself_is_refused) {
    pickle_begin();
    pickle_map_begin();
    pickle_text("model");
    pickle_global("torch.nn", "Module"), pickle_op(')'), pickle_op(0x81), pickle_bytes("q\x01", 2);
    pickle_map_begin();
    pickle_text("_modules"), pickle_map_begin(), pickle_text("a"), pickle_bytes("h\x01", 2), pickle_map_end();
    pickle_object_end();
    pickle_map_end();
    pickle_op('.');
    expect_made_refused("nests deeper than 32 modules");
}

/* Thirty modules that each hold the next one twice would be a thousand million tensors. */
Test(pt, a_network_that_multiplies_is_refused) {
    enum { LEVELS = 30 };
    pickle_begin();
    pickle_map_begin();
    pickle_text("model");
    pickle_object_begin("torch.nn", "Module"), pickle_object_end(), pickle_bytes("q\x01", 2);
    for (int i = 0; i < LEVELS; i++) {
        pickle_op('0');
        pickle_object_begin("torch.nn", "Module");
        pickle_text("_modules"), pickle_map_begin();
        pickle_text("a"), pickle_bytes("h\x01", 2), pickle_text("b"), pickle_bytes("h\x01", 2);
        pickle_map_end();
        pickle_object_end();
        pickle_bytes("q\x01", 2);
    }
    pickle_map_end();
    pickle_op('.');
    expect_made_refused("more parts than any real one");
}

Test(pt, a_long_list_cannot_be_copied_again_and_again) {
    pickle_begin();
    pickle_bytes("](", 2);
    for (int i = 0; i < 4000; i++) pickle_op('N');
    pickle_bytes("eq\x01", 3);
    for (int i = 0; i < 500; i++) pickle_bytes("c__builtin__\nset\nh\x01\x85R0", 22);
    pickle_op('.');
    expect_made_refused("more items than");
}

/* A detector with one parameter `name` that is made by `value`. */
static void make_parameter(const char *name, void (*value)(void)) {
    pickle_begin();
    pickle_map_begin();
    pickle_text("model"), pickle_object_begin("torch.nn", "Module");
    pickle_text("_modules"), pickle_map_begin(), pickle_map_end();
    pickle_text("_parameters"), pickle_map_begin(), pickle_text(name), value(), pickle_map_end();
    pickle_object_end();
    pickle_map_end();
    pickle_op('.');
}

static void a_quantised_tensor(void) {
    pickle_global("torch._utils", "_rebuild_qtensor"), pickle_op(')'), pickle_op('R');
}

static void a_number(void) {
    pickle_int(5);
}

static void a_tensor(void) {
    pickle_tensor("FloatStorage", "0", 6, 0, 2, two_three, rows);
}

Test(pt, what_stands_for_a_tensor_is_named) {
    make_parameter("w", a_quantised_tensor);
    expect_made_refused("w should be a tensor but is made by _rebuild_qtensor");
    make_parameter("w", a_number);
    expect_made_refused("w should be a tensor but is something else");
    make_parameter("", a_tensor);
    expect_made_refused("has no name, or an impossible one");
    make_parameter("a\nb", a_tensor);
    expect_made_refused("has no name, or an impossible one");
}

Test(pt, a_name_that_stands_there_twice_is_refused) {
    pickle_begin();
    pickle_map_begin();
    for (int i = 0; i < 2; i++) pickle_text("w"), a_tensor();
    pickle_map_end();
    pickle_op('.');
    expect_made_refused("w stands there twice");
}

/* A detector with a tensor, and one attribute of its own. */
static void make_attribute(const char *name, void (*value)(void)) {
    pickle_begin();
    pickle_map_begin();
    pickle_text("model"), pickle_object_begin("torch.nn", "Module");
    pickle_text("_modules"), pickle_map_begin(), pickle_map_end();
    pickle_text("_parameters"), pickle_map_begin(), pickle_text("w"), a_tensor(), pickle_map_end();
    pickle_text(name), value();
    pickle_object_end();
    pickle_map_end();
    pickle_op('.');
}

static void a_list_in_itself(void) {
    pickle_map_begin();
    pickle_text("head"), pickle_bytes("]q\x07h\x07"
                                      "a",
                                      6);
    pickle_map_end();
}

static void a_list_that_multiplies(void) {
    pickle_map_begin();
    pickle_text("head"), pickle_bytes("]q\x07", 3);
    for (int i = 0; i < 14; i++) {
        pickle_bytes("0](", 3);
        for (int k = 0; k < 8; k++) pickle_bytes("h\x07", 2);
        pickle_bytes("eq\x07", 3);
    }
    pickle_map_end();
}

static void a_module(void) {
    pickle_map_begin();
    pickle_text("head"), pickle_object_begin("torch.nn", "Module"), pickle_object_end();
    pickle_map_end();
}

static void names_with_a_gap(void) {
    pickle_map_begin();
    pickle_int(0), pickle_text("a"), pickle_int(2), pickle_text("c");
    pickle_map_end();
}

Test(pt, hostile_descriptions_are_refused) {
    make_attribute("yaml", a_list_in_itself);
    expect_made_refused("model description nests deeper");
    make_attribute("yaml", a_list_that_multiplies);
    expect_made_refused("model description has more than");
    make_attribute("yaml", a_module);
    expect_made_refused("no number, text, list or map");
    make_attribute("names", names_with_a_gap);
    expect_made_refused("one text for each of the numbers 0 to 1");
}
