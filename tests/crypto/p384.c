/* ECDSA on P-384: signatures made by libcrypto, every kind of broken one, Wycheproof. */
#include "crypto/p384.h"
#include "crypto/setup.h"
#include "tests/crypto/json.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

typedef struct signer {
    EVP_PKEY *key;
    em_p384_public public;
} signer;

static signer signer_new(void)
{
    signer s = {.key = EVP_EC_gen("P-384")};
    size_t len = 0;

    CHECK(EVP_PKEY_get_octet_string_param(s.key, OSSL_PKEY_PARAM_PUB_KEY, s.public.b,
                                          sizeof s.public.b, &len) == 1);
    CHECK(len == sizeof s.public.b);
    return s;
}

/* DER into `der`, r || s into `raw`. */
static em_bytes sign(const signer *s, em_bytes message, const EVP_MD *md, uint8_t *der,
                     uint8_t raw[96])
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    size_t len = 110;

    CHECK(EVP_DigestSignInit(c, NULL, md, NULL, s->key) == 1 &&
          EVP_DigestSign(c, der, &len, message.at, message.len) == 1);
    EVP_MD_CTX_free(c);
    const unsigned char *at = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 48) == 48);
    CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 48, 48) == 48);
    ECDSA_SIG_free(sig);
    return em_view(der, len);
}

/* n - s: the other of the two signatures that every signature is. */
static void mirror(uint8_t raw[96])
{
    EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_secp384r1);
    BIGNUM *s = BN_bin2bn(raw + 48, 48, NULL);

    CHECK(BN_sub(s, EC_GROUP_get0_order(g), s) == 1);
    CHECK(BN_bn2binpad(s, raw + 48, 48) == 48);
    BN_free(s);
    EC_GROUP_free(g);
}

static void good_signatures_verify_both_ways_and_mirrored(void)
{
    signer s = signer_new();
    uint8_t der[110], raw[96], message[64];

    for (unsigned i = 0; i < 40; i++) {
        RAND_bytes(message, sizeof message);
        em_bytes m = em_view(message, i), d = sign(&s, m, EVP_sha384(), der, raw);

        CHECK_OK(em_p384_verify_der(&s.public, m, d));
        CHECK_OK(em_p384_verify(&s.public, m, EM_BYTES(raw)));
        mirror(raw);
        CHECK_OK(em_p384_verify(&s.public, m, EM_BYTES(raw)));
        message[i] ^= 1;
        CHECK_ERR(em_p384_verify(&s.public, em_view(message, i + 1u), EM_BYTES(raw)),
                  EM_ERR_SIG_FAILED);
        sign(&s, m, EVP_sha256(), der, raw);
        CHECK_ERR(em_p384_verify(&s.public, m, EM_BYTES(raw)), EM_ERR_SIG_FAILED);
    }
    EVP_PKEY_free(s.key);
}

/* A leading zero in r or s, which raw signatures carry and DER drops. */
static void leading_zeros_are_legal(void)
{
    signer s = signer_new();
    uint8_t der[110], raw[96];
    bool in_r = false, in_s = false;

    for (unsigned i = 0; i < 20000 && !(in_r && in_s); i++) {
        em_bytes m = em_view(&i, sizeof i), d = sign(&s, m, EVP_sha384(), der, raw);

        if (raw[0] != 0 && raw[48] != 0) continue;
        in_r = in_r || raw[0] == 0;
        in_s = in_s || raw[48] == 0;
        CHECK_OK(em_p384_verify(&s.public, m, EM_BYTES(raw)));
        CHECK_OK(em_p384_verify_der(&s.public, m, d));
    }
    CHECK(in_r && in_s);
    EVP_PKEY_free(s.key);
}

typedef struct subject {
    em_p384_public public;
    em_bytes message;
    bool der;
} subject;

static bool verifies(em_bytes sig, void *arg)
{
    const subject *t = arg;
    em_err err = t->der ? em_p384_verify_der(&t->public, t->message, sig)
                        : em_p384_verify(&t->public, t->message, sig);

    CHECK(err == EM_OK || err == EM_ERR_SIG_FAILED ||
          (err == EM_ERR_BAD_SIG_LENGTH && !t->der && sig.len != 96));
    return err == EM_OK;
}

static void cuts_and_flips_are_refused(void)
{
    signer s = signer_new();
    uint8_t der[110], raw[96];
    subject t = {.public = s.public, .message = EM_STR("m")};

    em_bytes d = sign(&s, t.message, EVP_sha384(), der, raw);
    test_abuse_result got = test_abuse(EM_BYTES(raw), verifies, &t);
    CHECK(verifies(EM_BYTES(raw), &t));
    CHECK(got.cuts_accepted == 0 && got.flips_accepted == 0);
    t.der = true;
    got = test_abuse(d, verifies, &t);
    CHECK(verifies(d, &t));
    CHECK(got.cuts_accepted == 0 && got.flips_accepted == 0);

    uint8_t longer[200] = {0};
    memcpy(longer, d.at, d.len);
    CHECK(!verifies(em_view(longer, d.len + 1), &t));
    CHECK(!verifies(em_view(longer, sizeof longer), &t));
    EVP_PKEY_free(s.key);
}

static void zero_and_giant_numbers_are_refused(void)
{
    signer s = signer_new();
    uint8_t der[110], raw[96], bad[96];
    EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_secp384r1);
    uint8_t order[48];

    CHECK(BN_bn2binpad(EC_GROUP_get0_order(g), order, 48) == 48);
    sign(&s, EM_STR("m"), EVP_sha384(), der, raw);
    for (unsigned half = 0; half < 2; half++) {
        memcpy(bad, raw, sizeof bad);
        memset(bad + 48 * half, 0, 48);
        CHECK_ERR(em_p384_verify(&s.public, EM_STR("m"), EM_BYTES(bad)),
                  EM_ERR_SIG_FAILED);
        memcpy(bad + 48 * half, order, 48);
        CHECK_ERR(em_p384_verify(&s.public, EM_STR("m"), EM_BYTES(bad)),
                  EM_ERR_SIG_FAILED);
        memset(bad + 48 * half, 0xFF, 48);
        CHECK_ERR(em_p384_verify(&s.public, EM_STR("m"), EM_BYTES(bad)),
                  EM_ERR_SIG_FAILED);
    }
    memset(bad, 0, sizeof bad);
    CHECK_ERR(em_p384_verify(&s.public, EM_STR("m"), EM_BYTES(bad)), EM_ERR_SIG_FAILED);
    EC_GROUP_free(g);
    EVP_PKEY_free(s.key);
}

static void points_off_the_curve_are_bad_keys(void)
{
    signer s = signer_new();
    uint8_t der[110], raw[96];
    em_p384_public bad = s.public;

    em_bytes d = sign(&s, EM_STR("m"), EVP_sha384(), der, raw);
    bad.b[96] ^= 1;
    CHECK_ERR(em_p384_verify(&bad, EM_STR("m"), EM_BYTES(raw)), EM_ERR_BAD_KEY);
    CHECK_ERR(em_p384_verify_der(&bad, EM_STR("m"), d), EM_ERR_BAD_KEY);
    for (uint8_t form = 0; form < 8; form++) { /* infinity, compressed, hybrid */
        bad = s.public;
        bad.b[0] = form;
        if (form == 4) continue;
        CHECK_ERR(em_p384_verify(&bad, EM_STR("m"), EM_BYTES(raw)), EM_ERR_BAD_KEY);
    }
    bad = (em_p384_public){{4}};
    CHECK_ERR(em_p384_verify(&bad, EM_STR("m"), EM_BYTES(raw)), EM_ERR_BAD_KEY);
    memset(bad.b + 1, 0xFF, 96);
    CHECK_ERR(em_p384_verify(&bad, EM_STR("m"), EM_BYTES(raw)), EM_ERR_BAD_KEY);
    EVP_PKEY_free(s.key);
}

static bool one(json_t *group, json_t *test, bool der)
{
    em_bytes point = json_hex(json_object_get(group, "publicKey"), "uncompressed");
    em_bytes sig = json_hex(test, "sig"), msg = json_hex(test, "msg");
    bool valid = json_is(test, "result", "valid");
    em_p384_public key;

    CHECK(point.len == sizeof key.b);
    memcpy(key.b, point.at, sizeof key.b);
    em_err err =
        der ? em_p384_verify_der(&key, msg, sig) : em_p384_verify(&key, msg, sig);
    CHECK((err == EM_OK) == valid);
    CHECK(err == EM_OK || err == EM_ERR_SIG_FAILED ||
          (err == EM_ERR_BAD_SIG_LENGTH && sig.len != 96));
    return true;
}

static bool one_raw(json_t *group, json_t *test)
{
    return one(group, test, false);
}

static bool one_der(json_t *group, json_t *test)
{
    return one(group, test, true);
}

static void wycheproof_p1363(void)
{
    CHECK(json_wycheproof("vectors/wycheproof/ecdsa_secp384r1_sha384_p1363_test.json",
                          one_raw) == 280);
}

static void wycheproof_der(void)
{
    CHECK(json_wycheproof("vectors/wycheproof/ecdsa_secp384r1_sha384_test.json",
                          one_der) == 504);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    RUN(good_signatures_verify_both_ways_and_mirrored);
    RUN(leading_zeros_are_legal);
    RUN(cuts_and_flips_are_refused);
    RUN(zero_and_giant_numbers_are_refused);
    RUN(points_off_the_curve_are_bad_keys);
    if (json_here("vectors/wycheproof/ecdsa_secp384r1_sha384_p1363_test.json"))
        RUN(wycheproof_p1363);
    if (json_here("vectors/wycheproof/ecdsa_secp384r1_sha384_test.json"))
        RUN(wycheproof_der);
    return test_end();
}
