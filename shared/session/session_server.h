/* session_server.h - the enclave's side of a session.
 *
 * start → HELLO event → document → attest → OPENED → REQUEST … → data* end receipt? → …
 *
 * Trust:  the client proves nothing but that it holds what it sealed with; who it is,
 * AUTH says (in this version only "anyone"). Memory: as session.h.
 */
#ifndef EM_SESSION_SESSION_SERVER_H
#define EM_SESSION_SESSION_SERVER_H

#include "session/session.h"

/* The least capacities that em_session_server_start takes; `out` must also take the E1
 * record. */
enum {
    EM_SESSION_SERVER_IN = EM_SESSION_RECORD,
    EM_SESSION_SERVER_OUT = EM_SESSION_RECORD,
};

/* Begins to wait for C1.  *s is {0} or dropped; `deployment` is the configuration's and
 * stays until then. EM_ERR_ARGUMENT for buffers that are too small; *s is then untouched.
 */
em_err em_session_server_start(em_session *s, const em_session_buffers *room,
                               em_bytes deployment, uint64_t now_ms);

/* After the HELLO event: E1 becomes pending.  `e1_record` is made by em_hello_put_e1
 * around a document whose nonce is em_hello_nonce(C1 record) and whose public_key is
 * `public`, drawn with `secret` for this HELLO; the session keeps a copy of the secret
 * until OPEN and wipes it then, or after EM_OPEN_WAIT_MS.  EM_ERR_ARGUMENT when not
 * called in its place, EM_ERR_FULL where E1 does not fit. */
em_err em_session_server_attest(em_session *s, em_bytes e1_record,
                                const em_x25519_secret *secret,
                                const em_x25519_public *public, uint64_t now_ms);

/* Seals a part of the answer to the outstanding request (trust/message).  EM_ERR_FULL
 * where the output buffer has no room (send, then again), EM_ERR_LIMIT for a body that is
 * too long, EM_ERR_ARGUMENT where it is not the time for it; none of these ends the
 * session. After `end` with `final` false (every inference that began) `receipt` must
 * follow. */
em_err em_session_server_data(em_session *s, em_bytes body, uint64_t now_ms);
em_err em_session_server_end(em_session *s, em_bytes body, bool final, uint64_t now_ms);
em_err em_session_server_receipt(em_session *s, em_bytes body, uint64_t now_ms);

/* Is a request outstanding whose END has not gone? */
bool em_session_server_owes(const em_session *s);

#endif
