#include "base/arena.h"

enum { ALIGN = 64 };

void em_arena_init(em_arena *a, void *at, size_t cap)
{
    *a = (em_arena){.at = at, .cap = cap};
}

em_err em_arena_take(em_arena *a, size_t n, size_t size, void **ret_at)
{
    size_t len, padded;

    EM_TRY(em_mul(n, size, &len));
    EM_TRY(em_add(len, ALIGN - 1, &padded));
    padded -= padded % ALIGN;
    if (padded > a->cap - a->used) return EM_ERR_FULL;

    void *at = a->at + a->used;
    a->used += padded;
    if (a->used > a->peak) a->peak = a->used;
    if (padded > 0) memset(at, 0, padded);
    *ret_at = at;
    return EM_OK;
}

void em_arena_wipe(em_arena *a)
{
    em_wipe(a->at, a->used);
    a->used = 0;
}
