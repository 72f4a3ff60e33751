/* fetch_turn_impl.h - one exchange with a server, for the file beside it.
 *
 * Trust:  headers are hostile: what is kept of them is bounded and printable.
 * Memory: an em_fetch_turn lives for one request.
 */
#ifndef EM_TOOLS_FETCH_TURN_IMPL_H
#define EM_TOOLS_FETCH_TURN_IMPL_H

#include "tools/fetch_http.h"

enum { EM_FETCH_TURN_WORD = 160 };

typedef struct em_fetch_turn {
    em_fetch_http *http;
    const em_fetch_http_file *file; /* NULL: only headers are wanted */
    em_problem *problem;
    int fd;
    uint64_t asked, at; /* where the range begins; where the next byte goes */
    uint64_t all;       /* of the whole file, as far as anybody said; 0: nobody did */
    uint64_t received;
    uint64_t junk; /* bytes of an answer that is no file */
    bool begun;
    em_err err; /* why the transfer was stopped from here */
    long status;
    uint64_t wait_s; /* Retry-After */
    char etag[EM_FETCH_TURN_WORD], range[EM_FETCH_TURN_WORD];
    char commit[EM_FETCH_TURN_WORD], error[EM_FETCH_TURN_WORD];
    char length[EM_FETCH_TURN_WORD];
    char next[EM_FETCH_HTTP_MAX_URL]; /* where a redirect leads; else empty */
} em_fetch_turn;

/* Ask `url` (of this machine: `here`), with "If-Range: tag" where tag is not empty.  The
 * body of a 200 or 206 goes to fd.  EM_OK says that an answer came, whatever its status;
 * EM_ERR_CLOSED and EM_ERR_TIMEOUT that it broke off. */
em_err em_fetch_turn_run(em_fetch_turn *turn, const char *url, bool here,
                         const char *tag);

#endif
