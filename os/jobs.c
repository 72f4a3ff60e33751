#include "os/jobs.h"
#include "os/cpu.h"
#include "os/thread.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The pieces of a run are one 64-bit word: generation << 32 | pieces left.  A worker
 * takes one by lowering it with compare-and-swap: who succeeds has a piece of exactly
 * that generation, and the run cannot end before this piece is done, so `job`, `arg` and
 * `n` stand still while they are read.  A worker that comes late finds nothing left. */
typedef struct em_jobs_state {
    em_jobs jobs; /* first: run is handed a pointer to it */
    size_t workers;
    unsigned spins;
    em_thread_mutex one_run;
    em_job *job;
    void *arg;
    uint32_t n;
    _Alignas(64) uint64_t pieces;
    _Alignas(64) uint32_t done;
    uint32_t caller_sleeps;
    _Alignas(64) uint32_t turn; /* changes with every run: what sleepers wait on */
    uint32_t sleepers;
    bool stop;
    em_thread thread[EM_JOBS_MAX_WORKERS];
    struct worker {
        struct em_jobs_state *state;
        size_t w;
    } worker[EM_JOBS_MAX_WORKERS];
} em_jobs_state;

enum { SPINS = 4000 }; /* some 20..40 microseconds */

#define LOAD(p) __atomic_load_n(&(p), __ATOMIC_SEQ_CST)
#define STORE(p, v) __atomic_store_n(&(p), (v), __ATOMIC_SEQ_CST)
#define ADD(p, v) __atomic_add_fetch(&(p), (v), __ATOMIC_SEQ_CST)

static void pause_cpu(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void futex_wait(uint32_t *word, uint32_t while_it_is)
{
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, while_it_is, NULL, NULL, 0);
}

static void futex_wake(uint32_t *word, uint32_t n)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

/* Takes and runs pieces until none is left. */
static void work(em_jobs_state *s, size_t w)
{
    uint64_t now = LOAD(s->pieces);

    while ((uint32_t)now > 0) {
        if (!__atomic_compare_exchange_n(&s->pieces, &now, now - 1, true,
                                         __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            continue;
        uint32_t n = s->n;
        s->job(s->arg, n - (uint32_t)now, w);
        if (ADD(s->done, 1) == n && LOAD(s->caller_sleeps) != 0) futex_wake(&s->done, 1);
        now = LOAD(s->pieces);
    }
}

static bool something_to_do(em_jobs_state *s)
{
    return (uint32_t)LOAD(s->pieces) > 0 || LOAD(s->stop);
}

static void serve(void *arg)
{
    struct worker *me = arg;
    em_jobs_state *s = me->state;

    while (!LOAD(s->stop)) {
        work(s, me->w);
        for (unsigned i = 0; i < s->spins && !something_to_do(s); i++) pause_cpu();
        if (something_to_do(s)) continue;
        uint32_t turn = LOAD(s->turn);
        (void)ADD(s->sleepers, 1);
        /* a run that began before we were counted would not wake us */
        if (!something_to_do(s)) futex_wait(&s->turn, turn);
        (void)__atomic_sub_fetch(&s->sleepers, 1, __ATOMIC_SEQ_CST);
    }
}

static void run_some(em_jobs_state *s, em_job *job, void *arg, uint32_t n)
{
    s->job = job;
    s->arg = arg;
    s->n = n;
    STORE(s->done, 0);
    uint64_t generation = (LOAD(s->pieces) >> 32) + 1;
    STORE(s->pieces, generation << 32 | n);
    (void)ADD(s->turn, 1);
    uint32_t sleepers = LOAD(s->sleepers);
    if (sleepers > 0 && n > 1) futex_wake(&s->turn, n - 1 < sleepers ? n - 1 : sleepers);

    work(s, 0);
    for (unsigned i = 0; i < s->spins && LOAD(s->done) != n; i++) pause_cpu();
    for (uint32_t done = LOAD(s->done); done != n; done = LOAD(s->done)) {
        STORE(s->caller_sleeps, 1);
        /* after that store whoever finishes last wakes us, or changes the word first */
        futex_wait(&s->done, done);
        STORE(s->caller_sleeps, 0);
    }
}

typedef struct shifted {
    em_job *job;
    void *arg;
    size_t from;
} shifted;

static void run_shifted(void *arg, size_t i, size_t w)
{
    const shifted *s = arg;

    s->job(s->arg, s->from + i, w);
}

static void run(em_jobs *self, em_job *job, void *arg, size_t n)
{
    em_jobs_state *s = (em_jobs_state *)self;
    EM_DROP(em_thread_held) held = em_thread_hold(&s->one_run);

    if (n <= 1 || s->workers == 1) {
        for (size_t i = 0; i < n; i++) job(arg, i, 0);
        return;
    }
    if (n <= INT_MAX) {
        run_some(s, job, arg, (uint32_t)n);
        return;
    }
    for (size_t from = 0; from < n; from += INT_MAX) {
        shifted part = {job, arg, from};
        run_some(s, run_shifted, &part,
                 n - from < INT_MAX ? (uint32_t)(n - from) : INT_MAX);
    }
}

static em_err create(size_t workers, bool placed, em_jobs_pool *ret_pool)
{
    EM_DROP(em_jobs_pool) pool = {0};

    if (workers < 1 || workers > EM_JOBS_MAX_WORKERS) return EM_ERR_RANGE;
    em_jobs_state *s = aligned_alloc(64, (sizeof *s + 63) / 64 * 64);
    if (s == NULL) return EM_ERR_MEMORY;
    memset(s, 0, sizeof *s);
    pool.state = s;
    s->jobs = (em_jobs){.run = run, .workers = workers};
    s->workers = workers;
    /* with fewer processors than workers, spinning keeps others from working */
    s->spins = workers <= em_cpu_count() ? SPINS : 0;
    for (size_t w = 1; w < workers; w++) {
        s->worker[w] = (struct worker){s, w};
        EM_TRY(placed
                   ? em_thread_start_on(w, serve, &s->worker[w], "em-jobs", &s->thread[w])
                   : em_thread_start(serve, &s->worker[w], "em-jobs", &s->thread[w]));
    }
    *ret_pool = EM_TAKE(pool);
    return EM_OK;
}

em_err em_jobs_create(size_t workers, em_jobs_pool *ret_pool)
{
    return create(workers, false, ret_pool);
}

em_err em_jobs_create_placed(size_t workers, em_jobs_pool *ret_pool)
{
    return create(workers, true, ret_pool);
}

void em_jobs_pool_drop(em_jobs_pool *pool)
{
    em_jobs_state *s = pool->state;

    if (s == NULL) return;
    STORE(s->stop, true);
    (void)ADD(s->turn, 1);
    futex_wake(&s->turn, INT_MAX);
    for (size_t w = 1; w < s->workers; w++) em_thread_drop(&s->thread[w]);
    free(s);
    pool->state = NULL;
}

em_jobs *em_jobs_of(em_jobs_pool *pool)
{
    return &pool->state->jobs;
}
