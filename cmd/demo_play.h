/* demo_play.h - the demo's acts, in order; each leaves what the next needs.
 *
 * Trust:  as em demo says.
 * Memory: one em_demo_play for the process.
 */
#ifndef EM_CMD_DEMO_PLAY_H
#define EM_CMD_DEMO_PLAY_H

#include "cmd/demo_proxy.h"
#include "cmd/demo_stage.h"

enum { EM_DEMO_TEXTS = 6 };

/* One owner of keys, KMS, NSM and enclave: the honest one, or the villain with everything
 * home made.  Names are of files in the stage's folder. */
typedef struct em_demo_side {
    const char *prefix, *state, *config,
        *key; /* of sockets; folder; file; publisher's key */
    char arn[200], publisher[65];
} em_demo_side;

typedef struct em_demo_play {
    em_demo_stage stage;
    em_demo_proxy proxy;
    const char *model; /* a Hugging Face folder */
    bool synthetic;
    const char *text[EM_DEMO_TEXTS];
    size_t n_texts;
    em_demo_side honest;
    char signer_hex[65];
    char pcrs[3][97]; /* of the honest enclave, hexadecimal */
    em_address host;  /* where em-host listens for clients */
} em_demo_play;

/* Twin, keys, configuration, policy. */
em_err em_demo_play_prepare(em_demo_play *p);

/* The first word that a finished program printed. */
em_err em_demo_play_word(const em_demo_play *p, const char *name, char *to, size_t cap);

/* The enclave's measured configuration of a side, written to side->config. */
em_err em_demo_play_config(const em_demo_play *p, const em_demo_side *side);

/* Pack a model folder as version `number` into `path`; the publisher keeps the content
 * key at `key_out`, or not (NULL). */
em_err em_demo_play_pack(em_demo_play *p, const em_demo_side *side, const char *folder,
                         uint64_t number, const char *path, const char *key_out);

/* The twin plays the cloud (in place of the one before); `hostile` are further arguments,
 * NULL ends them; may be NULL. */
em_err em_demo_play_twin(em_demo_play *p, const em_demo_side *side,
                         const char *const *hostile);

/* Host and enclave come up; `store` is the folder that the host serves bundles from.
 * Where the enclave refuses to start, EM_ERR_CLOSED. */
em_err em_demo_play_up(em_demo_play *p, const em_demo_side *side, const char *store);
void em_demo_play_down(em_demo_play *p);

/* Embed through the proxy, print the matrix, keep evidence as `evidence`. */
em_err em_demo_play_embed(em_demo_play *p, const char *evidence);

/* The same in another session, without a word. */
em_err em_demo_play_quiet(em_demo_play *p, const char *evidence);

/* em embed of one text against `to` for its refusal: gives exit code and what it wrote.
 */
em_err em_demo_play_try(em_demo_play *p, const em_address *to, const char *policy,
                        int *ret_code, char *text, size_t cap);

#endif
