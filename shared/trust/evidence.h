/* evidence.h - one file that lets a stranger verify an inference: PROTOCOL 3.
 *
 *   {v: 1, ? crls: [1*8 bstr], hello: bstr (C1 record), ? answer: records,
 *    attest: bstr (E1 record), policy: bstr, receipt: bstr, ? request: records,
 *    ? companion: bstr}
 *   records = [1*4096 [type: uint, body: bstr]]
 *
 * in deterministic CBOR, closed.  Request records are DATA; an answer's are DATA and,
 * last, END; bodies are opened, without length and padding.
 *
 * Trust:  the file is hostile, the policy in it too: it counts only under a signer that
 *         the caller pinned.  em_evidence_facts exist only where every check that cannot
 *         be skipped passed.
 * Memory: views point into the file; nothing is allocated.  em_evidence_facts is about
 *         10 KiB; verification takes about 160 KiB of stack.
 */
#ifndef EM_TRUST_EVIDENCE_H
#define EM_TRUST_EVIDENCE_H

#include "trust/peer_receipt.h"

/* A record of a request or answer, opened. */
typedef struct em_evidence_record {
    em_record_type type;
    em_bytes body;
} em_evidence_record;

/* What an evidence file is made of.  Empty optional parts are left out. */
typedef struct em_evidence_parts {
    em_bytes receipt, companion /* optional */, hello, attest, policy;
    const em_evidence_record *request, *answer; /* optional */
    size_t n_request, n_answer;
    const em_bytes *crls; /* DER; optional */
    size_t n_crls;
} em_evidence_parts;

/* The bytes that em_evidence_encode will write; EM_ERR_LIMIT above EM_MAX_EVIDENCE. */
em_err em_evidence_len(const em_evidence_parts *parts, size_t *ret_len);

/* Writes the file. */
em_err em_evidence_encode(const em_evidence_parts *parts, em_out *o);

/* A file taken apart: claims. */
typedef struct em_evidence {
    em_bytes receipt, companion, hello, attest, policy;
    bool has_request, has_answer;
    em_bytes request, answer; /* the encoded arrays of records, well formed */
    size_t n_crls;
    em_bytes crl[EM_MAX_CRLS];
} em_evidence;

/* EM_ERR_EVIDENCE_MALFORMED for any breach; EM_ERR_LIMIT above EM_MAX_EVIDENCE. */
em_err em_evidence_parse(em_bytes file, em_evidence *ret_claims);

/* SHA-256 over the bodies of encoded records, one after the other: what request_hash and
 * response_hash are made of. */
em_err em_evidence_hash(em_bytes records, uint8_t ret_hash[EM_SHA256_LEN]);

typedef struct em_evidence_ask {
    const em_ed25519_public *signers; /* pinned policy signers; none refuses */
    size_t n_signers;
    em_bytes policy; /* optional, stands in for the file's: see below */
    bool has_time;   /* judge at at_ms; else at the document's own time */
    uint64_t at_ms;
    em_tensor *tensors; /* EM_MAX_TENSORS: scratch */
} em_evidence_ask;

/* A fact: this inference happened as the receipt says, in an enclave that the policy
 * believes. */
typedef struct em_evidence_facts {
    em_peer peer; /* mode and PCRs in peer.attested */
    em_receipt receipt;
    bool has_companion;
    em_companion companion;
    bool self_dated; /* time was judged by the document's own word */
    uint64_t judged_at_ms;
    bool policy_given; /* judged by the caller's policy, not by the file's */
    uint64_t policy_version;
    em_ed25519_public policy_signer;
} em_evidence_facts;

/* Verifies all of it; the report has a line for every check.  A policy of the caller's
 * takes the place of the file's when it is valid at the judged time; where it begins
 * later, the file's judges and the caller's adds its revocations.  The highest-seen rule
 * is the live client's and is not applied. */
em_err em_evidence_verify(em_bytes file, const em_evidence_ask *ask, em_report *report,
                          em_evidence_facts *ret_facts);

#endif
