#include "aws/http.h"

enum { MAX_INTERIM = 4, FIELDS_MAX = 12 << 10 };

void em_http_drop(em_http *http)
{
    em_tls_drop(&http->tls);
    em_stream_drop(&http->plain);
    em_wipe(http, sizeof *http);
}

void em_http_over(em_stream *stream, em_http *ret_http)
{
    *ret_http = (em_http){.plain = EM_TAKE(*stream), .is_open = true, .done = true};
}

em_err em_http_open(const em_address *address, uint64_t deadline_ms, em_http *ret_http)
{
    EM_DROP(em_stream) stream = {0};

    EM_TRY(em_stream_connect(address, deadline_ms, &stream));
    em_http_over(&stream, ret_http);
    return EM_OK;
}

em_err em_http_open_tls(const em_address *address, em_bytes host, const em_bytes *roots,
                        size_t n, uint64_t now_ms, uint64_t deadline_ms,
                        em_http *ret_http)
{
    EM_DROP(em_stream) stream = {0};
    EM_DROP(em_tls) tls = {0};

    EM_TRY(em_stream_connect(address, deadline_ms, &stream));
    EM_TRY(em_tls_connect(&stream, host, roots, n, now_ms, deadline_ms, &tls));
    *ret_http =
        (em_http){.tls = EM_TAKE(tls), .is_open = true, .is_tls = true, .done = true};
    return EM_OK;
}

/* ---- bytes of either kind of connection -------------------------------------------- */

static em_err get_bytes(em_http *http, void *to, size_t cap, uint64_t deadline_ms,
                        size_t *ret_len)
{
    em_err err = http->is_tls
                     ? em_tls_read(&http->tls, to, cap, deadline_ms, ret_len)
                     : em_stream_read(&http->plain, to, cap, deadline_ms, ret_len);

    /* an end that the message's own length does not announce is a cut */
    return err == EM_ERR_CLOSED ? EM_ERR_TRUNCATED : err;
}

static em_err put_bytes(em_http *http, em_bytes from, uint64_t deadline_ms)
{
    if (http->is_tls) return em_tls_write(&http->tls, from, deadline_ms);
    return em_stream_write_full(&http->plain, from, deadline_ms);
}

/* ---- the request ------------------------------------------------------------------- */

typedef struct em_http_text {
    uint8_t b[FIELDS_MAX];
} em_http_text;
EM_HOLDS_SECRET(em_http_text); /* session tokens and signatures are in it */

static bool is_line_safe(em_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= 0x20 || text.at[i] == 0x7F) return false;
    return text.len > 0;
}

static em_err send_request(em_http *http, const em_http_request *request,
                           uint64_t deadline_ms)
{
    EM_DROP(em_http_text) text = {0};
    em_out o = EM_OUT(text.b);

    if (!is_line_safe(request->method) || !is_line_safe(request->target) ||
        !is_line_safe(request->host))
        return EM_ERR_ARGUMENT;
    em_write_bytes(&o, request->method);
    em_write_u8(&o, ' ');
    em_write_bytes(&o, request->target);
    em_write_bytes(&o, EM_STR(" HTTP/1.1\r\nHost: "));
    em_write_bytes(&o, request->host);
    em_write_bytes(&o, EM_STR("\r\n"));
    if (!em_same(request->method, EM_STR("GET"))) {
        em_write_bytes(&o, EM_STR("Content-Length: "));
        em_write_decimal(&o, request->body.len);
        em_write_bytes(&o, EM_STR("\r\n"));
    }
    em_write_bytes(&o, request->fields);
    em_write_bytes(&o, EM_STR("\r\n"));
    EM_TRY(em_write_end(&o));
    EM_TRY(put_bytes(http, em_write_view(&o), deadline_ms));
    return put_bytes(http, request->body, deadline_ms);
}

/* ---- the answer's head ------------------------------------------------------------- */

static em_err read_one_head(em_http *http, uint64_t deadline_ms)
{
    for (;;) {
        size_t len = 0;
        em_bytes have = {http->buf + http->from, http->to - http->from};
        em_err err = em_http1_response(have, &http->head);
        if (err == EM_OK) http->from += http->head.len;
        if (err != EM_ERR_SHORT) return err;
        /* a head that is not whole is shorter than EM_MAX_HTTP_HEAD: half of buf */
        EM_TRY(get_bytes(http, http->buf + http->to, sizeof http->buf - http->to,
                         deadline_ms, &len));
        http->to += len;
    }
}

/* Where the body ends, and that it says so. */
static em_err begin_body(em_http *http)
{
    const em_http1_head *head = &http->head;
    bool is_empty = head->status == 204 || head->status == 304;

    http->is_over = head->close;
    http->chunked = (em_http1_chunked){0};
    http->left = is_empty ? 0 : head->length;
    http->done = is_empty || (head->has_length && head->length == 0);
    if (is_empty && head->chunked) return EM_ERR_HTTP_SYNTAX;
    if (!is_empty && !head->has_length && !head->chunked) return EM_ERR_HTTP_SYNTAX;
    return EM_OK;
}

static em_err read_head(em_http *http, uint64_t deadline_ms)
{
    for (unsigned i = 0; i <= MAX_INTERIM; i++) {
        /* to the front, so that the whole of buf is room again */
        memmove(http->buf, http->buf + http->from, http->to - http->from);
        http->to -= http->from;
        http->from = 0;
        EM_TRY(read_one_head(http, deadline_ms));
        if (http->head.status >= 200) return begin_body(http);
        if (http->head.status == 101) return EM_ERR_HTTP_SYNTAX; /* we never ask */
    }
    return EM_ERR_HTTP_SYNTAX;
}

em_err em_http_send(em_http *http, const em_http_request *request, uint64_t deadline_ms)
{
    if (!http->is_open || http->is_over || !http->done || http->from != http->to)
        return EM_ERR_SESSION_STATE;
    http->is_over = true; /* until the answer's head has come */
    EM_TRY(send_request(http, request, deadline_ms));
    em_err err = read_head(http, deadline_ms);
    if (err != EM_OK) http->is_over = true;
    return err;
}

/* ---- the answer's body ------------------------------------------------------------- */

/* Bytes that came together with the head or with chunk sizes. */
static em_bytes buffered(const em_http *http)
{
    return em_view(http->buf + http->from, http->to - http->from);
}

static em_err read_sized(em_http *http, void *to, size_t cap, uint64_t deadline_ms,
                         size_t *ret_len)
{
    em_bytes have = buffered(http);
    size_t want = http->left < cap ? (size_t)http->left : cap, len = 0;

    if (have.len > 0) {
        len = have.len < want ? have.len : want;
        memcpy(to, have.at, len);
        http->from += len;
    } else {
        EM_TRY(get_bytes(http, to, want, deadline_ms, &len));
    }
    http->left -= len;
    if (http->left == 0) http->done = true;
    *ret_len = len;
    return EM_OK;
}

/* Room for more framing behind the head, whose views stay. */
static em_err refill(em_http *http, uint64_t deadline_ms)
{
    size_t len = 0;

    http->from = http->to = http->head.len;
    EM_TRY(get_bytes(http, http->buf + http->to, sizeof http->buf - http->to, deadline_ms,
                     &len));
    http->to += len;
    return EM_OK;
}

static em_err read_chunked(em_http *http, uint8_t *to, size_t cap, uint64_t deadline_ms,
                           size_t *ret_len)
{
    for (;;) {
        em_bytes have = buffered(http), data = {0};
        em_bytes in = {have.at, have.len < cap ? have.len : cap}; /* so data fits too */
        size_t given = in.len;
        EM_TRY(em_http1_chunk(&http->chunked, &in, &data, &http->done));
        http->from += given - in.len;
        if (data.len > 0) memcpy(to, data.at, data.len);
        *ret_len = data.len;
        if (data.len > 0 || http->done) return EM_OK;
        if (http->from == http->to) EM_TRY(refill(http, deadline_ms));
    }
}

em_err em_http_read(em_http *http, void *to, size_t cap, uint64_t deadline_ms,
                    size_t *ret_len)
{
    size_t len = 0;

    if (!http->is_open || cap == 0) return EM_ERR_ARGUMENT;
    if (!http->done) {
        em_err err = http->head.chunked ? read_chunked(http, to, cap, deadline_ms, &len)
                                        : read_sized(http, to, cap, deadline_ms, &len);
        if (err != EM_OK) http->is_over = true;
        EM_TRY(err);
    }
    *ret_len = len;
    return EM_OK;
}

em_err em_http_read_all(em_http *http, uint8_t *to, size_t cap, uint64_t deadline_ms,
                        em_bytes *ret_body)
{
    size_t have = 0, len = 0;

    if (!http->done && http->head.has_length && http->left > cap) return EM_ERR_LIMIT;
    do {
        uint8_t more; /* where `to` is full, one byte more is one too many */
        bool full = have == cap;
        EM_TRY(em_http_read(http, full ? &more : to + have, full ? 1 : cap - have,
                            deadline_ms, &len));
        if (full && len > 0) return EM_ERR_LIMIT;
        have += len;
    } while (len > 0);
    *ret_body = em_view(to, have);
    return EM_OK;
}
