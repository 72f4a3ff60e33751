/* jobs.h - how pure code asks for parallel work without owning a thread.
 *
 * Trust:  the caller lends workers; the pieces must not depend on who runs them.
 * Memory: nothing is kept after run returns.
 */
#ifndef EM_BASE_JOBS_H
#define EM_BASE_JOBS_H

#include "base/em.h"

/* One piece of work: `i` of 0..n-1, run by worker `w` of 0..workers-1. */
typedef void em_job(void *arg, size_t i, size_t w);

/* Runs job(arg, 0..n-1), each exactly once, in any order, on up to `workers` threads, and
 * returns when all are done. */
typedef struct em_jobs {
    void (*run)(struct em_jobs *self, em_job *job, void *arg, size_t n);
    size_t workers; /* >= 1 */
} em_jobs;

/* Everything on the calling thread. */
em_jobs em_jobs_inline(void);

#endif
