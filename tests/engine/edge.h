/* edge.h - memory whose neighbours cannot be touched, so that one byte too many is seen.
 *
 * Trust:  test code only.
 * Memory: mapped once a room, kept until the end.
 */
#ifndef EM_TESTS_ENGINE_EDGE_H
#define EM_TESTS_ENGINE_EDGE_H

#include "tests/support/test.h"

#include <sys/mman.h>
#include <unistd.h>

/* `len` bytes, inaccessible pages before and behind them. */
typedef struct edge {
    uint8_t *at;
    size_t len;
} edge;

static inline edge edge_map(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t whole = (len + page - 1) / page * page;
    uint8_t *at =
        mmap(NULL, whole + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED || mprotect(at + page, whole, PROT_READ | PROT_WRITE) != 0)
        abort();
    return (edge){at + page, whole};
}

/* `len` bytes that end where nothing can be touched, or that begin there. */
static inline void *edge_place(const edge *e, size_t len, bool at_end)
{
    if (len > e->len) abort();
    return at_end ? e->at + e->len - len : e->at;
}

/* An address that cannot be read. */
static inline const void *edge_beyond(const edge *e)
{
    return e->at + e->len;
}

#endif
