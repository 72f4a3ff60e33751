/* poly_avx2_impl.h - kernel/poly_impl.h eight numbers at a time, operation by operation.
 *
 * Trust:  as there.
 * Memory: none.
 */
#ifndef EM_ENGINE_KERNEL_POLY_AVX2_IMPL_H
#define EM_ENGINE_KERNEL_POLY_AVX2_IMPL_H
#if defined(__AVX2__) && defined(__FMA__)

#include "engine/kernel/poly_impl.h"

#include <immintrin.h>

/* All ones in the first n of 8 lanes, for n <= 8. */
static inline __m256i em_poly_avx2_first(size_t n)
{
    __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane);
}

static inline __m256 em_poly_avx2_exp_of(__m256 x, __m256 more)
{
    const __m256 round = _mm256_set1_ps(EM_POLY_ROUND);
    __m256 shifted = _mm256_fmadd_ps(x, _mm256_set1_ps(EM_POLY_LOG2E), round);
    __m256 n = _mm256_sub_ps(shifted, round);
    __m256 r = _mm256_fmadd_ps(n, _mm256_set1_ps(-EM_POLY_LN2_HIGH), x);
    r = _mm256_add_ps(_mm256_fmadd_ps(n, _mm256_set1_ps(-EM_POLY_LN2_LOW), r), more);

    __m256 q = _mm256_set1_ps(em_poly_exp[4]);
    for (int i = 3; i >= 0; i--)
        q = _mm256_fmadd_ps(q, r, _mm256_set1_ps(em_poly_exp[i]));
    __m256 e = _mm256_fmadd_ps(_mm256_mul_ps(r, r), q, r);
    e = _mm256_add_ps(_mm256_set1_ps(1.0f), e);

    __m256i power = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
    power = _mm256_add_epi32(power, _mm256_set1_epi32(0x3F800000));
    __m256 low = _mm256_cmp_ps(x, _mm256_set1_ps(EM_POLY_EXP_LEAST), _CMP_LT_OQ);
    return _mm256_andnot_ps(low, _mm256_mul_ps(e, _mm256_castsi256_ps(power)));
}

static inline __m256 em_poly_avx2_gelu(__m256 x)
{
    const __m256 sign = _mm256_set1_ps(-0.0f), half = _mm256_set1_ps(-0.5f);
    const __m256 one = _mm256_set1_ps(1.0f), four = _mm256_set1_ps(4.0f);
    __m256 t = _mm256_andnot_ps(sign, x);
    __m256 square = _mm256_mul_ps(t, t);
    __m256 rest = _mm256_fmsub_ps(t, t, square);
    __m256 gauss =
        em_poly_avx2_exp_of(_mm256_mul_ps(square, half), _mm256_mul_ps(rest, half));

    __m256 d = _mm256_div_ps(one, _mm256_add_ps(t, four));
    __m256 z = _mm256_mul_ps(_mm256_sub_ps(t, four), d);
    __m256 p = _mm256_set1_ps(em_poly_tail[9]);
    for (int i = 8; i >= 0; i--)
        p = _mm256_fmadd_ps(p, z, _mm256_set1_ps(em_poly_tail[i]));
    __m256 q = _mm256_mul_ps(gauss, _mm256_mul_ps(p, d));

    /* -|x| is x below zero and -x elsewhere; -x where x is -0 gives +0, as in C */
    __m256 below = _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ);
    __m256 factor = _mm256_blendv_ps(_mm256_xor_ps(x, sign), x, below);
    return _mm256_fmadd_ps(factor, q, _mm256_andnot_ps(below, x));
}

/* Two halves of 16 partial results, folded as kernels.h says. */
static inline float em_poly_avx2_fold(__m256 low, __m256 high)
{
    __m256 eight = _mm256_add_ps(low, high);
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    s = _mm_add_ss(s, _mm_movehdup_ps(s));
    return _mm_cvtss_f32(s);
}

static inline float em_poly_avx2_fold_max(__m256 low, __m256 high)
{
    __m256 eight = _mm256_max_ps(low, high);
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    s = _mm_max_ss(s, _mm_movehdup_ps(s));
    return _mm_cvtss_f32(s);
}

#endif
#endif
