/* manifest_body.h - what a manifest says of a model, its bundle and its origin.
 *
 * The body is a closed map in deterministic CBOR; docs/FORMATS.md has its CDDL.
 *
 * Trust:  input is hostile and what comes out are claims: of the right form, said by
 *         nobody yet.  trust/manifest.h makes facts of them.
 * Memory: texts and names are views into the input; the tensor array is the caller's, of
 *         EM_MAX_TENSORS, and stays with the result.  Nothing is allocated.
 */
#ifndef EM_TRUST_MANIFEST_BODY_H
#define EM_TRUST_MANIFEST_BODY_H

#include "base/limits.h"
#include "base/model.h"
#include "base/write.h"
#include "crypto/sha2.h"

enum { EM_BUNDLE_ID_LEN = 32 };

/* A file that the model was made from: the publisher's statement. */
typedef struct em_source {
    em_bytes name;
    uint64_t len;
    uint8_t sha256[EM_SHA256_LEN];
} em_source;

/* What a model wants before an input of some kind: "query" asks for "query: ". */
typedef struct em_prompt {
    em_bytes name; /* at most EM_MAX_PROMPT_NAME */
    em_bytes text; /* UTF-8 without NUL, at most EM_MAX_PROMPT, may be empty */
} em_prompt;

/* The body.  As read, it has passed every check of form: texts UTF-8 and within their
 * limits, chunk count and length consistent, tensors aligned, ascending, disjoint, inside
 * the image, of the length that layout and shape give, uniquely named. */
typedef struct em_manifest_body {
    em_bytes id;           /* the model's, at most EM_MAX_MODEL_ID */
    em_bytes version;      /* text, at most EM_MAX_VERSION_TEXT */
    uint64_t number;       /* monotonic; floors compare this */
    uint64_t not_after_ms; /* the last millisecond at which it is accepted */
    em_bytes profile;      /* numeric profile: "em-bert-f32/1" */
    em_bytes licence;      /* an SPDX identifier or a name */
    em_bytes kms_key;      /* ARN of the key that wraps the content key */

    em_model model;                /* model.tensor is the caller's array */
    em_bytes label[EM_MAX_LABELS]; /* model.shape.labels names */
    uint32_t n_prompts;
    em_prompt prompt[EM_MAX_PROMPTS]; /* names are distinct */
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

/* The claims of an encoded body.  EM_ERR_MANIFEST_MALFORMED for every breach. */
em_err em_manifest_body_read(em_bytes body, em_tensor tensors[EM_MAX_TENSORS],
                             em_manifest_body *ret_claims);

/* Writes the body.  Checks what the reader checks (EM_ERR_MANIFEST_MALFORMED), so that
 * what was written reads back; the writer's own error where it does not fit. */
em_err em_manifest_body_encode(const em_manifest_body *body, em_out *o);

#endif
