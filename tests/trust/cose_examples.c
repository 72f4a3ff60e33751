/* The COSE working group's COSE_Sign1 examples, signatures and all: ES384 and EdDSA by
 * our own rooms, ES256 by libcrypto over our Sig_structure. */
#include "crypto/ed25519.h"
#include "crypto/p384.h"
#include "tests/support/test.h"
#include "wire/cose.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

static const char *member(const json_t *object, const char *a, const char *b,
                          const char *c)
{
    const json_t *v = json_object_get(object, a);

    v = json_object_get(v, b);
    return json_string_value(c == NULL ? v : json_object_get(v, c));
}

/* base64url of JWK, as the standard alphabet */
static em_bytes base64url(const char *text)
{
    char *copy = test_alloc(strlen(text) + 1);

    for (size_t i = 0; i <= strlen(text); i++)
        copy[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    return test_base64(copy);
}

/* 0x04 || x || y; gives its length. */
static size_t point_of(const json_t *key, uint8_t out[128])
{
    em_bytes x = base64url(json_string_value(json_object_get(key, "x")));
    em_bytes y = base64url(json_string_value(json_object_get(key, "y")));

    out[0] = 4;
    memcpy(out + 1, x.at, x.len);
    memcpy(out + 1 + x.len, y.at, y.len);
    return 1 + x.len + y.len;
}

/* ECDSA on P-256 with SHA-256 by libcrypto, signature raw r || s. */
static bool es256_verifies(const json_t *key, em_bytes message, em_bytes sig)
{
    uint8_t point[128];
    unsigned char *der = NULL;
    size_t point_len = point_of(key, point);
    ECDSA_SIG *rs = ECDSA_SIG_new();
    EVP_PKEY *pkey = NULL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *from = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"P-256"},
                                         0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, point_len),
        OSSL_PARAM_construct_end()};

    bool good = sig.len == 64 && ECDSA_SIG_set0(rs, BN_bin2bn(sig.at, 32, NULL),
                                                BN_bin2bn(sig.at + 32, 32, NULL));
    int der_len = good ? i2d_ECDSA_SIG(rs, &der) : 0;
    good = good && EVP_PKEY_fromdata_init(from) == 1 &&
           EVP_PKEY_fromdata(from, &pkey, EVP_PKEY_PUBLIC_KEY, params) == 1 &&
           EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, pkey) == 1 &&
           EVP_DigestVerify(md, der, (size_t)der_len, message.at, message.len) == 1;
    OPENSSL_free(der);
    ECDSA_SIG_free(rs);
    EVP_PKEY_free(pkey);
    EVP_MD_CTX_free(md);
    EVP_PKEY_CTX_free(from);
    return good;
}

static bool verifies(const json_t *file)
{
    const json_t *sign0 = json_object_get(json_object_get(file, "input"), "sign0");
    const json_t *key = json_object_get(sign0, "key");
    const char *alg = json_string_value(json_object_get(sign0, "alg"));
    const char *external = json_string_value(json_object_get(sign0, "external"));
    em_cose_sign1 parts;
    uint8_t buf[512];
    em_bytes tbs;

    if (em_cose_parse(test_hex(member(file, "output", "cbor", NULL)), EM_COSE_EITHER,
                      &parts) != EM_OK)
        return false;
    if (em_cose_tbs(&parts, test_hex(external != NULL ? external : ""), buf, sizeof buf,
                    &tbs) != EM_OK)
        return false;
    if (strcmp(alg, "ES256") == 0) return es256_verifies(key, tbs, parts.signature);
    if (strcmp(alg, "ES384") == 0) {
        em_p384_public public;
        uint8_t point[128];
        if (point_of(key, point) != sizeof public.b) return false;
        memcpy(public.b, point, sizeof public.b);
        return em_p384_verify(&public, tbs, parts.signature) == EM_OK;
    }
    em_ed25519_public public;
    em_bytes x = test_hex(json_string_value(json_object_get(key, "x_hex")));
    if (x.len != sizeof public.b) return false;
    memcpy(public.b, x.at, sizeof public.b);
    return em_ed25519_verify(&public, tbs, parts.signature) == EM_OK;
}

static void working_group_signatures(void)
{
    static const char *names[] = {
        "RFC8152/Appendix_C_2_1",      "ecdsa-examples/ecdsa-sig-01",
        "ecdsa-examples/ecdsa-sig-02", "eddsa-examples/eddsa-sig-01",
        "sign1-tests/sign-pass-01",    "sign1-tests/sign-pass-02",
        "sign1-tests/sign-pass-03",    "sign1-tests/sign-fail-01",
        "sign1-tests/sign-fail-02",    "sign1-tests/sign-fail-03",
        "sign1-tests/sign-fail-04",    "sign1-tests/sign-fail-06",
        "sign1-tests/sign-fail-07"};

    for (size_t i = 0; i < EM_COUNT(names); i++) {
        char path[256];
        snprintf(path, sizeof path, "vectors/cose-wg/%s.json", names[i]);
        const char *where = test_shared(path);
        test_note("%s", names[i]);
        REQUIRE(where != NULL);
        json_t *file = json_load_file(where, 0, NULL);
        REQUIRE(file != NULL);
        CHECK(verifies(file) == !json_is_true(json_object_get(file, "fail")));
        json_decref(file);
    }
    test_skip("working_group_signatures_in_other_algorithms",
              "ES512 (ecdsa-sig-03, -04) and Ed448 (eddsa-sig-02) are not ours");
}

int main(void)
{
    if (test_shared("vectors/cose-wg") != NULL)
        RUN(working_group_signatures);
    else
        test_skip("working_group_signatures", "no vectors/cose-wg");
    return test_end();
}
