/* answer.h - the DATA of an answer, by op.  Each DATA record's body is a map of its own,
 * deterministic CBOR and closed; keys stand in the order they have on the wire:
 *
 *   embed   {dim: uint, first: uint, tokens: [1*1024 uint], vectors: bstr,
 *            truncated: [1*1024 bool]}
 *   classify, rerank
 *           embed's map: dim is the number of labels, a row the scores of one input
 *           (text, or query and document), tokens those of the whole sequence
 *   models  {models: [0*8 card]}
 *   card    {id: tstr, dim: uint, ops: [1*6 tstr], number: uint, profile: tstr,
 *            version: tstr, manifest: bstr 32, max_tokens: uint, not_after_ms: uint}
 *   status  {enclave: enclave, session: session}
 *   enclave {mode: tstr, models: uint, protocol: 1, software: tstr, uptime_ms: uint,
 *            deployment: tstr, configuration: tstr}
 *   session {age_ms: uint, tokens: uint, left_ms: uint, bytes_in: uint, messages: uint,
 *            bytes_out: uint}
 *
 * vectors are rows of little-endian f32, as many as tokens and truncated have items.
 *
 * Trust:  what a parser gives is the peer's claim, well formed and within limits.
 *         EM_ERR_ANSWER_MALFORMED for every breach of form, EM_ERR_LIMIT where something
 *         is legal but too much.
 * Memory: views point into the input; arrays are the caller's.  Nothing is allocated.
 */
#ifndef EM_TRUST_ANSWER_H
#define EM_TRUST_ANSWER_H

#include "trust/message.h"

typedef struct em_embed_text {
    uint32_t tokens; /* computed on, special tokens included */
    bool truncated;  /* the text was longer */
} em_embed_text;

/* Some rows of an embed, classify or rerank answer: all three are of one form.  Records
 * follow each other without gap: `first` is the number of rows before, `dim` never
 * changes, and the rows of all are the inputs. */
typedef struct em_embed_part {
    size_t first, n;
    uint32_t dim;
    const em_embed_text *text; /* n of them */
    em_bytes vectors;          /* n rows of dim f32, little-endian */
} em_embed_part;

em_err em_answer_parse_embed(em_bytes body, em_embed_text texts[EM_MAX_INPUTS],
                             em_embed_part *ret_part);
void em_answer_put_embed(em_out *o, const em_embed_part *part);

/* How many rows of this dimension one DATA record carries, at least 1; `dim` is 1 ..
 * EM_MAX_DIM. */
size_t em_answer_embed_rows(uint32_t dim);

typedef struct em_model_card {
    em_bytes id, version, profile; /* as the manifest says */
    uint64_t number;               /* of the version */
    uint8_t manifest[32];          /* manifest hash: compare with user_data */
    uint64_t not_after_ms;
    uint32_t dim;        /* numbers in a row of its answers: hidden size, or labels */
    uint32_t max_tokens; /* of a sequence, special tokens included */
    unsigned ops; /* bit em_op set: served with this model; at least one.  embed where it
                     has no labels, classify where it has, rerank where it has just one */
} em_model_card;

em_err em_answer_parse_models(em_bytes body, em_model_card ret_cards[EM_MAX_MODELS],
                              size_t *ret_n);
void em_answer_put_models(em_out *o, const em_model_card *cards, size_t n);

/* The caller's own session, and what is public of the enclave: never of other sessions.
 */
typedef struct em_status_body {
    em_bytes mode;          /* "production" or "evaluation": security_mode of receipts */
    em_bytes software;      /* version of the program */
    em_bytes deployment;    /* of the configuration */
    em_bytes configuration; /* the configuration's version text */
    uint64_t models, uptime_ms;
    uint64_t age_ms, left_ms; /* of the session */
    uint64_t messages, bytes_in, bytes_out, tokens;
} em_status_body;

em_err em_answer_parse_status(em_bytes body, em_status_body *ret_status);
void em_answer_put_status(em_out *o, const em_status_body *status);

#endif
