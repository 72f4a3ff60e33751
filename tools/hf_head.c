#include "tools/hf_head.h"

#include "tools/fields.h"

#include <stdio.h>

em_err em_hf_head_choose(const char *as, const char *activation, em_problem *problem,
                         em_hf_choice *ret_choice)
{
    static const char *const names[] = {[EM_ACTIVATION_NONE] = "none",
                                        [EM_ACTIVATION_SIGMOID] = "sigmoid",
                                        [EM_ACTIVATION_SOFTMAX] = "softmax"};
    em_hf_choice c = {0};

    if (as != NULL && strcmp(as, "embed") == 0) c.as = EM_HF_AS_EMBED;
    if (as != NULL && strcmp(as, "classify") == 0) c.as = EM_HF_AS_CLASSIFY;
    if (as != NULL && c.as == EM_HF_AS_IT_SAYS)
        return em_problem_set(problem, EM_ERR_UNSUPPORTED, "--as", "embed or classify");
    for (uint32_t i = EM_ACTIVATION_NONE; i < EM_COUNT(names); i++)
        if (activation != NULL && strcmp(activation, names[i]) == 0)
            c.activation = (em_activation)i;
    if (activation != NULL && c.activation == 0)
        return em_problem_set(problem, EM_ERR_UNSUPPORTED, "--activation",
                              "none, sigmoid or softmax");
    *ret_choice = c;
    return EM_OK;
}

/* ---- is there a head? ---- */

/* The first of "architectures", or NULL. */
static em_err read_architecture(const em_fields *f, const char **ret_name)
{
    const json_t *list = json_object_get(f->root, "architectures");

    *ret_name = NULL;
    if (list == NULL || json_is_null(list)) return EM_OK;
    const char *name = json_string_value(json_array_get(list, 0));
    if (name == NULL)
        return em_problem_set(f->problem, EM_ERR_JSON_TYPE, f->file,
                              "architectures is not a list of names");
    *ret_name = name;
    return EM_OK;
}

static bool is_one_of(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, list[i]) == 0) return true;
    return false;
}

static em_err decide(const em_fields *f, bool listed, bool classifier, em_hf_as as,
                     bool *ret_head)
{
    /* their heads predict words: nobody asks an encoder for those */
    static const char *const encoders[] = {"BertModel", "BertForMaskedLM",
                                           "BertForPreTraining"};
    static const char sequence[] = "BertForSequenceClassification";
    const char *name;

    *ret_head = false;
    if (as == EM_HF_AS_EMBED || (as == EM_HF_AS_IT_SAYS && listed)) return EM_OK;
    EM_TRY(read_architecture(f, &name));
    bool encoder = name == NULL || is_one_of(name, encoders, EM_COUNT(encoders));
    if (!encoder && strcmp(name, sequence) != 0)
        return em_problem_set(f->problem, EM_ERR_UNSUPPORTED, f->file,
                              "architectures names %s; heads of that kind are not "
                              "supported, only %s (--as embed takes the encoder alone)",
                              name, sequence);
    *ret_head = as == EM_HF_AS_CLASSIFY || !encoder || classifier;
    if (*ret_head && !classifier)
        return em_problem_set(f->problem, EM_ERR_MODEL_SHAPE, f->file,
                              "a classifier is asked for, but the weights have no "
                              "classifier.weight");
    return EM_OK;
}

/* ---- labels ---- */

static bool is_label(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] > '~') return false;
    return len > 0 && len <= EM_MAX_LABEL;
}

static em_err put_label(const em_fields *f, const char *text, uint32_t i, em_hf_head *h)
{
    if (!is_label(text))
        return em_problem_set(f->problem, EM_ERR_MODEL_MALFORMED, f->file,
                              "id2label: label %u is not printable ASCII of 1 to %d "
                              "characters; give it such a name there",
                              i, EM_MAX_LABEL);
    for (uint32_t k = 0; k < i; k++)
        if (strcmp(h->label[k], text) == 0)
            return em_problem_set(f->problem, EM_ERR_MODEL_MALFORMED, f->file,
                                  "id2label: labels %u and %u are both called %s", k, i,
                                  text);
    memcpy(h->label[i], text, strlen(text) + 1);
    return EM_OK;
}

static em_err read_labels(const em_fields *f, em_hf_head *h)
{
    const json_t *named = json_object_get(f->root, "id2label");
    bool has = named != NULL && !json_is_null(named);
    uint32_t n = 2; /* what transformers takes where nothing is said */
    char key[40];

    if (has && !json_is_object(named))
        return em_problem_set(f->problem, EM_ERR_JSON_TYPE, f->file,
                              "id2label is not an object");
    if (has) n = (uint32_t)json_object_size(named);
    if (has && (n == 0 || json_object_size(named) > EM_MAX_LABELS))
        return em_problem_set(f->problem, EM_ERR_LIMIT, f->file,
                              "id2label has %zu labels; 1 to %d are possible",
                              json_object_size(named), EM_MAX_LABELS);
    uint32_t counted = n;
    EM_TRY(em_fields_uint_or(f, f->root, "num_labels", n, 1, EM_MAX_LABELS, &counted));
    if (has && counted != n)
        return em_problem_set(f->problem, EM_ERR_MODEL_MALFORMED, f->file,
                              "num_labels is %u, but id2label has %u", counted, n);
    h->labels = counted;
    for (uint32_t i = 0; i < counted; i++) {
        snprintf(key, sizeof key, has ? "%u" : "LABEL_%u", i);
        const char *text = has ? json_string_value(json_object_get(named, key)) : key;
        if (text == NULL)
            return em_problem_set(f->problem, EM_ERR_MODEL_MALFORMED, f->file,
                                  "id2label has no text for %s", key);
        EM_TRY(put_label(f, text, i, h));
    }
    return EM_OK;
}

/* ---- what scores pass through ---- */

/* sentence-transformers' name of a class, or NULL. */
static em_err read_class(const em_fields *f, const char **ret_name)
{
    json_t *own = json_object_get(f->root, "sentence_transformers");

    *ret_name = NULL;
    if (own != NULL && !json_is_null(own)) {
        if (!json_is_object(own))
            return em_problem_set(f->problem, EM_ERR_JSON_TYPE, f->file,
                                  "sentence_transformers is not an object");
        EM_TRY(em_fields_text_or(f, own, "activation_fn", NULL, ret_name));
    }
    if (*ret_name == NULL)
        EM_TRY(em_fields_text_or(f, f->root, "sbert_ce_default_activation_function", NULL,
                                 ret_name));
    return EM_OK;
}

static em_err read_activation(const em_fields *f, em_hf_head *h)
{
    static const struct {
        const char *name;
        em_activation activation;
    } classes[] = {{"torch.nn.modules.linear.Identity", EM_ACTIVATION_NONE},
                   {"torch.nn.modules.activation.Sigmoid", EM_ACTIVATION_SIGMOID},
                   {"torch.nn.modules.activation.Softmax", EM_ACTIVATION_SOFTMAX}},
      types[] = {{"regression", EM_ACTIVATION_NONE},
                 {"multi_label_classification", EM_ACTIVATION_SIGMOID},
                 {"single_label_classification", 0}};
    const char *class, *type;

    h->activation = h->labels == 1 ? EM_ACTIVATION_SIGMOID : EM_ACTIVATION_SOFTMAX;
    EM_TRY(read_class(f, &class));
    for (size_t i = 0; class != NULL && i < EM_COUNT(classes); i++)
        if (strcmp(class, classes[i].name) == 0) {
            h->activation = classes[i].activation;
            return EM_OK;
        }
    if (class != NULL)
        return em_problem_set(f->problem, EM_ERR_UNSUPPORTED, f->file,
                              "the activation is %s; only Identity, Sigmoid and Softmax "
                              "of torch.nn.modules are supported (--activation decides "
                              "otherwise)",
                              class);
    EM_TRY(em_fields_text_or(f, f->root, "problem_type", NULL, &type));
    for (size_t i = 0; type != NULL && i < EM_COUNT(types); i++)
        if (strcmp(type, types[i].name) == 0) {
            if (types[i].activation != 0) h->activation = types[i].activation;
            return EM_OK;
        }
    if (type != NULL)
        return em_problem_set(f->problem, EM_ERR_UNSUPPORTED, f->file,
                              "problem_type is %s; only regression and single- or "
                              "multi_label_classification are supported",
                              type);
    return EM_OK;
}

em_err em_hf_head_read(em_hf_config_file config, bool listed, bool classifier,
                       const em_hf_choice *choice, em_problem *problem,
                       em_hf_head *ret_head)
{
    EM_DROP(em_fields) f = {0};
    bool has;

    EM_TRY(em_fields_load(config.text, EM_HF_CONFIG_MAX, JSON_OBJECT, config.name,
                          problem, &f));
    EM_TRY(decide(&f, listed, classifier, choice->as, &has));
    if (!has && choice->activation != 0)
        return em_problem_set(problem, EM_ERR_ARGUMENT, config.name,
                              "an activation is for classifiers; this is an embedder");
    ret_head->labels = 0;
    ret_head->activation = EM_ACTIVATION_NONE;
    if (!has) return EM_OK;
    EM_TRY(read_labels(&f, ret_head));
    if (choice->activation == 0) return read_activation(&f, ret_head);
    ret_head->activation = choice->activation;
    return EM_OK;
}

/* ---- prompts ---- */

static bool is_name(em_bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] < '!' || name.at[i] > '~') return false;
    return name.len > 0 && name.len <= EM_MAX_PROMPT_NAME;
}

em_err em_hf_head_add_prompt(em_hf_prompts *prompts, em_bytes name, em_bytes text,
                             const char *file, em_problem *problem)
{
    uint32_t i = 0;

    if (!is_name(name))
        return em_problem_set(problem, EM_ERR_MODEL_MALFORMED, file,
                              "a prompt's name is 1 to %d printable ASCII characters "
                              "without a space",
                              EM_MAX_PROMPT_NAME);
    if (text.len > EM_MAX_PROMPT || !em_is_utf8(text) ||
        (text.len > 0 && memchr(text.at, 0, text.len) != NULL))
        return em_problem_set(problem, EM_ERR_MODEL_MALFORMED, file,
                              "prompt %.*s is no UTF-8 text of at most %d bytes",
                              (int)name.len, (const char *)name.at, EM_MAX_PROMPT);
    while (i < prompts->n &&
           !em_same(em_view(prompts->at[i].name, strlen(prompts->at[i].name)), name))
        i++;
    if (i == EM_MAX_PROMPTS)
        return em_problem_set(problem, EM_ERR_LIMIT, file,
                              "more than %d prompts; a manifest holds no more",
                              EM_MAX_PROMPTS);
    if (i == prompts->n) prompts->n++;
    memset(&prompts->at[i], 0, sizeof prompts->at[i]);
    memcpy(prompts->at[i].name, name.at, name.len);
    if (text.len > 0) memcpy(prompts->at[i].text, text.at, text.len);
    return EM_OK;
}

static em_err add(const em_fields *f, em_hf_prompts *p, const char *name,
                  const json_t *text)
{
    if (!json_is_string(text))
        return em_problem_set(f->problem, EM_ERR_JSON_TYPE, f->file,
                              "prompt %s is not a text", name);
    return em_hf_head_add_prompt(
        p, em_view(name, strlen(name)),
        em_view(json_string_value(text), json_string_length(text)), f->file, f->problem);
}

em_err em_hf_head_read_prompts(em_hf_config_file sentence_transformers,
                               em_problem *problem, em_hf_prompts *ret_prompts)
{
    EM_DROP(em_fields) f = {0};
    const char *name, *by_default;
    json_t *map, *text;

    ret_prompts->n = 0;
    if (sentence_transformers.text.at == NULL) return EM_OK;
    EM_TRY(em_fields_load(sentence_transformers.text, EM_HF_CONFIG_MAX, JSON_OBJECT,
                          sentence_transformers.name, problem, &f));
    const json_t *cut = json_object_get(f.root, "truncate_dim");
    if (cut != NULL && !json_is_null(cut))
        return em_problem_set(problem, EM_ERR_UNSUPPORTED, f.file,
                              "truncate_dim cuts vectors, which is not supported");
    map = json_object_get(f.root, "prompts");
    if (map != NULL && !json_is_null(map) && !json_is_object(map))
        return em_problem_set(problem, EM_ERR_JSON_TYPE, f.file,
                              "prompts is not an object");
    json_object_foreach(map, name, text)
    {
        EM_TRY(add(&f, ret_prompts, name, text));
    }
    EM_TRY(em_fields_text_or(&f, f.root, "default_prompt_name", NULL, &by_default));
    if (by_default == NULL) return EM_OK;
    text = json_object_get(map, by_default);
    if (text == NULL)
        return em_problem_set(problem, EM_ERR_MODEL_MALFORMED, f.file,
                              "default_prompt_name is %s, which is no prompt there",
                              by_default);
    return json_string_length(text) > 0 ? add(&f, ret_prompts, "default", text) : EM_OK;
}
