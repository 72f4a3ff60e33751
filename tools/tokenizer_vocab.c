#include "tools/tokenizer_vocab.h"

#include "tools/fields.h"

#include <stdlib.h>

enum { SPECIALS = 5 };

/* What tokenizer_config.json says; the defaults are BertTokenizer's. */
typedef struct config {
    em_fields f;
    bool lower, strip, chinese;
    const char *name[SPECIALS];
} config;

static const char *const keys[SPECIALS] = {"unk_token", "cls_token", "sep_token",
                                           "pad_token", "mask_token"};
static const char *const names[SPECIALS] = {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"};

static em_err refuse(const em_fields *f, const char *what)
{
    return em_problem_set(f->problem, EM_ERR_UNSUPPORTED, f->file, "%s", what);
}

static em_err check_class(const em_fields *f)
{
    static const char *const known[] = {"BertTokenizer", "BertTokenizerFast",
                                        "DistilBertTokenizer", "DistilBertTokenizerFast"};
    const char *is;
    bool basic;

    EM_TRY(em_fields_text_or(f, f->root, "tokenizer_class", known[0], &is));
    EM_TRY(em_fields_bool_or(f, f->root, "do_basic_tokenize", true, &basic));
    if (!basic) return refuse(f, "do_basic_tokenize false is not supported");
    if (json_array_size(json_object_get(f->root, "never_split")) != 0)
        return refuse(f, "never_split is not supported; give a tokenizer.json");
    for (size_t i = 0; i < EM_COUNT(known); i++)
        if (strcmp(is, known[i]) == 0) return EM_OK;
    return em_problem_set(f->problem, EM_ERR_UNSUPPORTED, f->file,
                          "tokenizer_class is %s; only BertTokenizer is supported", is);
}

/* A special token's name is a text, or an object with its content. */
static em_err read_special(const em_fields *f, size_t i, const char **ret_name)
{
    const json_t *v = json_object_get(f->root, keys[i]);

    if (json_is_object(v)) return em_fields_text(f, v, "content", ret_name);
    return em_fields_text_or(f, f->root, keys[i], names[i], ret_name);
}

static em_err read_config(em_bytes text, const char *name, em_problem *problem,
                          config *ret_config)
{
    config c = {.f = {.file = name, .problem = problem}};

    if (text.len > 0)
        EM_TRY(em_fields_load(text, EM_TOKENIZER_JSON_MAX, JSON_OBJECT, name, problem,
                              &c.f));
    *ret_config = c; /* owns the tree from here on */
    EM_TRY(check_class(&c.f));
    EM_TRY(em_fields_bool_or(&c.f, c.f.root, "do_lower_case", true, &c.lower));
    EM_TRY(em_fields_bool_or(&c.f, c.f.root, "strip_accents", c.lower, &c.strip));
    EM_TRY(em_fields_bool_or(&c.f, c.f.root, "tokenize_chinese_chars", true, &c.chinese));
    for (size_t i = 0; i < SPECIALS; i++) EM_TRY(read_special(&c.f, i, &c.name[i]));
    *ret_config = c;
    return EM_OK;
}

/* Lines end in LF or CR LF; the last need not. */
static em_err read_lines(em_bytes text, const char *name, em_problem *problem,
                         em_tokenizer_json *t)
{
    size_t lines = 1;
    uint32_t id = 0;

    for (size_t i = 0; i < text.len; i++) lines += text.at[i] == '\n';
    if (text.len > EM_TOKENIZER_JSON_MAX || lines > EM_MAX_VOCAB)
        return em_problem_set(problem, EM_ERR_LIMIT, name, "%zu lines; at most %d", lines,
                              EM_MAX_VOCAB);
    t->words = calloc(lines, sizeof *t->words);
    t->text = malloc(text.len + 1);
    if (t->words == NULL || t->text == NULL)
        return em_problem_err(problem, EM_ERR_MEMORY, name);
    if (text.len > 0) memcpy(t->text, text.at, text.len);

    const uint8_t *at = t->text, *end = at + text.len;
    for (; at < end; id++) {
        const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));
        if (stop == NULL) stop = end;
        size_t len = (size_t)(stop - at);
        if (len > 0 && at[len - 1] == '\r') len--;
        if (len > 0)
            t->words[t->input.words_n++] = (em_wordpiece_build_word){{at, len}, id};
        at = stop + 1;
    }
    t->input.words = t->words;
    return EM_OK;
}

static uint32_t find(const em_tokenizer_json *t, const char *text)
{
    em_bytes want = em_view(text, strlen(text));

    for (size_t i = 0; i < t->input.words_n; i++)
        if (em_same(t->words[i].text, want)) return t->words[i].id;
    return EM_WORDPIECE_NONE;
}

/* The special tokens that the vocabulary has become added tokens, as the package's
 * BertTokenizer makes them. */
static em_err place_specials(const config *c, const char *name, em_problem *problem,
                             em_tokenizer_json *t)
{
    em_wordpiece_build_input *in = &t->input;
    uint32_t *const ids[SPECIALS] = {&in->unk, &in->cls, &in->sep, &in->pad, &in->mask};

    if ((t->added = calloc(SPECIALS, sizeof *t->added)) == NULL)
        return em_problem_err(problem, EM_ERR_MEMORY, name);
    in->added = t->added;
    for (size_t i = 0; i < SPECIALS; i++) {
        *ids[i] = find(t, c->name[i]);
        if (*ids[i] != EM_WORDPIECE_NONE)
            t->added[in->added_n++] = (em_wordpiece_build_added){
                em_view(c->name[i], strlen(c->name[i])), *ids[i], 0};
        else if (i < 3)
            return em_problem_set(problem, EM_ERR_MODEL_MALFORMED, name,
                                  "the %s %s is not in the vocabulary", keys[i],
                                  c->name[i]);
    }
    return EM_OK;
}

em_err em_tokenizer_vocab_read(em_bytes vocab, em_bytes config_text, const char *name,
                               const char *config_name, em_problem *problem,
                               em_tokenizer_json *ret_tokenizer)
{
    EM_DROP(em_tokenizer_json) t = {0};
    config c = {0};

    em_err err = read_config(config_text, config_name, problem, &c);
    t.json = c.f.root;
    EM_TRY(err);
    t.input.options = EM_WORDPIECE_CLEAN_TEXT |
                      (c.chinese ? EM_WORDPIECE_CHINESE_CHARS : 0u) |
                      (c.lower ? EM_WORDPIECE_LOWERCASE : 0u) |
                      (c.strip ? EM_WORDPIECE_STRIP_ACCENTS : 0u);
    t.pairs = true;
    t.input.prefix = EM_STR("##");
    t.input.word_chars = 100;
    EM_TRY(read_lines(vocab, name, problem, &t));
    EM_TRY(place_specials(&c, name, problem, &t));
    *ret_tokenizer = EM_TAKE(t);
    return EM_OK;
}
