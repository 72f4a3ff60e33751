/* work.h - one inference: a request's texts in, vectors and true token counts out.
 *
 * Trust:  texts are a client's; the model is a fact.  What is left in memory after a
 * request is wiped with it. Memory: an em_work owns the pages of its request and result;
 * sizes meet the limits before anything is taken.
 */
#ifndef EM_ENCLAVE_WORK_H
#define EM_ENCLAVE_WORK_H

#include "enclave/served.h"
#include "os/jobs.h"
#include "trust/answer.h"

typedef struct em_work {
    em_map body; /* the request as it arrives */
    size_t body_len;
    em_map scratch; /* inputs, ids, starts */
    em_map result;  /* texts, vectors */
    em_request request;
    const em_served *served;
    em_embed_text *text; /* one an input */
    float *vectors;      /* [inputs][dim] */
    uint32_t dim;
    uint64_t tokens; /* computed on */
    uint64_t run_ms; /* the computation's own time */
    bool began;      /* the model was touched: a receipt follows */
    em_err outcome;
    atomic_bool cancel;
    struct em_work *next; /* of a queue's */
    void *owner;
} em_work;

/* Wipes and frees; {0} is allowed. */
void em_work_drop(em_work *w);

/* Bytes of pages it holds. */
size_t em_work_memory(const em_work *w);

/* Append a part of the request.  EM_ERR_LIMIT above EM_MAX_REQUEST. */
em_err em_work_append(em_work *w, em_bytes part);

/* Read the whole request: w->request.  EM_ERR_REQUEST_MALFORMED, EM_ERR_LIMIT. */
em_err em_work_parse(em_work *w);

/* The machinery that computes: one for the process, used by one thread. */
typedef struct em_work_engine {
    em_kernels kernels;
    em_jobs *jobs;
    em_map scratch; /* the largest plan's */
} em_work_engine;

/* Tokenize and embed: fills text, vectors, tokens, outcome (also returned in it).  The
 * request's `served` is set.  EM_ERR_CANCELLED between layers; EM_ERR_REQUEST_MALFORMED
 * for a text that is too long where truncation was forbidden. */
void em_work_run(em_work *w, em_work_engine *engine);

#endif
