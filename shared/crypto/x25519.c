#include "crypto/x25519.h"

#include <sodium/crypto_scalarmult_curve25519.h>

_Static_assert(crypto_scalarmult_curve25519_BYTES == EM_X25519_LEN, "RFC 7748");

em_err em_x25519_public_of(const em_x25519_secret *secret, em_x25519_public *ret_public)
{
    em_x25519_public out;

    if (crypto_scalarmult_curve25519_base(out.b, secret->b) != 0) return EM_ERR_CRYPTO;
    em_declassify(&out, sizeof out);
    *ret_public = out;
    return EM_OK;
}

em_err em_x25519_shared_of(const em_x25519_secret *secret, const em_x25519_public *peer,
                           em_x25519_shared *ret_shared)
{
    EM_DROP(em_x25519_shared) out = {0};

    /* libsodium refuses the points of small order; what it lets pass is looked at again
     */
    if (crypto_scalarmult_curve25519(out.b, secret->b, peer->b) != 0)
        return EM_ERR_ZERO_SHARED;
    if (em_all_zero(EM_BYTES(out.b))) return EM_ERR_ZERO_SHARED;
    *ret_shared = out;
    return EM_OK;
}
