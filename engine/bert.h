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
#include "engine/bert_tensors.h"
#include "engine/kernels.h"
#include "engine/plan.h"

#include <stdatomic.h>

/* Names the arithmetic: format of the weights, and the version of kernels.h's rules;
 * "em-bert-f32/1", "-bf16/1", "-int8/1". */
em_bytes em_bert_profile(em_precision precision);

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
