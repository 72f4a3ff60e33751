#include "crypto/ed25519.h"

#include <sodium/crypto_sign_ed25519.h>

_Static_assert(crypto_sign_ed25519_SECRETKEYBYTES == sizeof(em_ed25519_secret), "layout");
_Static_assert(crypto_sign_ed25519_BYTES == EM_ED25519_SIG_LEN, "RFC 8032");

em_err em_ed25519_from_seed(const uint8_t seed[EM_ED25519_SEED_LEN],
                            em_ed25519_secret *ret_secret, em_ed25519_public *ret_public)
{
    EM_DROP(em_ed25519_secret) secret = {0};
    em_ed25519_public public;

    if (crypto_sign_ed25519_seed_keypair(public.b, secret.b, seed) != 0)
        return EM_ERR_CRYPTO;
    em_declassify(&public, sizeof public);
    *ret_secret = secret;
    *ret_public = public;
    return EM_OK;
}

em_err em_ed25519_sign(const em_ed25519_secret *secret, em_bytes message,
                       uint8_t ret_sig[EM_ED25519_SIG_LEN])
{
    uint8_t sig[EM_ED25519_SIG_LEN];

    if (crypto_sign_ed25519_detached(sig, NULL, message.at, message.len, secret->b) != 0)
        return EM_ERR_CRYPTO;
    em_declassify(sig, sizeof sig);
    memcpy(ret_sig, sig, sizeof sig);
    return EM_OK;
}

em_err em_ed25519_verify(const em_ed25519_public *key, em_bytes message, em_bytes sig)
{
    if (sig.len != EM_ED25519_SIG_LEN) return EM_ERR_BAD_SIG_LENGTH;

    /* As built by default, libsodium refuses S >= L, a non-canonical A, a small-order A
     * or R, and compares R as bytes: tests/crypto/ed25519.c holds it to that. */
    if (crypto_sign_ed25519_verify_detached(sig.at, message.at, message.len, key->b) != 0)
        return EM_ERR_SIG_FAILED;
    return EM_OK;
}
