/* http.h - HTTP/1.1 requests, one after the other, over a plain or TLS connection.
 *
 *     EM_DROP(em_http) http = {0};
 *     EM_TRY(em_http_open(&address, deadline, &http));
 *     EM_TRY(em_http_send(&http, &request, deadline));   -> http.head
 *     EM_TRY(em_http_read(&http, to, cap, deadline, &len)); until len is 0
 *
 * Trust:  the server is hostile, over TLS too: heads are held to wire/http1, lengths to
 *         the caller's buffers.  A body must say its length (Content-Length or chunked),
 *         so that a cut is seen: EM_ERR_TRUNCATED.
 * Memory: an em_http is about 36 KiB and must stay in place from em_http_send on (views
 *         in `head` point into it); the drop closes, frees and wipes.
 */
#ifndef EM_AWS_HTTP_H
#define EM_AWS_HTTP_H

#include "aws/tls.h"
#include "wire/http1.h"

typedef struct em_http {
    em_stream plain;
    em_tls tls;
    bool is_open, is_tls;
    bool is_over; /* no further request on this connection */

    em_http1_head head; /* of the present answer, until the next em_http_send */
    em_http1_chunked chunked;
    uint64_t left;   /* of a body with a length */
    bool done;       /* the body has been read */
    size_t from, to; /* bytes of buf that came and have not been used */
    uint8_t buf[2 * EM_MAX_HTTP_HEAD];
} em_http;

void em_http_drop(em_http *http);

/* Connects to `address`; over TLS under `host`, see em_tls_connect. */
em_err em_http_open(const em_address *address, uint64_t deadline_ms, em_http *ret_http);
em_err em_http_open_tls(const em_address *address, em_bytes host, const em_bytes *roots,
                        size_t n, uint64_t now_ms, uint64_t deadline_ms,
                        em_http *ret_http);

/* Takes over a connected stream ({0} afterwards). */
void em_http_over(em_stream *stream, em_http *ret_http);

typedef struct em_http_request {
    em_bytes method, target, host;
    em_bytes fields; /* further field lines, each with its CRLF */
    em_bytes body;   /* its length is sent unless the method is GET */
} em_http_request;

/* Sends a request and reads the answer's head.  EM_ERR_SESSION_STATE where the former
 * body has not been read or the server ended the connection after it. */
em_err em_http_send(em_http *http, const em_http_request *request, uint64_t deadline_ms);

/* The next bytes of the body, `cap` at most; 0 when it is complete. */
em_err em_http_read(em_http *http, void *to, size_t cap, uint64_t deadline_ms,
                    size_t *ret_len);

/* The rest of the body; EM_ERR_LIMIT where it is longer than `cap`. */
em_err em_http_read_all(em_http *http, uint8_t *to, size_t cap, uint64_t deadline_ms,
                        em_bytes *ret_body);

#endif
