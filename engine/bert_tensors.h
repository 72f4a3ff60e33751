/* bert_tensors.h - which tensors a BERT encoder of some shape has.
 *
 * Trust:  shapes and tensors are a publisher's claims; what is bound has been checked.
 * Memory: none but what the caller gives.
 */
#ifndef EM_ENGINE_BERT_TENSORS_H
#define EM_ENGINE_BERT_TENSORS_H

#include "base/model.h"

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
uint32_t em_bert_tensors_count(const em_model_shape *shape);

/* The i-th of them, i < em_bert_tensors_count: a model lists exactly these, in this
 * order, at growing offsets.  EM_ERR_RANGE for another i, else what em_plan_check
 * (plan.h) says.
 */
em_err em_bert_tensors_wanted(const em_model_shape *shape, uint32_t i,
                              em_bert_want *ret_want);

/* Fills a struct em_bert (engine/bert.h) with pointers into the image, as em_bert_bind
 * says; all but `eps`. */
struct em_bert;
em_err em_bert_tensors_bind(const em_model *model, em_bytes image,
                            struct em_bert *ret_bert);

#endif
