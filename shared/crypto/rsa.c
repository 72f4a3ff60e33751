/* The old RSA calls read and write DER in our own memory, where the new ones leave copies
 * of the key behind in buffers that nobody cleanses. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/rsa.h"
#include "base/write.h"
#include "crypto/ber.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum { MIN_BITS = 2048, MAX_BITS = 4096, OAEP_OVERHEAD = 2 * 32 + 2 };

/* 1.2.840.113549.1.1.1 */
static const uint8_t rsa_encryption[] = {0x2A, 0x86, 0x48, 0x86, 0xF7,
                                         0x0D, 0x01, 0x01, 0x01};
static const uint8_t version_0[] = {0};

typedef struct rsa_handle {
    RSA *at;
} rsa_handle;

static void rsa_handle_drop(rsa_handle *h)
{
    RSA_free(h->at); /* cleanses what is private */
}

typedef struct number {
    BIGNUM *at;
} number;

static void number_drop(number *n)
{
    BN_free(n->at);
}

typedef struct scratch {
    BN_CTX *at;
} scratch;

static void scratch_drop(scratch *c)
{
    if (c->at != NULL) BN_CTX_end(c->at);
    BN_CTX_free(c->at); /* cleanses its numbers */
}

EM_SECRET(encoded, EM_RSA_WRAPPED_MAX); /* an encoded message, before or after RSA */

/* RFC 5958 2 around RFC 8017's RSAPrivateKey; every length takes two octets, since the
 * key has 2048 bits or more. */
static em_err put_pkcs8(RSA *rsa, em_rsa_key *ret_key)
{
    EM_DROP(em_rsa_key) key = {0};
    em_out o = EM_OUT(key.der);
    int inner = i2d_RSAPrivateKey(rsa, NULL);

    if (inner < 256 || (size_t)inner + 26 > sizeof key.der) return EM_ERR_BAD_KEY;
    em_write_be16(&o, 0x3082);
    em_write_be16(&o, (uint16_t)(inner + 22));
    em_write_bytes(&o, EM_STR("\x02\x01\x00\x30\x0D\x06\x09"));
    em_write_bytes(&o, EM_BYTES(rsa_encryption));
    em_write_bytes(&o, EM_STR("\x05\x00"));
    em_write_be16(&o, 0x0482);
    em_write_be16(&o, (uint16_t)inner);
    EM_TRY(em_write_end(&o));

    uint8_t *to = key.der + o.len;
    if (i2d_RSAPrivateKey(rsa, &to) != inner) return EM_ERR_CRYPTO;
    key.len = o.len + (size_t)inner;
    *ret_key = key;
    return EM_OK;
}

static em_err get_pkcs8(em_bytes der, rsa_handle *ret_rsa)
{
    em_ber b = em_ber_over(der);

    em_ber_enter(&b, EM_BER_SEQUENCE);
    em_ber_expect(&b, EM_BER_INTEGER, EM_BYTES(version_0));
    em_ber_enter(&b, EM_BER_SEQUENCE);
    em_ber_expect(&b, EM_BER_OID, EM_BYTES(rsa_encryption));
    if (em_ber_peek(&b) == EM_BER_NULL) em_ber_expect(&b, EM_BER_NULL, (em_bytes){0});
    em_ber_leave(&b);
    em_bytes inner = em_ber_value(&b, EM_BER_OCTETS);
    if (em_ber_peek(&b) == EM_BER_CONTEXT_CONSTRUCTED) /* attributes say nothing to us */
        em_ber_whole(&b, EM_BER_CONTEXT_CONSTRUCTED);
    em_ber_leave(&b);
    if (em_ber_end(&b) != EM_OK || inner.len > EM_RSA_PKCS8_MAX) return EM_ERR_BAD_KEY;

    const unsigned char *at = inner.at;
    ret_rsa->at = d2i_RSAPrivateKey(NULL, &at, (long)inner.len);
    if (ret_rsa->at == NULL || at != inner.at + inner.len) {
        ERR_clear_error();
        return EM_ERR_BAD_KEY;
    }
    return EM_OK;
}

static bool size_allowed(const RSA *rsa)
{
    int bits = RSA_bits(rsa);

    return bits >= MIN_BITS && bits <= MAX_BITS;
}

/* RFC 8017 3.2 for two primes, in numbers that are cleansed (RSA_check_key leaves one on
 * the heap). */
static bool numbers_agree(const RSA *rsa)
{
    EM_DROP(scratch) c = {.at = BN_CTX_new()};

    if (c.at == NULL) return false;
    BN_CTX_start(c.at);
    const BIGNUM *n = RSA_get0_n(rsa), *e = RSA_get0_e(rsa), *d = RSA_get0_d(rsa);
    const BIGNUM *p = RSA_get0_p(rsa), *q = RSA_get0_q(rsa);
    BIGNUM *p_1 = BN_CTX_get(c.at), *q_1 = BN_CTX_get(c.at), *t = BN_CTX_get(c.at);

    return t != NULL && BN_check_prime(p, c.at, NULL) == 1 &&
           BN_check_prime(q, c.at, NULL) == 1 && BN_mul(t, p, q, c.at) == 1 &&
           BN_cmp(t, n) == 0 && BN_sub(p_1, p, BN_value_one()) == 1 &&
           BN_sub(q_1, q, BN_value_one()) == 1 && BN_mod_mul(t, d, e, p_1, c.at) == 1 &&
           BN_is_one(t) && BN_mod_mul(t, d, e, q_1, c.at) == 1 && BN_is_one(t) &&
           BN_mod(t, d, p_1, c.at) == 1 && BN_cmp(t, RSA_get0_dmp1(rsa)) == 0 &&
           BN_mod(t, d, q_1, c.at) == 1 && BN_cmp(t, RSA_get0_dmq1(rsa)) == 0 &&
           BN_mod_mul(t, RSA_get0_iqmp(rsa), q, p, c.at) == 1 && BN_is_one(t);
}

em_err em_rsa_generate(em_rsa_key *ret_key)
{
    EM_DROP(rsa_handle) rsa = {.at = RSA_new()};
    EM_DROP(number) e = {.at = BN_new()};

    if (rsa.at == NULL || e.at == NULL || BN_set_word(e.at, RSA_F4) != 1 ||
        RSA_generate_key_ex(rsa.at, EM_RSA_BITS, e.at, NULL) != 1) {
        ERR_clear_error();
        return EM_ERR_CRYPTO;
    }
    return put_pkcs8(rsa.at, ret_key);
}

em_err em_rsa_from_pkcs8(em_bytes der, em_rsa_key *ret_key)
{
    EM_DROP(rsa_handle) rsa = {0};

    EM_TRY(get_pkcs8(der, &rsa));
    if (!size_allowed(rsa.at) || RSA_get_version(rsa.at) != RSA_ASN1_VERSION_DEFAULT ||
        !numbers_agree(rsa.at)) {
        ERR_clear_error();
        return EM_ERR_BAD_KEY;
    }
    return put_pkcs8(rsa.at, ret_key);
}

em_err em_rsa_spki(const em_rsa_key *key, uint8_t ret_spki[EM_RSA_SPKI_MAX],
                   size_t *ret_len)
{
    EM_DROP(rsa_handle) rsa = {0};

    EM_TRY(get_pkcs8(em_view(key->der, key->len), &rsa));
    int len = i2d_RSA_PUBKEY(rsa.at, NULL);
    if (len <= 0 || len > EM_RSA_SPKI_MAX) return EM_ERR_CRYPTO;

    uint8_t *to = ret_spki;
    *ret_len = (size_t)i2d_RSA_PUBKEY(rsa.at, &to);
    em_declassify(ret_spki, *ret_len);
    return EM_OK;
}

em_err em_rsa_oaep_open(const em_rsa_key *key, em_bytes wrapped, uint8_t *out, size_t cap,
                        size_t *ret_len)
{
    EM_DROP(rsa_handle) rsa = {0};
    EM_DROP(encoded) em = {0};
    EM_DROP(encoded) plain = {0};

    EM_TRY(get_pkcs8(em_view(key->der, key->len), &rsa));
    int size = RSA_size(rsa.at);
    if (!size_allowed(rsa.at)) return EM_ERR_BAD_KEY;
    if (cap < (size_t)size - OAEP_OVERHEAD) return EM_ERR_FULL;

    /* RFC 8017 7.1.2: the padding is judged in constant time, by libcrypto */
    int len = -1;
    if (wrapped.len == (size_t)size &&
        RSA_private_decrypt(size, wrapped.at, em.b, rsa.at, RSA_NO_PADDING) == size)
        len =
            RSA_padding_check_PKCS1_OAEP_mgf1(plain.b, size - OAEP_OVERHEAD, em.b, size,
                                              size, NULL, 0, EVP_sha256(), EVP_sha256());
    ERR_clear_error();
    if (len < 0) return EM_ERR_OPEN_FAILED;
    memcpy(out, plain.b, (size_t)len);
    *ret_len = (size_t)len;
    return EM_OK;
}

em_err em_rsa_oaep_seal(em_bytes spki, em_bytes plain, uint8_t *out, size_t cap,
                        size_t *ret_len)
{
    EM_DROP(rsa_handle) rsa = {0};
    EM_DROP(encoded) em = {0};
    const unsigned char *at = spki.at;

    if (spki.len > 2 * EM_RSA_SPKI_MAX) return EM_ERR_BAD_KEY;
    rsa.at = d2i_RSA_PUBKEY(NULL, &at, (long)spki.len);
    if (rsa.at == NULL || at != spki.at + spki.len || !size_allowed(rsa.at)) {
        ERR_clear_error();
        return EM_ERR_BAD_KEY;
    }
    int size = RSA_size(rsa.at);
    if (plain.len > (size_t)size - OAEP_OVERHEAD) return EM_ERR_LIMIT;
    if (cap < (size_t)size) return EM_ERR_FULL;

    if (RSA_padding_add_PKCS1_OAEP_mgf1(em.b, size, plain.at, (int)plain.len, NULL, 0,
                                        EVP_sha256(), EVP_sha256()) != 1 ||
        RSA_public_encrypt(size, em.b, out, rsa.at, RSA_NO_PADDING) != size) {
        ERR_clear_error();
        return EM_ERR_CRYPTO;
    }
    *ret_len = (size_t)size;
    return EM_OK;
}
