/* policy_body.h - what a policy says: roots, measurements, publishers, revocations.
 *
 * Deterministic CBOR.  All maps are closed; keys stand in the order they have on the
 * wire; arrays are strictly ascending in their encoded bytes, so that a policy has one
 * form:
 *
 *   body      {v: 1, id: tstr 1..128, mode: "production" / "evaluation",
 *              roots: [1*8 bstr 32], tuples: [1*32 tuple], revoked: revoked,
 *              version: 1..2^63-1, freshness: 1..900000 (ms), not_after: ms,
 *              not_before: ms, publishers: [0*32 publisher]}
 *   tuple     {pcr0: bstr 48, pcr1: bstr 48, pcr2: bstr 48, ? pcr3: bstr 48,
 *              ? pcr4: bstr 48, ? pcr8: bstr 48, protocol: uint, not_after: ms,
 *              ? any_account: true}
 *   revoked   {keys: [0*256 bstr 32], manifests: [0*256 bstr 32],
 *              measurements: [0*256 bstr 48]}
 *   publisher {key: bstr 32, floor: uint, model: tstr 1..128}
 *
 * A tuple has pcr3 or pcr4 or both, or else any_account and neither.  No measurement and
 * no root is zero.  No model is named twice with the same key.
 *
 * Trust:  input is hostile and what comes out are claims; trust/policy.h makes facts.
 * Memory: views point into the body; nothing is allocated.
 */
#ifndef EM_TRUST_POLICY_BODY_H
#define EM_TRUST_POLICY_BODY_H

#include "base/limits.h"
#include "base/write.h"
#include "trust/manifest.h"
#include "trust/roots.h"

enum { EM_POLICY_BODY_MEMBERS = 11 };

/* Which measurements are believed, together.  Views are of EM_PCR_LEN bytes; empty: not
 * asked for. */
typedef struct em_policy_tuple {
    em_bytes pcr0, pcr1, pcr2, pcr3, pcr4, pcr8;
    uint64_t protocol;     /* the least protocol version that may be spoken */
    uint64_t not_after_ms; /* the last millisecond at which it counts */
    bool any_account;      /* the same image in anybody's account; always reported */
} em_policy_tuple;

typedef struct em_policy_body {
    em_bytes id;
    uint64_t version;
    em_mode mode;
    uint64_t not_before_ms, not_after_ms; /* at most EM_MAX_POLICY_DAYS apart */
    uint64_t freshness_ms;
    size_t n_roots, n_tuples, n_publishers;
    em_root root[EM_MAX_ROOTS];
    em_policy_tuple tuple[EM_MAX_TUPLES];
    em_publisher publisher[EM_MAX_PUBLISHERS];
    size_t n_revoked_keys, n_revoked_manifests, n_revoked_measurements;
    const uint8_t *revoked_key[EM_MAX_REVOKED];      /* 32 bytes: publisher or receipt */
    const uint8_t *revoked_manifest[EM_MAX_REVOKED]; /* 32 bytes: manifest hash */
    const uint8_t *revoked_measurement[EM_MAX_REVOKED]; /* EM_PCR_LEN bytes: any PCR */
} em_policy_body;

/* EM_ERR_POLICY_MALFORMED; EM_ERR_POLICY_EMPTY without a root or tuple;
 * EM_ERR_POLICY_MODE where the roots do not fit the mode. */
em_err em_policy_body_read(em_bytes body, em_policy_body *ret_claims);

/* Writes the body.  Arrays may come in any order and are written ascending; what
 * em_policy_body_read refuses is refused here with the same errors, the writer's own
 * where it does not fit. */
em_err em_policy_body_write(const em_policy_body *body, em_out *o);

#endif
