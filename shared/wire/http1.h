/* http1.h - HTTP/1.1 heads (RFC 9112), both directions, over the caller's bytes.
 *
 * Trust:  input is hostile.  What two readers might take differently is refused: bare CR
 *         or LF, obsolete folding, space before a colon, several or non-decimal
 *         Content-Length values, one beside a Transfer-Encoding, any Transfer-Encoding
 *         but a single "chunked", and a request without exactly one Host.
 * Memory: views point into the input; nothing is allocated.
 */
#ifndef EM_WIRE_HTTP1_H
#define EM_WIRE_HTTP1_H

#include "base/limits.h"
#include "base/write.h"

typedef struct em_http1_header {
    em_bytes name, value; /* value without surrounding white space */
} em_http1_header;

typedef struct em_http1_head {
    em_bytes method, target; /* of a request */
    unsigned status;         /* of a response: 100..599 */
    size_t n;
    em_http1_header header[EM_MAX_HTTP_HEADERS];
    size_t len;      /* bytes of the head, the empty line included */
    bool has_length; /* Content-Length was given */
    uint64_t length;
    bool chunked;
    bool close; /* the connection ends after this message (always in HTTP/1.0) */
} em_http1_head;

/* EM_ERR_SHORT while the empty line has not come (and fewer than EM_MAX_HTTP_HEAD bytes
 * have), EM_ERR_LIMIT, EM_ERR_HTTP_SYNTAX. */
em_err em_http1_request(em_bytes in, em_http1_head *ret_head);
em_err em_http1_response(em_bytes in, em_http1_head *ret_head);

/* The value of a header by case-insensitive name; false where there is none. */
bool em_http1_find(const em_http1_head *head, const char *name, em_bytes *ret_value);

/* Decoder of a chunked body, {0} at first: takes from *in what it can, and points
 * *ret_data at the payload bytes it found (possibly none; call again while *in has bytes
 * and *ret_done is false).  *ret_done after the empty line behind the last chunk; what is
 * then in *in follows the message.  Chunk extensions and trailers, which nobody we talk
 * to sends, are refused: EM_ERR_HTTP_SYNTAX. */
typedef struct em_http1_chunked {
    int state;
    uint64_t left; /* bytes of this chunk still to come */
    unsigned seen; /* digits of the size so far */
} em_http1_chunked;
em_err em_http1_chunk(em_http1_chunked *d, em_bytes *in, em_bytes *ret_data,
                      bool *ret_done);

#endif
