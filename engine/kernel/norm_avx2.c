#include "engine/kernel/poly_avx2_impl.h"
#include "engine/kernel/slots_impl.h"

/* out = x + add; partial sums of it. */
static inline float sums(const em_norm *r, size_t whole, __m256i first, __m256i second,
                         size_t at_second)
{
    __m256 low = _mm256_setzero_ps(), high = low;

    for (size_t i = 0; i < whole; i += EM_LANES) {
        __m256 s = _mm256_add_ps(_mm256_loadu_ps(r->x + i), _mm256_loadu_ps(r->add + i));
        __m256 t =
            _mm256_add_ps(_mm256_loadu_ps(r->x + i + 8), _mm256_loadu_ps(r->add + i + 8));
        _mm256_storeu_ps(r->out + i, s);
        _mm256_storeu_ps(r->out + i + 8, t);
        low = _mm256_add_ps(low, s);
        high = _mm256_add_ps(high, t);
    }
    if (whole < r->n) {
        __m256 s = _mm256_add_ps(_mm256_maskload_ps(r->x + whole, first),
                                 _mm256_maskload_ps(r->add + whole, first));
        __m256 t = _mm256_add_ps(_mm256_maskload_ps(r->x + at_second, second),
                                 _mm256_maskload_ps(r->add + at_second, second));
        _mm256_maskstore_ps(r->out + whole, first, s);
        _mm256_maskstore_ps(r->out + at_second, second, t);
        low = _mm256_add_ps(low, s); /* masked lanes are +0: they change nothing */
        high = _mm256_add_ps(high, t);
    }
    return em_poly_avx2_fold(low, high);
}

static inline __m256 squares(__m256 sum, __m256 x, __m256 mean)
{
    __m256 d = _mm256_sub_ps(x, mean);
    return _mm256_fmadd_ps(d, d, sum);
}

static inline __m256 squares_of(__m256 sum, const float *x, __m256i mask, __m256 mean)
{
    __m256 next = squares(sum, _mm256_maskload_ps(x, mask), mean);
    return _mm256_blendv_ps(sum, next, _mm256_castsi256_ps(mask));
}

void em_norm_avx2(const em_norm *r)
{
    size_t whole = r->n - r->n % EM_LANES, left = r->n - whole, i = 0;
    size_t at_second = whole + (left < 8 ? 0 : 8);
    __m256i first = em_poly_avx2_first(left < 8 ? left : 8);
    __m256i second = em_poly_avx2_first(left < 8 ? 0 : left - 8);
    float n = (float)r->n;

    __m256 mean = _mm256_set1_ps(sums(r, whole, first, second, at_second) / n);
    __m256 low = _mm256_setzero_ps(), high = low;
    for (i = 0; i < whole; i += EM_LANES) {
        low = squares(low, _mm256_loadu_ps(r->out + i), mean);
        high = squares(high, _mm256_loadu_ps(r->out + i + 8), mean);
    }
    if (left > 0) {
        low = squares_of(low, r->out + whole, first, mean);
        high = squares_of(high, r->out + at_second, second, mean);
    }
    float variance = em_poly_avx2_fold(low, high) / n;
    __m256 scale = _mm256_set1_ps(1.0f / __builtin_sqrtf(variance + r->eps));

    for (i = 0; i + 8 <= r->n; i += 8) {
        __m256 y = _mm256_sub_ps(_mm256_loadu_ps(r->out + i), mean);
        y = _mm256_fmadd_ps(_mm256_mul_ps(y, scale), _mm256_loadu_ps(r->weight + i),
                            _mm256_loadu_ps(r->bias + i));
        _mm256_storeu_ps(r->out + i, y);
    }
    if (i < r->n) {
        __m256i mask = em_poly_avx2_first(r->n - i);
        __m256 y = _mm256_sub_ps(_mm256_maskload_ps(r->out + i, mask), mean);
        y = _mm256_fmadd_ps(_mm256_mul_ps(y, scale),
                            _mm256_maskload_ps(r->weight + i, mask),
                            _mm256_maskload_ps(r->bias + i, mask));
        _mm256_maskstore_ps(r->out + i, mask, y);
    }
}
