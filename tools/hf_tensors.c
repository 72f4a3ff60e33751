#include "tools/hf_tensors.h"

#include "engine/panel.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_NAME = 128, BLOCK = 16 /* rows converted at a time: one panel */ };

/* Where an engine's tensor comes from: up to three tensors, one behind the other. */
static const struct {
    const char *part[3]; /* behind "encoder.layer.N.", "embeddings.", or as it is */
    const char *old_end; /* what the last word was called before */
} origins[] = {
    [EM_BERT_WORD] = {{"word_embeddings.weight"}, NULL},
    [EM_BERT_POSITION] = {{"position_embeddings.weight"}, NULL},
    [EM_BERT_TYPE] = {{"token_type_embeddings.weight"}, NULL},
    [EM_BERT_NORM] = {{"LayerNorm.weight"}, "gamma"},
    [EM_BERT_NORM_BIAS] = {{"LayerNorm.bias"}, "beta"},
    [EM_BERT_QKV] = {{"attention.self.query.weight", "attention.self.key.weight",
                      "attention.self.value.weight"},
                     NULL},
    [EM_BERT_QKV_BIAS] = {{"attention.self.query.bias", "attention.self.key.bias",
                           "attention.self.value.bias"},
                          NULL},
    [EM_BERT_OUT] = {{"attention.output.dense.weight"}, NULL},
    [EM_BERT_OUT_BIAS] = {{"attention.output.dense.bias"}, NULL},
    [EM_BERT_OUT_NORM] = {{"attention.output.LayerNorm.weight"}, "gamma"},
    [EM_BERT_OUT_NORM_BIAS] = {{"attention.output.LayerNorm.bias"}, "beta"},
    [EM_BERT_UP] = {{"intermediate.dense.weight"}, NULL},
    [EM_BERT_UP_BIAS] = {{"intermediate.dense.bias"}, NULL},
    [EM_BERT_DOWN] = {{"output.dense.weight"}, NULL},
    [EM_BERT_DOWN_BIAS] = {{"output.dense.bias"}, NULL},
    [EM_BERT_DOWN_NORM] = {{"output.LayerNorm.weight"}, "gamma"},
    [EM_BERT_DOWN_NORM_BIAS] = {{"output.LayerNorm.bias"}, "beta"},
    [EM_BERT_POOLER] = {{"pooler.dense.weight"}, NULL},
    [EM_BERT_POOLER_BIAS] = {{"pooler.dense.bias"}, NULL},
    [EM_BERT_CLASSIFIER] = {{EM_HF_TENSORS_CLASSIFIER}, NULL},
    [EM_BERT_CLASSIFIER_BIAS] = {{"classifier.bias"}, NULL},
};

static uint32_t parts_of(const em_bert_want *want)
{
    return origins[want->role].part[1] != NULL ? 3 : 1;
}

/* The name of part p, in its present form or the older one. */
static void name_of(const em_hf *hf, const em_bert_want *want, uint32_t p, bool old,
                    char ret_name[MAX_NAME])
{
    const char *part = origins[want->role].part[p], *end = origins[want->role].old_end;
    int keep = (int)strlen(part);

    if (old && end != NULL) keep = (int)(strrchr(part, '.') + 1 - part);
    if (!old || end == NULL) end = "";
    if (want->role >= EM_BERT_CLASSIFIER) /* beside the encoder, not in it */
        snprintf(ret_name, MAX_NAME, "%s", part);
    else if (want->role >= EM_BERT_POOLER)
        snprintf(ret_name, MAX_NAME, "%s%s", hf->prefix, part);
    else if (want->role >= EM_BERT_QKV)
        snprintf(ret_name, MAX_NAME, "%sencoder.layer.%u.%.*s%s", hf->prefix, want->layer,
                 keep, part, end);
    else
        snprintf(ret_name, MAX_NAME, "%sembeddings.%.*s%s", hf->prefix, keep, part, end);
}

/* A tensor and the shard it lies in. */
typedef struct found {
    const em_safetensors_tensor *tensor;
    const char *file;
} found;

/* By name; *ret_times says in how many shards. */
static found find(const em_hf *hf, const char *name, unsigned *ret_times)
{
    found f = {0};

    *ret_times = 0;
    for (uint32_t i = 0; i < hf->n_shards; i++) {
        const em_safetensors_tensor *t = em_safetensors_find(&hf->shard[i].tensors, name);
        if (t == NULL) continue;
        f = (found){t, hf->shard[i].name};
        ++*ret_times;
    }
    return f;
}

static em_err check_dims(const em_bert_want *want, const found *f, em_problem *problem)
{
    const em_safetensors_tensor *t = f->tensor;
    uint64_t rows = want->rows, cols = want->cols;
    /* biases and scales have one dimension there */
    bool flat =
        want->layout == EM_LAYOUT_ROWS && want->role >= EM_BERT_NORM && want->rows == 1;

    if (parts_of(want) == 3 && flat) cols /= 3;
    if (parts_of(want) == 3 && !flat) rows /= 3;
    if (t->type == EM_SAFETENSORS_OTHER)
        return em_problem_set(problem, EM_ERR_MODEL_SHAPE, f->file,
                              "%s is of type %s; F32, F16 and BF16 are possible", t->name,
                              t->type_name);
    if (flat) {
        if (t->n_dims == 1 && t->dim[0] == cols) return EM_OK;
        return em_problem_set(problem, EM_ERR_MODEL_SHAPE, f->file,
                              "%s has not the shape [%llu] that config.json asks for",
                              t->name, (unsigned long long)cols);
    }
    if (t->n_dims == 2 && t->dim[0] == rows && t->dim[1] == cols) return EM_OK;
    return em_problem_set(problem, EM_ERR_MODEL_SHAPE, f->file,
                          "%s has not the shape [%llu, %llu] that config.json asks for",
                          t->name, (unsigned long long)rows, (unsigned long long)cols);
}

/* Part p, found under one of its names, checked. */
static em_err find_part(const em_hf *hf, const em_bert_want *want, uint32_t p,
                        em_problem *problem, found *ret_found)
{
    char name[MAX_NAME], old_name[MAX_NAME];
    unsigned times = 0, old_times = 0;
    found f;

    name_of(hf, want, p, false, name);
    name_of(hf, want, p, true, old_name);
    f = find(hf, name, &times);
    if (strcmp(name, old_name) != 0) {
        found old = find(hf, old_name, &old_times);
        if (times == 0) f = old;
    }
    const char *file = hf->n_shards == 1 ? hf->shard[0].name : "the model's shards";
    if (times + old_times == 0)
        return em_problem_set(problem, EM_ERR_MODEL_SHAPE, file, "has no tensor %s",
                              name);
    if (times + old_times > 1)
        return em_problem_set(problem, EM_ERR_MODEL_SHAPE, file, "has tensor %s twice",
                              name);
    EM_TRY(check_dims(want, &f, problem));
    *ret_found = f;
    return EM_OK;
}

/* ---- nothing missing, nothing beside ---- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Does the name stand where only the encoder's own tensors may? */
static bool is_encoder(const em_hf *hf, const char *name)
{
    if (!begins(name, hf->prefix)) return false;
    name += strlen(hf->prefix);
    if (strcmp(name, "embeddings.position_ids") == 0 ||
        strcmp(name, "embeddings.token_type_ids") == 0)
        return false; /* counting numbers that some files carry along */
    return begins(name, "embeddings.") || begins(name, "encoder.");
}

static bool is_wanted(const em_hf *hf, const char *name)
{
    char ours[MAX_NAME];
    em_bert_want want;

    for (uint32_t i = 0; i < em_bert_tensors_count(&hf->shape); i++) {
        if (em_bert_tensors_wanted(&hf->shape, i, &want) != EM_OK) return false;
        for (uint32_t p = 0; p < 2 * parts_of(&want); p++) {
            name_of(hf, &want, p / 2, p % 2, ours);
            if (strcmp(ours, name) == 0) return true;
        }
    }
    return false;
}

/* A tensor that would be left out changes what the model computes: refuse it by name. */
static em_err check_extra(const em_hf *hf, size_t n_wanted, em_problem *problem)
{
    size_t n = 0;

    for (uint32_t i = 0; i < hf->n_shards; i++)
        for (size_t k = 0; k < hf->shard[i].tensors.n; k++)
            n += is_encoder(hf, hf->shard[i].tensors.tensor[k].name);
    if (n == n_wanted) return EM_OK;
    for (uint32_t i = 0; i < hf->n_shards; i++) {
        for (size_t k = 0; k < hf->shard[i].tensors.n; k++) {
            const char *name = hf->shard[i].tensors.tensor[k].name;
            if (is_encoder(hf, name) && !is_wanted(hf, name))
                return em_problem_set(problem, EM_ERR_MODEL_SHAPE, hf->shard[i].name,
                                      "tensor %s belongs to no model of config.json's "
                                      "shape",
                                      name);
        }
    }
    return em_problem_err(problem, EM_ERR_MODEL_SHAPE, hf->folder);
}

bool em_hf_tensors_classifier(const em_hf *hf)
{
    unsigned times;

    (void)find(hf, EM_HF_TENSORS_CLASSIFIER, &times);
    return times > 0;
}

em_err em_hf_tensors_check(em_hf *hf, em_problem *problem)
{
    size_t n_wanted = 0;
    em_bert_want want;
    unsigned times;
    found f;

    hf->prefix = "bert.";
    (void)find(hf, "bert.embeddings.word_embeddings.weight", &times);
    if (times == 0) hf->prefix = "";
    for (uint32_t i = 0; i < em_bert_tensors_count(&hf->shape); i++) {
        EM_TRY(em_bert_tensors_wanted(&hf->shape, i, &want));
        for (uint32_t p = 0; p < parts_of(&want); p++)
            EM_TRY(find_part(hf, &want, p, problem, &f));
        if (want.role < EM_BERT_POOLER) n_wanted += parts_of(&want);
    }
    return check_extra(hf, n_wanted, problem);
}

/* ---- writing ---- */

bool em_hf_tensors_derived(const em_bert_want *want)
{
    return origins[want->role].part[0] == NULL || want->layout == EM_LAYOUT_PANEL16_INT8;
}

/* Does any of these finite numbers become infinite as bf16? */
static bool too_large(const float *f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((em_panel_bf16(f[i]) & 0x7FFFu) == 0x7F80u) return true;
    return false;
}

/* Rows of one tensor, a block at a time, as rows `first` and on of `want`. */
static em_err write_rows(const em_bert_want *want, const found *f, size_t first,
                         float *block, em_problem *problem, void *out)
{
    size_t cols = want->cols, rows = (size_t)f->tensor->n / cols;
    bool bf16 =
        want->layout == EM_LAYOUT_ROWS_BF16 || want->layout == EM_LAYOUT_PANEL16_BF16;

    for (size_t r = 0; r < rows; r += BLOCK) {
        size_t n = rows - r < BLOCK ? rows - r : BLOCK, at = first + r;
        EM_TRY(em_safetensors_floats(f->tensor, r * cols, n * cols, block));
        if (bf16 && too_large(block, n * cols))
            return em_problem_set(problem, EM_ERR_MODEL_MALFORMED, f->file,
                                  "%s holds a number that is too large for bf16",
                                  f->tensor->name);
        if (want->layout == EM_LAYOUT_PANEL16)
            em_panel_pack(block, cols, n, cols, at, out);
        else if (want->layout == EM_LAYOUT_PANEL16_BF16)
            em_panel_pack_bf16(block, cols, n, cols, at, out);
        else
            for (size_t k = 0; k < n * cols; k++)
                ((uint16_t *)out)[at * cols + k] = em_panel_bf16(block[k]);
    }
    return EM_OK;
}

/* One tensor behind `done` floats or rows. */
static em_err write_part(const em_bert_want *want, const found *f, float *block,
                         em_problem *problem, size_t *done, void *out)
{
    bool floats = want->layout == EM_LAYOUT_ROWS;
    size_t n = (size_t)f->tensor->n;
    em_problem own = {0};
    em_err err;

    if (floats)
        err = em_safetensors_floats(f->tensor, 0, n, (float *)out + *done);
    else
        err = write_rows(want, f, *done, block, &own, out);
    if (err == EM_ERR_MODEL_MALFORMED && own.text[0] == '\0')
        return em_problem_set(problem, err, f->file,
                              "%s holds a number that is not finite", f->tensor->name);
    if (err == EM_ERR_MODEL_MALFORMED && problem != NULL) *problem = own;
    *done += floats ? n : n / want->cols;
    return err;
}

em_err em_hf_tensors_write(const em_hf *hf, const em_bert_want *want, em_problem *problem,
                           void *out)
{
    size_t done = 0; /* rows, or floats of rows */
    em_err err = EM_OK;
    found f = {0};

    if (em_hf_tensors_derived(want)) return EM_ERR_ARGUMENT;
    float *block = calloc(BLOCK * (size_t)want->cols, sizeof *block);
    if (block == NULL) return em_problem_err(problem, EM_ERR_MEMORY, hf->folder);
    memset(out, 0, want->len);
    for (uint32_t p = 0; err == EM_OK && p < parts_of(want); p++) {
        err = find_part(hf, want, p, problem, &f);
        if (err == EM_OK) err = write_part(want, &f, block, problem, &done, out);
    }
    free(block);
    return err;
}
