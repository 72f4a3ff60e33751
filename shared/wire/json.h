/* json.h - strict small JSON (RFC 8259) for what reaches the enclave: its configuration,
 * the answers of KMS and of the credentials service.
 *
 * The profile: UTF-8, no duplicate members (compared after unescaping), nesting at most
 * EM_MAX_JSON_DEPTH, at most EM_MAX_JSON_BYTES, no lone surrogates, no \u0000; numbers
 * are read as integers only.
 *
 * Trust:  input is hostile; em_json_parse checks all of it before anything is read.
 * Memory: tokens are the caller's; nothing is allocated.
 */
#ifndef EM_WIRE_JSON_H
#define EM_WIRE_JSON_H

#include "base/limits.h"
#include "wire/json_put.h"

typedef enum em_json_kind {
    EM_JSON_OBJECT,
    EM_JSON_ARRAY,
    EM_JSON_TEXT,
    EM_JSON_NUMBER,
    EM_JSON_TRUE,
    EM_JSON_FALSE,
    EM_JSON_NULL,
} em_json_kind;

typedef struct em_json_token {
    em_json_kind kind;
    uint32_t at, len; /* in the text; without the quotes of a text, escapes as written */
    uint32_t n;       /* members or elements */
    uint32_t next;    /* index of the token behind this value */
} em_json_token;

/* A checked text.  An object's members are key and value tokens in turn. */
typedef struct em_json {
    em_bytes text;
    em_json_token *token;
    uint32_t n;
} em_json;

/* A value in a checked text; index 0 is the whole. */
typedef struct em_json_value {
    const em_json *json;
    uint32_t i;
} em_json_value;

/* Checks all of `text`; EM_ERR_LIMIT where it is too long or `cap` tokens are too few.
 * Time grows with the square of the members of one object, which `cap` bounds. */
em_err em_json_parse(em_bytes text, em_json_token *tokens, uint32_t cap,
                     em_json *ret_json);

em_json_value em_json_root(const em_json *json);
em_json_kind em_json_kind_of(em_json_value v);
uint32_t em_json_count(em_json_value v);

/* Member `name` of an object; false where there is none.  EM_ERR_JSON_TYPE is told by the
 * typed readers below. */
bool em_json_member(em_json_value object, const char *name, em_json_value *ret_value);

/* The same for a member that must be there: EM_ERR_JSON_MEMBER. */
em_err em_json_want(em_json_value object, const char *name, em_json_value *ret_value);

/* Element or member i of an array or object (i < em_json_count); ret_key may be NULL. */
em_json_value em_json_at(em_json_value v, uint32_t i, em_json_value *ret_key);

/* EM_ERR_JSON_MEMBER where the object has a member that is not among the n names. */
em_err em_json_only(em_json_value object, const char *const *names, size_t n);

/* Typed readers: EM_ERR_JSON_TYPE, EM_ERR_JSON_NUMBER; texts are unescaped into `buf`
 * (EM_ERR_LIMIT when longer than cap). */
em_err em_json_text(em_json_value v, uint8_t *buf, size_t cap, em_bytes *ret_text);
em_err em_json_uint(em_json_value v, uint64_t max, uint64_t *ret_value);
em_err em_json_bool(em_json_value v, bool *ret_value);

#endif
