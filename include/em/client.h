/* client.h - the client SDK: talk to an attested enclave, or to nobody.
 *
 *     em_client *c;
 *     em_client_error why;
 *     if (em_client_open(&options, &c, &why) != EM_CLIENT_OK) ...why.text...
 *     em_client_vectors v;
 *     em_client_embed(c, &request, &v, &why);
 *     em_client_close(c);
 *
 * em_client_open verifies the enclave's attestation document against a signed policy
 * before a byte of yours is sent; there is no option that makes it verify less.  Every
 * answer's receipt is verified before the answer is given out.  Link with libem.a,
 * libcrypto and libsodium.
 *
 * Trust:  the server, and everything between, is hostile.
 * Memory: an em_client owns all that it gives out until the next call on it or
 * em_client_close; it belongs to one thread at a time.
 */
#ifndef EM_CLIENT_H
#define EM_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What every call returns; the same numbers as the exit codes of `em`. */
enum {
    EM_CLIENT_OK = 0,
    EM_CLIENT_REFUSED = 1, /* something was looked at and refused: do not retry blindly */
    EM_CLIENT_CANNOT = 2,  /* could not run: address, network, busy, bad arguments */
    EM_CLIENT_TRUNCATED = 3,    /* the stream ended before the answer did */
    EM_CLIENT_INTERRUPTED = 130 /* `stop` said so */
};

typedef struct em_client em_client;

typedef struct em_client_error {
    int code;        /* EM_CLIENT_* */
    char name[40];   /* "POLICY_NO_MATCH"; stable, for machines */
    char text[160];  /* one sentence, for people */
    char check[40];  /* the check that failed ("DOC_TUPLE"), or empty */
    char clause[16]; /* its clause in the protocol ("1.9"), or empty */
} em_client_error;

typedef struct em_client_options {
    const char *address;    /* "tcp:HOST:PORT", "unix:PATH" */
    const char *deployment; /* the one that the enclave must have been configured for */
    const void *policy;     /* a signed policy */
    size_t policy_len;
    const unsigned char (*signers)[32]; /* pinned policy signers, Ed25519; at least one */
    size_t n_signers;
    const char *state;   /* a file that remembers policy versions; needed */
    uint64_t timeout_ms; /* for connecting, and for silence of the server; 0: 60 s */
    int (*stop)(void *); /* asked a few times a second while waiting; non-zero stops; may
                            be NULL */
    void *stop_arg;
} em_client_options;

/* Connect, verify, open the session.  On success the caller closes *ret_client. */
int em_client_open(const em_client_options *options, em_client **ret_client,
                   em_client_error *ret_error);
void em_client_close(em_client *client);

/* What was proved of the other end. */
typedef struct em_client_peer {
    const char *mode;      /* "production" (AWS's root) or "evaluation" */
    const char *module_id; /* of the enclave */
    const char *policy_id;
    uint64_t policy_version;
    uint64_t document_ms; /* when the NSM signed the document */
    int any_account;      /* the policy binds no AWS account */
    int first_use;        /* no policy of this signer and id had been seen before */
    size_t n_models;
    size_t e1_len; /* bytes of the enclave's part of the handshake */
} em_client_peer;
void em_client_describe(const em_client *client, em_client_peer *ret_peer);

/* A text: UTF-8 without NUL. */
typedef struct em_client_text {
    const char *at;
    size_t len;
} em_client_text;

typedef struct em_client_embed_request {
    const char *model; /* the manifest's model id; NULL: the only one there is, or
                          that does this */
    const em_client_text *text;
    size_t n;              /* 1 .. 1024 */
    int refuse_truncation; /* an error instead, where a text is too long for the model */
    int evidence;          /* keep an evidence file */
    const char *prompt; /* which of the manifest's prompts to put before every text; NULL:
                           none */
} em_client_embed_request;

typedef struct em_client_vectors {
    size_t n, dim;
    const float *vector;            /* [n][dim] */
    const uint32_t *tokens;         /* computed on, special tokens included; one a text */
    const unsigned char *truncated; /* 1 where the text was longer; one a text */
    uint64_t total_tokens;
    unsigned max_tokens; /* longer sequences were cut */
    const char *model, *version, *security_mode;
    const unsigned char *model_hash; /* 32 bytes */
    uint64_t sequence, execution_ms;
    const unsigned char *receipt; /* AIR v1 */
    size_t receipt_len;
    const unsigned char *evidence; /* an evidence file, or NULL */
    size_t evidence_len;
} em_client_vectors;
int em_client_embed(em_client *client, const em_client_embed_request *request,
                    em_client_vectors *ret_vectors, em_client_error *ret_error);

/* Scores of labels, for models with a classification head. */
typedef struct em_client_classify_request {
    const char *model; /* as above, like the others */
    const em_client_text *text;
    size_t n;
    int refuse_truncation;
    int evidence;
} em_client_classify_request;

typedef struct em_client_scores {
    size_t n, labels;
    const float *score;       /* [n][labels] */
    const char *const *label; /* their names, in the verified manifest's order */
    const char *activation;   /* what the scores passed through: "none", "sigmoid",
                                 "softmax" */
    em_client_vectors answer; /* tokens, receipt, evidence and the rest of the answer; its
                                 vectors are the scores */
} em_client_scores;
int em_client_classify(em_client *client, const em_client_classify_request *request,
                       em_client_scores *ret_scores, em_client_error *ret_error);

/* How well each document goes with a query, for models of one label: score[i] is that of
 * document[i]. */
typedef struct em_client_rerank_request {
    const char *model;
    em_client_text query; /* not empty */
    const em_client_text *document;
    size_t n;
    int refuse_truncation;
    int evidence;
} em_client_rerank_request;
int em_client_rerank(em_client *client, const em_client_rerank_request *request,
                     em_client_scores *ret_scores, em_client_error *ret_error);

/* What a model does. */
enum { EM_CLIENT_OP_EMBED = 1, EM_CLIENT_OP_CLASSIFY = 2, EM_CLIENT_OP_RERANK = 4 };

/* A text that goes before inputs of some kind. */
typedef struct em_client_prompt {
    const char *name, *text;
} em_client_prompt;

/* Its pointers live as long as the client. */
typedef struct em_client_model {
    char id[129], version[65], profile[33];
    uint64_t number, not_after_ms;
    unsigned char manifest[32];
    unsigned dim, max_tokens;
    unsigned ops;               /* EM_CLIENT_OP_*, together */
    const char *activation;     /* of the scores */
    size_t n_labels, n_prompts; /* from the verified manifest */
    const char *const *label;
    const em_client_prompt *prompt;
} em_client_model;
int em_client_models(em_client *client, em_client_model ret_models[8], size_t *ret_n,
                     em_client_error *ret_error);

/* The caller's own session, and what is public of the enclave. */
typedef struct em_client_status {
    char mode[16], software[33], deployment[129], configuration[65];
    uint64_t models, uptime_ms, age_ms, left_ms, messages, bytes_in, bytes_out, tokens;
} em_client_status;
int em_client_status_of(em_client *client, em_client_status *ret_status,
                        em_client_error *ret_error);

#ifdef __cplusplus
}
#endif
#endif
