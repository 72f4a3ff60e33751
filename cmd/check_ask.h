/* check_ask.h - reads a request of `em check`: each member by name and type, once.
 *
 * The first fault sticks and everything after it reads as absent, so that an operation
 * reads its members in a row and asks em_check_ask_end once.
 *
 * Trust:  the request is hostile.  Nothing read may be used before em_check_ask_end has
 *         said true.
 * Memory: decoded bytes belong to the em_check_ask_root and are wiped when it is dropped;
 *         texts are views into the JSON tree.
 */
#ifndef EM_CMD_CHECK_ASK_H
#define EM_CMD_CHECK_ASK_H

#include "base/em.h"

#include <jansson.h>

/* What all parts of one request share. */
typedef struct em_check_ask_root {
    em_err err; /* the first fault; EM_OK while there is none */
    char text[160];
    struct em_check_ask_block *blocks;
} em_check_ask_root;

/* One JSON object of the request. */
typedef struct em_check_ask {
    em_check_ask_root *root;
    const json_t *object; /* NULL: absent, all its members too */
    const char *where;    /* "" or "policy.": stands before names in messages */
    size_t taken;
} em_check_ask;

typedef enum em_check_need { EM_CHECK_OPTIONAL, EM_CHECK_NEEDED } em_check_need;

void em_check_ask_root_drop(em_check_ask_root *root);

/* `len` zeroed bytes that live as long as the root; NULL, and a fault, when there is no
 * memory. */
void *em_check_ask_memory(em_check_ask_root *root, size_t len);

/* Makes this the root's fault unless it has one. */
void em_check_ask_fail(em_check_ask *ask, const char *name, em_err err);

/* The member itself, whatever it is; counted as known.  NULL where absent. */
const json_t *em_check_ask_any(em_check_ask *ask, const char *name, em_check_need need);

/* A text; bytes from lower-case hexadecimal; bytes from padded standard base64.  Absent
 * ones have at NULL, empty ones have not. */
em_bytes em_check_ask_text(em_check_ask *ask, const char *name, em_check_need need);
em_bytes em_check_ask_hex(em_check_ask *ask, const char *name, em_check_need need);
em_bytes em_check_ask_base64(em_check_ask *ask, const char *name, em_check_need need);

/* Exactly `len` bytes of hexadecimal (EM_ERR_RANGE). */
void em_check_ask_hex_into(em_check_ask *ask, const char *name, void *to, size_t len);

/* Bytes of a JSON text that stands elsewhere; `name` is for messages. */
em_bytes em_check_ask_hex_of(em_check_ask *ask, const char *name, const json_t *value);

/* An integer, 0 or more; true when it is there. */
bool em_check_ask_uint(em_check_ask *ask, const char *name, em_check_need need,
                       uint64_t *ret_value);

/* A time: the text "document", or Unix milliseconds.  True, and *ret_ms, for the latter.
 */
bool em_check_ask_time(em_check_ask *ask, const char *name, em_check_need need,
                       uint64_t *ret_ms);

/* false where absent. */
bool em_check_ask_bool(em_check_ask *ask, const char *name);

/* A list of hexadecimal or of plain texts; NULL where absent or empty. */
const em_bytes *em_check_ask_hexes(em_check_ask *ask, const char *name, size_t *ret_n);
const em_bytes *em_check_ask_texts(em_check_ask *ask, const char *name, size_t *ret_n);

/* An object inside.  em_check_ask_end is to be asked for it as well. */
em_check_ask em_check_ask_object(em_check_ask *ask, const char *name, const char *where,
                                 em_check_need need);

/* No fault, and no member that was not read? */
bool em_check_ask_end(em_check_ask *ask);

#endif
