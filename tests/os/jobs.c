/* Worker threads: every piece exactly once, the caller returns when all are done. */
#include "os/jobs.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/thread.h"
#include "tests/support/test.h"

typedef struct tally {
    uint32_t seen[4096];
    uint32_t by_worker[EM_JOBS_MAX_WORKERS];
    size_t workers;
    bool bad_worker;
} tally;

static void count(void *arg, size_t i, size_t w)
{
    tally *t = arg;

    if (w >= t->workers) {
        t->bad_worker = true;
        return;
    }
    __atomic_add_fetch(&t->seen[i], 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&t->by_worker[w], 1, __ATOMIC_RELAXED);
}

static void every_piece_runs_once(void)
{
    static const size_t workers[] = {1, 2, 3, 8, 64};
    static const size_t pieces[] = {0, 1, 2, 3, 63, 64, 65, 4096};
    static tally t;

    for (size_t k = 0; k < EM_COUNT(workers); k++) {
        EM_DROP(em_jobs_pool) pool = {0};
        CHECK_OK(em_jobs_create(workers[k], &pool));
        em_jobs *jobs = em_jobs_of(&pool);
        CHECK(jobs->workers == workers[k]);
        for (size_t p = 0; p < EM_COUNT(pieces); p++) {
            test_note("%zu workers, %zu pieces", workers[k], pieces[p]);
            memset(&t, 0, sizeof t);
            t.workers = workers[k];
            jobs->run(jobs, count, &t, pieces[p]);
            /* plain reads: run's return must order them after every piece */
            for (size_t i = 0; i < EM_COUNT(t.seen); i++)
                CHECK(t.seen[i] == (i < pieces[p] ? 1u : 0u));
            CHECK(!t.bad_worker);
        }
    }
}

static void add_index(void *arg, size_t i, size_t w)
{
    uint64_t *sums = arg;

    sums[w * 16] += i + 1; /* each worker its own line: w must be exclusive */
}

static void many_short_runs_one_after_the_other(void)
{
    static uint64_t sums[EM_JOBS_MAX_WORKERS * 16];
    EM_DROP(em_jobs_pool) pool = {0};
    test_random random = {.state = 3};
    uint64_t want = 0, got = 0;

    CHECK_OK(em_jobs_create(4, &pool));
    em_jobs *jobs = em_jobs_of(&pool);
    for (int r = 0; r < 20000; r++) {
        size_t n = test_random_next(&random) % 9;
        jobs->run(jobs, add_index, sums, n);
        want += n * (n + 1) / 2;
    }
    for (size_t w = 0; w < 4; w++) got += sums[w * 16];
    CHECK(got == want);
}

static void sleep_then_count(void *arg, size_t i, size_t w)
{
    em_thread_sleep_ms(i == 0 ? 30 : 5);
    count(arg, i, w);
}

/* Long pieces and long pauses: everybody falls asleep in between and is woken. */
static void sleepers_are_woken(void)
{
    static tally t;
    EM_DROP(em_jobs_pool) pool = {0};

    CHECK_OK(em_jobs_create(3, &pool));
    em_jobs *jobs = em_jobs_of(&pool);
    t.workers = 3;
    for (int r = 0; r < 5; r++) {
        em_thread_sleep_ms(20);
        uint64_t start = em_clock_monotonic_ms();
        jobs->run(jobs, sleep_then_count, &t, 7);
        /* 30 + 6 * 5 ms, shared by three: well below one after the other only if the
         * sleepers came; bounded loosely for busy machines */
        CHECK(em_clock_monotonic_ms() - start < 1000);
    }
    for (size_t i = 0; i < 7; i++) CHECK(t.seen[i] == 5);
    CHECK(t.by_worker[1] + t.by_worker[2] > 0);
}

typedef struct caller {
    em_jobs *jobs;
    tally *t;
} caller;

static void call_often(void *arg)
{
    caller *c = arg;

    for (int r = 0; r < 300; r++) c->jobs->run(c->jobs, count, c->t, 5);
}

static void two_callers_take_turns(void)
{
    static tally t[2];
    EM_DROP(em_jobs_pool) pool = {0};
    EM_DROP(em_thread) other = {0};

    CHECK_OK(em_jobs_create(3, &pool));
    t[0].workers = t[1].workers = 3;
    caller a = {em_jobs_of(&pool), &t[0]}, b = {em_jobs_of(&pool), &t[1]};
    CHECK_OK(em_thread_start(call_often, &a, "caller", &other));
    call_often(&b);
    em_thread_drop(&other);
    for (size_t i = 0; i < 5; i++) CHECK(t[0].seen[i] == 300 && t[1].seen[i] == 300);
}

static void sizes_are_checked_and_drops_are_harmless(void)
{
    em_jobs_pool pool = {0};

    CHECK_ERR(em_jobs_create(0, &pool), EM_ERR_RANGE);
    CHECK_ERR(em_jobs_create(65, &pool), EM_ERR_RANGE);
    em_jobs_pool_drop(&pool);
    CHECK(em_cpu_count() >= 1);
    for (int i = 0; i < 50; i++) { /* dropped right after the start */
        CHECK_OK(em_jobs_create(8, &pool));
        em_jobs_pool_drop(&pool);
    }
}

static void nothing(void *arg, size_t i, size_t w)
{
    (void)arg;
    (void)i;
    (void)w;
}

static int bench(void)
{
    for (size_t workers = 1; workers <= em_cpu_count(); workers++) {
        EM_DROP(em_jobs_pool) pool = {0};
        if (em_jobs_create(workers, &pool) != EM_OK) return 1;
        em_jobs *jobs = em_jobs_of(&pool);
        uint64_t start = em_clock_monotonic_ns();
        for (int r = 0; r < 100000; r++) jobs->run(jobs, nothing, NULL, workers);
        printf("%zu workers: %.2f us a run\n", workers,
               (double)(em_clock_monotonic_ns() - start) / 1e8);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--bench") == 0) return bench();
    RUN(every_piece_runs_once);
    RUN(many_short_runs_one_after_the_other);
    RUN(sleepers_are_woken);
    RUN(two_callers_take_turns);
    RUN(sizes_are_checked_and_drops_are_harmless);
    return test_end();
}
