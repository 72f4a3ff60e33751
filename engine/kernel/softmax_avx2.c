#include "engine/kernel/poly_avx2_impl.h"
#include "engine/kernel/slots_impl.h"

/* exp(x * scale - most) in place, lanes outside the mask zero; gives what it stored. */
static inline __m256 exps(float *x, __m256i mask, __m256 scale, __m256 most)
{
    __m256 y = _mm256_mul_ps(_mm256_maskload_ps(x, mask), scale);
    y = em_poly_avx2_exp_of(_mm256_sub_ps(y, most), _mm256_setzero_ps());
    _mm256_maskstore_ps(x, mask, y);
    return _mm256_and_ps(y, _mm256_castsi256_ps(mask));
}

static inline __m256 exps_whole(float *x, __m256 scale, __m256 most)
{
    __m256 y = _mm256_mul_ps(_mm256_loadu_ps(x), scale);
    y = em_poly_avx2_exp_of(_mm256_sub_ps(y, most), _mm256_setzero_ps());
    _mm256_storeu_ps(x, y);
    return y;
}

static inline __m256 maxes(const float *x, __m256i mask, __m256 scale, __m256 most)
{
    __m256 y = _mm256_mul_ps(_mm256_maskload_ps(x, mask), scale);
    return _mm256_blendv_ps(most, _mm256_max_ps(most, y), _mm256_castsi256_ps(mask));
}

static float one(float *x, size_t n, float scale)
{
    const __m256 by = _mm256_set1_ps(scale);
    __m256 low = _mm256_set1_ps(-__builtin_inff()), high = low;
    size_t whole = n - n % EM_LANES, left = n - whole;
    __m256i first = em_poly_avx2_first(left < 8 ? left : 8);
    __m256i second = em_poly_avx2_first(left < 8 ? 0 : left - 8);

    for (size_t i = 0; i < whole; i += EM_LANES) {
        low = _mm256_max_ps(low, _mm256_mul_ps(_mm256_loadu_ps(x + i), by));
        high = _mm256_max_ps(high, _mm256_mul_ps(_mm256_loadu_ps(x + i + 8), by));
    }
    if (left > 0) {
        low = maxes(x + whole, first, by, low);
        high = maxes(x + whole + (left < 8 ? 0 : 8), second, by, high);
    }
    __m256 most = _mm256_set1_ps(em_poly_avx2_fold_max(low, high));

    low = high = _mm256_setzero_ps();
    for (size_t i = 0; i < whole; i += EM_LANES) {
        low = _mm256_add_ps(low, exps_whole(x + i, by, most));
        high = _mm256_add_ps(high, exps_whole(x + i + 8, by, most));
    }
    if (left > 0) {
        low = _mm256_add_ps(low, exps(x + whole, first, by, most));
        high =
            _mm256_add_ps(high, exps(x + whole + (left < 8 ? 0 : 8), second, by, most));
    }
    return 1.0f / em_poly_avx2_fold(low, high);
}

void em_softmax_avx2(float *x, size_t stride, size_t rows, size_t n, float scale,
                     float *ret_inverse)
{
    for (size_t i = 0; i < rows; i++) ret_inverse[i] = one(x + i * stride, n, scale);
}
