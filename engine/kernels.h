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
 *   - a product is one chain of fma over k = 0, 1, 2 ..., never split.
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
};

/* c[i][j] = bias[j], then fma(a[i][k], b[k][j], c[i][j]) for k = 0 .. depth - 1
 * for i < rows, j < 16 * panels.  b is `panels` panels of [depth][16], one after the
 * other (engine/panel.h); bias is NULL (+0) or 16 * panels floats.  `next` is where the
 * panel lies that will probably be wanted after these: a hint to fetch it meanwhile,
 * never read; NULL for none. */
typedef struct em_gemm {
    const float *a;
    size_t a_stride; /* floats from row to row */
    const float *b;
    const float *bias;
    float *c; /* overlaps neither a nor b */
    size_t c_stride;
    size_t rows, depth, panels;
    const float *next;
} em_gemm;

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
    const char *level; /* "scalar", "avx2": what em check calls an isa */
    void (*gemm)(const em_gemm *g);
    void (*norm)(const em_norm *r);
    /* x = x * Phi(x), Phi the normal distribution function: the exact GELU.  Of a matrix
     * [rows][cols] whose rows are `stride` apart. */
    void (*gelu)(float *x, size_t stride, size_t rows, size_t cols);
    /* x[i] = exp(x[i] * scale - max over i of x[i] * scale), and zero below exp(-87);
     * returns 1 / their sum.  n >= 1. */
    float (*softmax)(float *x, size_t n, float scale);
} em_kernels;

/* Fills the table with the best level among `cpu` (bits of base/cpu.h) that this build
 * has; 0 gives plain C. */
void em_kernels_pick(em_kernels *ret_kernels, unsigned cpu);

#endif
