/* Certificate paths: a chain of the tests' own, broken in every way that has a name. */
#include "crypto/setup.h"
#include "crypto/x509.h"
#include "tests/crypto/chains.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>

static const chains_how good_how;

/* ---- one breach each -----------------------------------------------------------------
 */

static void no_key_usage(X509 *x)
{
    chains_drop_ext(x, NID_key_usage);
}

static void no_cert_sign(X509 *x)
{
    chains_drop_ext(x, NID_key_usage);
    chains_extend(x, NID_key_usage, "critical,digitalSignature,cRLSign");
}

static void leaf_that_agrees_keys(X509 *x)
{
    chains_drop_ext(x, NID_key_usage);
    chains_extend(x, NID_key_usage, "critical,keyAgreement");
}

static void no_constraints(X509 *x)
{
    chains_drop_ext(x, NID_basic_constraints);
}

static void not_a_ca(X509 *x)
{
    chains_drop_ext(x, NID_basic_constraints);
    chains_extend(x, NID_basic_constraints, "critical,CA:FALSE");
}

static void a_ca(X509 *x)
{
    chains_drop_ext(x, NID_basic_constraints);
    chains_extend(x, NID_basic_constraints, "critical,CA:TRUE");
}

static void path_len_0(X509 *x)
{
    chains_drop_ext(x, NID_basic_constraints);
    chains_extend(x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
}

static void path_len_9(X509 *x)
{
    chains_drop_ext(x, NID_basic_constraints);
    chains_extend(x, NID_basic_constraints, "critical,CA:TRUE,pathlen:9");
}

static void path_len_without_ca(X509 *x)
{
    chains_drop_ext(x, NID_basic_constraints);
    chains_extend(x, NID_basic_constraints, "critical,CA:FALSE,pathlen:0");
}

static void add_raw(X509 *x, const char *oid, int critical, em_bytes der)
{
    ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();

    ASN1_OCTET_STRING_set(s, der.at, (int)der.len);
    X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, o, critical, s);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    ASN1_OCTET_STRING_free(s);
    ASN1_OBJECT_free(o);
}

static void path_len_negative(X509 *x)
{
    chains_drop_ext(x, NID_basic_constraints);
    add_raw(x, "2.5.29.19", 1, EM_STR("\x30\x06\x01\x01\xFF\x02\x01\xFF"));
}

static void constraints_broken(X509 *x)
{
    chains_drop_ext(x, NID_basic_constraints);
    add_raw(x, "2.5.29.19", 1, EM_STR("\x30\x06\x01\x01\xFF"));
}

static void key_usage_broken(X509 *x)
{
    chains_drop_ext(x, NID_key_usage);
    add_raw(x, "2.5.29.15", 1, EM_STR("\x03\x02\x07"));
}

static void unknown_critical(X509 *x)
{
    add_raw(x, "1.3.6.1.4.1.55555.1", 1, EM_STR("\x05\x00"));
}

static void unknown_harmless(X509 *x)
{
    add_raw(x, "1.3.6.1.4.1.55555.1", 0, EM_STR("\x05\x00"));
}

static void critical_eku(X509 *x)
{
    chains_extend(x, NID_ext_key_usage, "critical,serverAuth");
}

static void names_constrained(X509 *x)
{
    chains_extend(x, NID_name_constraints, "permitted;DNS:test");
}

static void same_extension_twice(X509 *x)
{
    unknown_harmless(x);
    unknown_harmless(x);
}

static void constraints_twice(X509 *x)
{
    add_raw(x, "2.5.29.19", 1, EM_STR("\x30\x03\x01\x01\xFF"));
}

static void version_1(X509 *x)
{
    while (X509_get_ext_count(x) > 0) X509_EXTENSION_free(X509_delete_ext(x, 0));
    X509_set_version(x, 0);
}

static void version_2(X509 *x)
{
    X509_set_version(x, 1);
}

static void other_issuer(X509 *x)
{
    X509_NAME *n = X509_NAME_new();

    chains_name(n, 6, 8);
    X509_set_issuer_name(x, n);
    X509_NAME_free(n);
}

/* "us" for "US": RFC 5280 7.1 would call the names equal, bytes do not */
static void issuer_in_lower_case(X509 *x)
{
    X509_NAME *n = X509_NAME_new();

    X509_NAME_add_entry_by_txt(n, "C", MBSTRING_ASC, (const uint8_t *)"us", -1, -1, 0);
    X509_NAME_add_entry_by_txt(n, "O", MBSTRING_ASC, (const uint8_t *)"Test", -1, -1, 0);
    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const uint8_t *)"ca-3.test", -1,
                               -1, 0);
    X509_set_issuer_name(x, n);
    X509_NAME_free(n);
}

static void no_subject(X509 *x)
{
    X509_NAME *n = X509_NAME_new();

    X509_set_subject_name(x, n);
    X509_NAME_free(n);
}

static void foreign_authority(X509 *x)
{
    add_raw(x, "2.5.29.35", 0, EM_STR("\x30\x06\x80\x04zzzz"));
}

static void right_authority(X509 *x)
{
    uint8_t sha1[20], aki[24] = {0x30, 22, 0x80, 20};
    X509_PUBKEY *spki = NULL;
    const unsigned char *point;
    int len;

    X509_PUBKEY_set(&spki, chains_key(NULL, 3));
    X509_PUBKEY_get0_param(NULL, &point, &len, NULL, spki);
    EVP_Digest(point, (size_t)len, sha1, NULL, EVP_sha1(), NULL);
    X509_PUBKEY_free(spki);
    memcpy(aki + 4, sha1, sizeof sha1);
    add_raw(x, "2.5.29.35", 0, EM_BYTES(aki));
}

static void curve_spelled_out(X509 *x)
{
    EVP_PKEY *k = EVP_PKEY_dup(X509_get0_pubkey(x));

    CHECK(EVP_PKEY_set_utf8_string_param(k, OSSL_PKEY_PARAM_EC_ENCODING,
                                         OSSL_PKEY_EC_ENCODING_EXPLICIT) == 1);
    X509_set_pubkey(x, k);
    EVP_PKEY_free(k);
}

static void point_compressed(X509 *x)
{
    EVP_PKEY *k = EVP_PKEY_dup(X509_get0_pubkey(x));

    CHECK(EVP_PKEY_set_utf8_string_param(
              k, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
              OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED) == 1);
    X509_set_pubkey(x, k);
    EVP_PKEY_free(k);
}

static void large(X509 *x)
{
    static uint8_t filler[700] = {0x04, 0x82, 0x02, 0xB8};

    add_raw(x, "1.3.6.1.4.1.55555.2", 0, EM_BYTES(filler));
}

static void time_with_offset(X509 *x)
{
    chains_set_time(X509_getm_notAfter(x), V_ASN1_UTCTIME, "331114221320+0000");
}

static void time_without_seconds(X509 *x)
{
    chains_set_time(X509_getm_notBefore(x), V_ASN1_UTCTIME, "2311142113Z");
}

static void time_with_fraction(X509 *x)
{
    chains_set_time(X509_getm_notAfter(x), V_ASN1_GENERALIZEDTIME, "20331114221320.5Z");
}

static void time_of_no_month(X509 *x)
{
    chains_set_time(X509_getm_notAfter(x), V_ASN1_UTCTIME, "331314221320Z");
}

static void time_of_no_leap_day(X509 *x)
{
    chains_set_time(X509_getm_notAfter(x), V_ASN1_UTCTIME, "330229221320Z");
}

static void time_of_letters(X509 *x)
{
    chains_set_time(X509_getm_notAfter(x), V_ASN1_UTCTIME, "3a1114221320Z");
}

static void time_before_1970(X509 *x)
{
    chains_set_time(X509_getm_notBefore(x), V_ASN1_UTCTIME, "691231235959Z");
}

static void time_of_ages(X509 *x)
{
    chains_set_time(X509_getm_notAfter(x), V_ASN1_GENERALIZEDTIME, "99991231235959Z");
}

static void time_generalized(X509 *x)
{
    chains_set_time(X509_getm_notAfter(x), V_ASN1_GENERALIZEDTIME, "20331114221320Z");
}

typedef struct breach {
    const char *what;
    size_t at; /* which certificate: 0 root, 4 leaf */
    chains_how how;
    em_err want;
} breach;

#define EDIT(i, f, err)                                                                  \
    {                                                                                    \
#f, i, {.edit = {[i] = f } }, err                                                \
    }
#define TYPE(i, t)                                                                       \
    {                                                                                    \
        t, i, {.type = {[i] = t}}, EM_ERR_CHAIN_INVALID                                  \
    }
#define HASH(i, f)                                                                       \
    {                                                                                    \
#f, i, {.md = {[i] = f } }, EM_ERR_CHAIN_INVALID                                 \
    }

static const breach breaches[] = {
    EDIT(0, no_key_usage, EM_ERR_CHAIN_INVALID),
    EDIT(1, no_key_usage, EM_ERR_CHAIN_INVALID),
    EDIT(3, no_key_usage, EM_ERR_CHAIN_INVALID),
    EDIT(4, no_key_usage, EM_OK),
    EDIT(0, no_cert_sign, EM_ERR_CHAIN_INVALID),
    EDIT(2, no_cert_sign, EM_ERR_CHAIN_INVALID),
    EDIT(4, leaf_that_agrees_keys, EM_ERR_CHAIN_INVALID),
    EDIT(0, no_constraints, EM_ERR_CHAIN_INVALID),
    EDIT(2, no_constraints, EM_ERR_CHAIN_INVALID),
    EDIT(4, no_constraints, EM_OK),
    EDIT(0, not_a_ca, EM_ERR_CHAIN_INVALID),
    EDIT(3, not_a_ca, EM_ERR_CHAIN_INVALID),
    EDIT(4, a_ca, EM_ERR_CHAIN_INVALID),
    EDIT(0, path_len_0, EM_ERR_CHAIN_INVALID),
    EDIT(1, path_len_0, EM_ERR_CHAIN_INVALID),
    EDIT(2, path_len_0, EM_ERR_CHAIN_INVALID),
    EDIT(3, path_len_0, EM_OK),
    EDIT(0, path_len_9, EM_OK),
    EDIT(3, path_len_9, EM_OK),
    EDIT(4, path_len_without_ca, EM_ERR_CHAIN_INVALID),
    EDIT(2, path_len_negative, EM_ERR_CHAIN_INVALID),
    EDIT(2, constraints_broken, EM_ERR_CHAIN_INVALID),
    EDIT(4, constraints_broken, EM_ERR_CHAIN_INVALID),
    EDIT(2, key_usage_broken, EM_ERR_CHAIN_INVALID),
    EDIT(4, key_usage_broken, EM_ERR_CHAIN_INVALID),
    EDIT(0, unknown_critical, EM_ERR_CHAIN_INVALID),
    EDIT(2, unknown_critical, EM_ERR_CHAIN_INVALID),
    EDIT(4, unknown_critical, EM_ERR_CHAIN_INVALID),
    EDIT(0, unknown_harmless, EM_OK),
    EDIT(4, unknown_harmless, EM_OK),
    EDIT(4, critical_eku, EM_ERR_CHAIN_INVALID),
    EDIT(1, names_constrained, EM_ERR_CHAIN_INVALID),
    EDIT(2, same_extension_twice, EM_ERR_CHAIN_INVALID),
    EDIT(4, same_extension_twice, EM_ERR_CHAIN_INVALID),
    EDIT(2, constraints_twice, EM_ERR_CHAIN_INVALID),
    EDIT(4, constraints_twice, EM_ERR_CHAIN_INVALID),
    EDIT(4, version_1, EM_ERR_CHAIN_INVALID),
    EDIT(1, version_2, EM_ERR_CHAIN_INVALID),
    EDIT(0, other_issuer, EM_ERR_CHAIN_INVALID),
    EDIT(3, other_issuer, EM_ERR_CHAIN_INVALID),
    EDIT(4, other_issuer, EM_ERR_CHAIN_INVALID),
    EDIT(4, issuer_in_lower_case, EM_ERR_CHAIN_INVALID),
    EDIT(2, no_subject, EM_ERR_CHAIN_INVALID),
    EDIT(2, foreign_authority, EM_ERR_CHAIN_INVALID),
    EDIT(4, foreign_authority, EM_ERR_CHAIN_INVALID),
    EDIT(4, right_authority, EM_OK),
    EDIT(2, curve_spelled_out, EM_ERR_CHAIN_INVALID),
    EDIT(4, curve_spelled_out, EM_ERR_CHAIN_INVALID),
    EDIT(4, point_compressed, EM_ERR_CHAIN_INVALID),
    EDIT(2, large, EM_ERR_X509_MALFORMED),
    EDIT(4, large, EM_ERR_X509_MALFORMED),
    EDIT(4, time_with_offset, EM_ERR_X509_MALFORMED),
    EDIT(4, time_without_seconds, EM_ERR_X509_MALFORMED),
    EDIT(4, time_with_fraction, EM_ERR_X509_MALFORMED),
    EDIT(1, time_of_no_month, EM_ERR_X509_MALFORMED),
    EDIT(1, time_of_no_leap_day, EM_ERR_X509_MALFORMED),
    EDIT(1, time_of_letters, EM_ERR_X509_MALFORMED),
    EDIT(1, time_before_1970, EM_ERR_X509_MALFORMED),
    EDIT(1, time_of_ages, EM_OK),
    EDIT(4, time_generalized, EM_OK),
    TYPE(0, "P-256"),
    TYPE(2, "P-256"),
    TYPE(4, "P-256"),
    TYPE(2, "brainpoolP384r1"),
    TYPE(4, "brainpoolP384r1"),
    TYPE(2, "P-521"),
    TYPE(4, "P-521"),
    TYPE(0, "RSA"),
    TYPE(3, "RSA"),
    TYPE(4, "RSA"),
    HASH(0, EVP_sha256),
    HASH(2, EVP_sha256),
    HASH(4, EVP_sha256),
    HASH(4, EVP_sha512),
    HASH(4, EVP_sha1),
};

/* Each breach cold and, where it is the leaf's, under CAs that are in the cache already.
 */
static void each_breach_has_its_error(void)
{
    chains good = chains_make(&good_how, CHAINS_N);
    em_x509_cache warm = {0};
    em_x509_chain out;

    CHECK_OK(chains_verify_at(&good, CHAINS_NOW_MS, &warm, &out));
    for (size_t i = 0; i < EM_COUNT(breaches); i++) {
        const breach *b = &breaches[i];
        chains c = chains_make(&b->how, CHAINS_N);

        test_note("%s at %zu", b->what, b->at);
        CHECK_ERR(chains_verify(&c), b->want);
        if (b->at != CHAINS_N - 1) continue;
        memcpy(c.der, good.der, (CHAINS_N - 1) * sizeof c.der[0]);
        CHECK_ERR(chains_verify_at(&c, CHAINS_NOW_MS, &warm, &out), b->want);
        CHECK(warm.next == 1);
    }
}

/* ---- algorithms and names -------------------------------------------------------- */

/* The algorithm outside the signed part is not signed: it has to be the one inside. */
static void the_outer_algorithm_is_looked_at(void)
{
    chains c = chains_make(&good_how, CHAINS_N);
    em_bytes der = c.der[4];
    uint8_t copy[EM_MAX_CERT];
    static const uint8_t oid[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03};

    memcpy(copy, der.at, der.len);
    uint8_t *inner = memmem(copy, der.len, oid, sizeof oid);
    REQUIRE(inner != NULL);
    uint8_t *outer =
        memmem(inner + 1, der.len - (size_t)(inner + 1 - copy), oid, sizeof oid);
    REQUIRE(outer != NULL);
    outer[9] = 2; /* ecdsa-with-SHA256 */
    c.der[4] = em_view(copy, der.len);
    CHECK_ERR(chains_verify(&c), EM_ERR_CHAIN_INVALID);
}

/* A certificate's DER with another signature of the same length over its signed part. */
static em_bytes signed_again(em_bytes der, EVP_PKEY *key, const EVP_MD *md)
{
    const unsigned char *at = der.at;
    X509 *x = d2i_X509(NULL, &at, (long)der.len);
    const ASN1_BIT_STRING *old;
    uint8_t *copy = test_alloc(der.len), *tbs = NULL, sig[120];
    size_t len = 0;

    memcpy(copy, der.at, der.len);
    X509_get0_signature(&old, NULL, x);
    int tbs_len = i2d_re_X509_tbs(x, &tbs);
    for (unsigned tries = 0; len != (size_t)old->length && tries < 1000; tries++) {
        EVP_MD_CTX *c = EVP_MD_CTX_new();
        len = sizeof sig;
        CHECK(EVP_DigestSignInit(c, NULL, md, NULL, key) == 1 &&
              EVP_DigestSign(c, sig, &len, tbs, (size_t)tbs_len) == 1);
        EVP_MD_CTX_free(c);
    }
    CHECK(len == (size_t)old->length);
    memcpy(copy + der.len - len, sig, len);
    OPENSSL_free(tbs);
    X509_free(x);
    return em_view(copy, der.len);
}

/* SHA-384 signed and said outside, SHA-256 said inside. */
static void the_inner_algorithm_is_looked_at(void)
{
    chains_how how = {.md = {[4] = EVP_sha256}};
    chains c = chains_make(&how, CHAINS_N);
    uint8_t copy[EM_MAX_CERT];
    static const uint8_t oid[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03};
    size_t len = c.der[4].len;

    c.der[4] = signed_again(c.der[4], chains_key(NULL, 3), EVP_sha384());
    memcpy(copy, c.der[4].at, len);
    c.der[4] = em_view(copy, len);
    CHECK_ERR(chains_verify(&c), EM_ERR_CHAIN_INVALID);
    uint8_t *inner = memmem(copy, len, oid, sizeof oid);
    REQUIRE(inner != NULL && inner[9] == 2);
    uint8_t *outer = memmem(inner + 1, len - (size_t)(inner + 1 - copy), oid, sizeof oid);
    REQUIRE(outer != NULL && outer[9] == 2);
    outer[9] = 3;
    CHECK_ERR(chains_verify(&c), EM_ERR_CHAIN_INVALID);
}

/* A BIT STRING whose last bit is 0 may say that the bit is unused: the same signature. */
static void unused_bits_of_a_signature_are_refused(void)
{
    chains c = chains_make(&good_how, CHAINS_N);
    uint8_t copy[EM_MAX_CERT];
    size_t len = 0;

    for (unsigned tries = 0; tries < 100; tries++) {
        c = chains_make(&good_how, CHAINS_N);
        len = c.der[4].len;
        if (c.der[4].at[len - 1] % 2 == 0) break;
    }
    memcpy(copy, c.der[4].at, len);
    c.der[4] = em_view(copy, len);
    REQUIRE(copy[len - 1] % 2 == 0);
    CHECK_OK(chains_verify(&c));
    uint8_t *unused = NULL; /* 03 LL 00 30 LL: the last of its kind */
    for (uint8_t *at = copy; at + 5 < copy + len; at++)
        if (at[0] == 3 && at[2] == 0 && at[3] == 0x30 && at + 2 + at[1] == copy + len)
            unused = at + 2;
    REQUIRE(unused != NULL);
    *unused = 1;
    CHECK_ERR(chains_verify(&c), EM_ERR_CHAIN_INVALID);
}

static void no_issuer(X509 *x)
{
    X509_NAME *n = X509_NAME_new();

    X509_set_issuer_name(x, n);
    X509_NAME_free(n);
}

static void a_ca_without_a_name_is_refused(void)
{
    chains_how how = {.edit = {[2] = no_subject, [3] = no_issuer}};
    chains c = chains_make(&how, CHAINS_N);

    CHECK_ERR(chains_verify(&c), EM_ERR_CHAIN_INVALID);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    RUN(each_breach_has_its_error);
    RUN(the_outer_algorithm_is_looked_at);
    RUN(the_inner_algorithm_is_looked_at);
    RUN(unused_bits_of_a_signature_are_refused);
    RUN(a_ca_without_a_name_is_refused);
    return test_end();
}
