/* plan.h - how much memory a run of the encoder needs, before any is taken.
 *
 * Trust:  the shape is a publisher's claim and is checked; the limits are the
 *         configuration's.
 * Memory: none; em_plan is numbers.
 */
#ifndef EM_ENGINE_PLAN_H
#define EM_ENGINE_PLAN_H

#include "base/model.h"

/* What one run may be asked for at most. */
typedef struct em_plan_limits {
    uint32_t tokens;    /* of all sequences of a batch together */
    uint32_t sequences; /* in a batch */
    uint32_t workers;   /* of the em_jobs that runs it */
} em_plan_limits;

/* Scratch and where its parts lie; made by em_plan_bert and not changed after. */
typedef struct em_plan {
    em_plan_limits limits;
    size_t scratch;            /* bytes, to be aligned to 64; contents of no matter */
    size_t state, side, wide;  /* [tokens][hidden], same, [tokens][the widest] */
    size_t bytes, quant;       /* int8: a product's input as bytes, em_quant[tokens] */
    size_t worker, worker_len; /* attention's, worker_len bytes a worker */
    size_t state_stride, wide_stride; /* floats from row to row */
    size_t bytes_stride;              /* bytes; 0 where the model is not int8 */
    size_t head;                      /* columns of one head of attention */
} em_plan;

/* Is this a shape that we run?  EM_ERR_LIMIT where a number is above limits.h,
 * EM_ERR_MODEL_MALFORMED where the numbers contradict each other. */
em_err em_plan_check(const em_model_shape *shape);

/* EM_ERR_LIMIT for limits of zero or above limits.h, and what em_plan_check says. */
em_err em_plan_bert(const em_model_shape *shape, em_plan_limits limits,
                    em_plan *ret_plan);

/* Wipes all that runs of at most `tokens` tokens each can have left in the scratch, which
 * for few tokens is far less than the whole. */
void em_plan_wipe(const em_plan *plan, uint32_t tokens, void *scratch);

#endif
