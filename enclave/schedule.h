/* schedule.h - which sequences of which requests are computed together, and in what
 * order.
 *
 * A request is a row of sequences of known lengths.  A batch takes sequences of several
 * requests to one model, in order, up to a number of tokens:
 *
 *   - Fair between sessions, by tokens: the tag of a sequence says what its session will
 *     have been given with it, and the lowest goes first.  Who comes after a pause starts
 *     where the others are.  So who asks for much gets no more of the machine than who
 *     asks for little, and who asks for little does not wait behind who asks for much.
 *   - A request of which nothing is in a batch yet is fresh.  Where others are under way,
 *     fresh ones have batches of their own, every second one at most: a short request
 *     waits for the batch that runs, not for more, and the long ones go on.
 *   - Where more is waiting than one batch, it is shared out among the lanes: threads
 *     that compute a batch each.
 *   - Models take turns, a batch each.
 *
 * Nothing is ever held back to wait for company: batches grow by themselves while others
 * run.
 *
 * Trust:  none of its own; lengths come from the tokenizer.  Pure bookkeeping: no thread,
 *         no clock, no lock; times are arguments.
 * Memory: jobs and batches are the caller's and stay in place while they are inside.
 */
#ifndef EM_ENCLAVE_SCHEDULE_H
#define EM_ENCLAVE_SCHEDULE_H

#include "base/em.h"
#include "base/limits.h"

#include <stdatomic.h>

enum { EM_SCHEDULE_SEQUENCES = 256 }; /* in a batch, at most */

typedef struct em_schedule_list {
    struct em_schedule_job *first, *last;
} em_schedule_list;

/* What a session has been given: kept from request to request, {0} at its beginning. */
typedef struct em_schedule_account {
    unsigned model;
    uint64_t tag;
} em_schedule_account;

/* One request. */
typedef struct em_schedule_job {
    /* the caller's, before em_schedule_add */
    unsigned model;
    uint32_t n;            /* sequences, at least 1 */
    const uint32_t *start; /* n + 1: sequence s has start[s + 1] - start[s] tokens */
    uint64_t since_ms;     /* when the request came */
    em_schedule_account *account; /* its session's */

    /* for the caller to read */
    uint32_t next; /* sequences that went into batches */
    uint32_t done; /* sequences that are computed */

    /* the schedule's */
    uint64_t tag;    /* of the next sequence */
    uint64_t number; /* of the last batch it went into */
    em_schedule_list *in;
    struct em_schedule_job *before, *after;
} em_schedule_job;

/* Some sequences of one request. */
typedef struct em_schedule_part {
    em_schedule_job *job; /* NULL: it was dropped meanwhile, nobody wants the result */
    uint32_t first, n;
    bool again; /* this batch has a part of the same request before */
} em_schedule_part;

typedef struct em_schedule_batch {
    unsigned model;
    uint32_t sequences, tokens, parts;
    em_schedule_part part[EM_SCHEDULE_SEQUENCES];
    atomic_bool cancel;             /* nobody wants any of it any longer */
    struct em_schedule_batch *next; /* that is running too */
} em_schedule_batch;

typedef struct em_schedule_model {
    uint32_t most;     /* tokens of a batch of more than one sequence */
    uint64_t tag;      /* the highest that was given out */
    uint64_t waiting;  /* tokens in no batch yet */
    bool fresh_before; /* the batch before was one of fresh requests */
    em_schedule_list fresh, old;
} em_schedule_model;

typedef struct em_schedule {
    uint32_t lanes, least, first;
    uint32_t most_sequences;
    uint32_t n_models, turn;
    em_schedule_model model[EM_MAX_MODELS];
    uint32_t fresh;  /* requests of which nothing is in a batch yet */
    uint64_t number; /* of batches so far */
    em_schedule_batch *running;
} em_schedule;

/* How a schedule shares out. */
typedef struct em_schedule_terms {
    uint32_t lanes;     /* threads that compute a batch each, at least 1 */
    uint32_t least;     /* tokens below which a batch is not split among lanes */
    uint32_t first;     /* of a fresh request that are given at once */
    uint32_t sequences; /* of a batch at most, 1 .. EM_SCHEDULE_SEQUENCES */
} em_schedule_terms;

/* An empty schedule for `n_models` models, whose batches have at most most[i] tokens, or
 * one sequence. */
void em_schedule_init(em_schedule *s, const em_schedule_terms *terms,
                      const uint32_t *most, uint32_t n_models);

/* A request comes, or goes before it is done: what is in no batch yet never will be, and
 * what is in one is computed for nobody.  A batch that nobody waits for gets its `cancel`
 * set. */
void em_schedule_add(em_schedule *s, em_schedule_job *job);
void em_schedule_drop(em_schedule *s, em_schedule_job *job);

/* A request of which nothing is in a batch yet and that came before `before_ms`, taken
 * out; NULL. */
em_schedule_job *em_schedule_late(em_schedule *s, uint64_t before_ms);

/* The next batch; false where nothing waits.  It is running from now on. */
bool em_schedule_next(em_schedule *s, em_schedule_batch *ret_batch);

/* A batch was computed: its jobs' `done` grow.  One with done == n is over, and no longer
 * inside. */
void em_schedule_done(em_schedule *s, em_schedule_batch *batch);

/* Does anything wait for a batch? */
bool em_schedule_waits(const em_schedule *s);

#endif
