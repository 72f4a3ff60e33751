/* Policies: one form only, signed by a pinned signer, judged as a whole. */
#include "trust/policy_put.c" /* its statics write what the reader must refuse */

#include "crypto/setup.h"
#include "tests/support/test.h"
#include "tests/trust/policy_sample.h"
#include "trust/policy_state.h"

static em_ed25519_secret secret, other_secret;
static em_ed25519_public signer, other;

static em_bytes body_of(const em_policy_body *b)
{
    uint8_t *at = test_alloc(EM_MAX_POLICY);
    em_out o = em_out_over(at, EM_MAX_POLICY);

    em_policy_put(&o, b); /* unchecked: the reader is to refuse */
    if (em_write_end(&o) != EM_OK) abort();
    return em_write_view(&o);
}

static em_err read_back(const em_policy_body *b)
{
    em_policy_body got;
    em_bytes body = body_of(b);
    uint8_t *at = test_alloc(EM_MAX_POLICY);
    em_out o = em_out_over(at, EM_MAX_POLICY), signed_one = o;
    em_err err = em_policy_body_read(body, &got);

    CHECK_ERR(em_policy_encode(b, &o), err); /* the writer refuses what the reader does */
    CHECK(err == EM_OK ? em_same(em_write_view(&o), body) : o.len == 0);
    CHECK_ERR(em_policy_sign(body, &secret, &signed_one), err);
    return err;
}

static em_bytes sign(const em_policy_body *b)
{
    return policy_sample_sign(b, &secret);
}

/* ---- form ---- */

static void a_policy_reads_back_and_has_one_form(void)
{
    em_policy_body b = policy_sample(), got, swapped;
    em_bytes body = body_of(&b);

    CHECK_OK(read_back(&b));
    CHECK_OK(em_policy_body_read(body, &got));
    CHECK(em_same(got.id, b.id) && got.version == b.version && got.mode == b.mode);
    CHECK(got.n_tuples == 2 && got.n_publishers == 2 && got.n_revoked_measurements == 1);
    CHECK(em_same(body_of(&got), body));
    swapped = b; /* in any order, the same bytes */
    swapped.tuple[0] = b.tuple[1];
    swapped.tuple[1] = b.tuple[0];
    swapped.publisher[0] = b.publisher[1];
    swapped.publisher[1] = b.publisher[0];
    CHECK(em_same(body_of(&swapped), body));
}

/* SHA-256 of the sample's body as the Python package cbor2 encodes it (canonical). */
static void another_encoder_agrees(void)
{
    em_policy_body b = policy_sample();
    uint8_t hash[32];

    em_sha2_256(body_of(&b), hash);
    CHECK(em_same(EM_BYTES(hash), test_hex(POLICY_SAMPLE_SHA256)));
}

static void each_breach_of_form_is_refused(void)
{
    static uint8_t zeros[EM_PCR_LEN];
    em_policy_body b;

#define EXPECT(want, change)                                                             \
    do {                                                                                 \
        b = policy_sample();                                                             \
        change;                                                                          \
        test_note(#change);                                                              \
        CHECK_ERR(read_back(&b), want);                                                  \
    } while (0)
    EXPECT(EM_ERR_POLICY_MALFORMED, b.id.len = 0);
    EXPECT(EM_ERR_POLICY_MALFORMED, b.version = 0);
    EXPECT(EM_ERR_POLICY_MALFORMED, b.version = (uint64_t)INT64_MAX + 1);
    EXPECT(EM_ERR_POLICY_MALFORMED, b.mode = EM_MODE_NONE);
    EXPECT(EM_ERR_POLICY_MALFORMED, b.freshness_ms = 0);
    EXPECT(EM_ERR_POLICY_MALFORMED, b.freshness_ms = EM_FRESH_MAX_MS + 1);
    EXPECT(EM_OK, b.freshness_ms = EM_FRESH_MAX_MS);
    EXPECT(EM_ERR_POLICY_MALFORMED, b.not_after_ms = b.not_before_ms);
    EXPECT(EM_OK, b.not_after_ms = b.not_before_ms + (uint64_t)90 * 24 * 3600 * 1000);
    EXPECT(EM_ERR_POLICY_MALFORMED,
           b.not_after_ms = b.not_before_ms + (uint64_t)90 * 24 * 3600 * 1000 + 1);
    EXPECT(EM_ERR_POLICY_EMPTY, b.n_roots = 0);
    EXPECT(EM_ERR_POLICY_EMPTY, b.n_tuples = 0);
    EXPECT(EM_OK, b.n_publishers = 0);
    EXPECT(EM_ERR_POLICY_MALFORMED, memset(&b.root[0], 0, sizeof b.root[0]));
    EXPECT(EM_ERR_POLICY_MALFORMED, b.tuple[0].pcr0.at = zeros);
    EXPECT(EM_ERR_POLICY_MALFORMED, b.tuple[0].pcr8.at = zeros);
    EXPECT(EM_ERR_POLICY_MALFORMED, b.tuple[0].pcr3.at = zeros);
    EXPECT(EM_ERR_POLICY_MALFORMED, b.tuple[0].pcr1.len = 47);
    EXPECT(EM_ERR_POLICY_MALFORMED, b.tuple[0].pcr2.len = 0);
    EXPECT(EM_ERR_POLICY_MALFORMED, b.tuple[0].pcr3.len = 0);       /* binds nothing */
    EXPECT(EM_ERR_POLICY_MALFORMED, b.tuple[0].any_account = true); /* and pcr3 */
    EXPECT(EM_OK, (b.tuple[0].any_account = true, b.tuple[0].pcr3.len = 0));
    EXPECT(EM_OK, b.tuple[0].pcr4 = b.tuple[0].pcr0);
    EXPECT(EM_OK, b.tuple[0].pcr8.len = 0);
    EXPECT(EM_ERR_POLICY_MALFORMED, b.publisher[0].model.len = 0);
    EXPECT(EM_ERR_POLICY_MALFORMED,
           (b.publisher[1] = b.publisher[0], b.publisher[1].floor++)); /* same key */
    EXPECT(EM_OK, b.publisher[1].model = b.publisher[0].model); /* a key being replaced */
#undef EXPECT
}

static void modes_do_not_mix(void)
{
    size_t n;
    em_policy_body b = policy_sample();

    b.mode = EM_MODE_PRODUCTION;
    CHECK_ERR(read_back(&b), EM_ERR_POLICY_MODE);
    b.root[0] = em_roots_aws(&n)[0];
    CHECK_OK(read_back(&b));
    b.mode = EM_MODE_EVALUATION;
    CHECK_ERR(read_back(&b), EM_ERR_POLICY_MODE);
    b.root[1] = policy_sample().root[0];
    b.n_roots = 2;
    CHECK_ERR(read_back(&b), EM_ERR_POLICY_MODE);
    b.mode = EM_MODE_PRODUCTION;
    CHECK_ERR(read_back(&b), EM_ERR_POLICY_MODE);
}

/* Twice the same, or descending: changed in the bytes, since the writer sorts. */
static void arrays_are_ascending(void)
{
    enum { STRIDE = 2 + EM_ROOT_LEN }; /* a root with its head */
    em_policy_body b = policy_sample(), got;
    uint8_t copy[EM_MAX_POLICY];
    size_t at = 0;

    b.n_roots = 2;
    b.root[1] = b.root[0];
    b.root[1].sha256[31]++;
    em_bytes body = body_of(&b);
    CHECK_OK(em_policy_body_read(body, &got));
    memcpy(copy, body.at, body.len);
    while (memcmp(copy + at, b.root[0].sha256, EM_ROOT_LEN) != 0) at++;
    CHECK(memcmp(copy + at + STRIDE, b.root[1].sha256, EM_ROOT_LEN) == 0);
    memcpy(copy + at, b.root[1].sha256, EM_ROOT_LEN);
    CHECK_ERR(em_policy_body_read(em_view(copy, body.len), &got),
              EM_ERR_POLICY_MALFORMED);
    memcpy(copy + at + STRIDE, b.root[0].sha256, EM_ROOT_LEN);
    CHECK_ERR(em_policy_body_read(em_view(copy, body.len), &got),
              EM_ERR_POLICY_MALFORMED);

    em_out o = em_out_over(test_alloc(EM_MAX_POLICY), EM_MAX_POLICY);
    b.root[1] = b.root[0];
    CHECK_ERR(em_policy_encode(&b, &o), EM_ERR_POLICY_MALFORMED);
}

/* ---- signer and dates ---- */

static void only_pinned_signers_count(void)
{
    em_policy_body b = policy_sample();
    em_bytes good = sign(&b);
    em_ed25519_public pins[2] = {other, signer};
    em_report report;
    em_policy got;

    em_report_init(&report);
    CHECK_OK(em_policy_verify(good, pins, 2, POLICY_NOW_MS, &report, &got));
    CHECK(em_same(EM_BYTES(got.signer.b), EM_BYTES(signer.b)));
    CHECK(em_report_is_whole(&report, NULL, 0));
    uint8_t hash[32];
    em_sha2_256(body_of(&b), hash);
    CHECK(em_same(EM_BYTES(got.hash), EM_BYTES(hash)));

    CHECK_ERR(em_policy_verify(good, pins, 1, POLICY_NOW_MS, &report, &got),
              EM_ERR_POLICY_SIGNER);
    CHECK(report.line[EM_CHECK_POLICY_SIGNER].result == EM_RESULT_FAIL);
    CHECK(report.line[EM_CHECK_POLICY_FORM].result == EM_RESULT_SKIP);
    CHECK_ERR(em_policy_verify(good, pins, 0, POLICY_NOW_MS, NULL, &got),
              EM_ERR_POLICY_SIGNER);
    CHECK_ERR(em_policy_verify(policy_sample_sign(&b, &other_secret), &signer, 1,
                               POLICY_NOW_MS, NULL, &got),
              EM_ERR_POLICY_SIGNER);
}

static void dates_are_judged(void)
{
    em_policy_body b = policy_sample();
    em_bytes good = sign(&b);
    em_policy got;

    CHECK_OK(em_policy_verify(good, &signer, 1, b.not_before_ms, NULL, &got));
    CHECK_ERR(em_policy_verify(good, &signer, 1, b.not_before_ms - 1, NULL, &got),
              EM_ERR_POLICY_NOT_YET);
    CHECK_OK(em_policy_verify(good, &signer, 1, b.not_after_ms, NULL, &got));
    CHECK_ERR(em_policy_verify(good, &signer, 1, b.not_after_ms + 1, NULL, &got),
              EM_ERR_POLICY_EXPIRED);
    CHECK_OK(em_policy_verify_undated(good, &signer, 1, &got));
}

/* ---- matching ---- */

/* Facts as a verifier makes them; a test of judging may make its own. */
static em_attested facts_of(const em_policy_body *b, size_t tuple)
{
    em_attested f = {
        .mode = EM_MODE_EVALUATION, .pcr_present = 0xFFFF, .root = b->root[0]};
    const em_policy_tuple *t = &b->tuple[tuple];
    const em_bytes pcr[] = {t->pcr0, t->pcr1, t->pcr2, t->pcr3, t->pcr4};

    for (size_t i = 0; i < EM_COUNT(pcr); i++)
        if (pcr[i].len > 0) memcpy(f.pcr[i], pcr[i].at, EM_PCR_LEN);
    if (t->pcr8.len > 0) memcpy(f.pcr[8], t->pcr8.at, EM_PCR_LEN);
    return f;
}

static em_err match(const em_policy_body *b, const em_attested *f, em_report *report,
                    size_t *ret_tuple)
{
    em_policy policy = {.body = *b};

    em_report_init(report);
    return em_policy_match(&policy, f, 1, POLICY_NOW_MS, report, ret_tuple);
}

static void a_tuple_matches_as_a_whole(void)
{
    static const unsigned bound[] = {0, 1, 2, 3, 8};
    em_policy_body b = policy_sample();
    em_attested f = facts_of(&b, 0);
    em_report report;
    size_t tuple = 99;

    CHECK_OK(match(&b, &f, &report, &tuple));
    CHECK(tuple == 0 && report.line[EM_CHECK_DOC_ACCOUNT].detail == 0);
    for (size_t i = 0; i < EM_COUNT(bound); i++) {
        f = facts_of(&b, 0);
        f.pcr[bound[i]][47] ^= 1;
        test_note("PCR%u", bound[i]);
        CHECK_ERR(match(&b, &f, &report, &tuple), EM_ERR_POLICY_NO_MATCH);
        f = facts_of(&b, 0);
        f.pcr_present &= ~(1U << bound[i]);
        CHECK_ERR(match(&b, &f, &report, &tuple), EM_ERR_POLICY_NO_MATCH);
        f = facts_of(&b, 0); /* one PCR of another tuple */
        memcpy(f.pcr[bound[i]], facts_of(&b, 1).pcr[bound[i]], EM_PCR_LEN);
        CHECK_ERR(match(&b, &f, &report, &tuple), EM_ERR_POLICY_NO_MATCH);
    }
    f = facts_of(&b, 0);
    f.pcr[4][0] ^= 1; /* which this tuple does not ask for */
    CHECK_OK(match(&b, &f, &report, &tuple));
    f = facts_of(&b, 1);
    CHECK_OK(match(&b, &f, &report, &tuple));
    CHECK(tuple == 1 && report.line[EM_CHECK_DOC_ACCOUNT].detail == 1); /* any account */
}

static void roots_modes_dates_and_protocols_count(void)
{
    em_policy_body b = policy_sample();
    em_policy policy;
    em_attested f = facts_of(&b, 0);
    em_report report;
    size_t tuple;

    f.root.sha256[0] ^= 1;
    CHECK_ERR(match(&b, &f, &report, &tuple), EM_ERR_ROOT_UNKNOWN);
    f = facts_of(&b, 0);
    f.mode = EM_MODE_PRODUCTION;
    CHECK_ERR(match(&b, &f, &report, &tuple), EM_ERR_POLICY_MODE);
    f = facts_of(&b, 0);
    b.tuple[0].not_after_ms = POLICY_NOW_MS;
    CHECK_OK(match(&b, &f, &report, &tuple));
    b.tuple[0].not_after_ms--;
    CHECK_ERR(match(&b, &f, &report, &tuple), EM_ERR_POLICY_NO_MATCH);
    b = policy_sample();
    b.tuple[0].protocol = 2;
    CHECK_ERR(match(&b, &f, &report, &tuple), EM_ERR_POLICY_NO_MATCH);
    policy = (em_policy){.body = b};
    CHECK_OK(em_policy_match(&policy, &f, 2, POLICY_NOW_MS, NULL, &tuple));
    b.n_tuples = 0;
    CHECK_ERR(match(&b, &f, &report, &tuple), EM_ERR_POLICY_NO_MATCH);
    CHECK(report.line[EM_CHECK_DOC_REVOKED].result == EM_RESULT_SKIP);
}

static void what_is_revoked_is_refused(void)
{
    em_policy_body b = policy_sample();
    em_policy policy = {.body = b};
    em_attested f = facts_of(&b, 0);
    em_report report;
    size_t tuple;

    memcpy(f.pcr[15], b.revoked_measurement[0], EM_PCR_LEN);
    CHECK_ERR(match(&b, &f, &report, &tuple), EM_ERR_POLICY_REVOKED);
    CHECK(report.line[EM_CHECK_DOC_REVOKED].result == EM_RESULT_FAIL);
    CHECK(report.line[EM_CHECK_DOC_REVOKED].detail == 15);
    CHECK_ERR(em_policy_key_stands(&policy, b.revoked_key[0]), EM_ERR_POLICY_REVOKED);
    CHECK_ERR(em_policy_manifest_stands(&policy, b.revoked_manifest[0]),
              EM_ERR_POLICY_REVOKED);
    CHECK_OK(em_policy_key_stands(&policy, b.revoked_manifest[0]));
    CHECK_OK(em_policy_manifest_stands(&policy, b.revoked_key[0]));
    CHECK_ERR(em_policy_measurement_stands(&policy, b.revoked_measurement[0]),
              EM_ERR_POLICY_REVOKED);
}

/* ---- the highest seen ---- */

static em_err advance(em_bytes *state, const em_policy *policy, em_policy_seen *seen)
{
    uint8_t *at = test_alloc(EM_MAX_POLICY_STATE);
    em_out o = em_out_over(at, EM_MAX_POLICY_STATE);

    EM_TRY(em_policy_state_advance(*state, policy, &o, seen));
    *state = em_write_view(&o);
    return EM_OK;
}

static void versions_only_go_up(void)
{
    em_policy p = {.body = policy_sample(), .signer = signer, .hash = {1}};
    em_bytes state = {0};
    em_policy_seen seen;

    p.body.version = 5;
    CHECK_OK(advance(&state, &p, &seen));
    CHECK(seen == EM_POLICY_FIRST_USE);
    CHECK_OK(advance(&state, &p, &seen));
    CHECK(seen == EM_POLICY_SAME);
    p.hash[0] = 2;
    CHECK_ERR(advance(&state, &p, &seen), EM_ERR_POLICY_FORK);
    p.body.version = 6;
    CHECK_OK(advance(&state, &p, &seen));
    CHECK(seen == EM_POLICY_NEWER);
    p.body.version = 5;
    CHECK_ERR(advance(&state, &p, &seen), EM_ERR_POLICY_ROLLBACK);
    p.signer = other; /* another signer's versions are his own, and so are other ids' */
    CHECK_OK(advance(&state, &p, &seen));
    CHECK(seen == EM_POLICY_FIRST_USE);
    p.signer = signer;
    p.body.id = EM_STR("another");
    CHECK_OK(advance(&state, &p, &seen));
    CHECK(seen == EM_POLICY_FIRST_USE);
    p.body.id = policy_sample().id;
    CHECK_ERR(advance(&state, &p, &seen), EM_ERR_POLICY_ROLLBACK);
}

static bool state_parses(em_bytes state, void *arg)
{
    uint8_t buf[EM_MAX_POLICY_STATE];
    em_out o = EM_OUT(buf);
    em_policy_seen seen;

    return em_policy_state_advance(state, arg, &o, &seen) == EM_OK;
}

static void a_full_or_damaged_state_refuses(void)
{
    em_policy p = {.body = policy_sample(), .signer = signer};
    em_bytes state = {0};
    em_policy_seen seen;

    for (unsigned i = 0; i < EM_MAX_POLICIES_SEEN; i++) {
        p.signer.b[0] = (uint8_t)i;
        CHECK_OK(advance(&state, &p, &seen));
    }
    CHECK(state.len <= EM_MAX_POLICY_STATE);
    p.signer.b[0] = EM_MAX_POLICIES_SEEN;
    CHECK_ERR(advance(&state, &p, &seen), EM_ERR_LIMIT);
    p.signer.b[0] = 0;
    CHECK_OK(advance(&state, &p, &seen));

    em_bytes one = {0}, damaged = EM_STR("damaged");
    CHECK_OK(advance(&one, &p, &seen));
    CHECK_ERR(advance(&damaged, &p, &seen), EM_ERR_POLICY_STATE);
    test_abuse_result r = test_abuse(one, state_parses, &p);
    CHECK(r.cuts_accepted == 1); /* the empty one: nothing seen */
}

/* ---- abuse ---- */

static bool accepts(em_bytes in, void *arg)
{
    em_policy got;

    (void)arg;
    return em_policy_verify(in, &signer, 1, POLICY_NOW_MS, NULL, &got) == EM_OK;
}

static bool parses(em_bytes in, void *arg)
{
    em_policy_body got;

    (void)arg;
    return em_policy_parse(in, &got) == EM_OK;
}

static void no_cut_and_no_flip_passes(void)
{
    em_policy_body b = policy_sample();
    em_bytes good = sign(&b);

    test_abuse_result r = test_abuse(good, accepts, NULL);
    CHECK(r.cuts_accepted == 0 && r.flips_accepted == 0);
    r = test_abuse(good, parses, NULL);
    CHECK(r.cuts_accepted == 0);
}

static void another_kind_cannot_stand_for_a_policy(void)
{
    em_policy_body b = policy_sample();
    em_bytes good = sign(&b);
    uint8_t *copy = test_alloc(good.len);
    em_policy got;

    memcpy(copy, good.at, good.len);
    copy[10] ^= 1; /* in the content type */
    CHECK_ERR(
        em_policy_verify(em_view(copy, good.len), &signer, 1, POLICY_NOW_MS, NULL, &got),
        EM_ERR_POLICY_MALFORMED);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    secret = policy_sample_secret(1, &signer);
    other_secret = policy_sample_secret(2, &other);
    RUN(a_policy_reads_back_and_has_one_form);
    RUN(another_encoder_agrees);
    RUN(each_breach_of_form_is_refused);
    RUN(modes_do_not_mix);
    RUN(arrays_are_ascending);
    RUN(only_pinned_signers_count);
    RUN(dates_are_judged);
    RUN(a_tuple_matches_as_a_whole);
    RUN(roots_modes_dates_and_protocols_count);
    RUN(what_is_revoked_is_refused);
    RUN(versions_only_go_up);
    RUN(a_full_or_damaged_state_refuses);
    RUN(no_cut_and_no_flip_passes);
    RUN(another_kind_cannot_stand_for_a_policy);
    return test_end();
}
