/* TLS against a libssl server in another thread, with certificates made here: who is
 * accepted, and by what name everyone else is refused. */
#include "aws/kms.h"
#include "crypto/setup.h"
#include "os/thread.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ms(void)
{
    return em_clock_wall_ms();
}

static uint64_t soon(void)
{
    return em_clock_deadline(5000);
}

/* ---- certificates -------------------------------------------------------------------
 */

typedef struct holder {
    EVP_PKEY *key;
    X509 *cert;
} holder;

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
    CHECK(e != NULL && X509_add_ext(cert, e, -1) == 1);
    X509_EXTENSION_free(e);
}

/* days: from..to around now */
static holder make(const char *name, const holder *issuer, const char *san, int from_day,
                   int to_day, const char *usage)
{
    holder h = {EVP_EC_gen("P-256"), X509_new()};
    X509_NAME *subject = X509_get_subject_name(h.cert);
    const holder *by = issuer != NULL ? issuer : &h;
    static long serial = 1;

    X509_set_version(h.cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(h.cert), serial++);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1,
                               0);
    X509_set_issuer_name(h.cert, X509_get_subject_name(by->cert));
    X509_gmtime_adj(X509_getm_notBefore(h.cert), from_day * 86400L);
    X509_gmtime_adj(X509_getm_notAfter(h.cert), to_day * 86400L);
    X509_set_pubkey(h.cert, h.key);
    extend(h.cert, by->cert, NID_basic_constraints,
           san == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(h.cert, by->cert, NID_subject_key_identifier, "hash");
    if (issuer != NULL) extend(h.cert, by->cert, NID_authority_key_identifier, "keyid");
    if (san != NULL) extend(h.cert, by->cert, NID_ext_key_usage, usage);
    if (san != NULL && *san != 0) extend(h.cert, by->cert, NID_subject_alt_name, san);
    CHECK(X509_sign(h.cert, by->key, EVP_sha256()) > 0);
    return h;
}

static void release(holder *h)
{
    X509_free(h->cert);
    EVP_PKEY_free(h->key);
}

static em_bytes der_of(const holder *h)
{
    uint8_t *der = NULL;
    int len = i2d_X509(h->cert, &der);
    uint8_t *copy = test_alloc((size_t)len);

    memcpy(copy, der, (size_t)len);
    OPENSSL_free(der);
    return em_view(copy, (size_t)len);
}

/* ---- the server ----------------------------------------------------------------------
 */

typedef struct server {
    int fd;
    const holder *leaf, *chain; /* chain: one more certificate, or NULL */
    int max_version;
    const char *cipher;
    enum { ECHO, CUT, END, KEY_UPDATES, ANSWER } way;
    const char *answer; /* of ANSWER, to the first request */
    em_stream_listener *listener;
    char got[4096];
    bool shook;
    char sni[64];
    em_thread thread;
} server;

static void serve_session(server *s, SSL *ssl)
{
    uint8_t buf[4096];
    int len;

    s->shook = SSL_accept(ssl) == 1;
    if (!s->shook) return;
    const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    snprintf(s->sni, sizeof s->sni, "%s", sni != NULL ? sni : "");
    if (s->way == CUT) return;
    while ((len = SSL_read(ssl, buf, sizeof buf)) > 0) {
        if (s->way == ANSWER) {
            size_t had = strlen(s->got);
            memcpy(s->got + had, buf, (size_t)len);
            if (strstr(s->got, "}}") == NULL) continue; /* the request's end */
            SSL_write(ssl, s->answer, (int)strlen(s->answer));
            return;
        }
        if (s->way == KEY_UPDATES) SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
        if (SSL_write(ssl, buf, len) != len) return;
        if (s->way == END) {
            SSL_shutdown(ssl);
            return;
        }
    }
}

static void serve(void *arg)
{
    server *s = arg;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_security_level(ctx, 0);
    if (s->max_version != 0) {
        SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(ctx, s->max_version);
    }
    if (s->cipher != NULL) CHECK(SSL_CTX_set_cipher_list(ctx, s->cipher) == 1);
    SSL_CTX_use_certificate(ctx, s->leaf->cert);
    SSL_CTX_use_PrivateKey(ctx, s->leaf->key);
    if (s->chain != NULL) SSL_CTX_add1_chain_cert(ctx, s->chain->cert);
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, s->fd);
    serve_session(s, ssl);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(s->fd);
    ERR_clear_error();
}

static void serve_next(void *arg)
{
    server *s = arg;
    em_stream stream = {0};

    CHECK_OK(em_stream_accept(s->listener, soon(), &stream, NULL));
    CHECK(fcntl(stream.fd, F_SETFL, 0) == 0); /* libssl waits in read() */
    s->fd = stream.fd;
    serve(s);
}

/* Starts the server on one end of a socket pair; the other end is ours. */
static void begin(server *s, em_stream *ret_stream)
{
    int fds[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    s->fd = fds[0];
    CHECK_OK(em_stream_adopt(fds[1], ret_stream));
    CHECK_OK(em_thread_start(serve, s, "server", &s->thread));
}

/* Shakes hands with a server of these properties and hangs up. */
static em_err greet(server *s, const char *host, em_bytes root, uint64_t at_ms)
{
    EM_DROP(em_stream) stream = {0};
    em_tls tls = {0};

    begin(s, &stream);
    em_err err = em_tls_connect(&stream, em_view(host, strlen(host)), &root,
                                root.len > 0 ? 1 : 0, at_ms, soon(), &tls);
    CHECK(!stream.open && (err == EM_OK) == (tls.session != NULL));
    em_tls_drop(&tls);
    em_thread_drop(&s->thread);
    return err;
}

/* ---- the cases -----------------------------------------------------------------------
 */

static holder root, other_root, middle, leaf;

static void a_good_server_is_talked_to(void)
{
    static const int versions[] = {0, TLS1_3_VERSION, TLS1_2_VERSION};

    for (size_t i = 0; i < EM_COUNT(versions); i++) {
        server s = {.leaf = &leaf, .chain = &middle, .max_version = versions[i]};
        em_bytes roots[2] = {der_of(&other_root), der_of(&root)};
        EM_DROP(em_stream) stream = {0};
        EM_DROP(em_tls) tls = {0};
        uint8_t *big = test_alloc(200000), *back = test_alloc(200000);
        size_t have = 0, sent = 0;
        test_random random = {.state = 5};

        begin(&s, &stream);
        CHECK_OK(em_tls_connect(&stream, EM_STR("kms.test"), roots, 2, now_ms(), soon(),
                                &tls));
        test_random_fill(&random, big, 200000);
        while (sent < 200000 && tls.session != NULL) { /* in turns: the pipe is small */
            CHECK_OK(em_tls_write(&tls, em_view(big + sent, 20000), soon()));
            for (sent += 20000; have < sent;) {
                size_t len = 0;
                if (em_tls_read(&tls, back + have, sent - have, soon(), &len) != EM_OK)
                    break;
                have += len;
            }
        }
        CHECK(have == 200000 && memcmp(big, back, have) == 0);
        CHECK(tls.session != NULL);
        em_tls_drop(&tls);
        em_thread_drop(&s.thread);
        CHECK(s.shook && strcmp(s.sni, "kms.test") == 0);
    }
}

static void names(void)
{
    server s = {.leaf = &leaf, .chain = &middle};

    CHECK_OK(greet(&s, "kms.test", der_of(&root), now_ms()));
    CHECK_OK(greet(&s, "a.wild.test", der_of(&root), now_ms()));
    CHECK_ERR(greet(&s, "kms.test.evil", der_of(&root), now_ms()), EM_ERR_TLS_NAME);
    CHECK_ERR(greet(&s, "ms.test", der_of(&root), now_ms()), EM_ERR_TLS_NAME);
    CHECK_ERR(greet(&s, "a.b.wild.test", der_of(&root), now_ms()), EM_ERR_TLS_NAME);
    CHECK_ERR(greet(&s, "wild.test", der_of(&root), now_ms()), EM_ERR_TLS_NAME);
    /* the subject's common name counts for nothing */
    CHECK_ERR(greet(&s, "common.test", der_of(&root), now_ms()), EM_ERR_TLS_NAME);
    holder bare = make("bare.test", &middle, "", -1, 10, "serverAuth");
    server b = {.leaf = &bare, .chain = &middle};
    CHECK_ERR(greet(&b, "bare.test", der_of(&root), now_ms()), EM_ERR_TLS_NAME);
    release(&bare);
}

static void roots(void)
{
    server s = {.leaf = &leaf, .chain = &middle}, lone = {.leaf = &leaf};
    holder self = make("kms.test", NULL, "DNS:kms.test", -1, 10, "serverAuth");
    server alone = {.leaf = &self};

    CHECK_ERR(greet(&s, "kms.test", der_of(&other_root), now_ms()), EM_ERR_TLS_ROOT);
    CHECK_ERR(greet(&s, "kms.test", (em_bytes){0}, now_ms()), EM_ERR_TLS_ROOT);
    CHECK_ERR(greet(&lone, "kms.test", der_of(&root), now_ms()), EM_ERR_TLS_ROOT);
    CHECK_ERR(greet(&alone, "kms.test", der_of(&root), now_ms()), EM_ERR_TLS_ROOT);
    em_bytes whole = der_of(&root);
    CHECK_ERR(greet(&s, "kms.test", em_view(whole.at, whole.len - 1), now_ms()),
              EM_ERR_X509_MALFORMED);
    release(&self);
}

static void times(void)
{
    server s = {.leaf = &leaf, .chain = &middle};
    holder old = make("old", &middle, "DNS:kms.test", -20, -1, "serverAuth");
    holder new = make("new", &middle, "DNS:kms.test", 1, 20, "serverAuth");
    server late = {.leaf = &old, .chain = &middle},
           early = {.leaf = &new, .chain = &middle};
    const uint64_t day_ms = 86400000;

    CHECK_ERR(greet(&late, "kms.test", der_of(&root), now_ms()), EM_ERR_CERT_EXPIRED);
    CHECK_ERR(greet(&early, "kms.test", der_of(&root), now_ms()),
              EM_ERR_CERT_NOT_YET_VALID);
    /* the time that is given counts, not the machine's */
    CHECK_OK(greet(&late, "kms.test", der_of(&root), now_ms() - 5 * day_ms));
    CHECK_OK(greet(&early, "kms.test", der_of(&root), now_ms() + 5 * day_ms));
    CHECK_ERR(greet(&s, "kms.test", der_of(&root), now_ms() + 4000 * day_ms),
              EM_ERR_CERT_EXPIRED);
    CHECK_ERR(greet(&s, "kms.test", der_of(&root), 0), EM_ERR_CERT_NOT_YET_VALID);
    release(&old);
    release(&new);
}

static void uses(void)
{
    holder client = make("c", &middle, "DNS:kms.test", -1, 10, "clientAuth");
    holder sub = make("s", &leaf, "DNS:kms.test", -1, 10, "serverAuth");
    server s = {.leaf = &client, .chain = &middle},
           below = {.leaf = &sub, .chain = &leaf};

    CHECK_ERR(greet(&s, "kms.test", der_of(&root), now_ms()), EM_ERR_CHAIN_INVALID);
    /* a leaf signs nothing */
    em_err err = greet(&below, "kms.test", der_of(&root), now_ms());
    CHECK(err == EM_ERR_TLS_ROOT || err == EM_ERR_CHAIN_INVALID);
    release(&client);
    release(&sub);
}

static void versions_and_ciphers(void)
{
    server old = {.leaf = &leaf, .chain = &middle, .max_version = TLS1_1_VERSION};
    server cbc = {.leaf = &leaf,
                  .chain = &middle,
                  .max_version = TLS1_2_VERSION,
                  .cipher = "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA"};

    CHECK_ERR(greet(&old, "kms.test", der_of(&root), now_ms()), EM_ERR_TLS);
    CHECK_ERR(greet(&cbc, "kms.test", der_of(&root), now_ms()), EM_ERR_TLS);
    CHECK(!old.shook && !cbc.shook);
}

static void a_cut_is_not_an_end(void)
{
    for (int ends = 0; ends < 2; ends++) {
        server s = {.leaf = &leaf, .chain = &middle, .way = ends ? END : CUT};
        em_bytes one = der_of(&root);
        EM_DROP(em_stream) stream = {0};
        EM_DROP(em_tls) tls = {0};
        uint8_t buf[8];
        size_t len = 0;

        begin(&s, &stream);
        CHECK_OK(
            em_tls_connect(&stream, EM_STR("kms.test"), &one, 1, now_ms(), soon(), &tls));
        if (ends) {
            CHECK_OK(em_tls_write(&tls, EM_STR("x"), soon()));
            CHECK_OK(em_tls_read(&tls, buf, sizeof buf, soon(), &len));
        }
        CHECK_ERR(em_tls_read(&tls, buf, sizeof buf, soon(), &len),
                  ends ? EM_ERR_CLOSED : EM_ERR_TRUNCATED);
        em_tls_drop(&tls);
        em_thread_drop(&s.thread);
    }
}

static void key_updates_are_answered(void)
{
    server s = {.leaf = &leaf,
                .chain = &middle,
                .way = KEY_UPDATES,
                .max_version = TLS1_3_VERSION};
    em_bytes one = der_of(&root);
    EM_DROP(em_stream) stream = {0};
    EM_DROP(em_tls) tls = {0};

    begin(&s, &stream);
    CHECK_OK(
        em_tls_connect(&stream, EM_STR("kms.test"), &one, 1, now_ms(), soon(), &tls));
    for (int i = 0; i < 5; i++) {
        uint8_t buf[8];
        size_t len = 0;
        CHECK_OK(em_tls_write(&tls, EM_STR("ping"), soon()));
        CHECK_OK(em_tls_read(&tls, buf, sizeof buf, soon(), &len));
        CHECK(len == 4);
    }
    em_tls_drop(&tls);
    em_thread_drop(&s.thread);
}

static em_err connect_pair(em_stream *ours, uint64_t deadline_ms)
{
    em_bytes one = der_of(&root);
    EM_DROP(em_tls) tls = {0};

    return em_tls_connect(ours, EM_STR("kms.test"), &one, 1, now_ms(), deadline_ms, &tls);
}

static void no_server_at_all(void)
{
    EM_DROP(em_stream) ours = {0};
    EM_DROP(em_stream) peer = {0};

    CHECK_OK(em_stream_pair(&ours, &peer)); /* silence */
    uint64_t start = em_clock_monotonic_ms();
    CHECK_ERR(connect_pair(&ours, em_clock_deadline(80)), EM_ERR_TIMEOUT);
    CHECK(em_clock_monotonic_ms() - start < 2000 && !ours.open);

    em_stream_drop(&peer);
    CHECK_OK(em_stream_pair(&ours, &peer)); /* gibberish */
    CHECK_OK(
        em_stream_write_full(&peer, EM_STR("HTTP/1.1 400 Bad Request\r\n\r\n"), soon()));
    CHECK_ERR(connect_pair(&ours, soon()), EM_ERR_TLS);

    em_stream_drop(&peer);
    CHECK_OK(em_stream_pair(&ours, &peer)); /* gone */
    em_stream_drop(&peer);
    em_err err = connect_pair(&ours, soon());
    CHECK(err == EM_ERR_CLOSED || err == EM_ERR_IO);
}

static void names_that_are_no_names(void)
{
    server s = {.leaf = &leaf, .chain = &middle};
    char long_name[300];

    memset(long_name, 'a', sizeof long_name);
    long_name[299] = 0;
    CHECK_ERR(greet(&s, "", der_of(&root), now_ms()), EM_ERR_ARGUMENT);
    CHECK_ERR(greet(&s, long_name, der_of(&root), now_ms()), EM_ERR_ARGUMENT);
}

/* KMS over HTTP over TLS over TCP. */
static void a_question_to_kms(void)
{
    static const char key[] =
        "arn:aws:kms:eu-west-1:123456789012:key/12345678-90ab-cdef-0123-456789abcdef";
    em_address at = {0};
    EM_DROP(em_stream_listener) listener = {0};
    EM_DROP(em_http) http = {0};
    EM_DROP(em_credentials)
    who = {.id_len = 1, .id = "A", .secret_len = 1, .secret = "s"};
    em_bytes one = der_of(&root);
    char answer[512];
    uint8_t cms[64];
    size_t len = 0;
    em_kms kms = {.key_arn = EM_STR("arn:aws:kms:eu-west-1:123456789012:key/"
                                    "12345678-90ab-cdef-0123-456789abcdef"),
                  .host = EM_STR("kms.test"),
                  .credentials = &who,
                  .now_ms = now_ms()};

    snprintf(answer, sizeof answer,
             "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n"
             "{\"KeyId\":\"%s\",\"CiphertextForRecipient\":\"Zm9vYmFy\"}",
             strlen(key) + 48, key);
    CHECK_OK(em_address_parse(EM_STR("tcp:127.0.0.1:0"), &at));
    CHECK_OK(em_stream_listen(&at, &listener));
    server s = {.leaf = &leaf,
                .chain = &middle,
                .way = ANSWER,
                .answer = answer,
                .listener = &listener};
    CHECK_OK(em_thread_start(serve_next, &s, "server", &s.thread));
    CHECK_OK(em_http_open_tls(&listener.at, EM_STR("kms.test"), &one, 1, now_ms(), soon(),
                              &http));
    CHECK_OK(em_kms_decrypt(&http, &kms, EM_STR("blob"), EM_STR("document"), soon(), cms,
                            sizeof cms, &len, NULL));
    CHECK(em_same(em_view(cms, len), EM_STR("foobar")));
    em_http_drop(&http);
    em_thread_drop(&s.thread);
    CHECK(strstr(s.got, "\r\nX-Amz-Target: TrentService.Decrypt\r\n") != NULL);

    /* the port is closed now */
    em_stream_listener_drop(&listener);
    em_err err =
        em_http_open_tls(&at, EM_STR("kms.test"), &one, 1, now_ms(), soon(), &http);
    CHECK(err != EM_OK && !http.is_open);
}

/* What the environment calls trusted is nothing to us. */
static void the_environment_names_no_roots(void)
{
    char path[] = "/tmp/em-tls-root-XXXXXX";
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    server s = {.leaf = &leaf, .chain = &middle};

    REQUIRE(f != NULL);
    PEM_write_X509(f, root.cert);
    fclose(f);
    setenv("SSL_CERT_FILE", path, 1);
    CHECK_ERR(greet(&s, "kms.test", (em_bytes){0}, now_ms()), EM_ERR_TLS_ROOT);
    unsetenv("SSL_CERT_FILE");
    unlink(path);
}

int main(void)
{
    CHECK_OK(em_setup());
    root = make("Root", NULL, NULL, -100, 3000, NULL);
    other_root = make("Root", NULL, NULL, -100, 3000, NULL); /* the same name */
    middle = make("Middle", &root, NULL, -100, 3000, NULL);
    leaf = make("common.test", &middle, "DNS:kms.test,DNS:*.wild.test", -1, 10,
                "serverAuth");
    RUN(a_good_server_is_talked_to);
    RUN(names);
    RUN(roots);
    RUN(times);
    RUN(uses);
    RUN(versions_and_ciphers);
    RUN(a_cut_is_not_an_end);
    RUN(key_updates_are_answered);
    RUN(no_server_at_all);
    RUN(names_that_are_no_names);
    RUN(a_question_to_kms);
    RUN(the_environment_names_no_roots);
    release(&root);
    release(&other_root);
    release(&middle);
    release(&leaf);
    return test_end();
}
