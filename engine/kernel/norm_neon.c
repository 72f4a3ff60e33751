#include "engine/kernel/poly_neon_impl.h"
#include "engine/kernel/slots_impl.h"

#if defined(__aarch64__)

/* The elements behind the last whole 16, each to its own partial sum. */
static float fold(float32x4_t p0, float32x4_t p1, float32x4_t p2, float32x4_t p3,
                  const float *x, size_t left, const float *mean)
{
    float p[EM_LANES];

    if (left == 0) return em_poly_neon_fold(p0, p1, p2, p3);
#define STORE(v) vst1q_f32(p + 4 * v, p##v)
    EM_POLY_NEON_FOUR(STORE);
#undef STORE
    for (size_t i = 0; i < left; i++) {
        float d = mean == NULL ? x[i] : x[i] - *mean;
        p[i] = mean == NULL ? p[i] + d : __builtin_fmaf(d, d, p[i]);
    }
    return em_poly_fold(p);
}

/* out = x + add; gives its sum. */
static float sum_of(const em_norm *r, size_t whole)
{
    float32x4_t s0 = vdupq_n_f32(0), s1 = s0, s2 = s0, s3 = s0;

    for (size_t i = 0; i < whole; i += EM_LANES) {
#define ADD(v)                                                                           \
    do {                                                                                 \
        float32x4_t s =                                                                  \
            vaddq_f32(vld1q_f32(r->x + i + 4 * v), vld1q_f32(r->add + i + 4 * v));       \
        vst1q_f32(r->out + i + 4 * v, s);                                                \
        s##v = vaddq_f32(s##v, s);                                                       \
    } while (0)
        EM_POLY_NEON_FOUR(ADD);
#undef ADD
    }
    for (size_t i = whole; i < r->n; i++) r->out[i] = r->x[i] + r->add[i];
    return fold(s0, s1, s2, s3, r->out + whole, r->n - whole, NULL);
}

static float squares_of(const em_norm *r, size_t whole, float mean)
{
    float32x4_t s0 = vdupq_n_f32(0), s1 = s0, s2 = s0, s3 = s0, m = vdupq_n_f32(mean);

    for (size_t i = 0; i < whole; i += EM_LANES) {
#define SQUARE(v)                                                                        \
    do {                                                                                 \
        float32x4_t d = vsubq_f32(vld1q_f32(r->out + i + 4 * v), m);                     \
        s##v = vfmaq_f32(s##v, d, d);                                                    \
    } while (0)
        EM_POLY_NEON_FOUR(SQUARE);
#undef SQUARE
    }
    return fold(s0, s1, s2, s3, r->out + whole, r->n - whole, &mean);
}

void em_norm_neon(const em_norm *r)
{
    size_t whole = r->n - r->n % EM_LANES, i = 0;
    float n = (float)r->n;
    float mean = sum_of(r, whole) / n;
    float scale = 1.0f / __builtin_sqrtf(squares_of(r, whole, mean) / n + r->eps);
    float32x4_t m = vdupq_n_f32(mean), by = vdupq_n_f32(scale);

    for (; r->n - i >= 4; i += 4) {
        float32x4_t y = vmulq_f32(vsubq_f32(vld1q_f32(r->out + i), m), by);
        y = vfmaq_f32(vld1q_f32(r->bias + i), y, vld1q_f32(r->weight + i));
        vst1q_f32(r->out + i, y);
    }
    for (; i < r->n; i++)
        r->out[i] = __builtin_fmaf((r->out[i] - mean) * scale, r->weight[i], r->bias[i]);
}
#endif
