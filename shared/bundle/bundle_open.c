#include "bundle/bundle_open.h"

#include "bundle/bundle_seal.h"

/* em_bundle_slot.state */
enum { AWAITED, CLAIMED, OPENED };

/* Keeps the first error; returns the one that counts. */
static em_err fail(em_bundle_open *o, em_err err)
{
    int none = EM_OK;

    if (atomic_compare_exchange_strong(&o->failed, &none, (int)err)) return err;
    return (em_err)none;
}

em_err em_bundle_open_init(const em_manifest *manifest, const em_content_key *content_key,
                           void *image, size_t image_cap, em_bundle_slot *slots,
                           size_t n_slots, em_bundle_open *ret_open)
{
    EM_DROP(em_aead_key) key = {0};
    const em_manifest_body *body = &manifest->body;

    EM_TRY(em_manifest_check_key(body, content_key));
    if (image == NULL || image_cap < body->image_len || n_slots < body->n_chunks ||
        (uintptr_t)image % EM_IMAGE_ALIGN != 0)
        return EM_ERR_ARGUMENT;
    EM_TRY(em_bundle_seal_key(content_key, body->bundle_id, &key));

    for (uint32_t i = 0; i < body->n_chunks; i++) atomic_init(&slots[i].state, AWAITED);
    ret_open->key = key;
    ret_open->manifest = manifest;
    ret_open->image = image;
    ret_open->slot = slots;
    atomic_init(&ret_open->failed, EM_OK);
    return EM_OK;
}

em_err em_bundle_open_chunk(em_bundle_open *open, uint32_t i, em_bytes sealed)
{
    const em_manifest_body *body = &open->manifest->body;
    uint8_t nonce[EM_AEAD_NONCE_LEN], aad[EM_BUNDLE_SEAL_AAD_LEN];
    unsigned char awaited = AWAITED;
    em_bundle_span span;
    em_err before = (em_err)atomic_load(&open->failed);

    if (before != EM_OK) return before;
    if (open->image == NULL) return EM_ERR_ARGUMENT;
    if (em_bundle_head_span(body, i, &span) != EM_OK)
        return fail(open, EM_ERR_BUNDLE_COUNT);
    em_bundle_slot *slot = &open->slot[i];
    if (!atomic_compare_exchange_strong(&slot->state, &awaited, CLAIMED))
        return fail(open, EM_ERR_BUNDLE_COUNT);
    if (sealed.len != span.sealed_len) return fail(open, EM_ERR_BUNDLE_CHUNK);

    em_merkle_leaf(sealed, slot->leaf);
    em_bundle_seal_nonce(i, nonce);
    em_bundle_seal_aad(body->bundle_id, i, i == body->n_chunks - 1, aad);
    if (em_aead_open(EM_AEAD_AES_256_GCM, &open->key, nonce, EM_BYTES(aad), sealed,
                     open->image + span.image_at) != EM_OK)
        return fail(open, EM_ERR_BUNDLE_CHUNK);
    atomic_store(&slot->state, OPENED);
    return EM_OK;
}

/* Everything that finish must see before it gives the image out. */
static em_err check_whole(const em_bundle_open *o)
{
    const em_manifest_body *body = &o->manifest->body;
    uint8_t hash[EM_SHA256_LEN];
    em_merkle tree = {0};

    em_err before = (em_err)atomic_load(&o->failed);
    if (before != EM_OK) return before;
    for (uint32_t i = 0; i < body->n_chunks; i++) {
        if (atomic_load(&o->slot[i].state) != OPENED) return EM_ERR_BUNDLE_COUNT;
        em_merkle_add(&tree, o->slot[i].leaf);
    }
    em_merkle_root(&tree, hash);
    if (!em_same(EM_BYTES(hash), EM_BYTES(body->root))) return EM_ERR_BUNDLE_ROOT;
    em_sha2_256(em_view(o->image + body->model.tokenizer_offset,
                        (size_t)body->model.tokenizer_len),
                hash);
    if (!em_same(EM_BYTES(hash), EM_BYTES(body->tokenizer_sha256)))
        return EM_ERR_MODEL_MALFORMED;
    return EM_OK;
}

em_err em_bundle_open_finish(em_bundle_open *open, em_bundle_image *ret_image)
{
    if (open->image == NULL) return EM_ERR_ARGUMENT;
    em_err err = check_whole(open);
    if (err != EM_OK) {
        err = fail(open, err);
        em_bundle_open_drop(open);
        return err;
    }
    *ret_image = (em_bundle_image){
        .manifest = open->manifest,
        .bytes = em_view(open->image, (size_t)open->manifest->body.image_len)};
    open->image = NULL;
    em_bundle_open_drop(open);
    return EM_OK;
}

void em_bundle_open_drop(em_bundle_open *open)
{
    em_aead_key_drop(&open->key);
    if (open->image == NULL) return;
    em_wipe(open->image, (size_t)open->manifest->body.image_len);
    open->image = NULL;
}
