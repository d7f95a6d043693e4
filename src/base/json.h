/* json.h: JSON in and out.
 *
 * Written from the outside in, with one question at the end:
 *
 *     yti_json_writer w = {0};
 *     yti_json_object(&w, NULL);
 *     yti_json_number(&w, "width", 640);
 *     yti_json_array(&w, "classes");
 *     yti_json_text(&w, NULL, "cat"); // a key stands in an object, NULL in an array
 *     yti_json_end(&w);
 *     return yti_json_save(&w, "sizes.json", err);
 *
 * Read as a tree. A NULL item stands for what is not there, and every function takes it, so that a chain of them asks
 * only once.
 */
#ifndef YT_BASE_JSON_H
#define YT_BASE_JSON_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cJSON yti_json; /* opaque; a value in a tree, lent by it */

/* ---- writing ---- */

enum { YTI_JSON_DEPTH = 16 };

/* A text that is being made; all 0 is an empty one. Once memory runs out all that follows does nothing. Owned: ended by
 * yti_json_finish, yti_json_save or yti_json_discard. One thread at a time. */
typedef struct yti_json_writer {
    yti_json *root, *open[YTI_JSON_DEPTH];
    int depth;
    bool failed;
} yti_json_writer;

/* Opens an object or array, in the one that is open; the first is the whole. */
void yti_json_object(yti_json_writer *writer, const char *key);
void yti_json_array(yti_json_writer *writer, const char *key);

/* Closes the one that was opened last. */
void yti_json_end(yti_json_writer *writer);

void yti_json_text(yti_json_writer *writer, const char *key, const char *text); /* UTF-8 */
void yti_json_bool(yti_json_writer *writer, const char *key, bool value);
void yti_json_null(yti_json_writer *writer, const char *key);

/* So that reading gives the same double; what is not finite is null. */
void yti_json_number(yti_json_writer *writer, const char *key, double value);

/* With six significant digits, as in the tables; value is finite. */
void yti_json_number6(yti_json_writer *writer, const char *key, double value);

/* A hash as a text of 16 hexadecimal digits: a JSON number does not hold 64 bits. */
void yti_json_hash(yti_json_writer *writer, const char *key, uint64_t hash);

typedef enum yti_json_layout { YTI_JSON_ON_ONE_LINE, YTI_JSON_INDENTED } yti_json_layout;

/* The whole as text, to be released with free; NULL: there was no memory for it or a part of it. Closes what is open.
 */
char *yti_json_finish(yti_json_writer *writer, yti_json_layout layout);

/* The whole as a tree, owned; NULL as above. */
yti_json *yti_json_tree(yti_json_writer *writer);

/* As text in a file, indented; whole or not at all. NO_MEMORY, IO. */
yt_status yti_json_save(yti_json_writer *writer, const char *path, yt_err *err);
void yti_json_discard(yti_json_writer *writer);

/* A text in quotes with its escapes, to be released with free; bytes that are no UTF-8 become U+FFFD. NULL: no memory.
 */
char *yti_json_quoted(const char *text);

/* ---- reading ---- */

/* The first value in `length` bytes, owned; NULL: there is none, or no memory. What follows it is the caller's
 * business: *end (unless end is NULL) points after the value, or to where it is wrong. */
yti_json *yti_json_parse(const char *text, size_t length, const char **end);

/* The same of a text that is one value and nothing else. */
yti_json *yti_json_parse_all(const char *text);
void yti_json_free(yti_json *tree); /* NULL is fine */

bool yti_json_is_object(const yti_json *item);
bool yti_json_is_array(const yti_json *item);
bool yti_json_is_null(const yti_json *item); /* the word null; false for a NULL item */
bool yti_json_is_bool(const yti_json *item);
bool yti_json_is_true(const yti_json *item);

/* The member of an object with that key, in this case; NULL: none. */
const yti_json *yti_json_get(const yti_json *object, const char *key);

/* The members of an object or array, in their order; NULL: there is no more. */
const yti_json *yti_json_first(const yti_json *item);
const yti_json *yti_json_next(const yti_json *item);

/* The key of a member of an object, lent by the tree; NULL: it is none. Here and below the text may be handed to what
 * keeps texts that it may own: nobody writes to it. */
char *yti_json_key(const yti_json *item);
int yti_json_count(const yti_json *item); /* 0 where it has no members; a walk over all of them */

/* The text, lent by the tree; NULL: it is none. */
char *yti_json_as_text(const yti_json *item);

/* False where it is no number, which may be infinite: 1e999. */
bool yti_json_as_number(const yti_json *item, double *out);

/* False where it is no whole number from low to high, which doubles hold exactly up to 2^53. */
bool yti_json_as_whole(const yti_json *item, double low, double high, int64_t *out);

#endif
