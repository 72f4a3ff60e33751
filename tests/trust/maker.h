/* maker.h - attestation documents like the NSM's, made by libcrypto alone: a chain of
 * root, three CAs and leaf on P-384, and documents signed by it, good or broken in one
 * place.
 *
 * Trust:  test code only.
 * Memory: freed at exit (test_alloc), keys excepted: maker_drop.
 */
#ifndef EM_TESTS_TRUST_MAKER_H
#define EM_TESTS_TRUST_MAKER_H

#include "crypto/sha2.h"
#include "tests/support/test.h"
#include "trust/attest.h"
#include "wire/cbor_put.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

enum { MAKER_CERTS = 5, MAKER_LEAF = 4 };

#define MAKER_NOW_MS ((uint64_t)1800000000000)
#define MAKER_INSTANCE "i-0123456789abcdef0"
#define MAKER_MODULE MAKER_INSTANCE "-enc0123456789abcdef"

/* One certificate; what is zero is as AWS makes it. */
typedef struct maker_cert {
    int64_t not_before_s, not_after_s;
    bool is_ca;
    int path_len; /* -1: none */
    bool p256, sha256, no_cert_sign, unknown_critical, no_crl_sign;
    bool signed_by_stranger, named_after_stranger;
} maker_cert;

typedef struct maker {
    maker_cert cert[MAKER_CERTS]; /* root first */
    EVP_PKEY *key[MAKER_CERTS], *stranger;
    em_bytes der[MAKER_CERTS];
} maker;

#define MAKER_CHECK(claim)                                                               \
    do {                                                                                 \
        if (!(claim)) abort();                                                           \
    } while (0)

__attribute__((unused)) static void maker_drop(maker *m)
{
    for (size_t i = 0; i < MAKER_CERTS; i++) EVP_PKEY_free(m->key[i]);
    EVP_PKEY_free(m->stranger);
}

/* ---- certificates ---- */

static X509_NAME *maker_name(const char *of, size_t i)
{
    X509_NAME *name = X509_NAME_new();
    char cn[64];

    snprintf(cn, sizeof cn, "%s %zu", of, i);
    MAKER_CHECK(name != NULL);
    MAKER_CHECK(X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
                                           (const unsigned char *)"Maker", -1, -1, 0));
    MAKER_CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                           (const unsigned char *)cn, -1, -1, 0));
    return name;
}

static void maker_extension(X509 *x, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    MAKER_CHECK(e != NULL && X509_add_ext(x, e, -1));
    X509_EXTENSION_free(e);
}

/* 20 octets with the top bit set: 21 in DER, as AWS's CAs draw them. */
static void maker_serial(X509 *x)
{
    unsigned char bytes[20];
    BIGNUM *n;

    MAKER_CHECK(RAND_bytes(bytes, sizeof bytes) == 1);
    bytes[0] |= 0x80;
    n = BN_bin2bn(bytes, sizeof bytes, NULL);
    MAKER_CHECK(n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL);
    BN_free(n);
}

static void maker_extensions(X509 *x, const maker_cert *c)
{
    char constraints[64];

    if (c->is_ca && c->path_len >= 0)
        snprintf(constraints, sizeof constraints, "critical,CA:TRUE,pathlen:%d",
                 c->path_len);
    else
        snprintf(constraints, sizeof constraints, "critical,CA:%s",
                 c->is_ca ? "TRUE" : "FALSE");
    maker_extension(x, NID_basic_constraints, constraints);
    if (!c->is_ca)
        maker_extension(x, NID_key_usage, "critical,digitalSignature");
    else if (c->no_cert_sign)
        maker_extension(x, NID_key_usage, "critical,digitalSignature,cRLSign");
    else
        maker_extension(x, NID_key_usage,
                        c->no_crl_sign ? "critical,keyCertSign"
                                       : "critical,digitalSignature,keyCertSign,cRLSign");
    if (c->is_ca) maker_extension(x, NID_subject_key_identifier, "hash");
    if (c->unknown_critical) maker_extension(x, NID_inhibit_any_policy, "critical,3");
}

/* Makes every certificate anew from its key and what m->cert says. */
__attribute__((unused)) static void maker_issue(maker *m)
{
    for (size_t i = 0; i < MAKER_CERTS; i++) {
        const maker_cert *c = &m->cert[i];
        size_t by = i == 0 ? 0 : i - 1;
        X509 *x = X509_new();
        X509_NAME *subject = maker_name("maker", i);
        X509_NAME *issuer =
            maker_name(c->named_after_stranger ? "stranger" : "maker", by);
        unsigned char *der = NULL;

        MAKER_CHECK(x != NULL && X509_set_version(x, 2));
        maker_serial(x);
        MAKER_CHECK(X509_set_subject_name(x, subject) && X509_set_issuer_name(x, issuer));
        MAKER_CHECK(ASN1_TIME_set(X509_getm_notBefore(x), (time_t)c->not_before_s) !=
                    NULL);
        MAKER_CHECK(ASN1_TIME_set(X509_getm_notAfter(x), (time_t)c->not_after_s) != NULL);
        MAKER_CHECK(X509_set_pubkey(x, m->key[i]));
        maker_extensions(x, c);
        MAKER_CHECK(X509_sign(x, c->signed_by_stranger ? m->stranger : m->key[by],
                              c->sha256 ? EVP_sha256() : EVP_sha384()) > 0);
        int len = i2d_X509(x, &der);
        MAKER_CHECK(len > 0);
        uint8_t *copy = test_alloc((size_t)len);
        memcpy(copy, der, (size_t)len);
        m->der[i] = em_view(copy, (size_t)len);
        OPENSSL_free(der);
        X509_NAME_free(subject);
        X509_NAME_free(issuer);
        X509_free(x);
    }
}

/* Keys and a good chain around MAKER_NOW_MS: root 30 years, CAs shrinking, leaf 3 hours.
 */
__attribute__((unused)) static void maker_init(maker *m)
{
    static const int64_t life_s[MAKER_CERTS] = {946080000, 1728000, 432000, 86400, 10800};
    int64_t now_s = (int64_t)(MAKER_NOW_MS / 1000);

    *m = (maker){0};
    for (size_t i = 0; i < MAKER_CERTS; i++) {
        m->key[i] = EVP_EC_gen("P-384");
        MAKER_CHECK(m->key[i] != NULL);
        m->cert[i] = (maker_cert){
            .not_before_s = now_s - life_s[i] / 3,
            .not_after_s = now_s + life_s[i] - life_s[i] / 3,
            .is_ca = i != MAKER_LEAF,
            .path_len = i == 0 ? -1 : (int)(MAKER_LEAF - 1 - i),
        };
    }
    m->stranger = EVP_EC_gen("P-384");
    MAKER_CHECK(m->stranger != NULL);
    maker_issue(m);
}

__attribute__((unused)) static em_root maker_root(const maker *m)
{
    em_root root;

    em_x509_fingerprint(m->der[0], root.sha256);
    return root;
}

/* ---- documents ---- */

/* Members to leave out, as bits. */
enum {
    MAKER_NO_MODULE = 1,
    MAKER_NO_DIGEST = 2,
    MAKER_NO_TIMESTAMP = 4,
    MAKER_NO_PCRS = 8,
    MAKER_NO_CERTIFICATE = 16,
    MAKER_NO_CABUNDLE = 32,
};

typedef struct maker_doc {
    em_bytes module_id, digest;
    uint64_t timestamp_ms;
    uint32_t pcr_present;
    uint8_t pcr[EM_MAX_PCRS + 1][EM_PCR_LEN + 1];
    size_t pcr_len; /* of PCR 0 */
    em_document_field public_key, user_data, nonce;
    bool indefinite;    /* the payload's map */
    unsigned leave_out; /* MAKER_NO_… */
    size_t n_cabundle;  /* how many of the chain */
    em_bytes extra;     /* encoded pairs behind the rest */
    unsigned n_extra;
} maker_doc;

__attribute__((unused)) static maker_doc maker_doc_good(void)
{
    maker_doc d = {
        .module_id = EM_STR(MAKER_MODULE),
        .digest = EM_STR("SHA384"),
        .timestamp_ms = MAKER_NOW_MS,
        .pcr_present = 0xFFFF,
        .pcr_len = EM_PCR_LEN,
        .public_key = {.is = EM_NULL},
        .user_data = {.is = EM_NULL},
        .nonce = {.is = EM_NULL},
        .indefinite = true,
        .n_cabundle = MAKER_LEAF,
    };
    const em_bytes parts[] = {em_view(d.pcr[5], EM_PCR_LEN), EM_STR(MAKER_INSTANCE)};
    uint8_t pcr4[EM_PCR_LEN];

    for (unsigned i = 0; i < 4; i++) memset(d.pcr[i], 0x10 + (int)i, EM_PCR_LEN);
    memset(d.pcr[8], 0x18, EM_PCR_LEN);
    em_sha2_384_of(parts, 2, pcr4);
    memcpy(d.pcr[4], pcr4, sizeof pcr4);
    return d;
}

static void maker_put_field(em_out *o, const char *key, const em_document_field *f)
{
    if (f->is == EM_ABSENT) return;
    em_cbor_put_str(o, key);
    if (f->is == EM_NULL)
        em_cbor_put_null(o);
    else
        em_cbor_put_bytes(o, f->bytes);
}

static void maker_put_pcrs(em_out *o, const maker_doc *d)
{
    unsigned n = 0;

    for (unsigned i = 0; i < EM_MAX_PCRS; i++) n += d->pcr_present >> i & 1;
    em_cbor_put_str(o, "pcrs");
    em_cbor_put_map(o, n);
    for (unsigned i = 0; i < EM_MAX_PCRS; i++) {
        if (!(d->pcr_present >> i & 1)) continue;
        em_cbor_put_uint(o, i);
        em_cbor_put_bytes(o, em_view(d->pcr[i], i == 0 ? d->pcr_len : EM_PCR_LEN));
    }
}

/* The payload, in AWS's own order of keys. */
__attribute__((unused)) static em_bytes maker_payload(const maker *m, const maker_doc *d)
{
    enum { CAP = 2 * EM_MAX_DOCUMENT };
    em_out o = em_out_over(test_alloc(CAP), CAP);
    unsigned n = 6 + d->n_extra, out = d->leave_out;

    n -= (unsigned)__builtin_popcount(out);
    n += (d->public_key.is != EM_ABSENT) + 0U + (d->user_data.is != EM_ABSENT) +
         (d->nonce.is != EM_ABSENT);
    if (d->indefinite)
        em_write_u8(&o, 0xBF);
    else
        em_cbor_put_map(&o, n);
    if (!(out & MAKER_NO_MODULE)) {
        em_cbor_put_str(&o, "module_id");
        em_cbor_put_text(&o, d->module_id);
    }
    if (!(out & MAKER_NO_DIGEST)) {
        em_cbor_put_str(&o, "digest");
        em_cbor_put_text(&o, d->digest);
    }
    if (!(out & MAKER_NO_TIMESTAMP)) {
        em_cbor_put_str(&o, "timestamp");
        em_cbor_put_uint(&o, d->timestamp_ms);
    }
    if (!(out & MAKER_NO_PCRS)) maker_put_pcrs(&o, d);
    if (!(out & MAKER_NO_CERTIFICATE)) {
        em_cbor_put_str(&o, "certificate");
        em_cbor_put_bytes(&o, m->der[MAKER_LEAF]);
    }
    if (!(out & MAKER_NO_CABUNDLE)) {
        em_cbor_put_str(&o, "cabundle");
        em_cbor_put_array(&o, d->n_cabundle);
        for (size_t i = 0; i < d->n_cabundle; i++)
            em_cbor_put_bytes(&o, m->der[i < MAKER_LEAF ? i : 0]);
    }
    maker_put_field(&o, "public_key", &d->public_key);
    maker_put_field(&o, "user_data", &d->user_data);
    maker_put_field(&o, "nonce", &d->nonce);
    em_write_bytes(&o, d->extra);
    if (d->indefinite) em_write_u8(&o, 0xFF);
    MAKER_CHECK(em_write_end(&o) == EM_OK);
    return em_write_view(&o);
}

/* ECDSA over SHA-384 by libcrypto, as r || s. */
__attribute__((unused)) static void maker_sign(EVP_PKEY *key, em_bytes message,
                                               uint8_t ret_sig[96])
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char der[160];
    size_t len = sizeof der;
    const unsigned char *at = der;

    MAKER_CHECK(ctx != NULL &&
                EVP_DigestSignInit(ctx, NULL, EVP_sha384(), NULL, key) == 1);
    MAKER_CHECK(EVP_DigestSign(ctx, der, &len, message.at, message.len) == 1);
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    MAKER_CHECK(sig != NULL);
    MAKER_CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret_sig, 48) == 48);
    MAKER_CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret_sig + 48, 48) == 48);
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(ctx);
}

/* How an envelope may be wrong; {0} is right. */
typedef struct maker_envelope {
    bool tagged, nil_payload;
    em_bytes protected;   /* at NULL: a1 01 38 22 */
    em_bytes unprotected; /* the encoded map; at NULL: a0 */
    size_t sig_len;       /* 0: 96 */
    EVP_PKEY *signer;     /* NULL: the leaf's */
} maker_envelope;

__attribute__((unused)) static em_bytes maker_cose(const maker *m, em_bytes payload,
                                                   const maker_envelope *e)
{
    static const uint8_t protected[] = {0xA1, 0x01, 0x38, 0x22};
    em_bytes header = e->protected.at ? e->protected : EM_BYTES(protected);
    size_t cap = payload.len + 512;
    em_out tbs = em_out_over(test_alloc(cap), cap), o = em_out_over(test_alloc(cap), cap);
    uint8_t sig[128] = {0};

    em_cbor_put_array(&tbs, 4);
    em_cbor_put_str(&tbs, "Signature1");
    em_cbor_put_bytes(&tbs, header);
    em_cbor_put_bytes(&tbs, (em_bytes){0});
    em_cbor_put_bytes(&tbs, payload);
    maker_sign(e->signer ? e->signer : m->key[MAKER_LEAF], em_write_view(&tbs), sig);

    if (e->tagged) em_cbor_put_tag(&o, 18);
    em_cbor_put_array(&o, 4);
    em_cbor_put_bytes(&o, header);
    if (e->unprotected.at)
        em_write_bytes(&o, e->unprotected);
    else
        em_cbor_put_map(&o, 0);
    if (e->nil_payload)
        em_cbor_put_null(&o);
    else
        em_cbor_put_bytes(&o, payload);
    em_cbor_put_bytes(&o, em_view(sig, e->sig_len ? e->sig_len : 96));
    MAKER_CHECK(em_write_end(&o) == EM_OK);
    return em_write_view(&o);
}

__attribute__((unused)) static em_bytes maker_document(const maker *m, const maker_doc *d)
{
    return maker_cose(m, maker_payload(m, d), &(maker_envelope){0});
}

#endif
