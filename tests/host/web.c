/* What em-host serves to the enclave and its operator: bundles, credentials, forwarders,
 * numbers.  em-host runs as a process of its own. */
#include "tests/host/run.h"

#include <sys/stat.h>

static char answer[3 << 20];
static const char *body;
static size_t body_len;
static char folder[64];

static const char *in(const char *name)
{
    static char path[4][256];
    static unsigned turn;
    char *p = path[turn++ % 4];

    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static unsigned get(const em_address *at, const char *target, const char *headers)
{
    return http_get(at, "GET", target, headers, answer, sizeof answer, &body, &body_len);
}

/* ---- the store ---- */

enum { BIG = 2 << 20 };
static uint8_t big[BIG];

static void fill_folder(void)
{
    test_random r = {.state = 1};

    strcpy(folder, "/tmp/em-test-store-XXXXXX");
    if (mkdtemp(folder) == NULL) abort();
    test_random_fill(&r, big, sizeof big);
    CHECK_OK(em_file_write(in("big.bundle"), EM_BYTES(big), 0600));
    CHECK_OK(em_file_write(in("small"), EM_STR("0123456789"), 0600));
    CHECK_OK(em_file_write(in("empty"), em_view(NULL, 0), 0600));
    CHECK_OK(em_file_write(in(".hidden"), EM_STR("hidden"), 0600));
    CHECK_OK(em_file_make_folder(in("sub"), 0700));
    CHECK_OK(em_file_write(in("sub/inside"), EM_STR("inside"), 0600));
    CHECK(symlink("/etc/passwd", in("link")) == 0);
    CHECK(symlink("small", in("inner-link")) == 0);
    CHECK(symlink("/etc", in("dir-link")) == 0);
    CHECK(mkfifo(in("pipe"), 0600) == 0);
}

static void whole_files_and_ranges_are_served(const em_address *at)
{
    static const struct {
        const char *header;
        unsigned status;
        const char *content_range, *body;
    } row[] = {
        {"", 200, NULL, "0123456789"},
        {"Range: bytes=0-3\r\n", 206, "bytes 0-3/10", "0123"},
        {"Range: bytes=8-\r\n", 206, "bytes 8-9/10", "89"},
        {"Range: bytes=-3\r\n", 206, "bytes 7-9/10", "789"},
        {"Range: bytes=4-99999999999999999999999\r\n", 206, "bytes 4-9/10", "456789"},
        {"Range: bytes=10-\r\n", 416, "bytes */10", ""},
        {"Range: bytes=99999999999999999999-\r\n", 416, "bytes */10", ""},
        {"Range: bytes=5-4\r\n", 416, "bytes */10", ""},
        {"Range: bytes=-0\r\n", 416, "bytes */10", ""},
        {"Range: bytes=-1-2\r\n", 416, "bytes */10", ""},
        {"Range: bytes=0-1,3-4\r\n", 416, "bytes */10", ""},
        {"Range: lines=0-1\r\n", 416, "bytes */10", ""},
        {"Range: bytes=2-3\r\nIf-Range: \"x\"\r\n", 200, NULL, "0123456789"},
    };
    char want[64];

    for (size_t i = 0; i < EM_COUNT(row); i++) {
        test_note("%s", row[i].header);
        CHECK(get(at, "/small", row[i].header) == row[i].status);
        CHECK(
            em_same(em_view(body, body_len), em_view(row[i].body, strlen(row[i].body))));
        if (row[i].content_range == NULL) {
            CHECK(strstr(answer, "Content-Range") == NULL);
            continue;
        }
        snprintf(want, sizeof want, "\r\nContent-Range: %s\r\n", row[i].content_range);
        CHECK(strstr(answer, want) != NULL);
    }
    CHECK(get(at, "/empty", "") == 200 && body_len == 0);
    CHECK(get(at, "/empty", "Range: bytes=0-\r\n") == 416);
    CHECK(get(at, "/big.bundle", "") == 200);
    CHECK(em_same(em_view(body, body_len), EM_BYTES(big)));
    CHECK(get(at, "/big.bundle", "Range: bytes=1000001-1999999\r\n") == 206);
    CHECK(em_same(em_view(body, body_len), em_view(big + 1000001, 999999)));
}

static void head_says_the_length_and_no_more(const em_address *at)
{
    CHECK(http_get(at, "HEAD", "/big.bundle", "", answer, sizeof answer, &body,
                   &body_len) == 200);
    CHECK(strstr(answer, "\r\nContent-Length: 2097152\r\n") != NULL && body_len == 0);
    CHECK(strstr(answer, "\r\nAccept-Ranges: bytes\r\n") != NULL);
    CHECK(http_get(at, "HEAD", "/small", "Range: bytes=0-1\r\n", answer, sizeof answer,
                   &body, &body_len) == 200);
    CHECK(strstr(answer, "\r\nContent-Length: 10\r\n") != NULL && body_len == 0);
}

static void what_is_no_file_of_the_folder_is_not_found(const em_address *at)
{
    static const char *bad[] = {
        "/",
        "/none",
        "/.hidden",
        "/.",
        "/..",
        "/../etc/passwd",
        "/../../../../etc/passwd",
        "/sub/inside",
        "/sub/../small",
        "/sub",
        "/link",
        "/inner-link",
        "/dir-link",
        "/dir-link/passwd",
        "/pipe",
        "//small",
        "/small/",
        "/./small",
        "/%2e%2e/etc/passwd",
        "/%2e%2e%2fetc%2fpasswd",
        "/..%2fetc%2fpasswd",
        "/sm%61ll",
        "/small%00",
        "/small%00.bundle",
        "/..%c0%af..%c0%afetc/passwd",
        "/\\..\\small",
        "/etc/passwd",
        "http://other/small",
    };
    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("%s", bad[i]);
        unsigned status = get(at, bad[i], "");
        CHECK(status == 404 || status == 400);
        CHECK(strstr(answer, "root:") == NULL && strstr(answer, "inside") == NULL &&
              strstr(answer, "0123456789") == NULL);
    }
}

static void other_requests_are_refused(const em_address *at)
{
    static const char *methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"};

    for (size_t i = 0; i < EM_COUNT(methods); i++) {
        test_note("%s", methods[i]);
        CHECK(http_get(at, methods[i], "/small", "", answer, sizeof answer, NULL, NULL) ==
              405);
        CHECK(strstr(answer, "\r\nAllow: GET, HEAD\r\n") != NULL);
    }
    CHECK(get(at, "/small?x=1", "") == 400);
    CHECK(http(at, "GET /small HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
               answer, sizeof answer, NULL, NULL) == 400);
    CHECK(http(at,
               "GET /small HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
               "chunked\r\n\r\n0\r\n\r\n",
               answer, sizeof answer, NULL, NULL) == 400);
    /* and what is no HTTP does not harm */
    CHECK(http(at, "\x16\x03\x01 nonsense\r\n\r\n", answer, sizeof answer, NULL, NULL) !=
          200);
    CHECK(get(at, "/small", "") == 200);
}

static void several_requests_share_a_connection(const em_address *at)
{
    EM_DROP(em_stream) s = {0};
    size_t len = 0, n = 0, times = 0;
    static const char two[] = "GET /small HTTP/1.1\r\nHost: h\r\nRange: bytes=0-4\r\n\r\n"
                              "GET /small HTTP/1.1\r\nHost: h\r\nRange: bytes=5-9\r\n"
                              "Connection: close\r\n\r\n";

    CHECK_OK(em_stream_connect(at, soon(), &s));
    CHECK_OK(em_stream_write_full(&s, em_view(two, sizeof two - 1), soon()));
    while (em_stream_read(&s, answer + len, sizeof answer - 1 - len, soon(), &n) == EM_OK)
        len += n;
    answer[len] = 0;
    for (const char *p = answer; (p = strstr(p, "HTTP/1.1 206")) != NULL; p++) times++;
    CHECK(times == 2 && strstr(answer, "01234") != NULL &&
          strstr(answer, "56789") != NULL);
}

static void bundles_are_served_on(const char *address)
{
    const char *none = unix_address("no-enclave");
    host h;

    fill_folder();
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", none, "--store", folder,
               "--store-listen", address, "--admin", "tcp:127.0.0.1:0");
    em_address at = host_address(&h, "store", 0), admin = host_address(&h, "admin", 0);
    whole_files_and_ranges_are_served(&at);
    head_says_the_length_and_no_more(&at);
    what_is_no_file_of_the_folder_is_not_found(&at);
    other_requests_are_refused(&at);
    several_requests_share_a_connection(&at);
    CHECK(host_metric(&admin, "em_host_store_requests_total{status=\"206\"}") == 7);
    CHECK(host_metric(&admin, "em_host_store_requests_total{status=\"5xx\"}") == 0);
    CHECK(host_metric(&admin, "em_host_store_requests_total{status=\"4xx\"}") > 30);
    CHECK(host_stop(&h) == 0);
    CHECK_OK(em_file_remove_tree(folder));
}

static void bundles_on_a_unix_socket(void)
{
    bundles_are_served_on(unix_address("store"));
}

static void bundles_on_tcp(void)
{
    bundles_are_served_on("tcp:127.0.0.1:0");
}

/* ---- credentials ---- */

static const char document[] = "{\"Code\":\"Success\",\"AccessKeyId\":\"AKIDEXAMPLE\","
                               "\"SecretAccessKey\":\"wJalrXUtnFEMI\",\"Token\":\"t\"}";
#define ROLES "/latest/meta-data/iam/security-credentials/"

static void credentials_come_from_a_file(void)
{
    const char *none = unix_address("none"), *door = unix_address("cred");
    char path[] = "/tmp/em-test-cred-XXXXXX";
    host h;

    close(mkstemp(path));
    CHECK_OK(em_file_write(path, em_view(document, sizeof document - 1), 0600));
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", none, "--credentials",
               path, "--credentials-listen", door);
    em_address at = host_address(&h, "credentials", 0);
    CHECK(get(&at, "/credentials", "") == 200 && strcmp(body, document) == 0);
    CHECK(strstr(answer, "\r\nContent-Type: application/json\r\n") != NULL);
    CHECK(get(&at, ROLES, "") == 200 && strcmp(body, "file") == 0);
    CHECK(get(&at, ROLES "file", "") == 200 && strcmp(body, document) == 0);
    CHECK(get(&at, ROLES "other", "") == 404);
    CHECK(get(&at, "/", "") == 404);
    CHECK(get(&at, "/latest/meta-data/iam/security-credentialsX", "") == 404);
    CHECK(get(&at, "/latest/meta-data/instance-id", "") == 404);
    CHECK(http_get(&at, "PUT", "/latest/api/token", "", answer, sizeof answer, NULL,
                   NULL) == 405);
    /* replaced while it runs; gone; too large */
    CHECK_OK(em_file_write(path, EM_STR("{}"), 0600));
    CHECK(get(&at, "/credentials", "") == 200 && strcmp(body, "{}") == 0);
    CHECK_OK(em_file_write(path, em_view(big, (16 << 10) + 1), 0600));
    CHECK(get(&at, "/credentials", "") == 502 && strcmp(body, "502 bad gateway\n") == 0);
    unlink(path);
    CHECK(get(&at, "/credentials", "") == 502);
    CHECK(host_stop(&h) == 0);
}

/* An instance metadata service, version 2. */
typedef enum mood { GOOD, NO_TOKEN, BAD_TOKEN, BAD_ROLE, TOO_LARGE, NO_DOCUMENT } mood;

typedef struct service {
    em_stream_listener l;
    mood mood;
    bool stop, wrong;
    unsigned asked;
    em_thread thread;
} service;

static void say(em_stream *s, unsigned status, const char *text, size_t len)
{
    char head[128];

    snprintf(head, sizeof head, "HTTP/1.1 %u x\r\nContent-Length: %zu\r\n\r\n", status,
             len);
    (void)!em_stream_write_full(s, em_view(head, strlen(head)), soon());
    (void)!em_stream_write_full(s, em_view(text, len), soon());
}

static void answer_metadata(service *m, em_stream *s, const char *request)
{
    bool token =
        strstr(request, "\r\nX-aws-ec2-metadata-token: SECRET-token_1=\r\n") != NULL;
    static char large[20 << 10];

    m->asked++;
    if (strncmp(request, "PUT /latest/api/token HTTP/1.1\r\n", 32) == 0) {
        if (strstr(request, "\r\nX-aws-ec2-metadata-token-ttl-seconds: ") == NULL)
            m->wrong = true;
        if (m->mood == NO_TOKEN)
            say(s, 403, "no", 2);
        else if (m->mood == BAD_TOKEN)
            say(s, 200, "a\r\nInjected: header", 19);
        else
            say(s, 200, "SECRET-token_1=", 15);
        return;
    }
    if (!token) m->wrong = true;
    if (strncmp(request, "GET " ROLES " HTTP/1.1\r\n", 57) == 0) {
        if (m->mood == BAD_ROLE)
            say(s, 200, "../../user-data", 15);
        else
            say(s, 200, "the-role\n", 9);
    } else if (strncmp(request, "GET " ROLES "the-role HTTP/1.1\r\n", 65) == 0) {
        if (m->mood == NO_DOCUMENT)
            say(s, 404, "gone", 4);
        else if (m->mood == TOO_LARGE)
            say(s, 200, large, sizeof large);
        else
            say(s, 200, document, sizeof document - 1);
    } else {
        m->wrong = true;
        say(s, 404, "", 0);
    }
}

static void serve_metadata(void *arg)
{
    service *m = arg;

    while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
        EM_DROP(em_stream) s = {0};
        char request[4096] = {0};
        size_t len = 0, n = 0;
        if (em_stream_accept(&m->l, em_clock_deadline(20), &s, NULL) != EM_OK) continue;
        while (strstr(request, "\r\n\r\n") == NULL && len + 1 < sizeof request &&
               em_stream_read(&s, request + len, sizeof request - 1 - len, soon(), &n) ==
                   EM_OK)
            len += n;
        answer_metadata(m, &s, request);
    }
}

static void credentials_come_from_the_metadata_service(void)
{
    const char *none = unix_address("none"), *door = unix_address("cred");
    em_address any = address_of("tcp:127.0.0.1:0");
    char at_text[EM_ADDRESS_TEXT];
    service m = {.mood = NO_TOKEN};
    host h;

    CHECK_OK(em_stream_listen(&any, &m.l));
    em_address_print(&m.l.at, at_text);
    CHECK_OK(em_thread_start(serve_metadata, &m, "imds", &m.thread));
    setenv("http_proxy", "http://127.0.0.1:1/", 1); /* must not be asked */
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", none, "--credentials",
               "imds", "--credentials-listen", door, "--metadata-service", at_text,
               "--log", "debug");
    em_address at = host_address(&h, "credentials", 0);
    for (mood bad = NO_TOKEN; bad <= NO_DOCUMENT; bad++) {
        test_note("mood %d", (int)bad);
        m.mood = bad;
        CHECK(get(&at, "/credentials", "") == 502);
    }
    m.mood = GOOD;
    CHECK(get(&at, "/credentials", "") == 200 && strcmp(body, document) == 0);
    unsigned asked = m.asked;
    CHECK(get(&at, ROLES, "") == 200 && strcmp(body, "the-role") == 0);
    CHECK(get(&at, ROLES "the-role", "") == 200 && strcmp(body, document) == 0);
    CHECK(get(&at, ROLES "file", "") == 404);
    CHECK(m.asked == asked && asked == 1 + 1 + 2 + 3 + 3 + 3); /* kept for a minute */
    CHECK(!m.wrong);
    size_t n = 0;
    CHECK_OK(em_file_read(h.log, answer, sizeof answer - 1, &n));
    answer[n] = 0;
    CHECK(strstr(answer, "wJalrXUtnFEMI") == NULL && strstr(answer, "SECRET") == NULL);
    CHECK(host_stop(&h) == 0);
    __atomic_store_n(&m.stop, true, __ATOMIC_RELAXED);
    em_thread_drop(&m.thread);
    em_stream_listener_drop(&m.l);
}

static void credentials_that_others_can_read_are_not_served(void)
{
    char path[] = "/tmp/em-test-cred-XXXXXX";
    host h;
    int code = 0;

    close(mkstemp(path));
    CHECK_OK(em_file_write(path, em_view(document, sizeof document - 1), 0640));
    const char *words[] = {
        "--listen", "tcp:127.0.0.1:0",      "--enclave",   "unix:/x", "--credentials",
        path,       "--credentials-listen", "unix:/tmp/x", NULL};
    CHECK(!host_try(&h, words, &code) && code == 2);
    unlink(path);
    unlink(h.log);
}

/* ---- forwarders ---- */

typedef struct upstream {
    em_stream_listener l;
    const char *greeting;
    bool stop;
    em_thread thread;
} upstream;

static void serve_upstream(void *arg)
{
    upstream *u = arg;

    while (!__atomic_load_n(&u->stop, __ATOMIC_RELAXED)) {
        EM_DROP(em_stream) s = {0};
        uint8_t b[5];
        if (em_stream_accept(&u->l, em_clock_deadline(20), &s, NULL) != EM_OK) continue;
        (void)!em_stream_write_full(&s, em_view(u->greeting, 5), soon());
        if (em_stream_read_full(&s, b, 5, soon()) == EM_OK)
            (void)!em_stream_write_full(&s, EM_BYTES(b), soon());
    }
}

static void upstream_start(upstream *u, const char *at, const char *greeting)
{
    em_address a = address_of(at);

    *u = (upstream){.greeting = greeting};
    if (em_stream_listen(&a, &u->l) != EM_OK) abort();
    if (em_thread_start(serve_upstream, u, "upstream", &u->thread) != EM_OK) abort();
}

static void upstream_stop(upstream *u)
{
    __atomic_store_n(&u->stop, true, __ATOMIC_RELAXED);
    em_thread_drop(&u->thread);
    em_stream_listener_drop(&u->l);
}

static void check_forward(const em_address *from, const char *greeting)
{
    EM_DROP(em_stream) s = {0};
    char b[6] = {0};
    size_t n = 0;

    CHECK_OK(em_stream_connect(from, soon(), &s));
    CHECK_OK(em_stream_read_full(&s, b, 5, soon()));
    CHECK(strcmp(b, greeting) == 0);
    CHECK_OK(em_stream_write_full(&s, EM_STR("bytes"), soon()));
    CHECK_OK(em_stream_read_full(&s, b, 5, soon()));
    CHECK(strcmp(b, "bytes") == 0);
    CHECK_ERR(em_stream_read(&s, b, 1, soon(), &n), EM_ERR_CLOSED);
}

static void forwarders_reach_their_one_upstream(void)
{
    const char *none = unix_address("none"), *a_door = unix_address("fa");
    const char *b_up = unix_address("ub"), *dead_door = unix_address("fd");
    char first[600], second[600], third[600], at[EM_ADDRESS_TEXT];
    upstream a, b;
    host h;
    uint8_t one;
    size_t n = 0;

    upstream_start(&a, "tcp:127.0.0.1:0", "AAAAA");
    upstream_start(&b, b_up, "BBBBB");
    em_address_print(&a.l.at, at);
    /* by name: the dialler resolves it */
    snprintf(first, sizeof first, "%s=tcp:localhost:%u", a_door, a.l.at.port);
    snprintf(second, sizeof second, "tcp:127.0.0.1:0=%s", b_up);
    snprintf(third, sizeof third, "%s=%s", dead_door, unix_address("nobody"));
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", none, "--forward", first,
               "--forward", second, "--forward", third, "--admin", "tcp:127.0.0.1:0");
    em_address admin = host_address(&h, "admin", 0);
    for (int i = 0; i < 3; i++) {
        em_address from_a = host_address(&h, "forward", 0);
        em_address from_b = host_address(&h, "forward", 1);
        check_forward(&from_a, "AAAAA");
        check_forward(&from_b, "BBBBB");
    }
    /* nobody upstream: closed without a byte (no HOST record here) */
    em_address dead = host_address(&h, "forward", 2);
    EM_DROP(em_stream) s = {0};
    CHECK_OK(em_stream_connect(&dead, soon(), &s));
    em_err err = em_stream_read(&s, &one, 1, soon(), &n);
    CHECK(err == EM_ERR_CLOSED || err == EM_ERR_IO);
    CHECK(host_metric(&admin, "em_host_forward_connections_total") == 7);
    CHECK(host_metric(&admin, "em_host_forward_refused_total") == 1);
    CHECK(host_metric(&admin, "em_host_forward_bytes_total{direction=\"to_upstream\"}") ==
          30);
    CHECK(host_metric(&admin, "em_host_forward_bytes_total{direction=\"to_enclave\"}") ==
          60);
    /* the clients' door does not lead to an upstream */
    em_address listen = host_address(&h, "listen", 0);
    EM_DROP(em_stream) c = {0};
    uint8_t record[13];
    CHECK_OK(em_stream_connect(&listen, soon(), &c));
    CHECK_OK(em_stream_read_full(&c, record, 13, soon()));
    CHECK(record[0] == 9);
    CHECK(host_stop(&h) == 0);
    upstream_stop(&a);
    upstream_stop(&b);
}

static void a_forwarder_has_a_cap(void)
{
    const char *none = unix_address("none"), *door = unix_address("fa"),
               *up = unix_address("up");
    char words[600];
    em_address up_at = address_of(up);
    EM_DROP(em_stream_listener) l = {0};
    em_stream s[3] = {0};
    em_stream served[2] = {0};
    host h;
    uint8_t one;
    size_t n = 0;

    CHECK_OK(em_stream_listen(&up_at, &l));
    snprintf(words, sizeof words, "%s=%s", door, up);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", none, "--forward", words,
               "--max-forwards", "2");
    em_address from = host_address(&h, "forward", 0);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(em_stream_connect(&from, soon(), &s[i]));
        if (i < 2) CHECK_OK(em_stream_accept(&l, soon(), &served[i], NULL));
    }
    em_err err = em_stream_read(&s[2], &one, 1, soon(), &n);
    CHECK(err == EM_ERR_CLOSED || err == EM_ERR_IO);
    CHECK_ERR(em_stream_read(&s[0], &one, 1, EM_NOW, &n), EM_ERR_AGAIN);
    for (int i = 0; i < 2; i++) em_stream_drop(&served[i]);
    for (int i = 0; i < 3; i++) em_stream_drop(&s[i]);
    CHECK(host_stop(&h) == 0);
}

/* ---- the operator's side ---- */

static void metrics_and_health_are_served(void)
{
    const char *none = unix_address("none");
    host h;

    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", none, "--admin",
               "tcp:127.0.0.1:0");
    em_address at = host_address(&h, "admin", 0);
    CHECK(get(&at, "/healthz", "") == 200 && strcmp(body, "ok\n") == 0);
    CHECK(get(&at, "/metrics", "") == 200);
    CHECK(strstr(answer, "Content-Type: text/plain; version=0.0.4") != NULL);
    CHECK(strstr(body, "# TYPE em_host_connections_total counter\n") != NULL);
    CHECK(strstr(body, "# TYPE em_host_breaker_state gauge\n") != NULL);
    CHECK(get(&at, "/", "") == 404 && get(&at, "/metricsx", "") == 404);
    CHECK(http_get(&at, "POST", "/metrics", "", answer, sizeof answer, NULL, NULL) ==
          405);
    CHECK(host_stop(&h) == 0);
}

static void what_cannot_start_says_so_and_exits_2(void)
{
    em_address any = address_of("tcp:127.0.0.1:0");
    EM_DROP(em_stream_listener) l = {0};
    char taken[EM_ADDRESS_TEXT];
    host h;
    int code = 0;

    CHECK_OK(em_stream_listen(&any, &l));
    em_address_print(&l.at, taken);
    const char *const bad[][7] = {
        {"--listen", taken, "--enclave", "unix:/x"},
        {"--listen", "tcp:127.0.0.1:0", "--enclave", "unix:/x", "--admin", taken},
        {"--listen", "unix:/nonexistent/x", "--enclave", "unix:/x"},
        {"--listen", "tcp:127.0.0.1:0", "--enclave", "unix:/x", "--forward",
         "tcp:0.0.0.0:0=tcp:h:1"},
        {"--listen", "tcp:127.0.0.1:0"},
    };
    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("row %zu", i);
        size_t n = 0;
        CHECK(!host_try(&h, bad[i], &code) && code == 2);
        CHECK_OK(em_file_read(h.log, answer, sizeof answer - 1, &n));
        CHECK(n > 20 && memcmp(answer, "em-host: ", 9) == 0);
        unlink(h.log);
    }
    const char *const store[] = {"--listen",       "tcp:127.0.0.1:0", "--enclave",
                                 "unix:/x",        "--store",         "/nonexistent",
                                 "--store-listen", "tcp:127.0.0.1:0", NULL};
    CHECK(!host_try(&h, store, &code) && code == 2);
    const char *const help[] = {"--help", NULL}, *const version[] = {"--version", NULL};
    CHECK(!host_try(&h, help, &code) && code == 0 && strstr(h.line, "em-host") != NULL);
    CHECK(!host_try(&h, version, &code) && code == 0);
    unlink(h.log);
}

int main(int argc, char **argv)
{
    RUN_AS_HOST(argc, argv);
    RUN(bundles_on_a_unix_socket);
    RUN(bundles_on_tcp);
    RUN(credentials_come_from_a_file);
    RUN(credentials_come_from_the_metadata_service);
    RUN(credentials_that_others_can_read_are_not_served);
    RUN(forwarders_reach_their_one_upstream);
    RUN(a_forwarder_has_a_cap);
    RUN(metrics_and_health_are_served);
    RUN(what_cannot_start_says_so_and_exits_2);
    return test_end();
}
