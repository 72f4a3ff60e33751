/* bundle_seal.h - the publisher's side: an image becomes sealed chunks, in order.
 *
 * Chunks are AES-256-GCM under HKDF-SHA256(salt bundle_id, IKM content key, info
 * "em/1 chunk"); nonce = 96-bit BE index; AAD = bundle_id || u64 BE index || u8 final.
 *
 * Trust:  the caller's own image.  Key and bundle_id must be drawn anew for every
 *         packing: a nonce is an index.
 * Memory: everything is the caller's; the state wipes itself under EM_DROP.
 */
#ifndef EM_BUNDLE_BUNDLE_SEAL_H
#define EM_BUNDLE_BUNDLE_SEAL_H

#include "bundle/merkle.h"
#include "crypto/aead.h"
#include "trust/manifest.h"

typedef struct em_bundle_seal {
    em_aead_key key;
    uint8_t bundle_id[EM_BUNDLE_ID_LEN];
    uint8_t commitment[EM_SHA256_LEN];
    uint64_t image_len;
    uint32_t chunk_len, n_chunks, next;
    em_merkle tree;
} em_bundle_seal;
EM_HOLDS_SECRET(em_bundle_seal);

/* EM_ERR_BUNDLE_MALFORMED for an empty image, a chunk length outside EM_CHUNK_MIN ..
 * EM_CHUNK_MAX, or more than EM_MAX_CHUNKS of them. */
em_err em_bundle_seal_init(const em_content_key *content_key,
                           const uint8_t bundle_id[EM_BUNDLE_ID_LEN], uint64_t image_len,
                           uint32_t chunk_len, em_bundle_seal *ret_seal);

/* Plaintext bytes of the chunk that is to be sealed next; 0 when all are. */
uint32_t em_bundle_seal_want(const em_bundle_seal *seal);

/* Seals the next chunk, of exactly the wanted length (EM_ERR_BUNDLE_COUNT); writes
 * plain.len + EM_AEAD_TAG_LEN bytes to `out`. */
em_err em_bundle_seal_next(em_bundle_seal *seal, em_bytes plain, uint8_t *out);

/* After the last chunk: fills the bundle's part of a body (bundle_id, chunk_len,
 * n_chunks, image_len, root, commitment).  EM_ERR_BUNDLE_COUNT where chunks are missing.
 */
em_err em_bundle_seal_finish(const em_bundle_seal *seal, em_manifest_body *body);

/* How the chunk key, nonce and AAD are made; the reader's side uses the same. */
enum { EM_BUNDLE_SEAL_AAD_LEN = EM_BUNDLE_ID_LEN + 8 + 1 };
em_err em_bundle_seal_key(const em_content_key *content_key,
                          const uint8_t bundle_id[EM_BUNDLE_ID_LEN],
                          em_aead_key *ret_key);
void em_bundle_seal_nonce(uint64_t index, uint8_t ret_nonce[EM_AEAD_NONCE_LEN]);
void em_bundle_seal_aad(const uint8_t bundle_id[EM_BUNDLE_ID_LEN], uint64_t index,
                        bool final, uint8_t ret_aad[EM_BUNDLE_SEAL_AAD_LEN]);

#endif
