#include "engine/kernel/poly_avx512_impl.h"
#include "engine/kernel/slots_impl.h"

void em_gelu_avx512(float *x, size_t stride, size_t rows, size_t cols)
{
    for (size_t i = 0; i < rows; i++) {
        float *row = x + i * stride;
        size_t j = 0;

        for (; cols - j >= 32; j += 32) { /* two at a time hide the chains' latency */
            __m512 low = em_poly_avx512_gelu(_mm512_loadu_ps(row + j));
            __m512 high = em_poly_avx512_gelu(_mm512_loadu_ps(row + j + 16));
            _mm512_storeu_ps(row + j, low);
            _mm512_storeu_ps(row + j + 16, high);
        }
        for (; j < cols; j += 16) {
            __mmask16 mask = em_poly_avx512_first(cols - j < 16 ? cols - j : 16);
            __m512 y = em_poly_avx512_gelu(_mm512_maskz_loadu_ps(mask, row + j));
            _mm512_mask_storeu_ps(row + j, mask, y);
        }
    }
}
