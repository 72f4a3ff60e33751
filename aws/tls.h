/* tls.h - TLS 1.2 and 1.3, the client's side, over an os stream.
 *
 * Nothing is configurable but the roots, the name and the time: certificates of the peer
 * must chain to one of the given roots, be valid at the given time, and carry the name as
 * a subjectAltName.  No default trust store, no configuration file, no environment, no
 * session resumption, no renegotiation, no compression; TLS 1.2 only with ECDHE and an
 * AEAD.
 *
 * Trust:  the peer and everything between is hostile until em_tls_connect has said EM_OK;
 *         then bytes are from the holder of a certificate under the roots.  The caller
 * has called em_setup before (no configuration is loaded then). Memory: libssl's heap,
 * freed by the drop (plaintext and keys cleansed); 16 KiB of stack. An em_tls belongs to
 * one thread.
 */
#ifndef EM_AWS_TLS_H
#define EM_AWS_TLS_H

#include "os/stream.h"

typedef struct em_tls {
    em_stream stream; /* owned */
    void *context, *session;
} em_tls;

/* Ends and frees; {0} is allowed. */
void em_tls_drop(em_tls *tls);

/* Takes `stream` over (it is {0} afterwards, also after an error) and shakes hands.
 * `roots` are certificates in DER; `now_ms` is what validity is judged at.
 *
 *     EM_ERR_TLS_NAME             the certificate is for another name
 *     EM_ERR_TLS_ROOT             it does not chain to a given root
 *     EM_ERR_CERT_EXPIRED, EM_ERR_CERT_NOT_YET_VALID, EM_ERR_CHAIN_INVALID
 *     EM_ERR_TLS                  no common version or cipher, or a broken handshake
 *     EM_ERR_X509_MALFORMED       a root does not parse
 *     EM_ERR_TIMEOUT, EM_ERR_CLOSED, EM_ERR_IO */
em_err em_tls_connect(em_stream *stream, em_bytes host, const em_bytes *roots, size_t n,
                      uint64_t now_ms, uint64_t deadline_ms, em_tls *ret_tls);

/* At least one byte, at most `cap`.  EM_ERR_CLOSED where the peer said that it ended;
 * EM_ERR_TRUNCATED where the stream ended without that. */
em_err em_tls_read(em_tls *tls, void *to, size_t cap, uint64_t deadline_ms,
                   size_t *ret_len);

/* All of `from`. */
em_err em_tls_write(em_tls *tls, em_bytes from, uint64_t deadline_ms);

#endif
