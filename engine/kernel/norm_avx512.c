#include "engine/kernel/poly_avx512_impl.h"
#include "engine/kernel/slots_impl.h"

/* out = x + add; partial sums of it. */
static inline float sums(const em_norm *r, size_t whole, __mmask16 rest)
{
    __m512 sum = _mm512_setzero_ps();

    for (size_t i = 0; i < whole; i += EM_LANES) {
        __m512 s = _mm512_add_ps(_mm512_loadu_ps(r->x + i), _mm512_loadu_ps(r->add + i));
        _mm512_storeu_ps(r->out + i, s);
        sum = _mm512_add_ps(sum, s);
    }
    if (rest != 0) {
        __m512 s = _mm512_add_ps(_mm512_maskz_loadu_ps(rest, r->x + whole),
                                 _mm512_maskz_loadu_ps(rest, r->add + whole));
        _mm512_mask_storeu_ps(r->out + whole, rest, s);
        sum = _mm512_mask_add_ps(sum, rest, sum, s);
    }
    return em_poly_avx512_fold(sum);
}

/* Partial sums of (out - mean)^2. */
static inline float squares(const em_norm *r, size_t whole, __mmask16 rest, __m512 mean)
{
    __m512 sum = _mm512_setzero_ps();

    for (size_t i = 0; i < whole; i += EM_LANES) {
        __m512 d = _mm512_sub_ps(_mm512_loadu_ps(r->out + i), mean);
        sum = _mm512_fmadd_ps(d, d, sum);
    }
    if (rest != 0) {
        __m512 d = _mm512_sub_ps(_mm512_maskz_loadu_ps(rest, r->out + whole), mean);
        sum = _mm512_mask3_fmadd_ps(d, d, sum, rest);
    }
    return em_poly_avx512_fold(sum);
}

void em_norm_avx512(const em_norm *r)
{
    size_t whole = r->n - r->n % EM_LANES;
    __mmask16 rest = em_poly_avx512_first(r->n - whole);
    float n = (float)r->n;

    __m512 mean = _mm512_set1_ps(sums(r, whole, rest) / n);
    float variance = squares(r, whole, rest, mean) / n;
    __m512 scale = _mm512_set1_ps(1.0f / __builtin_sqrtf(variance + r->eps));

    for (size_t i = 0; i < whole; i += EM_LANES) {
        __m512 y = _mm512_sub_ps(_mm512_loadu_ps(r->out + i), mean);
        y = _mm512_fmadd_ps(_mm512_mul_ps(y, scale), _mm512_loadu_ps(r->weight + i),
                            _mm512_loadu_ps(r->bias + i));
        _mm512_storeu_ps(r->out + i, y);
    }
    if (rest != 0) {
        __m512 y = _mm512_sub_ps(_mm512_maskz_loadu_ps(rest, r->out + whole), mean);
        y = _mm512_fmadd_ps(_mm512_mul_ps(y, scale),
                            _mm512_maskz_loadu_ps(rest, r->weight + whole),
                            _mm512_maskz_loadu_ps(rest, r->bias + whole));
        _mm512_mask_storeu_ps(r->out + whole, rest, y);
    }
}
