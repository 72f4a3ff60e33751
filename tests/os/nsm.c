/* The raw exchange with an NSM, against a stand-in on a Unix socket. */
#include "os/nsm.h"
#include "os/thread.h"
#include "tests/support/test.h"

#include <unistd.h>

typedef enum how {
    ECHO_TWICE, /* answers with the request, repeated */
    LARGEST,
    TOO_LONG,
    EMPTY,
    CUT_HEAD,
    CUT_BODY,
    HANG_UP,
} how;

typedef struct stand_in {
    em_stream_listener l;
    how how;
    unsigned connections;
    em_thread thread;
    char text[64];
} stand_in;

static bool answer(em_stream *s, how way, em_bytes request)
{
    static uint8_t big[EM_NSM_MAX_RESPONSE];

    switch (way) {
    case ECHO_TWICE: {
        uint8_t twice[2 * 100];
        memcpy(twice, request.at, request.len);
        memcpy(twice + request.len, request.at, request.len);
        return em_nsm_answer(s, em_view(twice, 2 * request.len), EM_NEVER) == EM_OK;
    }
    case LARGEST:
        memset(big, 7, sizeof big);
        return em_nsm_answer(s, EM_BYTES(big), EM_NEVER) == EM_OK;
    case TOO_LONG:
        return em_stream_write_full(s, EM_STR("\x00\x00\x30\x01"), EM_NEVER) == EM_OK;
    case EMPTY:
        return em_stream_write_full(s, EM_STR("\x00\x00\x00\x00"), EM_NEVER) == EM_OK;
    case CUT_HEAD:
        (void)!em_stream_write_full(s, EM_STR("\x00\x00"), EM_NEVER);
        break;
    case CUT_BODY:
        (void)!em_stream_write_full(s, EM_STR("\x00\x00\x00\x09half"), EM_NEVER);
        break;
    case HANG_UP:
        break;
    }
    return false;
}

static void serve(void *arg)
{
    stand_in *n = arg;
    uint8_t request[EM_NSM_MAX_REQUEST];
    size_t len = 0;

    for (;;) {
        EM_DROP(em_stream) s = {0};
        if (em_stream_accept(&n->l, EM_NEVER, &s, NULL) != EM_OK) return;
        n->connections++;
        for (;;) {
            if (em_nsm_take(&s, EM_NEVER, request, &len) != EM_OK) break;
            if (len == 4 && memcmp(request, "quit", 4) == 0) return;
            if (!answer(&s, n->how, em_view(request, len))) break;
        }
    }
}

static void start(stand_in *n)
{
    em_address at;

    snprintf(n->text, sizeof n->text, "unix:/tmp/em-test-nsm-%d", (int)getpid());
    if (em_address_parse(em_view(n->text, strlen(n->text)), &at) != EM_OK) abort();
    CHECK_OK(em_stream_listen(&at, &n->l));
    CHECK_OK(em_thread_start(serve, n, "nsm", &n->thread));
}

static void stop(stand_in *n, em_nsm_device *nsm)
{
    uint8_t response[EM_NSM_MAX_RESPONSE];
    size_t len;

    CHECK(em_nsm_call(nsm, EM_STR("quit"), response, &len) != EM_OK);
    em_thread_drop(&n->thread);
    em_stream_listener_drop(&n->l);
}

static void requests_and_responses_pass(void)
{
    stand_in n = {.how = ECHO_TWICE};
    EM_DROP(em_nsm_device) nsm = {0};
    static uint8_t response[EM_NSM_MAX_RESPONSE], largest[EM_NSM_MAX_REQUEST + 1];
    size_t len = 0;

    start(&n);
    CHECK_OK(em_nsm_open(em_view(n.text, strlen(n.text)), &nsm));
    CHECK_OK(em_nsm_call(&nsm, EM_STR("abc"), response, &len));
    CHECK(em_same(em_view(response, len), EM_STR("abcabc")));
    CHECK_OK(em_nsm_call(&nsm, EM_STR("d"), response, &len));
    CHECK(em_same(em_view(response, len), EM_STR("dd")));
    n.how = LARGEST;
    CHECK_OK(em_nsm_call(&nsm, em_view(largest, EM_NSM_MAX_REQUEST), response, &len));
    CHECK(len == EM_NSM_MAX_RESPONSE && response[len - 1] == 7);
    CHECK(n.connections == 1);
    CHECK_ERR(em_nsm_call(&nsm, EM_BYTES(largest), response, &len), EM_ERR_ARGUMENT);
    CHECK_ERR(em_nsm_call(&nsm, em_view(NULL, 0), response, &len), EM_ERR_ARGUMENT);
    stop(&n, &nsm);
}

static void a_bad_answer_is_named_and_the_next_call_connects_again(void)
{
    static const struct {
        how how;
        em_err want;
    } bad[] = {
        {TOO_LONG, EM_ERR_NSM},   {EMPTY, EM_ERR_NSM},      {CUT_HEAD, EM_ERR_SHORT},
        {CUT_BODY, EM_ERR_SHORT}, {HANG_UP, EM_ERR_CLOSED},
    };
    stand_in n = {0};
    EM_DROP(em_nsm_device) nsm = {0};
    static uint8_t response[EM_NSM_MAX_RESPONSE];

    start(&n);
    CHECK_OK(em_nsm_open(em_view(n.text, strlen(n.text)), &nsm));
    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        size_t len = 12345;
        n.how = bad[i].how;
        CHECK_ERR(em_nsm_call(&nsm, EM_STR("x"), response, &len), bad[i].want);
        CHECK(len == 12345);
        n.how = ECHO_TWICE;
        CHECK_OK(em_nsm_call(&nsm, EM_STR("x"), response, &len));
        CHECK(em_same(em_view(response, len), EM_STR("xx")));
    }
    CHECK(n.connections == 1 + EM_COUNT(bad));
    stop(&n, &nsm);
}

static void only_the_device_and_unix_sockets_are_opened(void)
{
    em_nsm_device nsm = {0};

    CHECK_ERR(em_nsm_open(EM_STR("tcp:127.0.0.1:1"), &nsm), EM_ERR_ADDRESS);
    CHECK_ERR(em_nsm_open(EM_STR("vsock:1:1"), &nsm), EM_ERR_ADDRESS);
    CHECK_ERR(em_nsm_open(EM_STR("/dev/null"), &nsm), EM_ERR_ADDRESS);
    CHECK_ERR(em_nsm_open(EM_STR("unix:/nonexistent/nsm"), &nsm), EM_ERR_CONNECT);
    if (access("/dev/nsm", F_OK) != 0)
        CHECK_ERR(em_nsm_open(EM_STR("/dev/nsm"), &nsm), EM_ERR_NOT_FOUND);
    CHECK(!nsm.stream.open);
    em_nsm_device_drop(&nsm);
}

/* The ioctl path on a descriptor that is no NSM: the kernel refuses, we say so. */
static void a_device_that_is_none_is_an_nsm_error(void)
{
    EM_DROP(em_nsm_device) nsm = {.device = true};
    EM_DROP(em_stream) other = {0};
    static uint8_t response[EM_NSM_MAX_RESPONSE];
    size_t len = 0;

    CHECK_OK(em_stream_pair(&nsm.stream, &other));
    CHECK_ERR(em_nsm_call(&nsm, EM_STR("x"), response, &len), EM_ERR_NSM);
}

int main(void)
{
    RUN(requests_and_responses_pass);
    RUN(a_bad_answer_is_named_and_the_next_call_connects_again);
    RUN(only_the_device_and_unix_sockets_are_opened);
    RUN(a_device_that_is_none_is_an_nsm_error);
    return test_end();
}
