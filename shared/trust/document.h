/* document.h - the attestation document's bytes, taken apart: claims, nothing more.
 *
 * Both shapes that AWS has made are read: the payload as a definite map (before late
 * 2025) and as an indefinite one, keys in any order, optional fields absent, null or
 * empty.
 *
 * Trust:  hostile bytes in, claims out.  Nothing here has been proved; trust/attest makes
 *         facts of it and everything else wants those.
 * Memory: views point into the document.
 */
#ifndef EM_TRUST_DOCUMENT_H
#define EM_TRUST_DOCUMENT_H

#include "base/limits.h"
#include "wire/cose.h"

typedef enum em_presence { EM_ABSENT = 0, EM_NULL, EM_PRESENT } em_presence;

/* An optional byte string; EM_PRESENT with no bytes is an empty one. */
typedef struct em_document_field {
    em_presence is;
    em_bytes bytes;
} em_document_field;

typedef struct em_document {
    em_cose_sign1 cose;
    em_bytes module_id;
    uint64_t timestamp_ms;
    uint32_t pcr_present;                /* bit i: PCR i is there */
    const uint8_t *pcr[EM_MAX_PCRS];     /* EM_PCR_LEN bytes each, NULL when absent */
    em_bytes certificate;                /* the leaf, DER */
    size_t cabundle_n;                   /* 1 .. EM_MAX_CHAIN - 1 */
    em_bytes cabundle[EM_MAX_CHAIN - 1]; /* root first */
    em_document_field public_key, user_data, nonce;
} em_document;

/* The envelope: size, untagged COSE_Sign1, headers, length of the signature.
 * EM_ERR_TOO_LARGE, _COSE_DECODE_FAILED, _BAD_PROTECTED, _BAD_UNPROTECTED,
 * _BAD_SIG_LENGTH. */
em_err em_document_envelope(em_bytes document, em_cose_sign1 *ret_cose);

/* Envelope and payload.  Further EM_ERR_PAYLOAD_MALFORMED, EM_ERR_NOT_AN_ENCLAVE. */
em_err em_document_parse(em_bytes document, em_document *ret_claims);

/* The part of module_id before "-enc": the instance's id.  Empty when there is none. */
em_bytes em_document_instance(em_bytes module_id);

#endif
