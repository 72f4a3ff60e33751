/* HTTP over a stream pair: the peer's bytes are written beforehand, in one piece or cut,
 * and what was sent is read back; KMS and credentials over the same. */
#include "aws/kms.h"
#include "tests/support/test.h"

#define KEY                                                                              \
    "arn:aws:kms:eu-central-1:123456789012:key/12345678-90ab-cdef-0123-456789abcdef"

static em_bytes of(const char *text)
{
    return em_view(text, strlen(text));
}

static uint64_t soon(void)
{
    return em_clock_deadline(2000);
}

/* A connection whose peer has already said `answer` (and, `ends`, nothing more). */
static void begin(em_http *http, em_stream *peer, em_bytes answer, bool ends)
{
    EM_DROP(em_stream) ours = {0};

    CHECK_OK(em_stream_pair(&ours, peer));
    CHECK_OK(em_stream_write_full(peer, answer, soon()));
    if (ends) CHECK_OK(em_stream_end(peer));
    em_http_over(&ours, http);
}

static const em_http_request get = {
    .method = EM_STR("GET"), .target = EM_STR("/x"), .host = EM_STR("h:80")};

static em_err ask(em_bytes answer, size_t cap, em_bytes *ret_body, unsigned *ret_status)
{
    EM_DROP(em_http) http = {0};
    EM_DROP(em_stream) peer = {0};
    em_bytes body;

    begin(&http, &peer, answer, true);
    EM_TRY(em_http_send(&http, &get, soon()));
    EM_TRY(em_http_read_all(&http, test_alloc(cap + 1), cap, soon(), &body));
    *ret_body = body;
    *ret_status = http.head.status;
    return EM_OK;
}

static void good_answers(void)
{
    static const struct {
        const char *answer, *body;
        unsigned status;
    } table[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200},
        {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "", 404},
        {"HTTP/1.1 204 No\r\n\r\n", "", 204},
        {"HTTP/1.1 304 No\r\nContent-Length: 99\r\n\r\n", "", 304},
        {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi", 200},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
         "chunked\r\n\r\n4\r\nWiki\r\n5\r\npedia\r\n"
         "0\r\n\r\n",
         "Wikipedia", 200},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", 200},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hint\r\nA: b\r\n\r\n"
         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
         "x", 200},
    };
    for (size_t i = 0; i < EM_COUNT(table); i++) {
        em_bytes body = {0};
        unsigned status = 0;
        test_note("%s", table[i].answer);
        CHECK_OK(ask(of(table[i].answer), strlen(table[i].body), &body, &status));
        CHECK(em_same(body, of(table[i].body)) && status == table[i].status);
        if (body.len > 0)
            CHECK_ERR(ask(of(table[i].answer), body.len - 1, &body, &status),
                      EM_ERR_LIMIT);
    }
}

/* Nothing short of the whole answer is one. */
static void cut_answers(void)
{
    static const char *answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n0\r\n\r\n"};
    for (size_t i = 0; i < EM_COUNT(answers); i++)
        for (size_t len = 0; len < strlen(answers[i]); len++) {
            em_bytes body;
            unsigned status;
            CHECK_ERR(ask(em_view(answers[i], len), 64, &body, &status),
                      EM_ERR_TRUNCATED);
        }
}

static void hostile_answers(void)
{
    static const struct {
        const char *answer;
        em_err want;
    } table[] = {
        {"HTTP/1.1 200 OK\r\n\r\nuntil the end", EM_ERR_HTTP_SYNTAX},
        {"HTTP/1.0 200 OK\r\n\r\n", EM_ERR_HTTP_SYNTAX},
        {"HTTP/1.1 101 Switch\r\n\r\n", EM_ERR_HTTP_SYNTAX},
        {"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", EM_ERR_HTTP_SYNTAX},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
         EM_ERR_HTTP_SYNTAX},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
         EM_ERR_HTTP_SYNTAX},
        {"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n", EM_ERR_LIMIT},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n"
         "0123456789012345678901234567890123456789012345678901234567890123456789",
         EM_ERR_LIMIT},
        {"HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\n"
         "HTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\nHTTP/1.1 100 a\r\n\r\n",
         EM_ERR_HTTP_SYNTAX},
    };
    for (size_t i = 0; i < EM_COUNT(table); i++) {
        em_bytes body;
        unsigned status;
        test_note("%s", table[i].answer);
        CHECK_ERR(ask(of(table[i].answer), 64, &body, &status), table[i].want);
    }
    uint8_t *endless = test_alloc(40000);
    memset(endless, 'a', 40000);
    memcpy(endless, "HTTP/1.1 200 OK\r\nA: ", 20);
    em_bytes body;
    unsigned status;
    CHECK_ERR(ask(em_view(endless, 40000), 64, &body, &status), EM_ERR_LIMIT);
}

static void requests_in_turn(void)
{
    EM_DROP(em_http) http = {0};
    EM_DROP(em_stream) peer = {0};
    uint8_t buf[64];
    size_t len = 0;
    char sent[512] = {0};

    begin(&http, &peer,
          of("HTTP/1.1 200 OK\r\nX-Kept: yes\r\nTransfer-Encoding: chunked\r\n\r\n"
             "3\r\nabc\r\n"),
          false);
    em_http_request post = get;
    post.method = EM_STR("POST");
    post.fields = EM_STR("A: b\r\n");
    post.body = EM_STR("body");
    CHECK_OK(em_http_send(&http, &post, soon()));
    CHECK_ERR(em_http_send(&http, &post, soon()), EM_ERR_SESSION_STATE); /* unread */
    CHECK_OK(em_http_read(&http, buf, 2, soon(), &len));
    CHECK(len >= 1 && len <= 2 && buf[0] == 'a');
    size_t had = len;
    CHECK_OK(em_http_read(&http, buf, sizeof buf, soon(), &len));
    CHECK(had + len == 3 && buf[len - 1] == 'c');
    CHECK_OK(em_stream_write_full(&peer, of("0\r\n\r\n"), soon()));
    CHECK_OK(em_http_read(&http, buf, sizeof buf, soon(), &len));
    CHECK(len == 0);
    em_bytes kept;
    CHECK(em_http1_find(&http.head, "x-kept", &kept) && em_same(kept, EM_STR("yes")));

    CHECK_OK(em_stream_write_full(
        &peer, of("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nz"),
        soon()));
    CHECK_OK(em_http_send(&http, &get, soon()));
    CHECK_OK(em_http_read(&http, buf, sizeof buf, soon(), &len));
    CHECK(len == 1 && buf[0] == 'z');
    CHECK_OK(em_http_read(&http, buf, sizeof buf, soon(), &len));
    CHECK(len == 0);
    CHECK_ERR(em_http_send(&http, &get, soon()), EM_ERR_SESSION_STATE); /* it closes */

    CHECK_OK(em_stream_read(&peer, sent, sizeof sent - 1, soon(), &len));
    CHECK(strcmp(sent,
                 "POST /x HTTP/1.1\r\nHost: h:80\r\nContent-Length: 4\r\nA: b\r\n\r\n"
                 "bodyGET /x HTTP/1.1\r\nHost: h:80\r\n\r\n") == 0);
}

static void what_must_not_be_sent(void)
{
    static const char *bad[] = {"", "a b", "a\r\nX: y", "a\x7F"};

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        EM_DROP(em_http) http = {0};
        EM_DROP(em_stream) peer = {0};
        em_http_request request = get;
        request.target = of(bad[i]);
        begin(&http, &peer, of(""), true);
        CHECK_ERR(em_http_send(&http, &request, soon()), EM_ERR_ARGUMENT);
    }
    EM_DROP(em_http) closed = {0};
    CHECK_ERR(em_http_send(&closed, &get, soon()), EM_ERR_SESSION_STATE);
}

/* More follows an answer than it announces: the connection is of no use any more. */
static void an_answer_nobody_asked_for(void)
{
    EM_DROP(em_http) http = {0};
    EM_DROP(em_stream) peer = {0};
    uint8_t buf[8];
    em_bytes body;

    begin(&http, &peer,
          of("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n"), false);
    CHECK_OK(em_http_send(&http, &get, soon()));
    CHECK_OK(em_http_read_all(&http, buf, sizeof buf, soon(), &body));
    CHECK(em_same(body, EM_STR("x")));
    CHECK_ERR(em_http_send(&http, &get, soon()), EM_ERR_SESSION_STATE);
}

static void a_silent_server_meets_the_deadline(void)
{
    EM_DROP(em_http) http = {0};
    EM_DROP(em_stream) peer = {0};

    begin(&http, &peer, of("HTTP/1.1 200 OK\r\n"), false);
    CHECK_ERR(em_http_send(&http, &get, em_clock_deadline(50)), EM_ERR_TIMEOUT);
    CHECK_ERR(em_http_send(&http, &get, soon()), EM_ERR_SESSION_STATE);
}

static void credentials_over_http(void)
{
    EM_DROP(em_http) http = {0};
    EM_DROP(em_stream) peer = {0};
    em_credentials c = {0};

    begin(&http, &peer,
          of("HTTP/1.1 200 OK\r\nContent-Length: 43\r\n\r\n"
             "{\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"sk\"}"
             "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"),
          false);
    CHECK_OK(em_credentials_get(&http, EM_STR("h"), EM_STR("/role"), soon(), &c));
    CHECK(c.id_len == 2 && c.secret_len == 2 && memcmp(c.secret, "sk", 2) == 0);
    CHECK_ERR(em_credentials_get(&http, EM_STR("h"), EM_STR("/role"), soon(), &c),
              EM_ERR_SESSION_STATE); /* the second answer came too early */
    EM_DROP(em_http) other = {0};
    EM_DROP(em_stream) other_peer = {0};
    begin(&other, &other_peer, of("HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{}"),
          true);
    CHECK_ERR(em_credentials_get(&other, EM_STR("h"), EM_STR("/role"), soon(), &c),
              EM_ERR_CREDENTIALS);
}

static void set_key(em_credentials *c)
{
    memcpy(c->id, "AKIDEXAMPLE", c->id_len = 11);
    memcpy(c->secret, "secret", c->secret_len = 6);
    memcpy(c->token, "token", c->token_len = 5);
}

static void kms_over_http(void)
{
    static const char answer[] = "{\"KeyId\":\"" KEY "\",\"CiphertextForRecipient\":"
                                 "\"Zm9vYmFy\"}";
    static const char refusal_body[] = "{\"__type\":\"AccessDeniedException\"}";
    EM_DROP(em_http) http = {0};
    EM_DROP(em_stream) peer = {0};
    EM_DROP(em_credentials) c = {0};
    char text[512], sent[4096] = {0};
    uint8_t out[64];
    size_t len = 0;
    em_kms_refusal refusal = {0};
    em_kms kms = {.key_arn = of(KEY), .credentials = &c, .now_ms = 1795342830000};

    set_key(&c);
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(answer), answer);
    begin(&http, &peer, of(text), false);
    CHECK_OK(em_kms_decrypt(&http, &kms, EM_STR("blob"), EM_STR("document"), soon(), out,
                            sizeof out, &len, &refusal));
    CHECK(em_same(em_view(out, len), EM_STR("foobar")));
    CHECK_OK(em_stream_read(&peer, sent, sizeof sent - 1, soon(), &len));
    CHECK(strncmp(sent, "POST / HTTP/1.1\r\nHost: kms.eu-central-1.amazonaws.com\r\n",
                  54) == 0);
    CHECK(strstr(sent, "\r\nX-Amz-Target: TrentService.Decrypt\r\n") != NULL);
    CHECK(strstr(sent, "\r\nContent-Type: application/x-amz-json-1.1\r\n") != NULL);
    CHECK(strstr(sent, "\r\nX-Amz-Security-Token: token\r\n") != NULL);
    CHECK(strstr(sent, "Credential=AKIDEXAMPLE/20261122/eu-central-1/kms/aws4_request, "
                       "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;"
                       "x-amz-target, Signature=") != NULL);
    CHECK(strstr(sent, "secret\"") == NULL);

    snprintf(text, sizeof text, "HTTP/1.1 400 Bad\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(refusal_body), refusal_body);
    CHECK_OK(em_stream_write_full(&peer, of(text), soon()));
    kms.host = EM_STR("kms.local:8443");
    CHECK_ERR(em_kms_encrypt(&http, &kms, EM_STR("key"), soon(), out, sizeof out, &len,
                             &refusal),
              EM_ERR_AWS_REFUSED);
    CHECK(refusal.status == 400 && strcmp(refusal.type, "AccessDeniedException") == 0);
    kms.key_arn = EM_STR("alias/x");
    CHECK_ERR(em_kms_encrypt(&http, &kms, EM_STR("key"), soon(), out, sizeof out, &len,
                             &refusal),
              EM_ERR_FORMAT);
}

int main(void)
{
    RUN(good_answers);
    RUN(cut_answers);
    RUN(hostile_answers);
    RUN(requests_in_turn);
    RUN(what_must_not_be_sent);
    RUN(an_answer_nobody_asked_for);
    RUN(a_silent_server_meets_the_deadline);
    RUN(credentials_over_http);
    RUN(kms_over_http);
    return test_end();
}
