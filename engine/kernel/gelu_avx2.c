#include "engine/kernel/poly_avx2_impl.h"
#include "engine/kernel/slots_impl.h"

void em_gelu_avx2(float *x, size_t stride, size_t rows, size_t cols)
{
    for (size_t i = 0; i < rows; i++) {
        float *row = x + i * stride;
        size_t j = 0;

        for (; cols - j >= 16; j += 16) { /* two at a time hide the chains' latency */
            __m256 low = em_poly_avx2_gelu(_mm256_loadu_ps(row + j));
            __m256 high = em_poly_avx2_gelu(_mm256_loadu_ps(row + j + 8));
            _mm256_storeu_ps(row + j, low);
            _mm256_storeu_ps(row + j + 8, high);
        }
        for (; j < cols; j += 8) {
            __m256i mask = em_poly_avx2_first(cols - j);
            __m256 y = em_poly_avx2_gelu(_mm256_maskload_ps(row + j, mask));
            _mm256_maskstore_ps(row + j, mask, y);
        }
    }
}
