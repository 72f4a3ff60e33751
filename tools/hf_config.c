#include "tools/hf_config.h"

#include "engine/plan.h"
#include "tools/fields.h"

#include <stdio.h>

static em_err unsupported(const em_fields *f, const char *what, const char *is,
                          const char *taken)
{
    return em_problem_set(f->problem, EM_ERR_UNSUPPORTED, f->file,
                          "%s is %s; only %s is supported", what, is, taken);
}

bool em_hf_config_is_inside(const char *path)
{
    for (const char *at = path;;) {
        size_t len = strcspn(at, "/");
        if (len == 0 || at[0] == '.') return false; /* "", "//", ".", "..", hidden */
        for (size_t i = 0; i < len; i++)
            if (at[i] < '!' || at[i] > '~' || at[i] == '\\') return false;
        if (at[len] == 0) return true;
        at += len + 1;
    }
}

/* ---- modules.json ---- */

/* Copies the member "path"; empty is the folder itself. */
static em_err read_path(const em_fields *f, const json_t *module,
                        char ret_path[EM_HF_CONFIG_MAX_PATH])
{
    const char *path;

    EM_TRY(em_fields_text(f, module, "path", &path));
    size_t len = strlen(path);
    if (len >= EM_HF_CONFIG_MAX_PATH || (len > 0 && !em_hf_config_is_inside(path)))
        return em_problem_set(f->problem, EM_ERR_MODEL_MALFORMED, f->file,
                              "path %s does not stay inside the folder", path);
    memcpy(ret_path, path, len + 1);
    return EM_OK;
}

/* "sentence_transformers.models.Pooling" -> "Pooling" */
static em_err read_kind(const em_fields *f, const json_t *module, const char **ret_kind)
{
    const char *type;

    if (!json_is_object(module))
        return em_problem_set(f->problem, EM_ERR_JSON_TYPE, f->file,
                              "a module is not an object");
    EM_TRY(em_fields_text(f, module, "type", &type));
    const char *dot = strrchr(type, '.');
    *ret_kind = dot != NULL ? dot + 1 : type;
    return EM_OK;
}

static em_err read_list(const em_fields *f, em_hf_config_modules *m)
{
    static const char *const order[] = {"Transformer", "Pooling", "Normalize"};
    size_t n = json_array_size(f->root);

    for (size_t i = 0; i < n; i++) {
        const json_t *module = json_array_get(f->root, i);
        const char *kind = NULL;

        EM_TRY(read_kind(f, module, &kind));
        if (i >= EM_COUNT(order) || strcmp(kind, order[i]) != 0)
            return unsupported(f, "a module", kind, "Transformer, Pooling, Normalize");
        if (i == 0) EM_TRY(read_path(f, module, m->transformer));
        if (i == 1) EM_TRY(read_path(f, module, m->pooling));
    }
    if (n < 2)
        return em_problem_set(f->problem, EM_ERR_MODEL_MALFORMED, f->file,
                              "lists no Transformer and Pooling");
    m->normalize = n == 3;
    return EM_OK;
}

em_err em_hf_config_read_modules(em_hf_config_file modules, em_problem *problem,
                                 em_hf_config_modules *ret_modules)
{
    em_hf_config_modules m = {.pooling = "1_Pooling"};
    EM_DROP(em_fields) f = {0};

    if (modules.text.at != NULL) {
        EM_TRY(em_fields_load(modules.text, EM_HF_CONFIG_MAX, JSON_ARRAY, modules.name,
                              problem, &f));
        EM_TRY(read_list(&f, &m));
    }
    *ret_modules = m;
    return EM_OK;
}

/* ---- config.json ---- */

/* A member that may be missing, but says nothing else than this. */
static em_err want_text(const em_fields *f, const char *key, const char *want,
                        bool may_miss)
{
    const char *is = want;

    if (may_miss) EM_TRY(em_fields_text_or(f, f->root, key, want, &is));
    if (!may_miss) EM_TRY(em_fields_text(f, f->root, key, &is));
    if (strcmp(is, want) != 0) return unsupported(f, key, is, want);
    return EM_OK;
}

/* The other families have other tokenizers and other sums. */
static em_err want_bert(const em_fields *f)
{
    const char *type;

    EM_TRY(em_fields_text(f, f->root, "model_type", &type));
    if (strcmp(type, "bert") == 0) return EM_OK;
    return em_problem_set(f->problem, EM_ERR_UNSUPPORTED, f->file,
                          "model_type is %s; only bert is supported: models of BERT's "
                          "architecture with a WordPiece vocabulary, such as "
                          "all-MiniLM, bge-*-en, e5-*-v2, gte-* and their cross-encoders",
                          type);
}

/* A member that must be missing, null or empty. */
static em_err want_none(const em_fields *f, const char *key, const char *meaning)
{
    const json_t *v = json_object_get(f->root, key);

    if (v == NULL || json_is_null(v) || (json_is_object(v) && json_object_size(v) == 0) ||
        (json_is_array(v) && json_array_size(v) == 0))
        return EM_OK;
    return em_problem_set(f->problem, EM_ERR_UNSUPPORTED, f->file,
                          "%s asks for %s, which is not supported", key, meaning);
}

static em_err want_false(const em_fields *f, const char *key)
{
    bool on;

    EM_TRY(em_fields_bool_or(f, f->root, key, false, &on));
    return on ? unsupported(f, key, "true", "false") : EM_OK;
}

static em_err read_eps(const em_fields *f, uint32_t *ret_bits)
{
    double eps;
    float single;

    EM_TRY(em_fields_real(f, f->root, "layer_norm_eps", &eps));
    single = eps > 0 && eps < 1 ? (float)eps : 0;
    memcpy(ret_bits, &single, sizeof single);
    if (*ret_bits < 0x00800000u || *ret_bits >= 0x3F800000u)
        return em_problem_set(f->problem, EM_ERR_RANGE, f->file,
                              "layer_norm_eps is %g; above 1e-38 and below 1 is possible",
                              eps);
    return EM_OK;
}

static em_err read_sizes(const em_fields *f, em_model_shape *s)
{
    const struct {
        const char *key;
        uint32_t max;
        uint32_t *to;
    } rows[] = {{"num_hidden_layers", EM_MAX_LAYERS, &s->layers},
                {"hidden_size", EM_MAX_HIDDEN, &s->hidden},
                {"num_attention_heads", EM_MAX_HIDDEN, &s->heads},
                {"intermediate_size", EM_MAX_INTERMEDIATE, &s->intermediate},
                {"vocab_size", EM_MAX_VOCAB, &s->vocab},
                {"max_position_embeddings", EM_MAX_POSITIONS, &s->positions},
                {"type_vocab_size", EM_MAX_TYPES, &s->types}};

    for (size_t i = 0; i < EM_COUNT(rows); i++)
        EM_TRY(em_fields_uint(f, f->root, rows[i].key, 1, rows[i].max, rows[i].to));
    if (s->hidden % s->heads != 0 || s->hidden / s->heads > EM_MAX_HEAD)
        return em_problem_set(
            f->problem, EM_ERR_MODEL_MALFORMED, f->file,
            "hidden_size %u does not divide into %u heads of at most %d", s->hidden,
            s->heads, EM_MAX_HEAD);
    return EM_OK;
}

static em_err read_config(em_hf_config_file config, em_problem *problem,
                          em_model_shape *s)
{
    EM_DROP(em_fields) f = {0};

    if (config.text.at == NULL)
        return em_problem_set(problem, EM_ERR_NOT_FOUND, config.name,
                              "is missing: this is no Hugging Face model folder");
    EM_TRY(em_fields_load(config.text, EM_HF_CONFIG_MAX, JSON_OBJECT, config.name,
                          problem, &f));
    EM_TRY(want_bert(&f));
    EM_TRY(want_text(&f, "hidden_act", "gelu", false));
    EM_TRY(want_text(&f, "position_embedding_type", "absolute", true));
    EM_TRY(want_false(&f, "is_decoder"));
    EM_TRY(want_false(&f, "add_cross_attention"));
    EM_TRY(want_none(&f, "auto_map", "code of the model's own"));
    EM_TRY(want_none(&f, "pruned_heads", "heads that are taken out"));
    EM_TRY(want_none(&f, "quantization_config", "weights that are quantised already"));
    EM_TRY(read_sizes(&f, s));
    return read_eps(&f, &s->norm_eps_bits);
}

/* ---- pooling, length ---- */

/* The modes are booleans of which one is true; newer files name it in pooling_mode. */
static em_err read_mode(const em_fields *f, em_pooling *ret_pooling)
{
    static const char *const modes[] = {"cls_token",           "mean_tokens",
                                        "max_tokens",          "mean_sqrt_len_tokens",
                                        "weightedmean_tokens", "lasttoken"};
    const char *mode = NULL;
    char key[40];

    EM_TRY(em_fields_text_or(f, f->root, "pooling_mode", NULL, &mode));
    for (size_t i = 0; i < EM_COUNT(modes); i++) {
        bool on;
        snprintf(key, sizeof key, "pooling_mode_%s", modes[i]);
        EM_TRY(em_fields_bool_or(f, f->root, key, false, &on));
        if (on && mode != NULL)
            return unsupported(f, "pooling", "a combination", "one mode");
        if (on) mode = modes[i];
    }
    if (mode == NULL)
        return em_problem_set(f->problem, EM_ERR_JSON_MEMBER, f->file,
                              "names no pooling mode");
    bool cls = strcmp(mode, "cls_token") == 0 || strcmp(mode, "cls") == 0;
    bool mean = strcmp(mode, "mean_tokens") == 0 || strcmp(mode, "mean") == 0;
    if (!cls && !mean)
        return unsupported(f, "pooling_mode", mode, "mean_tokens or cls_token");
    *ret_pooling = cls ? EM_POOLING_CLS : EM_POOLING_MEAN;
    return EM_OK;
}

static em_err read_pooling(em_hf_config_file pooling, em_problem *problem,
                           em_model_shape *s)
{
    EM_DROP(em_fields) f = {0};
    uint32_t dimension;

    s->pooling = EM_POOLING_MEAN;
    if (pooling.text.at == NULL) return EM_OK;
    EM_TRY(em_fields_load(pooling.text, EM_HF_CONFIG_MAX, JSON_OBJECT, pooling.name,
                          problem, &f));
    bool prompt = true;
    EM_TRY(em_fields_bool_or(&f, f.root, "include_prompt", true, &prompt));
    EM_TRY(em_fields_uint_or(&f, f.root, "word_embedding_dimension", s->hidden, 1,
                             EM_MAX_HIDDEN, &dimension));
    if (dimension != s->hidden)
        return em_problem_set(problem, EM_ERR_MODEL_MALFORMED, pooling.name,
                              "word_embedding_dimension is %u, but hidden_size is %u",
                              dimension, s->hidden);
    EM_TRY(read_mode(&f, &s->pooling));
    if (!prompt && s->pooling == EM_POOLING_MEAN)
        return unsupported(&f, "include_prompt", "false", "a mean over the prompt too");
    return EM_OK;
}

static em_err read_length(em_hf_config_file sentence, em_problem *problem,
                          em_model_shape *s, bool *ret_lower_first)
{
    EM_DROP(em_fields) f = {0};

    s->max_tokens = s->positions;
    if (sentence.text.at != NULL) {
        EM_TRY(em_fields_load(sentence.text, EM_HF_CONFIG_MAX, JSON_OBJECT, sentence.name,
                              problem, &f));
        EM_TRY(em_fields_uint_or(&f, f.root, "max_seq_length", s->positions, 2,
                                 s->positions, &s->max_tokens));
        EM_TRY(em_fields_bool_or(&f, f.root, "do_lower_case", false, ret_lower_first));
    }
    if (s->max_tokens < 2)
        return em_problem_set(problem, EM_ERR_RANGE, sentence.name,
                              "no text fits into %u positions", s->positions);
    return EM_OK;
}

static bool names_length(em_hf_config_file sentence)
{
    EM_DROP(em_fields) f = {0};
    uint32_t length = 0;

    return sentence.text.at != NULL &&
           em_fields_load(sentence.text, EM_HF_CONFIG_MAX, JSON_OBJECT, sentence.name,
                          NULL, &f) == EM_OK &&
           em_fields_uint(&f, f.root, "max_seq_length", 2, EM_MAX_POSITIONS, &length) ==
               EM_OK;
}

em_err em_hf_config_read_longest(em_hf_config_file sentence, em_hf_config_file tokenizer,
                                 em_problem *problem, em_model_shape *shape)
{
    EM_DROP(em_fields) f = {0};

    if (tokenizer.text.at == NULL || names_length(sentence)) return EM_OK;
    EM_TRY(em_fields_load(tokenizer.text, EM_HF_CONFIG_MAX, JSON_OBJECT, tokenizer.name,
                          problem, &f));
    const json_t *v = json_object_get(f.root, "model_max_length");
    if (v == NULL || json_is_null(v)) return EM_OK;
    double most = json_number_value(v);
    if (!json_is_number(v) || most < 2)
        return em_problem_set(problem, EM_ERR_RANGE, f.file,
                              "model_max_length is no number of 2 or more");
    if (most < shape->max_tokens) shape->max_tokens = (uint32_t)most;
    return EM_OK;
}

em_err em_hf_config_read_shape(em_hf_config_file config, em_hf_config_file pooling,
                               em_hf_config_file sentence, bool normalize,
                               em_problem *problem, em_model_shape *ret_shape,
                               bool *ret_lower_first)
{
    em_model_shape s = {.arch = EM_ARCH_BERT,
                        .precision = EM_PRECISION_F32,
                        .activation = EM_ACTIVATION_NONE,
                        .normalize = normalize};
    bool lower_first = false;

    EM_TRY(read_config(config, problem, &s));
    EM_TRY(read_pooling(pooling, problem, &s));
    EM_TRY(read_length(sentence, problem, &s, &lower_first));
    em_err err = em_plan_check(&s);
    if (err != EM_OK) return em_problem_err(problem, err, config.name);
    *ret_shape = s;
    *ret_lower_first = lower_first;
    return EM_OK;
}
