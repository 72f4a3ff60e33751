/* peer_receipt.h - a receipt, and its companion, against the session they came from.
 *
 * Trust:  receipt and companion are hostile until verified; em_peer is a fact.
 * Memory: results view the receipt and companion; nothing is allocated.
 */
#ifndef EM_TRUST_PEER_RECEIPT_H
#define EM_TRUST_PEER_RECEIPT_H

#include "trust/companion.h"
#include "trust/peer.h"

/* What the holder of a receipt knows of the inference. */
typedef struct em_inference {
    bool has_sequence; /* a live client knows which request of the session it was */
    uint64_t sequence;
    bool has_request, has_response; /* the hashes, over bodies that are at hand */
    uint8_t request_hash[EM_SHA256_LEN], response_hash[EM_SHA256_LEN];
    bool has_model; /* a live client knows what it asked for */
    em_bytes model_id;
} em_inference;

/* The receipt against the session: all of PROTOCOL 3's checks that cannot be skipped.
 * What em_inference leaves out reads SKIP, the sequence no line.
 *
 *   RECEIPT_FORM, RECEIPT_SIGNATURE, RECEIPT_VALUES   as em_receipt_verify
 *   RECEIPT_DOCUMENT      ATTESTATION_DOC_HASH_MISMATCH
 *   RECEIPT_MEASUREMENTS  RECEIPT_MEASUREMENTS: another platform, or a PCR that is not
 *                         the document's  (detail: the PCR)
 *   RECEIPT_NONCE         NONCE_MISSING NONCE_MISMATCH
 *   RECEIPT_MODEL         MODEL_HASH_MISMATCH MODEL_ID_MISMATCH
 *                         UNKNOWN_MODEL_HASH_SCHEME  (detail: the model's index)
 *   RECEIPT_ISSUER        DEPLOYMENT
 *   RECEIPT_TIME          RECEIPT_TIME  (detail: seconds since the document)
 *   RECEIPT_MODE          RECEIPT_MODE
 *   RECEIPT_SEQUENCE      RECEIPT_SEQUENCE
 *   RECEIPT_REQUEST       REQUEST_HASH_MISMATCH
 *   RECEIPT_RESPONSE      RESPONSE_HASH_MISMATCH */
em_err em_peer_receipt(const em_peer *peer, em_bytes receipt,
                       const em_inference *inference, em_report *report,
                       em_receipt *ret_receipt);

/* The companion beside a verified receipt of this session: COMPANION.  Beside
 * em_companion_verify's checks, tokenizer and numeric profile are the manifest's. */
em_err em_peer_receipt_companion(const em_peer *peer, const em_receipt *receipt,
                                 em_bytes companion, em_report *report,
                                 em_companion *ret_companion);

#endif
