/* ed25519.h - EdDSA on Curve25519 (RFC 8032), by libsodium; stricter than the RFC asks.
 *
 * Trust:  keys, messages and signatures to verify are hostile.  Non-canonical S, R and A
 * and small-order A or R are refused (OpenSSL 3.0 accepts A = R = identity, S = 0).
 * Memory: nothing is allocated.
 */
#ifndef EM_CRYPTO_ED25519_H
#define EM_CRYPTO_ED25519_H

#include "base/em.h"

enum { EM_ED25519_SEED_LEN = 32, EM_ED25519_PUBLIC_LEN = 32, EM_ED25519_SIG_LEN = 64 };

/* The 32-byte seed and, behind it, the public key. */
EM_SECRET(em_ed25519_secret, 64);

typedef struct em_ed25519_public {
    uint8_t b[EM_ED25519_PUBLIC_LEN];
} em_ed25519_public;

/* The key pair of a seed of 32 random bytes. */
em_err em_ed25519_from_seed(const uint8_t seed[EM_ED25519_SEED_LEN],
                            em_ed25519_secret *ret_secret, em_ed25519_public *ret_public);

em_err em_ed25519_sign(const em_ed25519_secret *secret, em_bytes message,
                       uint8_t ret_sig[EM_ED25519_SIG_LEN]);

/* EM_ERR_SIG_FAILED where it does not verify; EM_ERR_BAD_SIG_LENGTH where sig is not 64
 * bytes. */
em_err em_ed25519_verify(const em_ed25519_public *key, em_bytes message, em_bytes sig);

#endif
