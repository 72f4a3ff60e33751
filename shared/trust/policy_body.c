#include "trust/policy_body.h"
#include "trust/map_impl.h"
#include "trust/policy_put.h"

enum { TUPLE_MEMBERS = 9 };

/* ---- reading ---- */

/* Items of an array are strictly ascending in their encoded bytes. */
static void in_order(em_cbor *c, em_bytes *last, const uint8_t *start)
{
    em_bytes item = em_view(start, (size_t)(c->in.left.at - start));

    if (last->len > 0 && em_order(*last, item) >= 0)
        em_cbor_fail(c, EM_ERR_CBOR_UNSORTED);
    *last = item;
}

/* A byte string of exactly `len` bytes, not all zero. */
static em_bytes nonzero(em_cbor *c, size_t len)
{
    em_bytes got = em_cbor_bytes(c);

    if (got.len != len || em_all_zero(got)) em_cbor_fail(c, EM_ERR_RANGE);
    return got;
}

static void read_roots(em_cbor *c, em_policy_body *b)
{
    uint64_t n = em_cbor_array(c, EM_MAX_ROOTS);
    em_bytes last = {0};

    for (uint64_t i = 0; i < n && em_cbor_ok(c) == EM_OK; i++) {
        const uint8_t *start = c->in.left.at;
        em_bytes root = nonzero(c, EM_ROOT_LEN);
        in_order(c, &last, start);
        if (em_cbor_ok(c) == EM_OK)
            memcpy(b->root[b->n_roots++].sha256, root.at, root.len);
    }
}

static void read_tuple(em_cbor *c, em_policy_tuple *t)
{
    uint64_t left = em_cbor_map(c, TUPLE_MEMBERS);

    map_want(c, "pcr0", &left);
    t->pcr0 = nonzero(c, EM_PCR_LEN);
    map_want(c, "pcr1", &left);
    t->pcr1 = nonzero(c, EM_PCR_LEN);
    map_want(c, "pcr2", &left);
    t->pcr2 = nonzero(c, EM_PCR_LEN);
    if (map_has(c, "pcr3", &left)) t->pcr3 = nonzero(c, EM_PCR_LEN);
    if (map_has(c, "pcr4", &left)) t->pcr4 = nonzero(c, EM_PCR_LEN);
    if (map_has(c, "pcr8", &left)) t->pcr8 = nonzero(c, EM_PCR_LEN);
    map_want(c, "protocol", &left);
    t->protocol = em_cbor_uint(c);
    map_want(c, "not_after", &left);
    t->not_after_ms = em_cbor_uint(c);
    if (map_has(c, "any_account", &left)) {
        t->any_account = em_cbor_bool(c);
        if (!t->any_account) em_cbor_fail(c, EM_ERR_RANGE);
    }
    map_done(c, left);

    bool is_bound = t->pcr3.len > 0 || t->pcr4.len > 0;
    if (is_bound == t->any_account || t->not_after_ms > INT64_MAX)
        em_cbor_fail(c, EM_ERR_RANGE);
}

static void read_tuples(em_cbor *c, em_policy_body *b)
{
    uint64_t n = em_cbor_array(c, EM_MAX_TUPLES);
    em_bytes last = {0};

    for (uint64_t i = 0; i < n && em_cbor_ok(c) == EM_OK; i++) {
        const uint8_t *start = c->in.left.at;
        read_tuple(c, &b->tuple[b->n_tuples++]);
        in_order(c, &last, start);
    }
}

static void read_publishers(em_cbor *c, em_policy_body *b)
{
    uint64_t n = em_cbor_array(c, EM_MAX_PUBLISHERS);
    em_bytes last = {0};

    for (uint64_t i = 0; i < n && em_cbor_ok(c) == EM_OK; i++) {
        const uint8_t *start = c->in.left.at;
        em_publisher *p = &b->publisher[b->n_publishers++];
        em_cbor_map_of(c, 3);
        em_cbor_want(c, "key");
        em_cbor_bytes_into(c, p->key.b, sizeof p->key.b);
        em_cbor_want(c, "floor");
        p->floor = em_cbor_uint(c);
        em_cbor_want(c, "model");
        p->model = em_cbor_text_max(c, EM_MAX_MODEL_ID);
        if (p->model.len == 0) em_cbor_fail(c, EM_ERR_RANGE);
        in_order(c, &last, start);
    }
}

static void read_list(em_cbor *c, const char *key, size_t len,
                      const uint8_t *list[EM_MAX_REVOKED], size_t *ret_n)
{
    em_cbor_want(c, key);
    uint64_t n = em_cbor_array(c, EM_MAX_REVOKED);
    em_bytes last = {0};

    for (uint64_t i = 0; i < n && em_cbor_ok(c) == EM_OK; i++) {
        const uint8_t *start = c->in.left.at;
        list[(*ret_n)++] = nonzero(c, len).at;
        in_order(c, &last, start);
    }
}

static void read_revoked(em_cbor *c, em_policy_body *b)
{
    em_cbor_map_of(c, 3);
    read_list(c, "keys", EM_ED25519_PUBLIC_LEN, b->revoked_key, &b->n_revoked_keys);
    read_list(c, "manifests", EM_MANIFEST_HASH_LEN, b->revoked_manifest,
              &b->n_revoked_manifests);
    read_list(c, "measurements", EM_PCR_LEN, b->revoked_measurement,
              &b->n_revoked_measurements);
}

static em_mode read_mode(em_cbor *c)
{
    em_bytes text = em_cbor_text(c);

    for (em_mode m = EM_MODE_EVALUATION; m <= EM_MODE_PRODUCTION; m++) {
        const char *name = em_roots_mode_name(m);
        if (em_same(text, em_view(name, strlen(name)))) return m;
    }
    em_cbor_fail(c, EM_ERR_RANGE);
    return EM_MODE_NONE;
}

static em_err read_body(em_bytes body, em_policy_body *b)
{
    em_cbor c = em_cbor_over(body);

    em_cbor_map_of(&c, EM_POLICY_BODY_MEMBERS);
    em_cbor_want(&c, "v");
    if (em_cbor_uint(&c) != 1) em_cbor_fail(&c, EM_ERR_RANGE);
    em_cbor_want(&c, "id");
    b->id = em_cbor_text_max(&c, EM_MAX_MODEL_ID);
    em_cbor_want(&c, "mode");
    b->mode = read_mode(&c);
    em_cbor_want(&c, "roots");
    read_roots(&c, b);
    em_cbor_want(&c, "tuples");
    read_tuples(&c, b);
    em_cbor_want(&c, "revoked");
    read_revoked(&c, b);
    em_cbor_want(&c, "version");
    b->version = em_cbor_uint(&c);
    em_cbor_want(&c, "freshness");
    b->freshness_ms = em_cbor_uint(&c);
    em_cbor_want(&c, "not_after");
    b->not_after_ms = em_cbor_uint(&c);
    em_cbor_want(&c, "not_before");
    b->not_before_ms = em_cbor_uint(&c);
    em_cbor_want(&c, "publishers");
    read_publishers(&c, b);
    return em_cbor_end(&c);
}

/* ---- what form alone does not say ---- */

static bool names_twice(const em_policy_body *b)
{
    for (size_t i = 0; i < b->n_publishers; i++)
        for (size_t k = 0; k < i; k++)
            if (em_same(b->publisher[i].model, b->publisher[k].model) &&
                em_same(EM_BYTES(b->publisher[i].key.b), EM_BYTES(b->publisher[k].key.b)))
                return true;
    return false;
}

static em_err check_body(const em_policy_body *b)
{
    const uint64_t longest = (uint64_t)EM_MAX_POLICY_DAYS * 24 * 60 * 60 * 1000;

    if (b->id.len == 0 || b->version == 0 || b->version > INT64_MAX ||
        b->freshness_ms == 0 || b->freshness_ms > EM_FRESH_MAX_MS)
        return EM_ERR_POLICY_MALFORMED;
    if (b->not_after_ms > INT64_MAX || b->not_before_ms >= b->not_after_ms ||
        b->not_after_ms - b->not_before_ms > longest || names_twice(b))
        return EM_ERR_POLICY_MALFORMED;
    if (b->n_roots == 0 || b->n_tuples == 0) return EM_ERR_POLICY_EMPTY;
    /* PROTOCOL 6: no mixture */
    for (size_t i = 0; i < b->n_roots; i++)
        if (em_roots_mode(&b->root[i]) != b->mode) return EM_ERR_POLICY_MODE;
    return EM_OK;
}

em_err em_policy_body_read(em_bytes body, em_policy_body *ret_claims)
{
    em_policy_body b = {0};

    if (body.len > EM_MAX_POLICY || read_body(body, &b) != EM_OK)
        return EM_ERR_POLICY_MALFORMED;
    EM_TRY(check_body(&b));
    *ret_claims = b;
    return EM_OK;
}

em_err em_policy_body_write(const em_policy_body *body, em_out *o)
{
    size_t start = o->len;
    em_policy_body again;

    em_policy_put(o, body);
    EM_TRY(em_write_end(o));
    /* what was written reads back, or says why not */
    em_err err = em_policy_body_read(em_view(o->at + start, o->len - start), &again);
    if (err != EM_OK) o->len = start;
    return err;
}
