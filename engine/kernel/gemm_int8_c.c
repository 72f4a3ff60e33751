#include "engine/kernel/slots_impl.h"

/* One column's sum; what overflows wraps, as every instruction set does. */
static uint32_t dot(const uint8_t *a, const int8_t *b, size_t depth)
{
    uint32_t sum = 0;

    for (size_t k = 0; k < depth; k++) {
        int32_t w = b[k / EM_FOURS * EM_FOURS * EM_LANES + k % EM_FOURS];
        sum += (uint32_t)(a[k] * w);
    }
    return sum;
}

void em_gemm_int8_c(const em_gemm_int8 *g)
{
    size_t fours = (g->depth + EM_FOURS - 1) / EM_FOURS;

    for (size_t j = 0; j < g->panels * EM_LANES; j++) {
        const int8_t *b =
            g->b + j / EM_LANES * fours * EM_FOURS * EM_LANES + j % EM_LANES * EM_FOURS;
        const float *loose = g->loose + j / EM_LANES * EM_LOOSE * EM_LANES + j % EM_LANES;

        for (size_t i = 0; i < g->rows; i++) {
            uint32_t sum = dot(g->a + i * g->a_stride, b, g->depth);
            sum -= (uint32_t)g->row[i].zero * (uint32_t)g->sum[j];
            float c = __builtin_fmaf((float)(int32_t)sum, g->row[i].scale * g->scale[j],
                                     g->bias[j]);
            for (size_t r = 0; r < EM_LOOSE; r++)
                c = __builtin_fmaf(g->row[i].loose[r], loose[r * EM_LANES], c);
            g->c[i * g->c_stride + j] = c;
        }
    }
}
