/* session_impl.h - the inside of a session: states, and what the room's files lend each
 * other.
 *
 * Trust:  as session.h.
 * Memory: as session.h.
 */
#ifndef EM_SESSION_SESSION_IMPL_H
#define EM_SESSION_SESSION_IMPL_H

#include "session/session.h"

enum { EM_SESSION_CLIENT = 1, EM_SESSION_SERVER };

enum {
    EM_SESSION_CLOSED = 0,

    EM_SESSION_WAIT_HELLO, /* enclave */
    EM_SESSION_ATTESTING,  /* HELLO is told; the caller makes the document */
    EM_SESSION_WAIT_OPEN,
    EM_SESSION_WAIT_AUTH,

    EM_SESSION_WAIT_ATTEST, /* client */
    EM_SESSION_ATTESTED,    /* E1 is told; the caller verifies */

    EM_SESSION_IDLE,        /* both: between messages */
    EM_SESSION_REQUESTING,  /* a request has begun */
    EM_SESSION_ANSWERING,   /* it is whole; its END has not gone */
    EM_SESSION_RECEIPT_DUE, /* END was not final */
};

/* Every session begins here; the buffers have been judged. */
void em_session_begin(em_session *s, uint8_t role, uint8_t state,
                      const em_session_buffers *room, uint64_t wait_until_ms);

/* Ends the session and gives `why` back. */
em_err em_session_close(em_session *s, em_err why);

/* Tells the caller of the record in the buffer. */
void em_session_tell(em_session *s, em_session_what what, em_bytes bytes);

/* Room for the next record of the peer's. */
void em_session_release(em_session *s);

/* A request begins; a body is part of it; it is whole.  The same of its answer. */
em_err em_session_begin_request(em_session *s);
void em_session_add_request(em_session *s, em_bytes body, bool final);
void em_session_add_answer(em_session *s, em_bytes body, bool last);

/* May a record with this head come now?  The whole record is in the buffer: take it. */
em_err em_session_client_may(const em_session *s, const em_record_head *head);
em_err em_session_client_take(em_session *s, uint64_t now_ms);
em_err em_session_server_may(const em_session *s, const em_record_head *head);
em_err em_session_server_take(em_session *s, uint64_t now_ms);

/* session_record.c ----------------------------------------------------------------- */

/* Queues a record as it is.  EM_ERR_FULL. */
em_err em_session_record_put(em_session *s, em_bytes record);

/* The keys of enclave to client, out of HPKE's context. */
em_err em_session_record_keys(em_session_keys *keys);

/* Seals a record behind what is pending.  EM_ERR_LIMIT, EM_ERR_FULL; other errors have
 * ended the session. */
em_err em_session_record_seal(em_session *s, em_record_type type, bool final,
                              em_bytes body);

/* Opens the record in the buffer, in place.  Errors are the caller's to close with. */
em_err em_session_record_open(em_session *s, em_bytes *ret_body);

#endif
