/* gemm_avx512_impl.h - float products for AVX-512; the includer says what a panel's line
 * is: EM_GEMM_WEIGHT, the type of a weight, and EM_GEMM_LINE(p), 16 of them as floats.
 *
 * Tiles are 1 to 12 rows by two panels, or 1 to 6 rows by four, so that few rows read
 * four streams and have chains enough to hide the fma's latency; 24 accumulators at most
 * of the 32 registers.  They are named one by one because gcc 12 keeps an array of them
 * in memory; heights and widths are constants wherever the tile is inlined, and what they
 * exclude is never made.
 *
 * Trust:  as kernels.h says.
 * Memory: as kernels.h says.
 */
#ifndef EM_ENGINE_KERNEL_GEMM_AVX512_IMPL_H
#define EM_ENGINE_KERNEL_GEMM_AVX512_IMPL_H
#if defined(__AVX512F__)

#include "engine/kernels.h"

#include <immintrin.h>

enum { TALL = 12, SHORT = 6 };

/* What comes next, fetched a little with every step: `step` bytes of each panel for every
 * line of ours. */
typedef struct ahead {
    const char *at;
    size_t step;
} ahead;

/* A tile's operands, in registers where possible. */
typedef struct tile_of {
    const float *a;
    const EM_GEMM_WEIGHT *b;
    const float *bias;
    float *c;
    ahead next;
} tile_of;

#define FOR_ROWS(m, DO)                                                                  \
    do {                                                                                 \
        DO(0);                                                                           \
        if ((m) > 1) DO(1);                                                              \
        if ((m) > 2) DO(2);                                                              \
        if ((m) > 3) DO(3);                                                              \
        if ((m) > 4) DO(4);                                                              \
        if ((m) > 5) DO(5);                                                              \
        if ((m) > 6) DO(6);                                                              \
        if ((m) > 7) DO(7);                                                              \
        if ((m) > 8) DO(8);                                                              \
        if ((m) > 9) DO(9);                                                              \
        if ((m) > 10) DO(10);                                                            \
        if ((m) > 11) DO(11);                                                            \
    } while (0)

/* c[0 .. m - 1] of w panels: 1, 2 or 4. */
static inline __attribute__((always_inline)) void tile(size_t m, size_t w,
                                                       const em_gemm *g, tile_of t)
{
    const size_t stride = g->a_stride, c_stride = g->c_stride;
    const size_t panel = g->depth * EM_LANES;
    const float *a0 = t.a, *a3 = a0 + 3 * stride, *a6 = a3 + 3 * stride;
    const float *a9 = a6 + 3 * stride;
    const EM_GEMM_WEIGHT *b = t.b, *end = b + panel;
    const char *next = t.next.at;
    const size_t step = t.next.step;
    __m512 p = _mm512_loadu_ps(t.bias), q = p, r = p, s = p;
    if (w > 1) q = _mm512_loadu_ps(t.bias + EM_LANES);
    if (w > 2) r = _mm512_loadu_ps(t.bias + 2 * EM_LANES);
    if (w > 2) s = _mm512_loadu_ps(t.bias + 3 * EM_LANES);
    __m512 p0 = p, p1 = p, p2 = p, p3 = p, p4 = p, p5 = p;
    __m512 p6 = p, p7 = p, p8 = p, p9 = p, p10 = p, p11 = p;
    __m512 q0 = q, q1 = q, q2 = q, q3 = q, q4 = q, q5 = q;
    __m512 q6 = q, q7 = q, q8 = q, q9 = q, q10 = q, q11 = q;
    __m512 r0 = r, r1 = r, r2 = r, r3 = r, r4 = r, r5 = r, r6, r7, r8, r9, r10, r11;
    __m512 s0 = s, s1 = s, s2 = s, s3 = s, s4 = s, s5 = s, s6, s7, s8, s9, s10, s11;
    r6 = r7 = r8 = r9 = r10 = r11 = s6 = s7 = s8 = s9 = s10 = s11 = r; /* w < 4 there */

    for (; b < end; b += EM_LANES, a0++, a3++, a6++, a9++) {
        p = EM_GEMM_LINE(b);
        if (w > 1) q = EM_GEMM_LINE(b + panel);
        if (w > 2) r = EM_GEMM_LINE(b + 2 * panel);
        if (w > 2) s = EM_GEMM_LINE(b + 3 * panel);
        _mm_prefetch(next, EM_GEMM_HINT);
        if (w > 1) _mm_prefetch(next + panel * sizeof *b, EM_GEMM_HINT);
        if (w > 2) _mm_prefetch(next + 2 * panel * sizeof *b, EM_GEMM_HINT);
        if (w > 2) _mm_prefetch(next + 3 * panel * sizeof *b, EM_GEMM_HINT);
        next += step;
#define STEP(i)                                                                          \
    do {                                                                                 \
        const float *row = (i) < 3 ? a0 : (i) < 6 ? a3 : (i) < 9 ? a6 : a9;              \
        __m512 x = _mm512_set1_ps(row[(i) % 3 * stride]);                                \
        p##i = _mm512_fmadd_ps(x, p, p##i);                                              \
        if (w > 1) q##i = _mm512_fmadd_ps(x, q, q##i);                                   \
        if (w > 2) r##i = _mm512_fmadd_ps(x, r, r##i);                                   \
        if (w > 2) s##i = _mm512_fmadd_ps(x, s, s##i);                                   \
    } while (0)
        FOR_ROWS(m, STEP);
#undef STEP
    }
#define STORE(i)                                                                         \
    do {                                                                                 \
        float *to = t.c + (i)*c_stride;                                                  \
        _mm512_storeu_ps(to, p##i);                                                      \
        if (w > 1) _mm512_storeu_ps(to + EM_LANES, q##i);                                \
        if (w > 2) _mm512_storeu_ps(to + 2 * EM_LANES, r##i);                            \
        if (w > 2) _mm512_storeu_ps(to + 3 * EM_LANES, s##i);                            \
    } while (0)
    FOR_ROWS(m, STORE);
#undef STORE
}

#define TILE_OF(m, w)                                                                    \
    static __attribute__((noinline)) void tile_##m##x##w(const em_gemm *g,               \
                                                         const tile_of *t)               \
    {                                                                                    \
        tile(m, w, g, *t);                                                               \
    }
#define TILES(DO, w) DO(1, w) DO(2, w) DO(3, w) DO(4, w) DO(5, w) DO(6, w)
#define TALL_TILES(DO, w) DO(7, w) DO(8, w) DO(9, w) DO(10, w) DO(11, w) DO(12, w)
TILES(TILE_OF, 1)
TALL_TILES(TILE_OF, 1)
TILES(TILE_OF, 2)
TALL_TILES(TILE_OF, 2)
TILES(TILE_OF, 4)

typedef void (*tile_fn)(const em_gemm *, const tile_of *);
#define NAME_OF(m, w) tile_##m##x##w,
static const tile_fn by_one[] = {NULL, TILES(NAME_OF, 1) TALL_TILES(NAME_OF, 1)};
static const tile_fn by_two[] = {NULL, TILES(NAME_OF, 2) TALL_TILES(NAME_OF, 2)};
static const tile_fn by_four[] = {NULL, TILES(NAME_OF, 4)};

/* w panels from panel p on, all rows. */
static inline void across(const em_gemm *g, size_t p, size_t w)
{
    static const float zero[4 * EM_LANES];
    const tile_fn *by = w == 4 ? by_four : w == 2 ? by_two : by_one;
    size_t most = w == 4 ? SHORT : TALL, tiles = (g->rows + most - 1) / most;
    size_t panel = g->depth * EM_LANES;
    const EM_GEMM_WEIGHT *b = (const EM_GEMM_WEIGHT *)g->b + p * panel;
    const void *then = p + w < g->panels || g->next == NULL ? b + w * panel : g->next;
    tile_of t = {.b = b,
                 .bias = g->bias == NULL ? zero : g->bias + p * EM_LANES,
                 .next = {then, sizeof *b * EM_LANES / tiles}};

    for (size_t n = 0, i = 0; n < tiles; n++) { /* heights differ by one at most */
        size_t m = (g->rows - i + tiles - n - 1) / (tiles - n);

        t.a = g->a + i * g->a_stride;
        t.c = g->c + i * g->c_stride + p * EM_LANES;
        by[m](g, &t);
        t.next.at += t.next.step * g->depth;
        i += m;
    }
}

static inline void whole(const em_gemm *g)
{
    size_t p = 0;

    if (g->rows <= SHORT)
        for (; g->panels - p >= 4; p += 4) across(g, p, 4);
    for (; g->panels - p >= 2; p += 2) across(g, p, 2);
    if (p < g->panels) across(g, p, 1);
}

#endif
#endif
