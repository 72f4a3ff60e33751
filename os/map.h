/* map.h - memory from the kernel: private pages that are wiped, and files seen as memory.
 *
 * Trust:  none.  A mapped file that another process truncates raises SIGBUS: map only
 *         files that nobody untrusted may write.
 * Memory: an em_map owns its pages; {0} is none.
 */
#ifndef EM_OS_MAP_H
#define EM_OS_MAP_H

#include "base/em.h"

enum {
    EM_MAP_LOCK = 1, /* never swapped; EM_ERR_MEMORY when the kernel refuses */
    EM_MAP_HUGE = 2, /* large pages where the kernel can (2 MiB alignment) */
};

typedef struct em_map {
    uint8_t *at; /* page-aligned (2 MiB with EM_MAP_HUGE) */
    size_t len;  /* as asked for */
    void *base;  /* the whole mapping */
    size_t span;
    bool file;
} em_map;

/* Zeroed private pages, left out of core dumps and wiped when dropped. */
em_err em_map_anonymous(size_t len, unsigned flags, em_map *ret_map);

/* The whole of a regular file, read-only (writing faults).  An empty file gives len 0. */
em_err em_map_file(const char *path, em_map *ret_map);

/* Anonymous pages are wiped, then all are given back. */
void em_map_drop(em_map *map);

static inline em_bytes em_map_view(const em_map *map)
{
    return em_view(map->at, map->len);
}

#endif
