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

/* "model.vocab": an object from text to id, or an array of texts in the order of ids. */
static inline void load_vocab(json_t *vocab, em_wordpiece_build_input *in)
{
    size_t n = json_is_array(vocab) ? json_array_size(vocab) : json_object_size(vocab);
    em_wordpiece_build_word *words = test_alloc((n + 1) * sizeof *words);
    const char *text;
    size_t len, i = 0;
    json_t *id;

    for (; i < json_array_size(vocab); i++)
        words[i] =
            (em_wordpiece_build_word){load_text(json_array_get(vocab, i)), (uint32_t)i};
    json_object_keylen_foreach(vocab, text, len, id)
    {
        uint8_t *copy = test_alloc(len + 1);
        memcpy(copy, text, len);
        words[i++] = (em_wordpiece_build_word){em_view(copy, len),
                                               (uint32_t)json_integer_value(id)};
    }
    in->words = words;
    in->words_n = n;
}

static inline void load_added(const json_t *added, em_wordpiece_build_input *in)
{
    size_t n = json_array_size(added);
    em_wordpiece_build_added *tokens = test_alloc((n + 1) * sizeof *tokens);

    for (size_t i = 0; i < n; i++) {
        const json_t *a = json_array_get(added, i);
        tokens[i] = (em_wordpiece_build_added){
            load_text(json_object_get(a, "content")), load_number(a, "id"),
            load_flag(a, "single_word", EM_WORDPIECE_SINGLE_WORD) |
                load_flag(a, "lstrip", EM_WORDPIECE_LSTRIP) |
                load_flag(a, "rstrip", EM_WORDPIECE_RSTRIP) |
                load_flag(a, "normalized", EM_WORDPIECE_NORMALIZED)};
    }
    in->added = tokens;
    in->added_n = n;
}

static inline uint32_t load_options(const json_t *normalizer)
{
    uint32_t lower = load_flag(normalizer, "lowercase", EM_WORDPIECE_LOWERCASE);
    uint32_t options =
        lower | load_flag(normalizer, "clean_text", EM_WORDPIECE_CLEAN_TEXT);

    options |= load_flag(normalizer, "handle_chinese_chars", EM_WORDPIECE_CHINESE_CHARS);
    if (!json_is_null(json_object_get(normalizer, "strip_accents")))
        return options |
               load_flag(normalizer, "strip_accents", EM_WORDPIECE_STRIP_ACCENTS);
    return options | (lower != 0 ? EM_WORDPIECE_STRIP_ACCENTS : 0);
}

/* `root`'s vocabulary may be elsewhere: `vocab` then, else NULL. */
static inline em_wordpiece_build_input load_input(json_t *root, json_t *vocab)
{
    const json_t *model = json_object_get(root, "model");
    em_wordpiece_build_input in = {
        .prefix = load_text(json_object_get(model, "continuing_subword_prefix")),
        .word_chars = load_number(model, "max_input_chars_per_word"),
        .options = load_options(json_object_get(root, "normalizer")),
    };

    load_vocab(vocab != NULL ? vocab : json_object_get(model, "vocab"), &in);
    load_added(json_object_get(root, "added_tokens"), &in);
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

static inline em_wordpiece load_tokenizer(json_t *root, json_t *vocab)
{
    em_wordpiece_build_input in = load_input(root, vocab);
    em_err err;
    em_bytes section = load_section(&in, &err);
    em_wordpiece t;

    if (err != EM_OK || em_wordpiece_open(section, &t) != EM_OK) abort();
    return t;
}

static inline json_t *load_json(const char *path)
{
    em_bytes file = test_file(path);
    json_error_t error;

    if (file.at == NULL) return NULL;
    return json_loadb((const char *)file.at, file.len, JSON_ALLOW_NUL, &error);
}

/* The file that mk/golden_tokens.py makes; kept until the program ends. */
static inline json_t *golden(void)
{
    static json_t *root;

    if (root == NULL) root = load_json("tests/golden/wordpiece.json");
    return root;
}

/* The input of run `r` of the golden file. */
static inline em_wordpiece_build_input golden_input(size_t r)
{
    json_t *run = json_array_get(json_object_get(golden(), "runs"), r);
    return load_input(json_object_get(run, "tokenizer"),
                      json_object_get(golden(), "vocab"));
}

enum { RUN_DEFAULT = 0, RUN_NORMALIZED = 28 }; /* as mk/golden_tokens.py orders them */

#endif
