/* fetch.h - a model folder from Hugging Face, or from a server that is laid out alike:
 * every file at FROM/OWNER/NAME/resolve/COMMIT/FILE, each held against its SHA-256.
 *
 * A file that is there already with the right digest is left; one with another digest is
 * an error.  What is fetched goes to FILE.part first and is renamed when it is whole and
 * right, so that a name in the folder always means the pinned bytes.
 *
 * Trust:  the server and everything between is hostile.  With pins, nothing of what they
 *         say is believed.  Without (em_fetch_options.trust), the digests that come out
 * are only what this server said this time: the caller shows them to a person. Memory:
 * the result is the caller's; nothing is owned.
 */
#ifndef EM_TOOLS_FETCH_H
#define EM_TOOLS_FETCH_H

#include "tools/fetch_http.h"

#define EM_FETCH_FROM "https://huggingface.co"

typedef struct em_fetch_options {
    const char *from;       /* NULL: EM_FETCH_FROM */
    const char *repository; /* OWNER/NAME */
    const char *revision;   /* a commit; where `trust`, a branch or tag too */
    const char *folder;     /* made where it is missing */
    const em_pins *pins;    /* the files; not looked at where `trust` */
    bool trust;             /* ask for what model folders have, and take what comes */
    uint64_t limit;         /* bytes of all files together */
} em_fetch_options;

typedef enum em_fetch_state {
    EM_FETCH_HAD,     /* was there, with the right digest */
    EM_FETCH_CAME,    /* all of it came now */
    EM_FETCH_RESUMED, /* a part was there */
} em_fetch_state;

typedef struct em_fetch_result {
    em_pins pins; /* what is in the folder now: repository, commit, files with lengths */
    em_fetch_state state[EM_MAX_SOURCES];
    uint64_t received; /* bytes that came over the network, retries included */
} em_fetch_result;

/* *ret_result is filled as far as it went, also on failure.  The errors of
 * em_fetch_http_get; EM_ERR_PIN for a digest that is not the pinned one (the part is
 * deleted, a file that was there before is not), EM_ERR_ARGUMENT, EM_ERR_INTERRUPTED (the
 * parts stay). */
em_err em_fetch_run(em_fetch_http *http, const em_fetch_options *options,
                    em_problem *problem, em_fetch_result *ret_result);

#endif
