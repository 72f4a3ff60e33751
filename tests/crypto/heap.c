/* What libcrypto leaves on the heap: nothing lives on after a call, and nothing that was
 * given back holds a key or a plaintext. */
#include "crypto/aead.h"
#include "crypto/cms.h"
#include "crypto/hpke.h"
#include "crypto/setup.h"
#include "tests/crypto/chains.h"
#include "tests/crypto/keys_tables.h"

#include <openssl/crypto.h>
#include <openssl/rsa.h>

/* ---- libcrypto's allocator, watched ---------------------------------------------------
 */

enum { HEAD = 16, FREED_MAX = 32 << 20 };
static uint8_t freed[FREED_MAX]; /* the contents of all that was given back */
static size_t freed_len, live;

static void *watched_malloc(size_t len, const char *file, int line)
{
    uint8_t *at = malloc(HEAD + len);

    (void)file, (void)line;
    if (at == NULL) return NULL;
    memcpy(at, &len, sizeof len);
    live++;
    return at + HEAD;
}

static size_t length_of(const uint8_t *at)
{
    size_t len;

    memcpy(&len, at - HEAD, sizeof len);
    return len;
}

static void watched_free(void *at, const char *file, int line)
{
    (void)file, (void)line;
    if (at == NULL) return;
    size_t len = length_of(at);
    if (len <= sizeof freed - freed_len) {
        memcpy(freed + freed_len, at, len);
        freed_len += len;
    } else {
        freed_len = sizeof freed; /* looked at by every case */
    }
    live--;
    free((uint8_t *)at - HEAD);
}

static void *watched_realloc(void *at, size_t len, const char *file, int line)
{
    void *new = watched_malloc(len, file, line);

    if (at != NULL && new != NULL) {
        size_t old = length_of(at);
        memcpy(new, at, old < len ? old : len);
        watched_free(at, file, line);
    }
    return new;
}

/* Does what was given back hold 16 bytes in a row of `secret`, in either byte order? */
static bool left_behind(em_bytes secret)
{
    uint8_t window[16];

    for (size_t at = 0; at + sizeof window <= secret.len; at += sizeof window) {
        if (memmem(freed, freed_len, secret.at + at, sizeof window) != NULL) return true;
        for (size_t i = 0; i < sizeof window; i++) window[15 - i] = secret.at[at + i];
        if (memmem(freed, freed_len, window, sizeof window) != NULL) return true;
    }
    return false;
}

/* Runs `call` once to let libcrypto set itself up, then again under watch. */
static void watch(void (*call)(void))
{
    call();
    freed_len = 0;
    memset(freed, 0, sizeof freed);
    size_t before = live;
    call();
    call();
    CHECK(live == before);
    CHECK(freed_len > 0 && freed_len < sizeof freed);
}

/* ---- the calls -----------------------------------------------------------------------
 */

static const uint8_t secret_text[48] = "forty-eight bytes that nobody but us shall see.";
static em_aead_key key = {"thirty-two bytes of a secret key"};
static em_rsa_key rsa;
static uint8_t spki[EM_RSA_SPKI_MAX];
static size_t spki_len;

static void the_watch_sees_what_is_left(void)
{
    freed_len = 0;
    uint8_t *at = OPENSSL_malloc(sizeof secret_text);
    memcpy(at, secret_text, sizeof secret_text);
    CHECK(!left_behind(EM_BYTES(secret_text)));
    OPENSSL_free(at);
    CHECK(left_behind(EM_BYTES(secret_text)));
}

static void seal_and_open(void)
{
    static const em_aead_alg algs[] = {EM_AEAD_AES_256_GCM, EM_AEAD_CHACHA20_POLY1305};
    uint8_t nonce[12] = {0}, out[sizeof secret_text + 16], plain[sizeof secret_text];

    for (size_t i = 0; i < EM_COUNT(algs); i++) {
        CHECK_OK(em_aead_seal(algs[i], &key, nonce, (em_bytes){0}, EM_BYTES(secret_text),
                              out));
        CHECK_OK(em_aead_open(algs[i], &key, nonce, (em_bytes){0}, EM_BYTES(out), plain));
        out[0] ^= 1;
        CHECK_ERR(em_aead_open(algs[i], &key, nonce, (em_bytes){0}, EM_BYTES(out), plain),
                  EM_ERR_OPEN_FAILED);
    }
}

static void aead_leaves_nothing(void)
{
    watch(seal_and_open);
    CHECK(!left_behind(EM_BYTES(key.b)) && !left_behind(EM_BYTES(secret_text)));
}

/* The private numbers of a key, as bytes. */
static void check_numbers(const em_rsa_key *k)
{
    static const char *const names[] = {"d", "rsa-factor1", "rsa-factor2",
                                        "rsa-exponent1", "rsa-coefficient1"};
    size_t len = freed_len; /* reading the key again is not what is watched */
    const unsigned char *at = k->der;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &at, (long)k->len);

    for (size_t i = 0; i < EM_COUNT(names); i++) {
        BIGNUM *n = NULL;
        uint8_t bytes[256];
        CHECK(EVP_PKEY_get_bn_param(pkey, names[i], &n) == 1);
        int n_len = BN_bn2bin(n, bytes);
        BN_clear_free(n);
        freed_len = len;
        test_note("%s", names[i]);
        CHECK(!left_behind(em_view(bytes, (size_t)n_len)));
    }
    EVP_PKEY_free(pkey);
    freed_len = len;
}

static em_rsa_key fresh;

static void generate(void)
{
    CHECK_OK(em_rsa_generate(&fresh));
}

static void a_new_rsa_key_leaves_nothing(void)
{
    watch(generate);
    check_numbers(&fresh);
}

static void read_publish_unwrap(void)
{
    em_rsa_key k;
    uint8_t pub[EM_RSA_SPKI_MAX], wrapped[512], out[256];
    size_t len, wrapped_len;

    CHECK_OK(em_rsa_from_pkcs8(EM_BYTES(keys_rsa_pkcs8), &k));
    CHECK_OK(em_rsa_spki(&k, pub, &len));
    CHECK_OK(em_rsa_oaep_seal(em_view(pub, len), EM_BYTES(secret_text), wrapped, 512,
                              &wrapped_len));
    CHECK_OK(em_rsa_oaep_open(&k, em_view(wrapped, wrapped_len), out, sizeof out, &len));
    wrapped[9] ^= 1;
    CHECK_ERR(em_rsa_oaep_open(&k, em_view(wrapped, wrapped_len), out, sizeof out, &len),
              EM_ERR_OPEN_FAILED);
}

static void using_an_rsa_key_leaves_nothing(void)
{
    watch(read_publish_unwrap);
    check_numbers(&rsa);
    CHECK(!left_behind(EM_BYTES(secret_text)));
}

static void seal_and_open_cms(void)
{
    static const em_cms_key cek = {"another 32 bytes of a secret key"};
    static const uint8_t iv[16] = {1};
    uint8_t buf[1024], out[64];
    em_out o = EM_OUT(buf);
    size_t len;

    CHECK_OK(
        em_cms_seal(em_view(spki, spki_len), &cek, iv, EM_BYTES(secret_text), true, &o));
    CHECK_OK(em_cms_open(&rsa, em_write_view(&o), out, sizeof out, &len));
    CHECK_ERR(em_cms_open(&rsa, em_view(buf, o.len - 1), out, sizeof out, &len),
              EM_ERR_CMS_MALFORMED);
}

static void cms_leaves_nothing(void)
{
    watch(seal_and_open_cms);
    check_numbers(&rsa);
    CHECK(!left_behind(EM_BYTES(secret_text)));
    CHECK(!left_behind(EM_STR("another 32 bytes of a secret key")));
}

static chains chain;

static void verify_chains(void)
{
    chains bad = chain;
    em_x509_cache cache = {0};
    em_x509_chain out;

    CHECK_OK(chains_verify_at(&chain, CHAINS_NOW_MS, &cache, &out));
    CHECK_OK(chains_verify_at(&chain, CHAINS_NOW_MS, &cache, &out));
    CHECK_ERR(chains_verify_at(&chain, 0, NULL, &out), EM_ERR_CERT_NOT_YET_VALID);
    bad.der[3] = chain.der[2];
    CHECK_ERR(chains_verify(&bad), EM_ERR_CHAIN_INVALID);
    bad.der[3] = em_view(chain.der[3].at, chain.der[3].len - 1);
    CHECK_ERR(chains_verify(&bad), EM_ERR_X509_MALFORMED);
}

static void chains_leave_nothing(void)
{
    static const chains_how good;

    chain = chains_make(&good, CHAINS_N);
    watch(verify_chains);
}

int main(void)
{
    if (CRYPTO_set_mem_functions(watched_malloc, watched_realloc, watched_free) != 1 ||
        em_setup() != EM_OK ||
        em_rsa_from_pkcs8(EM_BYTES(keys_rsa_pkcs8), &rsa) != EM_OK ||
        em_rsa_spki(&rsa, spki, &spki_len) != EM_OK)
        return 1;
    RUN(the_watch_sees_what_is_left);
    RUN(aead_leaves_nothing);
    RUN(a_new_rsa_key_leaves_nothing);
    RUN(using_an_rsa_key_leaves_nothing);
    RUN(cms_leaves_nothing);
    RUN(chains_leave_nothing);
    return test_end();
}
