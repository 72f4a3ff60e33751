/* What the crypto room costs: microseconds of CPU a call, the median of many runs, with
 * libcrypto's own primitive beside it where one decides.  Lines: name, microseconds,
 * note. */
#include "crypto/aead.h"
#include "crypto/ed25519.h"
#include "crypto/hpke.h"
#include "crypto/rsa.h"
#include "crypto/setup.h"
#include "crypto/sha2.h"
#include "crypto/x509.h"
#include "tests/crypto/chains.h"

#include <openssl/rand.h>
#include <time.h>

enum { RUNS = 31 };

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* others may be building */
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void must(em_err err)
{
    if (err == EM_OK) return;
    printf("bench: %s\n", em_err_name(err));
    exit(1);
}

/* The median of RUNS runs of `n` calls each, per call. */
static double measure(void (*call)(void), unsigned n)
{
    double took[RUNS];

    call();
    for (unsigned r = 0; r < RUNS; r++) {
        double start = now_us();
        for (unsigned i = 0; i < n; i++) call();
        took[r] = (now_us() - start) / n;
    }
    qsort(took, RUNS, sizeof took[0], by_size);
    return took[RUNS / 2];
}

static void show(const char *name, void (*call)(void), unsigned n, const char *note)
{
    printf("%-28s %10.2f us  %s\n", name, measure(call, n), note);
}

static uint8_t buf[(1 << 20) + 16], sealed[3][(1 << 20) + 16];
static em_aead_key key;
static uint8_t nonce[12];
static em_ed25519_secret ed_secret;
static em_ed25519_public ed_public;
static uint8_t sig[64], der[120];
static em_x25519_secret secret, eph;
static em_x25519_public public;
static chains chain;
static em_x509_cache cache;
static em_p384_public p384;
static em_bytes p384_sig, p384_message;
static em_rsa_key rsa;
static uint8_t wrapped[512];
static EVP_PKEY *oracle;

#define SEAL(name, alg, len)                                                             \
    static void seal_##name(void)                                                        \
    {                                                                                    \
        must(em_aead_seal(alg, &key, nonce, EM_STR("16 bytes of AAD."),                  \
                          em_view(buf, len), buf));                                      \
    }
SEAL(chacha_1k, EM_AEAD_CHACHA20_POLY1305, 1 << 10)
SEAL(chacha_1m, EM_AEAD_CHACHA20_POLY1305, 1 << 20)
SEAL(gcm_1k, EM_AEAD_AES_256_GCM, 1 << 10)
SEAL(gcm_1m, EM_AEAD_AES_256_GCM, 1 << 20)

static void open_chacha_1m(void)
{
    must(em_aead_open(EM_AEAD_CHACHA20_POLY1305, &key, nonce, (em_bytes){0},
                      EM_BYTES(sealed[0]), buf));
}

static void open_gcm_1m(void)
{
    must(em_aead_open(EM_AEAD_AES_256_GCM, &key, nonce, (em_bytes){0},
                      EM_BYTES(sealed[1]), buf));
}

static void sha256_1m(void)
{
    uint8_t d[32];
    em_sha2_256(em_view(buf, 1 << 20), d);
}

static void ed_sign(void)
{
    must(em_ed25519_sign(&ed_secret, em_view(buf, 300), sig));
}

static void ed_verify(void)
{
    must(em_ed25519_verify(&ed_public, em_view(buf, 300), EM_BYTES(sig)));
}

static void x_public(void)
{
    must(em_x25519_public_of(&secret, &public));
}

static void x_shared(void)
{
    em_x25519_shared out;
    must(em_x25519_shared_of(&eph, &public, &out));
}

static void hpke_both(void)
{
    em_hpke a, b;
    uint8_t enc[32];

    must(em_hpke_setup_send(EM_AEAD_CHACHA20_POLY1305, &eph, &public, EM_STR("info"), enc,
                            &a));
    must(em_hpke_setup_recv(EM_AEAD_CHACHA20_POLY1305, &secret, enc, EM_STR("info"), &b));
}

static void p384_verify(void)
{
    must(em_p384_verify_der(&p384, p384_message, p384_sig));
}

static void p384_oracle(void)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    if (EVP_DigestVerifyInit(c, NULL, EVP_sha384(), NULL, oracle) != 1 ||
        EVP_DigestVerify(c, p384_sig.at, p384_sig.len, p384_message.at,
                         p384_message.len) != 1)
        must(EM_ERR_SIG_FAILED);
    EVP_MD_CTX_free(c);
}

static void chain_cold(void)
{
    em_x509_chain out;
    must(em_x509_chain_verify(chain.der, 4, chain.der[4], CHAINS_NOW_MS, NULL, &out));
}

static void chain_cached(void)
{
    em_x509_chain out;
    must(em_x509_chain_verify(chain.der, 4, chain.der[4], CHAINS_NOW_MS, &cache, &out));
}

static void rsa_new(void)
{
    must(em_rsa_generate(&rsa));
}

static void rsa_open(void)
{
    uint8_t out[256];
    size_t len;
    must(em_rsa_oaep_open(&rsa, em_view(wrapped, 256), out, sizeof out, &len));
}

static void prepare(void)
{
    static const chains_how good;
    uint8_t seed[32], spki[EM_RSA_SPKI_MAX];
    size_t len, spki_len;

    must(em_setup());
    RAND_bytes(key.b, sizeof key.b);
    RAND_bytes(secret.b, sizeof secret.b);
    RAND_bytes(eph.b, sizeof eph.b);
    RAND_bytes(seed, sizeof seed);
    must(em_ed25519_from_seed(seed, &ed_secret, &ed_public));
    must(em_x25519_public_of(&secret, &public));
    must(em_aead_seal(EM_AEAD_CHACHA20_POLY1305, &key, nonce, (em_bytes){0},
                      em_view(buf, 1 << 20), sealed[0]));
    must(em_aead_seal(EM_AEAD_AES_256_GCM, &key, nonce, (em_bytes){0},
                      em_view(buf, 1 << 20), sealed[1]));
    chain = chains_make(&good, CHAINS_N);
    oracle = chains_key(NULL, 0);
    EVP_PKEY_get_octet_string_param(oracle, "pub", p384.b, sizeof p384.b, &len);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    len = sizeof der;
    p384_message = em_view(buf, 4000);
    EVP_DigestSignInit(c, NULL, EVP_sha384(), NULL, oracle);
    EVP_DigestSign(c, der, &len, buf, 4000);
    EVP_MD_CTX_free(c);
    p384_sig = em_view(der, len);
    must(em_rsa_generate(&rsa));
    must(em_rsa_spki(&rsa, spki, &spki_len));
    must(em_rsa_oaep_seal(em_view(spki, spki_len), EM_STR("k"), wrapped, 512, &len));
}

int main(void)
{
    prepare();
    show("p384 verify", p384_verify, 5, "r, s over 4000 bytes");
    show("p384 verify by EVP", p384_oracle, 5, "the bare primitive");
    show("chain of 5, cold", chain_cold, 2, "5 signatures");
    show("chain of 5, CAs cached", chain_cached, 5, "1 signature");
    show("hpke set-up, both sides", hpke_both, 20, "4 multiplications");
    show("x25519 public", x_public, 50, "");
    show("x25519 shared", x_shared, 50, "");
    show("ed25519 sign", ed_sign, 50, "300 bytes");
    show("ed25519 verify", ed_verify, 20, "300 bytes");
    show("chacha20-poly1305 seal 1 KiB", seal_chacha_1k, 1000, "");
    show("chacha20-poly1305 seal 1 MiB", seal_chacha_1m, 5, "");
    show("chacha20-poly1305 open 1 MiB", open_chacha_1m, 5, "");
    show("aes-256-gcm seal 1 KiB", seal_gcm_1k, 1000, "");
    show("aes-256-gcm seal 1 MiB", seal_gcm_1m, 5, "");
    show("aes-256-gcm open 1 MiB", open_gcm_1m, 5, "");
    show("sha-256 1 MiB", sha256_1m, 5, "");
    show("rsa-2048 oaep open", rsa_open, 3, "");
    show("rsa-2048 new key", rsa_new, 1, "");
    return 0;
}
