/* tiles_avx512_impl.h - how products are cut into tiles for AVX-512.
 *
 * Tiles are up to 12 rows by two panels: 24 accumulators of the 32 registers.  They are
 * named one by one because gcc 12 keeps an array of them in memory; heights and widths
 * are constants wherever a tile is inlined, and what they exclude is never made.
 *
 * Trust:  as kernels.h says.
 * Memory: none.
 */
#ifndef EM_ENGINE_KERNEL_TILES_AVX512_IMPL_H
#define EM_ENGINE_KERNEL_TILES_AVX512_IMPL_H
#if defined(__AVX512F__)

#include "engine/kernel/tiles_impl.h"

#include <immintrin.h>

enum { TALL = 12 }; /* rows of a tile at most */

/* DO(i) for the rows of a tile of height m. */
#define FOR_ROWS(m, DO)                                                                  \
    do {                                                                                 \
        FOR_SIX_ROWS(m, DO);                                                             \
        if ((m) > 6) DO(6);                                                              \
        if ((m) > 7) DO(7);                                                              \
        if ((m) > 8) DO(8);                                                              \
        if ((m) > 9) DO(9);                                                              \
        if ((m) > 10) DO(10);                                                            \
        if ((m) > 11) DO(11);                                                            \
    } while (0)

/* DO(height, w) for every height that a tile of w panels may have. */
#define TILES(DO, w)                                                                     \
    DO(1, w)                                                                             \
    DO(2, w)                                                                             \
    DO(3, w)                                                                             \
    DO(4, w) DO(5, w) DO(6, w) DO(7, w) DO(8, w) DO(9, w) DO(10, w) DO(11, w) DO(12, w)

#endif
#endif
