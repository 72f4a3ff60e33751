#include "engine/kernel/poly_impl.h"
#include "engine/kernel/slots_impl.h"

static float max(float a, float b)
{
    return a > b ? a : b;
}

static float one(float *x, size_t n, float scale)
{
    float most[EM_LANES], sum[EM_LANES] = {0};

    for (size_t i = 0; i < EM_LANES; i++) most[i] = -__builtin_inff();
    for (size_t i = 0; i < n; i++)
        most[i % EM_LANES] = max(most[i % EM_LANES], x[i] * scale);
    for (size_t w = EM_LANES / 2; w > 0; w /= 2)
        for (size_t i = 0; i < w; i++) most[i] = max(most[i], most[i + w]);

    for (size_t i = 0; i < n; i++) {
        x[i] = em_poly_exp_of(x[i] * scale - most[0], 0.0f);
        sum[i % EM_LANES] += x[i];
    }
    return 1.0f / em_poly_fold(sum);
}

void em_softmax_c(float *x, size_t stride, size_t rows, size_t n, float scale,
                  float *ret_inverse)
{
    for (size_t i = 0; i < rows; i++) ret_inverse[i] = one(x + i * stride, n, scale);
}
