#include "engine/panel.h"
#include "engine/kernels.h"

em_err em_panel_floats(size_t rows, size_t cols, size_t *ret_floats)
{
    size_t up;

    EM_TRY(em_add(rows, EM_LANES - 1, &up));
    return em_mul(up - up % EM_LANES, cols, ret_floats);
}

void em_panel_pack(const float *rows, size_t stride, size_t n, size_t cols, size_t first,
                   float *out)
{
    for (size_t i = 0; i < n; i++) {
        size_t row = first + i;
        float *to = out + row / EM_LANES * EM_LANES * cols + row % EM_LANES;
        const float *from = rows + i * stride;

        for (size_t k = 0; k < cols; k++) to[k * EM_LANES] = from[k];
    }
}

void em_panel_clear(size_t rows, size_t cols, float *out)
{
    memset(out, 0, (rows + EM_LANES - 1) / EM_LANES * EM_LANES * cols * sizeof *out);
}
