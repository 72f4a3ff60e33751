/* smooth.h - what the columns of a matrix are multiplied by before rows of activations
 * and rows of weights become bytes, and which columns stay out of it.
 *
 * Both sides share out 8 bits over their range: a column whose activations are large
 * spoils every row of activations, and a multiplier that makes them small makes its
 * weights large, which spoils rows of weights.  The multipliers found here make the sum
 * of both errors least.  Loose columns, a few
 * that would spoil the most whatever their multiplier, get 0: they are multiplied as
 * floats.
 *
 * Trust:  sizes are the caller's; numbers are finite, otherwise anything.
 * Memory: takes and frees its own scratch.
 */
#ifndef EM_TOOLS_SMOOTH_H
#define EM_TOOLS_SMOOTH_H

#include "base/jobs.h"

enum { EM_SMOOTH_MAX_LOOSE = 8 };

typedef struct em_smooth {
    const float *w; /* [rows][cols] */
    size_t rows, cols;
    const float *x; /* [tokens][cols], rows x_stride apart: what it will multiply */
    size_t x_stride, tokens;
    const float *share; /* [tokens] how much each row of x counts; none is negative */
    size_t loose;       /* how many columns; at most EM_SMOOTH_MAX_LOOSE, below cols */
} em_smooth;

/* The multiplier of each column, positive and finite, 0 for the loose ones; and which
 * those are, ascending.  The same bits on every machine.  EM_ERR_ARGUMENT,
 * EM_ERR_MEMORY. */
em_err em_smooth_find(const em_smooth *s, em_jobs *jobs, float *ret_in,
                      int32_t *ret_loose);

#endif
