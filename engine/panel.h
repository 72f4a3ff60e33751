/* panel.h - weights in the order in which the kernels read them.
 *
 * A matrix [rows][cols] becomes ceil(rows / 16) panels of [cols][16]: panel p holds rows
 * 16p .. 16p + 15, column by column; rows that the matrix does not have are zero.  The
 * publisher's tool packs once; every instruction set reads the same bytes.
 *
 * Trust:  sizes meet the output's length; values may be anything.
 * Memory: the caller's.
 */
#ifndef EM_ENGINE_PANEL_H
#define EM_ENGINE_PANEL_H

#include "base/em.h"

/* Floats of the packed form.  EM_ERR_LIMIT when that is no size_t. */
em_err em_panel_floats(size_t rows, size_t cols, size_t *ret_floats);

/* Packs rows[i * stride + k], i < n, as matrix rows first .. first + n - 1 of `out`, the
 * packed form of a whole matrix of `cols` columns.  Several calls fill one matrix (query,
 * key and value weights become one); call em_panel_clear first, for the rows that none
 * fills. */
void em_panel_pack(const float *rows, size_t stride, size_t n, size_t cols, size_t first,
                   float *out);

/* Zeroes the packed form of a [rows][cols] matrix. */
void em_panel_clear(size_t rows, size_t cols, float *out);

#endif
