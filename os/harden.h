/* harden.h - a process gives up what it will not need.
 *
 * Trust:  none: each call only takes rights away, and says when it could not.
 * Memory: none.
 */
#ifndef EM_OS_HARDEN_H
#define EM_OS_HARDEN_H

#include "base/em.h"

/* No core dumps, not traceable by others of the same user, no new privileges. */
em_err em_harden_process(void);

/* Empties the environment. */
em_err em_harden_environment(void);

/* All pages, present and future, stay in memory (locked as they are touched).
 * EM_ERR_DENIED where the limit does not allow it. */
em_err em_harden_lock_memory(void);

/* Raises the limit of open descriptors to `n`, or as near as allowed: *ret_n. */
em_err em_harden_descriptors(uint64_t n, uint64_t *ret_n);

/* What the process still does after the filter is set.  Each group is the system calls
 * that os/ and libc make for it, arguments checked where that says more. */
enum {
    EM_HARDEN_BASIS = 0,      /* memory without execution, clocks, random, exit, write */
    EM_HARDEN_THREADS = 1,    /* start threads, wait, wake (os/thread, os/jobs) */
    EM_HARDEN_STREAMS = 2,    /* read, write, poll, end open sockets; os/loop */
    EM_HARDEN_LISTEN = 4,     /* accept on what is already listening */
    EM_HARDEN_CONNECT = 8,    /* new connections: Unix and vsock only */
    EM_HARDEN_TCP = 16,       /* new connections: IPv4 and IPv6 too (no names) */
    EM_HARDEN_NSM = 32,       /* the NSM's ioctl and no other */
    EM_HARDEN_READ_FILES = 64 /* open read-only, read, map read-only */
};

/* Everything else kills the process from here on, in every thread of it; the filter
 * cannot be taken off.  Mix entropy before: that opens a file for writing.  Sanitizers
 * need calls that no group has: such builds do without a filter.  EM_ERR_UNSUPPORTED on
 * other machines than x86-64 and aarch64 or where the kernel has no filters. */
em_err em_harden_filter(unsigned groups);

#endif
