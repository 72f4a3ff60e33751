#include "engine/pool.h"
#include "engine/kernel/poly_impl.h"

void em_pool_mean(const float *rows, size_t stride, size_t n, size_t width, float *out)
{
    for (size_t j = 0; j < width; j++) out[j] = 0.0f;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < width; j++) out[j] += rows[i * stride + j];
    for (size_t j = 0; j < width; j++) out[j] /= (float)n;
}

void em_pool_finish(float *row, size_t width, bool normalize)
{
    float sum[EM_LANES] = {0};

    for (size_t j = 0; j < width; j++)
        sum[j % EM_LANES] = __builtin_fmaf(row[j], row[j], sum[j % EM_LANES]);
    float square = em_poly_fold(sum);

    if (!(square < __builtin_inff())) {
        for (size_t j = 0; j < width; j++) row[j] = em_poly_of_bits(0x7FC00000u);
        return;
    }
    if (!normalize) return;
    float length = __builtin_sqrtf(square);
    if (length < 1e-12f) length = 1e-12f;
    for (size_t j = 0; j < width; j++) row[j] /= length;
}
