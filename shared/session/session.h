/* session.h - one session between a client and an enclave, without I/O: what both roles
 * share.  PROTOCOL 2; session_client.h and session_server.h have each role's own calls.
 *
 * Bytes from the peer go in with em_session_feed, events come out of em_session_next, and
 * what em_session_pending shows goes to the peer:
 *
 *   while (in.len > 0) {
 *       EM_TRY(em_session_feed(s, &in, now_ms));
 *       while ((event = em_session_next(s)).what != EM_SESSION_NONE) ...;
 *   }
 *
 * Every breach of the protocol ends the session: the call gives its error, keys are
 * wiped, nothing is pending any more, and every later call that can fail gives
 * EM_ERR_SESSION_CLOSED.  The caller then closes the connection.  EM_ERR_ARGUMENT,
 * EM_ERR_FULL and EM_ERR_LIMIT of the calls that send are the caller's own and end
 * nothing; time and the session's caps may end it there too.
 *
 * Trust:  the peer, and everything between, is hostile.  Bytes of an event were opened
 *         under the session's keys (HELLO, ATTEST and HOST come before there are any).
 * Memory: both buffers are the caller's, sized as the role's header says; an event's
 * bytes lie in the first and are wiped at the next call of em_session_next or
 * em_session_feed. Nothing is allocated.  A session is used by one thread at a time.
 */
#ifndef EM_SESSION_SESSION_H
#define EM_SESSION_SESSION_H

#include "crypto/hpke.h"
#include "crypto/sha2.h"
#include "trust/hello.h"

/* The longest sealed record on the wire. */
enum { EM_SESSION_RECORD = EM_RECORD_HEAD + EM_PAD_MAX + EM_TAG_LEN };

typedef struct em_session_buffers {
    uint8_t *in; /* one record of the peer's, opened in place */
    size_t in_cap;
    uint8_t *out; /* records not yet sent */
    size_t out_cap;
} em_session_buffers;

typedef enum em_session_what {
    EM_SESSION_NONE = 0, /* nothing to tell: feed more */

    /* enclave */
    EM_SESSION_HELLO,   /* bytes: the C1 record; em_session_server_attest is awaited */
    EM_SESSION_OPENED,  /* the client holds the key and its AUTH held */
    EM_SESSION_REQUEST, /* bytes: the next part of a request; final: it is whole */
    EM_SESSION_CANCEL,  /* the client wants the outstanding request to stop */

    /* client */
    EM_SESSION_ATTEST,  /* bytes: the E1 record, until em_session_client_accept */
    EM_SESSION_HOST,    /* code: why the host relays nothing; the session is over */
    EM_SESSION_DATA,    /* bytes: the next part of the answer */
    EM_SESSION_END,     /* bytes: END's body; final: no receipt follows */
    EM_SESSION_RECEIPT, /* bytes: RECEIPT's body; the next request may go */
} em_session_what;

typedef struct em_session_event {
    em_session_what what;
    bool final;
    unsigned code; /* of HOST: an em_face, unauthenticated */
    em_bytes bytes;
} em_session_event;

/* The room's own from here to the functions; read it with them. */
typedef struct em_session_keys {
    em_x25519_secret secret; /* enclave: from attest to OPEN */
    em_hpke c2e;             /* client to enclave: HPKE's own direction */
    em_aead_key e2c;         /* enclave to client: exported */
    uint8_t e2c_nonce[EM_AEAD_NONCE_LEN];
    uint64_t e2c_seq;
} em_session_keys;
EM_HOLDS_SECRET(em_session_keys);

typedef struct em_session {
    uint8_t role, state;
    em_session_keys keys;
    em_x25519_public public;         /* enclave: the secret's */
    uint8_t info[EM_HELLO_INFO_LEN]; /* enclave: from attest to OPEN */
    uint8_t c1[EM_RECORD_HEAD + EM_MAX_HELLO];
    size_t c1_len;
    em_bytes deployment; /* enclave: what C1 must name */

    em_session_buffers room;
    size_t in_len;  /* of the record being collected or shown */
    size_t in_want; /* its length, head included; 0 while the head is incomplete */
    em_record_head head;
    size_t out_from, out_len; /* pending: out[out_from .. out_len) */
    em_session_event event;
    bool shown; /* the event was given out */

    em_sha256 request, answer;      /* of the present message's bodies */
    size_t request_len, answer_len; /* of them, bytes */
    bool has_request, has_answer;   /* they are whole, and hashed: */
    uint8_t request_hash[EM_SHA256_LEN], answer_hash[EM_SHA256_LEN];
    bool may_cancel; /* no CANCEL yet for the last request */

    uint64_t wait_until_ms, life_until_ms, opened_ms;
    uint64_t messages, bytes_in, bytes_out;
} em_session;

/* Wipes keys, hashes and what was opened in the buffer.  {0} is allowed. */
void em_session_drop(em_session *s);

/* The C1 record that began the session: what the document's nonce is made of, and
 * evidence keeps.  Empty before the enclave's HELLO event. */
em_bytes em_session_c1(const em_session *s);

/* Takes bytes from the front of *in: up to the end of one record that has something to
 * tell; none while an event waits for em_session_next or the session for its caller
 * (attest, accept).  Every error ends the session:
 *   EM_ERR_RECORD_TYPE     a type that is none, or never the peer's to send
 *   EM_ERR_SESSION_STATE   a type that may not come now; a second OPEN, DATA while a
 * request is outstanding, an answer nobody asked for EM_ERR_RECORD_FLAGS,
 * EM_ERR_RECORD_SIZE EM_ERR_RECORD_SEALED   it does not open: altered, repeated, dropped
 * before, reordered EM_ERR_RECORD_PADDING  not the smallest bucket, or not zeros
 *   EM_ERR_HELLO_MALFORMED, EM_ERR_DEPLOYMENT, EM_ERR_ZERO_SHARED, EM_ERR_AUTH_FAILED
 *   EM_ERR_LIMIT           a request or an answer larger than we accept
 *   EM_ERR_SESSION_LIMIT   more messages or bytes than a session has
 *   EM_ERR_TIMEOUT, EM_ERR_SESSION_EXPIRED   as em_session_tick */
em_err em_session_feed(em_session *s, em_bytes *in, uint64_t now_ms);

/* The event that waits, once; EM_SESSION_NONE otherwise.  Wipes what the one before
 * showed (E1 stays until it is accepted). */
em_session_event em_session_next(em_session *s);

/* Bytes for the wire; then say how many went. */
em_bytes em_session_pending(const em_session *s);
void em_session_sent(em_session *s, size_t len);

/* The longest body that can be sealed now, 0 where the output buffer has no room. */
size_t em_session_room(const em_session *s);

/* When em_session_tick should be called at the latest; UINT64_MAX for never. */
uint64_t em_session_deadline(const em_session *s);

/* EM_ERR_TIMEOUT where the peer did not take its next step of the handshake in time,
 * EM_ERR_SESSION_EXPIRED where the session's life is over; both end it. */
em_err em_session_tick(em_session *s, uint64_t now_ms);

/* The peer's stream ended and all events were taken; the session is over.  EM_OK between
 * messages; EM_ERR_TRUNCATED inside a record, a request or an answer; EM_ERR_CLOSED where
 * the other end left before the handshake was done, or the client before its answer. */
em_err em_session_eof(em_session *s);

/* SHA-256 over the bodies of the last request's records, and of its answer's DATA and END
 * (a receipt's request_hash and response_hash).  EM_ERR_SESSION_STATE before the
 * request's final record, or before END, or once the next request has begun. */
em_err em_session_request_hash(const em_session *s, uint8_t ret_hash[EM_SHA256_LEN]);
em_err em_session_answer_hash(const em_session *s, uint8_t ret_hash[EM_SHA256_LEN]);

/* The session in numbers.  A request's index (sequence_number in its receipt) is
 * messages - 1 once its final record went: 0 for the first. */
typedef struct em_session_counts {
    uint64_t messages; /* requests whose final record went */
    uint64_t bytes_in, bytes_out;
    uint64_t opened_ms, life_until_ms;
} em_session_counts;
em_session_counts em_session_count(const em_session *s);

#endif
