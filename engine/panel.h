/* panel.h - weights in the order in which the kernels read them (base/model.h's layouts).
 *
 * A matrix [rows][cols] becomes ceil(rows / 16) panels of [cols][16]: panel p holds rows
 * 16p .. 16p + 15, column by column; rows that the matrix does not have are zero.  Panels
 * of bytes are [ceil(cols / 4)][16][4]: four columns of a row stay together.  The
 * publisher's tool packs once; every instruction set reads the same bytes.
 *
 * Trust:  sizes meet the output's length; values may be anything.
 * Memory: the caller's.
 */
#ifndef EM_ENGINE_PANEL_H
#define EM_ENGINE_PANEL_H

#include "base/em.h"

/* Packs rows[i * stride + k], i < n, as matrix rows first .. first + n - 1 of `out`, the
 * packed form of a whole matrix of `cols` columns.  Several calls fill one matrix (query,
 * key and value weights become one); zero it first (em_model_tensor_len bytes), for the
 * rows that none fills. */
void em_panel_pack(const float *rows, size_t stride, size_t n, size_t cols, size_t first,
                   float *out);

void em_panel_pack_bf16(const float *rows, size_t stride, size_t n, size_t cols,
                        size_t first, uint16_t *out);
void em_panel_pack_int8(const int8_t *rows, size_t stride, size_t n, size_t cols,
                        size_t first, int8_t *out);

/* The nearest bf16, even on ties; what is too large becomes infinite, a NaN stays one. */
uint16_t em_panel_bf16(float f);

#endif
