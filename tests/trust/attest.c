/* Attestation documents: AWS's own with the verdicts that are known of them, and
 * look-alikes that break one rule of PROTOCOL 1 each. */
#include "crypto/setup.h"
#include "tests/trust/maker.h"

#include <jansson.h>

static maker m;
static em_root root;

static em_attest_ask live(void)
{
    return (em_attest_ask){.roots = &root,
                           .roots_n = 1,
                           .when = EM_ATTEST_LIVE,
                           .at_ms = MAKER_NOW_MS + 1000};
}

static em_err ask_with(em_bytes document, const em_attest_ask *ask, em_report *report)
{
    em_attested facts;

    memset(&facts, 0xEE, sizeof facts);
    em_report_init(report);
    em_err err = em_attest_verify(document, ask, report, &facts);
    CHECK(err == report->err);
    if (err == EM_OK) return err;
    /* outputs are untouched, and what comes behind the failure was not reached */
    size_t same = 0;
    while (same < sizeof facts && ((const uint8_t *)&facts)[same] == 0xEE) same++;
    CHECK(same == sizeof facts);
    CHECK(report->line[report->failed].result == EM_RESULT_FAIL);
    for (unsigned i = report->failed + 1U; i <= EM_CHECK_DOC_PCR4; i++)
        CHECK(report->line[i].result == EM_RESULT_SKIP ||
              report->line[i].result == EM_RESULT_NONE);
    return err;
}

static em_err verify(em_bytes document)
{
    em_attest_ask ask = live();
    em_report report;

    return ask_with(document, &ask, &report);
}

static em_err verify_doc(const maker_doc *d)
{
    return verify(maker_document(&m, d));
}

/* ---- AWS's own ---- */

static em_err verify_real(em_bytes document, em_attest_when when, uint64_t at_ms,
                          em_attested *ret_facts)
{
    size_t n;
    const em_root *aws = em_roots_aws(&n);
    em_attest_ask ask = {.roots = aws, .roots_n = n, .when = when, .at_ms = at_ms};
    em_report report;

    em_report_init(&report);
    em_err err = em_attest_verify(document, &ask, &report, ret_facts);
    test_note("%s at %s", em_err_name(err), em_report_name(report.failed));
    return err;
}

static em_bytes pcr_of(json_t *pcrs, unsigned i)
{
    char key[8];

    snprintf(key, sizeof key, "%u", i);
    const char *hex = json_string_value(json_object_get(pcrs, key));
    return hex ? test_hex(hex) : (em_bytes){0};
}

static void check_field(const em_attested_field *f, json_t *len)
{
    if (json_is_null(len))
        CHECK(f->is != EM_PRESENT);
    else
        CHECK(f->is == EM_PRESENT && f->len == (size_t)json_integer_value(len));
}

static void check_facts(const em_attested *f, json_t *entry)
{
    json_t *pcrs = json_object_get(entry, "pcrs");
    const char *sha = json_string_value(json_object_get(entry, "sha256"));

    CHECK(f->mode == EM_MODE_PRODUCTION);
    CHECK(f->timestamp_ms ==
          (uint64_t)json_integer_value(json_object_get(entry, "timestamp_ms")));
    CHECK(f->judged_at_ms == f->timestamp_ms && !f->nonce_checked);
    CHECK(strcmp(f->module_id, json_string_value(json_object_get(entry, "module_id"))) ==
          0);
    CHECK(em_same(EM_BYTES(f->document_sha256), test_hex(sha)));
    CHECK(f->not_before_ms <= f->timestamp_ms + EM_CLOCK_LEEWAY_MS &&
          f->not_after_ms >= f->timestamp_ms);
    CHECK(f->not_after_ms - f->not_before_ms <= (uint64_t)3 * 3600 * 1000 + 60000);
    for (unsigned i = 0; i < EM_MAX_PCRS; i++) {
        em_bytes want = pcr_of(pcrs, i), got = em_attest_pcr(f, i);
        CHECK(want.len > 0 ? em_same(got, want) : em_all_zero(got));
    }
    check_field(&f->public_key, json_object_get(entry, "public_key_len"));
    check_field(&f->user_data, json_object_get(entry, "user_data_len"));
    check_field(&f->nonce, json_object_get(entry, "nonce_len"));
}

static void check_real(json_t *entry)
{
    const char *file = json_string_value(json_object_get(entry, "file"));
    char path[256];
    em_attested f;

    snprintf(path, sizeof path, "vectors/nitro/%s", file);
    em_bytes document = test_file(test_shared(path));
    CHECK(document.len > 0);
    em_err err = verify_real(document, EM_ATTEST_SELF_DATED, 0, &f);
    bool chains = json_is_true(json_object_get(entry, "chain_to_G1"));
    bool is_signed = json_is_true(json_object_get(entry, "cose_sig"));
    bool debug = json_is_true(json_object_get(entry, "debug_mode"));
    test_note("%s", file);
    if (!chains) {
        CHECK_ERR(err, EM_ERR_COSE_DECODE_FAILED); /* its unprotected header is null */
    } else if (!is_signed) {
        CHECK_ERR(err, EM_ERR_SIG_FAILED);
    } else if (debug) {
        CHECK_ERR(err, EM_ERR_DEBUG_ENCLAVE);
    } else {
        CHECK_OK(err);
        if (err == EM_OK) check_facts(&f, entry);
        if (err != EM_OK) return;
        uint64_t at = f.timestamp_ms, hour = 3600 * 1000;
        CHECK_ERR(verify_real(document, EM_ATTEST_AT, at + 4 * hour, &f),
                  EM_ERR_CERT_EXPIRED);
        CHECK_ERR(verify_real(document, EM_ATTEST_AT, at - 4 * hour, &f),
                  EM_ERR_CERT_NOT_YET_VALID);
        CHECK_ERR(verify_real(document, EM_ATTEST_LIVE, at + hour / 4, &f),
                  f.not_after_ms < at + hour / 4 ? EM_ERR_CERT_EXPIRED
                                                 : EM_ERR_STALE_DOCUMENT);
    }
}

static void aws_documents_get_the_verdicts_that_are_known(void)
{
    const char *path = test_shared("vectors/nitro/index.json");
    json_error_t error;
    size_t i, passed = 0;
    json_t *index, *entry;

    if (!path) {
        test_skip("aws_documents", "shared/vectors/nitro is not here");
        return;
    }
    index = json_load_file(path, 0, &error);
    REQUIRE(index != NULL);
    CHECK(json_array_size(index) == 15);
    json_array_foreach(index, i, entry)
    {
        check_real(entry);
        passed += json_is_false(json_object_get(entry, "debug_mode")) != 0;
    }
    CHECK(passed == 10);
    json_decref(index);
}

static void an_unsigned_document_is_refused(void)
{
    const char *path = test_shared("vectors/nitro/qemu-unsigned.cose");
    em_attested f;

    if (!path) {
        test_skip("qemu_unsigned", "shared/vectors/nitro is not here");
        return;
    }
    CHECK(verify_real(test_file(path), EM_ATTEST_SELF_DATED, 0, &f) != EM_OK);
}

static void the_compiled_in_root_is_aws_s(void)
{
    const char *path = test_shared("vectors/nitro/AWS_NitroEnclaves_Root-G1.der");
    em_root got;
    size_t n;
    const em_root *aws = em_roots_aws(&n);

    CHECK(n == 1 && em_roots_mode(&aws[0]) == EM_MODE_PRODUCTION);
    CHECK(em_roots_mode(&root) == EM_MODE_EVALUATION);
    if (!path) {
        test_skip("aws_root", "shared/vectors/nitro is not here");
        return;
    }
    em_x509_fingerprint(test_file(path), got.sha256);
    CHECK(em_same(EM_BYTES(got.sha256), EM_BYTES(aws[0].sha256)));
}

/* ---- look-alikes ---- */

static void a_good_document_gives_its_facts(void)
{
    maker_doc d = maker_doc_good();
    em_attest_ask ask = live();
    em_report report;
    em_attested f;

    d.public_key = (em_document_field){EM_PRESENT, EM_STR("a key")};
    d.user_data = (em_document_field){EM_PRESENT, em_view("", 0)};
    d.nonce = (em_document_field){EM_PRESENT, EM_STR("a nonce")};
    ask.has_nonce = true;
    ask.nonce = EM_STR("a nonce");
    em_bytes document = maker_document(&m, &d);
    em_report_init(&report);
    CHECK_OK(em_attest_verify(document, &ask, &report, &f));
    CHECK(f.mode == EM_MODE_EVALUATION && f.when == EM_ATTEST_LIVE && f.nonce_checked);
    CHECK(f.timestamp_ms == MAKER_NOW_MS && f.judged_at_ms == MAKER_NOW_MS + 1000);
    CHECK(strcmp(f.module_id, MAKER_MODULE) == 0 && f.pcr_present == 0xFFFF);
    CHECK(em_same(em_attest_pcr(&f, 2), em_view(d.pcr[2], EM_PCR_LEN)));
    CHECK(em_attest_pcr(&f, 16).len == 0 && em_attest_pcr(&f, 99).len == 0);
    CHECK(em_same(em_attest_bytes(&f.public_key), EM_STR("a key")));
    CHECK(f.user_data.is == EM_PRESENT && f.user_data.len == 0);
    CHECK(em_report_is_whole(&report, NULL, 0));
    for (unsigned i = EM_CHECK_DOC_ENVELOPE; i <= EM_CHECK_DOC_PCR4; i++)
        CHECK(report.line[i].result == EM_RESULT_PASS);
    CHECK(report.line[EM_CHECK_DOC_TIME].detail == 1000);

    d.public_key.is = EM_ABSENT;
    d.user_data.is = EM_ABSENT;
    d.nonce.is = EM_ABSENT;
    d.indefinite = false;
    CHECK_OK(verify_doc(&d)); /* and the older shape */
}

static void each_breach_of_the_envelope_has_its_name(void)
{
    maker_doc d = maker_doc_good();
    em_bytes payload = maker_payload(&m, &d);
    uint8_t large[EM_MAX_DOCUMENT + 1] = {0xD2};

    CHECK_ERR(verify(EM_BYTES(large)), EM_ERR_TOO_LARGE);
    CHECK_ERR(verify((em_bytes){0}), EM_ERR_COSE_DECODE_FAILED);
    CHECK_ERR(verify(maker_cose(&m, payload, &(maker_envelope){.tagged = true})),
              EM_ERR_COSE_DECODE_FAILED);
    CHECK_ERR(verify(maker_cose(&m, payload,
                                &(maker_envelope){.protected = test_hex("a10126")})),
              EM_ERR_BAD_PROTECTED);
    CHECK_ERR(verify(maker_cose(&m, payload,
                                &(maker_envelope){.protected = test_hex("a1013822"
                                                                        "00")})),
              EM_ERR_BAD_PROTECTED);
    CHECK_ERR(verify(maker_cose(&m, payload,
                                &(maker_envelope){.unprotected = test_hex("a10400")})),
              EM_ERR_BAD_UNPROTECTED);
    CHECK_ERR(verify(maker_cose(&m, payload, &(maker_envelope){.sig_len = 95})),
              EM_ERR_BAD_SIG_LENGTH);
    CHECK_ERR(verify(maker_cose(&m, payload, &(maker_envelope){.sig_len = 97})),
              EM_ERR_BAD_SIG_LENGTH);
    CHECK_ERR(verify(maker_cose(&m, payload, &(maker_envelope){.nil_payload = true})),
              EM_ERR_PAYLOAD_MALFORMED);
    CHECK_ERR(verify(maker_cose(&m, test_hex("80"), &(maker_envelope){0})),
              EM_ERR_PAYLOAD_MALFORMED);
}

static void each_breach_of_the_payload_is_malformed(void)
{
    static uint8_t long_field[EM_MAX_DOCUMENT_FIELD + 1];
    const struct {
        const char *extra;
        unsigned n;
    } extras[] = {
        {"67756e6b6e6f776e00", 1}, /* "unknown": 0 */
        {"66646967657374665348413338"
         "34",
         1},                             /* digest again */
        {"656e6f6e636540", 1},           /* nonce again */
        {"0000", 1},                     /* an integer key */
        {"6a7075626c69635f6b6579a0", 1}, /* public_key again, a map */
    };
    maker_doc d = maker_doc_good();

    for (size_t i = 0; i < EM_COUNT(extras); i++) {
        test_note("extra %zu", i);
        d.extra = test_hex(extras[i].extra);
        d.n_extra = extras[i].n;
        d.indefinite = i % 2 == 0;
        CHECK_ERR(verify_doc(&d), EM_ERR_PAYLOAD_MALFORMED);
    }
    for (unsigned out = 1; out <= MAKER_NO_CABUNDLE; out <<= 1) {
        d = maker_doc_good();
        d.leave_out = out;
        CHECK_ERR(verify_doc(&d), EM_ERR_PAYLOAD_MALFORMED);
    }
    for (unsigned i = 0; i < 3; i++) {
        d = maker_doc_good();
        d.pcr_present &= ~(1U << i);
        CHECK_ERR(verify_doc(&d), EM_ERR_PAYLOAD_MALFORMED);
    }
    d = maker_doc_good();
    d.pcr_len = 47;
    CHECK_ERR(verify_doc(&d), EM_ERR_PAYLOAD_MALFORMED);
    d = maker_doc_good();
    d.digest = EM_STR("SHA256");
    CHECK_ERR(verify_doc(&d), EM_ERR_PAYLOAD_MALFORMED);
    d = maker_doc_good();
    d.timestamp_ms = 0;
    CHECK_ERR(verify_doc(&d), EM_ERR_PAYLOAD_MALFORMED);
    d = maker_doc_good();
    d.n_cabundle = 0;
    CHECK_ERR(verify_doc(&d), EM_ERR_PAYLOAD_MALFORMED);
    d.n_cabundle = EM_MAX_CHAIN;
    CHECK_ERR(verify_doc(&d), EM_ERR_PAYLOAD_MALFORMED);
    d = maker_doc_good();
    d.user_data = (em_document_field){EM_PRESENT, EM_BYTES(long_field)};
    CHECK_ERR(verify_doc(&d), EM_ERR_PAYLOAD_MALFORMED);
    d.user_data.bytes.len--;
    CHECK_OK(verify_doc(&d));
}

static void only_enclaves_are_believed(void)
{
    maker_doc d = maker_doc_good();

    d.module_id = EM_STR("i-0123456789abcdef0-tpm0123456789abcdef");
    CHECK_ERR(verify_doc(&d), EM_ERR_NOT_AN_ENCLAVE);
    d.module_id = EM_STR("-enc0123456789abcdef");
    CHECK_ERR(verify_doc(&d), EM_ERR_NOT_AN_ENCLAVE);
    d.module_id = EM_STR("");
    CHECK_ERR(verify_doc(&d), EM_ERR_NOT_AN_ENCLAVE);
}

static void only_named_roots_are_believed(void)
{
    maker_doc d = maker_doc_good();
    em_bytes document = maker_document(&m, &d);
    em_attest_ask ask = live();
    em_root other[2] = {{{1}}, root};
    em_report report;

    ask.roots_n = 0;
    CHECK_ERR(ask_with(document, &ask, &report), EM_ERR_ROOT_UNKNOWN);
    ask.roots = other;
    ask.roots_n = 1;
    CHECK_ERR(ask_with(document, &ask, &report), EM_ERR_ROOT_UNKNOWN);
    ask.roots_n = 2;
    CHECK_OK(ask_with(document, &ask, &report));
}

/* Breaks certificate i and expects this. */
static void break_cert(size_t i, maker_cert how, em_err want)
{
    maker_cert was = m.cert[i];
    maker_doc d = maker_doc_good();
    em_root was_root = root;

    m.cert[i] = how;
    maker_issue(&m);
    root = maker_root(&m);
    test_note("certificate %zu", i);
    CHECK_ERR(verify_doc(&d), want);
    m.cert[i] = was;
    root = was_root;
}

static void each_breach_of_the_chain_is_refused(void)
{
    int64_t now_s = (int64_t)(MAKER_NOW_MS / 1000);

    for (size_t i = 0; i < MAKER_CERTS; i++) {
        maker_cert c = m.cert[i];
        c.signed_by_stranger = true;
        break_cert(i, c, EM_ERR_CHAIN_INVALID);
        c = m.cert[i];
        c.named_after_stranger = true;
        break_cert(i, c, EM_ERR_CHAIN_INVALID);
        c = m.cert[i];
        c.unknown_critical = true;
        break_cert(i, c, EM_ERR_CHAIN_INVALID);
        c = m.cert[i];
        c.sha256 = true;
        break_cert(i, c, EM_ERR_CHAIN_INVALID);
        c = m.cert[i];
        c.is_ca = !c.is_ca;
        break_cert(i, c, EM_ERR_CHAIN_INVALID);
        c = m.cert[i];
        c.not_after_s = now_s - 1;
        break_cert(i, c, EM_ERR_CERT_EXPIRED);
        c = m.cert[i];
        c.not_before_s = now_s + 120;
        break_cert(i, c, EM_ERR_CERT_NOT_YET_VALID);
        c.not_before_s = now_s + 60; /* the leeway */
        break_cert(i, c, EM_OK);
        if (i == MAKER_LEAF) continue;
        c = m.cert[i];
        c.no_cert_sign = true;
        break_cert(i, c, EM_ERR_CHAIN_INVALID);
        c = m.cert[i];
        c.path_len = (int)(MAKER_LEAF - 2 - i);
        if (c.path_len >= 0) break_cert(i, c, EM_ERR_CHAIN_INVALID);
    }
    maker_issue(&m);
    root = maker_root(&m);

    maker_doc d = maker_doc_good();
    d.n_cabundle = 3; /* a CA is missing */
    CHECK_ERR(verify_doc(&d), EM_ERR_CHAIN_INVALID);
    d.n_cabundle = 5; /* one too many */
    CHECK_ERR(verify_doc(&d), EM_ERR_CHAIN_INVALID);
}

static void another_curve_is_refused(void)
{
    EVP_PKEY *was = m.key[2];
    maker_doc d = maker_doc_good();

    m.key[2] = EVP_EC_gen("P-256");
    maker_issue(&m);
    root = maker_root(&m);
    CHECK_ERR(verify_doc(&d), EM_ERR_CHAIN_INVALID);
    EVP_PKEY_free(m.key[2]);
    m.key[2] = was;
    maker_issue(&m);
    root = maker_root(&m);
}

static void a_strangers_signature_is_refused(void)
{
    maker_doc d = maker_doc_good();
    em_bytes payload = maker_payload(&m, &d);

    CHECK_ERR(verify(maker_cose(&m, payload, &(maker_envelope){.signer = m.stranger})),
              EM_ERR_SIG_FAILED);
    CHECK_ERR(verify(maker_cose(&m, payload, &(maker_envelope){.signer = m.key[3]})),
              EM_ERR_SIG_FAILED);
}

static void time_is_judged_as_asked(void)
{
    maker_doc d = maker_doc_good();
    em_bytes document = maker_document(&m, &d);
    em_attest_ask ask = live();
    em_report report;

    ask.at_ms = MAKER_NOW_MS + EM_FRESH_DEFAULT_MS;
    CHECK_OK(ask_with(document, &ask, &report));
    ask.at_ms++;
    CHECK_ERR(ask_with(document, &ask, &report), EM_ERR_STALE_DOCUMENT);
    ask.fresh_ms = EM_FRESH_MAX_MS;
    CHECK_OK(ask_with(document, &ask, &report));
    ask.at_ms = MAKER_NOW_MS + EM_FRESH_MAX_MS + 1;
    CHECK_ERR(ask_with(document, &ask, &report), EM_ERR_STALE_DOCUMENT);
    ask.at_ms = MAKER_NOW_MS - EM_CLOCK_LEEWAY_MS;
    CHECK_OK(ask_with(document, &ask, &report));
    ask.at_ms--;
    CHECK_ERR(ask_with(document, &ask, &report), EM_ERR_FUTURE_DOCUMENT);

    em_attested f;
    ask.fresh_ms = EM_FRESH_MAX_MS + 1;
    CHECK_ERR(em_attest_verify(document, &ask, NULL, &f), EM_ERR_ARGUMENT);
    ask = live();
    ask.when = (em_attest_when)0;
    CHECK_ERR(em_attest_verify(document, &ask, NULL, &f), EM_ERR_ARGUMENT);

    ask.when = EM_ATTEST_AT; /* archived: no window, but the chain must be valid then */
    ask.at_ms = MAKER_NOW_MS + 3600 * 1000;
    CHECK_OK(ask_with(document, &ask, &report));
    CHECK(report.line[EM_CHECK_DOC_TIME].result == EM_RESULT_NONE);
    ask.at_ms = MAKER_NOW_MS + 3 * 3600 * 1000;
    CHECK_ERR(ask_with(document, &ask, &report), EM_ERR_CERT_EXPIRED);
    ask.when = EM_ATTEST_SELF_DATED; /* which at_ms does not change */
    CHECK_OK(em_attest_verify(document, &ask, &report, &f));
    CHECK(f.judged_at_ms == MAKER_NOW_MS && f.when == EM_ATTEST_SELF_DATED);
}

static void the_nonce_is_the_one_that_was_asked_for(void)
{
    maker_doc d = maker_doc_good();
    em_attest_ask ask = live();
    em_report report;

    CHECK_OK(ask_with(maker_document(&m, &d), &ask, &report));
    CHECK(report.line[EM_CHECK_DOC_NONCE].result == EM_RESULT_SKIP);
    CHECK(report.line[EM_CHECK_DOC_NONCE].detail == EM_SKIP_NOT_GIVEN);
    ask.has_nonce = true;
    ask.nonce = em_view("", 0);
    CHECK_ERR(ask_with(maker_document(&m, &d), &ask, &report), EM_ERR_NONCE_MISMATCH);
    d.nonce.is = EM_ABSENT;
    CHECK_ERR(ask_with(maker_document(&m, &d), &ask, &report), EM_ERR_NONCE_MISMATCH);
    d.nonce = (em_document_field){EM_PRESENT, EM_STR("one")};
    CHECK_ERR(ask_with(maker_document(&m, &d), &ask, &report), EM_ERR_NONCE_MISMATCH);
    ask.nonce = EM_STR("one");
    CHECK_OK(ask_with(maker_document(&m, &d), &ask, &report));
    ask.nonce = EM_STR("onE");
    CHECK_ERR(ask_with(maker_document(&m, &d), &ask, &report), EM_ERR_NONCE_MISMATCH);
}

static void debug_enclaves_are_refused(void)
{
    for (unsigned i = 0; i < 3; i++) {
        maker_doc d = maker_doc_good();
        memset(d.pcr[i], 0, EM_PCR_LEN);
        CHECK_ERR(verify_doc(&d), EM_ERR_DEBUG_ENCLAVE);
    }
}

/* Under AWS's root a mismatch refuses (the real documents show the rule); under another
 * the rule is reported where it holds and says nothing where it does not. */
static void pcr4_is_a_rule_of_aws_only(void)
{
    maker_doc d = maker_doc_good();
    em_attest_ask ask = live();
    em_report report;

    CHECK_OK(ask_with(maker_document(&m, &d), &ask, &report));
    CHECK(report.line[EM_CHECK_DOC_PCR4].result == EM_RESULT_PASS);
    d.pcr[4][0] ^= 1;
    CHECK_OK(ask_with(maker_document(&m, &d), &ask, &report));
    CHECK(report.line[EM_CHECK_DOC_PCR4].result == EM_RESULT_NONE);
    memset(d.pcr[4], 0, EM_PCR_LEN);
    CHECK_OK(ask_with(maker_document(&m, &d), &ask, &report));
    CHECK(report.line[EM_CHECK_DOC_PCR4].result == EM_RESULT_NONE);
}

static void a_cache_changes_no_verdict(void)
{
    static em_x509_cache cache;
    maker_doc d = maker_doc_good();
    em_bytes document = maker_document(&m, &d);
    em_attest_ask ask = live();
    em_report report;

    ask.cache = &cache;
    for (int i = 0; i < 3; i++) CHECK_OK(ask_with(document, &ask, &report));
    CHECK(cache.slot[0].used && !cache.slot[1].used);
    ask.at_ms = MAKER_NOW_MS + 3 * 3600 * 1000;
    CHECK_ERR(ask_with(document, &ask, &report), EM_ERR_CERT_EXPIRED);
    ask.at_ms = MAKER_NOW_MS;
    em_root other = {{1}};
    ask.roots = &other;
    CHECK_ERR(ask_with(document, &ask, &report), EM_ERR_ROOT_UNKNOWN);
    ask.roots = &root;
    d.timestamp_ms++;
    em_bytes forged =
        maker_cose(&m, maker_payload(&m, &d), &(maker_envelope){.signer = m.stranger});
    CHECK_ERR(ask_with(forged, &ask, &report), EM_ERR_SIG_FAILED);
}

/* ---- abuse ---- */

static bool accepts(em_bytes in, void *cache)
{
    em_attest_ask ask = live();
    em_attested f;

    ask.cache = cache;
    return em_attest_verify(in, &ask, NULL, &f) == EM_OK;
}

static void no_cut_and_no_flip_passes(void)
{
    static em_x509_cache cache;
    maker_doc d = maker_doc_good();

    d.pcr_present = 0x1F;
    d.nonce = (em_document_field){EM_PRESENT, EM_STR("nonce")};
    em_bytes good = maker_document(&m, &d);
    CHECK(accepts(good, &cache));
    test_abuse_result r = test_abuse(good, accepts, &cache);
    CHECK(r.cuts_accepted == 0 && r.flips_accepted == 0);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    maker_init(&m);
    root = maker_root(&m);
    RUN(aws_documents_get_the_verdicts_that_are_known);
    RUN(an_unsigned_document_is_refused);
    RUN(the_compiled_in_root_is_aws_s);
    RUN(a_good_document_gives_its_facts);
    RUN(each_breach_of_the_envelope_has_its_name);
    RUN(each_breach_of_the_payload_is_malformed);
    RUN(only_enclaves_are_believed);
    RUN(only_named_roots_are_believed);
    RUN(each_breach_of_the_chain_is_refused);
    RUN(another_curve_is_refused);
    RUN(a_strangers_signature_is_refused);
    RUN(time_is_judged_as_asked);
    RUN(the_nonce_is_the_one_that_was_asked_for);
    RUN(debug_enclaves_are_refused);
    RUN(pcr4_is_a_rule_of_aws_only);
    RUN(a_cache_changes_no_verdict);
    RUN(no_cut_and_no_flip_passes);
    maker_drop(&m);
    return test_end();
}
