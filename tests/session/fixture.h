/* fixture.h - the fixed things of a session: keys, a real document around them (made
 * once, by tests/session/vector.c), the policy that believes it, and the proof.
 *
 * Trust:  test code only; the secrets here are public.
 * Memory: static storage.
 */
#ifndef EM_TESTS_SESSION_FIXTURE_H
#define EM_TESTS_SESSION_FIXTURE_H

#include "session/session_client.h"
#include "tests/session/fixture_tables.h"

#define FIXTURE_NOW_MS ((uint64_t)1800000000000)

static const em_bytes fixture_deployment = EM_STR("test deployment");
static const uint8_t fixture_nonce[EM_HELLO_NONCE_LEN] = {
    1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
    17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};

/* The enclave's, drawn for that HELLO, and the client's ephemeral one. */
__attribute__((unused)) static em_x25519_secret fixture_secret(void)
{
    em_x25519_secret s;

    for (size_t i = 0; i < sizeof s.b; i++) s.b[i] = (uint8_t)(7 * i + 1);
    return s;
}

__attribute__((unused)) static em_x25519_secret fixture_eph(void)
{
    em_x25519_secret s;

    for (size_t i = 0; i < sizeof s.b; i++) s.b[i] = (uint8_t)(5 * i + 3);
    return s;
}

__attribute__((unused)) static em_x25519_public fixture_public(void)
{
    EM_DROP(em_x25519_secret) secret = fixture_secret();
    em_x25519_public key = {{0}};

    if (em_x25519_public_of(&secret, &key) != EM_OK) key.b[0] = 0; /* opens nothing */
    return key;
}

/* Others in their place, while new tables are made. */
static em_bytes fixture_new_e1, fixture_new_policy;

/* The E1 record. */
__attribute__((unused)) static em_bytes fixture_e1(void)
{
    return fixture_new_e1.len > 0 ? fixture_new_e1 : EM_BYTES(fixture_e1_record);
}

/* The client's policy, signed by fixture_signer. */
__attribute__((unused)) static em_bytes fixture_policy(void)
{
    return fixture_new_policy.len > 0 ? fixture_new_policy
                                      : EM_BYTES(fixture_signed_policy);
}

__attribute__((unused)) static em_ed25519_public fixture_signer(void)
{
    EM_DROP(em_ed25519_secret) secret = {0};
    uint8_t seed[EM_ED25519_SEED_LEN];
    em_ed25519_public key = {0};

    memset(seed, 0x60, sizeof seed);
    em_err err = em_ed25519_from_seed(seed, &secret, &key);
    if (err != EM_OK) memset(key.b, 0, sizeof key.b); /* which no policy is signed by */
    return key;
}

/* What a live client does with C1 and E1, all of it; the last proof is kept for the same
 * bytes. */
__attribute__((unused)) static em_err fixture_prove(em_bytes c1, em_bytes e1,
                                                    em_peer *ret_peer)
{
    static em_policy policy;
    static em_tensor tensors[EM_MAX_TENSORS];
    static uint8_t seen[32];
    static em_peer proved;
    em_bytes given[] = {c1, e1, fixture_policy()};
    em_ed25519_public signer = fixture_signer();
    uint8_t digest[32];

    em_sha2_256_of(given, EM_COUNT(given), digest);
    if (em_same(EM_BYTES(digest), EM_BYTES(seen))) {
        *ret_peer = proved;
        return EM_OK;
    }
    EM_TRY(em_policy_verify(fixture_policy(), &signer, 1, FIXTURE_NOW_MS, NULL, &policy));
    const em_peer_ask ask = {.c1 = c1,
                             .e1 = e1,
                             .policy = &policy,
                             .when = EM_ATTEST_LIVE,
                             .at_ms = FIXTURE_NOW_MS,
                             .tensors = tensors};
    EM_TRY(em_peer_verify(&ask, NULL, ret_peer));
    proved = *ret_peer;
    memcpy(seen, digest, sizeof seen);
    return EM_OK;
}

#endif
