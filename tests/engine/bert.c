/* Small random encoders: against an oracle in double precision; the same bits whatever
 * the level, the workers and the neighbours; cancelled; hostile models and batches
 * refused. */
#include "engine/pool.h"
#include "tests/engine/fixture.h"

#include <math.h>

typedef struct small {
    uint32_t layers, hidden, heads, intermediate, vocab;
    em_pooling pooling;
    bool normalize;
} small;

static const small shapes[] = {
    {2, 32, 4, 64, 50, EM_POOLING_MEAN, true},   /* all whole panels but the head */
    {2, 64, 4, 128, 97, EM_POOLING_CLS, true},   /* heads of one panel */
    {1, 36, 3, 50, 33, EM_POOLING_MEAN, false},  /* nothing is a multiple of 16 */
    {3, 40, 1, 70, 64, EM_POOLING_MEAN, true},   /* one head wider than two panels */
    {1, 33, 11, 17, 7, EM_POOLING_CLS, false},   /* heads of 3 */
    {1, 128, 1, 512, 20, EM_POOLING_MEAN, true}, /* the widest head; rows 2 KiB apart */
};

enum { POSITIONS = 80, MOST = 400, MOST_SEQUENCES = 24 };

static em_model_shape shape_of(const small *s)
{
    return (em_model_shape){.arch = EM_ARCH_BERT,
                            .precision = EM_PRECISION_F32,
                            .pooling = s->pooling,
                            .normalize = s->normalize,
                            .layers = s->layers,
                            .hidden = s->hidden,
                            .heads = s->heads,
                            .intermediate = s->intermediate,
                            .vocab = s->vocab,
                            .positions = POSITIONS,
                            .types = 2,
                            .max_tokens = POSITIONS - 3,
                            .norm_eps_bits = 0x3727C5AC /* 1e-5 */};
}

typedef struct encoder {
    fixture_model m;
    em_bert *bert;
    em_plan plan;
    void *scratch;
} encoder;

static encoder make(const em_model_shape *shape, uint64_t seed, uint32_t workers)
{
    encoder e = {.m = fixture_layout(shape), .bert = test_alloc(sizeof(em_bert))};
    em_plan_limits limits = {MOST, MOST_SEQUENCES, workers};

    fixture_randomise(&e.m, seed);
    if (em_bert_bind(&e.m.model, em_view(e.m.at, e.m.len), e.bert) != EM_OK) abort();
    if (em_plan_bert(shape, limits, &e.plan) != EM_OK) abort();
    e.scratch = fixture_aligned(e.plan.scratch);
    memset(e.scratch, 0xFF, e.plan.scratch); /* NaNs: nothing may come from there */
    return e;
}

typedef struct texts {
    uint32_t ids[MOST], start[MOST_SEQUENCES + 1], n;
} texts;

/* Ragged: one token, the longest there may be, and whatever comes. */
static texts some_texts(const em_model_shape *shape, uint64_t seed)
{
    texts t = {0};
    test_random r = {seed};

    while (t.n < MOST_SEQUENCES) {
        uint32_t at = t.start[t.n], len = 1 + (uint32_t)(test_random_next(&r) % 40);
        if (t.n == 1) len = 1;
        if (t.n == 3) len = shape->max_tokens;
        if (at + len > MOST) break;
        for (uint32_t i = 0; i < len; i++)
            t.ids[at + i] = (uint32_t)(test_random_next(&r) % shape->vocab);
        t.start[++t.n] = at + len;
    }
    return t;
}

/* ---- the oracle: the textbook's encoder, row by row, in double precision ---- */

static double weight(const fixture_model *m, uint32_t i, size_t row, size_t col)
{
    const float *at = (const float *)(const void *)(m->at + m->tensor[i].offset);
    size_t cols = m->want[i].cols;

    if (m->want[i].layout == EM_LAYOUT_ROWS) return (double)at[row * cols + col];
    return (double)at[(row / 16 * cols + col) * 16 + row % 16];
}

static void oracle_norm(const fixture_model *m, uint32_t i, double *x, size_t n)
{
    double mean = 0, var = 0;

    for (size_t j = 0; j < n; j++) mean += x[j] / (double)n;
    for (size_t j = 0; j < n; j++) var += (x[j] - mean) * (x[j] - mean) / (double)n;
    for (size_t j = 0; j < n; j++)
        x[j] = (x[j] - mean) / sqrt(var + (double)1e-5f) * weight(m, i, 0, j) +
               weight(m, i + 1, 0, j);
}

static void oracle_dense(const fixture_model *m, uint32_t i, const double *x, double *out)
{
    for (size_t r = 0; r < m->want[i].rows; r++) {
        out[r] = weight(m, i + 1, 0, r);
        for (size_t c = 0; c < m->want[i].cols; c++) out[r] += weight(m, i, r, c) * x[c];
    }
}

enum { WIDEST = 512 };
static double state[POSITIONS][WIDEST], qkv[POSITIONS][WIDEST], ctx[POSITIONS][WIDEST];

static void oracle_attention(const em_model_shape *s, size_t n)
{
    size_t d = s->hidden / s->heads;

    for (size_t h = 0; h < s->heads; h++)
        for (size_t i = 0; i < n; i++) {
            double p[POSITIONS], sum = 0;
            for (size_t j = 0; j < n; j++) {
                p[j] = 0;
                for (size_t k = h * d; k < (h + 1) * d; k++)
                    p[j] += qkv[i][k] * qkv[j][s->hidden + k];
                p[j] = exp(p[j] / sqrt((double)d));
                sum += p[j];
            }
            for (size_t k = h * d; k < (h + 1) * d; k++) {
                ctx[i][k] = 0;
                for (size_t j = 0; j < n; j++)
                    ctx[i][k] += p[j] / sum * qkv[j][2 * s->hidden + k];
            }
        }
}

static void oracle(const fixture_model *m, const uint32_t *ids, size_t n, double *out)
{
    const em_model_shape *s = &m->model.shape;
    double wide[WIDEST], side[WIDEST], norm = 0;

    for (size_t t = 0; t < n; t++) {
        for (size_t j = 0; j < s->hidden; j++)
            state[t][j] = weight(m, EM_BERT_WORD, ids[t], j) +
                          weight(m, EM_BERT_TYPE, 0, j) +
                          weight(m, EM_BERT_POSITION, t, j);
        oracle_norm(m, EM_BERT_NORM, state[t], s->hidden);
    }
    for (uint32_t at = EM_BERT_QKV; at < m->model.n; at += 12) {
        for (size_t t = 0; t < n; t++) oracle_dense(m, at, state[t], qkv[t]);
        oracle_attention(s, n);
        for (size_t t = 0; t < n; t++) {
            oracle_dense(m, at + 2, ctx[t], side);
            for (size_t j = 0; j < s->hidden; j++) state[t][j] += side[j];
            oracle_norm(m, at + 4, state[t], s->hidden);
            oracle_dense(m, at + 6, state[t], wide);
            for (size_t j = 0; j < s->intermediate; j++)
                wide[j] *= erfc(-wide[j] * sqrt(0.5)) / 2;
            oracle_dense(m, at + 8, wide, side);
            for (size_t j = 0; j < s->hidden; j++) state[t][j] += side[j];
            oracle_norm(m, at + 10, state[t], s->hidden);
        }
    }
    size_t pooled = s->pooling == EM_POOLING_CLS ? 1 : n;
    for (size_t j = 0; j < s->hidden; j++) {
        out[j] = 0;
        for (size_t t = 0; t < pooled; t++) out[j] += state[t][j] / (double)pooled;
        norm += out[j] * out[j];
    }
    for (size_t j = 0; s->normalize && j < s->hidden; j++) out[j] /= sqrt(norm);
}

static void embeddings_are_the_oracles(void)
{
    for (size_t i = 0; i < EM_COUNT(shapes); i++) {
        em_model_shape shape = shape_of(&shapes[i]);
        encoder e = make(&shape, 100 + i, 1);
        texts t = some_texts(&shape, 200 + i);
        em_kernels k;
        em_jobs jobs = em_jobs_inline();
        em_bert_batch batch = {t.ids, t.start, t.n, NULL};
        float *out = test_alloc(t.n * shape.hidden * sizeof *out);
        double want[WIDEST], worst = 0;

        em_kernels_pick(&k, fixture_cpu());
        CHECK_OK(em_bert_embed(e.bert, &k, &jobs, &e.plan, e.scratch, &batch, out));
        for (uint32_t s = 0; s < t.n; s++) {
            oracle(&e.m, t.ids + t.start[s], t.start[s + 1] - t.start[s], want);
            for (size_t j = 0; j < shape.hidden; j++)
                worst = fmax(worst, fabs((double)out[s * shape.hidden + j] - want[j]));
        }
        test_note("shape %zu differs by %g", i, worst);
        CHECK(worst < (shape.normalize ? 2e-6 : 1e-5));
    }
}

/* ---- the same bits ---- */

static void nothing_changes_the_bits(void)
{
    unsigned cpu[FIXTURE_LEVELS];
    size_t levels = fixture_levels(cpu);

    for (size_t i = 0; i < EM_COUNT(shapes); i++) {
        em_model_shape shape = shape_of(&shapes[i]);
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
            em_bert_batch batch = {t.ids + t.start[s], alone, 1, NULL};
            CHECK_OK(em_bert_embed(e.bert, &k, &here, &e.plan, e.scratch, &batch,
                                   want + s * shape.hidden));
        }
        for (size_t l = 0; l < levels; l++)
            for (size_t workers = 1; workers <= FIXTURE_WORKERS; workers++) {
                fixture_pool pool;
                em_bert_batch batch = {t.ids, t.start, t.n, NULL};

                fixture_start(&pool, workers);
                em_kernels_pick(&k, cpu[l]);
                memset(got, 0xFF, t.n * row);
                CHECK_OK(em_bert_embed(e.bert, &k, &pool.jobs, &e.plan, e.scratch, &batch,
                                       got));
                fixture_stop(&pool);
                test_note("shape %zu, level %s, %zu workers", i, k.level, workers);
                CHECK(memcmp(got, want, t.n * row) == 0);
            }
    }
    em_kernels best;
    em_kernels_pick(&best, cpu[levels - 1]);
    printf("%zu levels, from scalar to %s\n", levels, best.level);
}

/* The numeric profile em-bert-f32/1 as a number: whoever changes it has changed what old
 * receipts replay to, and names a new profile. */
static void the_profile_has_not_moved(void)
{
    uint64_t sum = 0xCBF29CE484222325u; /* FNV-1a */

    for (size_t i = 0; i < EM_COUNT(shapes); i++) {
        em_model_shape shape = shape_of(&shapes[i]);
        encoder e = make(&shape, 500 + i, 1);
        texts t = some_texts(&shape, 600 + i);
        em_kernels k;
        em_jobs jobs = em_jobs_inline();
        em_bert_batch batch = {t.ids, t.start, t.n, NULL};
        size_t n = t.n * shape.hidden * sizeof(float);
        uint8_t *out = test_alloc(n);

        em_kernels_pick(&k, fixture_cpu());
        CHECK_OK(em_bert_embed(e.bert, &k, &jobs, &e.plan, e.scratch, &batch,
                               (float *)(void *)out));
        for (size_t j = 0; j < n; j++) sum = (sum ^ out[j]) * 0x100000001B3u;
    }
    test_note("got %016llx", (unsigned long long)sum);
    CHECK(sum == 0x44FCFAA61B71107Du);
}

/* Sequences in another order, with other neighbours: 100 shuffles. */
static void neighbours_do_not_show(void)
{
    em_model_shape shape = shape_of(&shapes[0]);
    encoder e = make(&shape, 7, 1);
    texts t = some_texts(&shape, 8);
    em_kernels k;
    em_jobs jobs = em_jobs_inline();
    em_bert_batch batch = {t.ids, t.start, t.n, NULL};
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
        em_bert_batch other = {u.ids, u.start, u.n, NULL};
        CHECK_OK(em_bert_embed(e.bert, &k, &jobs, &e.plan, e.scratch, &other, got));
        for (uint32_t s = 0; s < u.n; s++)
            CHECK(memcmp(got + s * 32, want + order[s] * 32, 32 * sizeof *got) == 0);
    }
}

static void overflow_stays_in_its_own_sequence(void)
{
    em_model_shape shape = shape_of(&shapes[0]);
    encoder e = make(&shape, 10, 1);
    texts t = some_texts(&shape, 11);
    em_bert_batch batch = {t.ids, t.start, t.n, NULL};
    em_jobs jobs = em_jobs_inline();
    float *want = test_alloc(t.n * 128), *got = test_alloc(t.n * 128);
    float *word = (float *)(void *)(e.m.at + e.m.tensor[EM_BERT_WORD].offset);
    uint32_t bad = 49;
    em_kernels k;

    unsigned cpu[FIXTURE_LEVELS];
    size_t levels = fixture_levels(cpu);

    for (uint32_t i = 0; i < t.start[t.n]; i++) t.ids[i] %= bad;
    for (size_t l = 0; l < levels; l++) {
        em_kernels_pick(&k, cpu[l]);
        CHECK_OK(em_bert_embed(e.bert, &k, &jobs, &e.plan, e.scratch, &batch, want));
        for (size_t j = 0; j < 32; j++) word[bad * 32 + j] = j % 2 ? 3e38f : -3e38f;
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
    em_model_shape shape = shape_of(&shapes[3]);
    encoder e = make(&shape, 12, 1);
    texts t = some_texts(&shape, 13);
    float *out = test_alloc(t.n * shape.hidden * sizeof *out);
    size_t cancelled = 0, done = 0;
    em_kernels k;

    em_kernels_pick(&k, fixture_cpu());
    for (size_t left = 0; left < 20; left++) {
        counting c = {.jobs = {count_down, 1}, .left = left};
        em_bert_batch batch = {t.ids, t.start, t.n, &c.flag};

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
    CHECK(cancelled >= 10 && done >= 5); /* a layer is five runs here; the last is done */
}

/* ---- refusals ---- */

static void hostile_tensors_are_refused(void)
{
    em_model_shape shape = shape_of(&shapes[2]);
    encoder e = make(&shape, 14, 1);
    em_bytes image = em_view(e.m.at, e.m.len);
    em_bert *b = test_alloc(sizeof *b);
    em_model m = e.m.model;

    memset(b, 0x77, sizeof *b);
    for (uint32_t i = 0; i < m.n; i++) {
        em_tensor *t = &e.m.tensor[i], kept = *t;
        test_note("tensor %u", i);
#define REFUSED(change, error)                                                           \
    do {                                                                                 \
        change;                                                                          \
        CHECK_ERR(em_bert_bind(&m, image, b), error);                                    \
        *t = kept;                                                                       \
    } while (0)
        REFUSED(t->name.len--, EM_ERR_MODEL_SHAPE);
        REFUSED(t->name = EM_STR("wrod"), EM_ERR_MODEL_SHAPE);
        REFUSED(t->rows++, EM_ERR_MODEL_SHAPE);
        REFUSED(t->cols--, EM_ERR_MODEL_SHAPE);
        REFUSED((t->rows = kept.cols, t->cols = kept.rows, t->rows += t->rows == t->cols),
                EM_ERR_MODEL_SHAPE);
        REFUSED(t->layout = (em_layout)(3 - (int)t->layout), EM_ERR_MODEL_SHAPE);
        REFUSED(t->len -= 4, EM_ERR_MODEL_SHAPE);
        REFUSED(t->len += (uint64_t)1 << 32, EM_ERR_MODEL_SHAPE);
        REFUSED(t->offset += 4, EM_ERR_MODEL_MALFORMED);
        REFUSED(t->offset = image.len, EM_ERR_MODEL_MALFORMED);
        REFUSED(t->offset = image.len - t->len / 64 * 64 + 64, EM_ERR_MODEL_MALFORMED);
        REFUSED(t->offset = UINT64_MAX - 63, EM_ERR_MODEL_MALFORMED);
        if (i > 0) REFUSED(t->offset -= 64, EM_ERR_MODEL_MALFORMED);
#undef REFUSED
    }
    for (size_t len = 0; len < image.len; len += 64)
        CHECK_ERR(em_bert_bind(&m, em_view(image.at, len), b), EM_ERR_MODEL_MALFORMED);
    m.n--;
    CHECK_ERR(em_bert_bind(&m, image, b), EM_ERR_MODEL_SHAPE);
    m.n = 0;
    CHECK_ERR(em_bert_bind(&m, image, b), EM_ERR_MODEL_SHAPE);
    m.n = e.m.model.n;
    CHECK_ERR(em_bert_bind(&m, em_view(image.at + 4, image.len - 4), b), EM_ERR_ARGUMENT);
    for (size_t i = 0; i < sizeof *b; i++) CHECK(((uint8_t *)b)[i] == 0x77);
}

static void hostile_shapes_are_refused(void)
{
    em_model_shape good = shape_of(&shapes[0]), s = good;
    em_bert_want want;

#define REFUSED(change, error)                                                           \
    do {                                                                                 \
        s = good;                                                                        \
        change;                                                                          \
        CHECK_ERR(em_plan_check(&s), error);                                             \
        CHECK_ERR(em_bert_wanted(&s, 0, &want), error);                                  \
    } while (0)
    REFUSED(s.arch = (em_arch)9, EM_ERR_UNSUPPORTED);
    REFUSED(s.precision = EM_PRECISION_INT8, EM_ERR_UNSUPPORTED);
    REFUSED(s.pooling = (em_pooling)0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.layers = 0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.layers = EM_MAX_LAYERS + 1, EM_ERR_LIMIT);
    REFUSED(s.hidden = 0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.hidden = EM_MAX_HIDDEN + 4, EM_ERR_LIMIT);
    REFUSED(s.hidden = UINT32_MAX, EM_ERR_LIMIT);
    REFUSED(s.heads = 0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.heads = 5, EM_ERR_MODEL_MALFORMED);
    REFUSED((s.hidden = 258, s.heads = 2), EM_ERR_LIMIT);
    REFUSED(s.intermediate = EM_MAX_INTERMEDIATE + 1, EM_ERR_LIMIT);
    REFUSED(s.vocab = EM_MAX_VOCAB + 1, EM_ERR_LIMIT);
    REFUSED(s.vocab = 0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.positions = EM_MAX_POSITIONS + 1, EM_ERR_LIMIT);
    REFUSED(s.types = 0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.types = EM_MAX_TYPES + 1, EM_ERR_LIMIT);
    REFUSED(s.max_tokens = 0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.max_tokens = s.positions + 1, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.norm_eps_bits = 0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.norm_eps_bits = 0x3F800000, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.norm_eps_bits = 0xB727C5AC, EM_ERR_MODEL_MALFORMED);
#undef REFUSED
    CHECK_ERR(em_bert_wanted(&good, em_bert_count(&good), &want), EM_ERR_RANGE);
    CHECK_OK(em_bert_wanted(&good, 5 + 12 + 11, &want));
    CHECK(strcmp(want.name, "1.down.norm.bias") == 0 && want.layer == 1);
    good.layers = EM_MAX_LAYERS;
    CHECK(em_bert_count(&good) <= EM_MAX_TENSORS);
}

static void bad_batches_are_refused(void)
{
    em_model_shape shape = shape_of(&shapes[0]);
    encoder e = make(&shape, 15, 2);
    em_jobs jobs = em_jobs_inline();
    em_kernels k;
    uint32_t ids[MOST + 1] = {0}, start[MOST_SEQUENCES + 2] = {0, 3, 5};
    float out[64];
    em_bert_batch batch = {ids, start, 2, NULL};

    em_kernels_pick(&k, fixture_cpu());
    memset(out, 0x55, sizeof out);
#define EMBED() em_bert_embed(e.bert, &k, &jobs, &e.plan, e.scratch, &batch, out)
    ids[4] = shape.vocab;
    CHECK_ERR(EMBED(), EM_ERR_REQUEST_MALFORMED);
    ids[4] = UINT32_MAX;
    CHECK_ERR(EMBED(), EM_ERR_REQUEST_MALFORMED);
    ids[4] = 0;
    start[2] = 3; /* empty */
    CHECK_ERR(EMBED(), EM_ERR_REQUEST_MALFORMED);
    start[2] = 1; /* backwards */
    CHECK_ERR(EMBED(), EM_ERR_REQUEST_MALFORMED);
    start[2] = 3 + shape.max_tokens + 1;
    CHECK_ERR(EMBED(), EM_ERR_REQUEST_MALFORMED);
    start[2] = 5, start[0] = 1;
    CHECK_ERR(EMBED(), EM_ERR_ARGUMENT);
    start[0] = 0;
    for (uint32_t i = 0; i < 6; i++) start[i + 1] = (i + 1) * 70;
    batch.n = 6; /* 420 tokens */
    CHECK_ERR(EMBED(), EM_ERR_LIMIT);
    for (uint32_t i = 0; i <= MOST_SEQUENCES; i++) start[i + 1] = i + 1;
    batch.n = MOST_SEQUENCES + 1;
    CHECK_ERR(EMBED(), EM_ERR_LIMIT);
    batch.n = 2, jobs.workers = 3;
    CHECK_ERR(EMBED(), EM_ERR_ARGUMENT);
    jobs.workers = 1, e.plan.scratch -= 64;
    CHECK_ERR(EMBED(), EM_ERR_ARGUMENT);
    e.plan.scratch += 64, batch.n = 0;
    CHECK_OK(EMBED());
    for (size_t i = 0; i < sizeof out; i++) CHECK(((uint8_t *)out)[i] == 0x55);
#undef EMBED
}

static void a_plan_is_bounded(void)
{
    em_plan p;
    em_model_shape s = fixture_minilm_shape;

    CHECK_OK(em_plan_bert(&s, (em_plan_limits){512, 32, 2}, &p));
    CHECK(p.scratch < 6 << 20);
    printf("MiniLM, 512 tokens, 2 workers: %zu bytes of scratch\n", p.scratch);
    CHECK_ERR(em_plan_bert(&s, (em_plan_limits){0, 1, 1}, &p), EM_ERR_LIMIT);
    CHECK_ERR(em_plan_bert(&s, (em_plan_limits){8, 0, 1}, &p), EM_ERR_LIMIT);
    CHECK_ERR(em_plan_bert(&s, (em_plan_limits){8, 9, 1}, &p), EM_ERR_LIMIT);
    CHECK_ERR(em_plan_bert(&s, (em_plan_limits){8, 1, 0}, &p), EM_ERR_LIMIT);
    CHECK_ERR(em_plan_bert(&s, (em_plan_limits){UINT32_MAX, 1, 1}, &p), EM_ERR_LIMIT);
    CHECK_ERR(em_plan_bert(&s, (em_plan_limits){8, 1, EM_MAX_WORKERS + 1}, &p),
              EM_ERR_LIMIT);
    s.heads = 7;
    CHECK_ERR(em_plan_bert(&s, (em_plan_limits){8, 1, 1}, &p), EM_ERR_MODEL_MALFORMED);
}

static void rows_are_pooled_and_normalised(void)
{
    float rows[3][20], out[20], sum = 0;

    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 20; j++) rows[i][j] = (float)(i * j) - 7.0f;
    em_pool_mean(rows[0], 20, 3, 20, out);
    for (size_t j = 0; j < 20; j++) CHECK(out[j] == (float)j - 7.0f);
    em_pool_finish(out, 20, false);
    for (size_t j = 0; j < 20; j++) CHECK(out[j] == (float)j - 7.0f);
    em_pool_finish(out, 20, true);
    for (size_t j = 0; j < 20; j++) sum += out[j] * out[j];
    CHECK(fabsf(sum - 1) < 1e-6f);

    float zero[3] = {0}, tiny[3] = {0, 3e-13f, -4e-13f}, small_[3] = {3e-5f, 0, 4e-5f};
    em_pool_finish(zero, 3, true);
    CHECK(zero[0] == 0 && zero[1] == 0 && zero[2] == 0);
    em_pool_finish(tiny, 3, true); /* divided by 1e-12, not by its length */
    CHECK(tiny[0] == 0 && fabsf(tiny[1] - 0.3f) < 1e-6f && fabsf(tiny[2] + 0.4f) < 1e-6f);
    em_pool_finish(small_, 3, true);
    CHECK(fabsf(small_[0] - 0.6f) < 1e-6f && fabsf(small_[2] - 0.8f) < 1e-6f);

    static const float bad[] = {INFINITY, -INFINITY, NAN, 2e19f};
    for (size_t i = 0; i < EM_COUNT(bad); i++)
        for (int normalize = 0; normalize < 2; normalize++) {
            float row[3] = {1, bad[i], 2};
            em_pool_finish(row, 3, normalize != 0);
            for (size_t j = 0; j < 3; j++) {
                uint32_t bits;
                memcpy(&bits, &row[j], sizeof bits);
                CHECK(bits == 0x7FC00000u);
            }
        }
}

static void panels_hold_every_row(void)
{
    float rows[21 * 5], out[32 * 5];
    size_t floats;

    for (size_t i = 0; i < EM_COUNT(rows); i++) rows[i] = (float)(i + 1);
    for (size_t i = 0; i < EM_COUNT(out); i++) out[i] = -1;
    CHECK_OK(em_panel_floats(21, 5, &floats));
    CHECK(floats == EM_COUNT(out));
    em_panel_clear(21, 5, out);
    em_panel_pack(rows, 5, 10, 5, 0, out);
    em_panel_pack(rows + 50, 5, 11, 5, 10, out);
    for (size_t r = 0; r < 32; r++)
        for (size_t c = 0; c < 5; c++)
            CHECK(out[(r / 16 * 5 + c) * 16 + r % 16] == (r < 21 ? rows[r * 5 + c] : 0));
    CHECK_ERR(em_panel_floats(SIZE_MAX, 1, &floats), EM_ERR_LIMIT);
    CHECK_ERR(em_panel_floats(SIZE_MAX / 2, 3, &floats), EM_ERR_LIMIT);
}

int main(void)
{
    RUN(embeddings_are_the_oracles);
    RUN(nothing_changes_the_bits);
    RUN(the_profile_has_not_moved);
    RUN(neighbours_do_not_show);
    RUN(overflow_stays_in_its_own_sequence);
    RUN(a_run_is_cancelled_between_layers);
    RUN(hostile_tensors_are_refused);
    RUN(hostile_shapes_are_refused);
    RUN(bad_batches_are_refused);
    RUN(a_plan_is_bounded);
    RUN(rows_are_pooled_and_normalised);
    RUN(panels_hold_every_row);
    return test_end();
}
