#include "engine/kernel/poly_neon_impl.h"
#include "engine/kernel/slots_impl.h"

#if defined(__aarch64__)

void em_gelu_neon(float *x, size_t stride, size_t rows, size_t cols)
{
    for (size_t i = 0; i < rows; i++) {
        float *row = x + i * stride, last[4] = {0};
        size_t j = 0;

        for (; cols - j >= EM_LANES; j += EM_LANES) { /* four hide the chains' latency */
#define LOAD(v) float32x4_t y##v = em_poly_neon_gelu(vld1q_f32(row + j + 4 * v))
            LOAD(0);
            LOAD(1);
            LOAD(2);
            LOAD(3);
#undef LOAD
#define STORE(v) vst1q_f32(row + j + 4 * v, y##v)
            EM_POLY_NEON_FOUR(STORE);
#undef STORE
        }
        for (; cols - j >= 4; j += 4)
            vst1q_f32(row + j, em_poly_neon_gelu(vld1q_f32(row + j)));
        if (j == cols) continue;
        memcpy(last, row + j, (cols - j) * sizeof *row);
        vst1q_f32(last, em_poly_neon_gelu(vld1q_f32(last)));
        memcpy(row + j, last, (cols - j) * sizeof *row);
    }
}
#endif
