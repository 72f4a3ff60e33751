/* embed_run.h - a stream of texts through as many requests, and sessions, as it takes.
 *
 * Texts are gathered into requests of bounded size, sent one after the other, and written
 * as they come, in order.  Every receipt is verified before its vectors are written.  A
 * session that grows old is replaced by a new one, verified anew; so is one that breaks
 * after it has worked.
 *
 * Trust:  as em/client.h: the server and everything between is hostile.
 * Memory: one request's texts and answers at a time, whatever the input's length.
 */
#ifndef EM_CMD_EMBED_RUN_H
#define EM_CMD_EMBED_RUN_H

#include "cmd/dial.h"
#include "cmd/embed_in.h"
#include "cmd/embed_out.h"

typedef struct em_embed_run {
    const char *program;
    em_dial *dial;
    const char *model, *evidence; /* NULL: the only one; none */
    const char *prompt; /* a name of the manifest's, put before every text; NULL: none */
    bool refuse, json;  /* refuse truncation; errors as JSON too */
    size_t most;        /* texts in one request, 1 .. EM_MAX_INPUTS */
    em_embed_in *in;    /* open */
    em_embed_format format;
    const char *out;   /* a path, or NULL */
    uint64_t expected; /* texts, where it is known; else 0 */
} em_embed_run;

/* Does all of it; returns the exit code, having said why on stderr. */
int em_embed_run_all(const em_embed_run *run);

/* The name of the n-th request's evidence, from 1: FILE, FILE.2, FILE.3 ...
 * EM_ERR_LIMIT where it does not fit. */
em_err em_embed_run_evidence(const char *file, uint64_t n, char *path, size_t cap);

/* Has a session done or lasted so much that the next request should have a new one?  Well
 * inside the limits that both ends keep (base/limits.h). */
bool em_embed_run_is_old(uint64_t age_ms, uint64_t messages, uint64_t bytes);

#endif
