#define OPENSSL_SUPPRESS_DEPRECATED /* EVP_PKEY_fromdata costs twice what EC_KEY does */
#include "crypto/p384.h"
#include "crypto/sha2.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/objects.h>

typedef struct ec_key {
    EC_KEY *at;
} ec_key;

static void ec_key_drop(ec_key *k)
{
    EC_KEY_free(k->at);
}

typedef struct ec_sig {
    ECDSA_SIG *at;
} ec_sig;

static void ec_sig_drop(ec_sig *s)
{
    ECDSA_SIG_free(s->at);
}

/* SP 800-56A 5.6.2.3.3: the point is on the curve; its order is then n, since h = 1. */
static em_err load(const em_p384_public *key, ec_key *ret_key)
{
    if (key->b[0] != POINT_CONVERSION_UNCOMPRESSED) return EM_ERR_BAD_KEY;
    if ((ret_key->at = EC_KEY_new_by_curve_name(NID_secp384r1)) == NULL)
        return EM_ERR_CRYPTO;
    if (EC_KEY_oct2key(ret_key->at, key->b, sizeof key->b, NULL) != 1) {
        ERR_clear_error();
        return EM_ERR_BAD_KEY;
    }
    return EM_OK;
}

em_err em_p384_verify(const em_p384_public *key, em_bytes message, em_bytes sig)
{
    EM_DROP(ec_key) k = {0};
    EM_DROP(ec_sig) rs = {0};
    uint8_t digest[EM_SHA384_LEN];
    enum { HALF = EM_P384_SIG_LEN / 2 };

    if (sig.len != EM_P384_SIG_LEN) return EM_ERR_BAD_SIG_LENGTH;
    EM_TRY(load(key, &k));

    BIGNUM *r = BN_bin2bn(sig.at, HALF, NULL);
    BIGNUM *s = BN_bin2bn(sig.at + HALF, HALF, NULL);
    rs.at = ECDSA_SIG_new();
    if (rs.at == NULL || ECDSA_SIG_set0(rs.at, r, s) != 1) { /* refuses a NULL */
        BN_free(r);
        BN_free(s);
        return EM_ERR_CRYPTO;
    }
    em_sha2_384(message, digest);
    if (ECDSA_do_verify(digest, sizeof digest, rs.at, k.at) != 1) {
        ERR_clear_error();
        return EM_ERR_SIG_FAILED;
    }
    return EM_OK;
}

em_err em_p384_verify_der(const em_p384_public *key, em_bytes message, em_bytes sig)
{
    EM_DROP(ec_key) k = {0};
    uint8_t digest[EM_SHA384_LEN];
    enum { LONGEST = 2 + 2 * (2 + 49) }; /* two INTEGERs of 49 octets, short form */

    EM_TRY(load(key, &k));
    if (sig.len > LONGEST) return EM_ERR_SIG_FAILED;
    em_sha2_384(message, digest);
    if (ECDSA_verify(0, digest, sizeof digest, sig.at, (int)sig.len, k.at) != 1) {
        ERR_clear_error();
        return EM_ERR_SIG_FAILED;
    }
    return EM_OK;
}
