/* receipt_claims.h - the claims of an AIR v1 receipt, read out of its payload.
 *
 * Trust:  input is hostile and what comes out are claims; trust/receipt.h makes facts.
 * Memory: views point into the payload; nothing is allocated.
 */
#ifndef EM_TRUST_RECEIPT_CLAIMS_H
#define EM_TRUST_RECEIPT_CLAIMS_H

#include "base/limits.h"
#include "base/write.h"
#include "crypto/sha2.h"
#include "trust/report.h"

#define EM_RECEIPT_PROFILE "https://spec.cyntrisec.com/air/v1"
#define EM_RECEIPT_NITRO "nitro-pcr"
#define EM_RECEIPT_TDX "tdx-mrtd-rtmr"
#define EM_RECEIPT_SCHEME "sha256-manifest"

enum { EM_RECEIPT_CTI_LEN = 16, EM_RECEIPT_HASH_LEN = 32 };

/* pcr0, 1, 2 always; 3, 4, 8 where present (at NULL otherwise). */
typedef struct em_receipt_measurements {
    em_bytes type;
    em_bytes pcr0, pcr1, pcr2, pcr3, pcr4, pcr8;
} em_receipt_measurements;

/* The claims, under the names of the CDDL.  An optional claim that is absent has at NULL.
 */
typedef struct em_receipt_claims {
    em_bytes iss;
    uint64_t iat; /* Unix seconds */
    em_bytes cti;
    em_bytes eat_nonce; /* optional */
    em_bytes model_id, model_version;
    em_bytes model_hash, request_hash, response_hash, attestation_doc_hash;
    em_receipt_measurements measurements;
    em_bytes policy_version;
    uint64_t sequence_number, execution_time_ms, memory_peak_mb;
    em_bytes security_mode;
    em_bytes model_hash_scheme; /* optional */
} em_receipt_claims;

/* Reads the closed map.  EM_ERR_PAYLOAD_NOT_MAP (also: not deterministic), and with the
 * claim's name as the report's subject EM_ERR_MISSING_CLAIM, EM_ERR_WRONG_TYPE,
 * EM_ERR_UNKNOWN_CLAIM (subject: the key itself, in decimal or as text),
 * EM_ERR_DUPLICATE_CLAIM, EM_ERR_BAD_HASH_LENGTH; EM_ERR_WRONG_PROFILE. */
em_err em_receipt_claims_read(em_bytes payload, em_report *report,
                              em_receipt_claims *ret_claims);

#endif
