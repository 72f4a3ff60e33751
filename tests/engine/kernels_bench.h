/* kernels_bench.h - how near a level's kernels come to the processor's peak.
 *
 * Times are CPU time of the one thread, so that neighbours disturb less.  Products are
 * those of MiniLM-L6: "cold" goes through all its 24 matrices in turn, as a run does,
 * "hot" stays with one that fits the second cache.
 *
 * Trust:  test code only.
 * Memory: from test_alloc, freed at exit.
 */
#ifndef EM_TESTS_ENGINE_KERNELS_BENCH_H
#define EM_TESTS_ENGINE_KERNELS_BENCH_H

#include "tests/engine/fixture.h"

static inline double bench_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- peaks: twelve independent chains ---- */

#if defined(__x86_64__)
#define BENCH_CHAINS(DO)                                                                 \
    DO("0")                                                                              \
    DO("1")                                                                              \
    DO("2") DO("3") DO("4") DO("5") DO("6") DO("7") DO("8") DO("9") DO("10") DO("11")
#define BENCH_TOUCHED                                                                    \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",      \
        "xmm10", "xmm11", "xmm12", "xmm13"
#define BENCH_LOOP(STEP)                                                                 \
    __asm__ volatile("vzeroall\n0:\n" BENCH_CHAINS(STEP) "dec %0\njnz 0b\n"              \
                     : "+r"(turns)                                                       \
                     :                                                                   \
                     : BENCH_TOUCHED)
#define BENCH_FMA_YMM(i) "vfmadd231ps %%ymm12, %%ymm12, %%ymm" i "\n"
#define BENCH_FMA_ZMM(i) "vfmadd231ps %%zmm12, %%zmm12, %%zmm" i "\n"
#define BENCH_VNNI(i) "vpdpbusd %%zmm12, %%zmm12, %%zmm" i "\n"
#define BENCH_MADDWD(i)                                                                  \
    "vpmaddwd %%ymm12, %%ymm12, %%ymm13\nvpaddd %%ymm13, %%ymm" i ", %%ymm" i "\n"

static inline void bench_turns(unsigned cpu, bool integers, size_t turns)
{
    bool wide = (cpu & EM_CPU_AVX512) != 0;

    if (wide && integers)
        BENCH_LOOP(BENCH_VNNI);
    else if (wide)
        BENCH_LOOP(BENCH_FMA_ZMM);
    else if (integers)
        BENCH_LOOP(BENCH_MADDWD);
    else
        BENCH_LOOP(BENCH_FMA_YMM);
}

/* Multiplications and additions of one turn; 0 where this level's peak is not known. */
static inline double bench_per_turn(unsigned cpu, bool integers)
{
    if ((cpu & EM_CPU_AVX512) != 0) return integers ? 12 * 128 : 12 * 32;
    if ((cpu & EM_CPU_AVX2) != 0) return integers ? 12 * 32 : 12 * 16;
    return 0;
}
#else
static inline void bench_turns(unsigned cpu, bool integers, size_t turns)
{
    (void)cpu, (void)integers, (void)turns;
}

static inline double bench_per_turn(unsigned cpu, bool integers)
{
    (void)cpu, (void)integers;
    return 0;
}
#endif

/* Operations a second, the best of eleven tries. */
static inline double bench_peak(unsigned cpu, bool integers)
{
    const size_t turns = 500 * 1000;
    double best = 0;

    if (bench_per_turn(cpu, integers) == 0) return 0;
    for (int i = 0; i < 11; i++) {
        double started = bench_clock();
        bench_turns(cpu, integers, turns);
        double rate =
            bench_per_turn(cpu, integers) * (double)turns / (bench_clock() - started);
        if (rate > best) best = rate;
    }
    return best;
}

/* ---- products ---- */

static const struct bench_matrix {
    size_t panels, depth;
} bench_layer[] = {{72, 384}, {24, 384}, {96, 384}, {24, 1536}};

enum { BENCH_ROWS = 128, BENCH_WIDE = 1552, BENCH_BLOCK = 48, BENCH_LAYERS = 6 };

typedef enum bench_slot { BENCH_F32, BENCH_BF16, BENCH_INT8, BENCH_SLOTS } bench_slot;
static const char *const bench_names[] = {"gemm", "gemm_bf16", "gemm_int8"};
static const size_t bench_bytes[] = {4, 2, 1}; /* a weight */

typedef struct bench_data {
    const em_kernels *k;
    uint8_t *weights;
    float *a, *c, *vector;
    uint8_t *bytes;
    int32_t *sum;
    em_quant row[BENCH_ROWS];
} bench_data;

static inline void bench_product(bench_data *d, bench_slot s, size_t rows,
                                 struct bench_matrix m, const uint8_t *at,
                                 const uint8_t *next)
{
    for (size_t i = 0; i < rows; i += BENCH_BLOCK) {
        size_t n = rows - i < BENCH_BLOCK ? rows - i : BENCH_BLOCK;

        if (s == BENCH_INT8) {
            d->k->gemm_int8(&(em_gemm_int8){
                d->bytes + i * BENCH_WIDE, BENCH_WIDE, d->row + i, (const int8_t *)at,
                d->vector, d->vector, d->sum, d->a, d->c + i * BENCH_WIDE, BENCH_WIDE, n,
                m.depth, m.panels, next});
            continue;
        }
        em_gemm g = {d->a + i * BENCH_WIDE,
                     BENCH_WIDE,
                     at,
                     d->vector,
                     d->c + i * BENCH_WIDE,
                     BENCH_WIDE,
                     n,
                     m.depth,
                     m.panels,
                     next};
        if (s == BENCH_F32) d->k->gemm(&g);
        if (s == BENCH_BF16) d->k->gemm_bf16(&g);
    }
}

/* Once through the weights; gives the weights that passed. */
static inline size_t bench_pass(bench_data *d, bench_slot s, size_t rows, bool hot)
{
    const uint8_t *at = d->weights;
    size_t passed = 0;

    for (size_t i = 0; i < EM_COUNT(bench_layer) * BENCH_LAYERS; i++) {
        struct bench_matrix m = bench_layer[hot ? 1 : i % EM_COUNT(bench_layer)];
        size_t n = m.panels * EM_LANES * m.depth;

        bench_product(d, s, rows, m, at, hot ? at : at + n * bench_bytes[s]);
        passed += n;
        if (!hot) at += n * bench_bytes[s];
    }
    return passed;
}

static inline int bench_by_time(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : 1;
}

static inline void bench_one(bench_data *d, bench_slot s, size_t rows, bool hot,
                             double peak)
{
    double took[21];
    size_t turns = rows > 32 ? 7 : EM_COUNT(took), passed = 0;

    for (size_t t = 0; t < turns; t++) {
        double started = bench_clock();
        passed = bench_pass(d, s, rows, hot);
        took[t] = bench_clock() - started;
    }
    qsort(took, turns, sizeof *took, bench_by_time);
    double ops = 2.0 * (double)(passed * rows), median = took[turns / 2];
    printf("%-7s %-9s %s %3zu rows %8.3f ms (%8.3f) %7.1f GOP/s", d->k->level,
           bench_names[s], hot ? "hot " : "cold", rows, median * 1e3, took[0] * 1e3,
           ops / took[0] * 1e-9);
    if (peak > 0) printf(" %3.0f %% of peak", ops / took[0] / peak * 100);
    printf(" %6.1f GB/s\n", (double)(passed * bench_bytes[s]) / took[0] * 1e-9);
}

/* ---- the slots that work on one row ---- */

#define BENCH_EACH(d, what, n, CALL)                                                     \
    do {                                                                                 \
        double best = 1;                                                                 \
        for (int turn = 0; turn < 21; turn++) {                                          \
            double started = bench_clock();                                              \
            for (size_t i = 0; i < 200; i++) {                                           \
                CALL;                                                                    \
            }                                                                            \
            double took = (bench_clock() - started) / 200;                               \
            if (took < best) best = took;                                                \
        }                                                                                \
        printf("%-7s %-9s of %4d %8.3f us, %.3f ns each\n", (d)->k->level, what, n,      \
               best * 1e6, best * 1e9 / (n));                                            \
    } while (0)

static inline void bench_rows(bench_data *d)
{
    em_norm norm = {d->a, d->a + 400, d->vector, d->vector, d->c, 384, 1e-12f};
    em_quantize few = {d->a, d->vector, d->bytes, 384};
    em_quantize many = {d->a, d->vector, d->bytes, 1536};

    BENCH_EACH(d, "norm", 384, d->k->norm(&norm));
    BENCH_EACH(d, "quantize", 384, d->row[0] = d->k->quantize(&few));
    BENCH_EACH(d, "quantize", 1536, d->row[0] = d->k->quantize(&many));
    BENCH_EACH(d, "gelu", 1536, (memcpy(d->c, d->a, 6144), d->k->gelu(d->c, 0, 1, 1536)));
    BENCH_EACH(d, "softmax", 24 * 32, d->k->softmax(d->c, 32, 24, 32, 0.17f, d->vector));
    BENCH_EACH(d, "softmax", 24 * 128,
               d->k->softmax(d->c, 128, 24, 128, 0.17f, d->vector));
}

static inline void bench_level(const em_kernels *k, unsigned cpu)
{
    static const size_t rows[] = {1, 4, 9, 16, 32, 128};
    const size_t floats = BENCH_ROWS * BENCH_WIDE, weights = 44u << 20;
    bench_data d = {.k = k,
                    .weights = fixture_aligned(weights),
                    .a = fixture_aligned(floats * sizeof(float)),
                    .c = fixture_aligned(floats * sizeof(float)),
                    .vector = fixture_aligned(BENCH_WIDE * sizeof(float)),
                    .bytes = fixture_aligned(floats),
                    .sum = fixture_aligned(BENCH_WIDE * sizeof(int32_t))};
    test_random r = {6};

    /* floats near one half, which are also halves of such, and any bytes */
    for (size_t i = 0; i < weights; i += 4)
        memcpy(d.weights + i,
               &(uint32_t){((uint32_t)test_random_next(&r) & 0x00FF00FFu) + 0x3E803E80u},
               4);
    for (size_t i = 0; i < floats; i++) d.a[i] = fixture_normal(&r, 1);
    for (size_t i = 0; i < floats; i++) d.bytes[i] = (uint8_t)test_random_next(&r);
    for (size_t i = 0; i < BENCH_WIDE; i++) d.vector[i] = 0.5f, d.sum[i] = (int32_t)i;
    for (size_t i = 0; i < BENCH_ROWS; i++)
        d.row[i] = (em_quant){.scale = 0.01f, .zero = 128};

    double peak[] = {bench_peak(cpu, false), 0, bench_peak(cpu, true)};
    peak[BENCH_BF16] = peak[BENCH_F32];
    printf("%-7s peak of one core: %.1f GFLOP/s, %.1f integer GOP/s\n", k->level,
           peak[BENCH_F32] * 1e-9, peak[BENCH_INT8] * 1e-9);
    for (bench_slot s = BENCH_F32; s < BENCH_SLOTS; s++)
        for (int hot = 0; hot < 2; hot++)
            for (size_t i = 0; i < EM_COUNT(rows); i++)
                if (cpu != 0 || rows[i] <= 4)
                    bench_one(&d, s, rows[i], hot != 0, peak[s]);
    bench_rows(&d);
}

#endif
