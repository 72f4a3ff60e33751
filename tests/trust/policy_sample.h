/* policy_sample.h - a good policy for tests: two tuples, two publishers, one of each
 * thing revoked.
 *
 * Trust:  test code only.
 * Memory: static storage and test_alloc.
 */
#ifndef EM_TESTS_TRUST_POLICY_SAMPLE_H
#define EM_TESTS_TRUST_POLICY_SAMPLE_H

#include "tests/support/test.h"
#include "trust/policy.h"

#define POLICY_NOW_MS ((uint64_t)1800000000000)
#define POLICY_DAY_MS ((uint64_t)24 * 3600 * 1000)

static uint8_t policy_bytes[16][EM_PCR_LEN];

/* A view of EM_PCR_LEN bytes that are all `byte`. */
static em_bytes policy_fill(size_t slot, uint8_t byte)
{
    memset(policy_bytes[slot], byte, EM_PCR_LEN);
    return EM_BYTES(policy_bytes[slot]);
}

__attribute__((unused)) static em_policy_body policy_sample(void)
{
    em_policy_body b = {
        .id = EM_STR("test policy"),
        .version = 7,
        .mode = EM_MODE_EVALUATION,
        .not_before_ms = POLICY_NOW_MS - POLICY_DAY_MS,
        .not_after_ms = POLICY_NOW_MS + 30 * POLICY_DAY_MS,
        .freshness_ms = EM_FRESH_DEFAULT_MS,
        .n_roots = 1,
        .n_tuples = 2,
        .n_publishers = 2,
        .n_revoked_keys = 1,
        .n_revoked_manifests = 1,
        .n_revoked_measurements = 1,
        .tuple = {{.pcr0 = policy_fill(0, 0x10),
                   .pcr1 = policy_fill(1, 0x11),
                   .pcr2 = policy_fill(2, 0x12),
                   .pcr3 = policy_fill(3, 0x13),
                   .pcr8 = policy_fill(4, 0x18),
                   .protocol = 1,
                   .not_after_ms = POLICY_NOW_MS + 20 * POLICY_DAY_MS},
                  {.pcr0 = policy_fill(5, 0x20),
                   .pcr1 = policy_fill(6, 0x21),
                   .pcr2 = policy_fill(7, 0x22),
                   .protocol = 1,
                   .not_after_ms = POLICY_NOW_MS + 20 * POLICY_DAY_MS,
                   .any_account = true}},
        .publisher = {{.model = EM_STR("test/tiny"), .floor = 7},
                      {.model = EM_STR("test/other"), .floor = 0}},
        .revoked_key = {policy_fill(8, 0x31).at},
        .revoked_manifest = {policy_fill(9, 0x32).at},
        .revoked_measurement = {policy_fill(10, 0x33).at},
    };

    memset(b.root[0].sha256, 0x01, sizeof b.root[0].sha256);
    memset(b.publisher[0].key.b, 0x41, sizeof b.publisher[0].key.b);
    memset(b.publisher[1].key.b, 0x42, sizeof b.publisher[1].key.b);
    return b;
}

__attribute__((unused)) static em_ed25519_secret
policy_sample_secret(uint8_t seed, em_ed25519_public *ret)
{
    uint8_t bytes[EM_ED25519_SEED_LEN];
    em_ed25519_secret secret;

    memset(bytes, seed, sizeof bytes);
    if (em_ed25519_from_seed(bytes, &secret, ret) != EM_OK) abort();
    return secret;
}

__attribute__((unused)) static em_bytes
policy_sample_sign(const em_policy_body *b, const em_ed25519_secret *secret)
{
    em_out body = em_out_over(test_alloc(EM_MAX_POLICY), EM_MAX_POLICY);
    em_out o = em_out_over(test_alloc(EM_MAX_POLICY), EM_MAX_POLICY);

    if (em_policy_encode(b, &body) != EM_OK ||
        em_policy_sign(em_write_view(&body), secret, &o) != EM_OK)
        abort();
    return em_write_view(&o);
}

/* SHA-256 of the encoded body, by another encoder. */
#define POLICY_SAMPLE_SHA256                                                             \
    "73e8a6999486cffde7751e6b9aaee0de12973af4eb571559091905aca06fb2cc"

#endif
