/* attention.h - softmax(q k^T / sqrt(size)) v of one head over one sequence.
 *
 * Trust:  sizes were checked by the caller; floats may be anything.
 * Memory: scratch is the caller's; nothing is kept.
 */
#ifndef EM_ENGINE_ATTENTION_H
#define EM_ENGINE_ATTENTION_H

#include "engine/kernels.h"

typedef struct em_attention {
    const float *q, *k, *v; /* [tokens][size], rows `stride` apart */
    size_t stride;
    size_t tokens, size;
    float *out; /* [tokens][size], rows out_stride apart; none of the above */
    size_t out_stride;
    const float *next; /* q of the head that will probably be wanted after this one, its k
                        * and v as far away as here: a hint to fetch it meanwhile, never
                        * read; NULL for none */
    size_t next_tokens;
} em_attention;

/* Floats of scratch for at most this many tokens; they need no contents. */
size_t em_attention_floats(size_t tokens, size_t size);

/* Every score is one chain over the head's columns, every output one chain over the
 * tokens, so no result depends on how queries are grouped. */
void em_attention_head(const em_kernels *kernels, const em_attention *a, float *scratch);

#endif
