/* evidence_file.h - the bytes of an evidence file: taken apart, and made.
 *
 *   {v: 1, ? crls: [1*8 bstr], hello: bstr (C1 record), ? answer: records,
 *    attest: bstr (E1 record), policy: bstr, receipt: bstr, ? request: records,
 *    ? companion: bstr}
 *   records = [1*4096 [type: uint, body: bstr]]
 *
 * in deterministic CBOR, closed.  Request records are DATA; an answer's are DATA and,
 * last, END; bodies are opened, without length and padding.
 *
 * Trust:  hostile bytes in, claims out; trust/evidence.h makes facts.
 * Memory: views point into the file; nothing is allocated.
 */
#ifndef EM_TRUST_EVIDENCE_FILE_H
#define EM_TRUST_EVIDENCE_FILE_H

#include "base/limits.h"
#include "base/write.h"
#include "crypto/sha2.h"
#include "trust/hello.h"
#include "wire/cbor.h"

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

/* The bytes that em_evidence_file_write will write; EM_ERR_LIMIT above EM_MAX_EVIDENCE.
 */
em_err em_evidence_file_len(const em_evidence_parts *parts, size_t *ret_len);

/* Writes the file.  EM_ERR_EVIDENCE_MALFORMED where em_evidence_file_read would not take
 * it. */
em_err em_evidence_file_write(const em_evidence_parts *parts, em_out *o);

/* A file taken apart: claims. */
typedef struct em_evidence {
    em_bytes receipt, companion, hello, attest, policy;
    bool has_request, has_answer;
    em_bytes request, answer; /* the encoded arrays of records, well formed */
    size_t n_crls;
    em_bytes crl[EM_MAX_CRLS];
} em_evidence;

/* EM_ERR_EVIDENCE_MALFORMED for any breach; EM_ERR_LIMIT above EM_MAX_EVIDENCE. */
em_err em_evidence_file_read(em_bytes file, em_evidence *ret_claims);

/* Walks well-formed encoded records, in order; `left` are still to come. */
typedef struct em_evidence_walk {
    em_cbor c;
    size_t left;
} em_evidence_walk;
em_evidence_walk em_evidence_file_walk(em_bytes records);

/* The next one; false behind the last. */
bool em_evidence_file_next(em_evidence_walk *walk, em_evidence_record *ret_record);

/* SHA-256 over the bodies of well-formed encoded records, one after the other: what
 * request_hash and response_hash are made of. */
void em_evidence_file_hash(em_bytes records, uint8_t ret_hash[EM_SHA256_LEN]);

/* The body of the last of them: an answer's END. */
em_bytes em_evidence_file_last(em_bytes records);

#endif
