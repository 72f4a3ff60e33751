/* The AEADs: libcrypto used the long way as oracle, abuse of lengths and tags,
 * Wycheproof. */
#include "crypto/aead.h"
#include "crypto/setup.h"
#include "tests/crypto/json.h"

#include <openssl/evp.h>

static const em_aead_alg algs[] = {EM_AEAD_AES_128_GCM, EM_AEAD_AES_256_GCM,
                                   EM_AEAD_CHACHA20_POLY1305};
static const char *const names[] = {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"};

/* By algorithm name, in uneven pieces, tag read by parameter: another way in. */
static void oracle_seal(const char *name, const uint8_t *key, const uint8_t *nonce,
                        em_bytes aad, em_bytes plain, uint8_t *out)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int len = 0;
    size_t done = 0;

    CHECK(EVP_EncryptInit_ex2(c, cipher, key, nonce, NULL) == 1);
    for (size_t at = 0; at < aad.len; at += 7)
        CHECK(EVP_EncryptUpdate(c, NULL, &len, aad.at + at,
                                (int)(aad.len - at < 7 ? aad.len - at : 7)) == 1);
    for (size_t at = 0; at < plain.len; at += 33) {
        size_t take = plain.len - at < 33 ? plain.len - at : 33;
        CHECK(EVP_EncryptUpdate(c, out + done, &len, plain.at + at, (int)take) == 1);
        done += (size_t)len;
    }
    CHECK(EVP_EncryptFinal_ex(c, out + done, &len) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, out + plain.len) == 1);
    EVP_CIPHER_CTX_free(c);
    EVP_CIPHER_free(cipher);
}

static void every_length_is_the_oracles_and_opens(void)
{
    static uint8_t plain[300], aad[300], want[316], got[316], back[300];
    test_random r = {1};
    em_aead_key key;
    uint8_t nonce[12];

    for (size_t a = 0; a < EM_COUNT(algs); a++) {
        for (size_t len = 0; len <= sizeof plain; len++) {
            size_t aad_len = test_random_next(&r) % sizeof aad;
            em_bytes ad = em_view(aad, aad_len), p = em_view(plain, len);

            test_note("%s, %zu bytes", names[a], len);
            test_random_fill(&r, plain, sizeof plain);
            test_random_fill(&r, aad, sizeof aad);
            test_random_fill(&r, key.b, sizeof key.b);
            test_random_fill(&r, nonce, sizeof nonce);
            oracle_seal(names[a], key.b, nonce, ad, p, want);
            CHECK_OK(em_aead_seal(algs[a], &key, nonce, ad, p, got));
            CHECK(em_same(em_view(got, len + 16), em_view(want, len + 16)));
            CHECK_OK(
                em_aead_open(algs[a], &key, nonce, ad, em_view(got, len + 16), back));
            CHECK(em_same(em_view(back, len), p));

            /* in place, both ways */
            memcpy(got, plain, len);
            CHECK_OK(em_aead_seal(algs[a], &key, nonce, ad, em_view(got, len), got));
            CHECK(em_same(em_view(got, len + 16), em_view(want, len + 16)));
            CHECK_OK(em_aead_open(algs[a], &key, nonce, ad, em_view(got, len + 16), got));
            CHECK(em_same(em_view(got, len), p));
        }
    }
}

static void a_mebibyte_round_trips(void)
{
    enum { LEN = 1 << 20 };
    uint8_t *at = test_alloc(LEN + 16), *back = test_alloc(LEN);
    em_aead_key key = {{3}};
    uint8_t nonce[12] = {4};

    for (size_t a = 0; a < EM_COUNT(algs); a++) {
        memset(at, 0x5A, LEN);
        CHECK_OK(em_aead_seal(algs[a], &key, nonce, (em_bytes){0}, em_view(at, LEN), at));
        CHECK_OK(em_aead_open(algs[a], &key, nonce, (em_bytes){0}, em_view(at, LEN + 16),
                              back));
        CHECK(back[0] == 0x5A && back[LEN - 1] == 0x5A);
    }
}

typedef struct opening {
    em_aead_alg alg;
    em_aead_key key;
    uint8_t nonce[12];
    bool zero; /* whether every refusal left zeros */
} opening;

static bool open_it(em_bytes sealed, void *arg)
{
    opening *o = arg;
    size_t len = sealed.len < 16 ? 0 : sealed.len - 16;
    uint8_t *out = malloc(len > 0 ? len : 1);

    memset(out, 0xEE, len > 0 ? len : 1);
    em_err err = em_aead_open(o->alg, &o->key, o->nonce, EM_STR("aad"), sealed, out);
    CHECK(err == EM_OK || err == (sealed.len < 16 ? EM_ERR_SHORT : EM_ERR_OPEN_FAILED));
    if (err == EM_ERR_OPEN_FAILED && !em_all_zero(em_view(out, len))) o->zero = false;
    free(out);
    return err == EM_OK;
}

static void cuts_and_flips_are_refused_and_leave_zeros(void)
{
    for (size_t a = 0; a < EM_COUNT(algs); a++) {
        opening o = {.alg = algs[a], .key = {{5}}, .nonce = {6}, .zero = true};
        uint8_t sealed[200 + 16] = {7};

        CHECK_OK(em_aead_seal(o.alg, &o.key, o.nonce, EM_STR("aad"), em_view(sealed, 200),
                              sealed));
        CHECK(open_it(EM_BYTES(sealed), &o));
        test_abuse_result got = test_abuse(EM_BYTES(sealed), open_it, &o);
        CHECK(got.cuts_accepted == 0 && got.flips_accepted == 0 && o.zero);

        uint8_t out[200];
        CHECK_ERR(
            em_aead_open(o.alg, &o.key, o.nonce, EM_STR("aae"), EM_BYTES(sealed), out),
            EM_ERR_OPEN_FAILED);
        o.nonce[11] ^= 1;
        CHECK_ERR(
            em_aead_open(o.alg, &o.key, o.nonce, EM_STR("aad"), EM_BYTES(sealed), out),
            EM_ERR_OPEN_FAILED);
    }
}

static void unknown_algorithms_and_giant_lengths_are_refused(void)
{
    em_aead_key key = {{0}};
    uint8_t nonce[12] = {0}, buf[32] = {0};
    em_bytes giant = em_view(buf, (size_t)EM_AEAD_MAX + 1); /* never read */
    em_bytes giant_sealed = em_view(buf, (size_t)EM_AEAD_MAX + 17);
    static const unsigned bad[] = {0, 4, 0xFFFF};

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        em_aead_alg alg = (em_aead_alg)bad[i];
        CHECK_ERR(em_aead_seal(alg, &key, nonce, giant, giant, buf), EM_ERR_UNSUPPORTED);
        CHECK_ERR(em_aead_open(alg, &key, nonce, giant, giant, buf), EM_ERR_UNSUPPORTED);
    }
    CHECK_ERR(em_aead_seal(EM_AEAD_AES_256_GCM, &key, nonce, giant, (em_bytes){0}, buf),
              EM_ERR_LIMIT);
    CHECK_ERR(em_aead_seal(EM_AEAD_AES_256_GCM, &key, nonce, (em_bytes){0}, giant, buf),
              EM_ERR_LIMIT);
    CHECK_ERR(
        em_aead_open(EM_AEAD_AES_256_GCM, &key, nonce, (em_bytes){0}, giant_sealed, buf),
        EM_ERR_LIMIT);
}

static bool one_aead(em_aead_alg alg, json_t *test)
{
    em_bytes key_bytes = json_hex(test, "key"), iv = json_hex(test, "iv");
    em_bytes aad = json_hex(test, "aad"), msg = json_hex(test, "msg");
    em_bytes ct = json_hex(test, "ct"), tag = json_hex(test, "tag");
    bool valid = json_is(test, "result", "valid");
    uint8_t *sealed = test_alloc(ct.len + 16), *out = test_alloc(msg.len + 16);
    EM_DROP(em_aead_key) key = {0};

    if (iv.len != EM_AEAD_NONCE_LEN || tag.len != EM_AEAD_TAG_LEN) return false;
    memcpy(key.b, key_bytes.at, key_bytes.len);
    memcpy(sealed, ct.at, ct.len);
    memcpy(sealed + ct.len, tag.at, 16);
    em_err err = em_aead_open(alg, &key, iv.at, aad, em_view(sealed, ct.len + 16), out);
    CHECK_ERR(err, valid ? EM_OK : EM_ERR_OPEN_FAILED);
    if (!valid) return true;
    CHECK(em_same(em_view(out, ct.len), msg));
    CHECK_OK(em_aead_seal(alg, &key, iv.at, aad, msg, out));
    CHECK(em_same(em_view(out, msg.len + 16), em_view(sealed, ct.len + 16)));
    return true;
}

static size_t other_keys, other_nonces;

static bool one_gcm(json_t *group, json_t *test)
{
    json_int_t bits = json_int(group, "keySize");

    if (bits != 128 && bits != 256) {
        other_keys++;
        return false;
    }
    if (one_aead(bits == 128 ? EM_AEAD_AES_128_GCM : EM_AEAD_AES_256_GCM, test))
        return true;
    other_nonces++;
    return false;
}

static bool one_chacha(json_t *group, json_t *test)
{
    (void)group;
    if (one_aead(EM_AEAD_CHACHA20_POLY1305, test)) return true;
    other_nonces++;
    return false;
}

static void wycheproof_aes_gcm(void)
{
    other_keys = other_nonces = 0;
    size_t ran = json_wycheproof("vectors/wycheproof/aes_gcm_test.json", one_gcm);
    CHECK(ran > 120 && ran + other_keys + other_nonces == 316);
    test_skip("wycheproof aes_gcm", "%zu with 192-bit keys, %zu with other nonce lengths",
              other_keys, other_nonces);
}

static void wycheproof_chacha20_poly1305(void)
{
    other_nonces = 0;
    size_t ran =
        json_wycheproof("vectors/wycheproof/chacha20_poly1305_test.json", one_chacha);
    CHECK(ran > 300 && ran + other_nonces == 325);
    test_skip("wycheproof chacha20_poly1305", "%zu with other nonce lengths",
              other_nonces);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    RUN(every_length_is_the_oracles_and_opens);
    RUN(a_mebibyte_round_trips);
    RUN(cuts_and_flips_are_refused_and_leave_zeros);
    RUN(unknown_algorithms_and_giant_lengths_are_refused);
    if (json_here("vectors/wycheproof/aes_gcm_test.json")) RUN(wycheproof_aes_gcm);
    if (json_here("vectors/wycheproof/chacha20_poly1305_test.json"))
        RUN(wycheproof_chacha20_poly1305);
    return test_end();
}
