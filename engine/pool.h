/* pool.h - the vectors of a sequence's tokens become one.
 *
 * Trust:  sizes were checked by the caller; floats may be anything.
 * Memory: the caller's.
 */
#ifndef EM_ENGINE_POOL_H
#define EM_ENGINE_POOL_H

#include "base/em.h"

/* out[j] = (rows[0][j] + rows[1][j] + ...) / n, added in order from +0; n >= 1. */
void em_pool_mean(const float *rows, size_t stride, size_t n, size_t width, float *out);

/* Divides the row by its length, or by 1e-12 where that is more.  A row whose squares do
 * not add up to a finite number becomes quiet NaNs (0x7FC00000), also where `normalize`
 * is false and nothing else is done. */
void em_pool_finish(float *row, size_t width, bool normalize);

#endif
