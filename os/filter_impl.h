/* filter_impl.h - rules of system calls, and the kernel's filter made of them.
 *
 * Trust:  none.
 * Memory: none.
 */
#ifndef EM_OS_FILTER_IMPL_H
#define EM_OS_FILTER_IMPL_H

#include "base/em.h"

/* The call `number` is allowed, or (`answer` not 0) fails with that errno; where
 * `checked`, only if the low 32 bits of argument `arg`, masked, have that value. */
typedef struct em_filter_rule {
    unsigned group;
    int number;
    int answer;
    bool checked;
    unsigned arg;
    uint32_t mask, value;
} em_filter_rule;

/* Rules of group 0 and of every group in `groups`; anything else kills the process. */
em_err em_filter_install(const em_filter_rule *rules, size_t n, unsigned groups);

/* The rules of every group of os/harden.h (calls.c). */
const em_filter_rule *em_calls(size_t *ret_n);

#endif
