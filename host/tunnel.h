/* tunnel.h - two streams joined: what comes out of one goes into the other, unchanged.
 *
 * Each way has one buffer of EM_RELAY_BUFFER bytes and is read only when that is empty,
 * so a slow reader slows its writer.  The end of one way is passed on while the other
 * goes on (half-close).  A torn connection is torn on the other side too, where the
 * transport can show it.
 *
 * Trust:  bytes are not looked at.
 * Memory: an em_tunnel is the caller's, stays in place while open, and owns both streams
 *         and two buffers.
 */
#ifndef EM_HOST_TUNNEL_H
#define EM_HOST_TUNNEL_H

#include "os/loop.h"
#include "os/stream.h"

/* Why a tunnel is over. */
typedef enum em_tunnel_why {
    EM_TUNNEL_ENDED = 0, /* both ways ended */
    EM_TUNNEL_TORN,      /* a connection broke */
    EM_TUNNEL_IDLE,      /* nothing moved for too long */
    EM_TUNNEL_LIFE,      /* it lived too long */
    EM_TUNNEL_REFUSED,   /* refused, and the last bytes are out */
    EM_TUNNEL_STOPPED,   /* em_tunnel_stop */
} em_tunnel_why;

/* What may happen before side 1's first byte. */
typedef enum em_tunnel_event {
    EM_TUNNEL_SILENT_END, /* side 1 ended without one */
    EM_TUNNEL_SLOW,       /* it did not come within first_ms */
} em_tunnel_event;

typedef struct em_tunnel_limits {
    uint64_t first_ms;  /* until side 1's first byte, whatever side 0 does */
    uint64_t idle_ms;   /* without a byte in either direction */
    uint64_t half_ms;   /* the same, once one way has ended */
    uint64_t life_ms;   /* in all */
    uint64_t linger_ms; /* to drain a peer that is being refused */
} em_tunnel_limits;

typedef struct em_tunnel_way {
    uint8_t *buffer;
    size_t from, len;
    uint64_t moved; /* bytes written to the far side */
    bool ended;     /* the source ended */
    bool passed_on; /* and the far side was told */
    bool dead;      /* the far side takes no more: what still comes is dropped */
    bool unread;    /* as a write has shown: it closed before it read everything */
} em_tunnel_way;

typedef struct em_tunnel {
    em_loop *loop;
    const em_tunnel_limits *limits;
    em_stream side[2];
    em_loop_watch watch[2];
    bool gone[2];
    em_tunnel_way way[2]; /* way[i]: from side i to the other */
    em_loop_timer timer;
    uint64_t started_ms, moved_ms, linger_until_ms;
    bool refused, joined;
    uint64_t *counter[2]; /* bytes moved are added here too, atomically; may be NULL */
    void *owner;
    /* The tunnel is closed; the owner may free it. */
    void (*over)(void *owner, em_tunnel_why why);
    /* What to say to side 0 in side 1's place (as em_tunnel_refuse does), or {0}; may be
     * NULL. */
    em_bytes (*instead)(void *owner, em_tunnel_event event);
} em_tunnel;

/* With side 0 only; nothing moves yet.  Fill owner, over, instead and counter before.
 * `side0` is taken ({0} afterwards), also after an error. */
em_err em_tunnel_open(em_tunnel *t, em_loop *loop, const em_tunnel_limits *limits,
                      em_stream *side0);

/* Side 1 is there (taken): bytes move from now on. */
void em_tunnel_join(em_tunnel *t, em_stream *side1);

/* Says `bytes` (1..64) to side 0 and ends; side 1 is closed, and what side 0 still
 * sends is dropped for a while, so that a reset does not overtake the answer.  Only while
 * way[1].moved is 0. */
void em_tunnel_refuse(em_tunnel *t, em_bytes bytes);

/* Over at once. */
void em_tunnel_stop(em_tunnel *t);

#endif
