/* gemm_int8_neon_impl.h - what both ways of multiplying bytes on aarch64 share.  Neither
 * multiplies a byte without a sign by one with it, so a[k] goes in as a[k] - 128, and 128
 * times the column's sum makes up for it.  That sum is taken here, a panel at a time for
 * all rows: g->sum may be anything, and the bits would tell.
 *
 * Trust:  as kernels.h says.
 * Memory: as kernels.h says.
 */
#ifndef EM_ENGINE_KERNEL_GEMM_INT8_NEON_IMPL_H
#define EM_ENGINE_KERNEL_GEMM_INT8_NEON_IMPL_H
#if defined(__aarch64__)

#include "engine/kernel/slots_impl.h"
#include "engine/kernel/tiles_impl.h"

#include <arm_neon.h>

/* Rows first .. first + m - 1 times one panel, the 128-fold sums of whose columns are
 * `lift`. */
typedef void em_gemm_int8_neon_height(const em_gemm_int8 *g, size_t first, size_t panel,
                                      const int32_t *lift, ahead next);

enum { EM_GEMM_INT8_NEON_LINE = EM_FOURS * EM_LANES };

/* Four bytes of a row, each less 128, four times over.  Those behind the row's end stay
 * zero. */
static inline int8x16_t em_gemm_int8_neon_four(const uint8_t *a, size_t left)
{
    uint32_t four, flip = 0x80808080u;

    memcpy(&four, a, sizeof four);
    if (left < EM_FOURS) flip >>= 8 * (EM_FOURS - left);
    return vreinterpretq_s8_u32(vdupq_n_u32(four ^ flip));
}

/* Adds four columns' bytes, those that `ones` has a one for. */
static inline int32x4_t em_gemm_int8_neon_add(int32x4_t sum, const int8_t *b,
                                              int8x16_t ones)
{
#if defined(__ARM_FEATURE_DOTPROD)
    return vdotq_s32(sum, vld1q_s8(b), ones);
#else
    return vpadalq_s16(sum, vpaddlq_s8(vmulq_s8(vld1q_s8(b), ones)));
#endif
}

/* 128 times the sum of each column of a panel. */
static inline void em_gemm_int8_neon_lift(const int8_t *b, size_t depth,
                                          int32_t ret_lift[EM_LANES])
{
    int32x4_t s0 = vdupq_n_s32(0), s1 = s0, s2 = s0, s3 = s0;

    for (size_t k = 0; k < depth; k += EM_FOURS, b += EM_GEMM_INT8_NEON_LINE) {
        uint32_t some = depth - k < EM_FOURS ? 8 * (uint32_t)(EM_FOURS - depth + k) : 0;
        int8x16_t ones = vreinterpretq_s8_u32(vdupq_n_u32(0x01010101u >> some));
        s0 = em_gemm_int8_neon_add(s0, b, ones);
        s1 = em_gemm_int8_neon_add(s1, b + 16, ones);
        s2 = em_gemm_int8_neon_add(s2, b + 32, ones);
        s3 = em_gemm_int8_neon_add(s3, b + 48, ones);
    }
    vst1q_s32(ret_lift, vshlq_n_s32(s0, 7));
    vst1q_s32(ret_lift + 4, vshlq_n_s32(s1, 7));
    vst1q_s32(ret_lift + 8, vshlq_n_s32(s2, 7));
    vst1q_s32(ret_lift + 12, vshlq_n_s32(s3, 7));
}

/* Columns 4v .. 4v + 3 of one row: from sums of (a - 128) * b to c. */
static inline void em_gemm_int8_neon_store(const em_gemm_int8 *g, size_t row,
                                           size_t panel, size_t v, const int32_t *lift,
                                           int32x4_t sum)
{
    const size_t at = panel * EM_LANES + 4 * v;
    const em_quant *q = &g->row[row];
    float32x4_t scale = vmulq_n_f32(vld1q_f32(g->scale + at), q->scale);

    sum = vaddq_s32(sum, vld1q_s32(lift + 4 * v));
    sum = vmlsq_n_s32(sum, vld1q_s32(g->sum + at), q->zero);
    float32x4_t y = vfmaq_f32(vld1q_f32(g->bias + at), vcvtq_f32_s32(sum), scale);
    const float *loose = g->loose + panel * EM_LOOSE * EM_LANES + 4 * v;
    for (size_t r = 0; r < EM_LOOSE; r++, loose += EM_LANES)
        y = vfmaq_n_f32(y, vld1q_f32(loose), q->loose[r]);
    vst1q_f32(g->c + row * g->c_stride + at, y);
}

/* by_height[1 .. most] */
static inline void em_gemm_int8_neon_all(em_gemm_int8_neon_height *const *by_height,
                                         size_t most, const em_gemm_int8 *g)
{
    size_t tiles = (g->rows + most - 1) / most;
    size_t fours = (g->depth + EM_FOURS - 1) / EM_FOURS;

    for (size_t p = 0; p < g->panels; p++) {
        const int8_t *b = g->b + p * fours * EM_GEMM_INT8_NEON_LINE;
        const int8_t *then = b + fours * EM_GEMM_INT8_NEON_LINE;
        int32_t lift[EM_LANES];
        bool more = p + 1 < g->panels || g->next == NULL;
        ahead next = {more ? (const void *)then : g->next,
                      EM_GEMM_INT8_NEON_LINE / tiles};

        em_gemm_int8_neon_lift(b, g->depth, lift);
        for (size_t t = 0, i = 0; t < tiles; t++) { /* heights differ by one at most */
            size_t m = (g->rows - i + tiles - t - 1) / (tiles - t);

            by_height[m](g, i, p, lift, next);
            next.at += next.step * fours;
            i += m;
        }
    }
}

#endif
#endif
