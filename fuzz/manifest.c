/* covers: shared/trust/manifest.c shared/trust/manifest_body.c
 *
 * Signed manifests, and bodies by themselves (first byte 'b'): what reads is written back
 * to the same bytes; nothing verifies but what the seed's publisher signed. */
#include "trust/manifest.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static em_tensor tensors[EM_MAX_TENSORS];
static uint8_t again[EM_MAX_MANIFEST];

/* One form: reading and writing are each other's inverse. */
static void check_form(em_bytes body, const em_manifest_body *read)
{
    em_out o = EM_OUT(again);

    if (em_manifest_body_encode(read, &o) != EM_OK) abort();
    if (!em_same(em_write_view(&o), body)) abort();
    for (uint32_t i = 0; i < read->model.n; i++)
        if (read->model.tensor[i].offset + read->model.tensor[i].len > read->image_len)
            abort();
}

static void try_signed(em_bytes in)
{
    static const uint8_t seed[EM_ED25519_SEED_LEN] = {1};
    em_ed25519_secret secret;
    em_publisher publisher = {.model = EM_STR("test/tiny"), .floor = 1};
    em_manifest_body claims;
    em_manifest facts;
    uint8_t hash[EM_MANIFEST_HASH_LEN];

    bool parsed = em_manifest_parse(in, tensors, &claims) == EM_OK;
    if (parsed && em_manifest_hash(in, hash) != EM_OK) abort();
    if (em_ed25519_from_seed(seed, &secret, &publisher.key) != EM_OK) abort();
    if (em_manifest_verify(in, &publisher, 1, 1000, tensors, &facts) != EM_OK) return;
    if (!parsed || facts.body.number < 1 || facts.body.not_after_ms < 1000) abort();
    if (!em_same(EM_BYTES(hash), EM_BYTES(facts.hash))) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_manifest_body body;
    em_bytes in = em_view(data, size);

    if (size == 0 || data[0] != 'b') {
        try_signed(in);
        return 0;
    }
    in = em_view(data + 1, size - 1);
    if (em_manifest_body_read(in, tensors, &body) == EM_OK) check_form(in, &body);
    return 0;
}
