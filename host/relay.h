/* relay.h - the doors of the host: clients to the enclave, and the enclave to the few
 * places that it may reach.
 *
 * A client that cannot be served is told so by one HOST record of constant bytes (see
 * em_relay_words), and only before it heard a byte of the enclave's.
 *
 *     code 3   busy: too many connections, or this address connects too often, or the
 *              enclave said nothing in time
 *     code 4   no enclave: nobody answers at its address (any more)
 *     code 5   the enclave hung up without a word
 *     code 6   starting: nobody has answered at its address yet
 *
 * A forwarder carries bytes between one address that the enclave connects to and one
 * fixed upstream.  What no forwarder names cannot be reached.
 *
 * Trust:  bytes are not looked at; both ends are hostile to us and to each other.
 * Memory: one em_relay for the process; two buffers of EM_RELAY_BUFFER a connection.
 */
#ifndef EM_HOST_RELAY_H
#define EM_HOST_RELAY_H

#include "host/breaker.h"
#include "host/dial.h"
#include "host/metrics.h"
#include "host/rate.h"
#include "host/tunnel.h"

enum { EM_RELAY_DOORS = 33, EM_RELAY_REFUSALS = 256 };

/* The HOST record with this code: 09 01 00000007 a1 64 63 6f 64 65 CODE. */
typedef enum em_relay_code {
    EM_RELAY_BUSY = EM_FACE_BUSY,            /* 3 */
    EM_RELAY_NO_ENCLAVE = EM_FACE_NOT_FOUND, /* 4 */
    EM_RELAY_HUNG_UP = EM_FACE_BROKEN,       /* 5 */
    EM_RELAY_STARTING = EM_FACE_STARTING,    /* 6 */
} em_relay_code;
em_bytes em_relay_words(em_relay_code code);

/* One address that is listened at, and where what comes there goes. */
typedef struct em_relay_door {
    struct em_relay *relay;
    em_stream_listener listener;
    em_loop_watch watch;
    em_loop_timer pause; /* after running out of descriptors */
    em_address to;
    bool is_forward;
    uint32_t only_cid; /* of vsock peers, or EM_ADDRESS_CID_ANY */
    size_t open, most;
} em_relay_door;

typedef struct em_relay_limits {
    em_tunnel_limits session, forward;
    uint64_t dial_ms;
    uint64_t drain_ms; /* after a stop, for what is open */
} em_relay_limits;

typedef struct em_relay {
    em_loop *loop;
    em_metrics *metrics;
    em_relay_limits limits;
    em_breaker breaker;
    em_rate rate;
    em_dialer dialer;
    em_relay_door door[EM_RELAY_DOORS]; /* [0] is the clients' */
    size_t doors, refusals, links;
    struct em_relay_link *first;
    em_loop_timer drain;
    bool worked; /* the enclave has answered once */
    bool stopping;
} em_relay;

/* Fill limits and metrics, and init breaker and rate, before; `loop` has em_relay_wake as
 * its wake-up.  `relay` must stay in place for the rest of the process. */
em_err em_relay_start(em_relay *relay, em_loop *loop);
void em_relay_wake(void *relay);

/* Opens a door: the listener is taken.  The first is the clients', all others forward. */
em_err em_relay_add(em_relay *relay, em_stream_listener *listener, const em_address *to,
                    uint32_t only_cid, size_t most);

/* Accepts nobody any more; stops the loop when the last connection is over, or after
 * drain_ms. */
void em_relay_stop(em_relay *relay);

/* Closes everything, once the loop has ended. */
void em_relay_drop(em_relay *relay);

#endif
