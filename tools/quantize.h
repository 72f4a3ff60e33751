/* quantize.h - a matrix of floats as signed bytes, rounded so that what is lost matters
 * least for the rows that it will multiply.
 *
 * With H = X'X over calibration rows X, the error of a row of weights e is e H e'.  Bytes
 * are chosen column by column, the one that matters most first, and what one rounding
 * loses is made up for by the columns that are still to come (known as GPTQ, optimal
 * brain quantiser, or Babai's nearest plane).
 *
 * Trust:  sizes are the caller's; numbers are finite, otherwise anything.
 * Memory: em_quantize_round takes and frees its own scratch; output is the caller's.
 */
#ifndef EM_TOOLS_QUANTIZE_H
#define EM_TOOLS_QUANTIZE_H

#include "base/jobs.h"
#include "engine/kernels.h"

/* Adds share[t] * x[t][a] * x[t][b] over all t to the sums [cols][cols], of which only
 * a >= b is touched.  x is [tokens][cols], densely; no share is negative.  The same bits
 * at every level of the kernels.  EM_ERR_MEMORY. */
em_err em_quantize_gather(const em_kernels *kernels, em_jobs *jobs, const float *x,
                          const float *share, size_t tokens, size_t cols, double *sums);

/* What is to become bytes: w[i][k] = bytes[i][k] * scale[i] / in[k], nearly. */
typedef struct em_quantize_matrix {
    const float *w; /* [rows][cols] */
    size_t rows, cols;
    const float *in;    /* [cols]; a column with 0 gets bytes of 0 */
    const double *sums; /* of rows of activations after `in`, as gathered */
} em_quantize_matrix;

/* Bytes -127 .. 127, the scale of each row (positive and finite) and the sum of its
 * bytes.  The same bits on every machine.  EM_ERR_MEMORY. */
em_err em_quantize_round(const em_quantize_matrix *m, em_jobs *jobs, int8_t *ret_bytes,
                         float *ret_scale, int32_t *ret_sum);

#endif
