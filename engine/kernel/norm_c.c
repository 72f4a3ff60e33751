#include "engine/kernel/poly_impl.h"
#include "engine/kernel/slots_impl.h"

void em_norm_c(const em_norm *r)
{
    float sum[EM_LANES] = {0}, square[EM_LANES] = {0};
    float n = (float)r->n;

    for (size_t i = 0; i < r->n; i++) {
        r->out[i] = r->x[i] + r->add[i];
        sum[i % EM_LANES] += r->out[i];
    }
    float mean = em_poly_fold(sum) / n;

    for (size_t i = 0; i < r->n; i++) {
        float d = r->out[i] - mean;
        square[i % EM_LANES] = __builtin_fmaf(d, d, square[i % EM_LANES]);
    }
    float scale = 1.0f / __builtin_sqrtf(em_poly_fold(square) / n + r->eps);

    for (size_t i = 0; i < r->n; i++)
        r->out[i] = __builtin_fmaf((r->out[i] - mean) * scale, r->weight[i], r->bias[i]);
}
