#include "trust/sign1.h"

/* Sig_structure around protected header and payload; the envelope around all of it. */
enum { TBS_EXTRA = 128, ENVELOPE_EXTRA = 96 };

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

em_err em_sign1_verify(const em_cose_sign1 *parts, const em_ed25519_public *key)
{
    uint8_t buf[EM_SIGN1_MAX + TBS_EXTRA];
    em_bytes tbs;

    if (parts->payload.len > EM_SIGN1_MAX) return EM_ERR_LIMIT;
    EM_TRY(em_cose_tbs(parts, (em_bytes){0}, buf, sizeof buf, &tbs));
    return em_ed25519_verify(key, tbs, parts->signature);
}

em_err em_sign1_write(em_bytes protected, em_bytes payload,
                      const em_ed25519_secret *secret, em_out *o)
{
    uint8_t buf[EM_SIGN1_MAX + TBS_EXTRA], sig[EM_ED25519_SIG_LEN];
    em_cose_sign1 parts = {.protected = protected, .payload = payload};
    em_bytes tbs;

    if (payload.len + protected.len + ENVELOPE_EXTRA > EM_SIGN1_MAX) return EM_ERR_LIMIT;
    EM_TRY(em_cose_tbs(&parts, (em_bytes){0}, buf, sizeof buf, &tbs));
    EM_TRY(em_ed25519_sign(secret, tbs, sig));
    em_cose_put_sign1(o, true, protected, payload, EM_BYTES(sig));
    return em_write_end(o);
}
