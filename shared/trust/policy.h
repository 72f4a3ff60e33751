/* policy.h - what the client's side is willing to talk to, as signed data.
 *
 * A policy is a COSE_Sign1 (tag 18, EdDSA, content type
 * "application/em-policy+cbor") over the body that trust/policy_body.h describes.
 *
 * Trust:  input is hostile.  em_policy_body is what somebody claims; em_policy
 *         exists only where a pinned signer's signature, the dates and the mode held.
 * Memory: views point into the signed bytes, which the caller keeps; nothing is
 *         allocated.  em_policy is about 12 KiB.
 */
#ifndef EM_TRUST_POLICY_H
#define EM_TRUST_POLICY_H

#include "trust/attest.h"
#include "trust/policy_body.h"

enum { EM_POLICY_HASH_LEN = EM_SHA256_LEN };

/* A fact: `body` was signed by `signer`, who is pinned, is well formed and in date. */
typedef struct em_policy {
    em_policy_body body;
    em_ed25519_public signer;
    uint8_t hash[EM_POLICY_HASH_LEN]; /* SHA-256 of the body */
} em_policy;

/* The claims of a signed policy; no signature is checked.  EM_ERR_POLICY_MALFORMED;
 * EM_ERR_POLICY_EMPTY without a root or tuple; EM_ERR_POLICY_MODE where the roots do not
 * fit the mode. */
em_err em_policy_parse(em_bytes signed_policy, em_policy_body *ret_claims);

/* Claims become facts, in this order: POLICY_SIGNER (EM_ERR_POLICY_SIGNER; none pinned
 * refuses), POLICY_FORM (em_policy_parse's errors), POLICY_DATES at `at_ms`, detail the
 * version (EM_ERR_POLICY_NOT_YET, EM_ERR_POLICY_EXPIRED).  Says nothing of versions seen
 * before: trust/policy_state. */
em_err em_policy_verify(em_bytes signed_policy, const em_ed25519_public *signers,
                        size_t n, uint64_t at_ms, em_report *report,
                        em_policy *ret_policy);

/* Like em_policy_verify without its dates: for what must hold at any time, a newer
 * policy's revocations over archived evidence. */
em_err em_policy_verify_undated(em_bytes signed_policy, const em_ed25519_public *signers,
                                size_t n, em_policy *ret_policy);

/* Step 9: does one tuple match these facts as a whole, at `at_ms`, speaking
 * `protocol`, and is nothing of it revoked?
 *
 *   DOC_TUPLE    POLICY_MODE where facts and policy differ in mode, ROOT_UNKNOWN where
 *                the facts' root is none of the policy's, POLICY_NO_MATCH
 *                (detail: the tuple)
 *   DOC_ACCOUNT  passes; detail 1 where the tuple allows any account: say so
 *   DOC_REVOKED  POLICY_REVOKED  (detail: the PCR) */
em_err em_policy_match(const em_policy *policy, const em_attested *facts,
                       uint64_t protocol, uint64_t at_ms, em_report *report,
                       size_t *ret_tuple);

/* EM_ERR_POLICY_REVOKED where the policy revokes this key, manifest hash, measurement. */
em_err em_policy_key_stands(const em_policy *policy, const uint8_t key[32]);
em_err em_policy_manifest_stands(const em_policy *policy, const uint8_t hash[32]);
em_err em_policy_measurement_stands(const em_policy *policy,
                                    const uint8_t pcr[EM_PCR_LEN]);

/* em_policy_body_write, under the name of what it is for. */
em_err em_policy_encode(const em_policy_body *body, em_out *o);

/* Signs an encoded body, after reading it as em_policy_parse would, and writes the
 * policy. */
em_err em_policy_sign(em_bytes body, const em_ed25519_secret *secret, em_out *o);

#endif
