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

typedef enum em_layout {
    EM_LAYOUT_ROWS = 1,   /* f32 [rows][cols], row after row */
    EM_LAYOUT_PANEL16 = 2 /* f32 [ceil(rows / 16)][cols][16], missing rows zero */
} em_layout;

/* The numbers an encoder is made of. */
typedef struct em_model_shape {
    em_arch arch;
    em_precision precision;
    em_pooling pooling;
    bool normalize; /* L2, after pooling */
    uint32_t layers, hidden, heads, intermediate;
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

#endif
