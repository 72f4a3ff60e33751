#include "engine/kernel/poly_neon_impl.h"
#include "engine/kernel/slots_impl.h"

#if defined(__aarch64__)

/* exp(x * scale - most) */
static inline float32x4_t exps(float32x4_t x, float scale, float32x4_t most)
{
    return em_poly_neon_exp_of(vsubq_f32(vmulq_n_f32(x, scale), most), vdupq_n_f32(0));
}

static float maximum(const float *x, size_t whole, size_t left, const float *last,
                     float scale)
{
    float32x4_t m0 = vdupq_n_f32(-__builtin_inff()), m1 = m0, m2 = m0, m3 = m0;

    for (size_t i = 0; i < whole; i += EM_LANES) {
#define MOST(v)                                                                          \
    m##v = em_poly_neon_max(m##v, vmulq_n_f32(vld1q_f32(x + i + 4 * v), scale))
        EM_POLY_NEON_FOUR(MOST);
#undef MOST
    }
#define MOST(v)                                                                          \
    m##v = vbslq_f32(                                                                    \
        em_poly_neon_first(left, 4 * v),                                                 \
        em_poly_neon_max(m##v, vmulq_n_f32(vld1q_f32(last + 4 * v), scale)), m##v)
    if (left > 0) EM_POLY_NEON_FOUR(MOST);
#undef MOST
    return em_poly_neon_fold_max(m0, m1, m2, m3);
}

static float one(float *x, size_t n, float scale)
{
    size_t whole = n - n % EM_LANES, left = n - whole;
    float last[EM_LANES] = {0};

    if (left > 0) memcpy(last, x + whole, left * sizeof *x);
    float32x4_t most = vdupq_n_f32(maximum(x, whole, left, last, scale));
    float32x4_t s0 = vdupq_n_f32(0), s1 = s0, s2 = s0, s3 = s0;

    for (size_t i = 0; i < whole; i += EM_LANES) {
#define EXP(v)                                                                           \
    do {                                                                                 \
        float32x4_t y = exps(vld1q_f32(x + i + 4 * v), scale, most);                     \
        vst1q_f32(x + i + 4 * v, y);                                                     \
        s##v = vaddq_f32(s##v, y);                                                       \
    } while (0)
        EM_POLY_NEON_FOUR(EXP);
#undef EXP
    }
    if (left > 0) {
#define EXP(v)                                                                           \
    do {                                                                                 \
        uint32x4_t some = em_poly_neon_first(left, 4 * v);                               \
        float32x4_t y = exps(vld1q_f32(last + 4 * v), scale, most);                      \
        vst1q_f32(last + 4 * v, y);                                                      \
        some = vandq_u32(some, vreinterpretq_u32_f32(y));                                \
        s##v = vaddq_f32(s##v, vreinterpretq_f32_u32(some)); /* + 0 changes nothing */   \
    } while (0)
        EM_POLY_NEON_FOUR(EXP);
#undef EXP
        memcpy(x + whole, last, left * sizeof *x);
    }
    return 1.0f / em_poly_neon_fold(s0, s1, s2, s3);
}

void em_softmax_neon(float *x, size_t stride, size_t rows, size_t n, float scale,
                     float *ret_inverse)
{
    for (size_t i = 0; i < rows; i++) ret_inverse[i] = one(x + i * stride, n, scale);
}
#endif
