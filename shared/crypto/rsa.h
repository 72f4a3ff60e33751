/* rsa.h - the RSA-2048 key of one key request: made, published as SPKI, used once, gone.
 *
 * Trust:  wrapped keys are hostile.
 * Memory: em_rsa_key holds the PKCS#8 DER itself and wipes it; libcrypto's heap is freed
 *         (cleansed) before return.
 */
#ifndef EM_CRYPTO_RSA_H
#define EM_CRYPTO_RSA_H

#include "base/em.h"

enum {
    EM_RSA_BITS = 2048,
    EM_RSA_SPKI_MAX = 512,
    EM_RSA_PKCS8_MAX = 1400,
    EM_RSA_WRAPPED_MAX = 512, /* 4096 bits */
};

/* A private key as PKCS#8 DER. */
typedef struct em_rsa_key {
    size_t len;
    uint8_t der[EM_RSA_PKCS8_MAX];
} em_rsa_key;
EM_HOLDS_SECRET(em_rsa_key);

/* A fresh key from libcrypto's generator, which the caller has seeded (os/entropy). */
em_err em_rsa_generate(em_rsa_key *ret_key);

/* Check (tens of milliseconds: both primes are tested) and copy a PKCS#8 DER key of two
 * primes, 2048 bits or as much larger as EM_RSA_PKCS8_MAX holds.  EM_ERR_BAD_KEY. */
em_err em_rsa_from_pkcs8(em_bytes der, em_rsa_key *ret_key);

/* SubjectPublicKeyInfo DER, at most EM_RSA_SPKI_MAX bytes. */
em_err em_rsa_spki(const em_rsa_key *key, uint8_t ret_spki[EM_RSA_SPKI_MAX],
                   size_t *ret_len);

/* RSAES-OAEP with SHA-256 for both hash and MGF1, empty label (RFC 8017 7.1).  `out` has
 * room for the modulus' length less 66 bytes (190 at 2048 bits), else EM_ERR_FULL.
 * EM_ERR_OPEN_FAILED, the same for every reason. */
em_err em_rsa_oaep_open(const em_rsa_key *key, em_bytes wrapped, uint8_t *out, size_t cap,
                        size_t *ret_len);

/* Wrap `plain` under the SPKI's key (2048 to 4096 bits); what a KMS does.  Writes the
 * modulus' length.  EM_ERR_BAD_KEY, EM_ERR_LIMIT where `plain` is too long for the key,
 * EM_ERR_FULL. */
em_err em_rsa_oaep_seal(em_bytes spki, em_bytes plain, uint8_t *out, size_t cap,
                        size_t *ret_len);

#endif
