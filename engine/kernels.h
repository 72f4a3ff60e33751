/* kernels.h - the engine's inner loops as a table: plain C is the meaning, an instruction
 * set is an opinion about speed.
 *
 * Every slot gives the same bits at every level, for every input without NaN; where C
 * gives a NaN every level gives some NaN (its sign and payload are nobody's promise). The
 * rules that make it so, for every level:
 *   - one rounding per operation named here: fma, add, sub, mul, div, sqrt; to nearest
 * even; denormals are numbers (neither flushed nor read as zero);
 *   - max(a, b) is (a > b ? a : b), nothing else;
 *   - a sum across a row keeps 16 partial sums that start at +0, element i going to
 * partial i mod 16 in order of i, folded as p[i] + p[i + 8], then + 4, + 2, + 1;
 *   - a product of floats is one chain of fma over k = 0, 1, 2 ..., never split;
 *   - a product of integers is exact, and becomes a float by one rounding.
 *
 * Trust:  sizes were checked by the caller; floats may be anything.
 * Memory: the caller's; nothing is kept.  Pointers need the alignment of float only.
 */
#ifndef EM_ENGINE_KERNELS_H
#define EM_ENGINE_KERNELS_H

#include "base/cpu.h"
#include "base/em.h"

enum {
    EM_LANES = 16, /* columns of a panel, partial sums of a row */
    EM_FOURS = 4,  /* bytes along k that an int8 panel keeps together */
    EM_LOOSE = 4,  /* columns of an int8 matrix that are multiplied as floats */
};

/* c[i][j] = bias[j], then fma(a[i][k], b[k][j], c[i][j]) for k = 0 .. depth - 1
 * for i < rows, j < 16 * panels.  b is `panels` panels of [depth][16], one after the
 * other (engine/panel.h): floats for the slot gemm; for gemm_bf16 the upper halves of
 * floats whose lower halves are zero, otherwise the same.  bias is NULL (+0) or 16 *
 * panels floats.  `next` is where the panel lies that will probably be wanted after
 * these: a hint to fetch it meanwhile, never read; NULL for none. */
typedef struct em_gemm {
    const float *a;
    size_t a_stride; /* floats from row to row */
    const void *b;   /* const float *, or const uint16_t * */
    const float *bias;
    float *c; /* overlaps neither a nor b */
    size_t c_stride;
    size_t rows, depth, panels;
    const void *next;
} em_gemm;

/* What the bytes of a quantised row stand for: y[k] = (q[k] - zero) * scale; and the few
 * numbers of the row that are multiplied as they are, because bytes would not do them
 * justice. */
typedef struct em_quant {
    float scale;
    int32_t zero; /* 0 .. 255 */
    float loose[EM_LOOSE];
} em_quant;

/* out[k] = the byte that stands for y[k] = x[k] * by[k], k < n; zeros behind it up to a
 * multiple of four.  `loose` is left zero.  n >= 1.  With max as above, min(a, b) = (a <
 * b ? a : b): low = min of +0 and all y, high = max of +0 and all y, range = high - low
 *   inverse = 255 / range, scale = range / 255, zero = round(-low * inverse)
 *   q = round(min(max(fma(y, inverse, zero), 0), 255)), to the nearest, even on ties
 * A row whose range is below 2^-100 has inverse, scale and zero 0; one with an infinity
 * or a NaN has inverse and zero 0 and the scale 0x7FC00000, which spoils its products. */
typedef struct em_quantize {
    const float *x, *by;
    uint8_t *out; /* not x */
    size_t n;
} em_quantize;

/* c[i][j] = fma((float)t, row[i].scale * scale[j], bias[j]), then fma(row[i].loose[r],
 * loose[r][j], c[i][j]) for r = 0 .. 3, for i < rows, j < 16 * panels, where t = sum over
 * k < depth of a[i][k] * b[k][j], less row[i].zero * sum[j], modulo 2^32.  b is panels of
 * [ceil(depth / 4)][16][4] signed bytes (engine/panel.h), loose panels of [4][16] floats;
 * rows of a are readable, and zero, up to a multiple of four. */
typedef struct em_gemm_int8 {
    const uint8_t *a;
    size_t a_stride; /* bytes from row to row */
    const em_quant *row;
    const int8_t *b;
    const float *scale, *bias; /* 16 * panels each */
    const int32_t *sum;        /* the same: of b's column */
    const float *loose;
    float *c;
    size_t c_stride;
    size_t rows, depth, panels;
    const void *next; /* as in em_gemm */
} em_gemm_int8;

/* out[i] = fma((s[i] - mean) / sqrt(var + eps), weight[i], bias[i]) of s = x + add, where
 * mean = sum(s) / n, var = sum((s - mean)^2 by fma) / n and the quotient is a product by
 * 1 / sqrt.  out may be x or add. */
typedef struct em_norm {
    const float *x, *add;
    const float *weight, *bias;
    float *out;
    size_t n;
    float eps;
} em_norm;

typedef struct em_kernels {
    const char *level; /* "scalar", "avx2", "avx512", "neon", "sdot": as em check says */
    void (*gemm)(const em_gemm *g);
    void (*gemm_bf16)(const em_gemm *g);
    void (*gemm_int8)(const em_gemm_int8 *g);
    em_quant (*quantize)(const em_quantize *q);
    void (*norm)(const em_norm *r);
    /* x = x * Phi(x), Phi the normal distribution function: the exact GELU.  Of a matrix
     * [rows][cols] whose rows are `stride` apart. */
    void (*gelu)(float *x, size_t stride, size_t rows, size_t cols);
    /* Each row: x[i] = exp(x[i] * scale - max over i of x[i] * scale), i < n, and zero
     * below exp(-87); ret_inverse[row] = 1 / their sum.  n >= 1. */
    void (*softmax)(float *x, size_t stride, size_t rows, size_t n, float scale,
                    float *ret_inverse);
} em_kernels;

/* Fills the table with the best level among `cpu` (bits of base/cpu.h) that this build
 * has; 0 gives plain C. */
void em_kernels_pick(em_kernels *ret_kernels, unsigned cpu);

#endif
