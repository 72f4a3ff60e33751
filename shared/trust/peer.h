/* peer.h - everything that a client proves of a session's other end, live or long after.
 *
 * em_peer_verify judges C1 and E1: document, policy, user_data, manifests.
 * trust/peer_receipt judges receipts against what that proved.  A live client and
 * archived verification run these very functions; they differ in time and in what they
 * hold.
 *
 * Trust:  records are hostile until verified; em_peer is a fact, and only em_peer_verify
 *         makes one.
 * Memory: em_peer copies all it keeps, about 9 KiB.  Nothing is allocated.
 */
#ifndef EM_TRUST_PEER_H
#define EM_TRUST_PEER_H

#include "trust/hello.h"
#include "trust/policy.h"

enum { EM_PROTOCOL_VERSION = 1 };

/* A model that the enclave serves, as its manifest says. */
typedef struct em_peer_model {
    uint8_t hash[EM_MANIFEST_HASH_LEN];
    size_t id_len, version_len;
    char id[EM_MAX_MODEL_ID + 1], version[EM_MAX_VERSION_TEXT + 1]; /* NUL behind */
    uint64_t number;
    em_ed25519_public publisher;
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
    const em_bytes *crls; /* DER revocation lists, of any of the chain's issuers */
    size_t n_crls;
    em_tensor *tensors; /* EM_MAX_TENSORS of them: scratch to read manifests with */
} em_peer_ask;

/* The session's document under the policy: checks SESSION_FORM to SESSION_PUBLISHERS.
 * DOC_NONCE is always checked: the document's nonce is recomputed from C1.  Errors of
 * em_hello_parse_c1, em_hello_parse_e1, em_attest_verify, em_policy_match;
 * EM_ERR_PURPOSE, EM_ERR_USER_DATA, EM_ERR_MANIFEST_MISSING where manifests and attested
 * hashes differ, em_manifest_verify's; EM_ERR_POLICY_REVOKED for a revoked receipt key,
 * publisher or manifest.  EM_ERR_USER_DATA also where public_key is not 32 bytes. */
em_err em_peer_verify(const em_peer_ask *ask, em_report *report, em_peer *ret_peer);

/* The model of this id; EM_ERR_MODEL_UNKNOWN. */
em_err em_peer_find(const em_peer *peer, em_bytes model_id,
                    const em_peer_model **ret_model);

#endif
