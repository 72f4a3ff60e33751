/* HTTP/1.1 heads and chunked bodies: good ones, and each shape that two readers might
 * take differently. */
#include "wire/http1.h"
#include "tests/support/test.h"

static em_bytes of(const char *text)
{
    return em_view(text, strlen(text));
}

static void a_request(void)
{
    em_bytes in = of("POST /a?b=c HTTP/1.1\r\nHost: h:1\r\nContent-Length:  12 \t\r\n"
                     "X-Empty:\r\nX: a: b\r\n\r\nbody");
    em_http1_head head;
    em_bytes value;

    CHECK_OK(em_http1_request(in, &head));
    CHECK(em_same(head.method, EM_STR("POST")));
    CHECK(em_same(head.target, EM_STR("/a?b=c")));
    CHECK(head.n == 4 && head.len == in.len - 4);
    CHECK(head.has_length && head.length == 12 && !head.chunked && !head.close);
    CHECK(em_http1_find(&head, "HOST", &value) && em_same(value, EM_STR("h:1")));
    CHECK(em_http1_find(&head, "x-empty", &value) && value.len == 0);
    CHECK(em_http1_find(&head, "x", &value) && em_same(value, EM_STR("a: b")));
    CHECK(!em_http1_find(&head, "y", &value));
}

static void a_response(void)
{
    em_http1_head head;

    CHECK_OK(em_http1_response(of("HTTP/1.1 206 Partial Content\r\n"
                                  "transfer-ENCODING: Chunked\r\n"
                                  "Connection: keep-alive, Close\r\n\r\n"),
                               &head));
    CHECK(head.status == 206 && head.chunked && head.close && !head.has_length);
    CHECK_OK(em_http1_response(of("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"), &head));
    CHECK(head.status == 200 && head.has_length && head.length == 0 && !head.close);
    CHECK_OK(em_http1_response(of("HTTP/1.0 404 No\r\n\r\n"), &head));
    CHECK(head.status == 404 && head.close && !head.has_length && head.n == 0);
    CHECK_OK(em_http1_response(
        of("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n"), &head));
    CHECK(head.length == UINT64_MAX);
}

static void bad_responses(void)
{
    static const char *bad[] = {
        "\r\n\r\n",
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n",
        "HTTP/1.1 +20 OK\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 O\x01K\r\n\r\n",
        "HTTP/1.1 200 OK\n\n", /* bare LF */
        "HTTP/1.1 200 OK\r\nA: b\n\r\n",
        "HTTP/1.1 200 OK\rA: b\r\n\r\n", /* bare CR */
        "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", /* obsolete folding */
        "HTTP/1.1 200 OK\r\nA: b\r\n\tc\r\n\r\n",
        "HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", /* space before the colon */
        "HTTP/1.1 200 OK\r\nA\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA(: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: \x7F\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\ncontent-length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    em_http1_head head = {.status = 7};

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("%s", bad[i]);
        CHECK_ERR(em_http1_response(of(bad[i]), &head), EM_ERR_HTTP_SYNTAX);
    }
    CHECK_ERR(em_http1_response(EM_STR("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n"), &head),
              EM_ERR_HTTP_SYNTAX);
    CHECK(head.status == 7);
}

static void bad_requests(void)
{
    static const char *bad[] = {
        "GET / HTTP/1.1\r\n\r\n",                       /* no Host */
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", /* two */
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET / x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\r\nHost: a\r\n\r\n", /* HTTP/0.9 */
        " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    em_http1_head head;

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("%s", bad[i]);
        CHECK_ERR(em_http1_request(of(bad[i]), &head), EM_ERR_HTTP_SYNTAX);
    }
}

static void limits(void)
{
    char *text = test_alloc(EM_MAX_HTTP_HEAD + 8);
    em_http1_head head;
    size_t len = (size_t)snprintf(text, EM_MAX_HTTP_HEAD, "HTTP/1.1 200 OK\r\n");

    for (int i = 0; i < EM_MAX_HTTP_HEADERS; i++)
        len += (size_t)snprintf(text + len, EM_MAX_HTTP_HEAD - len, "A: %d\r\n", i);
    memcpy(text + len, "\r\n", 2);
    CHECK_OK(em_http1_response(em_view(text, len + 2), &head));
    CHECK(head.n == EM_MAX_HTTP_HEADERS);
    memcpy(text + len, "B:\r\n\r\n", 6);
    CHECK_ERR(em_http1_response(em_view(text, len + 6), &head), EM_ERR_LIMIT);

    len = (size_t)snprintf(text, EM_MAX_HTTP_HEAD, "HTTP/1.1 200 OK\r\nA:");
    memset(text + len, 'x', EM_MAX_HTTP_HEAD - len + 8);
    CHECK_ERR(em_http1_response(em_view(text, EM_MAX_HTTP_HEAD - 1), &head),
              EM_ERR_SHORT);
    CHECK_ERR(em_http1_response(em_view(text, EM_MAX_HTTP_HEAD), &head), EM_ERR_LIMIT);
    memcpy(text + EM_MAX_HTTP_HEAD - 4, "\r\n\r\n", 4);
    CHECK_OK(em_http1_response(em_view(text, EM_MAX_HTTP_HEAD + 8), &head));
    CHECK(head.len == EM_MAX_HTTP_HEAD);
}

static bool parse(em_bytes input, void *arg)
{
    em_http1_head head;
    em_err err = em_http1_request(input, &head);

    (void)arg;
    if (err == EM_OK) CHECK(head.len <= input.len);
    return err == EM_OK;
}

static void every_cut_is_short(void)
{
    em_bytes good = of("GET /x HTTP/1.1\r\nHost: a\r\nRange: bytes=0-9\r\n\r\n");
    em_http1_head head;

    for (size_t len = 0; len < good.len; len++)
        CHECK_ERR(em_http1_request(em_view(good.at, len), &head), EM_ERR_SHORT);
    test_abuse_result r = test_abuse(good, parse, NULL);
    CHECK(r.cuts_accepted == 0);
}

/* Feeds `in` in pieces of `step` bytes; what came out, the error, and what was left. */
static em_err decode(em_bytes in, size_t step, em_out *o, bool *ret_done,
                     size_t *ret_used)
{
    em_http1_chunked d = {0};
    bool done = false;
    size_t used = 0;

    while (used < in.len && !done) {
        size_t n = in.len - used < step ? in.len - used : step;
        em_bytes piece = {in.at + used, n}, data;
        EM_TRY(em_http1_chunk(&d, &piece, &data, &done));
        em_write_bytes(o, data);
        used += n - piece.len;
    }
    *ret_done = done;
    *ret_used = used;
    return em_write_end(o);
}

static void chunks_in_pieces_of_any_size(void)
{
    em_bytes in = of("4\r\nWiki\r\n00B\r\npedia in ch\r\n1\r\n.\r\n0\r\n\r\nnext");

    for (size_t step = 1; step <= in.len; step++) {
        uint8_t buf[64];
        em_out o = EM_OUT(buf);
        bool done = false;
        size_t used = 0;
        CHECK_OK(decode(in, step, &o, &done, &used));
        CHECK(done && used == in.len - 4);
        CHECK(em_same(em_write_view(&o), EM_STR("Wikipedia in ch.")));
    }
}

static void bad_chunks(void)
{
    static const char *bad[] = {
        "\r\n",
        "g\r\n",
        " 4\r\nWiki\r\n",
        "4 \r\nWiki\r\n",
        "4\nWiki\r\n",
        "4\rWiki\r\n",
        "4\r\nWikix\r\n",
        "4\r\nWiki\n",
        "4;a=b\r\nWiki",
        "0\r\nA: b\r\n\r\n",
        "0\r\n\n",
        "-1\r\n",
        "0x4\r\n",
        "1000000000000000\r\n",
        "0000000000000000\r\n\r\n",
    };
    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        uint8_t buf[64];
        em_out o = EM_OUT(buf);
        bool done;
        size_t used;
        test_note("%s", bad[i]);
        CHECK_ERR(decode(of(bad[i]), 1, &o, &done, &used), EM_ERR_HTTP_SYNTAX);
    }
}

int main(void)
{
    RUN(a_request);
    RUN(a_response);
    RUN(bad_responses);
    RUN(bad_requests);
    RUN(limits);
    RUN(every_cut_is_short);
    RUN(chunks_in_pieces_of_any_size);
    RUN(bad_chunks);
    return test_end();
}
