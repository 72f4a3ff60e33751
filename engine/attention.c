#include "engine/attention.h"
#include "engine/panel.h"

enum { QUERIES = 24 }; /* rows of scores at a time: four tiles, and they stay in cache */

static size_t up(size_t n)
{
    return (n + EM_LANES - 1) / EM_LANES * EM_LANES;
}

size_t em_attention_floats(size_t tokens, size_t size)
{
    return up(tokens) * size      /* keys as panels of 16 tokens */
           + up(size) * tokens    /* values as panels of 16 columns */
           + QUERIES * up(tokens) /* scores */
           + QUERIES * up(size)   /* sums before division */
           + QUERIES;             /* what they are divided by */
}

/* v[tokens][size] as panels over tokens: [ceil(size / 16)][tokens][16]. */
static void pack_values(const em_attention *a, float *out)
{
    for (size_t d = 0; d < a->size; d += EM_LANES) {
        size_t n = a->size - d < EM_LANES ? a->size - d : EM_LANES;

        for (size_t t = 0; t < a->tokens; t++, out += EM_LANES) {
            const float *from = a->v + t * a->stride + d;
            for (size_t j = 0; j < n; j++) out[j] = from[j];
            for (size_t j = n; j < EM_LANES; j++) out[j] = 0.0f;
        }
    }
}

void em_attention_head(const em_kernels *kernels, const em_attention *a, float *scratch)
{
    size_t across = up(a->tokens), wide = up(a->size);
    float *keys = scratch, *values = keys + across * a->size;
    float *scores = values + wide * a->tokens, *sums = scores + QUERIES * across;
    float *inverse = sums + QUERIES * wide;
    float scale = 1.0f / __builtin_sqrtf((float)a->size);

    memset(keys + (across - EM_LANES) * a->size, 0, EM_LANES * a->size * sizeof *keys);
    em_panel_pack(a->k, a->stride, a->tokens, a->size, 0, keys);
    pack_values(a, values);

    for (size_t first = 0; first < a->tokens; first += QUERIES) {
        size_t n = a->tokens - first < QUERIES ? a->tokens - first : QUERIES;

        kernels->gemm(&(em_gemm){.a = a->q + first * a->stride,
                                 .a_stride = a->stride,
                                 .b = keys,
                                 .c = scores,
                                 .c_stride = across,
                                 .rows = n,
                                 .depth = a->size,
                                 .panels = across / EM_LANES});
        for (size_t i = 0; i < n; i++)
            inverse[i] = kernels->softmax(scores + i * across, a->tokens, scale);
        kernels->gemm(&(em_gemm){.a = scores,
                                 .a_stride = across,
                                 .b = values,
                                 .c = sums,
                                 .c_stride = wide,
                                 .rows = n,
                                 .depth = a->tokens,
                                 .panels = wide / EM_LANES});
        for (size_t i = 0; i < n; i++) {
            float *out = a->out + (first + i) * a->out_stride;
            for (size_t d = 0; d < a->size; d++) out[d] = sums[i * wide + d] * inverse[i];
        }
    }
}
