/* work.h - one inference: a request's texts in, rows of numbers and true token counts
 * out.
 *
 * A work is filled by the loop's thread (append, parse, reserve), then handed to the
 * runner, which reads its texts and computes its sequences together with those of others
 * (enclave/runner.h), then read again by the loop's thread.
 *
 * Trust:  texts are a client's; the model is a fact.  What is left in memory after a
 * request is wiped with it.
 * Memory: an em_work owns the pages of its request and result; sizes meet the limits and
 *         the budget before anything is taken.  A small request lies in bytes that its
 *         session lends it, and that are wiped as far as they were used.
 */
#ifndef EM_ENCLAVE_WORK_H
#define EM_ENCLAVE_WORK_H

#include "enclave/schedule.h"
#include "enclave/served.h"
#include "infer/task.h"

#include <stddef.h>

/* Bytes of pages that all requests together may still take; touched by the loop's thread
 * only. */
typedef struct em_work_budget {
    uint64_t left;
} em_work_budget;

/* Some bytes of a work: of its session's own, or pages out of the budget. */
typedef struct em_work_pages {
    uint8_t *at;
    size_t len;
    em_map map; /* none where they are the session's */
} em_work_pages;

/* A session's own bytes for its requests: what fits there costs no call to the kernel. */
enum { EM_WORK_SMALL = 64 << 10 };

typedef struct em_work {
    em_work_budget *budget;
    em_schedule_account *account; /* its session's */
    uint64_t charged;             /* what of the budget this work holds */
    uint8_t *small;               /* EM_WORK_SMALL bytes, the session's */
    size_t small_len;             /* of them, in use */
    em_work_pages body;           /* the request as it arrives */
    size_t body_len;
    em_work_pages inputs; /* em_bytes[EM_MAX_INPUTS], into body */
    em_work_pages tokens; /* the task's ids */
    em_work_pages result; /* its rows */
    em_request request;
    const em_served *served;
    em_task task;
    em_err outcome;
    bool began; /* the model was touched: a receipt follows */

    /* the runner's, until `over` */
    em_schedule_job job;  /* job.model: whose model it is, set by em_work_reserve */
    struct em_work *next; /* that waits to be read */
    uint64_t run_ns;      /* of reading, and of the batches it was in */
    bool held;            /* a thread reads its texts */
    atomic_bool over;     /* nobody else touches it any longer */
    atomic_bool cancel;
} em_work;

/* The work that a job of the schedule is part of. */
static inline em_work *em_work_of(em_schedule_job *job)
{
    return (em_work *)(void *)((uint8_t *)(void *)job - offsetof(em_work, job));
}

/* Wipes and frees, gives back to the budget; stays with budget, account and small; {0}
 * is allowed. */
void em_work_drop(em_work *w);

/* Bytes of pages it holds. */
size_t em_work_memory(const em_work *w);

/* Append a part of the request.  EM_ERR_LIMIT above EM_MAX_REQUEST, EM_ERR_BUSY where the
 * budget has no room. */
em_err em_work_append(em_work *w, em_bytes part);

/* Read the whole request: w->request.  EM_ERR_REQUEST_MALFORMED, EM_ERR_LIMIT,
 * EM_ERR_BUSY. */
em_err em_work_parse(em_work *w);

/* Take the pages that the computation will fill, for a request to the index-th model;
 * nothing is taken after.  EM_ERR_UNSUPPORTED for an op that the model does not serve,
 * EM_ERR_BUSY. */
em_err em_work_reserve(em_work *w, const em_served *served, unsigned index);

/* The request's compute in milliseconds: the time that reading its texts took, and that
 * of every batch which held a sequence of it, from beginning to end.  A batch is shared:
 * its time counts whole for each request in it. */
uint64_t em_work_ms(const em_work *w);

#endif
