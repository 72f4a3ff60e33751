/* scores.h - what em classify and em rerank share: the options, texts of any number in
 * requests of bounded size, and answers whose receipts are verified before they are given
 * on.
 *
 * Trust:  as em/client.h.
 * Memory: one request's texts and answers at a time.
 */
#ifndef EM_CMD_SCORES_H
#define EM_CMD_SCORES_H

#include "cmd/dial.h"
#include "cmd/embed_in.h"

typedef struct em_scores {
    const char *program;
    em_dial dial;
    const char *model, *evidence, *field; /* options */
    em_arg_list file;
    bool jsonl, json, refuse;
    const char *query; /* rerank's; NULL: classify */
} em_scores;

/* The table rows of these options: those of dial.h, then --model, --file, --jsonl,
 * --field, --evidence, --refuse-truncation, --json. */
enum { EM_SCORES_ARGS = EM_DIAL_ARGS + 7 };
void em_scores_args(em_scores *s, em_arg ret_rows[EM_SCORES_ARGS]);

/* One request's texts and their scores; `first` texts came before. */
typedef struct em_scores_batch {
    uint64_t first;
    const em_client_text *text;
    json_t *const *id; /* NULL where a text has none */
    const em_client_scores *scores;
} em_scores_batch;

/* Called for each request in order; returns an exit code, EM_EXIT_OK to go on. */
typedef int em_scores_take(void *arg, const em_scores_batch *batch);

/* Texts from words, or from files where there are none.  Returns the exit code, having
 * said why on stderr. */
int em_scores_run(em_scores *s, const char *const *words, size_t n, em_scores_take *take,
                  void *arg);

/* "small 1.0, 42 tokens, 3 ms inside, receipt evaluation verified", after all requests.
 */
void em_scores_sign_off(const em_scores *s);

/* {index, id?, tokens, truncated}: what every line of JSON begins with. */
json_t *em_scores_json(const em_scores_batch *batch, size_t i);

/* A text for people, cut to one line's length; control characters as '?'. */
enum { EM_SCORES_SHOWN = 64 };
void em_scores_show(em_client_text text, char ret_shown[EM_SCORES_SHOWN]);

#endif
