/* The twin's NSM, request by request: what the device answers, and what it refuses. */
#include "twin/nsm_state.h"

#include "crypto/setup.h"
#include "os/clock.h"
#include "os/nsm.h"
#include "tests/support/test.h"
#include "trust/attest.h"
#include "wire/cbor.h"

#include <unistd.h>

#define INSTANCE "i-0123456789abcdef0"
#define ROLE "arn:aws:iam::111122223333:role/x"

static char folder[] = "/tmp/em-test-nsm.XXXXXX";
static em_ca ca;
static em_measure measured[3];
static em_nsm_state nsm;
static uint8_t answer_bytes[EM_NSM_MAX_RESPONSE];

static void remove_folder(void)
{
    char path[64];

    snprintf(path, sizeof path, "%s/nsm-root.key", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/nsm-root.pem", folder);
    unlink(path);
    rmdir(folder);
}

static void boot(void)
{
    for (size_t i = 0; i < 3; i++) memset(measured[i].pcr, 0x10 + (int)i, EM_PCR_LEN);
    if (em_nsm_state_boot(&ca, measured, ROLE, INSTANCE, 0x0123456789abcdef, false,
                          &nsm) != EM_OK)
        abort();
}

static em_bytes ask(em_bytes request)
{
    em_out o = EM_OUT(answer_bytes);

    CHECK_OK(em_nsm_state_answer(&nsm, request, em_clock_wall_ms(), &o));
    return em_write_view(&o);
}

static bool is_error(em_bytes answer, const char *name)
{
    uint8_t want[64];
    em_out o = EM_OUT(want);

    em_cbor_put_map(&o, 1);
    em_cbor_put_str(&o, "Error");
    em_cbor_put_str(&o, name);
    return em_same(answer, em_write_view(&o));
}

/* {name: {index: i, data: …}}; members that are not wanted are left out. */
static em_bytes pcr_request(const char *name, const char *member, uint64_t value,
                            const char *data)
{
    static uint8_t bytes[1024];
    em_out o = EM_OUT(bytes);

    em_cbor_put_map(&o, 1);
    em_cbor_put_str(&o, name);
    em_cbor_put_map(&o, data != NULL ? 2 : 1);
    em_cbor_put_str(&o, member);
    em_cbor_put_uint(&o, value);
    if (data != NULL) {
        em_cbor_put_str(&o, "data");
        em_cbor_put_bytes(&o, em_view(data, strlen(data)));
    }
    if (em_write_end(&o) != EM_OK) abort();
    return em_write_view(&o);
}

/* Reads {name: {"lock": b, "data": …}} or {name: {"data": …}}. */
static em_bytes pcr_of(em_bytes answer, const char *name, bool *ret_lock)
{
    em_cbor c = em_cbor_over_foreign(answer);

    em_cbor_map_of(&c, 1);
    em_cbor_want(&c, name);
    em_cbor_map_of(&c, ret_lock != NULL ? 2 : 1);
    if (ret_lock != NULL) {
        em_cbor_want(&c, "lock");
        *ret_lock = em_cbor_bool(&c);
    }
    em_cbor_want(&c, "data");
    em_bytes data = em_cbor_bytes(&c);
    CHECK_OK(em_cbor_end(&c));
    return data;
}

static em_bytes describe(uint64_t index, bool *ret_lock)
{
    return pcr_of(ask(pcr_request("DescribePCR", "index", index, NULL)), "DescribePCR",
                  ret_lock);
}

static void it_says_what_it_is(void)
{
    em_cbor c;

    boot();
    c = em_cbor_over_foreign(ask(EM_STR("\x6B"
                                        "DescribeNSM")));
    em_cbor_map_of(&c, 1);
    em_cbor_want(&c, "DescribeNSM");
    em_cbor_map_of(&c, 7);
    for (size_t i = 0; i < 3; i++) {
        (void)em_cbor_text(&c);
        (void)em_cbor_uint(&c);
    }
    em_cbor_want(&c, "module_id");
    CHECK(em_same(em_cbor_text(&c), EM_STR(INSTANCE "-enc0123456789abcdef")));
    em_cbor_want(&c, "max_pcrs");
    CHECK(em_cbor_uint(&c) == 32);
    em_cbor_want(&c, "locked_pcrs");
    CHECK(em_cbor_array(&c, 32) == 16);
    for (uint64_t i = 0; i < 16; i++) CHECK(em_cbor_uint(&c) == i);
    em_cbor_want(&c, "digest");
    CHECK(em_same(em_cbor_text(&c), EM_STR("SHA384")));
    CHECK_OK(em_cbor_end(&c));
}

static void randomness_differs(void)
{
    uint8_t first[256];
    em_bytes got = ask(EM_STR("\x69GetRandom"));

    REQUIRE(got.len > 256);
    memcpy(first, got.at + got.len - 256, 256);
    got = ask(EM_STR("\x69GetRandom"));
    CHECK(memcmp(first, got.at + got.len - 256, 256) != 0 && !em_all_zero(got));
}

static void registers_begin_as_measured(void)
{
    em_measure role, instance;
    bool lock;

    boot();
    em_measure_extend(EM_STR(ROLE), &role);
    em_measure_extend(EM_STR(INSTANCE), &instance);
    for (uint64_t i = 0; i < 3; i++) {
        CHECK(em_same(describe(i, &lock), EM_BYTES(measured[i].pcr)));
        CHECK(lock);
    }
    CHECK(em_same(describe(3, &lock), EM_BYTES(role.pcr)));
    CHECK(em_same(describe(4, &lock), EM_BYTES(instance.pcr)));
    CHECK(em_all_zero(describe(15, &lock)) && lock);
    CHECK(em_all_zero(describe(16, &lock)) && !lock);
    CHECK(em_all_zero(describe(31, &lock)) && !lock);
    CHECK(is_error(ask(pcr_request("DescribePCR", "index", 32, NULL)), "InvalidIndex"));
}

static void extend_and_lock(void)
{
    em_measure once, twice;
    const em_bytes again[] = {EM_BYTES(once.pcr), EM_STR("more")};
    bool lock;

    boot();
    em_measure_extend(EM_STR("data"), &once);
    em_sha2_384_of(again, 2, twice.pcr);
    CHECK(em_same(
        pcr_of(ask(pcr_request("ExtendPCR", "index", 16, "data")), "ExtendPCR", NULL),
        EM_BYTES(once.pcr)));
    CHECK(em_same(describe(16, &lock), EM_BYTES(once.pcr)) && !lock);
    ask(pcr_request("ExtendPCR", "index", 16, "more"));
    CHECK(em_same(describe(16, &lock), EM_BYTES(twice.pcr)));

    CHECK(em_same(ask(pcr_request("LockPCR", "index", 16, NULL)), EM_STR("\x67LockPCR")));
    CHECK(em_same(describe(16, &lock), EM_BYTES(twice.pcr)) && lock);
    CHECK(is_error(ask(pcr_request("ExtendPCR", "index", 16, "x")), "ReadOnlyIndex"));
    CHECK(is_error(ask(pcr_request("LockPCR", "index", 16, NULL)), "ReadOnlyIndex"));
    CHECK(is_error(ask(pcr_request("ExtendPCR", "index", 0, "x")), "ReadOnlyIndex"));
    CHECK(em_same(describe(16, &lock), EM_BYTES(twice.pcr)));
    CHECK(em_same(describe(0, &lock), EM_BYTES(measured[0].pcr)));
    CHECK(is_error(ask(pcr_request("ExtendPCR", "index", 32, "x")), "InvalidIndex"));
    CHECK(is_error(ask(pcr_request("LockPCR", "index", 32, NULL)), "InvalidIndex"));
    CHECK(
        is_error(ask(pcr_request("LockPCR", "index", UINT64_MAX, NULL)), "InvalidIndex"));
}

static void lock_a_range(void)
{
    bool lock;

    boot();
    CHECK(is_error(ask(pcr_request("LockPCRs", "range", 33, NULL)), "InvalidIndex"));
    CHECK(
        em_same(ask(pcr_request("LockPCRs", "range", 0, NULL)), EM_STR("\x68LockPCRs")));
    CHECK(nsm.locked == 0xFFFF);
    CHECK(
        em_same(ask(pcr_request("LockPCRs", "range", 20, NULL)), EM_STR("\x68LockPCRs")));
    describe(19, &lock);
    CHECK(lock);
    describe(20, &lock);
    CHECK(!lock);
    ask(pcr_request("LockPCRs", "range", 32, NULL));
    CHECK(nsm.locked == 0xFFFFFFFF);
    ask(pcr_request("LockPCRs", "range", 1, NULL)); /* takes no lock off */
    CHECK(nsm.locked == 0xFFFFFFFF);
}

static void what_is_no_request(void)
{
    static const em_bytes no[] = {
        EM_STR(""),
        EM_STR("\x00"),
        EM_STR("\x80"),
        EM_STR("\xA0"),
        EM_STR("\x65Hello"),
        EM_STR("\x69GetRandom\x00"),
        EM_STR("\x69getrandom"),
        EM_STR("\xA1\x69GetRandom\xA0"),
        EM_STR("\xA1\x67LockPCR\xA0"),
        EM_STR("\xA1\x67LockPCR\xA1\x65index\x61\x31"),
        EM_STR("\xA1\x67LockPCR\xA1\x65range\x01"),
        EM_STR("\xA1\x68LockPCRs\xA1\x65index\x01"),
        EM_STR("\xA1\x67LockPCR\xA2\x65index\x11\x65index\x11"),
        EM_STR("\xA1\x67LockPCR\xA2\x65index\x11\x64"
               "data\x41x"),
        EM_STR("\xA1\x69"
               "ExtendPCR\xA1\x65index\x11"),
        EM_STR("\xA1\x67Unknown\xA1\x65index\x11"),
        /* the member is one of the outer map's */
        EM_STR("\xA2\x67LockPCR\xA0\x65index\x11"),
        EM_STR("\xBF\x67LockPCR\xA1\x65index\x11\xFF"),
        EM_STR("\xA1\x6B"
               "Attestation\xA1\x61x\xF6"),
        EM_STR("\xA1\x6B"
               "Attestation\xA1\x65nonce\x61x"),
        EM_STR("\xA1\x6B"
               "Attestation\xA2\x65nonce\xF6\x65nonce\x41x"),
        EM_STR("\xA1\x6B"
               "Attestation\xF6"),
    };

    boot();
    for (size_t i = 0; i < EM_COUNT(no); i++) {
        test_note("%zu", i);
        CHECK(is_error(ask(no[i]), "InvalidOperation"));
    }
    test_note("%s", "");
    CHECK(nsm.locked == 0xFFFF && nsm.documents == 0);
    uint8_t small[4];
    em_out o = EM_OUT(small);
    CHECK_ERR(em_nsm_state_answer(&nsm, EM_STR("\x69GetRandom"), 1, &o), EM_ERR_FULL);
}

/* ---- documents ---- */

static em_bytes attestation(em_bytes user_data, em_bytes nonce, em_bytes key)
{
    static uint8_t bytes[8192];
    const em_bytes value[] = {user_data, nonce, key};
    static const char *const name[] = {"user_data", "nonce", "public_key"};
    em_out o = EM_OUT(bytes);

    em_cbor_put_map(&o, 1);
    em_cbor_put_str(&o, "Attestation");
    em_cbor_put_map(&o, 3);
    for (size_t i = 0; i < 3; i++) {
        em_cbor_put_str(&o, name[i]);
        if (value[i].at != NULL)
            em_cbor_put_bytes(&o, value[i]);
        else
            em_cbor_put_null(&o);
    }
    if (em_write_end(&o) != EM_OK) abort();
    return em_write_view(&o);
}

static em_bytes document_of(em_bytes answer)
{
    em_cbor c = em_cbor_over_foreign(answer);

    em_cbor_map_of(&c, 1);
    em_cbor_want(&c, "Attestation");
    em_cbor_map_of(&c, 1);
    em_cbor_want(&c, "document");
    em_bytes document = em_cbor_bytes(&c);
    CHECK_OK(em_cbor_end(&c));
    return document;
}

static em_err verify(em_bytes document, em_bytes nonce, em_attested *ret_facts)
{
    em_root root;

    em_x509_fingerprint(em_view(ca.chain.der[0], ca.chain.len[0]), root.sha256);
    const em_attest_ask ask_for = {.roots = &root,
                                   .roots_n = 1,
                                   .when = EM_ATTEST_LIVE,
                                   .at_ms = em_clock_wall_ms(),
                                   .has_nonce = true,
                                   .nonce = nonce};
    return em_attest_verify(document, &ask_for, NULL, ret_facts);
}

static void documents_verify(void)
{
    static em_attested facts;
    em_bytes document, got;

    boot();
    ask(pcr_request("ExtendPCR", "index", 20, "x")); /* not locked: not in documents */
    document =
        document_of(ask(attestation(EM_STR("data"), EM_STR("nonce"), EM_STR("k"))));
    REQUIRE(verify(document, EM_STR("nonce"), &facts) == EM_OK);
    CHECK(facts.pcr_present == 0xFFFF && nsm.documents == 1);
    CHECK(memcmp(facts.pcr[1], measured[1].pcr, EM_PCR_LEN) == 0);
    got = em_attest_bytes(&facts.user_data);
    CHECK(em_same(got, EM_STR("data")));
    got = em_attest_bytes(&facts.public_key);
    CHECK(em_same(got, EM_STR("k")));
    CHECK_ERR(verify(document, EM_STR("other"), &facts), EM_ERR_NONCE_MISMATCH);
    CHECK(facts.mode == EM_MODE_EVALUATION);

    ask(pcr_request("LockPCR", "index", 20, NULL));
    document = document_of(ask(attestation((em_bytes){0}, EM_STR("n"), (em_bytes){0})));
    REQUIRE(verify(document, EM_STR("n"), &facts) == EM_OK);
    CHECK(facts.pcr_present == (0xFFFF | 1u << 20));
    CHECK(em_attest_bytes(&facts.user_data).len == 0);
    /* absent members are null ones */
    document = document_of(ask(EM_STR("\xA1\x6B"
                                      "Attestation\xA1\x65nonce\x41z")));
    CHECK_OK(verify(document, EM_STR("z"), &facts));
}

static void fields_have_a_most(void)
{
    static uint8_t big[1025];
    static em_attested facts;
    em_bytes most = em_view(big, 1024);

    boot();
    CHECK_OK(verify(document_of(ask(attestation(most, most, most))), most, &facts));
    CHECK(is_error(ask(attestation(EM_BYTES(big), most, most)), "InputTooLarge"));
    CHECK(is_error(ask(attestation(most, EM_BYTES(big), most)), "InputTooLarge"));
    CHECK(is_error(ask(attestation(most, most, EM_BYTES(big))), "InputTooLarge"));
}

static void villains_are_caught(void)
{
    static em_attested facts;
    static uint8_t kept[EM_MAX_DOCUMENT];
    em_bytes document;

    boot();
    nsm.debug_after = 1;
    document = document_of(ask(attestation((em_bytes){0}, EM_STR("n"), (em_bytes){0})));
    CHECK_OK(verify(document, EM_STR("n"), &facts));
    memcpy(kept, document.at, document.len);
    em_bytes first = em_view(kept, document.len);
    document = document_of(ask(attestation((em_bytes){0}, EM_STR("n"), (em_bytes){0})));
    CHECK_ERR(verify(document, EM_STR("n"), &facts), EM_ERR_DEBUG_ENCLAVE);
    boot();
    nsm.skew_ms = -3600 * 1000;
    document = document_of(ask(attestation((em_bytes){0}, EM_STR("n"), (em_bytes){0})));
    CHECK(verify(document, EM_STR("n"), &facts) != EM_OK);
    boot();
    nsm.replay = first;
    document = document_of(ask(attestation((em_bytes){0}, EM_STR("m"), (em_bytes){0})));
    CHECK(em_same(document, first));
    CHECK_ERR(verify(document, EM_STR("m"), &facts), EM_ERR_NONCE_MISMATCH);
    if (em_nsm_state_boot(&ca, measured, ROLE, INSTANCE, 1, true, &nsm) != EM_OK) abort();
    document = document_of(ask(attestation((em_bytes){0}, EM_STR("n"), (em_bytes){0})));
    CHECK_ERR(verify(document, EM_STR("n"), &facts), EM_ERR_DEBUG_ENCLAVE);
    CHECK_ERR(em_nsm_state_boot(&ca, measured, ROLE, "0123", 1, false, &nsm),
              EM_ERR_FORMAT);
}

static bool never_breaks(em_bytes request, void *arg)
{
    em_out o = EM_OUT(answer_bytes);

    (void)arg;
    return em_nsm_state_answer(&nsm, request, em_clock_wall_ms(), &o) == EM_OK &&
           !is_error(em_write_view(&o), "InvalidOperation");
}

static void cuts_and_flips(void)
{
    boot();
    em_bytes good = pcr_request("ExtendPCR", "index", 17, "some data");
    CHECK(test_abuse(good, never_breaks, NULL).cuts_accepted == 0);
    good = attestation(EM_STR("data"), EM_STR("nonce"), EM_STR("key"));
    CHECK(test_abuse(good, never_breaks, NULL).cuts_accepted == 0);
}

int main(void)
{
    if (em_setup() != EM_OK || mkdtemp(folder) == NULL) abort();
    atexit(remove_folder);
    if (em_ca_open(folder, &ca) != EM_OK) abort();
    RUN(it_says_what_it_is);
    RUN(randomness_differs);
    RUN(registers_begin_as_measured);
    RUN(extend_and_lock);
    RUN(lock_a_range);
    RUN(what_is_no_request);
    RUN(documents_verify);
    RUN(fields_have_a_most);
    RUN(villains_are_caught);
    RUN(cuts_and_flips);
    em_ca_drop(&ca);
    return test_end();
}
