/* The NSM's answers, from one that is honest and from many that are not. */
#include "enclave/attestor.h"

#include "os/thread.h"
#include "tests/support/test.h"
#include "wire/cbor.h"

#include <unistd.h>

/* A stand-in that gives the next scripted answer to whatever it is asked. */
typedef struct stand_in {
    em_stream_listener l;
    em_thread thread;
    char text[64];
    em_bytes answer[4], asked[4]; /* the last answer again and again */
    size_t n, turn;
} stand_in;

static void serve(void *arg)
{
    stand_in *n = arg;
    uint8_t request[EM_NSM_MAX_REQUEST];
    size_t len;

    for (;;) {
        EM_DROP(em_stream) s = {0};
        if (em_stream_accept(&n->l, EM_NEVER, &s, NULL) != EM_OK) return;
        while (em_nsm_take(&s, EM_NEVER, request, &len) == EM_OK) {
            if (len == 1 && request[0] == 'q') return;
            size_t i = n->turn < n->n ? n->turn : n->n - 1;
            uint8_t *kept = test_alloc(len);
            memcpy(kept, request, len);
            if (n->turn < EM_COUNT(n->asked)) n->asked[n->turn] = em_view(kept, len);
            n->turn++;
            if (em_nsm_answer(&s, n->answer[i], EM_NEVER) != EM_OK) break;
        }
    }
}

static void start(stand_in *n)
{
    em_address at;

    snprintf(n->text, sizeof n->text, "unix:/tmp/em-test-attestor-%d", (int)getpid());
    if (em_address_parse(em_view(n->text, strlen(n->text)), &at) != EM_OK ||
        em_stream_listen(&at, &n->l) != EM_OK ||
        em_thread_start(serve, n, "nsm", &n->thread) != EM_OK)
        abort();
}

static void stop(stand_in *n, em_attestor *a)
{
    em_nsm_device d = {0};
    uint8_t response[EM_NSM_MAX_RESPONSE];
    size_t len;

    em_attestor_drop(a); /* it serves one connection at a time */
    if (em_nsm_open(em_view(n->text, strlen(n->text)), &d) == EM_OK)
        CHECK(em_nsm_call(&d, EM_STR("q"), response, &len) != EM_OK);
    em_nsm_device_drop(&d);
    em_thread_drop(&n->thread);
    em_stream_listener_drop(&n->l);
}

static em_bytes two_level(const char *name, const char *member, em_bytes value)
{
    em_out o = em_out_over(test_alloc(EM_NSM_MAX_RESPONSE), EM_NSM_MAX_RESPONSE);

    em_cbor_put_map(&o, 1);
    em_cbor_put_str(&o, name);
    em_cbor_put_map(&o, 1);
    em_cbor_put_str(&o, member);
    em_cbor_put_bytes(&o, value);
    if (em_write_end(&o) != EM_OK) abort();
    return em_write_view(&o);
}

static em_bytes random_answer(size_t len, uint8_t byte)
{
    uint8_t *at = test_alloc(len + 1);

    memset(at, byte, len);
    return two_level("GetRandom", "random", em_view(at, len));
}

/* Bad in every way that we could think of; none of them is an answer. */
static const em_bytes bad[] = {
    EM_STR(""),
    EM_STR("\xF6"),
    EM_STR("\xA0"),
    EM_STR("\x69GetRandom"),
    EM_STR("\xA1\x65"
           "Error\x6D"
           "InternalError"),
    EM_STR("\xA1\x69GetRandom\xA0"),
    EM_STR("\xA1\x69GetRandom\x41\x01"),
    EM_STR("\xA1\x69GetRandom\xA1\x66random\x61\x31"),
    EM_STR("\xA1\x69GetRandom\xA1\x66rando_\x41\x01"),
    EM_STR("\xA1\x69GetRandom\xA2\x61\x61\x01\x66random\x41\x01"),
    /* the member is one of the outer map's */
    EM_STR("\xA2\x69GetRandom\xA0\x66random\x41\x01"),
    EM_STR("\xA1\x69GetRandom\xA1\x66random\x41\x01\x00"),
    EM_STR("\xBF\x69GetRandom\xA1\x66random\x41\x01\xFF"),
    EM_STR("\xA1\x69GetRandom\xBF\x66random\x41\x01\xFF"),
    EM_STR("\xA1\x69GetRandom\xA1\x66random\x5F\x41\x01\xFF"),
    EM_STR("\xA1\x69GetRandom\xA1\x66random\x5B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
};

static void answers_are_read_strictly(void)
{
    em_bytes got = {0};

    CHECK_OK(em_attestor_parse_random(random_answer(256, 7), &got));
    CHECK(got.len == 256 && got.at[255] == 7);
    CHECK_OK(em_attestor_parse_random(random_answer(0, 0), &got));
    got = EM_STR("untouched");
    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("%zu", i);
        CHECK_ERR(em_attestor_parse_random(bad[i], &got), EM_ERR_NSM);
        CHECK_ERR(em_attestor_parse_document(bad[i], &got), EM_ERR_NSM);
        CHECK(em_same(got, EM_STR("untouched")));
    }
    test_note("%s", "");
    CHECK_ERR(em_attestor_parse_document(random_answer(9, 1), &got), EM_ERR_NSM);
    CHECK_ERR(
        em_attestor_parse_document(two_level("Attestation", "document", bad[0]), &got),
        EM_ERR_NSM);
    CHECK_OK(em_attestor_parse_document(
        two_level("Attestation", "document", EM_STR("doc")), &got));
    CHECK(em_same(got, EM_STR("doc")));
}

static bool accepts(em_bytes answer, void *arg)
{
    em_bytes got;

    (void)arg;
    return em_attestor_parse_document(answer, &got) == EM_OK;
}

static void cuts_and_flips(void)
{
    em_bytes good = two_level("Attestation", "document", EM_STR("sixteen bytes ok"));
    test_abuse_result r = test_abuse(good, accepts, NULL);

    CHECK(r.cuts_accepted == 0);
    CHECK(r.flips_accepted == 16); /* those of the document itself, judged elsewhere */
}

static void what_is_asked_is_what_amazon_s_library_asks(void)
{
    stand_in n = {.answer = {random_answer(64, 1),
                             two_level("Attestation", "document", EM_STR("doc"))},
                  .n = 2};
    EM_DROP(em_attestor) a = {0};
    uint8_t document[EM_MAX_DOCUMENT];
    size_t len = 0;

    start(&n);
    REQUIRE(em_attestor_open(em_view(n.text, strlen(n.text)), &a) == EM_OK);
    CHECK_OK(em_attestor_document(&a, EM_STR("n"), EM_STR("data"), (em_bytes){0},
                                  document, &len));
    CHECK(em_same(em_view(document, len), EM_STR("doc")));
    CHECK(em_same(n.asked[0], EM_STR("\x69GetRandom")));
    CHECK(em_same(n.asked[1], EM_STR("\xA1\x6B"
                                     "Attestation\xA3\x69user_data\x44"
                                     "data\x65nonce\x41n\x6Apublic_key\xF6")));
    stop(&n, &a);
}

static void randomness_that_is_none_is_refused(void)
{
    const struct {
        em_bytes answer;
        em_err err;
    } cases[] = {{random_answer(31, 7), EM_ERR_ENTROPY},
                 {random_answer(0, 7), EM_ERR_ENTROPY},
                 {random_answer(256, 0), EM_ERR_ENTROPY},
                 {bad[4], EM_ERR_NSM},
                 {random_answer(32, 7), EM_OK}};

    for (size_t i = 0; i < EM_COUNT(cases); i++) {
        stand_in n = {.answer = {cases[i].answer}, .n = 1};
        EM_DROP(em_attestor) a = {0};
        test_note("%zu", i);
        start(&n);
        CHECK_ERR(em_attestor_open(em_view(n.text, strlen(n.text)), &a), cases[i].err);
        stop(&n, &a);
    }
    test_note("%s", "");
}

static void what_does_not_fit_is_not_asked(void)
{
    static uint8_t big[EM_NSM_MAX_REQUEST];
    stand_in n = {.answer = {random_answer(64, 1)}, .n = 1};
    EM_DROP(em_attestor) a = {0};
    uint8_t document[EM_MAX_DOCUMENT];
    size_t len = 77;

    start(&n);
    REQUIRE(em_attestor_open(em_view(n.text, strlen(n.text)), &a) == EM_OK);
    CHECK_ERR(em_attestor_document(&a, EM_BYTES(big), (em_bytes){0}, (em_bytes){0},
                                   document, &len),
              EM_ERR_FULL);
    CHECK(n.turn == 1 && len == 77);
    /* the answer to another question */
    CHECK_ERR(em_attestor_document(&a, EM_STR("n"), (em_bytes){0}, (em_bytes){0},
                                   document, &len),
              EM_ERR_NSM);
    CHECK(len == 77);
    stop(&n, &a);
}

int main(void)
{
    RUN(answers_are_read_strictly);
    RUN(cuts_and_flips);
    RUN(what_is_asked_is_what_amazon_s_library_asks);
    RUN(randomness_that_is_none_is_refused);
    RUN(what_does_not_fit_is_not_asked);
    return test_end();
}
