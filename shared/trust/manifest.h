/* manifest.h - what a publisher signs of a model: PROTOCOL 4.
 *
 * A manifest is a COSE_Sign1 (tag 18, EdDSA, content type "application/em-manifest+cbor")
 * over a body in deterministic CBOR; docs/FORMATS.md has its CDDL.  The manifest hash is
 * SHA-256(body) and names the model in attestations and receipts.
 *
 * Trust:  input is hostile.  em_manifest_body is what somebody claims; em_manifest exists
 *         only where a named publisher's signature, the floor and the date held.
 * Memory: texts and names are views into the input; the tensor array is the caller's, of
 *         EM_MAX_TENSORS, and stays with the result.  Nothing is allocated.
 */
#ifndef EM_TRUST_MANIFEST_H
#define EM_TRUST_MANIFEST_H

#include "base/limits.h"
#include "base/model.h"
#include "base/write.h"
#include "crypto/ed25519.h"
#include "crypto/sha2.h"

enum { EM_BUNDLE_ID_LEN = 32, EM_MANIFEST_HASH_LEN = EM_SHA256_LEN };

/* The key that a bundle's chunks are sealed under; drawn anew for each packing. */
EM_SECRET(em_content_key, 32);

/* Who may publish a model, and the least version number that is still accepted.  A model
 * may be named more than once (a key being replaced). */
typedef struct em_publisher {
    em_bytes model;
    em_ed25519_public key;
    uint64_t floor;
} em_publisher;

/* A file that the model was made from: the publisher's statement. */
typedef struct em_source {
    em_bytes name;
    uint64_t len;
    uint8_t sha256[EM_SHA256_LEN];
} em_source;

/* The body.  As read, it has passed every check of form: texts UTF-8 and within their
 * limits, chunk count and length consistent, tensors aligned, ascending, disjoint, inside
 * the image, of the length that layout and shape give, uniquely named. */
typedef struct em_manifest_body {
    em_bytes id;           /* the model's, at most EM_MAX_MODEL_ID */
    em_bytes version;      /* text, at most EM_MAX_VERSION_TEXT */
    uint64_t number;       /* monotonic; floors compare this */
    uint64_t not_after_ms; /* the last millisecond at which it is accepted */
    em_bytes profile;      /* numeric profile: "em-f32-1" */
    em_bytes licence;      /* an SPDX identifier or a name */
    em_bytes kms_key;      /* ARN of the key that wraps the content key */

    em_model model; /* model.tensor is the caller's array */
    uint8_t tokenizer_sha256[EM_SHA256_LEN];

    uint32_t n_sources;
    em_source source[EM_MAX_SOURCES];

    uint8_t bundle_id[EM_BUNDLE_ID_LEN];
    uint32_t chunk_len; /* plaintext bytes of every chunk but the last */
    uint32_t n_chunks;  /* >= 1 */
    uint64_t image_len; /* plaintext bytes of all chunks */
    uint8_t root[EM_SHA256_LEN];
    uint8_t commitment[EM_SHA256_LEN];
} em_manifest_body;

/* A fact: `body` was signed by `publisher`, whom the verifier was told to believe for
 * this model; its number is not below the floor and its date had not passed. */
typedef struct em_manifest {
    em_manifest_body body;
    uint8_t hash[EM_MANIFEST_HASH_LEN];
    em_ed25519_public publisher;
} em_manifest;

/* The claims of a signed manifest; no signature is checked.  EM_ERR_LIMIT above
 * EM_MAX_MANIFEST, EM_ERR_COSE_DECODE_FAILED, EM_ERR_BAD_PROTECTED,
 * EM_ERR_BAD_UNPROTECTED, EM_ERR_BAD_SIG_LENGTH, EM_ERR_MANIFEST_MALFORMED. */
em_err em_manifest_parse(em_bytes signed_manifest, em_tensor tensors[EM_MAX_TENSORS],
                         em_manifest_body *ret_claims);

/* SHA-256 of the body of a signed manifest, whoever signed it; errors of the envelope as
 * above. */
em_err em_manifest_hash(em_bytes signed_manifest, uint8_t ret_hash[EM_MANIFEST_HASH_LEN]);

/* Claims become facts.  Beside em_manifest_parse's errors, in this order:
 * EM_ERR_MANIFEST_UNKNOWN (no publisher for this model id), EM_ERR_MANIFEST_KEY (not
 * signed by one of them), EM_ERR_MANIFEST_FLOOR, EM_ERR_MANIFEST_EXPIRED. */
em_err em_manifest_verify(em_bytes signed_manifest, const em_publisher *publishers,
                          size_t n, uint64_t now_ms, em_tensor tensors[EM_MAX_TENSORS],
                          em_manifest *ret_manifest);

/* Is the manifest still in date?  Asked again at every HELLO.  EM_ERR_MANIFEST_EXPIRED.
 */
em_err em_manifest_in_date(const em_manifest *manifest, uint64_t now_ms);

/* SHA-256("em/1 cek" || key): what a manifest says of its content key. */
void em_manifest_commitment(const em_content_key *key,
                            uint8_t ret_commitment[EM_SHA256_LEN]);

/* Is this the key that the manifest commits to?  EM_ERR_KEY_COMMITMENT. */
em_err em_manifest_check_key(const em_manifest_body *body, const em_content_key *key);

/* The bytes that a tensor of this layout and shape takes; EM_ERR_LIMIT where they do not
 * fit 64 bits, EM_ERR_MANIFEST_MALFORMED for an unknown layout. */
em_err em_manifest_tensor_len(em_layout layout, uint32_t rows, uint32_t cols,
                              uint64_t *ret_len);

/* Writes the body.  Checks what the reader checks (EM_ERR_MANIFEST_MALFORMED) and fails
 * the writer where it does not fit. */
em_err em_manifest_encode(const em_manifest_body *body, em_out *o);

/* Signs a body and writes the whole manifest.  EM_ERR_LIMIT above EM_MAX_MANIFEST,
 * EM_ERR_FULL where it does not fit. */
em_err em_manifest_sign(em_bytes body, const em_ed25519_secret *secret, em_out *o);

#endif
