#include "engine/kernel/poly_neon_impl.h"
#include "engine/kernel/slots_impl.h"

#if defined(__aarch64__)

static inline float32x4_t product(const em_quantize *q, size_t k)
{
    return vmulq_f32(vld1q_f32(q->x + k), vld1q_f32(q->by + k));
}

/* The least and greatest of +0 and all y; a NaN where any y is one.  FMIN and FMAX pass
 * NaNs on, and which zero they choose changes nothing below. */
static void range_of(const em_quantize *q, float *ret_low, float *ret_high)
{
    float32x4_t low0 = vdupq_n_f32(0), low1 = low0, high0 = low0, high1 = low0;
    size_t k = 0;

    for (; q->n - k >= 8; k += 8) {
        float32x4_t y0 = product(q, k), y1 = product(q, k + 4);
        low0 = vminq_f32(low0, y0), high0 = vmaxq_f32(high0, y0);
        low1 = vminq_f32(low1, y1), high1 = vmaxq_f32(high1, y1);
    }
    for (; k < q->n; k++) {
        float32x4_t y = vdupq_n_f32(q->x[k] * q->by[k]);
        low0 = vminq_f32(low0, y), high0 = vmaxq_f32(high0, y);
    }
    *ret_low = vminvq_f32(vminq_f32(low0, low1));
    *ret_high = vmaxvq_f32(vmaxq_f32(high0, high1));
}

/* To the nearest, even on ties; below zero and a NaN give 0, and the two narrowings keep
 * what is above 255 at it: kernels.h's min and max. */
static inline uint16x4_t bytes(float32x4_t y, float32x4_t inverse, float32x4_t zero)
{
    return vqmovn_u32(vcvtnq_u32_f32(vfmaq_f32(zero, y, inverse)));
}

em_quant em_quantize_neon(const em_quantize *q)
{
    float low, high, inverse = 0.0f;
    em_quant row = {0};
    size_t k = 0;

    range_of(q, &low, &high);
    bool finite = low - low == 0.0f && high - high == 0.0f;
    float range = high - low;
    if (!finite) row.scale = em_poly_of_bits(0x7FC00000u);
    if (finite && range >= 0x1p-100f) {
        row.scale = range / 255.0f;
        inverse = 255.0f / range;
        row.zero = (int32_t)((-low * inverse + EM_POLY_ROUND) - EM_POLY_ROUND);
    }

    float32x4_t by = vdupq_n_f32(inverse), zero = vdupq_n_f32((float)row.zero);
    for (; q->n - k >= 8; k += 8)
        vst1_u8(q->out + k, vqmovn_u16(vcombine_u16(bytes(product(q, k), by, zero),
                                                    bytes(product(q, k + 4), by, zero))));
    for (; k < q->n; k++) {
        float32x4_t y = vdupq_n_f32(q->x[k] * q->by[k]);
        uint16x4_t b = bytes(y, by, zero);
        vst1_lane_u8(q->out + k, vqmovn_u16(vcombine_u16(b, b)), 0);
    }
    for (; k % EM_FOURS != 0; k++) q->out[k] = 0;
    return row;
}
#endif
