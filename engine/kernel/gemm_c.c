#include "engine/kernel/poly_impl.h"
#include "engine/kernel/slots_impl.h"

void em_gemm_c(const em_gemm *g)
{
    const float *b = g->b;

    for (size_t p = 0; p < g->panels; p++, b += g->depth * EM_LANES) {
        for (size_t i = 0; i < g->rows; i++) {
            const float *a = g->a + i * g->a_stride;
            float *c = g->c + i * g->c_stride + p * EM_LANES;

            for (size_t j = 0; j < EM_LANES; j++)
                c[j] = g->bias == NULL ? 0.0f : g->bias[p * EM_LANES + j];
            for (size_t k = 0; k < g->depth; k++)
                for (size_t j = 0; j < EM_LANES; j++)
                    c[j] = __builtin_fmaf(a[k], b[k * EM_LANES + j], c[j]);
        }
    }
}
