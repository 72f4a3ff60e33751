/* attest.h - does this document speak for an enclave under a root we may believe?
 *
 * One verifier for every program: client, auditor's tools, the twin's KMS, the enclave's
 * own start.  It proves what the document says (steps 1 to 8); whether that is wanted is
 * trust/policy's to judge (step 9) or a key server's own conditions.  There is no input
 * that makes it verify less.
 *
 * Trust:  `document` is hostile.  Every field of em_attested has been proved; only
 *         em_attest_verify writes one.
 * Memory: em_attested is self-contained, about 5 KiB; nothing is allocated.
 */
#ifndef EM_TRUST_ATTEST_H
#define EM_TRUST_ATTEST_H

#include "crypto/x509.h"
#include "trust/document.h"
#include "trust/report.h"
#include "trust/roots.h"

/* Which time the chain is judged at. */
typedef enum em_attest_when {
    EM_ATTEST_LIVE = 1,   /* now: at_ms is the clock, and the document must be fresh */
    EM_ATTEST_AT,         /* archived, at the explicit time at_ms */
    EM_ATTEST_SELF_DATED, /* archived, at the time that the document itself claims */
} em_attest_when;

typedef struct em_attest_ask {
    const em_root *roots; /* any of these; an empty list refuses */
    size_t roots_n;
    em_attest_when when;
    uint64_t at_ms;    /* Unix ms; unused for EM_ATTEST_SELF_DATED */
    uint64_t fresh_ms; /* EM_ATTEST_LIVE: window, 0 for EM_FRESH_DEFAULT_MS, at most
                          EM_FRESH_MAX_MS */
    bool has_nonce;    /* false: the result says that the nonce was not checked */
    em_bytes nonce;
    em_x509_cache *cache; /* of verified CAs; may be NULL */
} em_attest_ask;

/* An optional byte string of the document. */
typedef struct em_attested_field {
    em_presence is;
    size_t len;
    uint8_t b[EM_MAX_DOCUMENT_FIELD];
} em_attested_field;

typedef struct em_attested {
    em_mode mode;           /* production: the root is AWS's */
    em_attest_when when;    /* how time was judged */
    uint64_t judged_at_ms;  /* the time that the chain was valid at */
    bool nonce_checked;     /* equal to the nonce that was asked for */
    uint64_t timestamp_ms;  /* when the NSM signed it, by its own clock */
    uint64_t not_before_ms; /* the chain's: the latest notBefore … */
    uint64_t not_after_ms;  /* … and the earliest notAfter (the leaf's, as a rule) */
    em_root root;
    uint8_t chain_sha256[32];    /* of everything above the leaf */
    uint8_t document_sha256[32]; /* of the document as received */
    size_t module_id_len;
    char module_id[EM_MAX_MODULE_ID + 1]; /* with a NUL behind */
    uint32_t pcr_present;                 /* bit i: PCR i is there */
    uint8_t pcr[EM_MAX_PCRS][EM_PCR_LEN]; /* zero where absent */
    em_attested_field public_key, user_data, nonce;
} em_attested;

/* Steps 1 to 8, in that order, each with its own error; names in capitals on the left are
 * the report's checks.
 *
 *   DOC_ENVELOPE   TOO_LARGE COSE_DECODE_FAILED BAD_PROTECTED BAD_UNPROTECTED
 *                  BAD_SIG_LENGTH
 *   DOC_PAYLOAD    PAYLOAD_MALFORMED NOT_AN_ENCLAVE
 *   DOC_ROOT       ROOT_UNKNOWN
 *   DOC_CHAIN      CHAIN_INVALID CERT_NOT_YET_VALID CERT_EXPIRED
 *                  (detail: how many certificates)
 *   DOC_SIGNATURE  SIG_FAILED
 *   DOC_TIME       STALE_DOCUMENT FUTURE_DOCUMENT; no line when archived
 *                  (detail: age in ms)
 *   DOC_NONCE      NONCE_MISMATCH; skipped where none is asked for
 *   DOC_DEBUG      DEBUG_ENCLAVE  (detail: the PCR)
 *   DOC_PCR4       PCR4_MISMATCH; no line where PCR4 is absent or zero, nor where it
 *                  differs under a root that is not AWS's
 *
 * EM_ERR_ARGUMENT for a window or time mode that is none. */
em_err em_attest_verify(em_bytes document, const em_attest_ask *ask, em_report *report,
                        em_attested *ret_facts);

/* PCR i, EM_PCR_LEN bytes; empty when the document has none. */
em_bytes em_attest_pcr(const em_attested *facts, unsigned i);

/* The bytes of an optional field; empty when absent or null. */
em_bytes em_attest_bytes(const em_attested_field *field);

#endif
