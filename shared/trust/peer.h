/* peer.h - everything that a client proves of a session's other end, live or long after.
 *
 * em_peer_verify judges C1 and E1: document, policy, user_data, manifests.
 * em_peer_receipt judges a receipt against what that proved.  A live client and archived
 * verification run these very functions; they differ in time and in what they hold.
 *
 * Trust:  records, policy and receipt are hostile until verified; em_peer and em_receipt
 *         are facts, and only these functions make them.
 * Memory: em_peer copies all it keeps, about 9 KiB.  Nothing is allocated.
 */
#ifndef EM_TRUST_PEER_H
#define EM_TRUST_PEER_H

#include "trust/companion.h"
#include "trust/hello.h"
#include "trust/policy.h"

enum { EM_PROTOCOL_VERSION = 1 };

/* A model that the enclave serves, as its manifest says. */
typedef struct em_peer_model {
    uint8_t hash[EM_MANIFEST_HASH_LEN];
    size_t id_len, version_len;
    char id[EM_MAX_MODEL_ID + 1], version[EM_MAX_VERSION_TEXT + 1]; /* NUL behind */
    uint64_t number;
    uint8_t tokenizer_sha256[EM_SHA256_LEN];
    size_t profile_len;
    char profile[EM_MAX_PROFILE + 1];
} em_peer_model;

typedef struct em_peer {
    em_attested attested;
    em_user_data user_data; /* receipt key and manifest hashes */
    size_t tuple;           /* which one of the policy matched */
    bool any_account;       /* it binds no account: say so */
    uint8_t policy_hash[EM_POLICY_HASH_LEN];
    uint8_t c1_nonce[EM_HELLO_NONCE_LEN];
    size_t deployment_len;
    char deployment[EM_MAX_DEPLOYMENT + 1];
    size_t n_models;
    em_peer_model model[EM_MAX_MODELS];
} em_peer;

typedef struct em_peer_ask {
    em_bytes c1, e1; /* whole records, head and body */
    const em_policy *policy;
    em_attest_when when;
    uint64_t at_ms; /* as em_attest_ask; a policy that was verified for the same time */
    em_x509_cache *cache; /* may be NULL */
    em_tensor *tensors;   /* EM_MAX_TENSORS of them: scratch to read manifests with */
} em_peer_ask;

/* The session's document under the policy: checks DOC_ENVELOPE to SESSION_PUBLISHERS.
 * DOC_NONCE is always checked: the document's nonce is recomputed from C1.  Errors of
 * em_hello_parse_c1, em_hello_parse_e1, em_attest_verify, em_policy_match;
 * EM_ERR_PURPOSE, EM_ERR_USER_DATA, EM_ERR_MANIFEST_MISSING where manifests and attested
 * hashes differ, em_manifest_verify's; EM_ERR_POLICY_REVOKED for a revoked receipt key,
 * publisher or manifest.  EM_ERR_USER_DATA also where public_key is not 32 bytes. */
em_err em_peer_verify(const em_peer_ask *ask, em_report *report, em_peer *ret_peer);

/* The model of this id; EM_ERR_MODEL_UNKNOWN. */
em_err em_peer_find(const em_peer *peer, em_bytes model_id,
                    const em_peer_model **ret_model);

/* What the holder of a receipt knows of the inference. */
typedef struct em_peer_inference {
    bool has_sequence; /* a live client knows which request of the session it was */
    uint64_t sequence;
    bool has_request, has_response; /* the hashes, over bodies that are at hand */
    uint8_t request_hash[EM_SHA256_LEN], response_hash[EM_SHA256_LEN];
    bool has_model; /* a live client knows what it asked for */
    em_bytes model_id;
} em_peer_inference;

/* The receipt against the session: all of PROTOCOL 3's checks that cannot be skipped.
 * What em_peer_inference leaves out reads SKIP, the sequence no line.
 *
 *   RECEIPT_FORM, RECEIPT_SIGNATURE, RECEIPT_VALUES   as em_receipt_verify
 *   RECEIPT_DOCUMENT      ATTESTATION_DOC_HASH_MISMATCH
 *   RECEIPT_MEASUREMENTS  RECEIPT_MEASUREMENTS: another platform, or a PCR that is not
 *                         the document's  (detail: the PCR)
 *   RECEIPT_NONCE         NONCE_MISSING NONCE_MISMATCH
 *   RECEIPT_MODEL         MODEL_HASH_MISMATCH MODEL_ID_MISMATCH
 *                         UNKNOWN_MODEL_HASH_SCHEME  (detail: the model's index)
 *   RECEIPT_ISSUER        DEPLOYMENT
 *   RECEIPT_TIME          RECEIPT_TIME  (detail: seconds since the document)
 *   RECEIPT_MODE          RECEIPT_MODE
 *   RECEIPT_SEQUENCE      RECEIPT_SEQUENCE
 *   RECEIPT_REQUEST       REQUEST_HASH_MISMATCH
 *   RECEIPT_RESPONSE      RESPONSE_HASH_MISMATCH */
em_err em_peer_receipt(const em_peer *peer, em_bytes receipt,
                       const em_peer_inference *inference, em_report *report,
                       em_receipt *ret_receipt);

/* The companion beside a verified receipt of this session: COMPANION.  Beside
 * em_companion_verify's checks, tokenizer and numeric profile are the manifest's. */
em_err em_peer_companion(const em_peer *peer, const em_receipt *receipt,
                         em_bytes companion, em_report *report,
                         em_companion *ret_companion);

#endif
