/* hkdf.h - HKDF-SHA256 (RFC 5869).
 *
 * Trust:  salt and info may be public; the input keying material is secret.
 * Memory: nothing is allocated; intermediate blocks are wiped.
 */
#ifndef EM_CRYPTO_HKDF_H
#define EM_CRYPTO_HKDF_H

#include "base/em.h"

enum { EM_HKDF_PRK_LEN = 32, EM_HKDF_MAX_OUT = 255 * 32, EM_HKDF_MAX_PARTS = 8 };

EM_SECRET(em_hkdf_prk, EM_HKDF_PRK_LEN);

/* PRK = HMAC(salt, ikm[0] || ikm[1] || ...).  RFC 5869 2.2 */
void em_hkdf_extract(em_bytes salt, const em_bytes *ikm, size_t n, em_hkdf_prk *ret_prk);

/* `len` bytes of OKM for info[0] || info[1] || ...  RFC 5869 2.3; EM_ERR_LIMIT above
 * EM_HKDF_MAX_OUT bytes or EM_HKDF_MAX_PARTS views. */
em_err em_hkdf_expand(const em_hkdf_prk *prk, const em_bytes *info, size_t n,
                      void *ret_okm, size_t len);

#endif
