/* poly_avx512_impl.h - kernel/poly_impl.h sixteen numbers at a time, operation by
 * operation.
 *
 * Trust:  as there.
 * Memory: none.
 */
#ifndef EM_ENGINE_KERNEL_POLY_AVX512_IMPL_H
#define EM_ENGINE_KERNEL_POLY_AVX512_IMPL_H
#if defined(__AVX512F__)

#include "engine/kernel/poly_impl.h"

#include <immintrin.h>

/* The first n of 16 lanes, for n <= 16. */
static inline __mmask16 em_poly_avx512_first(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

static inline __m512 em_poly_avx512_exp_of(__m512 x, __m512 more)
{
    const __m512 round = _mm512_set1_ps(EM_POLY_ROUND);
    __m512 shifted = _mm512_fmadd_ps(x, _mm512_set1_ps(EM_POLY_LOG2E), round);
    __m512 n = _mm512_sub_ps(shifted, round);
    __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-EM_POLY_LN2_HIGH), x);
    r = _mm512_add_ps(_mm512_fmadd_ps(n, _mm512_set1_ps(-EM_POLY_LN2_LOW), r), more);

    __m512 q = _mm512_set1_ps(em_poly_exp[4]);
    for (int i = 3; i >= 0; i--)
        q = _mm512_fmadd_ps(q, r, _mm512_set1_ps(em_poly_exp[i]));
    __m512 e = _mm512_fmadd_ps(_mm512_mul_ps(r, r), q, r);
    e = _mm512_add_ps(_mm512_set1_ps(1.0f), e);

    __m512i power = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    power = _mm512_add_epi32(power, _mm512_set1_epi32(0x3F800000));
    __mmask16 counts =
        _mm512_cmp_ps_mask(x, _mm512_set1_ps(EM_POLY_EXP_LEAST), _CMP_NLT_UQ);
    return _mm512_maskz_mul_ps(counts, e, _mm512_castsi512_ps(power));
}

static inline __m512 em_poly_avx512_gelu(__m512 x)
{
    const __m512 half = _mm512_set1_ps(-0.5f), four = _mm512_set1_ps(4.0f);
    const __m512i sign = _mm512_set1_epi32((int)0x80000000u);
    __m512 t = _mm512_abs_ps(x);
    __m512 square = _mm512_mul_ps(t, t);
    __m512 rest = _mm512_fmsub_ps(t, t, square);
    __m512 gauss =
        em_poly_avx512_exp_of(_mm512_mul_ps(square, half), _mm512_mul_ps(rest, half));

    __m512 d = _mm512_div_ps(_mm512_set1_ps(1.0f), _mm512_add_ps(t, four));
    __m512 z = _mm512_mul_ps(_mm512_sub_ps(t, four), d);
    __m512 p = _mm512_set1_ps(em_poly_tail[9]);
    for (int i = 8; i >= 0; i--)
        p = _mm512_fmadd_ps(p, z, _mm512_set1_ps(em_poly_tail[i]));
    __m512 q = _mm512_mul_ps(gauss, _mm512_mul_ps(p, d));

    /* -|x| is x below zero and -x elsewhere; -x where x is -0 gives +0, as in C */
    __mmask16 rises = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NLT_UQ);
    __m512i factor = _mm512_castps_si512(x);
    factor = _mm512_mask_xor_epi32(factor, rises, factor, sign);
    return _mm512_fmadd_ps(_mm512_castsi512_ps(factor), q, _mm512_maskz_mov_ps(rises, x));
}

/* 16 partial results, folded as kernels.h says. */
static inline float em_poly_avx512_fold(__m512 p)
{
    __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(p), _mm512_extractf32x8_ps(p, 1));
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    s = _mm_add_ss(s, _mm_movehdup_ps(s));
    return _mm_cvtss_f32(s);
}

static inline float em_poly_avx512_fold_max(__m512 p)
{
    __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(p), _mm512_extractf32x8_ps(p, 1));
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    s = _mm_max_ss(s, _mm_movehdup_ps(s));
    return _mm_cvtss_f32(s);
}

#endif
#endif
