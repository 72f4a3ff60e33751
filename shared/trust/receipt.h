/* receipt.h - AIR v1 receipts: a COSE_Sign1 over closed CWT claims, made and verified.
 *
 * Verification has four layers, each with its own errors, in the specification's order:
 * parse and profile, signature, values of claims, policy.  Stricter than the
 * specification's first implementation: bytes behind the end, integers not in shortest
 * form, keys unsorted or doubled are refused.
 *
 * Trust:  input is hostile.  em_receipt_claims is what a receipt says; em_receipt exists
 *         only where the signature under the key that was asked for held.  Whether that
 *         key is an enclave's is trust/peer's to say.
 * Memory: views point into the receipt; nothing is allocated.
 */
#ifndef EM_TRUST_RECEIPT_H
#define EM_TRUST_RECEIPT_H

#include "crypto/ed25519.h"
#include "crypto/sha2.h"
#include "trust/receipt_claims.h"

/* A fact: these claims were signed under `key`. */
typedef struct em_receipt {
    em_receipt_claims claims;
    em_ed25519_public key;
    uint8_t sha256[EM_SHA256_LEN]; /* of the whole receipt: what a companion carries */
} em_receipt;

/* Layer 4: what the receipt must say.  A view with at NULL is not asked for; an empty one
 * is. */
typedef struct em_receipt_ask {
    bool has_now; /* check iat against the clock */
    uint64_t now_s;
    bool has_max_age;
    uint64_t max_age_s;
    uint64_t max_skew_s; /* how far iat may lie in the future */
    em_bytes model_hash, request_hash, response_hash, attestation_doc_hash;
    em_bytes model_id, security_mode, platform;
    bool reject_evaluation;
    bool has_nonce;
    em_bytes nonce;
    const em_bytes *seen_cti; /* receipts seen before, by cti */
    size_t n_seen;
} em_receipt_ask;

/* The first layer: RECEIPT_FORM.  EM_ERR_RECEIPT_TOO_LARGE, _COSE_DECODE_FAILED,
 * _NON_EMPTY_UNPROTECTED, _BAD_ALG, _BAD_CONTENT_TYPE, _MISSING_PAYLOAD,
 * _PAYLOAD_NOT_MAP, and with the claim's name as the report's subject _MISSING_CLAIM,
 * _WRONG_TYPE, _UNKNOWN_CLAIM (subject: the key itself, in decimal or as text),
 * _DUPLICATE_CLAIM, _BAD_HASH_LENGTH; _WRONG_PROFILE. */
em_err em_receipt_parse(em_bytes receipt, em_report *report,
                        em_receipt_claims *ret_claims);

/* The first three layers, under `key`: RECEIPT_FORM, RECEIPT_SIGNATURE, RECEIPT_VALUES.
 * What the receipt ought to say is the caller's to ask: em_receipt_verify, trust/peer. */
em_err em_receipt_open(em_bytes receipt, const em_ed25519_public *key, em_report *report,
                       em_receipt *ret_receipt);

/* All four layers; names in capitals on the left are the report's checks.
 *
 *   RECEIPT_SIGNATURE  BAD_SIG_LENGTH SIG_FAILED
 *   RECEIPT_VALUES     BAD_CTI_LENGTH ZERO_MODEL_HASH BAD_MEASUREMENT_LENGTH, and with
 *                      a subject UNKNOWN_MTYPE UNKNOWN_MODEL_HASH_SCHEME
 *                      UNKNOWN_SECURITY_MODE BAD_VALUE
 *   RECEIPT_FRESH      CLOCK_ERROR TIMESTAMP_FUTURE TIMESTAMP_STALE  (detail: age in s)
 *   RECEIPT_MODEL      MODEL_HASH_MISMATCH MODEL_ID_MISMATCH
 *   RECEIPT_REQUEST    REQUEST_HASH_MISMATCH
 *   RECEIPT_RESPONSE   RESPONSE_HASH_MISMATCH
 *   RECEIPT_DOCUMENT   ATTESTATION_DOC_HASH_MISMATCH
 *   RECEIPT_MODE       SECURITY_MODE_MISMATCH EVALUATION_MODE_REJECTED
 *   RECEIPT_PLATFORM   PLATFORM_MISMATCH
 *   RECEIPT_NONCE      NONCE_MISSING NONCE_MISMATCH
 *   RECEIPT_REPLAY     REPLAY_CTI
 *
 * What `ask` leaves out is skipped and reported so; `ask` may be NULL. */
em_err em_receipt_verify(em_bytes receipt, const em_ed25519_public *key,
                         const em_receipt_ask *ask, em_report *report,
                         em_receipt *ret_receipt);

/* Writes a signed receipt.  Refuses claims that em_receipt_verify would refuse, with the
 * same errors. */
em_err em_receipt_sign(const em_receipt_claims *claims, const em_ed25519_secret *secret,
                       em_out *o);

#endif
