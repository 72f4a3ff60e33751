#include "engine/attention.h"

enum {
    QUERIES = 24, /* rows of scores at a time: four tiles, and they stay in cache */
    LINE = 16,    /* floats that memory brings at a time */
};

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

/* Four floats at once, which every processor has and no compiler makes of a loop at -O2.
 */
typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));

static quad load(const float *at)
{
    return *(const quad *)at;
}

static void store(float *at, quad x)
{
    *(quad *)at = x;
}

/* Columns k .. k + 3 of four keys, as four numbers each of a panel's lines k .. k + 3. */
static void turn(const float *from, size_t stride, float *to)
{
    quad a = load(from), b = load(from + stride);
    quad c = load(from + 2 * stride), d = load(from + 3 * stride);
    quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    quad cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    store(to, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
    store(to + EM_LANES, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
    ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    store(to + 2 * EM_LANES, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
    store(to + 3 * EM_LANES, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
}

/* k[tokens][size] as panels of 16 tokens: [ceil(tokens / 16)][size][16]; tokens that the
 * last panel does not have are zero. */
static void pack_keys(const em_attention *a, float *out)
{
    size_t fours = a->tokens - a->tokens % 4, quads = a->size - a->size % 4;

    if (a->tokens % EM_LANES != 0)
        memset(out + (up(a->tokens) - EM_LANES) * a->size, 0,
               EM_LANES * a->size * sizeof *out);
    for (size_t t = 0; t < a->tokens;) {
        const float *from = a->k + t * a->stride;
        float *to = out + t / EM_LANES * EM_LANES * a->size + t % EM_LANES;
        size_t k = 0;

        for (; t < fours && k < quads; k += 4)
            turn(from + k, a->stride, to + k * EM_LANES);
        for (size_t i = 0; i < (t < fours ? 4 : 1); i++)
            for (size_t j = k; j < a->size; j++)
                to[j * EM_LANES + i] = from[i * a->stride + j];
        t += t < fours ? 4 : 1;
    }
}

/* v[tokens][size] as panels over tokens: [ceil(size / 16)][tokens][16]. */
static void pack_values(const em_attention *a, float *out)
{
    for (size_t d = 0; d < a->size; d += EM_LANES) {
        size_t n = a->size - d < EM_LANES ? a->size - d : EM_LANES;

        for (size_t t = 0; t < a->tokens; t++, out += EM_LANES) {
            const float *from = a->v + t * a->stride + d;

            if (n == EM_LANES) {
                for (size_t j = 0; j < EM_LANES; j += 4) store(out + j, load(from + j));
                continue;
            }
            for (size_t j = 0; j < n; j++) out[j] = from[j];
            for (size_t j = n; j < EM_LANES; j++) out[j] = 0.0f;
        }
    }
}

/* out = x * by, n numbers. */
static void scaled(const float *x, float by, size_t n, float *out)
{
    const quad four = {by, by, by, by};
    size_t d = 0;

    for (; n - d >= 4; d += 4) store(out + d, load(x + d) * four);
    for (; d < n; d++) out[d] = x[d] * by;
}

/* Row i of what comes next: it lies where a product of all rows left it, far away. */
static void fetch(const em_attention *a, size_t i)
{
    const float *of[] = {a->q, a->k, a->v};

    if (a->next == NULL || i >= a->next_tokens) return;
    for (size_t j = 0; j < EM_COUNT(of); j++)
        for (size_t d = 0; d < a->size; d += LINE)
            __builtin_prefetch(a->next + (of[j] - a->q) + i * a->stride + d, 0, 2);
}

void em_attention_head(const em_kernels *kernels, const em_attention *a, float *scratch)
{
    size_t across = up(a->tokens), wide = up(a->size);
    float *keys = scratch, *values = keys + across * a->size;
    float *scores = values + wide * a->tokens, *sums = scores + QUERIES * across;
    float *inverse = sums + QUERIES * wide;
    float scale = 1.0f / __builtin_sqrtf((float)a->size);

    pack_keys(a, keys);
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
        kernels->softmax(scores, across, n, a->tokens, scale, inverse);
        for (size_t i = 0; i < n; i++) fetch(a, first + i);
        kernels->gemm(&(em_gemm){.a = scores,
                                 .a_stride = across,
                                 .b = values,
                                 .c = sums,
                                 .c_stride = wide,
                                 .rows = n,
                                 .depth = a->tokens,
                                 .panels = wide / EM_LANES});
        for (size_t i = 0; i < n; i++)
            scaled(sums + i * wide, inverse[i], a->size,
                   a->out + (first + i) * a->out_stride);
    }
}
