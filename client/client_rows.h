/* client_rows.h - what embed, classify and rerank share: texts out, a row of numbers for
 * each back, its receipt verified.
 *
 * Trust:  the answer is hostile until all of it has been checked; rows are as many as
 *         texts, and as wide as the model's verified manifest says.
 * Memory: what is given out is the client's, until the next call on it.
 */
#ifndef EM_CLIENT_CLIENT_ROWS_H
#define EM_CLIENT_CLIENT_ROWS_H

#include "client/client.h"

typedef struct em_client_rows_ask {
    em_op op;          /* embed, classify or rerank */
    const char *model; /* NULL: the only one there is, or that does this */
    const em_client_text *text;
    size_t n;
    em_client_text query; /* rerank's */
    const char *prompt;   /* the name of one in the manifest; NULL: none */
    bool refuse_truncation, evidence;
} em_client_rows_ask;

/* EM_ERR_MODEL_OP where the model does something else, EM_ERR_PROMPT_UNKNOWN: both before
 * anything is sent, with client->detail.  `ret_words` may be NULL. */
em_err em_client_rows_get(em_client *client, const em_client_rows_ask *ask,
                          em_client_vectors *ret_vectors,
                          const em_client_words **ret_words);

#endif
