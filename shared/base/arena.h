/* arena.h - one request's memory: taken from the front, wiped and given back at once.
 *
 * Trust:  sizes may come from outside; they meet the capacity before anything is taken.
 * Memory: the block is the caller's; the arena owns nothing and frees nothing.
 */
#ifndef EM_BASE_ARENA_H
#define EM_BASE_ARENA_H

#include "base/em.h"

typedef struct em_arena {
    uint8_t *at;
    size_t cap;
    size_t used;
    size_t peak; /* the most that was ever used since em_arena_init */
} em_arena;

/* `at` is aligned to 64 bytes by the caller. */
void em_arena_init(em_arena *a, void *at, size_t cap);

/* n things of `size` bytes each, aligned to 64 bytes, zeroed.  EM_ERR_FULL when the rest
 * does not suffice; *ret_at is then untouched. */
em_err em_arena_take(em_arena *a, size_t n, size_t size, void **ret_at);

/* Wipe everything that was used since the last wipe and start again. */
void em_arena_wipe(em_arena *a);

#endif
