/* poly_impl.h - the engine's own exp and normal tail, one number at a time: their meaning
 * at every level.
 *
 * Trust:  any float may come; a NaN comes out as a NaN.
 * Memory: none.
 */
#ifndef EM_ENGINE_KERNEL_POLY_IMPL_H
#define EM_ENGINE_KERNEL_POLY_IMPL_H

#include "engine/kernel/poly_tables.h"
#include "engine/kernels.h"

#define EM_POLY_LOG2E 0x1.715476p+0f
#define EM_POLY_LN2_HIGH 0x1.62e430p-1f /* n * this is exact inside an fma */
#define EM_POLY_LN2_LOW -0x1.05c610p-29f
#define EM_POLY_ROUND 0x1.8p+23f /* x + this - this: x to the nearest integer */
#define EM_POLY_EXP_LEAST -87.0f /* below it exp counts as zero: no denormal results */

static inline float em_poly_of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t em_poly_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* exp(x + more) for x <= 0 and |more| far below |x|'s last place times two. */
static inline float em_poly_exp_of(float x, float more)
{
    float shifted = __builtin_fmaf(x, EM_POLY_LOG2E, EM_POLY_ROUND);
    float n = shifted - EM_POLY_ROUND;
    float r = __builtin_fmaf(n, -EM_POLY_LN2_HIGH, x);
    r = __builtin_fmaf(n, -EM_POLY_LN2_LOW, r) + more;

    float q = em_poly_exp[4];
    for (int i = 3; i >= 0; i--) q = __builtin_fmaf(q, r, em_poly_exp[i]);
    float e = 1.0f + __builtin_fmaf(r * r, q, r);

    /* the low bits of `shifted` are n; n >= -126 where the result counts */
    float power = em_poly_of_bits((em_poly_bits(shifted) << 23) + 0x3F800000u);
    return x < EM_POLY_EXP_LEAST ? 0.0f : e * power;
}

/* x * Phi(x).  The tail q = Phi(-|x|) has full relative precision, so both ends do:
 * x q below zero, x - x q above. */
static inline float em_poly_gelu(float x)
{
    float t = em_poly_of_bits(em_poly_bits(x) & 0x7FFFFFFFu);
    float square = t * t;
    float rest = __builtin_fmaf(t, t, -square); /* what rounding took from the square */
    float gauss = em_poly_exp_of(square * -0.5f, rest * -0.5f);

    float d = 1.0f / (t + 4.0f);
    float z = (t - 4.0f) * d;
    float p = em_poly_tail[9];
    for (int i = 8; i >= 0; i--) p = __builtin_fmaf(p, z, em_poly_tail[i]);
    float q = gauss * (p * d);

    return __builtin_fmaf(x < 0.0f ? x : -x, q, x < 0.0f ? 0.0f : x);
}

/* The fold of 16 partial sums that kernels.h names. */
static inline float em_poly_fold(const float p[EM_LANES])
{
    float s[EM_LANES];

    memcpy(s, p, sizeof s);
    for (size_t w = EM_LANES / 2; w > 0; w /= 2)
        for (size_t i = 0; i < w; i++) s[i] = s[i] + s[i + w];
    return s[0];
}

#endif
