/* pt_archive.c: see pt_archive.h. */
#include "support/pt_archive.h"

#include <criterion/criterion.h>
#include <string.h>
#include <zip.h>

enum { MAX_MEMBERS = 64, PICKLE_ROOM = 1 << 15 };

static unsigned char pickle[PICKLE_ROOM];
static size_t pickle_used;

void pickle_bytes(const void *bytes, size_t count) {
    cr_assert(count <= sizeof pickle - pickle_used);
    memcpy(pickle + pickle_used, bytes, count);
    pickle_used += count;
}

void pickle_op(int code) {
    pickle_bytes(&(unsigned char){(unsigned char)code}, 1);
}

void pickle_begin(void) {
    pickle_used = 0;
    pickle_bytes("\x80\x02", 2);
}

void pickle_text(const char *text) {
    uint32_t length = (uint32_t)strlen(text);
    pickle_op('X');
    pickle_bytes(&length, sizeof length);
    pickle_bytes(text, length);
}

/* LONG1 of eight bytes, which takes any number. */
void pickle_int(int64_t number) {
    pickle_bytes("\x8a\x08", 2);
    pickle_bytes(&number, sizeof number);
}

void pickle_global(const char *module, const char *name) {
    pickle_op('c');
    pickle_bytes(module, strlen(module));
    pickle_op('\n');
    pickle_bytes(name, strlen(name));
    pickle_op('\n');
}

void pickle_storage(const char *type, const char *key, int64_t count) {
    pickle_op('(');
    pickle_text("storage");
    pickle_global("torch", type);
    pickle_text(key);
    pickle_text("cpu");
    pickle_int(count);
    pickle_op('t');
    pickle_op('Q');
}

void pickle_sizes(int count, const int64_t *sizes) {
    pickle_op('(');
    for (int i = 0; i < count; i++) pickle_int(sizes[i]);
    pickle_op('t');
}

void pickle_tensor(const char *type, const char *key, int64_t count, int64_t offset, int n_dims, const int64_t *dims,
                   const int64_t *strides) {
    pickle_global("torch._utils", "_rebuild_tensor_v2");
    pickle_op('(');
    pickle_storage(type, key, count);
    pickle_int(offset);
    pickle_sizes(n_dims, dims);
    pickle_sizes(n_dims, strides);
    pickle_op(0x89);
    pickle_global("collections", "OrderedDict");
    pickle_op(')');
    pickle_op('R');
    pickle_op('t');
    pickle_op('R');
}

void pickle_map_begin(void) {
    pickle_op('}');
    pickle_op('(');
}

void pickle_map_end(void) {
    pickle_op('u');
}

void pickle_object_begin(const char *module, const char *class) {
    pickle_global(module, class);
    pickle_op(')');
    pickle_op(0x81);
    pickle_map_begin();
}

void pickle_object_end(void) {
    pickle_map_end();
    pickle_op('b');
}

const float archive_weights[6] = {1, 2, 3, 4, 5, 6};
const int64_t archive_steps = 9;

/* model.0 holds a parameter, an absent one, and buffers of which one is not stored; model.1 is an SPPF whose cv1.act
 * has the class `activation`. */
static void make_layers(const char *activation) {
    pickle_text("_modules"), pickle_map_begin();
    pickle_text("0"), pickle_object_begin("torch.nn.modules.conv", "Conv2d");
    pickle_text("_parameters"), pickle_global("collections", "OrderedDict"), pickle_op(')'), pickle_op('R');
    pickle_op('('), pickle_text("weight");
    pickle_global("torch._utils", "_rebuild_parameter"), pickle_op('(');
    pickle_tensor("FloatStorage", "0", 6, 0, 2, (const int64_t[]){2, 3}, (const int64_t[]){3, 1});
    pickle_op(0x88), pickle_global("collections", "OrderedDict"), pickle_op(')'), pickle_op('R');
    pickle_op('t'), pickle_op('R');
    pickle_text("bias"), pickle_op('N'), pickle_map_end();
    pickle_text("_buffers"), pickle_map_begin();
    pickle_text("num_batches_tracked"), pickle_tensor("LongStorage", "1", 1, 0, 0, NULL, NULL);
    pickle_text("cache"), pickle_op('N');
    pickle_text("scratch"), pickle_tensor("LongStorage", "1", 1, 0, 0, NULL, NULL);
    pickle_map_end();
    pickle_text("_non_persistent_buffers_set");
    pickle_global("__builtin__", "set"), pickle_op(']'), pickle_text("scratch"), pickle_op('a');
    pickle_op(0x85), pickle_op('R');
    pickle_object_end();
    pickle_text("1"), pickle_object_begin("ultralytics.nn.modules.block", "SPPF");
    pickle_text("_modules"), pickle_map_begin();
    pickle_text("cv1"), pickle_object_begin("ultralytics.nn.modules.conv", "Conv");
    pickle_text("_modules"), pickle_map_begin();
    pickle_text("act"), pickle_object_begin("torch.nn.modules", activation), pickle_object_end();
    pickle_map_end(), pickle_object_end();
    pickle_map_end(), pickle_object_end();
    pickle_map_end();
}

/* A detector: a container of layers, and what it says about itself. */
static void make_detector(const char *activation) {
    pickle_object_begin("ultralytics.nn.tasks", "DetectionModel");
    pickle_text("_modules"), pickle_map_begin();
    pickle_text("model"), pickle_object_begin("torch.nn.modules.container", "Sequential");
    make_layers(activation);
    pickle_object_end();
    pickle_map_end();
    pickle_text("yaml"), pickle_map_begin();
    pickle_text("nc"), pickle_int(2);
    pickle_text("depth_multiple"), pickle_bytes("G\x3f\xd5\x1e\xb8\x51\xeb\x85\x1f", 9); /* 0.33 */
    pickle_text("activation"), pickle_text("nn.ReLU()");
    pickle_text("head"), pickle_op(']');
    pickle_op(']'), pickle_int(-1), pickle_op('a'), pickle_op('a');
    pickle_text("scale"), pickle_text("s");
    pickle_text("yaml_file"), pickle_text("some/where/yolo11s.yaml");
    pickle_map_end();
    pickle_text("names"), pickle_map_begin();
    pickle_int(1), pickle_text("white cell"), pickle_text("0"), pickle_text("red"); /* both kinds of key occur */
    pickle_map_end();
    pickle_object_end();
}

void pickle_checkpoint(const char *key, const char *activation) {
    pickle_begin();
    pickle_map_begin();
    pickle_text(strcmp(key, "ema") == 0 ? "model" : "ema"), pickle_op('N');
    pickle_text(key), make_detector(activation);
    pickle_text("train_args"), pickle_map_begin();
    pickle_text("imgsz"), pickle_op('('), pickle_int(320), pickle_int(640), pickle_op('t');
    pickle_map_end();
    pickle_map_end();
    pickle_op('.');
}

void pickle_plain(const char *type, int64_t count, int64_t offset, int n_dims, const int64_t *dims,
                  const int64_t *strides) {
    pickle_begin();
    pickle_map_begin();
    pickle_text("epoch"), pickle_int(3);
    pickle_text("w"), pickle_tensor(type, "0", count, offset, n_dims, dims, strides);
    pickle_map_end();
    pickle_op('.');
}

static struct {
    zip_source_t *target;
    zip_t *zip;
} making;

void archive_begin(void) {
    zip_error_t error;
    making.target = zip_source_buffer_create(NULL, 0, 0, &error);
    cr_assert_not_null(making.target);
    zip_source_keep(making.target);
    making.zip = zip_open_from_source(making.target, ZIP_CREATE | ZIP_TRUNCATE, &error);
    cr_assert_not_null(making.zip);
}

static void add(const char *name, const void *bytes, size_t count, int method) {
    void *copy = count ? malloc(count) : NULL;
    if (count) memcpy(copy, bytes, count);
    zip_source_t *source = zip_source_buffer(making.zip, copy, count, 1);
    zip_int64_t index = source ? zip_file_add(making.zip, name, source, ZIP_FL_ENC_UTF_8) : -1;
    cr_assert(index >= 0);
    cr_assert_eq(zip_set_file_compression(making.zip, (zip_uint64_t)index, method, 0), 0);
    zip_file_set_mtime(making.zip, (zip_uint64_t)index, 315532800, 0); /* 1980: the same bytes every day */
}

void archive_add(const char *name, const void *bytes, size_t count) {
    add(name, bytes, count, ZIP_CM_STORE);
}

void archive_add_compressed(const char *name, const void *bytes, size_t count) {
    add(name, bytes, count, ZIP_CM_DEFLATE);
}

void archive_add_pickle(void) {
    archive_add("net/data.pkl", pickle, pickle_used);
}

void archive_end(archive *out) {
    cr_assert_eq(zip_close(making.zip), 0);
    cr_assert_eq(zip_source_open(making.target), 0);
    zip_int64_t size = zip_source_read(making.target, out->bytes, sizeof out->bytes);
    cr_assert(size > 0 && (size_t)size < sizeof out->bytes);
    out->size = (size_t)size;
    zip_source_close(making.target);
    zip_source_free(making.target);
}

void archive_checkpoint(archive *out) {
    archive_begin();
    archive_add_pickle();
    archive_add("net/data/0", archive_weights, sizeof archive_weights);
    archive_add("net/data/1", &archive_steps, sizeof archive_steps);
    archive_add("net/version", "3\n", 2);
    archive_end(out);
}
