#include "trust/sign1.h"

/* Sig_structure around protected header and payload; the envelope around all of it. */
enum {
    PROTECTED_MAX = 64,
    TBS_EXTRA = 32 + PROTECTED_MAX,
    ENVELOPE_EXTRA = 96,
    SMALL = 4096
};

em_err em_sign1_open(em_bytes in, em_bytes protected, em_cose_sign1 *ret_parts)
{
    em_cose_sign1 parts;

    if (in.len > EM_SIGN1_MAX) return EM_ERR_LIMIT;
    EM_TRY(em_cose_parse(in, EM_COSE_TAGGED, &parts));
    if (!em_same(parts.protected, protected)) return EM_ERR_BAD_PROTECTED;
    if (!em_same(parts.unprotected, EM_STR("\xA0"))) return EM_ERR_BAD_UNPROTECTED;
    if (!parts.has_payload) return EM_ERR_COSE_DECODE_FAILED;
    if (parts.signature.len != EM_ED25519_SIG_LEN) return EM_ERR_BAD_SIG_LENGTH;
    *ret_parts = parts;
    return EM_OK;
}

/* Most of what is signed is small; the large buffer has a frame of its own, which the
 * small path does not pay for. */
static em_err verify_in(const em_cose_sign1 *parts, const em_ed25519_public *key,
                        uint8_t *buf, size_t cap)
{
    em_bytes tbs;

    EM_TRY(em_cose_tbs(parts, (em_bytes){0}, buf, cap, &tbs));
    return em_ed25519_verify(key, tbs, parts->signature);
}

static __attribute__((noinline)) em_err verify_large(const em_cose_sign1 *parts,
                                                     const em_ed25519_public *key)
{
    uint8_t buf[EM_SIGN1_MAX + TBS_EXTRA];

    return verify_in(parts, key, buf, sizeof buf);
}

em_err em_sign1_verify(const em_cose_sign1 *parts, const em_ed25519_public *key)
{
    uint8_t buf[SMALL + TBS_EXTRA];

    if (parts->payload.len > EM_SIGN1_MAX || parts->protected.len > PROTECTED_MAX)
        return EM_ERR_LIMIT;
    if (parts->payload.len > SMALL) return verify_large(parts, key);
    return verify_in(parts, key, buf, sizeof buf);
}

static em_err sign_in(const em_cose_sign1 *parts, const em_ed25519_secret *secret,
                      uint8_t *buf, size_t cap, uint8_t ret_sig[EM_ED25519_SIG_LEN])
{
    em_bytes tbs;

    EM_TRY(em_cose_tbs(parts, (em_bytes){0}, buf, cap, &tbs));
    return em_ed25519_sign(secret, tbs, ret_sig);
}

static __attribute__((noinline)) em_err sign_large(const em_cose_sign1 *parts,
                                                   const em_ed25519_secret *secret,
                                                   uint8_t ret_sig[EM_ED25519_SIG_LEN])
{
    uint8_t buf[EM_SIGN1_MAX + TBS_EXTRA];

    return sign_in(parts, secret, buf, sizeof buf, ret_sig);
}

em_err em_sign1_write(em_bytes protected, em_bytes payload,
                      const em_ed25519_secret *secret, em_out *o)
{
    uint8_t buf[SMALL + TBS_EXTRA], sig[EM_ED25519_SIG_LEN];
    em_cose_sign1 parts = {
        .protected = protected, .has_payload = true, .payload = payload};

    if (protected.len > PROTECTED_MAX) return EM_ERR_LIMIT;
    if (payload.len + protected.len + ENVELOPE_EXTRA > EM_SIGN1_MAX) return EM_ERR_LIMIT;
    if (payload.len > SMALL)
        EM_TRY(sign_large(&parts, secret, sig));
    else
        EM_TRY(sign_in(&parts, secret, buf, sizeof buf, sig));
    em_cose_put_sign1(o, true, protected, payload, EM_BYTES(sig));
    return em_write_end(o);
}
