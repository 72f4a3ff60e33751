/* Heads, token types, and pooling over the first tokens only: against the oracle in
 * double precision; the same bits whatever the level, the workers and the neighbours. */
#include "tests/engine/oracle.h"

typedef struct kind {
    size_t shape; /* of fixture_encoder.h's */
    uint32_t labels;
    em_activation activation;
} kind;

static const kind kinds[] = {
    {0, 1, EM_ACTIVATION_NONE},    {0, 1, EM_ACTIVATION_SIGMOID},
    {0, 2, EM_ACTIVATION_SOFTMAX}, {2, 3, EM_ACTIVATION_SIGMOID},
    {4, 5, EM_ACTIVATION_SOFTMAX}, /* hidden 33 */
    {4, 17, EM_ACTIVATION_NONE},   {1, 256, EM_ACTIVATION_SOFTMAX},
    {4, 256, EM_ACTIVATION_NONE},  {3, 1, EM_ACTIVATION_SOFTMAX}, /* always 1 */
};

static em_model_shape shape_of_kind(const kind *k, em_precision precision)
{
    em_model_shape s = shape_of(&shapes[k->shape], precision);

    s.labels = k->labels;
    s.activation = k->activation;
    return s;
}

/* Texts, and how many tokens of each are of its first part: none, all, some. */
typedef struct pairs {
    texts t;
    uint32_t part[MOST_SEQUENCES];
} pairs;

static pairs some_pairs(const em_model_shape *shape, uint64_t seed)
{
    pairs p = {.t = some_texts(shape, seed)};
    test_random r = {seed + 1};

    for (uint32_t s = 0; s < p.t.n; s++) {
        uint32_t n = p.t.start[s + 1] - p.t.start[s];
        p.part[s] = s == 0 ? 0 : s == 2 ? n : (uint32_t)(test_random_next(&r) % (n + 1));
    }
    return p;
}

static em_bert_batch batch_of(const pairs *p)
{
    return (em_bert_batch){
        .ids = p->t.ids, .start = p->t.start, .n = p->t.n, .first_part = p->part};
}

static em_err run(const encoder *e, unsigned cpu, em_jobs *jobs,
                  const em_bert_batch *batch, float *out)
{
    em_kernels k;

    em_kernels_pick(&k, cpu);
    return em_bert_embed(e->bert, &k, jobs, &e->plan, e->scratch, batch, out);
}

static em_err run_best(const encoder *e, const em_bert_batch *batch, float *out)
{
    em_jobs jobs = em_jobs_inline();

    return run(e, fixture_cpu(), &jobs, batch, out);
}

/* ---- the numbers ---- */

static void scores_are_the_oracles(void)
{
    for (em_precision p = EM_PRECISION_F32; p <= EM_PRECISION_INT8; p++)
        for (size_t i = 0; i < EM_COUNT(kinds); i++) {
            em_model_shape shape = shape_of_kind(&kinds[i], p);
            encoder e = make(&shape, 700 + i, 1);
            pairs q = some_pairs(&shape, 800 + i);
            em_bert_batch batch = batch_of(&q);
            float *out = test_alloc(q.t.n * shape.labels * sizeof *out);
            double want[EM_MAX_LABELS], worst = 0;

            CHECK(em_bert_width(&shape) == shape.labels);
            CHECK_OK(run_best(&e, &batch, out));
            for (uint32_t s = 0; s < q.t.n; s++) {
                uint32_t first = q.t.start[s];
                oracle_states(&e.m, q.t.ids + first, q.t.start[s + 1] - first, q.part[s]);
                oracle_head(&e.m, want);
                for (size_t j = 0; j < shape.labels; j++)
                    worst =
                        fmax(worst, fabs((double)out[s * shape.labels + j] - want[j]));
            }
            test_note("precision %d, kind %zu differs by %g", (int)p, i, worst);
            /* the oracle does not round to bytes */
            CHECK(worst < (p == EM_PRECISION_INT8 ? 0.2 : 1e-5));
        }
}

static void the_second_part_is_of_type_1(void)
{
    em_model_shape shape = shape_of(&shapes[2], EM_PRECISION_F32);
    encoder e = make(&shape, 20, 1);
    pairs q = some_pairs(&shape, 21);
    em_bert_batch batch = batch_of(&q), plain = batch;
    size_t row = shape.hidden;
    float *got = test_alloc(q.t.n * row * sizeof *got);
    float *all = test_alloc(q.t.n * row * sizeof *all);
    double want[WIDEST], worst = 0;

    plain.first_part = NULL;
    CHECK_OK(run_best(&e, &batch, got));
    CHECK_OK(run_best(&e, &plain, all));
    for (uint32_t s = 0; s < q.t.n; s++) {
        uint32_t n = q.t.start[s + 1] - q.t.start[s];
        bool same = memcmp(got + s * row, all + s * row, row * sizeof *got) == 0;
        CHECK(same == (q.part[s] == n)); /* all of type 0 is what NULL means */
        oracle_states(&e.m, q.t.ids + q.t.start[s], n, q.part[s]);
        oracle_pool(&shape, n, want);
        for (size_t j = 0; j < row; j++)
            worst = fmax(worst, fabs((double)got[s * row + j] - want[j]));
    }
    test_note("differs by %g", worst);
    CHECK(worst < 1e-5);
}

static void pooling_takes_the_first_tokens(void)
{
    em_model_shape shape = shape_of(&shapes[2], EM_PRECISION_F32);
    encoder e = make(&shape, 22, 1);
    texts t = some_texts(&shape, 23);
    em_bert_batch batch = {.ids = t.ids, .start = t.start, .n = t.n}, some = batch;
    uint32_t pooled[MOST_SEQUENCES];
    size_t row = shape.hidden;
    float *all = test_alloc(t.n * row * sizeof *all);
    float *got = test_alloc(t.n * row * sizeof *got);
    double want[WIDEST], worst = 0;

    for (uint32_t s = 0; s < t.n; s++) pooled[s] = t.start[s + 1] - t.start[s];
    some.pooled = pooled;
    CHECK_OK(run_best(&e, &batch, all));
    CHECK_OK(run_best(&e, &some, got));
    CHECK(memcmp(all, got, t.n * row * sizeof *got) == 0);
    for (uint32_t s = 0; s < t.n; s++) pooled[s] = 1 + pooled[s] / 3;
    CHECK_OK(run_best(&e, &some, got));
    for (uint32_t s = 0; s < t.n; s++) {
        uint32_t n = t.start[s + 1] - t.start[s];
        oracle_states(&e.m, t.ids + t.start[s], n, n);
        oracle_pool(&shape, pooled[s], want);
        for (size_t j = 0; j < row; j++)
            worst = fmax(worst, fabs((double)got[s * row + j] - want[j]));
    }
    test_note("differs by %g", worst);
    CHECK(worst < 1e-5);
    pooled[2] = 0;
    CHECK_ERR(run_best(&e, &some, got), EM_ERR_ARGUMENT);
    pooled[2] = t.start[3] - t.start[2] + 1;
    CHECK_ERR(run_best(&e, &some, got), EM_ERR_ARGUMENT);
}

/* Large weights: scores at both ends, none of them a NaN. */
static void activations_saturate(void)
{
    for (em_activation a = EM_ACTIVATION_SIGMOID; a <= EM_ACTIVATION_SOFTMAX; a++) {
        kind of = {0, 256, a};
        em_model_shape shape = shape_of_kind(&of, EM_PRECISION_F32);
        encoder e = make(&shape, 24, 1);
        texts t = some_texts(&shape, 25);
        em_bert_batch batch = {.ids = t.ids, .start = t.start, .n = t.n};
        float *huge = test_alloc(256 * 32 * sizeof *huge);
        float *out = test_alloc(t.n * 256 * sizeof *out);
        size_t low = 0, high = 0;
        test_random r = {26};

        for (size_t i = 0; i < 256 * 32; i++) huge[i] = fixture_normal(&r, 1e4f);
        fixture_put(&e.m, e.m.model.n - 2, huge, 256, 0);
        CHECK_OK(run_best(&e, &batch, out));
        for (uint32_t s = 0; s < t.n; s++) {
            double sum = 0;
            for (size_t j = 0; j < 256; j++) {
                float y = out[s * 256 + j];
                CHECK(y >= 0 && y <= 1);
                low += y == 0, high += y == 1;
                sum += (double)y;
            }
            if (a == EM_ACTIVATION_SOFTMAX) CHECK(fabs(sum - 1) < 1e-5);
        }
        CHECK(low > t.n && high >= t.n);
    }
}

/* The sizes of BERT-base (two layers of it), MiniLM-L12 and BERT-large (one). */
static void the_familys_sizes(void)
{
    static const small sizes[] = {{2, 768, 12, 3072, 60, EM_POOLING_CLS, true},
                                  {12, 384, 12, 1536, 60, EM_POOLING_MEAN, true},
                                  {1, 1024, 16, 3072, 60, EM_POOLING_CLS, true}};
    static const uint32_t ids[] = {3, 14, 15, 9, 26, 5}, start[] = {0, 4, 6};
    const em_bert_batch batch = {.ids = ids, .start = start, .n = 2};
    double want[WIDEST];

    for (size_t i = 0; i < EM_COUNT(sizes); i++) {
        em_model_shape shape = shape_of(&sizes[i], EM_PRECISION_F32);
        encoder e = make(&shape, 60 + i, 1);
        size_t width = shape.hidden;
        em_jobs jobs = em_jobs_inline();
        float *got = test_alloc(2 * width * sizeof *got);
        float *plain = test_alloc(2 * width * sizeof *plain);
        double worst = 0;

        CHECK_OK(run_best(&e, &batch, got));
        CHECK_OK(run(&e, 0, &jobs, &batch, plain));
        CHECK(memcmp(got, plain, 2 * width * sizeof *got) == 0);
        for (uint32_t s = 0; s < batch.n; s++) {
            uint32_t n = start[s + 1] - start[s];
            oracle_states(&e.m, ids + start[s], n, n);
            oracle_pool(&shape, n, want);
            for (size_t j = 0; j < width; j++)
                worst = fmax(worst, fabs((double)got[s * width + j] - want[j]));
        }
        test_note("sizes %zu differ by %g", i, worst);
        CHECK(worst < 2e-6);
    }
}

/* ---- the same bits ---- */

static void nothing_changes_the_bits(void)
{
    unsigned cpu[FIXTURE_LEVELS];
    size_t levels = fixture_levels(cpu);

    for (em_precision p = EM_PRECISION_F32; p <= EM_PRECISION_INT8; p++)
        for (size_t i = 0; i < EM_COUNT(kinds); i++) {
            em_model_shape shape = shape_of_kind(&kinds[i], p);
            encoder e = make(&shape, 900 + i, FIXTURE_WORKERS);
            pairs q = some_pairs(&shape, 1000 + i);
            em_bert_batch batch = batch_of(&q);
            size_t row = shape.labels * sizeof(float);
            float *want = test_alloc(q.t.n * row), *got = test_alloc(q.t.n * row);
            em_jobs here = em_jobs_inline();

            /* plain C, one thread, one sequence at a time */
            for (uint32_t s = 0; s < q.t.n; s++) {
                uint32_t alone[2] = {0, q.t.start[s + 1] - q.t.start[s]};
                em_bert_batch one = {.ids = q.t.ids + q.t.start[s],
                                     .start = alone,
                                     .n = 1,
                                     .first_part = q.part + s};
                CHECK_OK(run(&e, 0, &here, &one, want + s * shape.labels));
            }
            for (size_t l = 0; l < levels; l++)
                for (size_t workers = 1; workers <= FIXTURE_WORKERS; workers++) {
                    fixture_pool pool;
                    if (i != 3 && workers % FIXTURE_WORKERS > 1) continue; /* time */
                    fixture_start(&pool, workers);
                    memset(got, 0xA5, q.t.n * row);
                    CHECK_OK(run(&e, cpu[l], &pool.jobs, &batch, got));
                    fixture_stop(&pool);
                    test_note("precision %d, kind %zu, level %zu, %zu workers", (int)p, i,
                              l, workers);
                    CHECK(memcmp(got, want, q.t.n * row) == 0);
                }
        }
}

/* Sequences in another order, with other neighbours: 100 shuffles. */
static void neighbours_do_not_show(void)
{
    enum { LABELS = 17 };
    em_model_shape shape = shape_of_kind(&kinds[5], EM_PRECISION_F32);
    encoder e = make(&shape, 30, 1);
    pairs q = some_pairs(&shape, 31);
    em_bert_batch batch = batch_of(&q);
    float want[MOST_SEQUENCES * LABELS], got[MOST_SEQUENCES * LABELS];
    test_random r = {32};

    CHECK_OK(run_best(&e, &batch, want));
    for (int turn = 0; turn < 100; turn++) {
        uint32_t order[MOST_SEQUENCES], n = 0;
        pairs u = {0};

        for (uint32_t s = 0; s < q.t.n; s++) order[s] = s;
        for (uint32_t s = q.t.n; s > 1; s--) {
            uint32_t other = (uint32_t)(test_random_next(&r) % s), kept = order[s - 1];
            order[s - 1] = order[other], order[other] = kept;
        }
        u.t.n = 1 + (uint32_t)(test_random_next(&r) % q.t.n);
        for (uint32_t s = 0; s < u.t.n; s++) {
            uint32_t len = q.t.start[order[s] + 1] - q.t.start[order[s]];
            memcpy(u.t.ids + n, q.t.ids + q.t.start[order[s]], len * sizeof *u.t.ids);
            u.t.start[s + 1] = n += len;
            u.part[s] = q.part[order[s]];
        }
        em_bert_batch other = batch_of(&u);
        CHECK_OK(run_best(&e, &other, got));
        for (uint32_t s = 0; s < u.t.n; s++)
            CHECK(memcmp(got + s * LABELS, want + order[s] * LABELS,
                         LABELS * sizeof *got) == 0);
    }
}

/* The head's arithmetic as a number, like that of the encoder: whoever changes it names a
 * new profile. */
static void the_profile_has_not_moved(void)
{
    uint64_t sum = 0xCBF29CE484222325u; /* FNV-1a */

    for (size_t i = 0; i < EM_COUNT(kinds); i++) {
        em_model_shape shape = shape_of_kind(&kinds[i], EM_PRECISION_F32);
        encoder e = make(&shape, 1100 + i, 1);
        pairs q = some_pairs(&shape, 1200 + i);
        em_bert_batch batch = batch_of(&q);
        size_t n = q.t.n * shape.labels * sizeof(float);
        uint8_t *out = test_alloc(n);

        CHECK_OK(run_best(&e, &batch, (float *)(void *)out));
        for (size_t j = 0; j < n; j++) sum = (sum ^ out[j]) * 0x100000001B3u;
    }
    test_note("%016llx", (unsigned long long)sum);
    CHECK(sum == 0xEFE039328B1F8CC8u);
}

/* ---- what goes wrong ---- */

static void overflow_stays_in_its_own_sequence(void)
{
    unsigned cpu[FIXTURE_LEVELS];
    size_t levels = fixture_levels(cpu);
    em_jobs jobs = em_jobs_inline();

    for (size_t i = 0; i < EM_COUNT(kinds); i++) {
        em_model_shape shape = shape_of_kind(&kinds[i], EM_PRECISION_F32);
        encoder e = make(&shape, 40 + i, 1);
        texts t = some_texts(&shape, 41 + i);
        em_bert_batch batch = {.ids = t.ids, .start = t.start, .n = t.n};
        size_t row = shape.labels;
        float *want = test_alloc(t.n * row * sizeof *want);
        float *got = test_alloc(t.n * row * sizeof *got);
        float huge[WIDEST];
        uint32_t bad = shape.vocab - 1;

        for (uint32_t k = 0; k < t.start[t.n]; k++) t.ids[k] %= bad;
        CHECK_OK(run(&e, 0, &jobs, &batch, want));
        for (size_t j = 0; j < shape.hidden; j++) huge[j] = j % 2 ? 3e38f : -3e38f;
        fixture_put(&e.m, EM_BERT_WORD, huge, 1, bad);
        t.ids[t.start[3]] = bad;
        for (size_t l = 0; l < levels; l++) {
            CHECK_OK(run(&e, cpu[l], &jobs, &batch, got));
            for (uint32_t s = 0; s < t.n; s++)
                for (size_t j = 0; s == 3 && j < row; j++) {
                    uint32_t bits;
                    memcpy(&bits, &got[s * row + j], sizeof bits);
                    test_note("kind %zu, level %zu: %08x", i, l, bits);
                    CHECK(bits == 0x7FC00000u);
                }
            for (uint32_t s = 0; s < t.n; s++)
                if (s != 3)
                    CHECK(memcmp(got + s * row, want + s * row, row * sizeof *got) == 0);
        }
    }
}

static void batches_are_checked(void)
{
    em_model_shape shape = shape_of_kind(&kinds[2], EM_PRECISION_F32);
    pairs q = some_pairs(&shape, 50);
    em_bert_batch batch = batch_of(&q);
    float out[MOST_SEQUENCES * 2], kept;

    shape.types = 1;
    encoder e = make(&shape, 51, 1);
    memset(out, 0x55, sizeof out);
    memcpy(&kept, out, sizeof kept);
    CHECK_ERR(run_best(&e, &batch, out), EM_ERR_REQUEST_MALFORMED);
    CHECK(memcmp(&kept, out, sizeof kept) == 0);
    for (uint32_t s = 0; s < q.t.n; s++) q.part[s] = q.t.start[s + 1] - q.t.start[s];
    CHECK_OK(run_best(&e, &batch, out)); /* no second part */
}

static void shapes_are_checked(void)
{
    em_model_shape shape = shape_of_kind(&kinds[2], EM_PRECISION_F32);
    em_plan plan;
    em_plan_limits limits = {MOST, MOST_SEQUENCES, 1};

    CHECK_OK(em_plan_bert(&shape, limits, &plan));
    shape.labels = EM_MAX_LABELS + 1;
    CHECK_ERR(em_plan_bert(&shape, limits, &plan), EM_ERR_LIMIT);
    shape.labels = 2;
    shape.activation = 0;
    CHECK_ERR(em_plan_bert(&shape, limits, &plan), EM_ERR_MODEL_MALFORMED);
    shape.activation = EM_ACTIVATION_SOFTMAX + 1;
    CHECK_ERR(em_plan_bert(&shape, limits, &plan), EM_ERR_MODEL_MALFORMED);
}

int main(void)
{
    RUN(scores_are_the_oracles);
    RUN(the_second_part_is_of_type_1);
    RUN(pooling_takes_the_first_tokens);
    RUN(the_familys_sizes);
    RUN(activations_saturate);
    RUN(nothing_changes_the_bits);
    RUN(neighbours_do_not_show);
    RUN(the_profile_has_not_moved);
    RUN(overflow_stays_in_its_own_sequence);
    RUN(batches_are_checked);
    RUN(shapes_are_checked);
    return test_end();
}
