/* runner.h - the threads that compute, and the requests they compute together.
 *
 * Every lane is a thread with scratch of its own; all share the weights.  While more is
 * waiting than one batch, each lane computes a batch of its own, alone: nobody waits for
 * anybody at a layer's end.  When one batch is all there is, the first lane computes it
 * with every worker, so that a lone request is as fast as the machine can make it.
 * What is computed together is enclave/schedule's choice and changes no bit of it.
 *
 * Trust:  requests meet here only as rows of one run: ids and results are copied out of
 *         and into each request's own pages, and what a run leaves is wiped.
 * Memory: scratch for the largest batch, a lane each; works are the caller's, and are not
 *         to be touched between em_runner_submit and `over` but by em_runner_cancel.
 */
#ifndef EM_ENCLAVE_RUNNER_H
#define EM_ENCLAVE_RUNNER_H

#include "enclave/batch.h"
#include "os/jobs.h"
#include "os/thread.h"

typedef struct em_runner_lane {
    struct em_runner *runner;
    em_thread thread;
    em_thread_condition work; /* there may be some for it */
    bool idle;
    bool computing;
    uint64_t since_ns; /* of the batch that it computes */
    em_batch batch;
} em_runner_lane;

/* What a runner is made from. */
typedef struct em_runner_terms {
    const em_served *served; /* em_schedule_job.model is a place in it */
    size_t n_served;
    const em_kernels *kernels;
    em_jobs *jobs;    /* of all workers */
    size_t lanes;     /* 0: one a worker */
    uint64_t tokens;  /* of a batch; a longer sequence is a batch of its own.  0: as many
                         as the plan has room for */
    uint64_t queue;   /* requests that may wait, nothing of them in a batch yet */
    uint64_t wait_ms; /* how long, before they are answered "busy" */
    void (*finished)(void *arg); /* some work is over: wakes its owner; may be NULL */
    void *arg;
} em_runner_terms;

typedef struct em_runner {
    em_runner_terms terms;
    em_thread_mutex lock;
    em_schedule schedule;
    em_work *reading, **reading_end; /* to be read, in turn */
    size_t n_reading;                /* those, and those that a lane reads now */
    size_t busy;                     /* lanes that read or compute */
    bool wide;                       /* one lane has all the workers */
    bool closed;
    em_jobs alone;
    size_t n_lanes;
    em_map pages; /* em_runner_lane[n_lanes] */
    em_runner_lane *lane;
} em_runner;

/* Takes the memory; starts nothing. */
em_err em_runner_open(em_runner *r, const em_runner_terms *terms);

/* Stops the threads and frees.  Whatever is inside was cancelled before, and is over once
 * this returns. */
void em_runner_drop(em_runner *r);

/* Start the lanes' threads.  Without, em_runner_step does their work. */
em_err em_runner_start(em_runner *r);

/* Hand over a work that em_work_reserve prepared; it comes back with `over`.  EM_ERR_BUSY
 * where too many wait: then it is not taken. */
em_err em_runner_submit(em_runner *r, em_work *w);

/* Nobody wants it any longer.  What is in no batch yet is dropped at once, and a batch
 * that nobody else is in ends between two layers.  `over` at once, unless a lane is
 * reading its texts: then as soon as it has stopped. */
void em_runner_cancel(em_runner *r, em_work *w);

/* Does what the first lane would do next, on this thread; false where nothing is to be
 * done. */
bool em_runner_step(em_runner *r);

#endif
