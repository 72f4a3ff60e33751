/* session_client.h - the client's side of a session.
 *
 * start → (send) → ATTEST event → verify → accept → request … → DATA* END RECEIPT? → …
 *
 * Trust:  nothing is sealed before a verifier's fact about this very E1 is shown: only
 *         trust/peer makes an em_peer, out of document, policy and manifests.
 * Memory: as session.h.
 */
#ifndef EM_SESSION_SESSION_CLIENT_H
#define EM_SESSION_SESSION_CLIENT_H

#include "session/session.h"
#include "trust/peer.h"

/* The least capacities that em_session_client_start takes. */
enum {
    EM_SESSION_CLIENT_IN = EM_RECORD_HEAD + EM_MAX_ATTEST,
    EM_SESSION_CLIENT_OUT = 2 * EM_SESSION_RECORD,
};

/* Begins: C1 becomes pending.  *s is {0} or dropped; `nonce` is 32 fresh random bytes.
 * EM_ERR_ARGUMENT for a deployment that is none or buffers that are too small; *s is then
 * untouched. */
em_err em_session_client_start(em_session *s, const em_session_buffers *room,
                               em_bytes deployment,
                               const uint8_t nonce[EM_HELLO_NONCE_LEN], uint64_t now_ms);

/* After the ATTEST event: OPEN and AUTH become pending and requests may go.  `peer` must
 * be the fact about this session's own C1 and E1, verified live.  `eph` is 32 fresh
 * random bytes, used once.  EM_ERR_ARGUMENT for an archived fact, or when not called in
 * its place; every other error ends the session: EM_ERR_ATTESTATION_DOC_HASH_MISMATCH
 * (another document than E1's), EM_ERR_NONCE_MISMATCH (another C1), EM_ERR_BAD_KEY,
 * EM_ERR_ZERO_SHARED. */
em_err em_session_client_accept(em_session *s, const em_peer *peer,
                                const em_x25519_secret *eph, uint64_t now_ms);

/* Seals the next part of a request (trust/message); with `final` it is whole and the
 * answer is awaited.  Allowed when no answer is outstanding.  EM_ERR_FULL where the
 * output buffer has no room (send, then again), EM_ERR_LIMIT above EM_MAX_DATA_BODY or
 * EM_MAX_REQUEST, EM_ERR_ARGUMENT while an answer is outstanding; none of these ends the
 * session. */
em_err em_session_client_request(em_session *s, em_bytes body, bool final,
                                 uint64_t now_ms);

/* Asks for the outstanding request to stop, once; the answer is still read to its end.
 * EM_ERR_ARGUMENT where none is outstanding or it was asked before, EM_ERR_FULL. */
em_err em_session_client_cancel(em_session *s, uint64_t now_ms);

/* Is an answer outstanding?  (Then no request may go.) */
bool em_session_client_awaits(const em_session *s);

#endif
