#include "crypto/hpke.h"

/* RFC 9180 7.1, 7.2: DHKEM(X25519, HKDF-SHA256) is 0x0020, HKDF-SHA256 is 0x0001 */
static const uint8_t kem_suite[5] = {'K', 'E', 'M', 0x00, 0x20};

typedef struct suite {
    uint8_t id[10]; /* "HPKE" || kem || kdf || aead */
} suite;

static suite suite_of(em_aead_alg alg)
{
    return (suite){{'H', 'P', 'K', 'E', 0x00, 0x20, 0x00, 0x01,
                    (uint8_t)((unsigned)alg >> 8), (uint8_t)alg}};
}

/* How long the suite's key is; EM_ERR_UNSUPPORTED for an unknown one.  RFC 9180 7.3 */
static em_err key_len_of(em_aead_alg alg, size_t *ret_len)
{
    switch (alg) {
    case EM_AEAD_AES_128_GCM:
        *ret_len = 16;
        return EM_OK;
    case EM_AEAD_AES_256_GCM:
    case EM_AEAD_CHACHA20_POLY1305:
        *ret_len = EM_AEAD_KEY_LEN;
        return EM_OK;
    case EM_AEAD_EXPORT_ONLY:
        *ret_len = 0;
        return EM_OK;
    }
    return EM_ERR_UNSUPPORTED;
}

/* RFC 9180 4: LabeledExtract */
static void labeled_extract(em_bytes suite_id, em_bytes salt, em_bytes label,
                            em_bytes ikm, em_hkdf_prk *ret_prk)
{
    em_bytes parts[] = {EM_STR("HPKE-v1"), suite_id, label, ikm};

    em_hkdf_extract(salt, parts, EM_COUNT(parts), ret_prk);
}

/* RFC 9180 4: LabeledExpand, with `info` in two halves */
static em_err labeled_expand(em_bytes suite_id, const em_hkdf_prk *prk, em_bytes label,
                             em_bytes info, em_bytes more, void *ret_okm, size_t len)
{
    uint8_t l[2] = {(uint8_t)(len >> 8), (uint8_t)len};
    em_bytes parts[] = {EM_BYTES(l), EM_STR("HPKE-v1"), suite_id, label, info, more};

    return em_hkdf_expand(prk, parts, EM_COUNT(parts), ret_okm, len);
}

/* RFC 9180 4.1: ExtractAndExpand over kem_context = enc || pkRm */
static em_err extract_and_expand(const em_x25519_shared *dh, em_bytes enc, em_bytes pk_r,
                                 em_hkdf_prk *ret_secret)
{
    EM_DROP(em_hkdf_prk) eae = {0};

    labeled_extract(EM_BYTES(kem_suite), (em_bytes){0}, EM_STR("eae_prk"),
                    EM_BYTES(dh->b), &eae);
    return labeled_expand(EM_BYTES(kem_suite), &eae, EM_STR("shared_secret"), enc, pk_r,
                          ret_secret->b, sizeof ret_secret->b);
}

/* RFC 9180 5.1: KeySchedule with mode_base and the default, empty PSK */
static em_err key_schedule(em_aead_alg alg, const em_hkdf_prk *shared, em_bytes info,
                           em_hpke *ret_ctx)
{
    EM_DROP(em_hkdf_prk) secret = {0};
    EM_DROP(em_hkdf_prk) psk_id_hash = {0};
    EM_DROP(em_hkdf_prk) info_hash = {0};
    static const uint8_t mode_base = 0;
    uint8_t context[1 + 2 * EM_HKDF_PRK_LEN] = {mode_base};
    suite s = suite_of(alg);
    em_bytes id = EM_BYTES(s.id);
    size_t key_len;

    EM_TRY(key_len_of(alg, &key_len));
    labeled_extract(id, (em_bytes){0}, EM_STR("psk_id_hash"), (em_bytes){0},
                    &psk_id_hash);
    labeled_extract(id, (em_bytes){0}, EM_STR("info_hash"), info, &info_hash);
    memcpy(context + 1, psk_id_hash.b, sizeof psk_id_hash.b);
    memcpy(context + 1 + sizeof psk_id_hash.b, info_hash.b, sizeof info_hash.b);

    labeled_extract(id, EM_BYTES(shared->b), EM_STR("secret"), (em_bytes){0}, &secret);
    ret_ctx->alg = alg;
    ret_ctx->seq = 0;
    if (key_len > 0) {
        EM_TRY(labeled_expand(id, &secret, EM_STR("key"), EM_BYTES(context),
                              (em_bytes){0}, ret_ctx->key.b, key_len));
        EM_TRY(labeled_expand(id, &secret, EM_STR("base_nonce"), EM_BYTES(context),
                              (em_bytes){0}, ret_ctx->base_nonce, EM_AEAD_NONCE_LEN));
    }
    return labeled_expand(id, &secret, EM_STR("exp"), EM_BYTES(context), (em_bytes){0},
                          ret_ctx->exporter.b, sizeof ret_ctx->exporter.b);
}

em_err em_hpke_setup_send(em_aead_alg alg, const em_x25519_secret *eph,
                          const em_x25519_public *receiver, em_bytes info,
                          uint8_t ret_enc[EM_HPKE_ENC_LEN], em_hpke *ret_ctx)
{
    EM_DROP(em_x25519_shared) dh = {0};
    EM_DROP(em_hkdf_prk) shared = {0};
    EM_DROP(em_hpke) ctx = {0};
    em_x25519_public enc;

    EM_TRY(em_x25519_public_of(eph, &enc));
    EM_TRY(em_x25519_shared_of(eph, receiver, &dh));
    EM_TRY(extract_and_expand(&dh, EM_BYTES(enc.b), EM_BYTES(receiver->b), &shared));
    EM_TRY(key_schedule(alg, &shared, info, &ctx));
    memcpy(ret_enc, enc.b, sizeof enc.b);
    *ret_ctx = ctx;
    return EM_OK;
}

em_err em_hpke_setup_recv_pair(em_aead_alg alg, const em_x25519_secret *sk,
                               const em_x25519_public *pk,
                               const uint8_t enc[EM_HPKE_ENC_LEN], em_bytes info,
                               em_hpke *ret_ctx)
{
    EM_DROP(em_x25519_shared) dh = {0};
    EM_DROP(em_hkdf_prk) shared = {0};
    EM_DROP(em_hpke) ctx = {0};
    em_x25519_public peer;

    memcpy(peer.b, enc, sizeof peer.b);
    EM_TRY(em_x25519_shared_of(sk, &peer, &dh));
    EM_TRY(extract_and_expand(&dh, EM_BYTES(peer.b), EM_BYTES(pk->b), &shared));
    EM_TRY(key_schedule(alg, &shared, info, &ctx));
    *ret_ctx = ctx;
    return EM_OK;
}

em_err em_hpke_setup_recv(em_aead_alg alg, const em_x25519_secret *sk,
                          const uint8_t enc[EM_HPKE_ENC_LEN], em_bytes info,
                          em_hpke *ret_ctx)
{
    em_x25519_public own;

    EM_TRY(em_x25519_public_of(sk, &own));
    return em_hpke_setup_recv_pair(alg, sk, &own, enc, info, ret_ctx);
}

void em_hpke_nonce(const uint8_t base[EM_AEAD_NONCE_LEN], uint64_t seq,
                   uint8_t ret_nonce[EM_AEAD_NONCE_LEN])
{
    memmove(ret_nonce, base, EM_AEAD_NONCE_LEN);
    for (size_t i = 0; i < 8; i++)
        ret_nonce[EM_AEAD_NONCE_LEN - 1 - i] ^= (uint8_t)(seq >> (8 * i));
}

em_err em_hpke_seal(em_hpke *ctx, em_bytes aad, em_bytes plain, uint8_t *out)
{
    uint8_t nonce[EM_AEAD_NONCE_LEN];

    if (ctx->seq == UINT64_MAX) return EM_ERR_SEQUENCE;
    em_hpke_nonce(ctx->base_nonce, ctx->seq, nonce);
    EM_TRY(em_aead_seal(ctx->alg, &ctx->key, nonce, aad, plain, out));
    ctx->seq++;
    return EM_OK;
}

em_err em_hpke_open(em_hpke *ctx, em_bytes aad, em_bytes sealed, uint8_t *out)
{
    uint8_t nonce[EM_AEAD_NONCE_LEN];

    if (ctx->seq == UINT64_MAX) return EM_ERR_SEQUENCE;
    em_hpke_nonce(ctx->base_nonce, ctx->seq, nonce);
    EM_TRY(em_aead_open(ctx->alg, &ctx->key, nonce, aad, sealed, out));
    ctx->seq++;
    return EM_OK;
}

em_err em_hpke_export(const em_hpke *ctx, em_bytes context, void *ret_secret, size_t len)
{
    suite s = suite_of(ctx->alg);

    return labeled_expand(EM_BYTES(s.id), &ctx->exporter, EM_STR("sec"), context,
                          (em_bytes){0}, ret_secret, len);
}
