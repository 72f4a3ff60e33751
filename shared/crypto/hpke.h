/* hpke.h - Hybrid Public Key Encryption (RFC 9180), base mode, DHKEM(X25519,
 * HKDF-SHA256), HKDF-SHA256, with an AEAD of aead.h or export-only.
 *
 * Trust:  enc, info, aad and ciphertexts are hostile.
 * Memory: contexts are the caller's and wipe themselves under EM_DROP.
 */
#ifndef EM_CRYPTO_HPKE_H
#define EM_CRYPTO_HPKE_H

#include "crypto/aead.h"
#include "crypto/hkdf.h"
#include "crypto/x25519.h"

enum { EM_HPKE_ENC_LEN = 32 };

/* RFC 9180 5: one direction's context.  Declare it under EM_DROP. */
typedef struct em_hpke {
    em_aead_alg alg;
    em_aead_key key;
    uint8_t base_nonce[EM_AEAD_NONCE_LEN];
    uint64_t seq;
    em_hkdf_prk exporter; /* exporter_secret */
} em_hpke;
EM_HOLDS_SECRET(em_hpke);

/* SetupBaseS with the ephemeral secret `eph` (32 fresh random bytes, used once). */
em_err em_hpke_setup_send(em_aead_alg alg, const em_x25519_secret *eph,
                          const em_x25519_public *receiver, em_bytes info,
                          uint8_t ret_enc[EM_HPKE_ENC_LEN], em_hpke *ret_ctx);

/* SetupBaseR by a key pair; a public key that is not the secret's gives a context that
 * nobody shares.  Either set-up: EM_ERR_ZERO_SHARED where the peer's key is of small
 * order, EM_ERR_UNSUPPORTED for an unknown `alg`. */
em_err em_hpke_setup_recv_pair(em_aead_alg alg, const em_x25519_secret *sk,
                               const em_x25519_public *pk,
                               const uint8_t enc[EM_HPKE_ENC_LEN], em_bytes info,
                               em_hpke *ret_ctx);

/* The same by the secret alone, which costs its public key once more. */
em_err em_hpke_setup_recv(em_aead_alg alg, const em_x25519_secret *sk,
                          const uint8_t enc[EM_HPKE_ENC_LEN], em_bytes info,
                          em_hpke *ret_ctx);

/* ContextS.Seal and ContextR.Open; the sequence advances on success only.  `out` may be
 * the input itself.  EM_ERR_SEQUENCE at the end of the numbers; otherwise aead.h's. */
em_err em_hpke_seal(em_hpke *ctx, em_bytes aad, em_bytes plain, uint8_t *out);
em_err em_hpke_open(em_hpke *ctx, em_bytes aad, em_bytes sealed, uint8_t *out);

/* Context.Export(exporter_context, len).  RFC 9180 5.3; EM_ERR_LIMIT above
 * EM_HKDF_MAX_OUT. */
em_err em_hpke_export(const em_hpke *ctx, em_bytes context, void *ret_secret, size_t len);

/* base_nonce XOR seq (RFC 9180 5.2), for keys exported to the other direction. */
void em_hpke_nonce(const uint8_t base[EM_AEAD_NONCE_LEN], uint64_t seq,
                   uint8_t ret_nonce[EM_AEAD_NONCE_LEN]);

#endif
