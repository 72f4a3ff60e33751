/* gemm_avx2_impl.h - float products for AVX2; the includer says what a panel's line is:
 * EM_GEMM_WEIGHT, the type of a weight; line(), which makes floats of 16 weights, in any
 * order of columns; reorder(), which goes from that order to theirs and back.
 *
 * Tiles of up to 6 rows by 16 columns: 12 accumulators, two halves of a panel's line and
 * one broadcast fill the 16 registers.  Accumulators are named one by one because gcc 12
 * keeps an array of them in memory.
 *
 * Trust:  as kernels.h says.
 * Memory: as kernels.h says.
 */
#ifndef EM_ENGINE_KERNEL_GEMM_AVX2_IMPL_H
#define EM_ENGINE_KERNEL_GEMM_AVX2_IMPL_H
#if defined(__AVX2__) && defined(__FMA__)

#include "engine/kernel/tiles_impl.h"

#include <immintrin.h>

enum { TILE = 6 };

/* c[0 .. m - 1][0 .. 15] of one panel; m is a constant where this is inlined. */
static inline __attribute__((always_inline)) void
tile(size_t m, const em_gemm *g, const float *a, const EM_GEMM_WEIGHT *b,
     const float *bias, float *c, ahead next)
{
    const size_t stride = g->a_stride, c_stride = g->c_stride;
    const float *a3 = a + 3 * stride;
    const EM_GEMM_WEIGHT *end = b + g->depth * EM_LANES;
    __m256 low = _mm256_loadu_ps(bias), high = _mm256_loadu_ps(bias + 8);
    reorder(&low, &high);
    __m256 l0 = low, l1 = low, l2 = low, l3 = low, l4 = low, l5 = low;
    __m256 h0 = high, h1 = high, h2 = high, h3 = high, h4 = high, h5 = high;

    for (; b < end; b += EM_LANES, a++, a3++) {
        line(b, &low, &high);
        _mm_prefetch(next.at, _MM_HINT_T0);
        next.at += next.step;
#define STEP(i)                                                                          \
    do {                                                                                 \
        __m256 x = _mm256_broadcast_ss(((i) < 3 ? a : a3) + (i) % 3 * stride);           \
        l##i = _mm256_fmadd_ps(x, low, l##i);                                            \
        h##i = _mm256_fmadd_ps(x, high, h##i);                                           \
    } while (0)
        FOR_SIX_ROWS(m, STEP);
#undef STEP
    }
#define STORE(i)                                                                         \
    do {                                                                                 \
        reorder(&l##i, &h##i);                                                           \
        _mm256_storeu_ps(c + (i)*c_stride, l##i);                                        \
        _mm256_storeu_ps(c + (i)*c_stride + 8, h##i);                                    \
    } while (0)
    FOR_SIX_ROWS(m, STORE);
#undef STORE
}

#define TILE_OF(m)                                                                       \
    static __attribute__((noinline)) void tile_##m(                                      \
        const em_gemm *g, const float *a, const EM_GEMM_WEIGHT *b, const float *bias,    \
        float *c, ahead next)                                                            \
    {                                                                                    \
        tile(m, g, a, b, bias, c, next);                                                 \
    }
TILE_OF(1)
TILE_OF(2)
TILE_OF(3)
TILE_OF(4)
TILE_OF(5)
TILE_OF(6)

static inline void whole(const em_gemm *g)
{
    static void (*const by_height[])(
        const em_gemm *, const float *, const EM_GEMM_WEIGHT *, const float *, float *,
        ahead) = {NULL, tile_1, tile_2, tile_3, tile_4, tile_5, tile_6};
    static const float zero[EM_LANES];
    size_t tiles = (g->rows + TILE - 1) / TILE, panel = g->depth * EM_LANES;

    for (size_t p = 0; p < g->panels; p++) {
        const EM_GEMM_WEIGHT *b = (const EM_GEMM_WEIGHT *)g->b + p * panel;
        const float *bias = g->bias == NULL ? zero : g->bias + p * EM_LANES;
        const void *then = p + 1 < g->panels || g->next == NULL ? b + panel : g->next;
        ahead next = {then, sizeof *b * EM_LANES / tiles};

        for (size_t t = 0, i = 0; t < tiles; t++) { /* heights differ by one at most */
            size_t m = (g->rows - i + tiles - t - 1) / (tiles - t);

            by_height[m](g, g->a + i * g->a_stride, b, bias,
                         g->c + i * g->c_stride + p * EM_LANES, next);
            next.at += next.step * g->depth;
            i += m;
        }
    }
}

#endif
#endif
