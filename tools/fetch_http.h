/* fetch_http.h - one file over HTTP(S) into "PATH.part", by libcurl: taken up again where
 * it broke off, tried again where that may help, never longer than it may be.
 *
 * Beside PATH.part lies PATH.part.etag where the server named its version: a later run
 * asks for the rest with If-Range, and gets all of it from the start where it has
 * changed.  The part stays after a failure; its contents are nobody's promise until the
 * caller has hashed them.
 *
 * Trust:  the server and everything between is hostile where contents are concerned.
 * URLs, redirects included, are https; http is taken where the first URL and every
 *         further one name this machine (127.0.0.1, [::1], localhost).
 * Memory: one em_fetch_http a program, dropped by its owner.
 */
#ifndef EM_TOOLS_FETCH_HTTP_H
#define EM_TOOLS_FETCH_HTTP_H

#include "tools/pins.h"

enum { EM_FETCH_HTTP_MAX_URL = 8 << 10 };

typedef struct em_fetch_http {
    void *curl;
    const char *ca;       /* a PEM file of roots, or NULL: the system's */
    uint64_t wait_ms;     /* a connection may be slower than 1 KiB/s for so long */
    bool (*stop)(void *); /* asked often; true ends with EM_ERR_INTERRUPTED */
    void (*tell)(void *, const char *name, uint64_t done,
                 uint64_t all);            /* all: 0 unknown */
    void (*say)(void *, const char *line); /* a retry, and why */
    void *arg;
} em_fetch_http;

/* The three functions may be NULL.  EM_ERR_INTERNAL where libcurl does not start. */
em_err em_fetch_http_start(em_fetch_http *http);
void em_fetch_http_drop(em_fetch_http *http);

/* Is this a URL that may be asked at all?  `*ret_here`: it is http to this machine.
 * EM_ERR_ADDRESS, with a problem that says why. */
em_err em_fetch_http_check(const char *url, bool may_be_here, em_problem *problem,
                           bool *ret_here);

typedef struct em_fetch_http_file {
    const char *url, *name; /* `name` stands in problems and in `tell` */
    const char *part;       /* the path of PATH.part; its folder is there */
    uint64_t len;           /* what it must have; 0: not known */
    uint64_t limit;         /* it may have no more */
} em_fetch_http_file;

/* Fills PATH.part.  *ret_received counts the bytes that came in this call.
 * EM_ERR_NOT_FOUND where the server has no such file, EM_ERR_DENIED where it wants a
 * login, EM_ERR_LIMIT before anything is written where it is too long, EM_ERR_FORMAT
 * where it has another length than `len`, EM_ERR_TIMEOUT, EM_ERR_CLOSED, EM_ERR_CONNECT,
 * EM_ERR_TLS, EM_ERR_BUSY, EM_ERR_HTTP_STATUS, EM_ERR_IO, EM_ERR_EXISTS where another
 * process fills the same part. */
em_err em_fetch_http_get(em_fetch_http *http, const em_fetch_http_file *file,
                         em_problem *problem, uint64_t *ret_received);

/* The commit that a branch or tag stands for: the header X-Repo-Commit of the answer.
 * EM_ERR_FORMAT where the server does not say. */
em_err em_fetch_http_commit(em_fetch_http *http, const char *url, em_problem *problem,
                            char ret_commit[EM_PINS_REVISION]);

/* PATH.part and PATH.part.etag away. */
void em_fetch_http_forget(const char *part);

#endif
