#include "trust/policy_put.h"
#include "wire/cbor_put.h"

static void put_pcr(em_out *o, const char *key, em_bytes pcr)
{
    if (pcr.len == 0) return;
    em_cbor_put_str(o, key);
    em_cbor_put_bytes(o, pcr);
}

static void put_tuple(em_out *o, const void *item)
{
    const em_policy_tuple *t = item;
    const em_bytes *pcr[] = {&t->pcr0, &t->pcr1, &t->pcr2, &t->pcr3, &t->pcr4, &t->pcr8};
    uint64_t n = t->any_account ? 3 : 2;

    for (size_t i = 0; i < EM_COUNT(pcr); i++)
        if (pcr[i]->len > 0) n++;
    em_cbor_put_map(o, n);
    put_pcr(o, "pcr0", t->pcr0);
    put_pcr(o, "pcr1", t->pcr1);
    put_pcr(o, "pcr2", t->pcr2);
    put_pcr(o, "pcr3", t->pcr3);
    put_pcr(o, "pcr4", t->pcr4);
    put_pcr(o, "pcr8", t->pcr8);
    em_cbor_put_str(o, "protocol");
    em_cbor_put_uint(o, t->protocol);
    em_cbor_put_str(o, "not_after");
    em_cbor_put_uint(o, t->not_after_ms);
    if (!t->any_account) return;
    em_cbor_put_str(o, "any_account");
    em_cbor_put_bool(o, true);
}

static void put_root(em_out *o, const void *item)
{
    const em_root *root = item;

    em_cbor_put_bytes(o, EM_BYTES(root->sha256));
}

static void put_publisher(em_out *o, const void *item)
{
    const em_publisher *p = item;

    em_cbor_put_map(o, 3);
    em_cbor_put_str(o, "key");
    em_cbor_put_bytes(o, EM_BYTES(p->key.b));
    em_cbor_put_str(o, "floor");
    em_cbor_put_uint(o, p->floor);
    em_cbor_put_str(o, "model");
    em_cbor_put_text(o, p->model);
}

static void put_hash(em_out *o, const void *item)
{
    const uint8_t *const *at = item;

    em_cbor_put_bytes(o, em_view(*at, EM_ED25519_PUBLIC_LEN));
}

static void put_measurement(em_out *o, const void *item)
{
    const uint8_t *const *at = item;

    em_cbor_put_bytes(o, em_view(*at, EM_PCR_LEN));
}

/* An array of `n` items of `size` bytes at `items`, written in the order of their
 * encodings: each round writes the least of those above the last one written. */
static void put_sorted(em_out *o, const void *items, size_t n, size_t size, size_t max,
                       void (*put)(em_out *, const void *))
{
    enum { ITEM_MAX = 512 };
    uint8_t last[ITEM_MAX], best[ITEM_MAX], next[ITEM_MAX];
    em_bytes last_view = {0};

    if (n > max) {
        em_write_fail(o, EM_ERR_POLICY_MALFORMED);
        return;
    }
    em_cbor_put_array(o, n);
    for (size_t i = 0; i < n; i++) {
        em_bytes best_view = {0};
        for (size_t k = 0; k < n; k++) {
            em_out item = EM_OUT(next);
            put(&item, (const uint8_t *)items + k * size);
            em_bytes view = em_write_view(&item);
            if (em_write_end(&item) != EM_OK) em_write_fail(o, EM_ERR_POLICY_MALFORMED);
            if (em_order(view, last_view) <= 0) continue;
            if (best_view.len > 0 && em_order(view, best_view) >= 0) continue;
            memcpy(best, view.at, view.len);
            best_view = em_view(best, view.len);
        }
        /* fewer different ones than there are: one stood there twice */
        if (best_view.len == 0) em_write_fail(o, EM_ERR_POLICY_MALFORMED);
        em_write_bytes(o, best_view);
        if (best_view.len > 0) memcpy(last, best, best_view.len);
        last_view = em_view(last, best_view.len);
    }
}

static void put_revoked(em_out *o, const em_policy_body *b)
{
    em_cbor_put_map(o, 3);
    em_cbor_put_str(o, "keys");
    put_sorted(o, b->revoked_key, b->n_revoked_keys, sizeof *b->revoked_key,
               EM_MAX_REVOKED, put_hash);
    em_cbor_put_str(o, "manifests");
    put_sorted(o, b->revoked_manifest, b->n_revoked_manifests,
               sizeof *b->revoked_manifest, EM_MAX_REVOKED, put_hash);
    em_cbor_put_str(o, "measurements");
    put_sorted(o, b->revoked_measurement, b->n_revoked_measurements,
               sizeof *b->revoked_measurement, EM_MAX_REVOKED, put_measurement);
}

void em_policy_put(em_out *o, const em_policy_body *b)
{
    em_cbor_put_map(o, EM_POLICY_BODY_MEMBERS);
    em_cbor_put_str(o, "v");
    em_cbor_put_uint(o, 1);
    em_cbor_put_str(o, "id");
    em_cbor_put_text(o, b->id);
    em_cbor_put_str(o, "mode");
    em_cbor_put_str(o, em_roots_mode_name(b->mode));
    em_cbor_put_str(o, "roots");
    put_sorted(o, b->root, b->n_roots, sizeof *b->root, EM_MAX_ROOTS, put_root);
    em_cbor_put_str(o, "tuples");
    put_sorted(o, b->tuple, b->n_tuples, sizeof *b->tuple, EM_MAX_TUPLES, put_tuple);
    em_cbor_put_str(o, "revoked");
    put_revoked(o, b);
    em_cbor_put_str(o, "version");
    em_cbor_put_uint(o, b->version);
    em_cbor_put_str(o, "freshness");
    em_cbor_put_uint(o, b->freshness_ms);
    em_cbor_put_str(o, "not_after");
    em_cbor_put_uint(o, b->not_after_ms);
    em_cbor_put_str(o, "not_before");
    em_cbor_put_uint(o, b->not_before_ms);
    em_cbor_put_str(o, "publishers");
    put_sorted(o, b->publisher, b->n_publishers, sizeof *b->publisher, EM_MAX_PUBLISHERS,
               put_publisher);
}
