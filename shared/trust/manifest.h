/* manifest.h - a publisher's signed word on a model: PROTOCOL 4.
 *
 * A manifest is a COSE_Sign1 (tag 18, EdDSA, content type "application/em-manifest+cbor")
 * over a body (manifest_body.h).  The manifest hash is SHA-256(body); it names the model
 * in attestations and receipts.
 *
 * Trust:  input is hostile.  em_manifest_body is what somebody claims; em_manifest exists
 *         only where a named publisher's signature, the floor and the date held.
 * Memory: texts and names are views into the input; the tensor array is the caller's and
 *         stays with the result (after an error its contents mean nothing).  Nothing is
 *         allocated.
 */
#ifndef EM_TRUST_MANIFEST_H
#define EM_TRUST_MANIFEST_H

#include "crypto/ed25519.h"
#include "trust/manifest_body.h"

enum { EM_MANIFEST_HASH_LEN = EM_SHA256_LEN };

/* The key that a bundle's chunks are sealed under; drawn anew for each packing. */
EM_SECRET(em_content_key, 32);

/* Who may publish a model, and the least version number that is still accepted.  A model
 * may be named more than once (a key being replaced). */
typedef struct em_publisher {
    em_bytes model;
    em_ed25519_public key;
    uint64_t floor;
} em_publisher;

/* A fact: `body` was signed by `publisher`, whom the verifier was told to believe for
 * this model; its number is not below the floor and its date had not passed. */
typedef struct em_manifest {
    em_manifest_body body;
    uint8_t hash[EM_MANIFEST_HASH_LEN];
    em_ed25519_public publisher;
} em_manifest;

/* The claims of a signed manifest; no signature is checked.  EM_ERR_LIMIT above
 * EM_MAX_MANIFEST, EM_ERR_COSE_DECODE_FAILED, EM_ERR_BAD_PROTECTED,
 * EM_ERR_BAD_UNPROTECTED, EM_ERR_BAD_SIG_LENGTH (sign1.h), EM_ERR_MANIFEST_MALFORMED. */
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

/* The encryption context under which KMS wraps the content key: "em:model" (id),
 * "em:version" (the number, decimal), "em:manifest" (lower hex of the manifest hash).
 * Values view the body and the struct itself: it is not to be copied or moved. */
enum { EM_MANIFEST_CONTEXT = 3 };
typedef struct em_manifest_context {
    em_bytes name[EM_MANIFEST_CONTEXT], value[EM_MANIFEST_CONTEXT];
    uint8_t hex[2 * EM_MANIFEST_HASH_LEN], decimal[20];
} em_manifest_context;
void em_manifest_context_of(const em_manifest_body *body,
                            const uint8_t hash[EM_MANIFEST_HASH_LEN],
                            em_manifest_context *ret_context);

/* Signs a body and writes the whole manifest.  EM_ERR_LIMIT above EM_MAX_MANIFEST,
 * EM_ERR_FULL where it does not fit. */
em_err em_manifest_sign(em_bytes body, const em_ed25519_secret *secret, em_out *o);

#endif
