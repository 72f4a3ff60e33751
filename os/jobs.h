/* jobs.h - worker threads behind the em_jobs of base/jobs.h.
 *
 * The caller of run is worker 0 and does its share; the others spin for some microseconds
 * between runs, then sleep.  One run at a time: a second caller waits for the first.  A
 * job must not call run itself.
 *
 * Trust:  none.
 * Memory: an em_jobs_pool owns its threads and one allocation; {0} is none.
 */
#ifndef EM_OS_JOBS_H
#define EM_OS_JOBS_H

#include "base/jobs.h"

enum { EM_JOBS_MAX_WORKERS = 64 };

typedef struct em_jobs_pool {
    struct em_jobs_state *state;
} em_jobs_pool;

/* `workers` of 1..64, the caller counted; more than that is EM_ERR_RANGE. */
em_err em_jobs_create(size_t workers, em_jobs_pool *ret_pool);

/* The same, worker w on the w-th processor: for a caller that is a thread on the first
 * (em_thread_start_on).  Otherwise a worker who slept is often woken on the processor of
 * who woke it, and two are slower than one. */
em_err em_jobs_create_placed(size_t workers, em_jobs_pool *ret_pool);

/* Stops and joins the threads; no run may be going on. */
void em_jobs_pool_drop(em_jobs_pool *pool);

/* What to hand to the engine; lives as long as the pool. */
em_jobs *em_jobs_of(em_jobs_pool *pool);

#endif
