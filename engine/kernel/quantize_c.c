#include "engine/kernel/poly_impl.h"
#include "engine/kernel/slots_impl.h"

static float min(float a, float b)
{
    return a < b ? a : b;
}

static float max(float a, float b)
{
    return a > b ? a : b;
}

em_quant em_quantize_c(const em_quantize *q)
{
    float low = 0.0f, high = 0.0f, inverse = 0.0f;
    em_quant row = {0};
    bool finite = true;

    for (size_t k = 0; k < q->n; k++) {
        float y = q->x[k] * q->by[k];
        low = min(low, y), high = max(high, y);
        finite = finite && y - y == 0.0f;
    }
    float range = high - low;
    if (!finite) row.scale = em_poly_of_bits(0x7FC00000u);
    if (finite && range >= 0x1p-100f) {
        row.scale = range / 255.0f;
        inverse = 255.0f / range;
        row.zero = (int32_t)((-low * inverse + EM_POLY_ROUND) - EM_POLY_ROUND);
    }

    for (size_t k = 0; k < q->n; k++) {
        float t = __builtin_fmaf(q->x[k] * q->by[k], inverse, (float)row.zero);
        t = min(max(t, 0.0f), 255.0f);
        q->out[k] = (uint8_t)(int32_t)((t + EM_POLY_ROUND) - EM_POLY_ROUND);
    }
    for (size_t k = q->n; k % EM_FOURS != 0; k++) q->out[k] = 0;
    return row;
}
