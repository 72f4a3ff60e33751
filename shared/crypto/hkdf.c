#include "crypto/hkdf.h"
#include "crypto/sha2.h"

void em_hkdf_extract(em_bytes salt, const em_bytes *ikm, size_t n, em_hkdf_prk *ret_prk)
{
    /* RFC 5869 2.2: no salt is a string of zeros, which is also what HMAC pads with */
    em_sha2_hmac(salt, ikm, n, ret_prk->b);
}

em_err em_hkdf_expand(const em_hkdf_prk *prk, const em_bytes *info, size_t n,
                      void *ret_okm, size_t len)
{
    EM_DROP(em_hkdf_prk) t = {0};
    em_bytes parts[EM_HKDF_MAX_PARTS + 2]; /* T(i-1) || info || i */
    uint8_t counter = 0, *okm = ret_okm;

    if (len > EM_HKDF_MAX_OUT || n > EM_HKDF_MAX_PARTS) return EM_ERR_LIMIT;
    parts[0] = (em_bytes){0};
    for (size_t i = 0; i < n; i++) parts[1 + i] = info[i];
    parts[n + 1] = em_view(&counter, 1);

    while (len > 0) {
        size_t take = len < sizeof t.b ? len : sizeof t.b;

        counter++;
        em_sha2_hmac(EM_BYTES(prk->b), parts, n + 2, t.b);
        memcpy(okm, t.b, take);
        parts[0] = EM_BYTES(t.b);
        okm += take;
        len -= take;
    }
    return EM_OK;
}
