/* bert_impl.h - what one run of the encoder carries from stage to stage.
 *
 * Trust:  everything in it has been checked by em_bert_embed.
 * Memory: views into the caller's scratch.
 */
#ifndef EM_ENGINE_BERT_IMPL_H
#define EM_ENGINE_BERT_IMPL_H

#include "engine/bert.h"

typedef struct em_bert_run {
    const em_bert *bert;
    const em_kernels *kernels;
    em_jobs *jobs;
    const em_plan *plan;
    const em_bert_batch *batch;
    size_t tokens;       /* of the whole batch */
    float *state, *side; /* [tokens][hidden], rows plan->state_stride apart */
    float *wide;         /* [tokens][3 hidden or intermediate], plan->wide_stride */
    uint8_t *bytes;      /* int8: what the next product multiplies, plan->bytes_stride */
    em_quant *quant;     /* [tokens]; what those bytes stand for */
    uint8_t *worker;     /* plan->worker_len bytes each */
} em_bert_run;

/* state = norm(state + add) for every token; `add` is [tokens][hidden] like state.  Where
 * `then`, the matrix that state will be multiplied by, is int8, its bytes are made too.
 */
void em_bert_layers_norm(const em_bert_run *run, const float *add, size_t add_stride,
                         const em_bert_scale *scale, const em_bert_matrix *then);

/* One layer: state in, state out.  `then` is the matrix that will be wanted after it. */
void em_bert_layers_one(const em_bert_run *run, const em_bert_layer *layer,
                        const em_bert_matrix *then);

#endif
