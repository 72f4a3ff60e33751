/* dial.h - threads that connect, so that the loop never waits for a name or a peer.
 *
 * Trust:  none: addresses come from the command line.
 * Memory: an em_dial is the caller's and belongs to the dialer from ask to next.  Threads
 *         that are inside a name lookup when the process ends are not waited for.
 */
#ifndef EM_HOST_DIAL_H
#define EM_HOST_DIAL_H

#include "os/loop.h"
#include "os/stream.h"
#include "os/thread.h"

enum { EM_DIAL_THREADS = 8, EM_DIAL_QUEUE = 4096 };

typedef struct em_dial {
    em_address to;
    uint64_t wait_ms;
    void *owner;
    em_err err; /* the result, with stream on EM_OK */
    em_stream stream;
} em_dial;

typedef struct em_dialer {
    em_loop *loop; /* woken when a result is there */
    em_thread_queue asked, answered;
    void *asked_slots[EM_DIAL_QUEUE], *answered_slots[EM_DIAL_QUEUE];
    em_thread thread[EM_DIAL_THREADS];
    em_thread_mutex lock; /* of alive */
    em_thread_condition left;
    unsigned alive;
} em_dialer;

/* `d` must stay in place for the rest of the process. */
em_err em_dial_start(em_dialer *d, em_loop *loop);

/* EM_ERR_BUSY when too many wait: dial->err says EM_ERR_CONNECT then. */
em_err em_dial_ask(em_dialer *d, em_dial *dial);

/* Takes no more; ends the threads, unless one of them is still connecting after a moment:
 * then they end with the process. */
void em_dial_stop(em_dialer *d);

/* A dial that has its result, or NULL. */
em_dial *em_dial_next(em_dialer *d);

#endif
