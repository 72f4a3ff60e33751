/* link.h - a session over a socket: sends what is pending, waits for what comes.
 *
 * Trust:  the peer is hostile; the session judges every byte.
 * Memory: owns the stream and the session's buffers.
 */
#ifndef EM_CLIENT_LINK_H
#define EM_CLIENT_LINK_H

#include "os/map.h"
#include "os/stream.h"
#include "session/session_client.h"

typedef struct em_link {
    em_stream stream;
    em_session session;
    uint8_t c1[EM_RECORD_HEAD + EM_MAX_HELLO]; /* the C1 record, as sent */
    size_t c1_len;
    em_map pages; /* the session's buffers */
    em_map in;    /* bytes read and not yet fed */
    em_bytes left;
    uint64_t silence_ms; /* how long the peer may say nothing */
    int (*stop)(void *);
    void *stop_arg;
} em_link;
void em_link_drop(em_link *link);

/* Connect and send C1.  EM_ERR_ADDRESS, EM_ERR_CONNECT, EM_ERR_TIMEOUT. */
em_err em_link_open(em_link *link, const em_address *to, em_bytes deployment);

/* Send all that is pending.  EM_ERR_TIMEOUT, EM_ERR_INTERRUPTED; where the peer takes no
 * more, EM_ERR_TRUNCATED inside a request or an answer, EM_ERR_CLOSED elsewhere. */
em_err em_link_flush(em_link *link);

/* The same for a last word, after `stop` has said so; EM_ERR_CLOSED, EM_ERR_IO too. */
em_err em_link_say(em_link *link);

/* The next event; sends what is pending meanwhile.  EM_ERR_TRUNCATED where the stream
 * ended inside an answer, EM_ERR_CLOSED elsewhere; EM_ERR_TIMEOUT; EM_ERR_INTERRUPTED
 * when `stop` said so; EM_ERR_HOST_REFUSED for a HOST record (event.code says why); the
 * session's own. */
em_err em_link_next(em_link *link, em_session_event *ret_event);

#endif
