/* companion.h - what AIR's closed claims cannot say of an inference, signed beside it.
 *
 * A companion is a COSE_Sign1 (tag 18, EdDSA, content type
 * "application/em-companion+cbor") by the receipt key over
 *
 *   {v: 1, usage: {input: uint, output: uint}, status: tstr, numeric: tstr 1..32,
 *    receipt: bstr 32, tokenizer: bstr 32, parameters: map}
 *
 * in deterministic CBOR, closed.  `receipt` is SHA-256 of the whole AIR receipt; status
 * is END's word for how the answer ended; usage counts true tokens; `parameters` is a
 * map of at most EM_MAX_PARAMETERS bytes, as END carries it.
 *
 * Trust:  input is hostile.  em_companion is a fact only where em_companion_verify made
 *         it: the signature held and the digest is the given receipt's.
 * Memory: views point into the companion; nothing is allocated.
 */
#ifndef EM_TRUST_COMPANION_H
#define EM_TRUST_COMPANION_H

#include "trust/message.h"
#include "trust/receipt.h"

typedef struct em_companion {
    uint8_t receipt[EM_SHA256_LEN]; /* which receipt it stands beside */
    em_status status;               /* as END says */
    uint64_t input, output;         /* tokens, as END counts them */
    em_bytes numeric;               /* the numeric profile: "em-bert-f32/1" */
    em_bytes tokenizer;             /* 32 bytes: SHA-256 of the tokenizer's tables */
    em_bytes parameters;            /* one encoded CBOR map */
} em_companion;

/* COMPANION: EM_ERR_COMPANION for every breach of form, signature or digest. */
em_err em_companion_verify(em_bytes companion, const em_receipt *receipt,
                           em_report *report, em_companion *ret_companion);

/* Writes a signed companion of the receipt whose digest `companion->receipt` is.
 * EM_ERR_ARGUMENT for what em_companion_verify would refuse. */
em_err em_companion_sign(const em_companion *companion, const em_ed25519_secret *secret,
                         em_out *o);

#endif
