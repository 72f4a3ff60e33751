#include "enclave/identity.h"

#include "os/entropy.h"

void em_identity_drop(em_identity *id)
{
    for (size_t i = 0; i < id->n_served; i++) em_served_drop(&id->served[i]);
    em_wipe(id, sizeof *id);
}

/* The document's own root is allowed: what counts is that it is whole, fresh to our nonce
 * and no debug document, and which root that was. */
static em_err verify_own(em_bytes document, em_bytes nonce, em_attested *ret_facts)
{
    em_document claims;
    em_root root;

    EM_TRY(em_document_parse(document, &claims));
    em_x509_fingerprint(claims.cabundle[0], root.sha256);
    const em_attest_ask ask = {.roots = &root,
                               .roots_n = 1,
                               .when = EM_ATTEST_SELF_DATED,
                               .has_nonce = true,
                               .nonce = nonce};
    return em_attest_verify(document, &ask, NULL, ret_facts);
}

em_err em_identity_make(em_identity *id, const em_config *config, em_attestor *attestor)
{
    static em_attested facts; /* once, at boot */
    uint8_t nonce[32], document[EM_MAX_DOCUMENT];
    size_t len;

    id->config = config;
    id->started_ms = em_clock_monotonic_ms();
    EM_TRY(em_entropy_fill(nonce, sizeof nonce));
    EM_TRY(em_attestor_document(attestor, EM_BYTES(nonce), (em_bytes){0}, (em_bytes){0},
                                document, &len));
    EM_TRY(verify_own(em_view(document, len), EM_BYTES(nonce), &facts));
    id->time = em_time_anchor(facts.timestamp_ms);
    id->mode = facts.mode == EM_MODE_PRODUCTION && config->amazon_roots
                   ? EM_MODE_PRODUCTION
                   : EM_MODE_EVALUATION;
    uint8_t seed[EM_ED25519_SEED_LEN];
    em_err err = em_entropy_fill(seed, sizeof seed);
    if (err == EM_OK)
        err = em_ed25519_from_seed(seed, &id->receipt_secret, &id->receipt_public);
    em_wipe(seed, sizeof seed);
    return err;
}

unsigned em_identity_in_date(const em_identity *id)
{
    uint64_t now_ms = em_time_now_ms(&id->time);
    unsigned models = 0;

    for (size_t i = 0; i < id->n_served; i++)
        if (em_manifest_in_date(&id->served[i].manifest, now_ms) == EM_OK)
            models |= 1u << i;
    return models;
}

em_err em_identity_user_data(const em_identity *id, unsigned models,
                             uint8_t ret_data[EM_MAX_USER_DATA], size_t *ret_len)
{
    em_user_data data = {.purpose = EM_PURPOSE_SESSION,
                         .receipt_key = id->receipt_public};
    em_out o = em_out_over(ret_data, EM_MAX_USER_DATA);

    for (size_t i = 0; i < id->n_served; i++) {
        if (!(models >> i & 1)) continue;
        const uint8_t *hash = id->served[i].manifest.hash;
        size_t at = data.n_manifests++;
        for (; at > 0 && em_order(em_view(hash, 32), EM_BYTES(data.manifest[at - 1])) < 0;
             at--)
            memcpy(data.manifest[at], data.manifest[at - 1], 32);
        memcpy(data.manifest[at], hash, 32);
    }
    em_hello_put_user_data(&o, &data);
    EM_TRY(em_write_end(&o));
    *ret_len = o.len;
    return EM_OK;
}

void em_identity_e1(const em_identity *id, unsigned models, em_bytes document,
                    em_hello_e1 *ret_e1)
{
    em_hello_e1 e1 = {.document = document};

    for (size_t i = 0; i < id->n_served; i++)
        if (models >> i & 1)
            e1.manifest[e1.n_manifests++] = id->served[i].signed_manifest;
    *ret_e1 = e1;
}

const em_served *em_identity_find(const em_identity *id, unsigned models, em_bytes name)
{
    for (size_t i = 0; i < id->n_served; i++)
        if (models >> i & 1 && em_same(id->served[i].manifest.body.id, name))
            return &id->served[i];
    return NULL;
}
