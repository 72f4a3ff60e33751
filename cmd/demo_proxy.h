/* demo_proxy.h - a recording proxy between client and host: the demo's eavesdropper.
 *
 * Trust:  none: it sees what anybody in between would see.
 * Memory: fixed buffers; one connection at a time, on a thread of its own.
 */
#ifndef EM_CMD_DEMO_PROXY_H
#define EM_CMD_DEMO_PROXY_H

#include "os/stream.h"
#include "os/thread.h"

#include <stdatomic.h>

enum { EM_DEMO_PROXY_MAX = 1 << 20 };

typedef struct em_demo_proxy {
    em_stream_listener listener;
    em_address upstream;
    em_thread thread;
    bool stop;               /* touched atomically */
    atomic_ullong cut_after; /* so many bytes of the server's, then an end; 0: never */
    atomic_size_t up_len, down_len; /* grow behind the bytes they count */
    uint8_t up[EM_DEMO_PROXY_MAX], down[EM_DEMO_PROXY_MAX]; /* of the last connection */
} em_demo_proxy;

/* Listen on loopback (p->listener.at says where) and pass everything to `upstream`. */
em_err em_demo_proxy_start(em_demo_proxy *p, const em_address *upstream);
void em_demo_proxy_stop(em_demo_proxy *p);

/* Do the recorded bytes, of either direction, contain this? */
bool em_demo_proxy_saw(const em_demo_proxy *p, em_bytes what);

/* Connect to `to` and send what a client sent before, each record when the first time it
 * went; gives how many bytes came back after E1 (length known from the recording). */
em_err em_demo_proxy_replay(const em_demo_proxy *p, const em_address *to,
                            size_t *ret_got);

#endif
