/* work.h - one inference: a request's texts in, vectors and true token counts out.
 *
 * Trust:  texts are a client's; the model is a fact.  What is left in memory after a
 * request is wiped with it.
 * Memory: an em_work owns the pages of its request and result; sizes meet the limits and
 *         the budget before anything is taken.
 */
#ifndef EM_ENCLAVE_WORK_H
#define EM_ENCLAVE_WORK_H

#include "enclave/served.h"
#include "infer/task.h"
#include "os/jobs.h"

/* Bytes of pages that all requests together may still take; touched by the loop's thread
 * only. */
typedef struct em_work_budget {
    uint64_t left;
} em_work_budget;

typedef struct em_work {
    em_work_budget *budget;
    uint64_t charged; /* what of it this work holds */
    em_map body;      /* the request as it arrives */
    size_t body_len;
    em_map inputs; /* em_bytes[EM_MAX_INPUTS], into body */
    em_map tokens; /* the task's ids */
    em_map result; /* its rows */
    em_request request;
    const em_served *served;
    em_task task;
    uint64_t run_ms; /* the computation's own time */
    bool began;      /* the model was touched: a receipt follows */
    em_err outcome;
    atomic_bool cancel;
} em_work;

/* Wipes and frees, gives back to the budget and stays with it; {0} is allowed. */
void em_work_drop(em_work *w);

/* Bytes of pages it holds. */
size_t em_work_memory(const em_work *w);

/* Append a part of the request.  EM_ERR_LIMIT above EM_MAX_REQUEST, EM_ERR_BUSY where the
 * budget has no room. */
em_err em_work_append(em_work *w, em_bytes part);

/* Read the whole request: w->request.  EM_ERR_REQUEST_MALFORMED, EM_ERR_LIMIT,
 * EM_ERR_BUSY. */
em_err em_work_parse(em_work *w);

/* Take the pages that em_work_run will fill, for this model; nothing is taken after.
 * EM_ERR_UNSUPPORTED for an op that is not this model's, EM_ERR_BUSY. */
em_err em_work_reserve(em_work *w, const em_served *served);

/* The machinery that computes: one for the process, used by one thread. */
typedef struct em_work_engine {
    em_kernels kernels;
    em_jobs *jobs;
    em_map scratch; /* the largest plan's */
} em_work_engine;

/* Tokenize and compute what was reserved: fills task, run_ms and outcome.
 * EM_ERR_CANCELLED between layers; EM_ERR_REQUEST_MALFORMED for a text that is too long
 * where truncation was forbidden.  Touches nothing of the budget, so that it may run on
 * another thread. */
void em_work_run(em_work *w, em_work_engine *engine);

#endif
