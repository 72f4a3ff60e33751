/* evidence.h - one file that lets a stranger verify an inference: PROTOCOL 3.
 *
 * Trust:  the file is hostile, the policy in it too: it counts only under a signer that
 *         the caller pinned.  em_evidence_facts exist only where every check that cannot
 *         be skipped passed.
 * Memory: views point into the file; nothing is allocated.  em_evidence_facts is about
 *         10 KiB; verification takes about 160 KiB of stack.
 */
#ifndef EM_TRUST_EVIDENCE_H
#define EM_TRUST_EVIDENCE_H

#include "trust/evidence_file.h"
#include "trust/peer_receipt.h"

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
