/* gemm_avx512_impl.h - float products for AVX-512; the includer says what a panel's line
 * is: EM_GEMM_WEIGHT, the type of a weight; EM_GEMM_LINE(p), 16 of them as floats;
 * EM_GEMM_FEW, the rows up to which panels are done one at a time.
 *
 * Trust:  as kernels.h says.
 * Memory: as kernels.h says.
 */
#ifndef EM_ENGINE_KERNEL_GEMM_AVX512_IMPL_H
#define EM_ENGINE_KERNEL_GEMM_AVX512_IMPL_H
#if defined(__AVX512F__)

#include "engine/kernel/tiles_avx512_impl.h"

/* A tile's operands, in registers where possible. */
typedef struct tile_of {
    const float *a;
    const EM_GEMM_WEIGHT *b;
    const float *bias;
    float *c;
    ahead next;
} tile_of;

/* c[0 .. m - 1] of w panels: 1 or 2. */
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
    __m512 p = _mm512_loadu_ps(t.bias), q = p;
    if (w > 1) q = _mm512_loadu_ps(t.bias + EM_LANES);
    __m512 p0 = p, p1 = p, p2 = p, p3 = p, p4 = p, p5 = p;
    __m512 p6 = p, p7 = p, p8 = p, p9 = p, p10 = p, p11 = p;
    __m512 q0 = q, q1 = q, q2 = q, q3 = q, q4 = q, q5 = q;
    __m512 q6 = q, q7 = q, q8 = q, q9 = q, q10 = q, q11 = q;

    for (; b < end; b += EM_LANES, a0++, a3++, a6++, a9++) {
        p = EM_GEMM_LINE(b);
        if (w > 1) q = EM_GEMM_LINE(b + panel);
        _mm_prefetch(next, _MM_HINT_T0);
        if (w > 1) _mm_prefetch(next + panel * sizeof *b, _MM_HINT_T0);
        next += step;
#define STEP(i)                                                                          \
    do {                                                                                 \
        const float *row = (i) < 3 ? a0 : (i) < 6 ? a3 : (i) < 9 ? a6 : a9;              \
        __m512 x = _mm512_set1_ps(row[(i) % 3 * stride]);                                \
        p##i = _mm512_fmadd_ps(x, p, p##i);                                              \
        if (w > 1) q##i = _mm512_fmadd_ps(x, q, q##i);                                   \
    } while (0)
        FOR_ROWS(m, STEP);
#undef STEP
    }
#define STORE(i)                                                                         \
    do {                                                                                 \
        float *to = t.c + (i)*c_stride;                                                  \
        _mm512_storeu_ps(to, p##i);                                                      \
        if (w > 1) _mm512_storeu_ps(to + EM_LANES, q##i);                                \
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
TILES(TILE_OF, 1)
TILES(TILE_OF, 2)

typedef void (*tile_fn)(const em_gemm *, const tile_of *);
#define NAME_OF(m, w) tile_##m##x##w,

/* w panels from panel p on, all rows. */
static inline void across(const em_gemm *g, size_t p, size_t w)
{
    static const tile_fn by_height[][TALL + 1] = {{NULL, TILES(NAME_OF, 1)},
                                                  {NULL, TILES(NAME_OF, 2)}};
    static const float zero[2 * EM_LANES];
    size_t tiles = (g->rows + TALL - 1) / TALL;
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
        by_height[w - 1][m](g, &t);
        t.next.at += t.next.step * g->depth;
        i += m;
    }
}

static inline void whole(const em_gemm *g)
{
    size_t p = 0;

    if (g->rows > EM_GEMM_FEW)
        for (; g->panels - p >= 2; p += 2) across(g, p, 2);
    for (; p < g->panels; p++) across(g, p, 1);
}

#endif
#endif
