#include "engine/panel.h"
#include "engine/kernels.h"

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

void em_panel_pack_bf16(const float *rows, size_t stride, size_t n, size_t cols,
                        size_t first, uint16_t *out)
{
    for (size_t i = 0; i < n; i++) {
        size_t row = first + i;
        uint16_t *to = out + row / EM_LANES * EM_LANES * cols + row % EM_LANES;
        const float *from = rows + i * stride;

        for (size_t k = 0; k < cols; k++) to[k * EM_LANES] = em_panel_bf16(from[k]);
    }
}

void em_panel_pack_int8(const int8_t *rows, size_t stride, size_t n, size_t cols,
                        size_t first, int8_t *out)
{
    size_t line = EM_LANES * EM_FOURS, panel = (cols + EM_FOURS - 1) / EM_FOURS * line;

    for (size_t i = 0; i < n; i++) {
        size_t row = first + i;
        int8_t *to = out + row / EM_LANES * panel + row % EM_LANES * EM_FOURS;
        const int8_t *from = rows + i * stride;

        for (size_t k = 0; k < cols; k++)
            to[k / EM_FOURS * line + k % EM_FOURS] = from[k];
    }
}

uint16_t em_panel_bf16(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}
