/* tiles_impl.h - what tiles are made with, whatever the instruction set.
 *
 * Trust:  as kernels.h says.
 * Memory: none.
 */
#ifndef EM_ENGINE_KERNEL_TILES_IMPL_H
#define EM_ENGINE_KERNEL_TILES_IMPL_H

#include "engine/kernels.h"

/* The panel that comes next, fetched a little with every step of this one: `step` bytes
 * of it for each line of ours. */
typedef struct ahead {
    const char *at;
    size_t step;
} ahead;

/* DO(i) for the rows of a tile of height m, at most 6; m is a constant where a tile is
 * inlined, and what it excludes is never made. */
#define FOR_SIX_ROWS(m, DO)                                                              \
    do {                                                                                 \
        DO(0);                                                                           \
        if ((m) > 1) DO(1);                                                              \
        if ((m) > 2) DO(2);                                                              \
        if ((m) > 3) DO(3);                                                              \
        if ((m) > 4) DO(4);                                                              \
        if ((m) > 5) DO(5);                                                              \
    } while (0)

#endif
