#include "crypto/cms.h"
#include "crypto/ber.h"
#include "crypto/cms_impl.h"

#include <openssl/err.h>
#include <openssl/evp.h>

typedef struct cipher_ctx {
    EVP_CIPHER_CTX *at;
} cipher_ctx;

static void cipher_ctx_drop(cipher_ctx *c)
{
    EVP_CIPHER_CTX_free(c->at);
}

EM_SECRET(unwrapped, EM_RSA_WRAPPED_MAX); /* what RSA gives, of any length */

static void expect_oid(em_ber *b, em_bytes oid)
{
    em_ber_expect(b, EM_BER_OID, oid);
}

/* AlgorithmIdentifier of SHA-256; parameters absent or NULL (RFC 5754 2). */
static void expect_sha256(em_ber *b)
{
    em_ber_enter(b, EM_BER_SEQUENCE);
    expect_oid(b, EM_STR(EM_CMS_OID_SHA256));
    if (em_ber_peek(b) == EM_BER_NULL) em_ber_expect(b, EM_BER_NULL, (em_bytes){0});
    em_ber_leave(b);
}

/* RFC 4055 4.1: hash and MGF1 are both SHA-256 here, so both must be spelled out; the
 * label is empty, absent or not. */
static void expect_oaep_sha256(em_ber *b)
{
    enum { LABEL = EM_BER_CONTEXT_CONSTRUCTED + 2 };

    em_ber_enter(b, EM_BER_SEQUENCE);
    expect_oid(b, EM_STR(EM_CMS_OID_OAEP));
    em_ber_enter(b, EM_BER_SEQUENCE);
    em_ber_enter(b, EM_BER_CONTEXT_CONSTRUCTED);
    expect_sha256(b);
    em_ber_leave(b);
    em_ber_enter(b, EM_BER_CONTEXT_CONSTRUCTED + 1);
    em_ber_enter(b, EM_BER_SEQUENCE);
    expect_oid(b, EM_STR(EM_CMS_OID_MGF1));
    expect_sha256(b);
    em_ber_leave(b);
    em_ber_leave(b);
    if (em_ber_peek(b) == LABEL) {
        em_ber_enter(b, LABEL);
        em_ber_enter(b, EM_BER_SEQUENCE);
        expect_oid(b, EM_STR(EM_CMS_OID_P_SPECIFIED));
        em_ber_expect(b, EM_BER_OCTETS, (em_bytes){0});
        em_ber_leave(b);
        em_ber_leave(b);
    }
    em_ber_leave(b);
    em_ber_leave(b);
}

/* RFC 5652 6.2.1: one KeyTransRecipientInfo.  Version 2 goes with a key identifier, 0
 * with issuer and serial number. */
static em_bytes recipient(em_ber *b, em_bytes version)
{
    em_ber_enter(b, EM_BER_SET);
    em_ber_enter(b, EM_BER_SEQUENCE);
    em_ber_expect(b, EM_BER_INTEGER, version);
    if (em_same(version, EM_STR("\x02"))) {
        em_ber_value(b, EM_BER_CONTEXT);
    } else {
        em_ber_whole(b, EM_BER_SEQUENCE);
    }
    expect_oaep_sha256(b);
    em_bytes wrapped = em_ber_value(b, EM_BER_OCTETS);
    em_ber_leave(b);
    em_ber_leave(b);
    return wrapped;
}

/* RFC 5652 6.1: EncryptedContentInfo with AES-256-CBC (RFC 3565 4.1) */
static em_err content(em_ber *b, em_cms *cms)
{
    em_ber_enter(b, EM_BER_SEQUENCE);
    expect_oid(b, EM_STR(EM_CMS_OID_DATA));
    em_ber_enter(b, EM_BER_SEQUENCE);
    expect_oid(b, EM_STR(EM_CMS_OID_AES256_CBC));
    em_bytes iv = em_ber_value(b, EM_BER_OCTETS);
    em_ber_leave(b);
    if (iv.len != sizeof cms->iv) return EM_ERR_CMS_MALFORMED;
    memcpy(cms->iv, iv.at, sizeof cms->iv);

    if (em_ber_peek(b) == EM_BER_CONTEXT) {
        cms->part[cms->n_parts++] = em_ber_value(b, EM_BER_CONTEXT);
    } else {
        em_ber_enter(b, EM_BER_CONTEXT_CONSTRUCTED);
        while (em_ber_peek(b) == EM_BER_OCTETS) {
            if (cms->n_parts == EM_CMS_MAX_PARTS) return EM_ERR_CMS_MALFORMED;
            cms->part[cms->n_parts++] = em_ber_value(b, EM_BER_OCTETS);
        }
        em_ber_leave(b);
    }
    em_ber_leave(b);
    return EM_OK;
}

em_err em_cms_parse(em_bytes ber, em_cms *ret_cms)
{
    em_ber b = em_ber_over(ber);
    em_cms cms = {0};

    if (ber.len > EM_CMS_MAX) return EM_ERR_CMS_MALFORMED;
    em_ber_enter(&b, EM_BER_SEQUENCE);
    expect_oid(&b, EM_STR(EM_CMS_OID_ENVELOPED));
    em_ber_enter(&b, EM_BER_CONTEXT_CONSTRUCTED);
    em_ber_enter(&b, EM_BER_SEQUENCE);
    em_bytes version = em_ber_value(&b, EM_BER_INTEGER);
    if (!em_same(version, EM_STR("\x00")) && !em_same(version, EM_STR("\x02")))
        return EM_ERR_CMS_MALFORMED;
    cms.wrapped_key = recipient(&b, version);
    EM_TRY(content(&b, &cms));
    em_ber_leave(&b);
    em_ber_leave(&b);
    em_ber_leave(&b);
    if (em_ber_end(&b) != EM_OK) return EM_ERR_CMS_MALFORMED;

    for (size_t i = 0; i < cms.n_parts; i++) cms.len += cms.part[i].len;
    if (cms.len == 0 || cms.len % EM_CMS_BLOCK != 0) return EM_ERR_CMS_MALFORMED;
    *ret_cms = cms;
    return EM_OK;
}

/* AES-256-CBC over the parts as one string, padding left on. */
static bool decipher(const em_cms *cms, const em_cms_key *key, uint8_t *out)
{
    EM_DROP(cipher_ctx) c = {.at = EVP_CIPHER_CTX_new()};
    size_t done = 0;
    int len = 0;

    if (c.at == NULL ||
        EVP_DecryptInit_ex(c.at, EVP_aes_256_cbc(), NULL, key->b, cms->iv) != 1 ||
        EVP_CIPHER_CTX_set_padding(c.at, 0) != 1)
        return false;
    for (size_t i = 0; i < cms->n_parts; i++) {
        em_bytes part = cms->part[i];
        if (part.len == 0) continue;
        if (EVP_DecryptUpdate(c.at, out + done, &len, part.at, (int)part.len) != 1)
            return false;
        done += (size_t)len;
    }
    return done == cms->len;
}

/* RFC 5652 6.3, in time that says nothing: how much of the last block is padding, or 0
 * where it is no padding. */
static unsigned padding(const uint8_t block[EM_CMS_BLOCK])
{
    unsigned count = block[EM_CMS_BLOCK - 1];
    unsigned wrong = (count - 1) >> 4; /* 0 for 1..16 only */

    for (unsigned i = 0; i < EM_CMS_BLOCK; i++) {
        unsigned padded = 0u - ((i - count) >> 31); /* all ones where i < count */
        wrong |= padded & (block[EM_CMS_BLOCK - 1 - i] ^ count);
    }
    unsigned right = (wrong - 1) >> 31; /* 1 where wrong is 0: it is below 2^31 */
    return count * right;
}

em_err em_cms_open(const em_rsa_key *key, em_bytes ber, uint8_t *out, size_t cap,
                   size_t *ret_len)
{
    EM_DROP(unwrapped) raw = {0};
    EM_DROP(em_cms_key) cek = {0};
    em_cms cms;
    size_t raw_len = 0;

    EM_TRY(em_cms_parse(ber, &cms));
    if (cap < cms.len) return EM_ERR_FULL;

    /* A key that does not unwrap is followed by the same work, under zeros, so that the
     * time does not say what failed. */
    em_err err = em_rsa_oaep_open(key, cms.wrapped_key, raw.b, sizeof raw.b, &raw_len);
    bool good = err == EM_OK && raw_len == sizeof cek.b;
    memcpy(cek.b, raw.b, sizeof cek.b);
    good = decipher(&cms, &cek, out) && good;
    unsigned pad = padding(out + cms.len - EM_CMS_BLOCK);

    if (!good || pad == 0) {
        em_wipe(out, cap);
        ERR_clear_error();
        return EM_ERR_CMS_OPEN_FAILED;
    }
    size_t len = cms.len - pad;
    em_wipe(out + len, cap - len);
    *ret_len = len;
    return EM_OK;
}
