#include "crypto/aead.h"

#include <openssl/err.h>
#include <openssl/evp.h>

typedef struct cipher_ctx {
    EVP_CIPHER_CTX *at;
} cipher_ctx;

static void cipher_ctx_drop(cipher_ctx *c)
{
    EVP_CIPHER_CTX_free(c->at); /* cleanses the key schedule */
}

static const EVP_CIPHER *cipher_of(em_aead_alg alg)
{
    switch (alg) {
    case EM_AEAD_AES_128_GCM:
        return EVP_aes_128_gcm();
    case EM_AEAD_AES_256_GCM:
        return EVP_aes_256_gcm();
    case EM_AEAD_CHACHA20_POLY1305:
        return EVP_chacha20_poly1305();
    case EM_AEAD_EXPORT_ONLY:
        break;
    }
    return NULL;
}

/* Everything up to the tag.  Lengths are at most EM_AEAD_MAX, so they fit an int. */
static bool run(EVP_CIPHER_CTX *c, const EVP_CIPHER *cipher, const em_aead_key *key,
                const uint8_t *nonce, em_bytes aad, em_bytes in, uint8_t *out,
                int encrypt)
{
    int len = 0;

    if (EVP_CipherInit_ex(c, cipher, NULL, key->b, nonce, encrypt) != 1) return false;
    if (aad.len > 0 && EVP_CipherUpdate(c, NULL, &len, aad.at, (int)aad.len) != 1)
        return false;
    if (in.len == 0) return true;
    return EVP_CipherUpdate(c, out, &len, in.at, (int)in.len) == 1 && len == (int)in.len;
}

em_err em_aead_seal(em_aead_alg alg, const em_aead_key *key,
                    const uint8_t nonce[EM_AEAD_NONCE_LEN], em_bytes aad, em_bytes plain,
                    uint8_t *out)
{
    EM_DROP(cipher_ctx) c = {0};
    const EVP_CIPHER *cipher = cipher_of(alg);
    uint8_t none[16];
    int len = 0;

    if (cipher == NULL) return EM_ERR_UNSUPPORTED;
    if (plain.len > EM_AEAD_MAX || aad.len > EM_AEAD_MAX) return EM_ERR_LIMIT;

    if ((c.at = EVP_CIPHER_CTX_new()) == NULL ||
        !run(c.at, cipher, key, nonce, aad, plain, out, 1) ||
        EVP_CipherFinal_ex(c.at, none, &len) != 1 ||
        EVP_CIPHER_CTX_ctrl(c.at, EVP_CTRL_AEAD_GET_TAG, EM_AEAD_TAG_LEN,
                            out + plain.len) != 1) {
        em_wipe(out, plain.len + EM_AEAD_TAG_LEN);
        ERR_clear_error();
        return EM_ERR_CRYPTO;
    }
    em_declassify(out, plain.len + EM_AEAD_TAG_LEN);
    return EM_OK;
}

em_err em_aead_open(em_aead_alg alg, const em_aead_key *key,
                    const uint8_t nonce[EM_AEAD_NONCE_LEN], em_bytes aad, em_bytes sealed,
                    uint8_t *out)
{
    EM_DROP(cipher_ctx) c = {0};
    const EVP_CIPHER *cipher = cipher_of(alg);
    uint8_t tag[EM_AEAD_TAG_LEN], none[16];
    int len = 0;

    if (cipher == NULL) return EM_ERR_UNSUPPORTED;
    if (sealed.len < EM_AEAD_TAG_LEN) return EM_ERR_SHORT;
    em_bytes in = em_view(sealed.at, sealed.len - EM_AEAD_TAG_LEN);
    if (in.len > EM_AEAD_MAX || aad.len > EM_AEAD_MAX) return EM_ERR_LIMIT;
    memcpy(tag, sealed.at + in.len, sizeof tag);

    /* libcrypto deciphers before it has the tag; a failed tag therefore wipes `out` */
    if ((c.at = EVP_CIPHER_CTX_new()) == NULL ||
        !run(c.at, cipher, key, nonce, aad, in, out, 0) ||
        EVP_CIPHER_CTX_ctrl(c.at, EVP_CTRL_AEAD_SET_TAG, EM_AEAD_TAG_LEN, tag) != 1 ||
        EVP_CipherFinal_ex(c.at, none, &len) != 1) {
        em_wipe(out, in.len);
        ERR_clear_error();
        return EM_ERR_OPEN_FAILED;
    }
    return EM_OK;
}
