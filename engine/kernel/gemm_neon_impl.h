/* gemm_neon_impl.h - float products in tiles of up to 6 rows by 16 columns: 24
 * accumulators, a panel's line in four and a row's number in the rest of the 32
 * registers. Only reading the line differs between floats and halves of floats
 * (em_gemm.b).
 *
 * Trust:  as kernels.h says.
 * Memory: as kernels.h says.
 */
#ifndef EM_ENGINE_KERNEL_GEMM_NEON_IMPL_H
#define EM_ENGINE_KERNEL_GEMM_NEON_IMPL_H
#if defined(__aarch64__)

#include "engine/kernel/slots_impl.h"
#include "engine/kernel/tiles_impl.h"

#include <arm_neon.h>

enum { EM_GEMM_NEON_TILE = 6 };

/* Numbers 4v .. 4v + 3 of a line; `half` is a constant where this is inlined. */
static inline __attribute__((always_inline)) float32x4_t
em_gemm_neon_line(bool half, const uint8_t *b, size_t v)
{
    if (!half) return vld1q_f32((const float *)(const void *)b + 4 * v);
    uint16x4_t high = vld1_u16((const uint16_t *)(const void *)b + 4 * v);
    return vreinterpretq_f32_u32(vshll_n_u16(high, 16));
}

/* c[0 .. m - 1][0 .. 15] of one panel; m and half are constants where this is inlined. */
static inline __attribute__((always_inline)) void
em_gemm_neon_tile(size_t m, bool half, const em_gemm *g, const float *a, const uint8_t *b,
                  const float *bias, float *c, ahead next)
{
    const size_t stride = g->a_stride, c_stride = g->c_stride;
    const size_t line = (half ? sizeof(uint16_t) : sizeof(float)) * EM_LANES;
    const uint8_t *end = b + g->depth * line;
    const float *a3 = a + 3 * stride;
#define DECLARE(i)                                                                       \
    float32x4_t p##i = vld1q_f32(bias), q##i = vld1q_f32(bias + 4),                      \
                r##i = vld1q_f32(bias + 8), s##i = vld1q_f32(bias + 12)
    DECLARE(0);
    DECLARE(1);
    DECLARE(2);
    DECLARE(3);
    DECLARE(4);
    DECLARE(5);
#undef DECLARE

    for (; b < end; b += line, a++, a3++) {
        float32x4_t b0 = em_gemm_neon_line(half, b, 0);
        float32x4_t b1 = em_gemm_neon_line(half, b, 1);
        float32x4_t b2 = em_gemm_neon_line(half, b, 2);
        float32x4_t b3 = em_gemm_neon_line(half, b, 3);
        __builtin_prefetch(next.at);
        next.at += next.step;
#define STEP(i)                                                                          \
    do {                                                                                 \
        float x = ((i) < 3 ? a : a3)[(i) % 3 * stride];                                  \
        p##i = vfmaq_n_f32(p##i, b0, x);                                                 \
        q##i = vfmaq_n_f32(q##i, b1, x);                                                 \
        r##i = vfmaq_n_f32(r##i, b2, x);                                                 \
        s##i = vfmaq_n_f32(s##i, b3, x);                                                 \
        __asm__ volatile("" ::: "memory");                                               \
    } while (0)
        FOR_SIX_ROWS(m, STEP);
#undef STEP
    }
#define STORE(i)                                                                         \
    do {                                                                                 \
        vst1q_f32(c + (i)*c_stride, p##i);                                               \
        vst1q_f32(c + (i)*c_stride + 4, q##i);                                           \
        vst1q_f32(c + (i)*c_stride + 8, r##i);                                           \
        vst1q_f32(c + (i)*c_stride + 12, s##i);                                          \
    } while (0)
    FOR_SIX_ROWS(m, STORE);
#undef STORE
}

/* tile_0 .. tile_6: the heights, each a function of its own registers; none for 0. */
#define EM_GEMM_NEON_HEIGHT(m, half)                                                     \
    static __attribute__((noinline)) void tile_##m(const em_gemm *g, const float *a,     \
                                                   const uint8_t *b, const float *bias,  \
                                                   float *c, ahead next)                 \
    {                                                                                    \
        em_gemm_neon_tile(m, half, g, a, b, bias, c, next);                              \
    }
#define EM_GEMM_NEON_HEIGHTS(half)                                                       \
    EM_GEMM_NEON_HEIGHT(1, half)                                                         \
    EM_GEMM_NEON_HEIGHT(2, half)                                                         \
    EM_GEMM_NEON_HEIGHT(3, half)                                                         \
    EM_GEMM_NEON_HEIGHT(4, half)                                                         \
    EM_GEMM_NEON_HEIGHT(5, half)                                                         \
    EM_GEMM_NEON_HEIGHT(6, half)                                                         \
    static em_gemm_neon_height *const by_height[] = {NULL,   tile_1, tile_2, tile_3,     \
                                                     tile_4, tile_5, tile_6};

typedef void em_gemm_neon_height(const em_gemm *g, const float *a, const uint8_t *b,
                                 const float *bias, float *c, ahead next);

static inline void em_gemm_neon_all(em_gemm_neon_height *const *by_height, size_t line,
                                    const em_gemm *g)
{
    static const float zero[EM_LANES];
    size_t tiles = (g->rows + EM_GEMM_NEON_TILE - 1) / EM_GEMM_NEON_TILE;
    size_t panel = g->depth * line;

    for (size_t p = 0; p < g->panels; p++) {
        const uint8_t *b = (const uint8_t *)g->b + p * panel;
        const float *bias = g->bias == NULL ? zero : g->bias + p * EM_LANES;
        const void *then = p + 1 < g->panels || g->next == NULL ? b + panel : g->next;
        ahead next = {then, line / tiles};

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
