#include "tools/tokenizer_json.h"

#include "tools/fields.h"

#include <stdlib.h>

static em_err unsupported(const em_fields *f, const char *part, const char *type,
                          const char *taken)
{
    return em_problem_set(f->problem, EM_ERR_UNSUPPORTED, f->file,
                          "%s is %s; only %s is supported", part,
                          type != NULL ? type : "missing", taken);
}

static em_err contradiction(const em_fields *f, const char *what, const char *token)
{
    return em_problem_set(f->problem, EM_ERR_MODEL_MALFORMED, f->file, "%s: %s", token,
                          what);
}

/* The member that is an object of this type. */
static em_err want_part(const em_fields *f, const char *part, const char *type,
                        json_t **ret_part)
{
    json_t *v = json_object_get(f->root, part);
    const char *is = json_string_value(json_object_get(v, "type"));

    if (is == NULL || strcmp(is, type) != 0) return unsupported(f, part, is, type);
    *ret_part = v;
    return EM_OK;
}

/* The package matches texts in its vocabulary by exact bytes. */
static bool find(const json_t *vocab, const char *text, uint32_t *ret_id)
{
    const json_t *v = json_object_get(vocab, text);

    if (!json_is_integer(v)) return false;
    *ret_id = (uint32_t)json_integer_value(v);
    return true;
}

/* ---- the parts ---- */

static em_err read_normalizer(const em_fields *f, em_wordpiece_build_input *in)
{
    json_t *v = NULL;
    bool clean, chinese, lower, strip;

    EM_TRY(want_part(f, "normalizer", "BertNormalizer", &v));
    EM_TRY(em_fields_bool_or(f, v, "clean_text", true, &clean));
    EM_TRY(em_fields_bool_or(f, v, "handle_chinese_chars", true, &chinese));
    EM_TRY(em_fields_bool_or(f, v, "lowercase", true, &lower));
    EM_TRY(em_fields_bool_or(f, v, "strip_accents", lower, &strip));
    in->options = (clean ? EM_WORDPIECE_CLEAN_TEXT : 0u) |
                  (chinese ? EM_WORDPIECE_CHINESE_CHARS : 0u) |
                  (lower ? EM_WORDPIECE_LOWERCASE : 0u) |
                  (strip ? EM_WORDPIECE_STRIP_ACCENTS : 0u);
    return EM_OK;
}

/* Files from before 2021 name no type; these members are WordPiece's alone. */
static bool looks_like_wordpiece(const json_t *model)
{
    return json_object_get(model, "type") == NULL &&
           json_object_get(model, "merges") == NULL &&
           json_object_get(model, "continuing_subword_prefix") != NULL &&
           json_object_get(model, "max_input_chars_per_word") != NULL;
}

static em_err read_words(const em_fields *f, json_t *vocab, em_tokenizer_json *t)
{
    size_t n = json_object_size(vocab);
    const char *text;
    json_t *id;

    if (n == 0 || n > EM_MAX_VOCAB)
        return em_problem_set(f->problem, EM_ERR_LIMIT, f->file,
                              "model.vocab has %zu entries; 1 to %d are possible", n,
                              EM_MAX_VOCAB);
    if ((t->words = calloc(n, sizeof *t->words)) == NULL)
        return em_problem_err(f->problem, EM_ERR_MEMORY, f->file);
    json_object_foreach(vocab, text, id)
    {
        if (!json_is_integer(id) || json_integer_value(id) < 0 ||
            json_integer_value(id) >= EM_MAX_VOCAB)
            return contradiction(f, "its id in model.vocab is not possible", text);
        t->words[t->input.words_n++] = (em_wordpiece_build_word){
            em_view(text, strlen(text)), (uint32_t)json_integer_value(id)};
    }
    t->input.words = t->words;
    return EM_OK;
}

static em_err read_model(const em_fields *f, em_tokenizer_json *t, json_t **ret_vocab)
{
    json_t *model = json_object_get(f->root, "model"), *vocab = NULL;
    const char *prefix, *unk;

    if (!looks_like_wordpiece(model)) EM_TRY(want_part(f, "model", "WordPiece", &model));
    EM_TRY(em_fields_object(f, model, "vocab", &vocab));
    EM_TRY(em_fields_text(f, model, "unk_token", &unk));
    EM_TRY(em_fields_text(f, model, "continuing_subword_prefix", &prefix));
    EM_TRY(em_fields_uint(f, model, "max_input_chars_per_word", 1, EM_MAX_WORD_CHARS,
                          &t->input.word_chars));
    t->input.prefix = em_view(prefix, strlen(prefix));
    EM_TRY(read_words(f, vocab, t));
    if (!find(vocab, unk, &t->input.unk))
        return contradiction(f, "unk_token is not in the vocabulary", unk);
    *ret_vocab = vocab;
    return EM_OK;
}

static em_err read_added_token(const em_fields *f, const json_t *v, const json_t *vocab,
                               uint32_t *next, em_wordpiece_build_added *ret_added)
{
    static const struct {
        const char *name;
        uint32_t flag;
    } flags[] = {{"single_word", EM_WORDPIECE_SINGLE_WORD},
                 {"lstrip", EM_WORDPIECE_LSTRIP},
                 {"rstrip", EM_WORDPIECE_RSTRIP},
                 {"normalized", EM_WORDPIECE_NORMALIZED}};
    em_wordpiece_build_added a = {0};
    const char *text;
    uint32_t in_vocab;

    if (!json_is_object(v)) return contradiction(f, "holds no object", "added_tokens");
    EM_TRY(em_fields_text(f, v, "content", &text));
    EM_TRY(em_fields_uint(f, v, "id", 0, EM_MAX_VOCAB - 1, &a.id));
    for (size_t i = 0; i < EM_COUNT(flags); i++) {
        bool on;
        EM_TRY(em_fields_bool_or(f, v, flags[i].name, false, &on));
        if (on) a.flags |= flags[i].flag;
    }
    /* the package counts ids itself and overrules what the file says */
    if (!find(vocab, text, &in_vocab)) in_vocab = (*next)++;
    if (a.id != in_vocab)
        return contradiction(f, "its id in added_tokens is not the one it gets", text);
    a.text = em_view(text, strlen(text));
    *ret_added = a;
    return EM_OK;
}

static em_err read_added(const em_fields *f, const json_t *vocab, em_tokenizer_json *t)
{
    const json_t *list = json_object_get(f->root, "added_tokens");
    size_t n = json_array_size(list); /* 0 where there is none */
    uint32_t next = (uint32_t)json_object_size(vocab);

    if (n > EM_MAX_ADDED_TOKENS)
        return em_problem_set(f->problem, EM_ERR_LIMIT, f->file,
                              "%zu added_tokens; at most %d are possible", n,
                              EM_MAX_ADDED_TOKENS);
    if (n == 0) return EM_OK;
    if ((t->added = calloc(n, sizeof *t->added)) == NULL)
        return em_problem_err(f->problem, EM_ERR_MEMORY, f->file);
    t->input.added = t->added;
    for (size_t i = 0; i < n; i++) {
        EM_TRY(read_added_token(f, json_array_get(list, i), vocab, &next, &t->added[i]));
        t->input.added_n++;
    }
    return EM_OK;
}

/* ---- what stands around a text ---- */

/* {"SpecialToken": {"id": "[CLS]", "type_id": 0}}: its name, or NULL */
static const char *special_name(const json_t *piece)
{
    const json_t *v = json_object_get(piece, "SpecialToken");

    if (!json_is_integer(json_object_get(v, "type_id")) ||
        json_integer_value(json_object_get(v, "type_id")) != 0)
        return NULL;
    return json_string_value(json_object_get(v, "id"));
}

static em_err template_id(const em_fields *f, const json_t *processor, const char *name,
                          uint32_t *ret_id)
{
    const json_t *v = json_object_get(json_object_get(processor, "special_tokens"), name);
    const json_t *ids = json_object_get(v, "ids"), *id = json_array_get(ids, 0);

    if (json_array_size(ids) != 1 || !json_is_integer(id) || json_integer_value(id) < 0 ||
        json_integer_value(id) >= EM_MAX_VOCAB)
        return contradiction(f, "the post-processor gives it no single id", name);
    *ret_id = (uint32_t)json_integer_value(id);
    return EM_OK;
}

static em_err read_template(const em_fields *f, const json_t *processor,
                            em_wordpiece_build_input *in)
{
    const json_t *single = json_object_get(processor, "single");
    const json_t *text = json_object_get(json_array_get(single, 1), "Sequence");
    const char *first = special_name(json_array_get(single, 0));
    const char *last = special_name(json_array_get(single, 2));
    const char *which = json_string_value(json_object_get(text, "id"));

    if (json_array_size(single) != 3 || first == NULL || last == NULL || which == NULL ||
        strcmp(which, "A") != 0 ||
        json_integer_value(json_object_get(text, "type_id")) != 0)
        return unsupported(f, "the post_processor's template", "another",
                           "one token, the text, one token (all of type 0)");
    EM_TRY(template_id(f, processor, first, &in->cls));
    return template_id(f, processor, last, &in->sep);
}

/* Is this piece of a template the token, or the text, of that type? */
static bool is_piece(const json_t *piece, const char *kind, const char *id,
                     json_int_t type)
{
    const json_t *v = json_object_get(piece, kind), *of = json_object_get(v, "type_id");
    const char *is = json_string_value(json_object_get(v, "id"));

    return is != NULL && strcmp(is, id) == 0 && json_is_integer(of) &&
           json_integer_value(of) == type;
}

/* Does the (good) template put pairs together as BERT does? */
static bool has_pairs(const json_t *processor)
{
    const json_t *single = json_object_get(processor, "single");
    const json_t *pair = json_object_get(processor, "pair");
    const char *cls = special_name(json_array_get(single, 0));
    const char *sep = special_name(json_array_get(single, 2));

    return json_array_size(pair) == 5 &&
           is_piece(json_array_get(pair, 0), "SpecialToken", cls, 0) &&
           is_piece(json_array_get(pair, 1), "Sequence", "A", 0) &&
           is_piece(json_array_get(pair, 2), "SpecialToken", sep, 0) &&
           is_piece(json_array_get(pair, 3), "Sequence", "B", 1) &&
           is_piece(json_array_get(pair, 4), "SpecialToken", sep, 1);
}

/* ["[SEP]", 102] */
static em_err read_pair(const em_fields *f, const json_t *processor, const char *key,
                        uint32_t *ret_id)
{
    const json_t *pair = json_object_get(processor, key), *id = json_array_get(pair, 1);

    if (json_array_size(pair) != 2 || !json_is_integer(id) ||
        json_integer_value(id) < 0 || json_integer_value(id) >= EM_MAX_VOCAB)
        return contradiction(f, "the post-processor gives it no id", key);
    *ret_id = (uint32_t)json_integer_value(id);
    return EM_OK;
}

static em_err read_processor(const em_fields *f, em_wordpiece_build_input *in,
                             bool *ret_pairs)
{
    const json_t *v = json_object_get(f->root, "post_processor");
    const char *type = json_string_value(json_object_get(v, "type"));

    if (type != NULL && strcmp(type, "TemplateProcessing") == 0) {
        EM_TRY(read_template(f, v, in));
        *ret_pairs = has_pairs(v);
        return EM_OK;
    }
    if (type == NULL || strcmp(type, "BertProcessing") != 0)
        return unsupported(f, "post_processor", type,
                           "TemplateProcessing or BertProcessing");
    *ret_pairs = true;
    EM_TRY(read_pair(f, v, "cls", &in->cls));
    return read_pair(f, v, "sep", &in->sep);
}

em_err em_tokenizer_json_read(em_bytes json, const char *name, em_problem *problem,
                              em_tokenizer_json *ret_tokenizer)
{
    EM_DROP(em_tokenizer_json) t = {0};
    em_fields f = {0};
    json_t *part = NULL, *vocab = NULL;
    const char *version;

    EM_TRY(em_fields_load(json, EM_TOKENIZER_JSON_MAX, JSON_OBJECT, name, problem, &f));
    t.json = f.root; /* dropped with t */
    EM_TRY(em_fields_text_or(&f, f.root, "version", "1.0", &version));
    if (strcmp(version, "1.0") != 0) return unsupported(&f, "version", version, "1.0");
    EM_TRY(read_normalizer(&f, &t.input));
    EM_TRY(want_part(&f, "pre_tokenizer", "BertPreTokenizer", &part));
    EM_TRY(read_model(&f, &t, &vocab));
    EM_TRY(read_added(&f, vocab, &t));
    EM_TRY(read_processor(&f, &t.input, &t.pairs));
    if (!find(vocab, "[PAD]", &t.input.pad)) t.input.pad = EM_WORDPIECE_NONE;
    if (!find(vocab, "[MASK]", &t.input.mask)) t.input.mask = EM_WORDPIECE_NONE;
    *ret_tokenizer = EM_TAKE(t);
    return EM_OK;
}

void em_tokenizer_json_drop(em_tokenizer_json *tokenizer)
{
    json_decref(tokenizer->json);
    free(tokenizer->text);
    free(tokenizer->words);
    free(tokenizer->added);
    *tokenizer = (em_tokenizer_json){0};
}

em_err em_tokenizer_json_build(const em_tokenizer_json *tokenizer, const char *name,
                               em_problem *problem, em_map *ret_pages, size_t *ret_len)
{
    EM_DROP(em_map) pages = {0};
    EM_DROP(em_map) scratch = {0};
    em_wordpiece check;
    size_t cap, scratch_len, len;

    em_err err = em_wordpiece_build_plan(&tokenizer->input, &cap, &scratch_len);
    if (err == EM_OK) err = em_map_anonymous(cap, 0, &pages);
    if (err == EM_OK) err = em_map_anonymous(scratch_len, 0, &scratch);
    if (err == EM_OK)
        err = em_wordpiece_build(&tokenizer->input, scratch.at, scratch.len, pages.at,
                                 cap, &len);
    if (err == EM_OK) err = em_wordpiece_open(em_view(pages.at, len), &check);
    if (err == EM_ERR_MODEL_MALFORMED)
        return em_problem_set(problem, err, name,
                              "a token is there twice or not UTF-8, or an added token is "
                              "empty");
    if (err != EM_OK) return em_problem_err(problem, err, name);
    *ret_pages = EM_TAKE(pages);
    *ret_len = len;
    return EM_OK;
}
