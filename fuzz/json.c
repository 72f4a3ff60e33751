/* covers: shared/wire/json_parse.c shared/wire/json.c
 *
 * Strict JSON: every token of a good text is walked, read, written and read again. */
#include "wire/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAP = 256 };

static void check_text(em_json_value v, size_t size)
{
    size_t cap = 6 * size + 2;
    uint8_t *buf = malloc(cap), *quoted = malloc(cap), *again = malloc(cap);
    em_bytes text = {0}, back = {0};
    em_json_token token;
    em_json json;

    if (em_json_text(v, buf, cap, &text) != EM_OK) abort();
    if (!em_is_utf8(text)) abort();
    em_out o = em_out_over(quoted, cap);
    em_json_put_text(&o, text);
    if (em_write_end(&o) != EM_OK) abort();
    if (o.len <= EM_MAX_JSON_BYTES) {
        if (em_json_parse(em_write_view(&o), &token, 1, &json) != EM_OK) abort();
        if (em_json_text(em_json_root(&json), again, cap, &back) != EM_OK) abort();
        if (!em_same(text, back)) abort();
    }
    free(buf);
    free(quoted);
    free(again);
}

static void check_object(em_json_value v)
{
    for (uint32_t i = 0; i < em_json_count(v); i++) {
        em_json_value key, found, value = em_json_at(v, i, &key);
        char name[64];
        em_bytes text;
        if (em_json_text(key, (uint8_t *)name, sizeof name - 1, &text) != EM_OK) continue;
        name[text.len] = 0;
        if (!em_json_member(v, name, &found) || found.i != value.i) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_json_token tokens[CAP];
    em_json json;
    uint64_t number;
    bool truth;

    if (em_json_parse(em_view(data, size), tokens, CAP, &json) != EM_OK) return 0;
    for (uint32_t i = 0; i < json.n; i++) {
        em_json_value v = {&json, i};
        const em_json_token *t = &tokens[i];
        if (t->at + t->len > size || t->next > json.n || t->next <= i) abort();
        if (em_json_kind_of(v) == EM_JSON_TEXT) check_text(v, size);
        if (em_json_kind_of(v) == EM_JSON_OBJECT) check_object(v);
        if (em_json_uint(v, 1000, &number) == EM_OK && number > 1000) abort();
        (void)!em_json_bool(v, &truth);
    }
    return 0;
}
