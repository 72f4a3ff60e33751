/* Small random encoders of every precision: against an oracle in double precision; the
 * same bits whatever the level, the workers and the neighbours; cancelled. */
#include "tests/engine/oracle.h"

static em_precision now; /* of the models of this turn */

static const char *name_of(em_precision precision)
{
    static const char *const names[] = {"", "f32", "bf16", "int8"};
    return names[precision];
}

static void embeddings_are_the_oracles(void)
{
    for (size_t i = 0; i < EM_COUNT(shapes); i++) {
        em_model_shape shape = shape_of(&shapes[i], now);
        encoder e = make(&shape, 100 + i, 1);
        texts t = some_texts(&shape, 200 + i);
        em_kernels k;
        em_jobs jobs = em_jobs_inline();
        em_bert_batch batch = {.ids = t.ids, .start = t.start, .n = t.n};
        float *out = test_alloc(t.n * shape.hidden * sizeof *out);
        double want[WIDEST], worst = 0, allowed = shape.normalize ? 2e-6 : 1e-5;

        em_kernels_pick(&k, fixture_cpu());
        CHECK_OK(em_bert_embed(e.bert, &k, &jobs, &e.plan, e.scratch, &batch, out));
        for (uint32_t s = 0; s < t.n; s++) {
            uint32_t n = t.start[s + 1] - t.start[s];
            oracle_states(&e.m, t.ids + t.start[s], n, n);
            oracle_pool(&shape, n, want);
            for (size_t j = 0; j < shape.hidden; j++)
                worst = fmax(worst, fabs((double)out[s * shape.hidden + j] - want[j]));
        }
        if (now == EM_PRECISION_INT8)
            allowed *= 4e4; /* the oracle does not round to bytes */
        test_note("%s, shape %zu differs by %g", name_of(now), i, worst);
        CHECK(worst < allowed);
    }
}

/* ---- the same bits ---- */

static void nothing_changes_the_bits(void)
{
    unsigned cpu[FIXTURE_LEVELS];
    size_t levels = fixture_levels(cpu);

    for (size_t i = 0; i < EM_COUNT(shapes); i++) {
        em_model_shape shape = shape_of(&shapes[i], now);
        encoder e = make(&shape, 300 + i, FIXTURE_WORKERS);
        texts t = some_texts(&shape, 400 + i);
        size_t row = shape.hidden * sizeof(float);
        float *want = test_alloc(t.n * row), *got = test_alloc(t.n * row);
        em_kernels k;
        em_jobs here = em_jobs_inline();

        /* plain C, one thread, one sequence at a time */
        em_kernels_pick(&k, 0);
        for (uint32_t s = 0; s < t.n; s++) {
            uint32_t alone[2] = {0, t.start[s + 1] - t.start[s]};
            em_bert_batch batch = {.ids = t.ids + t.start[s], .start = alone, .n = 1};
            CHECK_OK(em_bert_embed(e.bert, &k, &here, &e.plan, e.scratch, &batch,
                                   want + s * shape.hidden));
        }
        for (size_t l = 0; l < levels; l++)
            for (size_t workers = 1; workers <= FIXTURE_WORKERS; workers++) {
                fixture_pool pool;
                em_bert_batch batch = {.ids = t.ids, .start = t.start, .n = t.n};

                fixture_start(&pool, workers);
                em_kernels_pick(&k, cpu[l]);
                memset(got, 0xFF, t.n * row);
                CHECK_OK(em_bert_embed(e.bert, &k, &pool.jobs, &e.plan, e.scratch, &batch,
                                       got));
                fixture_stop(&pool);
                test_note("%s, shape %zu, level %s, %zu workers", name_of(now), i,
                          k.level, workers);
                CHECK(memcmp(got, want, t.n * row) == 0);
            }
    }
    em_kernels best;
    em_kernels_pick(&best, cpu[levels - 1]);
    printf("%zu levels, from scalar to %s\n", levels, best.level);
}

/* Each numeric profile as a number: whoever changes it has changed what old receipts
 * replay to, and names a new profile. */
static void the_profile_has_not_moved(void)
{
    static const uint64_t sums[] = {[EM_PRECISION_F32] = 0x44FCFAA61B71107Du,
                                    [EM_PRECISION_BF16] = 0x094584551579681Du,
                                    [EM_PRECISION_INT8] = 0x02C5D20DA5ACB054u};
    uint64_t sum = 0xCBF29CE484222325u; /* FNV-1a */

    for (size_t i = 0; i < EM_COUNT(shapes); i++) {
        em_model_shape shape = shape_of(&shapes[i], now);
        encoder e = make(&shape, 500 + i, 1);
        texts t = some_texts(&shape, 600 + i);
        em_kernels k;
        em_jobs jobs = em_jobs_inline();
        em_bert_batch batch = {.ids = t.ids, .start = t.start, .n = t.n};
        size_t n = t.n * shape.hidden * sizeof(float);
        uint8_t *out = test_alloc(n);

        em_kernels_pick(&k, fixture_cpu());
        CHECK_OK(em_bert_embed(e.bert, &k, &jobs, &e.plan, e.scratch, &batch,
                               (float *)(void *)out));
        for (size_t j = 0; j < n; j++) sum = (sum ^ out[j]) * 0x100000001B3u;
    }
    test_note("%s: %016llx", name_of(now), (unsigned long long)sum);
    CHECK(sum == sums[now]);
}

/* Sequences in another order, with other neighbours: 100 shuffles. */
static void neighbours_do_not_show(void)
{
    em_model_shape shape = shape_of(&shapes[0], now);
    encoder e = make(&shape, 7, 1);
    texts t = some_texts(&shape, 8);
    em_kernels k;
    em_jobs jobs = em_jobs_inline();
    em_bert_batch batch = {.ids = t.ids, .start = t.start, .n = t.n};
    float want[MOST_SEQUENCES * 32], got[MOST_SEQUENCES * 32];
    test_random r = {9};

    em_kernels_pick(&k, fixture_cpu());
    CHECK_OK(em_bert_embed(e.bert, &k, &jobs, &e.plan, e.scratch, &batch, want));
    for (int turn = 0; turn < 100; turn++) {
        uint32_t order[MOST_SEQUENCES], n = 0;
        texts u = {0};

        for (uint32_t s = 0; s < t.n; s++) order[s] = s;
        for (uint32_t s = t.n; s > 1; s--) {
            uint32_t other = (uint32_t)(test_random_next(&r) % s), kept = order[s - 1];
            order[s - 1] = order[other], order[other] = kept;
        }
        u.n = 1 + (uint32_t)(test_random_next(&r) % t.n);
        for (uint32_t s = 0; s < u.n; s++) {
            uint32_t len = t.start[order[s] + 1] - t.start[order[s]];
            memcpy(u.ids + n, t.ids + t.start[order[s]], len * sizeof *u.ids);
            u.start[s + 1] = n += len;
        }
        em_bert_batch other = {.ids = u.ids, .start = u.start, .n = u.n};
        CHECK_OK(em_bert_embed(e.bert, &k, &jobs, &e.plan, e.scratch, &other, got));
        for (uint32_t s = 0; s < u.n; s++)
            CHECK(memcmp(got + s * 32, want + order[s] * 32, 32 * sizeof *got) == 0);
    }
}

static void overflow_stays_in_its_own_sequence(void)
{
    em_model_shape shape = shape_of(&shapes[0], now);
    encoder e = make(&shape, 10, 1);
    texts t = some_texts(&shape, 11);
    em_bert_batch batch = {.ids = t.ids, .start = t.start, .n = t.n};
    em_jobs jobs = em_jobs_inline();
    float *want = test_alloc(t.n * 128), *got = test_alloc(t.n * 128);
    float huge[32];
    uint32_t bad = 49;
    em_kernels k;

    unsigned cpu[FIXTURE_LEVELS];
    size_t levels = fixture_levels(cpu);

    for (uint32_t i = 0; i < t.start[t.n]; i++) t.ids[i] %= bad;
    for (size_t l = 0; l < levels; l++) {
        em_kernels_pick(&k, cpu[l]);
        CHECK_OK(em_bert_embed(e.bert, &k, &jobs, &e.plan, e.scratch, &batch, want));
        for (size_t j = 0; j < 32; j++) huge[j] = j % 2 ? 3e38f : -3e38f;
        fixture_put(&e.m, EM_BERT_WORD, huge, 1, bad);
        uint32_t kept = t.ids[t.start[3] + 2];
        t.ids[t.start[3] + 2] = bad;
        CHECK_OK(em_bert_embed(e.bert, &k, &jobs, &e.plan, e.scratch, &batch, got));
        t.ids[t.start[3] + 2] = kept;
        for (uint32_t s = 0; s < t.n; s++) {
            uint32_t bits;
            memcpy(&bits, &got[s * 32 + 5], sizeof bits);
            CHECK(s == 3 ? bits == 0x7FC00000u
                         : memcmp(got + s * 32, want + s * 32, 128) == 0);
        }
    }
}

/* ---- giving up ---- */

typedef struct counting {
    em_jobs jobs; /* first: em_jobs_run's self */
    size_t left;
    atomic_bool flag;
} counting;

static void count_down(em_jobs *self, em_job *job, void *arg, size_t n)
{
    counting *c = (counting *)(void *)self;
    em_jobs here = em_jobs_inline();

    if (c->left == 0)
        atomic_store(&c->flag, true);
    else
        c->left--;
    here.run(&here, job, arg, n);
}

static void a_run_is_cancelled_between_layers(void)
{
    em_model_shape shape = shape_of(&shapes[3], EM_PRECISION_F32);
    encoder e = make(&shape, 12, 1);
    texts t = some_texts(&shape, 13);
    float *out = test_alloc(t.n * shape.hidden * sizeof *out);
    size_t cancelled = 0, done = 0;
    em_kernels k;

    em_kernels_pick(&k, fixture_cpu());
    for (size_t left = 0; left < 20; left++) {
        counting c = {.jobs = {count_down, 1}, .left = left};
        em_bert_batch batch = {
            .ids = t.ids, .start = t.start, .n = t.n, .cancel = &c.flag};

        memset(out, 0x55, t.n * shape.hidden * sizeof *out);
        em_err err = em_bert_embed(e.bert, &k, &c.jobs, &e.plan, e.scratch, &batch, out);
        uint32_t first;
        memcpy(&first, out, sizeof first);
        CHECK(err == EM_OK || (err == EM_ERR_CANCELLED && first == 0x55555555));
        if (err == EM_OK)
            done++;
        else
            cancelled++;
    }
    CHECK(cancelled >= 6 && done >= 5); /* a layer is three runs here; the last is done */
}

/* --profile: that alone, for emulators. */
int main(int argc, char **argv)
{
    bool profile = argc > 1 && strcmp(argv[1], "--profile") == 0;

    for (now = EM_PRECISION_F32; now <= EM_PRECISION_INT8; now++) {
        printf("precision %s\n", name_of(now));
        if (profile) {
            RUN(the_profile_has_not_moved);
            continue;
        }
        RUN(embeddings_are_the_oracles);
        RUN(nothing_changes_the_bits);
        RUN(the_profile_has_not_moved);
        RUN(neighbours_do_not_show);
        RUN(overflow_stays_in_its_own_sequence);
    }
    if (!profile) RUN(a_run_is_cancelled_between_layers);
    return test_end();
}
