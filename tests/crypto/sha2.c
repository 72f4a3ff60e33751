/* SHA-2, HMAC and HKDF: published answers, libcrypto's newer interfaces, Wycheproof. */
#include "crypto/sha2.h"
#include "crypto/hkdf.h"
#include "crypto/setup.h"
#include "tests/crypto/json.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

static void fips_180_4_examples(void)
{
    uint8_t d[EM_SHA384_LEN];

    em_sha2_256(EM_STR("abc"), d);
    CHECK(em_same(em_view(d, 32), test_hex("ba7816bf8f01cfea414140de5dae2223"
                                           "b00361a396177a9cb410ff61f20015ad")));
    em_sha2_256((em_bytes){0}, d);
    CHECK(em_same(em_view(d, 32), test_hex("e3b0c44298fc1c149afbf4c8996fb924"
                                           "27ae41e4649b934ca495991b7852b855")));
    em_sha2_384(EM_STR("abc"), d);
    CHECK(em_same(em_view(d, 48), test_hex("cb00753f45a35e8bb5a03d699ac65007"
                                           "272c32ab0eded1631a8b605a43ff5bed"
                                           "8086072ba1e7cc2358baeca134c825a7")));
}

static void any_cutting_gives_libcryptos_digest(void)
{
    static uint8_t data[5000];
    test_random r = {1};

    test_random_fill(&r, data, sizeof data);
    for (unsigned round = 0; round < 300; round++) {
        uint8_t want[64], d256[32], d384[48];
        em_bytes parts[8];
        size_t n = 1 + test_random_next(&r) % 8, at = 0;
        unsigned len;

        for (size_t i = 0; i < n; i++) {
            size_t take = test_random_next(&r) % 600;
            parts[i] = em_view(data + at, take);
            at += take;
        }
        em_sha2_256_of(parts, n, d256);
        CHECK(EVP_Digest(data, at, want, &len, EVP_sha256(), NULL) == 1);
        CHECK(em_same(em_view(want, len), EM_BYTES(d256)));
        em_sha2_384_of(parts, n, d384);
        CHECK(EVP_Digest(data, at, want, &len, EVP_sha384(), NULL) == 1);
        CHECK(em_same(em_view(want, len), EM_BYTES(d384)));
    }
}

static void a_finished_context_is_wiped(void)
{
    em_sha256 a;
    em_sha384 b;
    uint8_t d[48];

    em_sha2_256_init(&a);
    em_sha2_256_add(&a, EM_STR("a secret"));
    em_sha2_256_end(&a, d);
    em_sha2_384_init(&b);
    em_sha2_384_add(&b, EM_STR("a secret"));
    em_sha2_384_end(&b, d);
    CHECK(em_all_zero(EM_BYTES(a.opaque)) && em_all_zero(EM_BYTES(b.opaque)));
}

static void hmac_is_libcryptos_at_every_key_length(void)
{
    static uint8_t key[200], text[300];
    test_random r = {2};

    test_random_fill(&r, key, sizeof key);
    test_random_fill(&r, text, sizeof text);
    for (size_t len = 0; len <= sizeof key; len++) {
        uint8_t got[32], want[32];
        em_bytes parts[2] = {em_view(text, len), em_view(text + len, 100)};

        em_sha2_hmac(em_view(key, len), parts, 2, got);
        CHECK(HMAC(EVP_sha256(), key, (int)len, text, len + 100, want, NULL) != NULL);
        CHECK(em_same(EM_BYTES(got), EM_BYTES(want)));
    }
}

/* RFC 5869's two steps at once, by libcrypto. */
static bool oracle_hkdf(em_bytes ikm, em_bytes salt, em_bytes info, uint8_t *okm,
                        size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *c = EVP_KDF_CTX_new(kdf);
    char sha256[] = "SHA256";
    uint8_t *i = test_alloc(ikm.len), *s = test_alloc(salt.len),
            *f = test_alloc(info.len);

    if (ikm.len > 0) memcpy(i, ikm.at, ikm.len);
    if (salt.len > 0) memcpy(s, salt.at, salt.len);
    if (info.len > 0) memcpy(f, info.at, info.len);
    OSSL_PARAM p[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, sha256, 0),
                      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, i, ikm.len),
                      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, s, salt.len),
                      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, f, info.len),
                      OSSL_PARAM_construct_end()};
    bool ok = EVP_KDF_derive(c, okm, len, p) == 1;

    EVP_KDF_CTX_free(c);
    EVP_KDF_free(kdf);
    return ok;
}

static void hkdf_is_libcryptos_at_every_cutting(void)
{
    static uint8_t data[256], got[EM_HKDF_MAX_OUT], want[EM_HKDF_MAX_OUT];
    test_random r = {3};

    test_random_fill(&r, data, sizeof data);
    for (unsigned round = 0; round < 100; round++) {
        size_t len = round == 0 ? EM_HKDF_MAX_OUT : 1 + test_random_next(&r) % 300;
        size_t a = test_random_next(&r) % 80, b = test_random_next(&r) % 80;
        size_t salt = test_random_next(&r) % 80;
        em_bytes two[2] = {em_view(data, a), em_view(data + a, b)};
        EM_DROP(em_hkdf_prk) prk = {0};

        em_hkdf_extract(em_view(data + 160, salt), two, 2, &prk);
        CHECK_OK(em_hkdf_expand(&prk, two, 2, got, len));
        CHECK(oracle_hkdf(em_view(data, a + b), em_view(data + 160, salt),
                          em_view(data, a + b), want, len));
        CHECK(em_same(em_view(got, len), em_view(want, len)));
    }
}

static void hkdf_refuses_what_it_cannot_give(void)
{
    static uint8_t out[EM_HKDF_MAX_OUT + 1];
    em_hkdf_prk prk = {{1}};
    em_bytes parts[EM_HKDF_MAX_PARTS + 1] = {{0}};

    CHECK_ERR(em_hkdf_expand(&prk, parts, 0, out, EM_HKDF_MAX_OUT + 1), EM_ERR_LIMIT);
    CHECK_ERR(em_hkdf_expand(&prk, parts, EM_HKDF_MAX_PARTS + 1, out, 1), EM_ERR_LIMIT);
    CHECK(em_all_zero(EM_BYTES(out)));
    CHECK_OK(em_hkdf_expand(&prk, parts, EM_HKDF_MAX_PARTS, out, 0));
}

static bool one_hmac(json_t *group, json_t *test)
{
    em_bytes msg = json_hex(test, "msg"), want = json_hex(test, "tag");
    uint8_t tag[32];

    em_sha2_hmac(json_hex(test, "key"), &msg, 1, tag);
    CHECK((size_t)json_int(group, "tagSize") / 8 == want.len && want.len <= sizeof tag);
    CHECK(em_same(em_view(tag, want.len), want) == json_is(test, "result", "valid"));
    return true;
}

static bool one_hkdf(json_t *group, json_t *test)
{
    em_bytes ikm = json_hex(test, "ikm"), info = json_hex(test, "info");
    size_t size = (size_t)json_int(test, "size");
    uint8_t *okm = test_alloc(size);
    EM_DROP(em_hkdf_prk) prk = {0};

    (void)group;
    em_hkdf_extract(json_hex(test, "salt"), &ikm, 1, &prk);
    em_err err = em_hkdf_expand(&prk, &info, 1, okm, size);
    if (json_is(test, "result", "valid")) {
        CHECK_OK(err);
        CHECK(em_same(em_view(okm, size), json_hex(test, "okm")));
    } else {
        CHECK_ERR(err, EM_ERR_LIMIT);
    }
    return true;
}

static void wycheproof_hmac_sha256(void)
{
    CHECK(json_wycheproof("vectors/wycheproof/hmac_sha256_test.json", one_hmac) == 174);
}

static void wycheproof_hkdf_sha256(void)
{
    CHECK(json_wycheproof("vectors/wycheproof/hkdf_sha256_test.json", one_hkdf) == 86);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    RUN(fips_180_4_examples);
    RUN(any_cutting_gives_libcryptos_digest);
    RUN(a_finished_context_is_wiped);
    RUN(hmac_is_libcryptos_at_every_key_length);
    RUN(hkdf_is_libcryptos_at_every_cutting);
    RUN(hkdf_refuses_what_it_cannot_give);
    if (json_here("vectors/wycheproof/hmac_sha256_test.json"))
        RUN(wycheproof_hmac_sha256);
    if (json_here("vectors/wycheproof/hkdf_sha256_test.json"))
        RUN(wycheproof_hkdf_sha256);
    if (test_shared("vectors/wycheproof/hmac_sha384_test.json") != NULL)
        test_skip("wycheproof hmac_sha384", "crypto/ offers no HMAC-SHA-384");
    return test_end();
}
