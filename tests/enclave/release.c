/* How often a key is asked for: again where the line broke, never after a refusal, three
 * times in the life of a process.  Each case is a process of its own. */
#include "enclave/release.h"

#include "crypto/setup.h"
#include "os/nsm.h"
#include "os/thread.h"
#include "tests/support/test.h"
#include "wire/cbor.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child finds, and what it saw: shared with the parent. */
typedef struct seen {
    atomic_uint credentials, kms, documents;
    em_err first, second;
} seen;

typedef enum how {
    HANG_UP,     /* the credentials service closes at once */
    NO_CONTENT,  /* it answers 404 */
    NSM_REFUSES, /* the NSM answers an error */
    ALL_ANSWER,  /* everything up to TLS with KMS */
} how;

static seen *shared;
static how what;
static em_stream_listener credentials_at, kms_at, nsm_at;

static const char body[] = "{\"AccessKeyId\":\"ASIATEST\",\"SecretAccessKey\":\"s\","
                           "\"Token\":\"t\",\"Expiration\":\"2099-01-01T00:00:00Z\"}";

static void serve_credentials(void *arg)
{
    uint8_t request[4096];
    char answer[512];
    size_t len;

    (void)arg;
    for (;;) {
        EM_DROP(em_stream) s = {0};
        if (em_stream_accept(&credentials_at, EM_NEVER, &s, NULL) != EM_OK) return;
        atomic_fetch_add(&shared->credentials, 1);
        if (what == HANG_UP) continue;
        if (em_stream_read(&s, request, sizeof request, EM_NEVER, &len) != EM_OK)
            continue;
        int n = snprintf(
            answer, sizeof answer, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s",
            what == NO_CONTENT ? "404 Not Found" : "200 OK", sizeof body - 1, body);
        CHECK_OK(em_stream_write_full(&s, em_view(answer, (size_t)n), EM_NEVER));
    }
}

static void serve_kms(void *arg)
{
    uint8_t hello[8];
    size_t len;

    (void)arg;
    for (;;) {
        EM_DROP(em_stream) s = {0};
        if (em_stream_accept(&kms_at, EM_NEVER, &s, NULL) != EM_OK) return;
        atomic_fetch_add(&shared->kms, 1);
        (void)!em_stream_read(&s, hello, sizeof hello, EM_NEVER, &len);
    }
}

static em_bytes nsm_answer(em_bytes request, em_out *o)
{
    em_cbor_put_map(o, 1);
    if (em_same(request, EM_STR("\x69GetRandom"))) {
        em_cbor_put_str(o, "GetRandom");
        em_cbor_put_map(o, 1);
        em_cbor_put_str(o, "random");
        em_cbor_put_bytes(o, EM_STR("0123456789abcdef0123456789abcdef"));
    } else if (what == NSM_REFUSES) {
        atomic_fetch_add(&shared->documents, 1);
        em_cbor_put_str(o, "Error");
        em_cbor_put_str(o, "InternalError");
    } else {
        atomic_fetch_add(&shared->documents, 1);
        em_cbor_put_str(o, "Attestation");
        em_cbor_put_map(o, 1);
        em_cbor_put_str(o, "document");
        em_cbor_put_bytes(o, EM_STR("a document"));
    }
    return em_write_view(o);
}

static void serve_nsm(void *arg)
{
    static uint8_t request[EM_NSM_MAX_REQUEST], answer[256];
    size_t len;

    (void)arg;
    for (;;) {
        EM_DROP(em_stream) s = {0};
        if (em_stream_accept(&nsm_at, EM_NEVER, &s, NULL) != EM_OK) return;
        while (em_nsm_take(&s, EM_NEVER, request, &len) == EM_OK) {
            em_out o = EM_OUT(answer);
            em_bytes got = nsm_answer(em_view(request, len), &o);
            if (em_nsm_answer(&s, got, EM_NEVER) != EM_OK) break;
        }
    }
}

static void listen_at(const char *name, em_stream_listener *l, void (*run)(void *),
                      em_address *ret_address)
{
    static em_thread threads[3];
    static size_t n;
    char text[80];

    snprintf(text, sizeof text, "unix:/tmp/em-test-release-%d-%s", (int)getpid(), name);
    if (em_address_parse(em_view(text, strlen(text)), ret_address) != EM_OK ||
        em_stream_listen(ret_address, l) != EM_OK ||
        em_thread_start(run, NULL, name, &threads[n++]) != EM_OK)
        abort();
}

/* Two keys are asked for, as for two models. */
static void child(void)
{
    static em_config config;
    em_address nsm;
    EM_DROP(em_attestor) attestor = {0};
    EM_DROP(em_content_key) key = {0};
    em_manifest manifest = {0};
    em_time time = em_time_anchor(1800000000000);
    char text[80];

    listen_at("credentials", &credentials_at, serve_credentials, &config.credentials);
    listen_at("kms", &kms_at, serve_kms, &config.kms);
    listen_at("nsm", &nsm_at, serve_nsm, &nsm);
    snprintf(text, sizeof text, "unix:/tmp/em-test-release-%d-nsm", (int)getpid());
    if (em_attestor_open(em_view(text, strlen(text)), &attestor) != EM_OK) abort();
    config.n_roots = 1;
    em_bytes root = test_hex("3000");
    memcpy(config.root[0].der, root.at, config.root[0].len = root.len);
    manifest.body.id = EM_STR("small");
    manifest.body.kms_key = EM_STR("arn:aws:kms:eu-central-1:111122223333:key/"
                                   "01234567-89ab-4cde-8f01-23456789abcd");
    shared->first =
        em_release_key(&config, &attestor, &time, &manifest, EM_STR("wrapped"), &key);
    shared->second =
        em_release_key(&config, &attestor, &time, &manifest, EM_STR("wrapped"), &key);
    CHECK(em_all_zero(EM_BYTES(key.b)));
    em_stream_listener_drop(&credentials_at);
    em_stream_listener_drop(&kms_at);
    em_stream_listener_drop(&nsm_at);
    fflush(stdout);
    _exit(0);
}

static void run_child(how w)
{
    int status = 0;

    memset(shared, 0, sizeof *shared);
    what = w;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) child();
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void a_broken_line_is_tried_three_times_in_all(void)
{
    run_child(HANG_UP);
    CHECK(shared->first == EM_ERR_TRUNCATED || shared->first == EM_ERR_CLOSED ||
          shared->first == EM_ERR_IO);
    CHECK(shared->second == EM_ERR_KEY_RELEASE);
    CHECK(atomic_load(&shared->credentials) == EM_KEY_RELEASE_TRIES);
    CHECK(atomic_load(&shared->documents) == 0);
    run_child(NO_CONTENT);
    CHECK(shared->first == EM_ERR_CREDENTIALS && shared->second == EM_ERR_KEY_RELEASE);
    CHECK(atomic_load(&shared->credentials) == EM_KEY_RELEASE_TRIES);
}

static void what_is_refused_is_not_asked_again(void)
{
    run_child(NSM_REFUSES);
    CHECK(shared->first == EM_ERR_NSM && shared->second == EM_ERR_NSM);
    CHECK(atomic_load(&shared->documents) == 2 && atomic_load(&shared->kms) == 0);
    /* a root that is no certificate: our own configuration's fault, before any TLS */
    run_child(ALL_ANSWER);
    CHECK(shared->first == EM_ERR_X509_MALFORMED);
    CHECK(shared->second == EM_ERR_X509_MALFORMED);
    CHECK(atomic_load(&shared->credentials) == 2);
    CHECK(atomic_load(&shared->documents) == 2);
}

int main(void)
{
    if (em_setup() != EM_OK) abort();
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) abort();
    RUN(a_broken_line_is_tried_three_times_in_all);
    RUN(what_is_refused_is_not_asked_again);
    return test_end();
}
