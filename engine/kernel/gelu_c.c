#include "engine/kernel/poly_impl.h"
#include "engine/kernel/slots_impl.h"

void em_gelu_c(float *x, size_t stride, size_t rows, size_t cols)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++)
            x[i * stride + j] = em_poly_gelu(x[i * stride + j]);
}
