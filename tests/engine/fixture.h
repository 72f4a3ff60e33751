/* fixture.h - models, workers and a processor for the tests of the engine.
 *
 * Trust:  test code only.
 * Memory: from test_alloc, freed at exit.
 */
#ifndef EM_TESTS_ENGINE_FIXTURE_H
#define EM_TESTS_ENGINE_FIXTURE_H

#include "engine/bert.h"
#include "engine/panel.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

/* What this machine can do, asked in another way than os/ does. */
static inline unsigned fixture_cpu(void)
{
    unsigned cpu = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        cpu |= EM_CPU_AVX2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vnni"))
        cpu |= EM_CPU_AVX512;
#elif defined(__aarch64__)
    cpu |= EM_CPU_NEON;
    if ((getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0) cpu |= EM_CPU_SDOT;
#endif
    return cpu;
}

enum { FIXTURE_LEVELS = 3 };

/* The bits of every level this machine has, plain C first; gives how many. */
static inline size_t fixture_levels(unsigned ret_cpu[FIXTURE_LEVELS])
{
    static const unsigned step[] = {EM_CPU_AVX2 | EM_CPU_NEON,
                                    EM_CPU_AVX512 | EM_CPU_SDOT};
    size_t n = 1;

    ret_cpu[0] = 0;
    for (size_t i = 0; i < EM_COUNT(step); i++)
        if ((fixture_cpu() & step[i]) != 0) {
            ret_cpu[n] = ret_cpu[n - 1] | (fixture_cpu() & step[i]);
            n++;
        }
    return n;
}

static inline double fixture_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline void *fixture_aligned(size_t len)
{
    uint8_t *at = test_alloc(len + 63);
    return at + (64 - (uintptr_t)at % 64) % 64;
}

/* A model laid out as em_bert_tensors_wanted says, its image zero. */
typedef struct fixture_model {
    em_model model;
    em_tensor *tensor;
    em_bert_want *want;
    uint8_t *at;
    size_t len;
} fixture_model;

static inline fixture_model fixture_layout(const em_model_shape *shape)
{
    uint32_t n = em_bert_tensors_count(shape);
    fixture_model m = {.model = {.shape = *shape, .n = n}};

    m.tensor = test_alloc(n * sizeof *m.tensor);
    m.want = test_alloc(n * sizeof *m.want);
    for (uint32_t i = 0; i < n; i++) {
        em_bert_want *w = &m.want[i];
        if (em_bert_tensors_wanted(shape, i, w) != EM_OK) abort();
        m.tensor[i] = (em_tensor){.name = em_view(w->name, strlen(w->name)),
                                  .layout = w->layout,
                                  .rows = w->rows,
                                  .cols = w->cols,
                                  .offset = m.len,
                                  .len = w->len};
        m.len += (w->len + 63) / 64 * 64;
    }
    m.at = fixture_aligned(m.len);
    memset(m.at, 0, m.len);
    m.model.tensor = m.tensor;
    return m;
}

/* Writes rows of a tensor, in its layout; small whole numbers where that is bytes. */
static inline void fixture_put(fixture_model *m, uint32_t i, const float *rows, size_t n,
                               size_t first)
{
    const em_bert_want *w = &m->want[i];
    uint8_t *at = m->at + m->tensor[i].offset;
    int8_t *bytes = test_alloc(n * w->cols);
    uint16_t *halves = (uint16_t *)(void *)at + first * w->cols;
    int32_t *sums = (int32_t *)(void *)at + first * w->cols;

    switch (w->layout) {
    case EM_LAYOUT_PANEL16:
        em_panel_pack(rows, w->cols, n, w->cols, first, (float *)(void *)at);
        break;
    case EM_LAYOUT_PANEL16_BF16:
        em_panel_pack_bf16(rows, w->cols, n, w->cols, first, (uint16_t *)(void *)at);
        break;
    case EM_LAYOUT_PANEL16_INT8:
        for (size_t k = 0; k < n * w->cols; k++) /* modulo 256 */
            bytes[k] = (int8_t)(int32_t)(rows[k] * 200.0f);
        em_panel_pack_int8(bytes, w->cols, n, w->cols, first, (int8_t *)at);
        break;
    case EM_LAYOUT_ROWS_BF16:
        for (size_t k = 0; k < n * w->cols; k++) halves[k] = em_panel_bf16(rows[k]);
        break;
    case EM_LAYOUT_ROWS_I32:
        for (size_t k = 0; k < n * w->cols; k++) sums[k] = (int32_t)rows[k];
        break;
    default:
        memcpy((float *)(void *)at + first * w->cols, rows, n * w->cols * sizeof *rows);
    }
}

/* The sums that go with an int8 matrix's bytes. */
static inline void fixture_sums(fixture_model *m, uint32_t matrix)
{
    const em_bert_want *w = &m->want[matrix];
    const int8_t *at = (const int8_t *)m->at + m->tensor[matrix].offset;
    size_t fours = ((size_t)w->cols + 3) / 4;
    float *sum = test_alloc(w->rows * sizeof *sum);

    for (size_t r = 0; r < w->rows; r++) {
        sum[r] = 0;
        for (size_t k = 0; k < 4 * fours; k++)
            sum[r] += at[((r / 16 * fours + k / 4) * 16 + r % 16) * 4 + k % 4];
    }
    fixture_put(m, matrix + 3, sum, 1, 0);
}

/* About normal, about N(0, spread). */
static inline float fixture_normal(test_random *r, float spread)
{
    float sum = 0;
    for (int i = 0; i < 12; i++) sum += (float)(test_random_next(r) >> 40) * 0x1p-24f;
    return (sum - 6.0f) * spread;
}

static inline void fixture_randomise(fixture_model *m, uint64_t seed)
{
    test_random r = {seed};

    for (uint32_t i = 0; i < m->model.n; i++) {
        const em_bert_want *w = &m->want[i];
        size_t n = (size_t)w->rows * w->cols;
        float *rows = test_alloc(n * sizeof *rows);
        bool one = strstr(w->name, "norm") != NULL && strstr(w->name, "bias") == NULL;
        bool in = strstr(w->name, ".in") != NULL;
        float scale = strstr(w->name, ".scale") != NULL ? 0.005f : 1.0f;

        for (size_t k = 0; k < n; k++) {
            rows[k] =
                one || in ? 1.0f + fixture_normal(&r, 0.1f) : fixture_normal(&r, 0.15f);
            rows[k] *= scale;
        }
        if (w->layout == EM_LAYOUT_ROWS_I32 && w->cols == EM_LOOSE) {
            for (size_t k = 0; k < n; k++) rows[k] = (float)(k * 5 % m->want[i - 1].cols);
            fixture_put(m, i, rows, 1, 0);
        } else if (w->layout == EM_LAYOUT_ROWS_I32)
            fixture_sums(m, i - 3);
        else
            fixture_put(m, i, rows, w->rows, 0);
    }
}

/* ---- workers: threads that wait by spinning, as a loaded server's would ---- */

enum { FIXTURE_WORKERS = 4 };

/* `left` is turn << 32 | pieces left.  Who lowers it has a piece of that turn, and the
 * turn cannot end before that piece is done: a worker that comes late finds none and
 * holds up nobody. */
typedef struct fixture_pool {
    em_jobs jobs; /* first: em_jobs_run's self */
    pthread_t thread[FIXTURE_WORKERS];
    em_job *job;
    void *arg;
    size_t n;
    _Alignas(64) atomic_uint_fast64_t left;
    _Alignas(64) atomic_size_t done;
    atomic_bool stop;
    atomic_uint starting;
} fixture_pool;

static inline void fixture_drain(fixture_pool *p, size_t w)
{
    uint64_t now = atomic_load(&p->left);

    while ((uint32_t)now > 0) {
        if (!atomic_compare_exchange_weak(&p->left, &now, now - 1)) continue;
        p->job(p->arg, p->n - (uint32_t)now, w);
        atomic_fetch_add(&p->done, 1);
        now = atomic_load(&p->left);
    }
}

static inline void fixture_pause(unsigned spins)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
    if (spins % 4096 == 4095) sched_yield();
}

static inline void *fixture_worker(void *arg)
{
    fixture_pool *p = arg;
    size_t w = atomic_fetch_add(&p->starting, 1) + 1;

    for (unsigned spins = 0; !atomic_load(&p->stop); spins++) {
        fixture_drain(p, w);
        fixture_pause(spins);
    }
    return NULL;
}

static inline void fixture_run(em_jobs *self, em_job *job, void *arg, size_t n)
{
    fixture_pool *p = (fixture_pool *)(void *)self;
    uint64_t turn = (atomic_load(&p->left) >> 32) + 1;

    p->job = job, p->arg = arg, p->n = n;
    atomic_store(&p->done, 0);
    atomic_store(&p->left, turn << 32 | n);
    fixture_drain(p, 0);
    for (unsigned spins = 0; atomic_load(&p->done) != n; spins++) fixture_pause(spins);
}

static inline void fixture_start(fixture_pool *p, size_t workers)
{
    memset(p, 0, sizeof *p);
    p->jobs = (em_jobs){fixture_run, workers};
    if (workers == 1) p->jobs = em_jobs_inline();
    for (size_t i = 1; i < workers; i++)
        if (pthread_create(&p->thread[i], NULL, fixture_worker, p) != 0) abort();
    while (atomic_load(&p->starting) + 1 < workers) sched_yield();
}

static inline void fixture_stop(fixture_pool *p)
{
    atomic_store(&p->stop, true);
    for (size_t i = 1; i < p->jobs.workers; i++) pthread_join(p->thread[i], NULL);
}

/* ---- the real model ---- */

static const em_model_shape fixture_minilm_shape = {
    .arch = EM_ARCH_BERT,
    .precision = EM_PRECISION_F32,
    .activation = EM_ACTIVATION_NONE,
    .pooling = EM_POOLING_MEAN,
    .normalize = true,
    .layers = 6,
    .hidden = 384,
    .heads = 12,
    .intermediate = 1536,
    .vocab = 30522,
    .positions = 512,
    .types = 2,
    .max_tokens = 256,
    .norm_eps_bits = 0x2B8CBCCC, /* 1e-12 */
};

#endif
