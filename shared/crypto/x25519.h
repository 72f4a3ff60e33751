/* x25519.h - Diffie-Hellman on Curve25519 (RFC 7748), by libsodium.
 *
 * Trust:  the peer's public key is hostile; an all-zero shared secret is refused.
 * Memory: nothing is allocated.
 */
#ifndef EM_CRYPTO_X25519_H
#define EM_CRYPTO_X25519_H

#include "base/em.h"

enum { EM_X25519_LEN = 32 };

EM_SECRET(em_x25519_secret, EM_X25519_LEN);
EM_SECRET(em_x25519_shared, EM_X25519_LEN);

typedef struct em_x25519_public {
    uint8_t b[EM_X25519_LEN];
} em_x25519_public;

/* The public key of a secret of 32 random bytes. */
em_err em_x25519_public_of(const em_x25519_secret *secret, em_x25519_public *ret_public);

/* EM_ERR_ZERO_SHARED where the result is all zero (RFC 7748 6.1). */
em_err em_x25519_shared_of(const em_x25519_secret *secret, const em_x25519_public *peer,
                           em_x25519_shared *ret_shared);

#endif
