#include "bundle/bundle_seal.h"

#include "base/write.h"
#include "crypto/hkdf.h"

em_err em_bundle_seal_key(const em_content_key *content_key,
                          const uint8_t bundle_id[EM_BUNDLE_ID_LEN], em_aead_key *ret_key)
{
    EM_DROP(em_hkdf_prk) prk = {0};
    const em_bytes ikm = EM_BYTES(content_key->b), info = EM_STR("em/1 chunk");

    em_hkdf_extract(em_view(bundle_id, EM_BUNDLE_ID_LEN), &ikm, 1, &prk);
    return em_hkdf_expand(&prk, &info, 1, ret_key->b, sizeof ret_key->b);
}

void em_bundle_seal_nonce(uint64_t index, uint8_t ret_nonce[EM_AEAD_NONCE_LEN])
{
    em_out o = em_out_over(ret_nonce, EM_AEAD_NONCE_LEN);

    em_write_zeros(&o, EM_AEAD_NONCE_LEN - sizeof index);
    em_write_be64(&o, index);
}

void em_bundle_seal_aad(const uint8_t bundle_id[EM_BUNDLE_ID_LEN], uint64_t index,
                        bool final, uint8_t ret_aad[EM_BUNDLE_SEAL_AAD_LEN])
{
    em_out o = em_out_over(ret_aad, EM_BUNDLE_SEAL_AAD_LEN);

    em_write_bytes(&o, em_view(bundle_id, EM_BUNDLE_ID_LEN));
    em_write_be64(&o, index);
    em_write_u8(&o, final ? 1 : 0);
}

em_err em_bundle_seal_init(const em_content_key *content_key,
                           const uint8_t bundle_id[EM_BUNDLE_ID_LEN], uint64_t image_len,
                           uint32_t chunk_len, em_bundle_seal *ret_seal)
{
    EM_DROP(em_bundle_seal) s = {.image_len = image_len, .chunk_len = chunk_len};

    if (image_len == 0 || image_len > EM_MAX_BUNDLE || chunk_len < EM_CHUNK_MIN ||
        chunk_len > EM_CHUNK_MAX)
        return EM_ERR_BUNDLE_MALFORMED;
    uint64_t n = (image_len - 1) / chunk_len + 1;
    if (n > EM_MAX_CHUNKS) return EM_ERR_BUNDLE_MALFORMED;
    s.n_chunks = (uint32_t)n;
    memcpy(s.bundle_id, bundle_id, sizeof s.bundle_id);
    em_manifest_commitment(content_key, s.commitment);
    EM_TRY(em_bundle_seal_key(content_key, bundle_id, &s.key));
    *ret_seal = s;
    return EM_OK;
}

uint32_t em_bundle_seal_want(const em_bundle_seal *seal)
{
    uint64_t left = seal->image_len - (uint64_t)seal->next * seal->chunk_len;

    if (seal->next == seal->n_chunks) return 0;
    return left < seal->chunk_len ? (uint32_t)left : seal->chunk_len;
}

em_err em_bundle_seal_next(em_bundle_seal *seal, em_bytes plain, uint8_t *out)
{
    uint8_t nonce[EM_AEAD_NONCE_LEN], aad[EM_BUNDLE_SEAL_AAD_LEN];
    uint8_t leaf[EM_SHA256_LEN];

    if (plain.len == 0 || plain.len != em_bundle_seal_want(seal))
        return EM_ERR_BUNDLE_COUNT;
    em_bundle_seal_nonce(seal->next, nonce);
    em_bundle_seal_aad(seal->bundle_id, seal->next, seal->next == seal->n_chunks - 1,
                       aad);
    EM_TRY(
        em_aead_seal(EM_AEAD_AES_256_GCM, &seal->key, nonce, EM_BYTES(aad), plain, out));
    em_merkle_leaf(em_view(out, plain.len + EM_AEAD_TAG_LEN), leaf);
    em_merkle_add(&seal->tree, leaf);
    seal->next++;
    return EM_OK;
}

em_err em_bundle_seal_finish(const em_bundle_seal *seal, em_manifest_body *body)
{
    if (seal->n_chunks == 0 || seal->next != seal->n_chunks) return EM_ERR_BUNDLE_COUNT;
    memcpy(body->bundle_id, seal->bundle_id, sizeof body->bundle_id);
    memcpy(body->commitment, seal->commitment, sizeof body->commitment);
    body->chunk_len = seal->chunk_len;
    body->n_chunks = seal->n_chunks;
    body->image_len = seal->image_len;
    em_merkle_root(&seal->tree, body->root);
    return EM_OK;
}
