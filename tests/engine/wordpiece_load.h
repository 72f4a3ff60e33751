/* wordpiece_load.h - a tokenizer.json as the tokenizer section that it becomes.
 *
 * Trust:  test code only; the file is good, or the test aborts.
 * Memory: from test_alloc, freed at exit.
 */
#ifndef EM_TESTS_ENGINE_WORDPIECE_LOAD_H
#define EM_TESTS_ENGINE_WORDPIECE_LOAD_H

#include "engine/wordpiece_build.h"
#include "tests/support/test.h"

#include <jansson.h>

static inline em_bytes load_text(const json_t *text)
{
    if (!json_is_string(text)) abort();
    em_bytes view = em_view(json_string_value(text), json_string_length(text));
    uint8_t *copy = test_alloc(view.len + 1);
    if (view.len > 0) memcpy(copy, view.at, view.len);
    return em_view(copy, view.len);
}

static inline uint32_t load_number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value)) abort();
    return (uint32_t)json_integer_value(value);
}

static inline uint32_t load_flag(const json_t *object, const char *name, uint32_t flag)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_boolean(value)) abort();
    return json_is_true(value) ? flag : 0;
}

/* The id of a text in the vocabulary or among the added tokens, else `otherwise`. */
static inline uint32_t load_id(const em_wordpiece_build_input *in, const char *text,
                               uint32_t otherwise)
{
    em_bytes want = em_view(text, strlen(text));

    for (size_t i = 0; i < in->added_n; i++)
        if (em_same(in->added[i].text, want)) return in->added[i].id;
    for (size_t i = 0; i < in->words_n; i++)
        if (em_same(in->words[i].text, want)) return in->words[i].id;
    return otherwise;
}

static inline em_wordpiece_build_input load_input(json_t *root)
{
    const json_t *model = json_object_get(root, "model");
    const json_t *normalizer = json_object_get(root, "normalizer");
    const json_t *added = json_object_get(root, "added_tokens");
    json_t *vocab = json_object_get(model, "vocab"), *id;
    const char *text;
    size_t len, i = 0;
    em_wordpiece_build_input in = {
        .words_n = json_object_size(vocab),
        .added_n = json_array_size(added),
        .prefix = load_text(json_object_get(model, "continuing_subword_prefix")),
        .word_chars = load_number(model, "max_input_chars_per_word"),
    };

    em_wordpiece_build_word *words = test_alloc((in.words_n + 1) * sizeof *words);
    json_object_keylen_foreach(vocab, text, len, id)
    {
        uint8_t *copy = test_alloc(len + 1);
        memcpy(copy, text, len);
        words[i++] = (em_wordpiece_build_word){em_view(copy, len),
                                               (uint32_t)json_integer_value(id)};
    }
    em_wordpiece_build_added *tokens = test_alloc((in.added_n + 1) * sizeof *tokens);
    for (i = 0; i < in.added_n; i++) {
        const json_t *a = json_array_get(added, i);
        tokens[i] = (em_wordpiece_build_added){
            load_text(json_object_get(a, "content")), load_number(a, "id"),
            load_flag(a, "single_word", EM_WORDPIECE_SINGLE_WORD) |
                load_flag(a, "lstrip", EM_WORDPIECE_LSTRIP) |
                load_flag(a, "rstrip", EM_WORDPIECE_RSTRIP) |
                load_flag(a, "normalized", EM_WORDPIECE_NORMALIZED)};
    }
    in.words = words;
    in.added = tokens;
    in.options =
        load_flag(normalizer, "clean_text", EM_WORDPIECE_CLEAN_TEXT) |
        load_flag(normalizer, "handle_chinese_chars", EM_WORDPIECE_CHINESE_CHARS) |
        load_flag(normalizer, "lowercase", EM_WORDPIECE_LOWERCASE);
    if (json_is_null(json_object_get(normalizer, "strip_accents")))
        in.options |=
            in.options & EM_WORDPIECE_LOWERCASE ? EM_WORDPIECE_STRIP_ACCENTS : 0;
    else
        in.options |= load_flag(normalizer, "strip_accents", EM_WORDPIECE_STRIP_ACCENTS);
    in.unk = load_id(&in, json_string_value(json_object_get(model, "unk_token")), 0);
    in.cls = load_id(&in, "[CLS]", 0);
    in.sep = load_id(&in, "[SEP]", 0);
    in.pad = load_id(&in, "[PAD]", EM_WORDPIECE_NONE);
    in.mask = load_id(&in, "[MASK]", EM_WORDPIECE_NONE);
    return in;
}

static inline void *load_aligned(size_t len)
{
    uint8_t *at = test_alloc(len + 63);
    return at + (64 - (uintptr_t)at % 64) % 64;
}

/* The section that `in` becomes, or {0} and the error. */
static inline em_bytes load_section(const em_wordpiece_build_input *in, em_err *ret_err)
{
    size_t cap, scratch_len, len;

    *ret_err = em_wordpiece_build_plan(in, &cap, &scratch_len);
    if (*ret_err != EM_OK) return (em_bytes){0};
    void *section = load_aligned(cap), *scratch = load_aligned(scratch_len);
    *ret_err = em_wordpiece_build(in, scratch, scratch_len, section, cap, &len);
    if (*ret_err != EM_OK) return (em_bytes){0};
    return em_view(section, len);
}

static inline em_wordpiece load_tokenizer(json_t *root)
{
    em_wordpiece_build_input in = load_input(root);
    em_err err;
    em_bytes section = load_section(&in, &err);
    em_wordpiece t;

    if (err != EM_OK || em_wordpiece_open(section, &t) != EM_OK) abort();
    return t;
}

#endif
