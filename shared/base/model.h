/* model.h - what a manifest says of a model and an engine reads: shape, tensors,
 * sections.
 *
 * A model's plaintext is one image.  Every tensor and the tokenizer's tables lie in it at
 * offsets that are multiples of EM_IMAGE_ALIGN; nothing in it needs parsing before use.
 *
 * Trust:  claims of a publisher until trust/manifest has verified its signature; the
 * engine checks every shape and bound all the same. Memory: views only; the tensor array
 * is the caller's.
 */
#ifndef EM_BASE_MODEL_H
#define EM_BASE_MODEL_H

#include "base/em.h"
#include "base/limits.h"

enum { EM_IMAGE_ALIGN = 64 };

typedef enum em_arch { EM_ARCH_BERT = 1 } em_arch;

typedef enum em_precision {
    EM_PRECISION_F32 = 1,
    EM_PRECISION_BF16 = 2,
    EM_PRECISION_INT8 = 3,
} em_precision;

typedef enum em_pooling { EM_POOLING_MEAN = 1, EM_POOLING_CLS = 2 } em_pooling;

/* What a head's numbers are given out as. */
typedef enum em_activation {
    EM_ACTIVATION_NONE = 1, /* as they are; the only one without a head */
    EM_ACTIVATION_SIGMOID = 2,
    EM_ACTIVATION_SOFTMAX = 3, /* over the labels */
} em_activation;

/* How a tensor lies in the image.  A panel is 16 rows of a matrix; rows that the matrix
 * does not have are zero.  bf16 is the upper half of an f32. */
typedef enum em_layout {
    EM_LAYOUT_ROWS = 1,         /* f32 [rows][cols], row after row */
    EM_LAYOUT_PANEL16 = 2,      /* f32 [ceil(rows / 16)][cols][16] */
    EM_LAYOUT_ROWS_BF16 = 3,    /* bf16 [rows][cols] */
    EM_LAYOUT_PANEL16_BF16 = 4, /* bf16 [ceil(rows / 16)][cols][16] */
    EM_LAYOUT_PANEL16_INT8 = 5, /* signed bytes [ceil(rows / 16)][ceil(cols / 4)][16][4],
                                   columns that are missing zero */
    EM_LAYOUT_ROWS_I32 = 6,     /* i32 [rows][cols] */
    EM_LAYOUT_COUNT_,           /* one more than the last */
} em_layout;

/* The numbers an encoder is made of. */
typedef struct em_model_shape {
    em_arch arch;
    em_precision precision;
    em_pooling pooling;
    bool normalize; /* L2, after pooling */
    uint32_t layers, hidden, heads, intermediate;
    uint32_t labels; /* 0: gives embeddings; else a pooler and a classifier of so many */
    em_activation activation;
    uint32_t vocab, positions, types; /* rows of the three embedding tables */
    uint32_t max_tokens;    /* longest sequence served, special tokens included */
    uint32_t norm_eps_bits; /* layer norm's epsilon: the bits of an f32 */
} em_model_shape;

typedef struct em_tensor {
    em_bytes name;
    em_layout layout;
    uint32_t rows, cols;
    uint64_t offset, len; /* in the image, bytes */
} em_tensor;

typedef struct em_model {
    em_model_shape shape;
    uint64_t tokenizer_offset, tokenizer_len; /* tables of engine/wordpiece */
    uint32_t n;
    const em_tensor *tensor; /* n of them, at most EM_MAX_TENSORS */
} em_model;

/* The bytes that a tensor of this layout and shape takes.  EM_ERR_LIMIT where they do not
 * fit 64 bits, EM_ERR_RANGE for an unknown layout. */
em_err em_model_tensor_len(em_layout layout, uint32_t rows, uint32_t cols,
                           uint64_t *ret_len);

#endif
