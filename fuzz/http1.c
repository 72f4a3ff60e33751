/* covers: shared/wire/http1.c
 *
 * HTTP/1.1: the first byte chooses request, response, or a chunked body that is fed whole
 * and byte by byte, which must come to the same. */
#include "wire/http1.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static em_err decode(em_bytes in, size_t step, em_out *o, bool *ret_done)
{
    em_http1_chunked d = {0};
    bool done = false;

    for (size_t used = 0; used < in.len && !done;) {
        size_t n = in.len - used < step ? in.len - used : step;
        em_bytes piece = {in.at + used, n}, data;
        EM_TRY(em_http1_chunk(&d, &piece, &data, &done));
        if (piece.len == n) abort(); /* no progress */
        em_write_bytes(o, data);
        used += n - piece.len;
    }
    *ret_done = done;
    return em_write_end(o);
}

static void check_chunks(em_bytes in)
{
    uint8_t *a = malloc(in.len + 1), *b = malloc(in.len + 1);
    em_out whole = em_out_over(a, in.len + 1), single = em_out_over(b, in.len + 1);
    bool whole_done = false, single_done = false;
    em_err one = decode(in, in.len, &whole, &whole_done);
    em_err two = decode(in, 1, &single, &single_done);

    if (one != two || whole_done != single_done) abort();
    if (one == EM_OK && !em_same(em_write_view(&whole), em_write_view(&single))) abort();
    free(a);
    free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_http1_head head;
    em_bytes value;

    if (size == 0) return 0;
    uint8_t *copy = malloc(size); /* exactly, so that a byte too many is seen */
    memcpy(copy, data, size);
    em_bytes in = {copy + 1, size - 1};
    if (copy[0] % 3 == 2) {
        check_chunks(in);
    } else if ((copy[0] % 3 == 0 ? em_http1_request(in, &head)
                                 : em_http1_response(in, &head)) == EM_OK) {
        if (head.len > in.len || head.n > EM_MAX_HTTP_HEADERS) abort();
        if (head.chunked && head.has_length) abort();
        if (head.has_length && !em_http1_find(&head, "Content-Length", &value)) abort();
    }
    free(copy);
    return 0;
}
