/* cose.h - the COSE_Sign1 envelope (RFC 9052 4.2): parts out, Sig_structure in.
 *
 * Trust:  input is hostile; the parts are claims until a verifier checked the signature
 *         over em_cose_tbs.  Payload bytes are used as received, never re-encoded.
 * Memory: views point into the input.
 */
#ifndef EM_WIRE_COSE_H
#define EM_WIRE_COSE_H

#include "wire/cbor.h"

typedef struct em_cose_sign1 {
    em_bytes protected;   /* contents of the bstr: the encoded header map */
    em_bytes unprotected; /* the encoded map as received */
    bool has_payload;     /* false for nil */
    em_bytes payload;
    em_bytes signature;
} em_cose_sign1;

typedef enum em_cose_tag {
    EM_COSE_UNTAGGED, /* refuse a tag */
    EM_COSE_TAGGED,   /* demand tag 18 */
    EM_COSE_EITHER,
} em_cose_tag;

/* Shortest-form heads, exactly four members, nothing behind; unprotected labels in any
 * order, none twice, 16 at most.  EM_ERR_COSE_DECODE_FAILED for every breach. */
em_err em_cose_parse(em_bytes in, em_cose_tag tag, em_cose_sign1 *ret_parts);

/* Sig_structure ["Signature1", protected, external, payload] (RFC 9052 4.4): the head
 * parts around the payload, so that a large payload is not copied.  Writes everything up
 * to the payload's own bytes (its head included). */
void em_cose_put_tbs_head(em_out *o, em_bytes protected, em_bytes external,
                          size_t payload_len);

/* The whole Sig_structure into `buf`; EM_ERR_FULL where it does not fit. */
em_err em_cose_tbs(const em_cose_sign1 *parts, em_bytes external, uint8_t *buf,
                   size_t cap, em_bytes *ret_tbs);

/* Writes a COSE_Sign1 with an empty unprotected header. */
void em_cose_put_sign1(em_out *o, bool tagged, em_bytes protected, em_bytes payload,
                       em_bytes signature);

#endif
