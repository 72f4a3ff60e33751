/* receipt_sample.h - good claims of an AIR v1 receipt, and receipts with any payload.
 *
 * Trust:  test code only.
 * Memory: static storage and test_alloc.
 */
#ifndef EM_TESTS_TRUST_RECEIPT_SAMPLE_H
#define EM_TESTS_TRUST_RECEIPT_SAMPLE_H

#include "tests/support/test.h"
#include "trust/receipt.h"
#include "wire/cose.h"

#define RECEIPT_IAT ((uint64_t)1800000000)

static uint8_t receipt_bytes[12][EM_PCR_LEN];

/* A view of `len` bytes that are all `byte`. */
__attribute__((unused)) static em_bytes receipt_fill(size_t slot, uint8_t byte,
                                                     size_t len)
{
    memset(receipt_bytes[slot], byte, EM_PCR_LEN);
    return em_view(receipt_bytes[slot], len);
}

__attribute__((unused)) static em_receipt_claims receipt_sample(void)
{
    return (em_receipt_claims){
        .iss = EM_STR("test deployment"),
        .iat = RECEIPT_IAT,
        .cti = receipt_fill(0, 0x11, 16),
        .eat_nonce = receipt_fill(1, 0x22, 32),
        .model_id = EM_STR("test/tiny"),
        .model_version = EM_STR("1.2.0"),
        .model_hash = receipt_fill(2, 0x33, 32),
        .request_hash = receipt_fill(3, 0x44, 32),
        .response_hash = receipt_fill(4, 0x55, 32),
        .attestation_doc_hash = receipt_fill(5, 0x66, 32),
        .measurements = {.type = EM_STR(EM_RECEIPT_NITRO),
                         .pcr0 = receipt_fill(6, 0x77, 48),
                         .pcr1 = receipt_fill(7, 0x88, 48),
                         .pcr2 = receipt_fill(8, 0x99, 48),
                         .pcr3 = receipt_fill(9, 0xAA, 48),
                         .pcr4 = receipt_fill(10, 0xBB, 48),
                         .pcr8 = receipt_fill(11, 0xCC, 48)},
        .policy_version = EM_STR("1"),
        .sequence_number = 3,
        .execution_time_ms = 12,
        .memory_peak_mb = 90,
        .security_mode = EM_STR("evaluation"),
        .model_hash_scheme = EM_STR(EM_RECEIPT_SCHEME),
    };
}

__attribute__((unused)) static em_ed25519_secret receipt_secret(uint8_t seed,
                                                                em_ed25519_public *ret)
{
    uint8_t bytes[EM_ED25519_SEED_LEN];
    em_ed25519_secret secret;

    memset(bytes, seed, sizeof bytes);
    if (em_ed25519_from_seed(bytes, &secret, ret) != EM_OK) abort();
    return secret;
}

/* A COSE_Sign1 with this protected header and any payload, signed well. */
__attribute__((unused)) static em_bytes receipt_cose(em_bytes protected, em_bytes payload,
                                                     const em_ed25519_secret *secret)
{
    size_t cap = payload.len + 512;
    uint8_t *at = test_alloc(cap), *tbs_at = test_alloc(cap), sig[EM_ED25519_SIG_LEN];
    em_out o = em_out_over(at, cap);
    em_cose_sign1 parts = {
        .protected = protected, .has_payload = true, .payload = payload};
    em_bytes tbs;

    if (em_cose_tbs(&parts, (em_bytes){0}, tbs_at, cap, &tbs) != EM_OK ||
        em_ed25519_sign(secret, tbs, sig) != EM_OK)
        abort();
    em_cose_put_sign1(&o, true, protected, payload, EM_BYTES(sig));
    if (em_write_end(&o) != EM_OK) abort();
    return em_write_view(&o);
}

#endif
