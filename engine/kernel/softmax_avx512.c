#include "engine/kernel/poly_avx512_impl.h"
#include "engine/kernel/slots_impl.h"

float em_softmax_avx512(float *x, size_t n, float scale)
{
    const __m512 by = _mm512_set1_ps(scale);
    const size_t whole = n - n % EM_LANES;
    const __mmask16 rest = em_poly_avx512_first(n - whole);
    __m512 most = _mm512_set1_ps(-__builtin_inff()), sum = _mm512_setzero_ps();

    for (size_t i = 0; i < whole; i += EM_LANES)
        most = _mm512_max_ps(most, _mm512_mul_ps(_mm512_loadu_ps(x + i), by));
    most = _mm512_mask_max_ps(most, rest, most,
                              _mm512_mul_ps(_mm512_maskz_loadu_ps(rest, x + whole), by));
    most = _mm512_set1_ps(em_poly_avx512_fold_max(most));

    for (size_t i = 0; i < whole; i += EM_LANES) {
        __m512 y = _mm512_sub_ps(_mm512_mul_ps(_mm512_loadu_ps(x + i), by), most);
        y = em_poly_avx512_exp_of(y, _mm512_setzero_ps());
        _mm512_storeu_ps(x + i, y);
        sum = _mm512_add_ps(sum, y);
    }
    if (whole < n) {
        __m512 y = _mm512_mul_ps(_mm512_maskz_loadu_ps(rest, x + whole), by);
        y = em_poly_avx512_exp_of(_mm512_sub_ps(y, most), _mm512_setzero_ps());
        _mm512_mask_storeu_ps(x + whole, rest, y);
        sum = _mm512_mask_add_ps(sum, rest, sum, y);
    }
    return 1.0f / em_poly_avx512_fold(sum);
}
