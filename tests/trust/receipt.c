/* AIR v1 receipts: the specification's vectors with the codes that they state, and every
 * other code by a receipt that is wrong in one place and signed all the same. */
#include "crypto/setup.h"
#include "tests/trust/receipt_sample.h"
#include "trust/receipt_put.h"

#include <jansson.h>
#include <openssl/evp.h>

static em_ed25519_secret secret;
static em_ed25519_public key;

static const uint8_t good_header[] = {0xA2, 0x01, 0x27, 0x03, 0x18, 0x3D};

static em_err verify_with(em_bytes receipt, const em_receipt_ask *ask, em_report *report)
{
    em_receipt got;

    em_report_init(report);
    em_err err = em_receipt_verify(receipt, &key, ask, report, &got);
    CHECK(err == report->err);
    return err;
}

static void expect(em_bytes receipt, em_err want, const char *subject)
{
    em_report report;

    CHECK_ERR(verify_with(receipt, NULL, &report), want);
    em_bytes got = em_view(report.subject, report.subject_len);
    CHECK(em_same(got, em_view(subject, strlen(subject))));
}

static em_bytes put(const em_receipt_claims *claims)
{
    enum { CAP = 65536 };
    em_out o = em_out_over(test_alloc(CAP), CAP);

    em_receipt_put(&o, claims);
    if (em_write_end(&o) != EM_OK) abort();
    return em_write_view(&o);
}

/* Signed whatever the claims are. */
static em_bytes sign_any(em_bytes payload)
{
    return receipt_cose(EM_BYTES(good_header), payload, &secret);
}

/* ---- the specification's vectors ---- */

static json_t *load(const char *name)
{
    json_error_t error;
    char path[256];

    snprintf(path, sizeof path, "vectors/air-v1/vectors/%s.json", name);
    json_t *j = json_load_file(test_shared(path), 0, &error);
    if (!j) abort();
    return j;
}

static em_bytes hex_of(json_t *j, const char *name)
{
    const char *hex = json_string_value(json_object_get(j, name));
    return hex ? test_hex(hex) : (em_bytes){0};
}

static em_bytes text_of(json_t *j, const char *name)
{
    const char *text = json_string_value(json_object_get(j, name));
    return text ? em_view(text, strlen(text)) : (em_bytes){0};
}

static uint64_t uint_of(json_t *j, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(j, name));
}

static em_ed25519_public key_of(json_t *j)
{
    em_bytes hex = hex_of(j, "wrong_public_key_hex");
    em_ed25519_public k;

    if (!hex.at) hex = hex_of(j, "public_key_hex");
    if (hex.len != sizeof k.b) abort();
    memcpy(k.b, hex.at, sizeof k.b);
    return k;
}

static em_receipt_claims claims_of(json_t *c)
{
    json_t *m = json_object_get(c, "enclave_measurements");

    return (em_receipt_claims){
        .iss = text_of(c, "iss"),
        .iat = uint_of(c, "iat"),
        .cti = hex_of(c, "cti_hex"),
        .eat_nonce = hex_of(c, "eat_nonce_hex"),
        .model_id = text_of(c, "model_id"),
        .model_version = text_of(c, "model_version"),
        .model_hash = hex_of(c, "model_hash_hex"),
        .request_hash = hex_of(c, "request_hash_hex"),
        .response_hash = hex_of(c, "response_hash_hex"),
        .attestation_doc_hash = hex_of(c, "attestation_doc_hash_hex"),
        .measurements = {.type = text_of(m, "measurement_type"),
                         .pcr0 = hex_of(m, "pcr0_hex"),
                         .pcr1 = hex_of(m, "pcr1_hex"),
                         .pcr2 = hex_of(m, "pcr2_hex"),
                         .pcr8 = hex_of(m, "pcr8_hex")},
        .policy_version = text_of(c, "policy_version"),
        .sequence_number = uint_of(c, "sequence_number"),
        .execution_time_ms = uint_of(c, "execution_time_ms"),
        .memory_peak_mb = uint_of(c, "memory_peak_mb"),
        .security_mode = text_of(c, "security_mode"),
    };
}

static void check_valid(const char *name)
{
    json_t *j = load(name);
    em_bytes receipt = hex_of(j, "receipt_hex");
    em_ed25519_public k = key_of(j);
    em_receipt_claims claims = claims_of(json_object_get(j, "claims"));
    em_ed25519_secret s;
    em_receipt got;
    em_report report;

    test_note("%s", name);
    em_report_init(&report);
    CHECK_OK(em_receipt_verify(receipt, &k, NULL, &report, &got));
    CHECK(em_same(put(&got.claims), put(&claims)));
    CHECK(em_same(put(&claims), hex_of(j, "payload_hex")));

    /* our writer gives the very bytes, signature included */
    uint8_t buf[2048];
    em_out o = EM_OUT(buf);
    CHECK_OK(em_ed25519_from_seed(hex_of(j, "signing_key_seed_hex").at, &s, &k));
    CHECK_OK(em_receipt_sign(&claims, &s, &o));
    CHECK(em_same(em_write_view(&o), receipt));
    json_decref(j);
}

static void check_invalid(const char *name)
{
    json_t *j = load(name), *policy = json_object_get(j, "verify_policy");
    const char *code = json_string_value(
        json_object_get(json_object_get(j, "expected_failure"), "code"));
    em_ed25519_public k = key_of(j);
    em_receipt_ask ask = {
        .has_now = true,
        .now_s = 1774000000,
        .max_skew_s = 60,
        .has_max_age = json_object_get(policy, "max_age_secs") != NULL,
        .max_age_s = uint_of(policy, "max_age_secs"),
        .has_nonce = json_object_get(policy, "expected_nonce_hex") != NULL,
        .nonce = hex_of(policy, "expected_nonce_hex"),
        .model_hash = hex_of(policy, "expected_model_hash_hex"),
        .platform = text_of(policy, "expected_platform"),
    };
    em_receipt got;

    em_err err = em_receipt_verify(hex_of(j, "receipt_hex"), &k, &ask, NULL, &got);
    test_note("%s: %s, not %s", name, em_err_name(err), code);
    CHECK(code && strcmp(em_err_name(err), code) == 0);
    json_decref(j);
}

static void the_specifications_vectors(void)
{
    static const char *const valid[] = {"valid/v1-nitro-no-nonce",
                                        "valid/v1-tdx-with-nonce"};
    static const char *const invalid[] = {"invalid/v1-bad-measurement-length",
                                          "invalid/v1-model-hash-mismatch",
                                          "invalid/v1-nonce-mismatch",
                                          "invalid/v1-stale-iat",
                                          "invalid/v1-wrong-alg",
                                          "invalid/v1-wrong-key"};

    if (!test_shared("vectors/air-v1/vectors")) {
        test_skip("air_v1_vectors", "shared/vectors/air-v1 is not here");
        return;
    }
    for (size_t i = 0; i < EM_COUNT(valid); i++) check_valid(valid[i]);
    for (size_t i = 0; i < EM_COUNT(invalid); i++) check_invalid(invalid[i]);
}

/* ---- our own ---- */

static void a_signed_receipt_verifies(void)
{
    em_receipt_claims claims = receipt_sample();
    uint8_t buf[4096];
    em_out o = EM_OUT(buf);
    em_receipt got;
    em_report report;

    CHECK_OK(em_receipt_sign(&claims, &secret, &o));
    em_report_init(&report);
    CHECK_OK(em_receipt_verify(em_write_view(&o), &key, NULL, &report, &got));
    CHECK(em_same(put(&got.claims), put(&claims)));
    CHECK(got.claims.sequence_number == 3 && got.claims.iat == RECEIPT_IAT);
    CHECK(em_same(got.claims.measurements.pcr8, claims.measurements.pcr8));
    CHECK(report.line[EM_CHECK_RECEIPT_SIGNATURE].result == EM_RESULT_PASS);
    CHECK(report.line[EM_CHECK_RECEIPT_NONCE].result == EM_RESULT_SKIP);
    CHECK(report.line[EM_CHECK_RECEIPT_SEQUENCE].result == EM_RESULT_NONE);
}

/* libcrypto, asked independently, agrees about the Sig_structure. */
static void another_library_verifies_the_signature(void)
{
    em_receipt_claims claims = receipt_sample();
    em_bytes payload = put(&claims), receipt = sign_any(payload);
    EVP_PKEY *pkey =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key.b, sizeof key.b);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t *tbs = test_alloc(payload.len + 64);
    em_out o = em_out_over(tbs, payload.len + 64);

    em_write_bytes(&o, test_hex("846a5369676e617475726531" /* ["Signature1", */
                                "46a2012703183d40" /* header, '' */));
    em_cbor_put_bytes(&o, payload);
    CHECK_OK(em_write_end(&o));
    CHECK(EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1);
    CHECK(EVP_DigestVerify(ctx, receipt.at + receipt.len - 64, 64, o.at, o.len) == 1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
}

static void envelopes(void)
{
    em_receipt_claims claims = receipt_sample();
    em_bytes payload = put(&claims), good = sign_any(payload);
    static uint8_t large[EM_MAX_RECEIPT + 1];
    uint8_t copy[2048];

    expect(good, EM_OK, "");
    expect(EM_BYTES(large), EM_ERR_RECEIPT_TOO_LARGE, "");
    expect((em_bytes){0}, EM_ERR_COSE_DECODE_FAILED, "");
    expect(em_view(good.at + 1, good.len - 1), EM_ERR_COSE_DECODE_FAILED,
           ""); /* no tag */
    expect(em_view(good.at, good.len - 1), EM_ERR_COSE_DECODE_FAILED, "");
    memcpy(copy, good.at, good.len);
    copy[good.len] = 0;
    expect(em_view(copy, good.len + 1), EM_ERR_COSE_DECODE_FAILED, ""); /* trailing */

    em_out o = EM_OUT(copy); /* {4: h'00'} unprotected */
    em_write_bytes(&o, test_hex("d28446a2012703183da1044100"));
    em_cbor_put_bytes(&o, payload);
    em_cbor_put_bytes(&o, em_view(good.at + good.len - 64, 64));
    expect(em_write_view(&o), EM_ERR_NON_EMPTY_UNPROTECTED, "");

    o = EM_OUT(copy); /* payload nil */
    em_write_bytes(&o, test_hex("d28446a2012703183da0f6"));
    em_cbor_put_bytes(&o, em_view(good.at + good.len - 64, 64));
    expect(em_write_view(&o), EM_ERR_MISSING_PAYLOAD, "");
    expect(sign_any((em_bytes){0}), EM_ERR_MISSING_PAYLOAD, "");

    o = EM_OUT(copy);
    em_write_bytes(&o, test_hex("d28446a2012703183da0"));
    em_cbor_put_bytes(&o, payload);
    em_cbor_put_bytes(&o, em_view(good.at + good.len - 64, 63));
    expect(em_write_view(&o), EM_ERR_BAD_SIG_LENGTH, "");
}

static void headers(void)
{
    static const struct {
        const char *hex;
        em_err want;
    } cases[] = {
        {"a2012603183d", EM_ERR_BAD_ALG},           /* ES256 */
        {"a201382203183d", EM_ERR_BAD_ALG},         /* ES384 */
        {"a20165456444534103183d", EM_ERR_BAD_ALG}, /* "EdDSA" */
        {"a103183d", EM_ERR_BAD_ALG},
        {"a0", EM_ERR_BAD_ALG},
        {"", EM_ERR_BAD_ALG},
        {"a10127", EM_ERR_BAD_CONTENT_TYPE},
        {"a20127033818", EM_ERR_BAD_CONTENT_TYPE},
        {"a2012703183c", EM_ERR_BAD_CONTENT_TYPE},
        {"a20127036f6170706c69636174696f6e2f637774", EM_ERR_BAD_CONTENT_TYPE},
        {"a3012703183d044100", EM_ERR_COSE_DECODE_FAILED}, /* a kid too */
        {"a203183d0127", EM_ERR_COSE_DECODE_FAILED},       /* unsorted */
        {"80", EM_ERR_COSE_DECODE_FAILED},
        {"a20127031a0000003d", EM_ERR_COSE_DECODE_FAILED}, /* not shortest */
    };
    em_receipt_claims claims = receipt_sample();
    em_bytes payload = put(&claims);

    for (size_t i = 0; i < EM_COUNT(cases); i++) {
        test_note("header %s", cases[i].hex);
        expect(receipt_cose(test_hex(cases[i].hex), payload, &secret), cases[i].want, "");
    }
}

/* ---- payloads ---- */

/* The sample's pairs, encoded, to be left out, exchanged or added to. */
enum { PAIRS = 18, MEASUREMENTS_AT = 11, MAX_PAIRS = 64 };

typedef struct pairs {
    size_t n;
    em_bytes key[MAX_PAIRS], value[MAX_PAIRS];
} pairs;

static pairs split(em_bytes map)
{
    em_cbor c = em_cbor_over(map);
    pairs p = {.n = (size_t)em_cbor_map(&c, MAX_PAIRS)};

    for (size_t i = 0; i < p.n; i++) {
        p.key[i] = em_cbor_skip(&c);
        p.value[i] = em_cbor_skip(&c);
    }
    if (em_cbor_end(&c) != EM_OK) abort();
    return p;
}

static pairs sample_pairs(void)
{
    em_receipt_claims claims = receipt_sample();
    return split(put(&claims));
}

static em_bytes join(const pairs *p)
{
    enum { CAP = 60000 };
    em_out o = em_out_over(test_alloc(CAP), CAP);

    em_cbor_put_map(&o, p->n);
    for (size_t i = 0; i < p->n; i++) {
        em_write_bytes(&o, p->key[i]);
        em_write_bytes(&o, p->value[i]);
    }
    if (em_write_end(&o) != EM_OK) abort();
    return em_write_view(&o);
}

static void leave_out(pairs *p, size_t i)
{
    for (p->n--; i < p->n; i++) {
        p->key[i] = p->key[i + 1];
        p->value[i] = p->value[i + 1];
    }
}

static void insert(pairs *p, size_t i, const char *key_hex, const char *value_hex)
{
    for (size_t k = p->n++; k > i; k--) {
        p->key[k] = p->key[k - 1];
        p->value[k] = p->value[k - 1];
    }
    p->key[i] = test_hex(key_hex);
    p->value[i] = test_hex(value_hex);
}

static const char *const claim_names[PAIRS] = {"iss",
                                               "iat",
                                               "cti",
                                               "eat_nonce",
                                               "eat_profile",
                                               "model_id",
                                               "model_version",
                                               "model_hash",
                                               "request_hash",
                                               "response_hash",
                                               "attestation_doc_hash",
                                               "enclave_measurements",
                                               "policy_version",
                                               "sequence_number",
                                               "execution_time_ms",
                                               "memory_peak_mb",
                                               "security_mode",
                                               "model_hash_scheme"};

static bool is_optional(const char *name)
{
    static const char *const names[] = {"eat_nonce", "model_hash_scheme", "pcr3", "pcr4",
                                        "pcr8"};

    for (size_t i = 0; i < EM_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

static void each_claim_missing_mistyped_or_twice(void)
{
    for (size_t i = 0; i < PAIRS; i++) {
        const char *name = claim_names[i];
        pairs p = sample_pairs();
        test_note("%s", name);
        leave_out(&p, i);
        expect(sign_any(join(&p)), is_optional(name) ? EM_OK : EM_ERR_MISSING_CLAIM,
               is_optional(name) ? "" : name);

        static const char *const wrong[] = {"f6", "20", "80", "f5"};
        for (size_t k = 0; k < EM_COUNT(wrong); k++) {
            p = sample_pairs();
            p.value[i] = test_hex(wrong[k]);
            expect(sign_any(join(&p)), EM_ERR_WRONG_TYPE, name);
        }
        p = sample_pairs();
        p.key[p.n] = p.key[i]; /* behind all, unsorted too */
        p.value[p.n++] = p.value[i];
        expect(sign_any(join(&p)), EM_ERR_DUPLICATE_CLAIM, name);
        p = sample_pairs();
        insert(&p, i, "f6", "f6");
        p.key[i] = p.key[i + 1];
        p.value[i] = p.value[i + 1];
        expect(sign_any(join(&p)), EM_ERR_DUPLICATE_CLAIM, name);
    }
}

static void unknown_claims_are_named(void)
{
    static const struct {
        size_t at;
        const char *key, *name;
    } cases[] = {
        {0, "00", "0"},
        {1, "02", "2"},
        {4, "1818", "24"},
        {5, "190400", "1024"},
        {5, "1bffffffffffffffff", "18446744073709551615"},
        {5, "20", "-1"},
        {18, "3a0001000d", "-65550"},
        {18, "3a0001003e", "-65599"},
        {18, "3bffffffffffffffff", "-18446744073709551616"},
        {18, "3b7fffffffffffffff", "-9223372036854775808"},
        {18, "63666f6f", "foo"},
        {18, "60", ""},
        {18, "4101", "4101"},
    };

    for (size_t i = 0; i < EM_COUNT(cases); i++) {
        pairs p = sample_pairs();
        test_note("key %s", cases[i].key);
        insert(&p, cases[i].at, cases[i].key, "00");
        expect(sign_any(join(&p)), EM_ERR_UNKNOWN_CLAIM, cases[i].name);
    }
    pairs p = sample_pairs(); /* more than are remembered for doubles */
    for (unsigned i = 0; i < 40; i++) {
        char hex[8];
        snprintf(hex, sizeof hex, "18%02x", 0x18 + i);
        insert(&p, 4 + i, hex, "00");
    }
    expect(sign_any(join(&p)), EM_ERR_UNKNOWN_CLAIM, "24");
}

static const char *const measurement_names[] = {
    "pcr0", "pcr1", "pcr2", "pcr3", "pcr4", "pcr8", "measurement_type"};

static em_bytes with_measurements(const pairs *inner)
{
    pairs p = sample_pairs();

    p.value[MEASUREMENTS_AT] = join(inner);
    return sign_any(join(&p));
}

static void measurements(void)
{
    for (size_t i = 0; i < EM_COUNT(measurement_names); i++) {
        const char *name = measurement_names[i];
        pairs m = split(sample_pairs().value[MEASUREMENTS_AT]);
        test_note("%s", name);
        leave_out(&m, i);
        expect(with_measurements(&m), is_optional(name) ? EM_OK : EM_ERR_MISSING_CLAIM,
               is_optional(name) ? "" : name);
        m = split(sample_pairs().value[MEASUREMENTS_AT]);
        m.value[i] = test_hex("01");
        expect(with_measurements(&m), EM_ERR_WRONG_TYPE, name);
        m = split(sample_pairs().value[MEASUREMENTS_AT]);
        m.key[m.n] = m.key[i];
        m.value[m.n++] = m.value[i];
        expect(with_measurements(&m), EM_ERR_DUPLICATE_CLAIM, name);
        if (i == 6) continue;
        m = split(sample_pairs().value[MEASUREMENTS_AT]);
        m.value[i] = test_hex("41aa");
        expect(with_measurements(&m), EM_ERR_BAD_MEASUREMENT_LENGTH, "");
    }
    pairs m = split(sample_pairs().value[MEASUREMENTS_AT]);
    insert(&m, 5, "6470637239", "4100"); /* pcr9, behind pcr8 */
    expect(with_measurements(&m), EM_ERR_PAYLOAD_NOT_MAP, "");
    m = split(sample_pairs().value[MEASUREMENTS_AT]);
    insert(&m, 6, "6470637239", "4100");
    expect(with_measurements(&m), EM_ERR_UNKNOWN_CLAIM, "pcr9");
}

static void payloads_that_are_not_deterministic(void)
{
    static const struct {
        size_t at;
        const char *value;
    } cases[] = {
        {1, "1b000000006b49d200"}, /* iat not shortest */
        {13, "1803"},
        {0, "7f6161ff"}, /* iss of indefinite length */
        {0, "62c328"},   /* not UTF-8 */
        {0, "6100"},     /* NUL */
        {13, "f90000"},  /* a float */
        {13, "c001"},    /* a tag */
        {2, "5f4101ff"},
        {11, "bfff"},
    };

    for (size_t i = 0; i < EM_COUNT(cases); i++) {
        pairs p = sample_pairs();
        test_note("value %s", cases[i].value);
        p.value[cases[i].at] = test_hex(cases[i].value);
        expect(sign_any(join(&p)), EM_ERR_PAYLOAD_NOT_MAP, "");
    }
    pairs p = sample_pairs(); /* two claims change places */
    em_bytes k = p.key[0], v = p.value[0];
    p.key[0] = p.key[1], p.value[0] = p.value[1];
    p.key[1] = k, p.value[1] = v;
    expect(sign_any(join(&p)), EM_ERR_PAYLOAD_NOT_MAP, "");
    p = sample_pairs();
    em_bytes good = join(&p);
    uint8_t *copy = test_alloc(good.len + 2);
    memcpy(copy, good.at, good.len);
    copy[good.len] = 0;
    expect(sign_any(em_view(copy, good.len + 1)), EM_ERR_PAYLOAD_NOT_MAP, "");
    copy[0] = 0xBF; /* the same pairs as an indefinite map */
    copy[good.len] = 0xFF;
    expect(sign_any(em_view(copy, good.len + 1)), EM_ERR_PAYLOAD_NOT_MAP, "");
    expect(sign_any(em_view(good.at, good.len - 1)), EM_ERR_PAYLOAD_NOT_MAP, "");
    expect(sign_any(test_hex("80")), EM_ERR_PAYLOAD_NOT_MAP, "");
    expect(sign_any(test_hex("4100")), EM_ERR_PAYLOAD_NOT_MAP, "");
    expect(sign_any(test_hex("a0")), EM_ERR_MISSING_CLAIM, "iss");
}

static void profile_and_hash_lengths(void)
{
    pairs p = sample_pairs();

    p.value[4] = test_hex("6161");
    expect(sign_any(join(&p)), EM_ERR_WRONG_PROFILE, "");
    for (size_t i = 7; i < 11; i++) {
        p = sample_pairs();
        p.value[i] = test_hex("43aabbcc");
        expect(sign_any(join(&p)), EM_ERR_BAD_HASH_LENGTH, claim_names[i]);
    }
}

/* ---- values ---- */

static void expect_claims(const em_receipt_claims *c, em_err want, const char *subject)
{
    uint8_t buf[4096];
    em_out o = EM_OUT(buf);

    expect(sign_any(put(c)), want, subject);
    CHECK_ERR(em_receipt_sign(c, &secret, &o), want); /* and we would not sign it */
    if (want != EM_OK) CHECK(o.len == 0);
}

static void values(void)
{
    static char longer[300];
    static uint8_t zeros[64];
    em_receipt_claims c;

    memset(longer, 'x', sizeof longer);
#define EXPECT(change, want, subject)                                                    \
    do {                                                                                 \
        c = receipt_sample();                                                            \
        change;                                                                          \
        test_note(#change);                                                              \
        expect_claims(&c, want, subject);                                                \
    } while (0)
    EXPECT(c.cti.len = 15, EM_ERR_BAD_CTI_LENGTH, "");
    EXPECT(c.cti.len = 17, EM_ERR_BAD_CTI_LENGTH, "");
    EXPECT(c.cti.at = zeros, EM_ERR_BAD_VALUE, "cti");
    EXPECT(c.model_hash.at = zeros, EM_ERR_ZERO_MODEL_HASH, "");
    EXPECT(c.request_hash.at = zeros, EM_OK, "");
    EXPECT(c.measurements.type = EM_STR("sev-snp"), EM_ERR_UNKNOWN_MTYPE,
           "measurement_type");
    EXPECT(c.measurements.type = EM_STR(EM_RECEIPT_TDX), EM_ERR_BAD_VALUE, "pcr8");
    EXPECT((c.measurements.type = EM_STR(EM_RECEIPT_TDX), c.measurements.pcr8.at = NULL),
           EM_OK, "");
    EXPECT(c.model_hash_scheme = EM_STR("md5"), EM_ERR_UNKNOWN_MODEL_HASH_SCHEME,
           "model_hash_scheme");
    EXPECT(c.model_hash_scheme = EM_STR("sha256-single"), EM_OK, "");
    EXPECT(c.model_hash_scheme = EM_STR("sha256-concat"), EM_OK, "");
    EXPECT(c.security_mode = EM_STR("Production"), EM_ERR_UNKNOWN_SECURITY_MODE,
           "security_mode");
    EXPECT(c.security_mode = EM_STR("production"), EM_OK, "");
    EXPECT(c.security_mode = em_view(longer, 65), EM_ERR_BAD_VALUE, "security_mode");
    EXPECT(c.iat = 0, EM_ERR_BAD_VALUE, "iat");
    EXPECT(c.eat_nonce.len = 7, EM_ERR_BAD_VALUE, "eat_nonce");
    EXPECT(c.eat_nonce.len = 8, EM_OK, "");
    EXPECT(c.eat_nonce = em_view(longer, 64), EM_OK, "");
    EXPECT(c.eat_nonce = em_view(longer, 65), EM_ERR_BAD_VALUE, "eat_nonce");
    EXPECT(c.iss = em_view("", 0), EM_ERR_BAD_VALUE, "iss");
    EXPECT(c.iss = em_view(longer, 256), EM_OK, "");
    EXPECT(c.iss = em_view(longer, 257), EM_ERR_BAD_VALUE, "iss");
    EXPECT(c.model_id = em_view(longer, 257), EM_ERR_BAD_VALUE, "model_id");
    EXPECT(c.model_version = em_view(longer, 128), EM_OK, "");
    EXPECT(c.model_version = em_view(longer, 129), EM_ERR_BAD_VALUE, "model_version");
    EXPECT(c.policy_version = em_view("", 0), EM_ERR_BAD_VALUE, "policy_version");
    EXPECT(c.sequence_number = UINT64_MAX, EM_OK, "");
#undef EXPECT
}

/* Several faults at once: the first in the specification's order is the one told. */
static void the_first_fault_is_told(void)
{
    static const uint8_t zeros[64];
    em_receipt_claims c = receipt_sample();

    c.iat = 0, c.cti.at = zeros, c.iss = em_view("", 0);
    c.security_mode = EM_STR("x"), c.model_hash_scheme = EM_STR("md5");
    c.measurements.type = EM_STR("sev-snp"), c.measurements.pcr0.len = 47;
    c.model_hash.at = zeros, c.cti.len = 15;
    expect_claims(&c, EM_ERR_BAD_CTI_LENGTH, "");
    c.cti.len = 16;
    expect_claims(&c, EM_ERR_ZERO_MODEL_HASH, "");
    c.model_hash = receipt_sample().model_hash;
    expect_claims(&c, EM_ERR_BAD_MEASUREMENT_LENGTH, "");
    c.measurements.pcr0.len = 48;
    expect_claims(&c, EM_ERR_UNKNOWN_MTYPE, "measurement_type");
    c.measurements.type = EM_STR(EM_RECEIPT_TDX);
    expect_claims(&c, EM_ERR_UNKNOWN_MODEL_HASH_SCHEME, "model_hash_scheme");
    c.model_hash_scheme.at = NULL;
    expect_claims(&c, EM_ERR_UNKNOWN_SECURITY_MODE, "security_mode");
    c.security_mode = EM_STR("production");
    expect_claims(&c, EM_ERR_BAD_VALUE, "iat");
    c.iat = 1;
    expect_claims(&c, EM_ERR_BAD_VALUE, "cti");
    c.cti = receipt_sample().cti;
    expect_claims(&c, EM_ERR_BAD_VALUE, "iss");
    c.iss = EM_STR("i");
    expect_claims(&c, EM_ERR_BAD_VALUE, "pcr8");

    pairs p = sample_pairs(); /* missing before mistyped before unknown */
    p.value[0] = test_hex("00");
    insert(&p, 0, "00", "00");
    leave_out(&p, 18);
    leave_out(&p, 17);
    expect(sign_any(join(&p)), EM_ERR_MISSING_CLAIM, "security_mode");
    p = sample_pairs();
    p.value[0] = test_hex("00");
    insert(&p, 0, "00", "00");
    expect(sign_any(join(&p)), EM_ERR_WRONG_TYPE, "iss");
}

/* ---- what is asked for ---- */

static void asked(void)
{
    em_receipt_claims c = receipt_sample();
    em_bytes receipt = sign_any(put(&c)), x = EM_STR("another"), seen[2] = {x, c.cti};
    em_receipt_ask ask;
    em_report report;

#define ASK(want, check, ...)                                                            \
    do {                                                                                 \
        ask = (em_receipt_ask){__VA_ARGS__};                                             \
        test_note(#__VA_ARGS__);                                                         \
        CHECK_ERR(verify_with(receipt, &ask, &report), want);                            \
        CHECK(report.line[check].result == (want ? EM_RESULT_FAIL : EM_RESULT_PASS));    \
    } while (0)
    uint64_t iat = RECEIPT_IAT;
    ASK(EM_OK, EM_CHECK_RECEIPT_FRESH, .has_now = true, .now_s = iat);
    ASK(EM_OK, EM_CHECK_RECEIPT_FRESH, .has_now = true, .now_s = iat + 1000000);
    ASK(EM_OK, EM_CHECK_RECEIPT_FRESH, .has_now = true, .now_s = iat - 60,
        .max_skew_s = 60);
    ASK(EM_ERR_TIMESTAMP_FUTURE, EM_CHECK_RECEIPT_FRESH, .has_now = true,
        .now_s = iat - 61, .max_skew_s = 60);
    ASK(EM_OK, EM_CHECK_RECEIPT_FRESH, .has_now = true, .now_s = iat + 60,
        .has_max_age = true, .max_age_s = 60);
    ASK(EM_ERR_TIMESTAMP_STALE, EM_CHECK_RECEIPT_FRESH, .has_now = true,
        .now_s = iat + 61, .has_max_age = true, .max_age_s = 60);
    ASK(EM_ERR_CLOCK_ERROR, EM_CHECK_RECEIPT_FRESH, .has_now = true);
    ASK(EM_OK, EM_CHECK_RECEIPT_MODEL, .model_hash = c.model_hash);
    ASK(EM_ERR_MODEL_HASH_MISMATCH, EM_CHECK_RECEIPT_MODEL, .model_hash = x);
    ASK(EM_ERR_MODEL_HASH_MISMATCH, EM_CHECK_RECEIPT_MODEL, .model_hash = {x.at, 0});
    ASK(EM_ERR_REQUEST_HASH_MISMATCH, EM_CHECK_RECEIPT_REQUEST, .request_hash = x);
    ASK(EM_ERR_RESPONSE_HASH_MISMATCH, EM_CHECK_RECEIPT_RESPONSE, .response_hash = x);
    ASK(EM_ERR_ATTESTATION_DOC_HASH_MISMATCH, EM_CHECK_RECEIPT_DOCUMENT,
        .attestation_doc_hash = x);
    ASK(EM_OK, EM_CHECK_RECEIPT_MODEL, .model_id = c.model_id);
    ASK(EM_ERR_MODEL_ID_MISMATCH, EM_CHECK_RECEIPT_MODEL, .model_id = x,
        .model_hash = c.model_hash);
    ASK(EM_OK, EM_CHECK_RECEIPT_MODE, .security_mode = EM_STR("evaluation"));
    ASK(EM_ERR_SECURITY_MODE_MISMATCH, EM_CHECK_RECEIPT_MODE,
        .security_mode = EM_STR("production"));
    ASK(EM_ERR_EVALUATION_MODE_REJECTED, EM_CHECK_RECEIPT_MODE,
        .reject_evaluation = true);
    ASK(EM_OK, EM_CHECK_RECEIPT_PLATFORM, .platform = EM_STR(EM_RECEIPT_NITRO));
    ASK(EM_ERR_PLATFORM_MISMATCH, EM_CHECK_RECEIPT_PLATFORM,
        .platform = EM_STR(EM_RECEIPT_TDX));
    ASK(EM_OK, EM_CHECK_RECEIPT_NONCE, .has_nonce = true, .nonce = c.eat_nonce);
    ASK(EM_ERR_NONCE_MISMATCH, EM_CHECK_RECEIPT_NONCE, .has_nonce = true, .nonce = x);
    ASK(EM_OK, EM_CHECK_RECEIPT_REPLAY, .seen_cti = seen, .n_seen = 1);
    ASK(EM_ERR_REPLAY_CTI, EM_CHECK_RECEIPT_REPLAY, .seen_cti = seen, .n_seen = 2);
    c.eat_nonce.at = NULL;
    receipt = sign_any(put(&c));
    ASK(EM_ERR_NONCE_MISSING, EM_CHECK_RECEIPT_NONCE, .has_nonce = true, .nonce = x);
#undef ASK
}

/* ---- abuse ---- */

static bool accepts(em_bytes in, void *arg)
{
    em_receipt got;

    (void)arg;
    return em_receipt_verify(in, &key, NULL, NULL, &got) == EM_OK;
}

static void no_cut_and_no_flip_passes(void)
{
    em_receipt_claims claims = receipt_sample();
    test_abuse_result r = test_abuse(sign_any(put(&claims)), accepts, NULL);

    CHECK(r.cuts_accepted == 0 && r.flips_accepted == 0);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    secret = receipt_secret(0x2A, &key);
    RUN(the_specifications_vectors);
    RUN(a_signed_receipt_verifies);
    RUN(another_library_verifies_the_signature);
    RUN(envelopes);
    RUN(headers);
    RUN(each_claim_missing_mistyped_or_twice);
    RUN(unknown_claims_are_named);
    RUN(measurements);
    RUN(payloads_that_are_not_deterministic);
    RUN(profile_and_hash_lengths);
    RUN(values);
    RUN(the_first_fault_is_told);
    RUN(asked);
    RUN(no_cut_and_no_flip_passes);
    return test_end();
}
