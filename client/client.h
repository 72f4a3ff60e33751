/* client.h - behind include/em/client.h: one client's state, and how errors are told.
 *
 * Trust:  as the public header says.
 * Memory: one mapping holds the whole em_client.
 */
#ifndef EM_CLIENT_CLIENT_H
#define EM_CLIENT_CLIENT_H

#include "client/link.h"
#include "client/seen.h"
#include "client/transcript.h"
#include "em/client.h"
#include "trust/answer.h"
#include "trust/peer_receipt.h"

/* A manifest's labels and prompts as C texts. */
typedef struct em_client_words {
    size_t n_labels, n_prompts;
    const char *activation; /* NULL: not yet made */
    const char *label[EM_MAX_LABELS];
    em_client_prompt prompt[EM_MAX_PROMPTS];
    char label_text[EM_MAX_LABELS][EM_MAX_LABEL + 1];
    char prompt_name[EM_MAX_PROMPTS][EM_MAX_PROMPT_NAME + 1];
    char prompt_text[EM_MAX_PROMPTS][EM_MAX_PROMPT + 1];
} em_client_words;

struct em_client {
    em_map self; /* the pages that this lies in */
    em_link link;
    em_map policy_bytes;
    em_policy policy;
    em_policy_seen seen;
    em_map e1;
    em_map tensors; /* scratch to read manifests with */
    em_peer peer;
    em_report report;
    unsigned host_code;

    em_transcript request, answer;
    em_map body;    /* a request's encoding */
    em_map texts;   /* em_embed_text[EM_MAX_INPUTS], then tokens, then truncated */
    em_map vectors; /* the answer's rows */
    em_map receipt; /* RECEIPT's body */
    em_map evidence;
    em_map words; /* em_client_words[EM_MAX_MODELS], as they are asked for */
    em_end end;
    em_receipt facts;
    char security_mode[16];
    char policy_id[EM_MAX_MODEL_ID + 1];
    char detail[160]; /* what an error of the model's or prompt's choice says here */
};

/* Fill the caller's error from an em_err and the report; returns its code. */
int em_client_tell(const em_client *client, em_err err, em_client_error *ret_error);

/* A NUL-ended copy, cut at the capacity. */
void em_client_put_text(char *to, size_t cap, em_bytes from);

/* One request and its whole answer: bodies into the transcripts, END into client->end;
 * where a receipt came, it is verified against the session (client->facts).  An END that
 * is no success is the error it stands for. */
em_err em_client_exchange(em_client *client, em_bytes body, bool *ret_receipt);

/* `models` or `status`: the body of the answer's one DATA record. */
em_err em_client_ask(em_client *client, em_op op, em_bytes *ret_body);

#endif
