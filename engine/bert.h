/* bert.h - sentence embeddings with a BERT encoder: ids in, one vector a sequence out.
 *
 * A run gives every sequence the same bits whatever its neighbours in the batch, the
 * number of workers and the level of the kernels (kernels.h says how; numeric profile
 * EM_BERT_PROFILE_F32).  There is no padding and no mask: sequences lie one behind the
 * other.
 *
 * Trust:  the model's shape, tensors and image are a publisher's claims: em_bert_bind
 *         checks every name, shape and bound.  Ids are hostile and checked.  Weights may
 *         be any floats; they decide the result, never which memory is touched.
 * Memory: nothing is allocated; em_bert views the image, which must outlive it; scratch
 * is the caller's, as em_plan_bert says, and holds the user's data after a run: wipe it.
 */
#ifndef EM_ENGINE_BERT_H
#define EM_ENGINE_BERT_H

#include "base/jobs.h"
#include "engine/kernels.h"
#include "engine/plan.h"

#include <stdatomic.h>

/* Names the arithmetic: format of the weights, and the version of kernels.h's rules. */
#define EM_BERT_PROFILE_F32 "em-bert-f32/1"

/* Which tensor it is; the per-layer ones from EM_BERT_QKV on, in the order of use. */
typedef enum em_bert_role {
    EM_BERT_WORD,      /* [vocab][hidden] rows */
    EM_BERT_POSITION,  /* [positions][hidden] rows */
    EM_BERT_TYPE,      /* [types][hidden] rows */
    EM_BERT_NORM,      /* [1][hidden]; embeddings' layer norm */
    EM_BERT_NORM_BIAS, /* [1][hidden] */
    EM_BERT_QKV,       /* [3 hidden][hidden] panels: query rows, key rows, value rows */
    EM_BERT_QKV_BIAS,  /* [1][3 hidden] */
    EM_BERT_OUT,       /* [hidden][hidden] panels: attention's output */
    EM_BERT_OUT_BIAS,  /* [1][hidden] */
    EM_BERT_OUT_NORM,  /* [1][hidden]; attention.output.LayerNorm */
    EM_BERT_OUT_NORM_BIAS,
    EM_BERT_UP,        /* [intermediate][hidden] panels */
    EM_BERT_UP_BIAS,   /* [1][intermediate] */
    EM_BERT_DOWN,      /* [hidden][intermediate] panels */
    EM_BERT_DOWN_BIAS, /* [1][hidden] */
    EM_BERT_DOWN_NORM, /* [1][hidden]; output.LayerNorm */
    EM_BERT_DOWN_NORM_BIAS,
} em_bert_role;

/* One tensor that a model of this shape has. */
typedef struct em_bert_want {
    em_bert_role role;
    uint32_t layer; /* 0 for the embeddings' */
    em_layout layout;
    uint32_t rows, cols;
    size_t len;    /* bytes in the image */
    char name[32]; /* ours, NUL-terminated: "word", "norm.bias", "3.qkv", "3.out.norm" */
} em_bert_want;

/* How many tensors a model of this (checked) shape has. */
uint32_t em_bert_count(const em_model_shape *shape);

/* The i-th of them, i < em_bert_count: a model lists exactly these, in this order, at
 * growing offsets.  EM_ERR_RANGE for another i, else what em_plan_check says. */
em_err em_bert_wanted(const em_model_shape *shape, uint32_t i, em_bert_want *ret_want);

/* A matrix and its bias, as the kernels take them. */
typedef struct em_bert_matrix {
    const float *panels, *bias;
    uint32_t rows, cols;
} em_bert_matrix;

typedef struct em_bert_scale {
    const float *weight, *bias;
} em_bert_scale;

typedef struct em_bert_layer {
    em_bert_matrix qkv, out, up, down;
    em_bert_scale out_norm, down_norm;
} em_bert_layer;

/* A loaded model: constant after em_bert_bind, shared by every session and thread. */
typedef struct em_bert {
    em_model_shape shape;
    float eps;
    const float *word, *position, *type;
    em_bert_scale norm;
    em_bert_layer layer[EM_MAX_LAYERS];
} em_bert;

/* Binds a model to its image (aligned to EM_IMAGE_ALIGN).  EM_ERR_MODEL_SHAPE where a
 * tensor is missing, out of order or of another shape, EM_ERR_MODEL_MALFORMED where one
 * lies outside the image, overlaps the one before or is not aligned, and what
 * em_plan_check says of the shape. */
em_err em_bert_bind(const em_model *model, em_bytes image, em_bert *ret_bert);

/* Sequences of token ids, [CLS] and [SEP] included: sequence s is ids[start[s]] ..
 * ids[start[s + 1] - 1]; start[0] is 0. */
typedef struct em_bert_batch {
    const uint32_t *ids;
    const uint32_t *start; /* n + 1 of them */
    uint32_t n;
    const atomic_bool *cancel; /* NULL, or true to give up between two layers */
} em_bert_batch;

/* Embeds every sequence: ret_out[s * hidden ...], pooled and normalised as the shape
 * says. `plan` was made for this shape; `scratch` has plan->scratch bytes aligned to 64;
 * `jobs->workers` is at most the plan's.
 *
 * EM_ERR_REQUEST_MALFORMED for an id that is not in the vocabulary, an empty sequence or
 * one longer than shape.max_tokens; EM_ERR_LIMIT for more than was planned;
 * EM_ERR_CANCELLED; ret_out is untouched then.  A sequence whose arithmetic overflowed
 * (only weights that are no trained model's do that) gets a row of quiet NaNs
 * (0x7FC00000), the others theirs. */
em_err em_bert_embed(const em_bert *bert, const em_kernels *kernels, em_jobs *jobs,
                     const em_plan *plan, void *scratch, const em_bert_batch *batch,
                     float *ret_out);

#endif
