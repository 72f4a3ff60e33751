/* chains.h - certificate chains in the shape of Nitro's, made by libcrypto: a root, CAs
 * with falling path lengths, a leaf without key identifiers; P-384, 21-octet serials.
 *
 * Trust:  test code only.
 * Memory: certificates live to the program's end.
 */
#ifndef EM_TESTS_CRYPTO_CHAINS_H
#define EM_TESTS_CRYPTO_CHAINS_H

#include "base/limits.h"
#include "crypto/x509.h"
#include "tests/support/test.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* 2023-11-14T22:13:20Z; the leaf is valid from an hour before to two hours after. */
#define CHAINS_NOW_MS ((uint64_t)1700000000000)
enum { CHAINS_N = 5, CHAINS_HOUR = 3600 };

/* How certificate i is made; all NULL is the good way. */
typedef struct chains_how {
    const char *type[EM_MAX_CHAIN];          /* of its key: "P-384" */
    const EVP_MD *(*md[EM_MAX_CHAIN])(void); /* of its signature: EVP_sha384 */
    void (*edit[EM_MAX_CHAIN])(X509 *x);     /* called before it is signed */
    EVP_PKEY *signer[EM_MAX_CHAIN];          /* in its issuer's place */
} chains_how;

typedef struct chains {
    size_t n; /* certificates; der[n - 1] is the leaf */
    em_bytes der[EM_MAX_CHAIN + 1];
} chains;

/* The same key for the same type and place at every call. */
static inline EVP_PKEY *chains_key(const char *type, size_t i)
{
    static struct {
        const char *type;
        EVP_PKEY *key;
    } made[EM_MAX_CHAIN][8];

    if (type == NULL) type = "P-384";
    for (size_t k = 0; k < EM_COUNT(made[i]); k++) {
        if (made[i][k].key == NULL) {
            made[i][k].type = type;
            made[i][k].key = strcmp(type, "RSA") == 0
                                 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
                                 : EVP_EC_gen(type);
        }
        if (strcmp(made[i][k].type, type) == 0) return made[i][k].key;
    }
    abort();
}

static inline void chains_extend(X509 *x, int nid, const char *value)
{
    X509V3_CTX c;

    X509V3_set_ctx(&c, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &c, nid, value);
    if (e == NULL || X509_add_ext(x, e, -1) != 1) abort();
    X509_EXTENSION_free(e);
}

static inline void chains_drop_ext(X509 *x, int nid)
{
    int at = X509_get_ext_by_NID(x, nid, -1);

    if (at < 0) abort();
    X509_EXTENSION_free(X509_delete_ext(x, at));
}

static inline void chains_name(X509_NAME *n, size_t i, size_t count)
{
    char cn[64];

    snprintf(cn, sizeof cn,
             i == 0          ? "root.test"
             : i + 1 < count ? "ca-%zu.test"
                             : "i-%zu",
             i);
    X509_NAME_add_entry_by_txt(n, "C", MBSTRING_ASC, (const uint8_t *)"US", -1, -1, 0);
    X509_NAME_add_entry_by_txt(n, "O", MBSTRING_ASC, (const uint8_t *)"Test", -1, -1, 0);
    X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const uint8_t *)cn, -1, -1, 0);
}

static inline em_bytes chains_der(X509 *x)
{
    int len = i2d_X509(x, NULL);
    uint8_t *at = test_alloc((size_t)len), *to = at;

    if (i2d_X509(x, &to) != len) abort();
    return em_view(at, (size_t)len);
}

static inline em_bytes chains_one(const chains_how *how, size_t i, size_t n)
{
    X509 *x = X509_new();
    EVP_PKEY *key = chains_key(how->type[i], i);
    size_t issuer = i > 0 ? i - 1 : 0;
    EVP_PKEY *signer =
        how->signer[i] != NULL ? how->signer[i] : chains_key(how->type[issuer], issuer);
    time_t now = (time_t)(CHAINS_NOW_MS / 1000);
    time_t life = (time_t)CHAINS_HOUR << (2 * (n - 1 - i)); /* CAs live longer */
    uint8_t serial[20] = {0xF0, (uint8_t)i}; /* the sign takes a 21st octet */
    BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
    char text[64];
    X509_NAME *issuer_name = X509_NAME_new();

    X509_set_version(x, 2);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
    BN_free(number);
    chains_name(X509_get_subject_name(x), i, n);
    chains_name(issuer_name, issuer, n);
    X509_set_issuer_name(x, issuer_name);
    X509_NAME_free(issuer_name);
    ASN1_TIME_set(X509_getm_notBefore(x), now - life);
    ASN1_TIME_set(X509_getm_notAfter(x), now + 2 * life);
    X509_set_pubkey(x, key);
    if (i + 1 == n) {
        chains_extend(x, NID_basic_constraints, "critical,CA:FALSE");
        chains_extend(x, NID_key_usage, "digitalSignature,nonRepudiation");
    } else {
        if (i == 0)
            snprintf(text, sizeof text, "critical,CA:TRUE");
        else
            snprintf(text, sizeof text, "critical,CA:TRUE,pathlen:%zu", n - 2 - i);
        chains_extend(x, NID_basic_constraints, text);
        chains_extend(x, NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign");
        chains_extend(x, NID_subject_key_identifier, "hash");
    }
    if (how->edit[i] != NULL) how->edit[i](x);
    if (X509_sign(x, signer, how->md[i] != NULL ? how->md[i]() : EVP_sha384()) <= 0)
        abort();
    em_bytes der = chains_der(x);
    X509_free(x);
    return der;
}

/* A chain of n certificates, leaf included. */
static inline chains chains_make(const chains_how *how, size_t n)
{
    chains c = {.n = n};

    for (size_t i = 0; i < n; i++) c.der[i] = chains_one(how, i, n);
    return c;
}

/* The verdict on a chain, its last certificate the leaf. */
static inline em_err chains_verify_at(const chains *c, uint64_t at_ms,
                                      em_x509_cache *cache, em_x509_chain *ret)
{
    return em_x509_chain_verify(c->der, c->n - 1, c->der[c->n - 1], at_ms, cache, ret);
}

static inline em_err chains_verify(const chains *c)
{
    em_x509_chain out;

    return chains_verify_at(c, CHAINS_NOW_MS, NULL, &out);
}

static inline void chains_set_time(ASN1_TIME *t, int type, const char *text)
{
    t->type = type;
    ASN1_STRING_set(t, text, -1);
}

#endif
