/* poly_neon_impl.h - kernel/poly_impl.h four numbers at a time, operation by operation.
 *
 * Trust:  as there.
 * Memory: none.
 */
#ifndef EM_ENGINE_KERNEL_POLY_NEON_IMPL_H
#define EM_ENGINE_KERNEL_POLY_NEON_IMPL_H
#if defined(__aarch64__)

#include "engine/kernel/poly_impl.h"

#include <arm_neon.h>

/* A row's 16 partial results are four vectors named 0 to 3. */
#define EM_POLY_NEON_FOUR(DO)                                                            \
    do {                                                                                 \
        DO(0);                                                                           \
        DO(1);                                                                           \
        DO(2);                                                                           \
        DO(3);                                                                           \
    } while (0)

/* All ones in those of 4 lanes, the first being number `lane`, that are below n. */
static inline uint32x4_t em_poly_neon_first(size_t n, size_t lane)
{
    static const uint32_t number[] = {0, 1, 2, 3};
    uint32x4_t left = vdupq_n_u32(n < lane ? 0 : (uint32_t)(n - lane));
    return vcltq_u32(vld1q_u32(number), left);
}

/* kernels.h's max: FMAX would differ for a NaN and for zeros of both signs. */
static inline float32x4_t em_poly_neon_max(float32x4_t a, float32x4_t b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

static inline float32x4_t em_poly_neon_exp_of(float32x4_t x, float32x4_t more)
{
    const float32x4_t round = vdupq_n_f32(EM_POLY_ROUND);
    float32x4_t shifted = vfmaq_f32(round, x, vdupq_n_f32(EM_POLY_LOG2E));
    float32x4_t n = vsubq_f32(shifted, round);
    float32x4_t r = vfmaq_f32(x, n, vdupq_n_f32(-EM_POLY_LN2_HIGH));
    r = vaddq_f32(vfmaq_f32(r, n, vdupq_n_f32(-EM_POLY_LN2_LOW)), more);

    float32x4_t q = vdupq_n_f32(em_poly_exp[4]);
    for (int i = 3; i >= 0; i--) q = vfmaq_f32(vdupq_n_f32(em_poly_exp[i]), q, r);
    float32x4_t e = vfmaq_f32(r, vmulq_f32(r, r), q);
    e = vaddq_f32(vdupq_n_f32(1.0f), e);

    uint32x4_t power = vshlq_n_u32(vreinterpretq_u32_f32(shifted), 23);
    power = vaddq_u32(power, vdupq_n_u32(0x3F800000));
    uint32x4_t low = vcltq_f32(x, vdupq_n_f32(EM_POLY_EXP_LEAST));
    e = vmulq_f32(e, vreinterpretq_f32_u32(power));
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(e), low));
}

static inline float32x4_t em_poly_neon_gelu(float32x4_t x)
{
    const float32x4_t half = vdupq_n_f32(-0.5f), four = vdupq_n_f32(4.0f);
    float32x4_t t = vabsq_f32(x);
    float32x4_t square = vmulq_f32(t, t);
    float32x4_t rest = vfmaq_f32(vnegq_f32(square), t, t);
    float32x4_t gauss =
        em_poly_neon_exp_of(vmulq_f32(square, half), vmulq_f32(rest, half));

    float32x4_t d = vdivq_f32(vdupq_n_f32(1.0f), vaddq_f32(t, four));
    float32x4_t z = vmulq_f32(vsubq_f32(t, four), d);
    float32x4_t p = vdupq_n_f32(em_poly_tail[9]);
    for (int i = 8; i >= 0; i--) p = vfmaq_f32(vdupq_n_f32(em_poly_tail[i]), p, z);
    float32x4_t q = vmulq_f32(gauss, vmulq_f32(p, d));

    uint32x4_t below = vcltzq_f32(x);
    float32x4_t factor = vbslq_f32(below, x, vnegq_f32(x));
    float32x4_t rest_of =
        vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(x), below));
    return vfmaq_f32(rest_of, factor, q);
}

/* Four quarters of 16 partial results, folded as kernels.h says. */
static inline float em_poly_neon_fold(float32x4_t p0, float32x4_t p1, float32x4_t p2,
                                      float32x4_t p3)
{
    float32x4_t four = vaddq_f32(vaddq_f32(p0, p2), vaddq_f32(p1, p3));
    float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

static inline float em_poly_neon_fold_max(float32x4_t p0, float32x4_t p1, float32x4_t p2,
                                          float32x4_t p3)
{
    float32x4_t four =
        em_poly_neon_max(em_poly_neon_max(p0, p2), em_poly_neon_max(p1, p3));
    float32x4_t two = em_poly_neon_max(four, vextq_f32(four, four, 2));
    return vgetq_lane_f32(em_poly_neon_max(two, vextq_f32(two, two, 1)), 0);
}

#endif
#endif
