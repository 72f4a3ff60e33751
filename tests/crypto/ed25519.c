/* Ed25519: RFC 8032's answers, libcrypto as oracle, and the forgeries that it accepts. */
#include "crypto/ed25519.h"
#include "crypto/setup.h"
#include "tests/crypto/json.h"

#include <openssl/evp.h>
#include <sodium/crypto_core_ed25519.h>

static bool oracle_verify(const uint8_t *public, em_bytes message, const uint8_t *sig)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public, 32);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool ok = key != NULL && EVP_DigestVerifyInit(c, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestVerify(c, sig, 64, message.at, message.len) == 1;

    EVP_MD_CTX_free(c);
    EVP_PKEY_free(key);
    return ok;
}

static void oracle_sign(const uint8_t *seed, em_bytes message, uint8_t *sig,
                        uint8_t *public)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    size_t len = 64, public_len = 32;

    CHECK(EVP_DigestSignInit(c, NULL, NULL, NULL, key) == 1);
    CHECK(EVP_DigestSign(c, sig, &len, message.at, message.len) == 1 && len == 64);
    CHECK(EVP_PKEY_get_raw_public_key(key, public, &public_len) == 1);
    EVP_MD_CTX_free(c);
    EVP_PKEY_free(key);
}

static void rfc_8032_tests_1_and_3(void)
{
    EM_DROP(em_ed25519_secret) secret = {0};
    em_ed25519_public public;
    uint8_t sig[64];

    em_bytes seed =
        test_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    CHECK_OK(em_ed25519_from_seed(seed.at, &secret, &public));
    CHECK(em_same(
        EM_BYTES(public.b),
        test_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")));
    CHECK_OK(em_ed25519_sign(&secret, (em_bytes){0}, sig));
    CHECK(em_same(
        EM_BYTES(sig),
        test_hex("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                 "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")));

    seed = test_hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
    CHECK_OK(em_ed25519_from_seed(seed.at, &secret, &public));
    CHECK_OK(em_ed25519_sign(&secret, EM_STR("\xaf\x82"), sig));
    CHECK(em_same(
        EM_BYTES(sig),
        test_hex("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                 "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")));
    CHECK_OK(em_ed25519_verify(&public, EM_STR("\xaf\x82"), EM_BYTES(sig)));
}

static void signatures_are_libcryptos(void)
{
    uint8_t seed[32], message[200], sig[64], want[64], want_public[32];
    test_random r = {1};

    for (size_t len = 0; len < sizeof message; len += 7) {
        EM_DROP(em_ed25519_secret) secret = {0};
        em_ed25519_public public;

        test_random_fill(&r, seed, sizeof seed);
        test_random_fill(&r, message, sizeof message);
        CHECK_OK(em_ed25519_from_seed(seed, &secret, &public));
        CHECK_OK(em_ed25519_sign(&secret, em_view(message, len), sig));
        oracle_sign(seed, em_view(message, len), want, want_public);
        CHECK(em_same(EM_BYTES(sig), EM_BYTES(want)));
        CHECK(em_same(EM_BYTES(public.b), EM_BYTES(want_public)));
        CHECK_OK(em_ed25519_verify(&public, em_view(message, len), EM_BYTES(want)));
    }
}

typedef struct case_of {
    em_ed25519_public public;
    em_bytes message;
} case_of;

static bool verifies(em_bytes sig, void *arg)
{
    const case_of *c = arg;
    em_err err = em_ed25519_verify(&c->public, c->message, sig);

    CHECK(err == EM_OK ||
          err == (sig.len == 64 ? EM_ERR_SIG_FAILED : EM_ERR_BAD_SIG_LENGTH));
    return err == EM_OK;
}

static void cuts_and_flips_are_refused(void)
{
    EM_DROP(em_ed25519_secret) secret = {0};
    case_of c = {.message = EM_STR("a receipt")};
    uint8_t seed[32] = {9}, sig[65] = {0};

    CHECK_OK(em_ed25519_from_seed(seed, &secret, &c.public));
    CHECK_OK(em_ed25519_sign(&secret, c.message, sig));
    test_abuse_result got = test_abuse(em_view(sig, 64), verifies, &c);
    CHECK(got.cuts_accepted == 0 && got.flips_accepted == 0);
    CHECK(verifies(em_view(sig, 64), &c));
    CHECK(!verifies(EM_BYTES(sig), &c));
    c.message = EM_STR("a receipT");
    CHECK(!verifies(em_view(sig, 64), &c));
}

/* [S]B = R + [k]A holds for every message when A and R are the identity and S is 0. */
static void the_identity_forgery_that_libcrypto_accepts(void)
{
    em_ed25519_public identity = {{1}};
    uint8_t sig[64] = {1};
    static const char *const messages[] = {"", "pay the bearer", "anything at all"};

    for (size_t i = 0; i < EM_COUNT(messages); i++) {
        em_bytes m = em_view(messages[i], strlen(messages[i]));
        CHECK(oracle_verify(identity.b, m, sig));
        CHECK_ERR(em_ed25519_verify(&identity, m, EM_BYTES(sig)), EM_ERR_SIG_FAILED);
    }
}

/* The eight points of small order and the six further encodings of them, as bytes; the
 * sign bit of x comes on top where it matters. */
static const char *const small_order[] = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};

static void small_order_keys_and_points_are_refused(void)
{
    size_t libcrypto_accepts = 0;

    for (size_t a = 0; a < EM_COUNT(small_order); a++) {
        for (size_t p = 0; p < EM_COUNT(small_order); p++) {
            em_ed25519_public key;
            uint8_t sig[64] = {0};

            memcpy(key.b, test_hex(small_order[a]).at, 32);
            memcpy(sig, test_hex(small_order[p]).at, 32);
            for (uint8_t m = 0; m < 16; m++) { /* k varies, so [k]A meets R for some */
                em_bytes message = em_view(&m, 1);
                libcrypto_accepts += oracle_verify(key.b, message, sig);
                CHECK_ERR(em_ed25519_verify(&key, message, EM_BYTES(sig)),
                          EM_ERR_SIG_FAILED);
            }
        }
    }
    CHECK(libcrypto_accepts > 100); /* so the table holds real forgeries */
}

/* The holder of a good key leaves the nonce out: R is the identity and S = k s. */
static void a_small_order_r_under_a_good_key_is_refused(void)
{
    EM_DROP(em_ed25519_secret) secret = {0};
    em_ed25519_public public;
    uint8_t seed[32] = {8}, sig[64] = {1}, hash[64], scalar[32], k[32], wide[64] = {0};
    em_bytes m = EM_STR("m");
    EVP_MD_CTX *c = EVP_MD_CTX_new();

    CHECK_OK(em_ed25519_from_seed(seed, &secret, &public));
    CHECK(EVP_Digest(seed, 32, hash, NULL, EVP_sha512(), NULL) == 1);
    memcpy(wide, hash, 32); /* RFC 8032 5.1.5 */
    wide[0] &= 248;
    wide[31] = (uint8_t)((wide[31] & 127) | 64);
    crypto_core_ed25519_scalar_reduce(scalar, wide);
    CHECK(EVP_DigestInit_ex(c, EVP_sha512(), NULL) == 1 &&
          EVP_DigestUpdate(c, sig, 32) == 1 && EVP_DigestUpdate(c, public.b, 32) == 1 &&
          EVP_DigestUpdate(c, m.at, m.len) == 1 &&
          EVP_DigestFinal_ex(c, hash, NULL) == 1);
    EVP_MD_CTX_free(c);
    crypto_core_ed25519_scalar_reduce(k, hash);
    crypto_core_ed25519_scalar_mul(sig + 32, k, scalar);

    CHECK(oracle_verify(public.b, m, sig));
    CHECK_ERR(em_ed25519_verify(&public, m, EM_BYTES(sig)), EM_ERR_SIG_FAILED);
}

/* S + L signs whatever S signs, for a verifier that does not look. */
static void a_non_canonical_s_is_refused(void)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};
    EM_DROP(em_ed25519_secret) secret = {0};
    em_ed25519_public public;
    uint8_t seed[32] = {7}, sig[64];

    CHECK_OK(em_ed25519_from_seed(seed, &secret, &public));
    CHECK_OK(em_ed25519_sign(&secret, EM_STR("m"), sig));
    for (unsigned times = 1; times <= 8; times++) { /* S + L, S + 2 L, ... below 2^256 */
        unsigned carry = 0;
        for (size_t i = 0; i < 32; i++) {
            carry += sig[32 + i] + order[i];
            sig[32 + i] = (uint8_t)carry;
            carry >>= 8;
        }
        CHECK_ERR(em_ed25519_verify(&public, EM_STR("m"), EM_BYTES(sig)),
                  EM_ERR_SIG_FAILED);
    }
}

static void non_canonical_keys_are_refused(void)
{
    /* y = p + i for i in 0..18, both signs; the message is signed by nobody */
    uint8_t sig[64] = {1};

    for (unsigned i = 0; i < 19; i++) {
        for (unsigned sign = 0; sign < 2; sign++) {
            em_ed25519_public key;
            memset(key.b, 0xFF, sizeof key.b);
            key.b[0] = (uint8_t)(0xED + i);
            key.b[31] = (uint8_t)(sign != 0 ? 0xFF : 0x7F);
            CHECK_ERR(em_ed25519_verify(&key, EM_STR("m"), EM_BYTES(sig)),
                      EM_ERR_SIG_FAILED);
        }
    }
}

static bool one(json_t *group, json_t *test)
{
    json_t *key = json_object_get(group, "publicKey");
    em_bytes pk = json_hex(key, "pk"), sig = json_hex(test, "sig");
    em_ed25519_public public;

    CHECK(pk.len == sizeof public.b);
    memcpy(public.b, pk.at, sizeof public.b);
    em_err err = em_ed25519_verify(&public, json_hex(test, "msg"), sig);
    em_err refusal = sig.len == 64 ? EM_ERR_SIG_FAILED : EM_ERR_BAD_SIG_LENGTH;
    CHECK_ERR(err, json_is(test, "result", "valid") ? EM_OK : refusal);
    return true;
}

static void wycheproof_ed25519(void)
{
    CHECK(json_wycheproof("vectors/wycheproof/ed25519_test.json", one) == 151);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    RUN(rfc_8032_tests_1_and_3);
    RUN(signatures_are_libcryptos);
    RUN(cuts_and_flips_are_refused);
    RUN(the_identity_forgery_that_libcrypto_accepts);
    RUN(small_order_keys_and_points_are_refused);
    RUN(a_small_order_r_under_a_good_key_is_refused);
    RUN(a_non_canonical_s_is_refused);
    RUN(non_canonical_keys_are_refused);
    if (json_here("vectors/wycheproof/ed25519_test.json")) RUN(wycheproof_ed25519);
    return test_end();
}
