/* bert.h - a BERT encoder: ids in, one embedding or one row of scores a sequence out.
 *
 * A run gives every sequence the same bits whatever its neighbours in the batch, the
 * number of workers and the level of the kernels (kernels.h says how).  There is no
 * padding and no mask: sequences lie one behind the other.
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

/* Names the arithmetic: format of the weights, and the version of kernels.h's rules;
 * "em-bert-f32/1", "-bf16/1", "-int8/1". */
em_bytes em_bert_profile(em_precision precision);

/* Which tensor it is; a group's stand in the order in which they lie in the image.
 *
 * Every matrix of a layer is f32, bf16 or int8 panels, as the shape's precision says; the
 * word embeddings are f32 rows, or bf16 rows for both others; all else is f32.  An int8
 * matrix W stands for W[i][k] = byte[i][k] * scale[i] * in[k]: rows that it multiplies
 * are quantised after a product by `in` (kernels.h).  Four of its columns are added as
 * floats: a few large numbers, of a row or of the weights, would leave all others too few
 * of the 256 steps. */
typedef enum em_bert_role {
    EM_BERT_WORD,      /* [vocab][hidden] rows */
    EM_BERT_POSITION,  /* [positions][hidden] rows */
    EM_BERT_TYPE,      /* [types][hidden] rows */
    EM_BERT_NORM,      /* [1][hidden]; embeddings' layer norm */
    EM_BERT_NORM_BIAS, /* [1][hidden] */

    /* of every layer */
    EM_BERT_QKV,              /* [3 hidden][hidden]: query rows, key rows, value rows */
    EM_BERT_QKV_BIAS,         /* [1][3 hidden] */
    EM_BERT_QKV_SCALE,        /* [1][3 hidden]; int8 only, like the next four */
    EM_BERT_QKV_SUM,          /* [1][3 hidden] i32: of each row's bytes */
    EM_BERT_QKV_IN,           /* [1][hidden] */
    EM_BERT_QKV_LOOSE,        /* [1][4] i32: columns that are multiplied as floats */
    EM_BERT_QKV_LOOSE_WEIGHT, /* [3 hidden][4] f32 panels: those columns */
    EM_BERT_OUT,              /* [hidden][hidden]: attention's output */
    EM_BERT_OUT_BIAS,
    EM_BERT_OUT_SCALE,
    EM_BERT_OUT_SUM,
    EM_BERT_OUT_IN,
    EM_BERT_OUT_LOOSE,
    EM_BERT_OUT_LOOSE_WEIGHT,
    EM_BERT_OUT_NORM, /* [1][hidden]; attention.output.LayerNorm */
    EM_BERT_OUT_NORM_BIAS,
    EM_BERT_UP, /* [intermediate][hidden] */
    EM_BERT_UP_BIAS,
    EM_BERT_UP_SCALE,
    EM_BERT_UP_SUM,
    EM_BERT_UP_IN,
    EM_BERT_UP_LOOSE,
    EM_BERT_UP_LOOSE_WEIGHT,
    EM_BERT_DOWN, /* [hidden][intermediate] */
    EM_BERT_DOWN_BIAS,
    EM_BERT_DOWN_SCALE,
    EM_BERT_DOWN_SUM,
    EM_BERT_DOWN_IN,
    EM_BERT_DOWN_LOOSE,
    EM_BERT_DOWN_LOOSE_WEIGHT,
    EM_BERT_DOWN_NORM, /* [1][hidden]; output.LayerNorm */
    EM_BERT_DOWN_NORM_BIAS,

    /* of a head: tanh(pooler [CLS]), then the classifier */
    EM_BERT_POOLER, /* [hidden][hidden] f32 panels */
    EM_BERT_POOLER_BIAS,
    EM_BERT_CLASSIFIER, /* [labels][hidden] f32 panels */
    EM_BERT_CLASSIFIER_BIAS,
    EM_BERT_ROLES,
} em_bert_role;

/* One tensor that a model of this shape has. */
typedef struct em_bert_want {
    em_bert_role role;
    uint32_t layer; /* 0 for those of no layer */
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
    em_layout layout;
    uint32_t rows, cols;
    const void *panels;
    const float *bias;
    const float *scale, *in, *loose_weight; /* int8 only, like the next two */
    const int32_t *sum, *loose;
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
    const void *word; /* f32 or bf16 */
    const float *position, *type;
    em_bert_scale norm;
    em_bert_layer layer[EM_MAX_LAYERS];
    em_bert_matrix pooler, classifier; /* with a head */
} em_bert;

/* Binds a model to its image (aligned to EM_IMAGE_ALIGN).  EM_ERR_MODEL_SHAPE where a
 * tensor is missing, out of order or of another shape, EM_ERR_MODEL_MALFORMED where one
 * lies outside the image, overlaps the one before or is not aligned, and what
 * em_plan_check says of the shape. */
em_err em_bert_bind(const em_model *model, em_bytes image, em_bert *ret_bert);

/* Numbers that a sequence's result has: hidden, or labels with a head. */
uint32_t em_bert_width(const em_model_shape *shape);

/* Sequences of token ids, [CLS] and [SEP] included: sequence s is ids[start[s]] ..
 * ids[start[s + 1] - 1]; start[0] is 0. */
typedef struct em_bert_batch {
    const uint32_t *ids;
    const uint32_t *start; /* n + 1 of them */
    uint32_t n;
    const atomic_bool *cancel; /* NULL, or true to give up between two layers */
    /* NULL, or for each sequence how many of its tokens have type 0; the rest have 1 */
    const uint32_t *first_part;
    /* NULL, or for each sequence how many of its tokens, from the first on, mean pooling
     * takes: what sees padding as text (other systems do) is compared with this */
    const uint32_t *pooled;
} em_bert_batch;

/* Embeds every sequence, or classifies it where the model has a head: ret_out[s * width
 * ...], pooled and normalised, or activated, as the shape says.  `plan` was made for this
 * shape; `scratch` has plan->scratch bytes aligned to 64; `jobs->workers` is at most the
 * plan's.
 *
 * EM_ERR_REQUEST_MALFORMED for an id that is not in the vocabulary, an empty sequence or
 * one longer than shape.max_tokens, a second part where the model has one type only;
 * EM_ERR_LIMIT for more than was planned; EM_ERR_CANCELLED; ret_out is untouched then.  A
 * sequence whose arithmetic overflowed (only weights that are no trained model's do that)
 * gets a row of quiet NaNs (0x7FC00000), the others theirs. */
em_err em_bert_embed(const em_bert *bert, const em_kernels *kernels, em_jobs *jobs,
                     const em_plan *plan, void *scratch, const em_bert_batch *batch,
                     float *ret_out);

#endif
