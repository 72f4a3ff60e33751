/* crl.h - revocation lists (RFC 5280 5) of a chain that has been verified.
 *
 * Trust:  lists are hostile until their issuer's signature held; the chain must be one
 *         that em_x509_chain_verify accepted.
 * Memory: the views are the caller's; libcrypto's heap is freed before return.
 */
#ifndef EM_CRYPTO_CRL_H
#define EM_CRYPTO_CRL_H

#include "crypto/x509.h"

/* Looks up each certificate below the root in its issuer's lists.  A list counts when it
 * is a DER CRL of at most EM_MAX_CRL bytes, version 2, signed with SHA-384 by a
 * certificate of the chain that may sign lists, without critical extensions, and not out
 * of date (nextUpdate) at at_ms; one that was made later than at_ms counts too, since it
 * knows more.  `cabundle` is root first, `leaf` its last certificate.
 *
 * EM_ERR_CERT_REVOKED where any is listed, whenever it was; EM_ERR_CRL_INVALID where any
 * list given does not count.  *ret_covered: how many of the n certificates below the
 * root had a list; only n means that revocation has been checked. */
em_err em_crl_check(const em_bytes *cabundle, size_t n, em_bytes leaf,
                    const em_bytes *crls, size_t n_crls, uint64_t at_ms,
                    size_t *ret_covered);

#endif
