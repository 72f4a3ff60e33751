#include "cmd/check_ask.h"
#include "cmd/lines.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- memory ---- */

typedef struct em_check_ask_block {
    struct em_check_ask_block *next;
    size_t len;
    uint8_t b[];
} em_check_ask_block;

void em_check_ask_root_drop(em_check_ask_root *root)
{
    while (root->blocks != NULL) {
        em_check_ask_block *block = root->blocks;
        root->blocks = block->next;
        em_wipe(block->b, block->len);
        free(block);
    }
}

static void fail(em_check_ask_root *root, em_err err, const char *where, const char *name)
{
    if (root->err != EM_OK) return;
    root->err = err;
    snprintf(root->text, sizeof root->text, "%s%s: %s", where, name, em_err_text(err));
}

void *em_check_ask_memory(em_check_ask_root *root, size_t len)
{
    em_check_ask_block *block = calloc(1, sizeof *block + len + 1);

    if (block == NULL) {
        fail(root, EM_ERR_MEMORY, "", "request");
        return NULL;
    }
    block->next = root->blocks;
    block->len = len;
    root->blocks = block;
    return block->b;
}

/* ---- one member ---- */

void em_check_ask_fail(em_check_ask *ask, const char *name, em_err err)
{
    fail(ask->root, err, ask->where, name);
}

const json_t *em_check_ask_any(em_check_ask *ask, const char *name, em_check_need need)
{
    const json_t *value = json_object_get(ask->object, name);

    if (ask->root->err != EM_OK) return NULL;
    if (value != NULL) {
        ask->taken++;
        return value;
    }
    if (need == EM_CHECK_NEEDED && ask->object != NULL)
        em_check_ask_fail(ask, name, EM_ERR_JSON_MEMBER);
    return NULL;
}

static em_bytes text_of(em_check_ask *ask, const char *name, const json_t *value)
{
    if (value == NULL) return (em_bytes){0};
    if (!json_is_string(value)) {
        em_check_ask_fail(ask, name, EM_ERR_JSON_TYPE);
        return (em_bytes){0};
    }
    return em_view(json_string_value(value), json_string_length(value));
}

em_bytes em_check_ask_text(em_check_ask *ask, const char *name, em_check_need need)
{
    return text_of(ask, name, em_check_ask_any(ask, name, need));
}

typedef em_err decoder(em_bytes text, uint8_t *out, size_t cap, size_t *ret_len);

/* Both encodings are longer than what they stand for. */
static em_bytes decode(em_check_ask *ask, const char *name, em_bytes text, decoder *from)
{
    size_t len = 0;

    if (text.at == NULL) return text;
    uint8_t *out = em_check_ask_memory(ask->root, text.len);
    if (out == NULL) return (em_bytes){0};
    em_err err = from(text, out, text.len, &len);
    if (err != EM_OK) {
        em_check_ask_fail(ask, name, err);
        return (em_bytes){0};
    }
    return em_view(out, len);
}

em_bytes em_check_ask_hex_of(em_check_ask *ask, const char *name, const json_t *value)
{
    return decode(ask, name, text_of(ask, name, value), em_text_from_hex);
}

em_bytes em_check_ask_hex(em_check_ask *ask, const char *name, em_check_need need)
{
    return em_check_ask_hex_of(ask, name, em_check_ask_any(ask, name, need));
}

em_bytes em_check_ask_base64(em_check_ask *ask, const char *name, em_check_need need)
{
    return decode(ask, name, em_check_ask_text(ask, name, need), em_text_from_base64);
}

void em_check_ask_hex_into(em_check_ask *ask, const char *name, void *to, size_t len)
{
    em_bytes got = em_check_ask_hex(ask, name, EM_CHECK_NEEDED);

    if (got.at != NULL && got.len == len)
        memcpy(to, got.at, len);
    else
        em_check_ask_fail(ask, name, EM_ERR_RANGE);
}

static bool uint_of(em_check_ask *ask, const char *name, const json_t *value,
                    uint64_t *ret_value)
{
    if (value == NULL) return false;
    if (!json_is_integer(value)) {
        em_check_ask_fail(ask, name, EM_ERR_JSON_TYPE);
        return false;
    }
    if (json_integer_value(value) < 0) {
        em_check_ask_fail(ask, name, EM_ERR_JSON_NUMBER);
        return false;
    }
    *ret_value = (uint64_t)json_integer_value(value);
    return true;
}

bool em_check_ask_uint(em_check_ask *ask, const char *name, em_check_need need,
                       uint64_t *ret_value)
{
    return uint_of(ask, name, em_check_ask_any(ask, name, need), ret_value);
}

bool em_check_ask_time(em_check_ask *ask, const char *name, em_check_need need,
                       uint64_t *ret_ms)
{
    const json_t *value = em_check_ask_any(ask, name, need);

    if (!json_is_string(value)) return uint_of(ask, name, value, ret_ms);
    if (!em_same(text_of(ask, name, value), EM_STR("document")))
        em_check_ask_fail(ask, name, EM_ERR_RANGE);
    return false;
}

bool em_check_ask_bool(em_check_ask *ask, const char *name)
{
    const json_t *value = em_check_ask_any(ask, name, EM_CHECK_OPTIONAL);

    if (value != NULL && !json_is_boolean(value))
        em_check_ask_fail(ask, name, EM_ERR_JSON_TYPE);
    return json_is_true(value);
}

/* ---- several ---- */

typedef em_bytes reader(em_check_ask *ask, const char *name, const json_t *value);

static const em_bytes *list_of(em_check_ask *ask, const char *name, em_check_need need,
                               reader *read, size_t *ret_n)
{
    const json_t *list = em_check_ask_any(ask, name, need);

    *ret_n = 0;
    if (list == NULL) return NULL;
    if (!json_is_array(list)) {
        em_check_ask_fail(ask, name, EM_ERR_JSON_TYPE);
        return NULL;
    }
    size_t n = json_array_size(list);
    em_bytes *out = em_check_ask_memory(ask->root, n * sizeof *out);
    if (n == 0 || out == NULL) return NULL;
    for (size_t i = 0; i < n && ask->root->err == EM_OK; i++)
        out[i] = read(ask, name, json_array_get(list, i));
    *ret_n = n;
    return out;
}

const em_bytes *em_check_ask_hexes(em_check_ask *ask, const char *name, size_t *ret_n)
{
    return list_of(ask, name, EM_CHECK_OPTIONAL, em_check_ask_hex_of, ret_n);
}

const em_bytes *em_check_ask_texts(em_check_ask *ask, const char *name, size_t *ret_n)
{
    return list_of(ask, name, EM_CHECK_NEEDED, text_of, ret_n);
}

em_check_ask em_check_ask_object(em_check_ask *ask, const char *name, const char *where,
                                 em_check_need need)
{
    const json_t *value = em_check_ask_any(ask, name, need);
    em_check_ask inner = {.root = ask->root, .where = where};

    if (value == NULL) return inner;
    if (json_is_object(value))
        inner.object = value;
    else
        em_check_ask_fail(ask, name, EM_ERR_JSON_TYPE);
    return inner;
}

bool em_check_ask_end(em_check_ask *ask)
{
    if (ask->root->err == EM_OK && ask->taken != json_object_size(ask->object)) {
        ask->root->err = EM_ERR_JSON_MEMBER;
        snprintf(ask->root->text, sizeof ask->root->text,
                 "%s: a member that this operation does not have",
                 ask->where[0] != 0 ? ask->where : "request");
    }
    return ask->root->err == EM_OK;
}
