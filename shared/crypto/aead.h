/* aead.h - ChaCha20-Poly1305 (RFC 8439) and AES-GCM (SP 800-38D), 96-bit nonces.
 *
 * Trust:  ciphertext and AAD are hostile; a plaintext exists only after its tag held.
 * Memory: outputs are the caller's; libcrypto's heap is freed before return.
 */
#ifndef EM_CRYPTO_AEAD_H
#define EM_CRYPTO_AEAD_H

#include "base/em.h"

enum {
    EM_AEAD_KEY_LEN = 32,
    EM_AEAD_NONCE_LEN = 12,
    EM_AEAD_TAG_LEN = 16,
    EM_AEAD_MAX = 1 << 30, /* bytes of one plaintext or AAD */
};

/* RFC 9180 section 7.3's numbers.  Nothing of ours seals with AES-128-GCM, which takes
 * the first 16 bytes of the key: it is here for HPKE's published vectors. */
typedef enum em_aead_alg {
    EM_AEAD_AES_128_GCM = 1,
    EM_AEAD_AES_256_GCM = 2,
    EM_AEAD_CHACHA20_POLY1305 = 3,
    EM_AEAD_EXPORT_ONLY = 0xFFFF, /* an HPKE context that seals nothing */
} em_aead_alg;

EM_SECRET(em_aead_key, EM_AEAD_KEY_LEN);

/* Writes plain.len ciphertext bytes to `out` and the tag behind them; `out` may be
 * plain.at itself, and has room for plain.len + EM_AEAD_TAG_LEN.  EM_ERR_LIMIT above
 * EM_AEAD_MAX, EM_ERR_UNSUPPORTED for a number that is no AEAD; `out` is all zero after
 * any other error. */
em_err em_aead_seal(em_aead_alg alg, const em_aead_key *key,
                    const uint8_t nonce[EM_AEAD_NONCE_LEN], em_bytes aad, em_bytes plain,
                    uint8_t *out);

/* `sealed` is ciphertext followed by its tag.  Writes sealed.len - EM_AEAD_TAG_LEN bytes
 * to `out` (which may be sealed.at itself).  EM_ERR_OPEN_FAILED and `out` all zero where
 * the tag does not hold; EM_ERR_SHORT below a tag's length, with `out` untouched. */
em_err em_aead_open(em_aead_alg alg, const em_aead_key *key,
                    const uint8_t nonce[EM_AEAD_NONCE_LEN], em_bytes aad, em_bytes sealed,
                    uint8_t *out);

#endif
