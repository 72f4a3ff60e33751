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
    const __m512 sign = _mm512_set1_ps(-0.0f);
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

    /* -|x| q + max(x, 0): for either zero that is -0 + +0, so +0 as in C */
    return _mm512_fmadd_ps(_mm512_or_ps(x, sign), q,
                           _mm512_max_ps(x, _mm512_setzero_ps()));
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

/* DO(r) for four rows that are worked on together: what one waits for, the others fill.
 * They are named one by one because gcc 12 keeps an array of them in memory. */
#define EM_POLY_AVX512_FOUR(DO)                                                          \
    do {                                                                                 \
        DO(0);                                                                           \
        DO(1);                                                                           \
        DO(2);                                                                           \
        DO(3);                                                                           \
    } while (0)

/* Their four folds at once, in the order that one has; that of row r in all of lanes
 * 4 r .. 4 r + 3. */
#define EM_POLY_AVX512_FOLDS(name, op)                                                   \
    static inline __m512 name(__m512 a, __m512 b, __m512 c, __m512 d)                    \
    {                                                                                    \
        __m512 ab =                                                                      \
            op(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xEE));      \
        __m512 cd =                                                                      \
            op(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xEE));      \
        __m512 s =                                                                       \
            op(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xDD));  \
        s = op(s, _mm512_permute_ps(s, 0xEE));                                           \
        s = op(s, _mm512_permute_ps(s, 0xF5));                                           \
        return _mm512_permute_ps(s, 0);                                                  \
    }
EM_POLY_AVX512_FOLDS(em_poly_avx512_folds, _mm512_add_ps)
EM_POLY_AVX512_FOLDS(em_poly_avx512_folds_max, _mm512_max_ps)

/* Row r's of four such results, in every lane. */
#define EM_POLY_AVX512_ROW(folds, r) _mm512_shuffle_f32x4(folds, folds, (r)*0x55)

#endif
#endif
