/* message.h - what is said inside a session: requests, how answers end, receipts.
 *
 * A request is the bodies of its DATA records, one after the other: one map.  An answer
 * is DATA records (trust/answer.h), one END and, after every inference, one RECEIPT.
 * All maps are deterministic CBOR and closed; keys stand in the order they have on the
 * wire:
 *
 *   request  {op: tstr, salt: bstr 16, ? model: tstr 1..128, ? inputs: [1*1024 tstr],
 *             ? parameters: {1*16 tstr => any}}
 *   END      {code: 0..23, salt: bstr 16, usage: {input: uint, output: uint},
 *             status: tstr, parameters: {0*16 tstr => any}}
 *   RECEIPT  {receipt: bstr, ? companion: bstr}
 *
 * op is "embed", "classify", "rerank" or "generate", with model and inputs; or "models"
 * or "status", with nothing but a salt.  parameters, by op:
 *
 *   embed     {truncate: bool}; absent is {truncate: true}
 *   classify  the same
 *   rerank    {query: tstr, ? truncate: bool}; needed, and the query is not empty.  The
 *             inputs are the documents: each is judged together with the query
 *   generate  any map: legal, and answered "error" with EM_FACE_UNSUPPORTED
 *
 * parameters of END after any of the first three, as used: {truncate: bool, max_tokens:
 * uint}.  A sequence was cut where it had more tokens than max_tokens, the model's limit,
 * special tokens included: a text at its end, a pair at the end of the longer one, token
 * by token.  With truncate false such a request is refused.  END of what never began, of
 * models and of status has {}.
 *
 * status is "stop", "length", "cancelled", "refused", "busy" or "error"; code is an
 * em_face, 0 with stop and length and with nothing else.
 *
 * The bodies of AUTH (of clients "anyone") and CANCEL are empty.
 *
 * Trust:  what a parser gives is the peer's claim, well formed and within limits; whether
 *         to serve or believe it is the caller's.  EM_ERR_REQUEST_MALFORMED or
 *         EM_ERR_ANSWER_MALFORMED for every breach of form, EM_ERR_LIMIT where something
 *         is legal but too much.
 * Memory: views point into the input; arrays are the caller's.  Nothing is allocated.
 */
#ifndef EM_TRUST_MESSAGE_H
#define EM_TRUST_MESSAGE_H

#include "base/limits.h"
#include "base/write.h"

/* Requests --------------------------------------------------------------------------- */

typedef enum em_op {
    EM_OP_EMBED = 1,
    EM_OP_CLASSIFY,
    EM_OP_RERANK,
    EM_OP_GENERATE,
    EM_OP_MODELS,
    EM_OP_STATUS,
    EM_OP_COUNT_, /* one more than the last */
} em_op;

typedef struct em_request {
    em_op op;
    uint8_t salt[EM_SALT_LEN];
    em_bytes model;        /* empty for models and status */
    size_t n_inputs;       /* 0 for models and status */
    const em_bytes *input; /* UTF-8 without NUL, at most EM_MAX_TEXT each; may be empty */
    bool truncate;         /* embed, classify, rerank: cut what is too long (the default
                              when the parameter is absent), or refuse the request */
    em_bytes query;        /* rerank: what the inputs are compared with; 1 .. EM_MAX_TEXT
                              bytes.  Empty for every other op */
    em_bytes parameters;   /* the encoded map as received; empty when absent */
} em_request;

/* Reads a whole request: `body` is its records' bodies, one after the other.  `inputs` is
 * scratch that stays with the result. */
em_err em_message_parse_request(em_bytes body, em_bytes inputs[EM_MAX_INPUTS],
                                em_request *ret_request);

/* Writes a request; `parameters` is not looked at: query is written for rerank, truncate
 * where it is false, and a map without members is left out.  EM_ERR_ARGUMENT sticks to
 * `o` for a request that em_message_parse_request would not take. */
void em_message_put_request(em_out *o, const em_request *request);

/* "embed"; NULL for no op. */
const char *em_message_op_name(em_op op);

/* Answers: END and RECEIPT ----------------------------------------------------------- */

typedef enum em_status {
    EM_STATUS_STOP = 1,  /* done */
    EM_STATUS_LENGTH,    /* done, at the length that was allowed */
    EM_STATUS_CANCELLED, /* on request */
    EM_STATUS_REFUSED,   /* proof or permission is missing */
    EM_STATUS_BUSY,      /* try later */
    EM_STATUS_ERROR,     /* the request or the enclave is at fault: see the code */
    EM_STATUS_COUNT_,    /* one more than the last */
} em_status;

typedef struct em_end {
    em_status status;
    unsigned code;             /* em_face */
    uint8_t salt[EM_SALT_LEN]; /* of the enclave's, fresh */
    uint64_t input, output;    /* tokens computed on, special tokens included, no padding;
                                  tokens made */
    em_bytes parameters;       /* the encoded map of parameters as used; an empty view
                                  writes {} */
} em_end;

em_err em_message_parse_end(em_bytes body, em_end *ret_end);
void em_message_put_end(em_out *o, const em_end *end);

/* How an answer ends for this outcome: status and code, and nothing else of it. */
em_status em_message_status_of(em_err outcome, unsigned *ret_code);

/* "stop"; NULL for no status. */
const char *em_message_status_name(em_status status);

/* The encoded parameters of an embed, classify or rerank request as used: END's, and its
 * companion's. */
typedef struct em_used {
    bool truncate;       /* as the request asked */
    uint32_t max_tokens; /* the longest sequence of the model */
} em_used;

enum { EM_MESSAGE_USED = 32 }; /* no em_used takes more bytes */

void em_message_put_used(em_out *o, const em_used *used);
em_err em_message_parse_used(em_bytes parameters, em_used *ret_used);

typedef struct em_receipt_body {
    em_bytes receipt;   /* to be given to trust/receipt */
    em_bytes companion; /* empty when there is none */
} em_receipt_body;

em_err em_message_parse_receipt(em_bytes body, em_receipt_body *ret_receipt);
void em_message_put_receipt(em_out *o, const em_receipt_body *receipt);

#endif
