#include "tools/hf.h"

#include "os/file.h"
#include "tools/fields.h"
#include "tools/hf_config.h"
#include "tools/hf_tensors.h"
#include "tools/tokenizer_vocab.h"

#include <stdio.h>

/* A file of the folder, loaded whole. */
typedef struct loaded {
    em_map map;
    em_hf_config_file file;
    char name[EM_MAX_SOURCE_NAME];
} loaded;

static void loaded_drop(loaded *l)
{
    em_map_drop(&l->map);
}

static em_err path_of(const em_hf *hf, const char *name, em_problem *problem,
                      char ret_path[EM_HF_MAX_PATH])
{
    int n = snprintf(ret_path, EM_HF_MAX_PATH, "%s/%s", hf->folder, name);

    if (n < 0 || n >= EM_HF_MAX_PATH)
        return em_problem_set(problem, EM_ERR_LIMIT, name, "the path is too long");
    return EM_OK;
}

static em_err add_source(em_hf *hf, const char *name, size_t len, em_problem *problem)
{
    if (hf->n_sources == EM_MAX_SOURCES || strlen(name) >= EM_MAX_SOURCE_NAME)
        return em_problem_set(problem, EM_ERR_LIMIT, name,
                              "too many files, or too long a name");
    char *copy = hf->source_name[hf->n_sources];
    memcpy(copy, name, strlen(name) + 1);
    hf->source[hf->n_sources++] = (em_source){em_view(copy, strlen(copy)), len, {0}};
    return EM_OK;
}

/* Loads "part/name" (part may be empty); the file's text stays NULL where it is missing.
 */
static em_err load_file(const em_hf *hf, const char *part, const char *name, size_t max,
                        em_problem *problem, loaded *ret_loaded)
{
    char path[EM_HF_MAX_PATH];

    int n = snprintf(ret_loaded->name, sizeof ret_loaded->name, "%s%s%s", part,
                     part[0] != 0 ? "/" : "", name);
    if (n < 0 || (size_t)n >= sizeof ret_loaded->name)
        return em_problem_set(problem, EM_ERR_LIMIT, name, "the path is too long");
    ret_loaded->file.name = ret_loaded->name;
    EM_TRY(path_of(hf, ret_loaded->name, problem, path));
    em_err err = em_file_load(path, max, &ret_loaded->map);
    if (err == EM_ERR_NOT_FOUND) return EM_OK;
    if (err != EM_OK) return em_problem_err(problem, err, ret_loaded->name);
    ret_loaded->file.text = em_map_view(&ret_loaded->map);
    return EM_OK;
}

static em_err load(em_hf *hf, const char *part, const char *name, size_t max,
                   em_problem *problem, loaded *ret_loaded)
{
    EM_TRY(load_file(hf, part, name, max, problem, ret_loaded));
    if (ret_loaded->file.text.at == NULL) return EM_OK;
    return add_source(hf, ret_loaded->name, ret_loaded->map.len, problem);
}

/* A file that is asked twice is a source once. */
static em_err load_aside(em_hf *hf, const char *part, const char *name, size_t max,
                         em_problem *problem, loaded *ret_loaded)
{
    uint32_t i = 0;

    EM_TRY(load_file(hf, part, name, max, problem, ret_loaded));
    if (ret_loaded->file.text.at == NULL) return EM_OK;
    while (i < hf->n_sources && strcmp(hf->source_name[i], ret_loaded->name) != 0) i++;
    if (i < hf->n_sources) return EM_OK;
    return add_source(hf, ret_loaded->name, ret_loaded->map.len, problem);
}

/* ---- what the model is ---- */

static em_err read_shape(em_hf *hf, em_problem *problem, em_hf_config_modules *modules,
                         bool *ret_lower_first, bool *ret_listed)
{
    EM_DROP(loaded) list = {0};
    EM_DROP(loaded) config = {0};
    EM_DROP(loaded) pooling = {0};
    EM_DROP(loaded) sentence = {0};
    EM_DROP(loaded) tokenizer = {0};
    EM_DROP(loaded) prompts = {0};

    EM_TRY(load(hf, "", "modules.json", EM_HF_CONFIG_MAX, problem, &list));
    EM_TRY(em_hf_config_read_modules(list.file, problem, modules));
    const char *part = modules->transformer;
    EM_TRY(load(hf, part, "config.json", EM_HF_CONFIG_MAX, problem, &config));
    EM_TRY(
        load(hf, modules->pooling, "config.json", EM_HF_CONFIG_MAX, problem, &pooling));
    if (pooling.file.text.at == NULL && list.file.text.at != NULL)
        return em_problem_set(problem, EM_ERR_NOT_FOUND, pooling.name,
                              "is missing, though modules.json names it");
    EM_TRY(load(hf, part, "sentence_bert_config.json", EM_HF_CONFIG_MAX, problem,
                &sentence));
    EM_TRY(em_hf_config_read_shape(config.file, pooling.file, sentence.file,
                                   modules->normalize, problem, &hf->shape,
                                   ret_lower_first));
    EM_TRY(load_aside(hf, part, "tokenizer_config.json", EM_TOKENIZER_JSON_MAX, problem,
                      &tokenizer));
    EM_TRY(em_hf_config_read_longest(sentence.file, tokenizer.file, problem, &hf->shape));
    EM_TRY(load(hf, "", "config_sentence_transformers.json", EM_HF_CONFIG_MAX, problem,
                &prompts));
    EM_TRY(em_hf_head_read_prompts(prompts.file, problem, &hf->prompts));
    *ret_listed = list.file.text.at != NULL;
    return EM_OK;
}

/* A head changes what the shape says; which tensors there are is known by now. */
static em_err read_head(em_hf *hf, const char *part, bool listed,
                        const em_hf_choice *choice, em_problem *problem)
{
    EM_DROP(loaded) config = {0};

    EM_TRY(load_aside(hf, part, "config.json", EM_HF_CONFIG_MAX, problem, &config));
    EM_TRY(em_hf_head_read(config.file, listed, em_hf_tensors_classifier(hf), choice,
                           problem, &hf->head));
    hf->shape.labels = hf->head.labels;
    hf->shape.activation = hf->head.activation;
    if (hf->shape.labels == 0) return EM_OK;
    if (hf->shape.labels == 1 && !hf->tokenizer.pairs)
        return em_problem_set(problem, EM_ERR_UNSUPPORTED, "tokenizer.json",
                              "the template for pairs is another than BERT's, [CLS] A "
                              "[SEP] of type 0 and B [SEP] of type 1: a model of one "
                              "label takes pairs");
    hf->shape.pooling = EM_POOLING_CLS; /* what the pooler takes */
    hf->shape.normalize = false;
    return EM_OK;
}

static em_err check_ids(const em_hf *hf, const char *name, em_problem *problem)
{
    const em_wordpiece_build_input *in = &hf->tokenizer.input;
    uint32_t most = in->cls > in->sep ? in->cls : in->sep;

    for (size_t i = 0; i < in->words_n; i++)
        if (in->words[i].id > most) most = in->words[i].id;
    for (size_t i = 0; i < in->added_n; i++)
        if (in->added[i].id > most) most = in->added[i].id;
    if (most >= hf->shape.vocab)
        return em_problem_set(problem, EM_ERR_MODEL_MALFORMED, name,
                              "has a token of id %u, but vocab_size is %u", most,
                              hf->shape.vocab);
    return EM_OK;
}

static em_err read_tokenizer(em_hf *hf, const char *part, bool lower_first,
                             em_problem *problem)
{
    EM_DROP(loaded) json = {0};
    EM_DROP(loaded) vocab = {0};
    EM_DROP(loaded) config = {0};
    const char *name = json.name;

    EM_TRY(load(hf, part, "tokenizer.json", EM_TOKENIZER_JSON_MAX, problem, &json));
    if (json.file.text.at != NULL) {
        EM_TRY(
            em_tokenizer_json_read(json.file.text, json.name, problem, &hf->tokenizer));
    } else {
        EM_TRY(load(hf, part, "vocab.txt", EM_TOKENIZER_JSON_MAX, problem, &vocab));
        if (vocab.file.text.at == NULL)
            return em_problem_set(problem, EM_ERR_NOT_FOUND, hf->folder,
                                  "has neither tokenizer.json nor vocab.txt");
        EM_TRY(load_aside(hf, part, "tokenizer_config.json", EM_TOKENIZER_JSON_MAX,
                          problem, &config));
        EM_TRY(em_tokenizer_vocab_read(vocab.file.text, config.file.text, vocab.name,
                                       config.name, problem, &hf->tokenizer));
        name = vocab.name;
    }
    if (lower_first && !(hf->tokenizer.input.options & EM_WORDPIECE_LOWERCASE))
        return em_problem_set(problem, EM_ERR_UNSUPPORTED, "sentence_bert_config.json",
                              "do_lower_case is true, but the tokenizer does not lower "
                              "case");
    return check_ids(hf, name, problem);
}

/* ---- the weights ---- */

static em_err open_shard(em_hf *hf, const char *name, em_problem *problem)
{
    char path[EM_HF_MAX_PATH];

    if (hf->n_shards == EM_HF_MAX_SHARDS || strlen(name) >= EM_MAX_SOURCE_NAME)
        return em_problem_set(problem, EM_ERR_LIMIT, name, "more than %d shards",
                              EM_HF_MAX_SHARDS);
    em_hf_shard *s = &hf->shard[hf->n_shards];
    memcpy(s->name, name, strlen(name) + 1);
    EM_TRY(path_of(hf, name, problem, path));
    em_err err = em_map_file(path, &s->map);
    if (err != EM_OK) return em_problem_err(problem, err, name);
    hf->n_shards++; /* from here on em_hf_drop sees it */
    EM_TRY(em_safetensors_open(em_map_view(&s->map), s->name, problem, &s->tensors));
    return add_source(hf, name, s->map.len, problem);
}

/* Opens the shard of one tensor, unless it is open, and looks for the tensor there. */
static em_err open_listed(em_hf *hf, const em_fields *f, const char *part,
                          const char *tensor, const json_t *v)
{
    const char *file = json_string_value(v);
    char name[EM_MAX_SOURCE_NAME];
    uint32_t i = 0;

    if (file == NULL || strchr(file, '/') != NULL || !em_hf_config_is_inside(file))
        return em_problem_set(f->problem, EM_ERR_MODEL_MALFORMED, f->file,
                              "%s: its shard is not the name of a file here", tensor);
    int n = snprintf(name, sizeof name, "%s%s%s", part, part[0] != 0 ? "/" : "", file);
    if (n < 0 || (size_t)n >= sizeof name)
        return em_problem_set(f->problem, EM_ERR_LIMIT, f->file, "a name is too long");
    while (i < hf->n_shards && strcmp(hf->shard[i].name, name) != 0) i++;
    if (i == hf->n_shards) EM_TRY(open_shard(hf, name, f->problem));
    if (em_safetensors_find(&hf->shard[i].tensors, tensor) == NULL)
        return em_problem_set(f->problem, EM_ERR_MODEL_MALFORMED, name,
                              "has no tensor %s, though %s says so", tensor, f->file);
    return EM_OK;
}

static em_err open_index(em_hf *hf, const char *part, const loaded *index,
                         em_problem *problem)
{
    EM_DROP(em_fields) f = {0};
    json_t *map, *v;
    const char *tensor;

    EM_TRY(em_fields_load(index->file.text, EM_SAFETENSORS_MAX_HEADER, JSON_OBJECT,
                          index->name, problem, &f));
    EM_TRY(em_fields_object(&f, f.root, "weight_map", &map));
    json_object_foreach(map, tensor, v)
    {
        EM_TRY(open_listed(hf, &f, part, tensor, v));
    }
    if (hf->n_shards == 0)
        return em_problem_set(problem, EM_ERR_MODEL_MALFORMED, index->name,
                              "weight_map is empty");
    return EM_OK;
}

/* The one *.safetensors of a folder. */
typedef struct only {
    unsigned n;
    char name[EM_MAX_SOURCE_NAME];
} only;

static em_err look_at(void *arg, const char *name)
{
    only *o = arg;
    size_t len = strlen(name);

    if (len < 13 || strcmp(name + len - 12, ".safetensors") != 0) return EM_OK;
    if (len >= sizeof o->name) return EM_ERR_LIMIT;
    memcpy(o->name, name, len + 1);
    o->n++;
    return EM_OK;
}

static em_err find_weights(const em_hf *hf, const char *part, em_problem *problem,
                           char ret_name[EM_MAX_SOURCE_NAME])
{
    char path[EM_HF_MAX_PATH];
    only o = {0};

    EM_TRY(path_of(hf, part, problem, path));
    em_err err = em_file_list(path, look_at, &o);
    if (err != EM_OK) return em_problem_err(problem, err, path);
    if (o.n != 1)
        return em_problem_set(problem, EM_ERR_NOT_FOUND, path,
                              "has no model.safetensors, no index of shards, and %u "
                              "other .safetensors (pickles such as pytorch_model.bin are "
                              "not read)",
                              o.n);
    int n = snprintf(ret_name, EM_MAX_SOURCE_NAME, "%s%s%s", part,
                     part[0] != 0 ? "/" : "", o.name);
    return n > 0 && n < EM_MAX_SOURCE_NAME ? EM_OK : EM_ERR_LIMIT;
}

static em_err open_weights(em_hf *hf, const char *part, em_problem *problem)
{
    EM_DROP(loaded) index = {0};
    char path[EM_HF_MAX_PATH], name[EM_MAX_SOURCE_NAME];

    int n = snprintf(name, sizeof name, "%s%smodel.safetensors", part,
                     part[0] != 0 ? "/" : "");
    if (n < 0 || (size_t)n >= sizeof name) return EM_ERR_LIMIT;
    EM_TRY(path_of(hf, name, problem, path));
    if (em_file_exists(path)) return open_shard(hf, name, problem);
    EM_TRY(load(hf, part, "model.safetensors.index.json", EM_SAFETENSORS_MAX_HEADER,
                problem, &index));
    if (index.file.text.at != NULL) return open_index(hf, part, &index, problem);
    EM_TRY(find_weights(hf, part, problem, name));
    return open_shard(hf, name, problem);
}

/* ---- the whole ---- */

em_err em_hf_open(const char *folder, em_problem *problem, em_hf *ret_hf)
{
    return em_hf_open_as(folder, NULL, problem, ret_hf);
}

em_err em_hf_open_as(const char *folder, const em_hf_choice *choice, em_problem *problem,
                     em_hf *ret_hf)
{
    const em_hf_choice as_it_says = {0};
    em_hf_config_modules modules;
    em_hf *hf = ret_hf;
    bool lower_first, listed;

    memset(hf, 0, sizeof *hf);
    if (strlen(folder) >= sizeof hf->folder)
        return em_problem_set(problem, EM_ERR_LIMIT, NULL,
                              "the folder's path is too long");
    memcpy(hf->folder, folder, strlen(folder) + 1);
    EM_TRY(read_shape(hf, problem, &modules, &lower_first, &listed));
    EM_TRY(read_tokenizer(hf, modules.transformer, lower_first, problem));
    EM_TRY(open_weights(hf, modules.transformer, problem));
    EM_TRY(read_head(hf, modules.transformer, listed,
                     choice != NULL ? choice : &as_it_says, problem));
    return em_hf_tensors_check(hf, problem);
}

void em_hf_drop(em_hf *hf)
{
    em_tokenizer_json_drop(&hf->tokenizer);
    for (uint32_t i = 0; i < hf->n_shards; i++) {
        em_safetensors_drop(&hf->shard[i].tensors);
        em_map_drop(&hf->shard[i].map);
    }
    hf->n_shards = hf->n_sources = 0;
}

em_err em_hf_hash_sources(em_hf *hf, em_problem *problem)
{
    char path[EM_HF_MAX_PATH];

    for (uint32_t i = 0; i < hf->n_sources; i++) {
        EM_DROP(em_map) map = {0};
        EM_TRY(path_of(hf, hf->source_name[i], problem, path));
        em_err err = em_map_file(path, &map);
        if (err != EM_OK) return em_problem_err(problem, err, path);
        if (map.len != hf->source[i].len)
            return em_problem_set(problem, EM_ERR_IO, path, "changed meanwhile");
        em_sha2_256(em_map_view(&map), hf->source[i].sha256);
    }
    return EM_OK;
}
