/* RSA-OAEP and the two encodings of its keys, against libcrypto's newer interfaces. */
#include "crypto/rsa.h"
#include "crypto/setup.h"
#include "tests/crypto/json.h"
#include "tests/crypto/keys_tables.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static em_rsa_key fixed;
static uint8_t spki[EM_RSA_SPKI_MAX];
static size_t spki_len;

static EVP_PKEY *oracle_key(const em_rsa_key *key)
{
    const unsigned char *at = key->der;
    EVP_PKEY *k = d2i_AutoPrivateKey(NULL, &at, (long)key->len);

    CHECK(k != NULL && at == key->der + key->len);
    return k;
}

static void oaep_sha256(EVP_PKEY_CTX *c)
{
    CHECK(EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
          EVP_PKEY_CTX_set_rsa_oaep_md(c, EVP_sha256()) == 1 &&
          EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) == 1);
}

static void encodings_are_libcryptos(const em_rsa_key *key)
{
    EVP_PKEY *k = oracle_key(key);
    uint8_t got[EM_RSA_SPKI_MAX], *pub = NULL;
    size_t len = 0;
    PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(k);
    uint8_t *der = NULL;

    CHECK(EVP_PKEY_get_bits(k) == EM_RSA_BITS);
    CHECK_OK(em_rsa_spki(key, got, &len));
    int pub_len = i2d_PUBKEY(k, &pub), der_len = i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
    CHECK(pub_len > 0 && em_same(em_view(got, len), em_view(pub, (size_t)pub_len)));
    CHECK(der_len > 0 &&
          em_same(em_view(key->der, key->len), em_view(der, (size_t)der_len)));
    OPENSSL_free(pub);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(p8);
    EVP_PKEY_free(k);
}

static void a_fresh_key_is_good_and_new(void)
{
    EM_DROP(em_rsa_key) a = {0};
    EM_DROP(em_rsa_key) b = {0};

    CHECK_OK(em_rsa_generate(&a));
    CHECK_OK(em_rsa_generate(&b));
    CHECK(!em_same(em_view(a.der, a.len), em_view(b.der, b.len)));
    encodings_are_libcryptos(&a);
    encodings_are_libcryptos(&fixed);
    CHECK_OK(em_rsa_from_pkcs8(em_view(a.der, a.len), &b));
    CHECK(em_same(em_view(a.der, a.len), em_view(b.der, b.len)));
}

static void every_length_wraps_and_unwraps(void)
{
    EVP_PKEY *k = oracle_key(&fixed);
    uint8_t plain[191], wrapped[EM_RSA_WRAPPED_MAX], out[256];
    test_random r = {1};

    test_random_fill(&r, plain, sizeof plain);
    for (size_t len = 0; len <= 190; len += len < 16 || len > 180 ? 1 : 13) {
        size_t wrapped_len = 0, out_len = 0;
        CHECK_OK(em_rsa_oaep_seal(em_view(spki, spki_len), em_view(plain, len), wrapped,
                                  sizeof wrapped, &wrapped_len));
        CHECK(wrapped_len == 256);
        CHECK_OK(em_rsa_oaep_open(&fixed, em_view(wrapped, 256), out, 190, &out_len));
        CHECK(em_same(em_view(out, out_len), em_view(plain, len)));

        EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k, NULL);
        out_len = sizeof out;
        CHECK(EVP_PKEY_decrypt_init(c) == 1);
        oaep_sha256(c);
        CHECK(EVP_PKEY_decrypt(c, out, &out_len, wrapped, 256) == 1);
        CHECK(em_same(em_view(out, out_len), em_view(plain, len)));
        EVP_PKEY_CTX_free(c);

        c = EVP_PKEY_CTX_new(k, NULL);
        wrapped_len = sizeof wrapped;
        CHECK(EVP_PKEY_encrypt_init(c) == 1);
        oaep_sha256(c);
        CHECK(EVP_PKEY_encrypt(c, wrapped, &wrapped_len, plain, len) == 1);
        CHECK_OK(em_rsa_oaep_open(&fixed, em_view(wrapped, 256), out, 190, &out_len));
        CHECK(em_same(em_view(out, out_len), em_view(plain, len)));
        EVP_PKEY_CTX_free(c);
    }
    EVP_PKEY_free(k);
}

static void other_paddings_and_lengths_are_refused_alike(void)
{
    EVP_PKEY *k = oracle_key(&fixed);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k, NULL);
    uint8_t wrapped[257], out[190];
    size_t len = 256, out_len = 4711;
    static const int paddings[] = {RSA_PKCS1_PADDING, RSA_PKCS1_OAEP_PADDING};

    for (size_t i = 0; i < EM_COUNT(paddings); i++) { /* v1.5; OAEP with SHA-1 */
        CHECK(EVP_PKEY_encrypt_init(c) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(c, paddings[i]) == 1 &&
              EVP_PKEY_encrypt(c, wrapped, &len, (const uint8_t *)"k", 1) == 1);
        CHECK_ERR(em_rsa_oaep_open(&fixed, em_view(wrapped, 256), out, 190, &out_len),
                  EM_ERR_OPEN_FAILED);
    }
    EVP_PKEY_CTX_free(c);
    EVP_PKEY_free(k);

    CHECK_OK(
        em_rsa_oaep_seal(em_view(spki, spki_len), EM_STR("key"), wrapped, 256, &len));
    for (size_t cut = 0; cut < 256; cut += 15)
        CHECK_ERR(em_rsa_oaep_open(&fixed, em_view(wrapped, cut), out, 190, &out_len),
                  EM_ERR_OPEN_FAILED);
    CHECK_ERR(em_rsa_oaep_open(&fixed, em_view(wrapped, 257), out, 190, &out_len),
              EM_ERR_OPEN_FAILED);
    for (size_t i = 0; i < 256; i += 5) {
        wrapped[i] ^= 1;
        CHECK_ERR(em_rsa_oaep_open(&fixed, em_view(wrapped, 256), out, 190, &out_len),
                  EM_ERR_OPEN_FAILED);
        wrapped[i] ^= 1;
    }
    memset(wrapped, 0xFF, 256); /* above the modulus */
    CHECK_ERR(em_rsa_oaep_open(&fixed, em_view(wrapped, 256), out, 190, &out_len),
              EM_ERR_OPEN_FAILED);
    memset(wrapped, 0, 256);
    CHECK_ERR(em_rsa_oaep_open(&fixed, em_view(wrapped, 256), out, 190, &out_len),
              EM_ERR_OPEN_FAILED);
    CHECK(out_len == 4711);
    CHECK_ERR(em_rsa_oaep_open(&fixed, em_view(wrapped, 256), out, 189, &out_len),
              EM_ERR_FULL);
}

static void wrapping_refuses_what_does_not_fit(void)
{
    uint8_t plain[191] = {0}, wrapped[256];
    size_t len = 4711;

    CHECK_ERR(
        em_rsa_oaep_seal(em_view(spki, spki_len), EM_BYTES(plain), wrapped, 256, &len),
        EM_ERR_LIMIT);
    CHECK_ERR(em_rsa_oaep_seal(em_view(spki, spki_len), EM_STR("k"), wrapped, 255, &len),
              EM_ERR_FULL);
    CHECK(len == 4711);
}

static bool wraps_under(em_bytes key, void *arg)
{
    uint8_t wrapped[EM_RSA_WRAPPED_MAX];
    size_t len;
    em_err err = em_rsa_oaep_seal(key, EM_STR("k"), wrapped, sizeof wrapped, &len);

    (void)arg;
    CHECK(err == EM_OK || err == EM_ERR_BAD_KEY || err == EM_ERR_CRYPTO);
    return err == EM_OK;
}

static void cut_public_keys_are_refused(void)
{
    uint8_t longer[EM_RSA_SPKI_MAX + 1] = {0};

    test_abuse_result got = test_abuse(em_view(spki, spki_len), wraps_under, NULL);
    CHECK(got.cuts_accepted == 0);
    memcpy(longer, spki, spki_len);
    CHECK(!wraps_under(em_view(longer, spki_len + 1), NULL));
    CHECK(!wraps_under((em_bytes){0}, NULL));
}

static em_bytes some_pkcs8(const char *type, unsigned bits)
{
    EVP_PKEY *k = bits > 0 ? EVP_PKEY_Q_keygen(NULL, NULL, type, (size_t)bits)
                           : EVP_PKEY_Q_keygen(NULL, NULL, type);
    PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(k);
    uint8_t *der = NULL;
    int len = i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
    uint8_t *kept = test_alloc((size_t)len);

    memcpy(kept, der, (size_t)len);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(p8);
    EVP_PKEY_free(k);
    return em_view(kept, (size_t)len);
}

static void bad_private_keys_are_refused(void)
{
    em_rsa_key out = {.len = 4711};
    em_bytes good = EM_BYTES(keys_rsa_pkcs8);
    uint8_t bad[sizeof keys_rsa_pkcs8 + 1] = {0};

    CHECK_ERR(em_rsa_from_pkcs8(some_pkcs8("RSA", 1024), &out), EM_ERR_BAD_KEY);
    CHECK_ERR(em_rsa_from_pkcs8(some_pkcs8("RSA", 3072), &out), EM_ERR_BAD_KEY);
    CHECK_ERR(em_rsa_from_pkcs8(some_pkcs8("ED25519", 0), &out), EM_ERR_BAD_KEY);
    for (size_t len = 0; len < good.len; len++)
        CHECK_ERR(em_rsa_from_pkcs8(em_view(good.at, len), &out), EM_ERR_BAD_KEY);
    memcpy(bad, good.at, good.len);
    CHECK_ERR(em_rsa_from_pkcs8(EM_BYTES(bad), &out), EM_ERR_BAD_KEY);
    for (size_t i = 30; i < good.len; i += 41) { /* a wrong number, found by arithmetic */
        bad[i] ^= 2;
        test_note("byte %zu", i);
        CHECK_ERR(em_rsa_from_pkcs8(em_view(bad, good.len), &out), EM_ERR_BAD_KEY);
        bad[i] ^= 2;
    }
    CHECK(out.len == 4711);
    CHECK_OK(em_rsa_from_pkcs8(em_view(bad, good.len), &out));
}

static em_rsa_key group_key;
static json_t *group_of_key;
static size_t labelled;

static bool one(json_t *group, json_t *test)
{
    uint8_t out[256];
    size_t len = 0;

    if (group != group_of_key) {
        CHECK_OK(em_rsa_from_pkcs8(json_hex(group, "privateKeyPkcs8"), &group_key));
        group_of_key = group;
    }
    if (json_hex(test, "label").len > 0) {
        labelled++;
        return false;
    }
    em_err err =
        em_rsa_oaep_open(&group_key, json_hex(test, "ct"), out, sizeof out, &len);
    bool valid = json_is(test, "result", "valid");
    CHECK_ERR(err, valid ? EM_OK : EM_ERR_OPEN_FAILED);
    if (valid) CHECK(em_same(em_view(out, len), json_hex(test, "msg")));
    return true;
}

static void wycheproof_rsa_oaep(void)
{
    size_t ran = json_wycheproof(
        "vectors/wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json", one);
    CHECK(ran > 25 && ran + labelled == 37);
    test_skip("wycheproof rsa_oaep_2048", "%zu with a label, which we never have",
              labelled);
}

int main(void)
{
    if (em_setup() != EM_OK || em_rsa_from_pkcs8(EM_BYTES(keys_rsa_pkcs8), &fixed) ||
        em_rsa_spki(&fixed, spki, &spki_len) != EM_OK)
        return 1;
    RUN(a_fresh_key_is_good_and_new);
    RUN(every_length_wraps_and_unwraps);
    RUN(other_paddings_and_lengths_are_refused_alike);
    RUN(wrapping_refuses_what_does_not_fit);
    RUN(cut_public_keys_are_refused);
    RUN(bad_private_keys_are_refused);
    if (json_here("vectors/wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json"))
        RUN(wycheproof_rsa_oaep);
    return test_end();
}
