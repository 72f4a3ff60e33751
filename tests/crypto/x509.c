/* Certificate paths: a chain of the tests' own and its facts, order, signatures, time,
 * the cache; real documents of AWS. */
#include "crypto/x509.h"
#include "crypto/setup.h"
#include "crypto/sha2.h"
#include "tests/crypto/chains.h"
#include "tests/crypto/json.h"

#include <openssl/core_names.h>

static const chains_how good_how;

/* ---- the good ones -------------------------------------------------------------------
 */

static void a_good_chain_gives_its_facts(void)
{
    chains c = chains_make(&good_how, CHAINS_N);
    em_x509_chain out;
    uint8_t want[32], point[97];
    size_t len = 0;

    CHECK_OK(chains_verify_at(&c, CHAINS_NOW_MS, NULL, &out));
    em_x509_fingerprint(c.der[0], want);
    CHECK(em_same(EM_BYTES(out.root_sha256), EM_BYTES(want)));
    em_sha2_256(c.der[0], want);
    CHECK(em_same(EM_BYTES(out.root_sha256), EM_BYTES(want)));
    CHECK(EVP_PKEY_get_octet_string_param(chains_key(NULL, 4), OSSL_PKEY_PARAM_PUB_KEY,
                                          point, sizeof point, &len) == 1);
    CHECK(em_same(EM_BYTES(out.leaf.b), EM_BYTES(point)));
    CHECK(out.not_before_ms == CHAINS_NOW_MS - CHAINS_HOUR * 1000u);
    CHECK(out.not_after_ms == CHAINS_NOW_MS + 2u * CHAINS_HOUR * 1000u);

    /* everything above the leaf, each with its length */
    em_sha256 h;
    em_sha2_256_init(&h);
    for (size_t i = 0; i < 4; i++) {
        uint8_t be[4] = {0, 0, (uint8_t)(c.der[i].len >> 8), (uint8_t)c.der[i].len};
        em_sha2_256_add(&h, EM_BYTES(be));
        em_sha2_256_add(&h, c.der[i]);
    }
    em_sha2_256_end(&h, want);
    CHECK(em_same(EM_BYTES(out.chain_sha256), EM_BYTES(want)));
}

static void every_length_of_chain_is_taken(void)
{
    for (size_t n = 2; n <= EM_MAX_CHAIN; n++) {
        chains c = chains_make(&good_how, n);
        test_note("%zu certificates", n);
        CHECK_OK(chains_verify(&c));
    }
    chains c = chains_make(&good_how, EM_MAX_CHAIN);
    em_x509_chain out;
    c.der[c.n++] = c.der[0];
    CHECK_ERR(chains_verify(&c), EM_ERR_CHAIN_INVALID);
    CHECK_ERR(em_x509_chain_verify(c.der, 0, c.der[0], CHAINS_NOW_MS, NULL, &out),
              EM_ERR_CHAIN_INVALID);
}

/* ---- the path ------------------------------------------------------------------------
 */

static void any_other_order_is_refused(void)
{
    chains good = chains_make(&good_how, CHAINS_N), c;

    for (size_t i = 0; i < CHAINS_N; i++) {
        for (size_t k = i + 1; k < CHAINS_N; k++) {
            c = good;
            c.der[i] = good.der[k];
            c.der[k] = good.der[i];
            test_note("%zu and %zu swapped", i, k);
            CHECK_ERR(chains_verify(&c), EM_ERR_CHAIN_INVALID);
        }
        c = good; /* one missing */
        memmove(c.der + i, c.der + i + 1, (CHAINS_N - 1 - i) * sizeof c.der[0]);
        c.n--;
        test_note("%zu missing", i);
        CHECK_ERR(chains_verify(&c), EM_ERR_CHAIN_INVALID);
        c = good; /* one twice */
        memmove(c.der + i + 1, c.der + i, (CHAINS_N - i) * sizeof c.der[0]);
        c.n++;
        test_note("%zu twice", i);
        CHECK_ERR(chains_verify(&c), EM_ERR_CHAIN_INVALID);
    }
}

/* Right names, other keys: only the signatures tell. */
static void a_signature_of_another_key_is_refused(void)
{
    for (size_t i = 0; i < CHAINS_N; i++) {
        chains_how how = {0};

        how.signer[i] = chains_key("P-384", 7);
        chains c = chains_make(&how, CHAINS_N);

        test_note("certificate %zu", i);
        CHECK_ERR(chains_verify(&c), EM_ERR_CHAIN_INVALID);
    }
}

typedef struct place {
    chains c;
    size_t at;
} place;

static bool accepted(em_bytes der, void *arg)
{
    const place *p = arg;
    chains c = p->c;

    c.der[p->at] = der;
    em_err err = chains_verify(&c);
    CHECK(err == EM_OK || err == EM_ERR_X509_MALFORMED || err == EM_ERR_CHAIN_INVALID);
    return err == EM_OK;
}

static void every_cut_and_flip_is_refused(void)
{
    place p = {.c = chains_make(&good_how, 3)};

    for (p.at = 0; p.at < 3; p.at++) {
        em_bytes der = p.c.der[p.at];
        uint8_t longer[EM_MAX_CERT] = {0};
        test_abuse_result got = test_abuse(der, accepted, &p);

        test_note("certificate %zu", p.at);
        CHECK(got.cuts_accepted == 0 && got.flips_accepted == 0);
        memcpy(longer, der.at, der.len);
        CHECK(!accepted(em_view(longer, der.len + 1), &p));

        /* the same certificate with the outer length in BER: 30 83 00 LL LL */
        uint8_t ber[EM_MAX_CERT] = {0x30, 0x83, 0, der.at[2], der.at[3]};
        CHECK(der.at[1] == 0x82);
        memcpy(ber + 5, der.at + 4, der.len - 4);
        CHECK(!accepted(em_view(ber, der.len + 1), &p));
    }
}

/* ---- time ----------------------------------------------------------------------------
 */

static void times_are_judged_last_and_by_name(void)
{
    chains c = chains_make(&good_how, CHAINS_N);
    em_x509_chain out = {.not_after_ms = 4711};
    uint64_t from, to;

    CHECK_OK(chains_verify_at(&c, CHAINS_NOW_MS, NULL, &out));
    from = out.not_before_ms;
    to = out.not_after_ms;
    for (unsigned cached = 0; cached < 2; cached++) {
        em_x509_cache warm = {0}, *cache = cached ? &warm : NULL;
        if (cached) CHECK_OK(chains_verify_at(&c, CHAINS_NOW_MS, cache, &out));
        CHECK_OK(chains_verify_at(&c, from, cache, &out));
        CHECK_OK(chains_verify_at(&c, from - EM_CLOCK_LEEWAY_MS, cache, &out));
        CHECK_ERR(chains_verify_at(&c, from - EM_CLOCK_LEEWAY_MS - 1, cache, &out),
                  EM_ERR_CERT_NOT_YET_VALID);
        CHECK_ERR(chains_verify_at(&c, 0, cache, &out), EM_ERR_CERT_NOT_YET_VALID);
        CHECK_OK(chains_verify_at(&c, to, cache, &out));
        CHECK_ERR(chains_verify_at(&c, to + 1, cache, &out), EM_ERR_CERT_EXPIRED);
        CHECK_ERR(chains_verify_at(&c, UINT64_MAX, cache, &out), EM_ERR_CERT_EXPIRED);
        c.der[4] = chains_make(&good_how, 4).der[3]; /* another chain's leaf */
        CHECK_ERR(chains_verify_at(&c, 0, cache, &out), EM_ERR_CHAIN_INVALID);
        c = chains_make(&good_how, CHAINS_N);
    }
}

static void expired_long_ago(X509 *x)
{
    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(CHAINS_NOW_MS / 1000) - 100000);
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(CHAINS_NOW_MS / 1000) - 60);
}

static void begins_tomorrow(X509 *x)
{
    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(CHAINS_NOW_MS / 1000) + 86400);
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(CHAINS_NOW_MS / 1000) + 90000);
}

static void any_certificates_time_counts(void)
{
    for (size_t i = 0; i < CHAINS_N; i++) {
        chains_how late = {0}, early = {0};

        late.edit[i] = expired_long_ago;
        early.edit[i] = begins_tomorrow;
        chains a = chains_make(&late, CHAINS_N), b = chains_make(&early, CHAINS_N);

        test_note("certificate %zu", i);
        CHECK_ERR(chains_verify(&a), EM_ERR_CERT_EXPIRED);
        CHECK_ERR(chains_verify(&b), EM_ERR_CERT_NOT_YET_VALID);
    }
}

static const char *the_date;

static void of_all_ages(X509 *x)
{
    chains_set_time(X509_getm_notBefore(x), V_ASN1_UTCTIME, "700101000000Z");
    chains_set_time(X509_getm_notAfter(x), V_ASN1_GENERALIZEDTIME, "99991231235959Z");
}

static void to_the_date(X509 *x)
{
    of_all_ages(x);
    chains_set_time(X509_getm_notAfter(x),
                    strlen(the_date) == 13 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME,
                    the_date);
}

static void dates_are_counted_like_libcrypto(void)
{
    static const char *const dates[] = {
        "700101000000Z",   "700228235959Z",   "700301000000Z",   "720229000000Z",
        "720301000000Z",   "991231235959Z",   "000101000000Z",   "000229000000Z",
        "000301000000Z",   "001231000000Z",   "040229120000Z",   "231114221320Z",
        "380119031408Z",   "491231235959Z",   "20500101000000Z", "21000228235959Z",
        "21000301000000Z", "24000229010203Z", "99991231235959Z",
    };
    static const chains_how how = {.edit = {of_all_ages, to_the_date}};

    for (size_t i = 0; i < EM_COUNT(dates); i++) {
        ASN1_TIME *t = ASN1_TIME_new();
        struct tm tm;
        em_x509_chain out;

        the_date = dates[i];
        test_note("%s", the_date);
        CHECK(ASN1_TIME_set_string(t, the_date) == 1 && ASN1_TIME_to_tm(t, &tm) == 1);
        uint64_t want = (uint64_t)timegm(&tm) * 1000;
        ASN1_TIME_free(t);
        chains c = chains_make(&how, 2);
        CHECK_OK(chains_verify_at(&c, want, NULL, &out));
        CHECK(out.not_after_ms == want && out.not_before_ms == 0);
        CHECK_ERR(chains_verify_at(&c, want + 1, NULL, &out), EM_ERR_CERT_EXPIRED);
    }
}

/* ---- the cache -----------------------------------------------------------------------
 */

static void a_hit_costs_the_leaf_alone(void)
{
    chains a = chains_make(&good_how, CHAINS_N), b = chains_make(&good_how, CHAINS_N);
    em_x509_cache cache = {0};
    em_x509_chain cold, hot;

    memcpy(b.der, a.der, 4 * sizeof a.der[0]); /* another leaf of the same CA */
    CHECK_OK(chains_verify_at(&a, CHAINS_NOW_MS, &cache, &cold));
    CHECK(cache.next == 1 && cache.slot[0].used && !cache.slot[1].used);
    CHECK_OK(chains_verify_at(&b, CHAINS_NOW_MS, &cache, &hot));
    CHECK(cache.next == 1);
    CHECK(em_same(EM_BYTES(cold.chain_sha256), EM_BYTES(hot.chain_sha256)) &&
          em_same(EM_BYTES(cold.root_sha256), EM_BYTES(hot.root_sha256)) &&
          em_same(EM_BYTES(cold.leaf.b), EM_BYTES(hot.leaf.b)) &&
          cold.not_before_ms == hot.not_before_ms &&
          cold.not_after_ms == hot.not_after_ms);

    /* the slot is what is asked: with another issuer in it, a good leaf fails */
    cache.slot[0].issuer.b[50] ^= 1;
    CHECK_ERR(chains_verify_at(&b, CHAINS_NOW_MS, &cache, &hot), EM_ERR_CHAIN_INVALID);
    cache.slot[0].issuer.b[50] ^= 1;
    /* and with a CA that ended a moment ago in it, it is too late */
    cache.slot[0].not_after_ms = CHAINS_NOW_MS - 1;
    CHECK_ERR(chains_verify_at(&b, CHAINS_NOW_MS, &cache, &hot), EM_ERR_CERT_EXPIRED);
}

static void ends_in_half_an_hour(X509 *x)
{
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(CHAINS_NOW_MS / 1000) + 1800);
}

static void a_cached_ca_still_expires(void)
{
    chains_how how = {.edit = {[2] = ends_in_half_an_hour}};
    chains c = chains_make(&how, CHAINS_N);
    em_x509_cache cache = {0};
    em_x509_chain out;

    CHECK_OK(chains_verify_at(&c, CHAINS_NOW_MS, &cache, &out));
    CHECK_OK(chains_verify_at(&c, CHAINS_NOW_MS + 1800 * 1000, &cache, &out));
    CHECK(cache.next == 1 && out.not_after_ms == CHAINS_NOW_MS + 1800 * 1000);
    CHECK_ERR(chains_verify_at(&c, CHAINS_NOW_MS + 1800 * 1000 + 1, &cache, &out),
              EM_ERR_CERT_EXPIRED);
}

static void only_chains_that_passed_enter_the_cache(void)
{
    chains c = chains_make(&good_how, CHAINS_N);
    em_x509_cache cache = {0};
    em_x509_chain out;
    chains_how how = {.signer = {[4] = chains_key("P-384", 7)}};
    chains forged = chains_make(&how, CHAINS_N);

    CHECK_ERR(chains_verify_at(&c, 0, &cache, &out), EM_ERR_CERT_NOT_YET_VALID);
    CHECK_ERR(chains_verify_at(&forged, CHAINS_NOW_MS, &cache, &out),
              EM_ERR_CHAIN_INVALID);
    CHECK(!cache.slot[0].used && cache.next == 0);
    CHECK_OK(chains_verify_at(&c, CHAINS_NOW_MS, &cache, &out));
    memcpy(forged.der, c.der, 4 * sizeof c.der[0]);
    CHECK_ERR(chains_verify_at(&forged, CHAINS_NOW_MS, &cache, &out),
              EM_ERR_CHAIN_INVALID);

    /* a CA flipped is another chain, judged from the beginning */
    uint8_t copy[EM_MAX_CERT];
    memcpy(copy, c.der[2].at, c.der[2].len);
    copy[c.der[2].len - 1] ^= 1;
    c.der[2] = em_view(copy, c.der[2].len);
    CHECK_ERR(chains_verify_at(&c, CHAINS_NOW_MS, &cache, &out), EM_ERR_CHAIN_INVALID);
}

static void the_oldest_of_too_many_chains_gives_way(void)
{
    enum { MANY = EM_X509_CACHE_SLOTS + 1 };
    chains c[MANY];
    em_x509_cache cache = {0};
    em_x509_chain out;

    for (size_t i = 0; i < MANY; i++) { /* ECDSA draws a nonce: each chain is another */
        c[i] = chains_make(&good_how, 2);
        CHECK_OK(chains_verify_at(&c[i], CHAINS_NOW_MS, &cache, &out));
    }
    CHECK(cache.next == 1);
    CHECK_OK(chains_verify_at(&c[MANY - 1], CHAINS_NOW_MS, &cache, &out));
    CHECK(cache.next == 1);
    CHECK_OK(
        chains_verify_at(&c[0], CHAINS_NOW_MS, &cache, &out)); /* had to be read again */
    CHECK(cache.next == 2);
}

/* ---- real documents ------------------------------------------------------------------
 */

/* A byte string of CBOR with one or two octets of length. */
static const uint8_t *take(const uint8_t *at, em_bytes *ret)
{
    size_t head = at[0] == 0x58 ? 2 : 3;
    size_t len = at[0] == 0x58 ? at[1] : (size_t)at[1] << 8 | at[2];

    CHECK(at[0] == 0x58 || at[0] == 0x59);
    *ret = em_view(at + head, len);
    return at + head + len;
}

/* The certificates of an attestation document, found by the names of their entries. */
static bool chain_in(em_bytes doc, chains *ret)
{
    static const char cabundle[] = "\x68"
                                   "cabundle",
                      certificate[] = "\x6b"
                                      "certificate";
    const uint8_t *a = memmem(doc.at, doc.len, cabundle, sizeof cabundle - 1);
    const uint8_t *b = memmem(doc.at, doc.len, certificate, sizeof certificate - 1);

    if (a == NULL || b == NULL) return false;
    a += sizeof cabundle - 1;
    *ret = (chains){.n = (size_t)(*a++ & 0x1F) + 1};
    for (size_t i = 0; i + 1 < ret->n; i++) a = take(a, &ret->der[i]);
    take(b + sizeof certificate - 1, &ret->der[ret->n - 1]);
    return true;
}

static void real_documents(void)
{
    static const char g1[] =
        "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b";
    json_t *index = json_load_file(test_shared("vectors/nitro/index.json"), 0, NULL), *e;
    size_t i, good = 0, others = 0;
    em_x509_cache cache = {0};

    json_array_foreach(index, i, e)
    {
        char path[300];
        chains c;
        em_x509_chain out, hot;
        uint64_t at_ms = (uint64_t)json_int(e, "timestamp_ms");

        snprintf(path, sizeof path, "vectors/nitro/%s", json_text(e, "file"));
        test_note("%s", path);
        if (!json_is_true(json_object_get(e, "chain_to_G1"))) {
            others++;
            continue;
        }
        REQUIRE(chain_in(test_file(test_shared(path)), &c));
        CHECK_OK(chains_verify_at(&c, at_ms, NULL, &out));
        CHECK(em_same(EM_BYTES(out.root_sha256), test_hex(g1)));
        CHECK(at_ms + EM_CLOCK_LEEWAY_MS >= out.not_before_ms &&
              at_ms <= out.not_after_ms);
        CHECK_OK(chains_verify_at(&c, at_ms, &cache, &hot));
        CHECK_OK(chains_verify_at(&c, at_ms, &cache, &hot));
        CHECK(em_same(EM_BYTES(out.leaf.b), EM_BYTES(hot.leaf.b)));
        CHECK_ERR(chains_verify_at(&c, at_ms + 4u * CHAINS_HOUR * 1000, &cache, &hot),
                  EM_ERR_CERT_EXPIRED);
        CHECK_ERR(chains_verify_at(&c, 0, NULL, &hot), EM_ERR_CERT_NOT_YET_VALID);
        good++;
    }
    CHECK(good >= 10 && good + others == json_array_size(index));
    printf("# %zu chains of AWS verified, %zu entries without one\n", good, others);
    json_decref(index);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    RUN(a_good_chain_gives_its_facts);
    RUN(every_length_of_chain_is_taken);
    RUN(any_other_order_is_refused);
    RUN(a_signature_of_another_key_is_refused);
    RUN(every_cut_and_flip_is_refused);
    RUN(times_are_judged_last_and_by_name);
    RUN(any_certificates_time_counts);
    RUN(dates_are_counted_like_libcrypto);
    RUN(a_hit_costs_the_leaf_alone);
    RUN(a_cached_ca_still_expires);
    RUN(only_chains_that_passed_enter_the_cache);
    RUN(the_oldest_of_too_many_chains_gives_way);
    if (json_here("vectors/nitro/index.json")) RUN(real_documents);
    return test_end();
}
