#include "engine/kernel/poly_avx512_impl.h"
#include "engine/kernel/slots_impl.h"

enum { TOGETHER = 4 };

static inline __m512 exp_of(__m512 x, __m512 by, __m512 most)
{
    __m512 y = _mm512_sub_ps(_mm512_mul_ps(x, by), most);
    return em_poly_avx512_exp_of(y, _mm512_setzero_ps());
}

static void four(float *x, size_t stride, size_t n, float scale, float *ret_inverse)
{
    const __m512 by = _mm512_set1_ps(scale);
    const size_t whole = n - n % EM_LANES;
    const __mmask16 rest = em_poly_avx512_first(n - whole);
    float *x0 = x, *x1 = x0 + stride, *x2 = x1 + stride, *x3 = x2 + stride;
    __m512 most = _mm512_set1_ps(-__builtin_inff());
    __m512 m0 = most, m1 = most, m2 = most, m3 = most;
    __m512 s0 = _mm512_setzero_ps(), s1 = s0, s2 = s0, s3 = s0;

#define MOST(r) m##r = _mm512_max_ps(m##r, _mm512_mul_ps(_mm512_loadu_ps(x##r + i), by))
    for (size_t i = 0; i < whole; i += EM_LANES) EM_POLY_AVX512_FOUR(MOST);
#undef MOST
#define MOST(r)                                                                          \
    m##r = _mm512_mask_max_ps(                                                           \
        m##r, rest, m##r, _mm512_mul_ps(_mm512_maskz_loadu_ps(rest, x##r + whole), by))
    if (rest != 0) EM_POLY_AVX512_FOUR(MOST);
#undef MOST
    most = em_poly_avx512_folds_max(m0, m1, m2, m3);
#define SPREAD(r) m##r = EM_POLY_AVX512_ROW(most, r)
    EM_POLY_AVX512_FOUR(SPREAD);
#undef SPREAD

#define EXP(r)                                                                           \
    do {                                                                                 \
        __m512 y = exp_of(_mm512_loadu_ps(x##r + i), by, m##r);                          \
        _mm512_storeu_ps(x##r + i, y);                                                   \
        s##r = _mm512_add_ps(s##r, y);                                                   \
    } while (0)
    for (size_t i = 0; i < whole; i += EM_LANES) EM_POLY_AVX512_FOUR(EXP);
#undef EXP
#define EXP(r)                                                                           \
    do {                                                                                 \
        __m512 y = exp_of(_mm512_maskz_loadu_ps(rest, x##r + whole), by, m##r);          \
        _mm512_mask_storeu_ps(x##r + whole, rest, y);                                    \
        s##r = _mm512_mask_add_ps(s##r, rest, s##r, y);                                  \
    } while (0)
    if (rest != 0) EM_POLY_AVX512_FOUR(EXP);
#undef EXP
    __m512 inverse =
        _mm512_div_ps(_mm512_set1_ps(1.0f), em_poly_avx512_folds(s0, s1, s2, s3));
    inverse = _mm512_maskz_compress_ps(0x1111, inverse);
    _mm_storeu_ps(ret_inverse, _mm512_castps512_ps128(inverse));
}

static void one(float *x, size_t n, float scale, float *ret_inverse)
{
    const __m512 by = _mm512_set1_ps(scale);
    __m512 most = _mm512_set1_ps(-__builtin_inff()), sum = _mm512_setzero_ps();

    for (size_t i = 0; i < n; i += EM_LANES) {
        __mmask16 some = em_poly_avx512_first(n - i < EM_LANES ? n - i : EM_LANES);
        __m512 y = _mm512_mul_ps(_mm512_maskz_loadu_ps(some, x + i), by);
        most = _mm512_mask_max_ps(most, some, most, y);
    }
    most = _mm512_set1_ps(em_poly_avx512_fold_max(most));
    for (size_t i = 0; i < n; i += EM_LANES) {
        __mmask16 some = em_poly_avx512_first(n - i < EM_LANES ? n - i : EM_LANES);
        __m512 y = exp_of(_mm512_maskz_loadu_ps(some, x + i), by, most);
        _mm512_mask_storeu_ps(x + i, some, y);
        sum = _mm512_mask_add_ps(sum, some, sum, y);
    }
    *ret_inverse = 1.0f / em_poly_avx512_fold(sum);
}

void em_softmax_avx512(float *x, size_t stride, size_t rows, size_t n, float scale,
                       float *ret_inverse)
{
    size_t i = 0;

    for (; rows - i >= TOGETHER; i += TOGETHER)
        four(x + i * stride, stride, n, scale, ret_inverse + i);
    for (; i < rows; i++) one(x + i * stride, n, scale, ret_inverse + i);
}
