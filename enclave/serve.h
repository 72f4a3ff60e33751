/* serve.h - many sessions at once: one loop, one thread for the NSM, the runner's lanes.
 *
 * Trust:  guests are hostile: numbers, memory and time are bounded by the configuration.
 * Memory: one em_serve for the process, with a slot a session.
 */
#ifndef EM_ENCLAVE_SERVE_H
#define EM_ENCLAVE_SERVE_H

#include "enclave/guest.h"
#include "enclave/runner.h"
#include "os/loop.h"
#include "os/signals.h"
#include "os/stream.h"

typedef struct em_serve_slot {
    struct em_serve *serve;
    bool used, closing;
    em_stream stream;
    em_loop_watch watch;
    em_loop_timer timer;
    em_guest guest;
} em_serve_slot;

typedef struct em_serve {
    const em_identity *id;
    em_attestor *attestor;
    em_runner_terms computing; /* what the runner is made from, but its limits */
    em_runner runner;
    em_loop loop;
    em_stream_listener *listener;
    em_loop_watch accepting, stopping;
    em_thread nsm_thread;
    em_thread_queue to_nsm;
    void *nsm_items[EM_MAX_PENDING_HANDSHAKES];
    em_map slots; /* em_serve_slot[limits.sessions] */
    em_serve_slot *slot;
    size_t open;
    em_work_budget budget; /* limits.memory, for all requests together */
    uint8_t in[EM_RELAY_BUFFER], body[EM_MAX_DATA_BODY];
} em_serve;

/* Serves until a signal was caught, or the loop fails.  `ready` runs once everything has
 * started, before the first session: the place for the system call filter. */
em_err em_serve_run(em_serve *serve, em_err (*ready)(void));

#endif
