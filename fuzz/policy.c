/* covers: shared/trust/policy_body.c shared/trust/policy_state.c
 *
 * Policies: what reads back has one form, so that writing it gives the same bytes; and
 * the input as the record of policies seen. */
#include "crypto/setup.h"
#include "trust/policy_state.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static em_ed25519_public signer;

static void setup(void)
{
    static const uint8_t seed[EM_ED25519_SEED_LEN] = {1};
    em_ed25519_secret secret;

    if (em_setup() != EM_OK || em_ed25519_from_seed(seed, &secret, &signer) != EM_OK)
        abort();
}

static void read_body(em_bytes in)
{
    static uint8_t buf[EM_MAX_POLICY];
    em_out o = EM_OUT(buf);
    em_policy_body b;

    if (em_policy_body_read(in, &b) != EM_OK) return;
    if (em_policy_encode(&b, &o) != EM_OK || !em_same(em_write_view(&o), in)) abort();
    for (size_t i = 0; i < b.n_roots; i++)
        if (em_roots_mode(&b.root[i]) != b.mode) abort();
}

static void advance(em_bytes state)
{
    static uint8_t buf[EM_MAX_POLICY_STATE];
    em_out o = EM_OUT(buf);
    em_policy p = {.body = {.id = EM_STR("test policy"), .version = 7}, .signer = signer};
    em_policy_seen seen, again;

    if (em_policy_state_advance(state, &p, &o, &seen) != EM_OK) return;
    em_bytes next = em_write_view(&o);
    uint8_t *copy = malloc(next.len);
    memcpy(copy, next.at, next.len);
    o = EM_OUT(buf);
    if (em_policy_state_advance(em_view(copy, next.len), &p, &o, &again) != EM_OK ||
        again != EM_POLICY_SAME || !em_same(em_write_view(&o), em_view(copy, next.len)))
        abort();
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_bytes in = {data, size};
    em_policy_body b;
    em_policy p;

    if (signer.b[0] == 0) setup();
    if (em_policy_parse(in, &b) == EM_OK)
        if (em_policy_verify_undated(in, &signer, 1, &p) == EM_OK && p.body.version == 0)
            abort();
    read_body(in);
    advance(in);
    return 0;
}
