#include "crypto/x509.h"
#include "crypto/sha2.h"
#include "crypto/x509_impl.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

/* Root first, leaf last. */
typedef struct path {
    size_t n;
    em_x509_cert cert[EM_MAX_CHAIN];
} path;

static void path_drop(path *p)
{
    for (size_t i = 0; i < p->n; i++) em_x509_cert_drop(&p->cert[i]);
}

typedef struct second {
    X509_STORE *store;
    X509_STORE_CTX *ctx;
    STACK_OF(X509) * untrusted; /* borrows its certificates */
} second;

static void second_drop(second *s)
{
    X509_STORE_CTX_free(s->ctx);
    sk_X509_free(s->untrusted);
    X509_STORE_free(s->store);
}

void em_x509_fingerprint(em_bytes der, uint8_t ret_sha256[32])
{
    em_sha2_256(der, ret_sha256);
}

static void chain_hash(const em_bytes *cabundle, size_t n, uint8_t ret_sha256[32])
{
    em_sha256 h;

    em_sha2_256_init(&h);
    for (size_t i = 0; i < n; i++) {
        size_t len = cabundle[i].len; /* at most EM_MAX_CERT */
        uint8_t be[4] = {0, 0, (uint8_t)(len >> 8), (uint8_t)len};
        em_sha2_256_add(&h, EM_BYTES(be));
        em_sha2_256_add(&h, cabundle[i]);
    }
    em_sha2_256_end(&h, ret_sha256);
}

static em_err ca_rules(const em_x509_cert *c, size_t cas_below)
{
    if (!c->is_ca || !c->signs_certs) return EM_ERR_CHAIN_INVALID;
    if (c->has_path_len && c->path_len < cas_below) return EM_ERR_CHAIN_INVALID;
    return EM_OK;
}

static em_err leaf_rules(const em_x509_cert *c)
{
    return c->is_ca || !c->signs_data ? EM_ERR_CHAIN_INVALID : EM_OK;
}

/* ---- libcrypto's own opinion ------------------------------------------------------- */

/* In the place of libcrypto's signature and time checks, which are made here by hand: the
 * same signatures would cost the same again. */
static int path_only(X509_STORE_CTX *ctx)
{
    (void)ctx;
    return 1;
}

/* libcrypto builds a path from the leaf to the root out of the same certificates, by its
 * own reading of names, key identifiers, CA flags, key usage and path lengths; it must be
 * the path that was given, one by one. */
static em_err second_opinion(const path *p)
{
    EM_DROP(second) s = {0};

    s.store = X509_STORE_new();
    s.ctx = X509_STORE_CTX_new();
    s.untrusted = sk_X509_new_null();
    if (s.store == NULL || s.ctx == NULL || s.untrusted == NULL) return EM_ERR_CRYPTO;
    X509_STORE_set_verify(s.store, path_only);
    if (X509_STORE_add_cert(s.store, p->cert[0].x) != 1 ||
        X509_STORE_set_flags(s.store, X509_V_FLAG_NO_CHECK_TIME) != 1 ||
        X509_STORE_set_depth(s.store, EM_MAX_CHAIN) != 1)
        return EM_ERR_CRYPTO;
    for (size_t i = 1; i + 1 < p->n; i++)
        if (sk_X509_push(s.untrusted, p->cert[i].x) <= 0) return EM_ERR_CRYPTO;
    if (X509_STORE_CTX_init(s.ctx, s.store, p->cert[p->n - 1].x, s.untrusted) != 1)
        return EM_ERR_CRYPTO;

    if (X509_verify_cert(s.ctx) != 1) return EM_ERR_CHAIN_INVALID;
    const STACK_OF(X509) *built = X509_STORE_CTX_get0_chain(s.ctx);
    if (sk_X509_num(built) != (int)p->n) return EM_ERR_CHAIN_INVALID;
    for (size_t i = 0; i < p->n; i++)
        if (sk_X509_value(built, (int)i) != p->cert[p->n - 1 - i].x)
            return EM_ERR_CHAIN_INVALID;
    return EM_OK;
}

/* ---- the path ---------------------------------------------------------------------- */

static em_err names_chain(const path *p)
{
    if (!em_same(p->cert[0].subject, p->cert[0].issuer)) return EM_ERR_CHAIN_INVALID;
    for (size_t i = 1; i < p->n; i++)
        if (!em_same(p->cert[i].issuer, p->cert[i - 1].subject))
            return EM_ERR_CHAIN_INVALID;
    return EM_OK;
}

static em_err signed_by(const em_x509_cert *c, const em_p384_public *issuer)
{
    return em_p384_verify_der(issuer, c->tbs, c->signature) == EM_OK
               ? EM_OK
               : EM_ERR_CHAIN_INVALID;
}

/* RFC 5280 6.1 for one path, all but time: rules first, since signatures cost most. */
static em_err path_verify(const path *p)
{
    EM_TRY(names_chain(p));
    for (size_t i = 0; i + 1 < p->n; i++) EM_TRY(ca_rules(&p->cert[i], p->n - 2 - i));
    EM_TRY(leaf_rules(&p->cert[p->n - 1]));
    EM_TRY(second_opinion(p));
    for (size_t i = 0; i < p->n; i++)
        EM_TRY(signed_by(&p->cert[i], &p->cert[i == 0 ? 0 : i - 1].key));
    return EM_OK;
}

static void narrow(const em_x509_cert *c, uint64_t *not_before_ms, uint64_t *not_after_ms)
{
    if (c->not_before_ms > *not_before_ms) *not_before_ms = c->not_before_ms;
    if (c->not_after_ms < *not_after_ms) *not_after_ms = c->not_after_ms;
}

static em_err time_rules(const em_x509_chain *chain, uint64_t at_ms)
{
    if (chain->not_before_ms > at_ms && chain->not_before_ms - at_ms > EM_CLOCK_LEEWAY_MS)
        return EM_ERR_CERT_NOT_YET_VALID;
    return chain->not_after_ms < at_ms ? EM_ERR_CERT_EXPIRED : EM_OK;
}

/* ---- the cache --------------------------------------------------------------------- */

static const struct em_x509_cache_slot *find(const em_x509_cache *cache,
                                             const em_x509_chain *chain)
{
    for (size_t i = 0; i < EM_X509_CACHE_SLOTS; i++) {
        const struct em_x509_cache_slot *s = &cache->slot[i];
        if (s->used &&
            em_ct_equal(s->root_sha256, chain->root_sha256, sizeof s->root_sha256) &&
            em_ct_equal(s->chain_sha256, chain->chain_sha256, sizeof s->chain_sha256))
            return s;
    }
    return NULL;
}

/* A slot serves a leaf that names the lowest CA as its issuer and of which every
 * extension is judged here: another one (an authority key identifier, say) may disagree
 * with a CA, and only the whole path tells. */
static bool serves(const struct em_x509_cache_slot *s, const em_x509_cert *leaf)
{
    uint8_t name[EM_SHA256_LEN];

    em_sha2_256(leaf->issuer, name);
    return leaf->plain && em_ct_equal(s->issuer_name_sha256, name, sizeof name);
}

static void keep(em_x509_cache *cache, const em_x509_chain *chain, const path *p)
{
    const em_x509_cert *issuer = &p->cert[p->n - 2];
    struct em_x509_cache_slot s = {
        .used = true, .issuer = issuer->key, .not_after_ms = UINT64_MAX};

    memcpy(s.root_sha256, chain->root_sha256, sizeof s.root_sha256);
    memcpy(s.chain_sha256, chain->chain_sha256, sizeof s.chain_sha256);
    em_sha2_256(issuer->subject, s.issuer_name_sha256);
    for (size_t i = 0; i + 1 < p->n; i++)
        narrow(&p->cert[i], &s.not_before_ms, &s.not_after_ms);
    cache->slot[cache->next % EM_X509_CACHE_SLOTS] = s;
    cache->next = (cache->next + 1) % EM_X509_CACHE_SLOTS;
}

static em_err with_cached_cas(const struct em_x509_cache_slot *s,
                              const em_x509_cert *leaf, em_x509_chain *chain)
{
    EM_TRY(leaf_rules(leaf));
    EM_TRY(signed_by(leaf, &s->issuer));
    chain->not_before_ms = s->not_before_ms;
    chain->not_after_ms = s->not_after_ms;
    narrow(leaf, &chain->not_before_ms, &chain->not_after_ms);
    return EM_OK;
}

/* ---- the whole --------------------------------------------------------------------- */

em_err em_x509_chain_verify(const em_bytes *cabundle, size_t n, em_bytes leaf,
                            uint64_t at_ms, em_x509_cache *cache,
                            em_x509_chain *ret_chain)
{
    EM_DROP(path) p = {0};
    em_x509_chain chain = {.not_after_ms = UINT64_MAX};

    if (n == 0 || n >= EM_MAX_CHAIN) return EM_ERR_CHAIN_INVALID;
    for (size_t i = 0; i < n; i++)
        if (cabundle[i].len > EM_MAX_CERT) return EM_ERR_X509_MALFORMED;
    em_x509_fingerprint(cabundle[0], chain.root_sha256);
    chain_hash(cabundle, n, chain.chain_sha256);

    p.n = n + 1;
    EM_TRY(em_x509_cert_parse(leaf, &p.cert[n]));
    const struct em_x509_cache_slot *slot = cache == NULL ? NULL : find(cache, &chain);
    if (slot != NULL && serves(slot, &p.cert[n])) {
        EM_TRY(with_cached_cas(slot, &p.cert[n], &chain));
    } else {
        for (size_t i = 0; i < n; i++)
            EM_TRY(em_x509_cert_parse(cabundle[i], &p.cert[i]));
        em_err err = path_verify(&p);
        ERR_clear_error();
        EM_TRY(err);
        for (size_t i = 0; i < p.n; i++)
            narrow(&p.cert[i], &chain.not_before_ms, &chain.not_after_ms);
    }
    chain.leaf = p.cert[n].key;
    EM_TRY(time_rules(&chain, at_ms));

    if (cache != NULL && slot == NULL) keep(cache, &chain, &p);
    *ret_chain = chain;
    return EM_OK;
}
