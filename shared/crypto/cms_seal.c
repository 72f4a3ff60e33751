#include "crypto/ber.h"
#include "crypto/cms.h"
#include "crypto/cms_impl.h"
#include "crypto/sha2.h"

#include <openssl/err.h>
#include <openssl/evp.h>

enum { PIECE = 1000, INDEFINITE = 0x80 };

typedef struct cipher_ctx {
    EVP_CIPHER_CTX *at;
} cipher_ctx;

static void cipher_ctx_drop(cipher_ctx *c)
{
    EVP_CIPHER_CTX_free(c->at);
}

/* RFC 4055 4.1 with SHA-256 twice; DER. */
static const char oaep_sha256[] = "\x30\x3C\x06\x09" EM_CMS_OID_OAEP "\x30\x2F"
                                  "\xA0\x0F\x30\x0D\x06\x09" EM_CMS_OID_SHA256 "\x05\x00"
                                  "\xA1\x1C\x30\x1A\x06\x09" EM_CMS_OID_MGF1
                                  "\x30\x0D\x06\x09" EM_CMS_OID_SHA256 "\x05\x00";

/* How many bytes a value with `len` bytes of contents takes; lengths are below 2^16. */
static size_t whole(size_t len)
{
    return 1 + (len < 0x80 ? 1u : len < 0x100 ? 2u : 3u) + len;
}

static void put_head(em_out *o, uint8_t tag, size_t len)
{
    em_write_u8(o, tag);
    if (len >= 0x100) {
        em_write_u8(o, 0x82);
        em_write_be16(o, (uint16_t)len);
        return;
    }
    if (len >= 0x80) em_write_u8(o, 0x81);
    em_write_u8(o, (uint8_t)len);
}

static void put(em_out *o, uint8_t tag, em_bytes contents)
{
    put_head(o, tag, contents.len);
    em_write_bytes(o, contents);
}

/* The head of a constructed value; two zero octets end an indefinite one. */
static void put_start(em_out *o, uint8_t tag, bool indefinite, size_t len)
{
    if (!indefinite) {
        put_head(o, tag, len);
        return;
    }
    em_write_u8(o, tag);
    em_write_u8(o, INDEFINITE);
}

/* Encrypts with padding; `ct` has room for plain.len + EM_CMS_BLOCK. */
static em_err encipher(const em_cms_key *key, const uint8_t *iv, em_bytes plain,
                       uint8_t *ct, size_t *ret_len)
{
    EM_DROP(cipher_ctx) c = {.at = EVP_CIPHER_CTX_new()};
    int len = 0, last = 0;

    if (c.at == NULL ||
        EVP_EncryptInit_ex(c.at, EVP_aes_256_cbc(), NULL, key->b, iv) != 1 ||
        (plain.len > 0 &&
         EVP_EncryptUpdate(c.at, ct, &len, plain.at, (int)plain.len) != 1) ||
        EVP_EncryptFinal_ex(c.at, ct + len, &last) != 1) {
        ERR_clear_error();
        return EM_ERR_CRYPTO;
    }
    *ret_len = (size_t)(len + last);
    return EM_OK;
}

em_err em_cms_seal(em_bytes spki, const em_cms_key *key, const uint8_t iv[EM_CMS_BLOCK],
                   em_bytes plain, bool indefinite, em_out *o)
{
    uint8_t wrapped[EM_RSA_WRAPPED_MAX], ct[EM_CMS_MAX], ski[EM_SHA256_LEN];
    size_t wrapped_len, ct_len;

    if (plain.len > EM_CMS_MAX_PLAIN) return EM_ERR_LIMIT;
    EM_TRY(
        em_rsa_oaep_seal(spki, EM_BYTES(key->b), wrapped, sizeof wrapped, &wrapped_len));
    EM_TRY(encipher(key, iv, plain, ct, &ct_len));
    em_sha2_256(spki, ski);

    em_bytes oaep = em_view(oaep_sha256, sizeof oaep_sha256 - 1);
    em_bytes aes_oid = EM_STR(EM_CMS_OID_AES256_CBC);
    size_t recipient = 3 + whole(sizeof ski) + oaep.len + whole(wrapped_len);
    size_t aes = whole(aes_oid.len) + whole(EM_CMS_BLOCK);
    size_t content = whole(9) + whole(aes) + whole(ct_len);
    size_t enveloped = 3 + whole(whole(recipient)) + whole(content);

    put_start(o, EM_BER_SEQUENCE, indefinite, whole(9) + whole(whole(enveloped)));
    put(o, EM_BER_OID, EM_STR(EM_CMS_OID_ENVELOPED));
    put_start(o, EM_BER_CONTEXT_CONSTRUCTED, indefinite, whole(enveloped));
    put_start(o, EM_BER_SEQUENCE, indefinite, enveloped);
    put(o, EM_BER_INTEGER, EM_STR("\x02"));
    put_head(o, EM_BER_SET, whole(recipient));
    put_head(o, EM_BER_SEQUENCE, recipient);
    put(o, EM_BER_INTEGER, EM_STR("\x02"));
    put(o, EM_BER_CONTEXT, EM_BYTES(ski));
    em_write_bytes(o, oaep);
    put(o, EM_BER_OCTETS, em_view(wrapped, wrapped_len));

    put_start(o, EM_BER_SEQUENCE, indefinite, content);
    put(o, EM_BER_OID, EM_STR(EM_CMS_OID_DATA));
    put_head(o, EM_BER_SEQUENCE, aes);
    put(o, EM_BER_OID, aes_oid);
    put(o, EM_BER_OCTETS, em_view(iv, EM_CMS_BLOCK));
    if (!indefinite) {
        put(o, EM_BER_CONTEXT, em_view(ct, ct_len));
        return em_write_end(o);
    }
    put_start(o, EM_BER_CONTEXT_CONSTRUCTED, true, 0);
    for (size_t at = 0; at < ct_len; at += PIECE)
        put(o, EM_BER_OCTETS,
            em_view(ct + at, ct_len - at < PIECE ? ct_len - at : PIECE));
    em_write_zeros(o, 5 * 2); /* content, its info, EnvelopedData, [0], ContentInfo */
    return em_write_end(o);
}
