#include "trust/policy_state.h"
#include "wire/cbor.h"

typedef struct entry {
    em_bytes id;
    uint8_t hash[EM_POLICY_HASH_LEN];
    em_ed25519_public signer;
    uint64_t version;
} entry;

static bool same_policy(const entry *a, const entry *b)
{
    return em_same(a->id, b->id) && em_same(EM_BYTES(a->signer.b), EM_BYTES(b->signer.b));
}

static void read_entry(em_cbor *c, entry *e)
{
    em_cbor_map_of(c, 4);
    em_cbor_want(c, "id");
    e->id = em_cbor_text_max(c, EM_MAX_MODEL_ID);
    em_cbor_want(c, "hash");
    em_cbor_bytes_into(c, e->hash, sizeof e->hash);
    em_cbor_want(c, "signer");
    em_cbor_bytes_into(c, e->signer.b, sizeof e->signer.b);
    em_cbor_want(c, "version");
    e->version = em_cbor_uint(c);
    if (e->version == 0 || e->version > INT64_MAX) em_cbor_fail(c, EM_ERR_RANGE);
}

/* `ret_n` entries, all of them different policies. */
static em_err read_state(em_bytes state, entry seen[EM_MAX_POLICIES_SEEN], size_t *ret_n)
{
    em_cbor c = em_cbor_over(state);

    *ret_n = 0;
    if (state.len == 0) return EM_OK;
    if (state.len > EM_MAX_POLICY_STATE) return EM_ERR_POLICY_STATE;
    em_cbor_map_of(&c, 2);
    em_cbor_want(&c, "v");
    if (em_cbor_uint(&c) != 1) em_cbor_fail(&c, EM_ERR_RANGE);
    em_cbor_want(&c, "seen");
    uint64_t n = em_cbor_array(&c, EM_MAX_POLICIES_SEEN);
    for (size_t i = 0; i < n && em_cbor_ok(&c) == EM_OK; i++) {
        read_entry(&c, &seen[i]);
        for (size_t k = 0; k < i && em_cbor_ok(&c) == EM_OK; k++)
            if (same_policy(&seen[i], &seen[k])) em_cbor_fail(&c, EM_ERR_CBOR_DUPLICATE);
    }
    if (em_cbor_end(&c) != EM_OK) return EM_ERR_POLICY_STATE;
    *ret_n = (size_t)n;
    return EM_OK;
}

static em_err write_state(const entry *seen, size_t n, em_out *o)
{
    em_cbor_put_map(o, 2);
    em_cbor_put_str(o, "v");
    em_cbor_put_uint(o, 1);
    em_cbor_put_str(o, "seen");
    em_cbor_put_array(o, n);
    for (size_t i = 0; i < n; i++) {
        em_cbor_put_map(o, 4);
        em_cbor_put_str(o, "id");
        em_cbor_put_text(o, seen[i].id);
        em_cbor_put_str(o, "hash");
        em_cbor_put_bytes(o, EM_BYTES(seen[i].hash));
        em_cbor_put_str(o, "signer");
        em_cbor_put_bytes(o, EM_BYTES(seen[i].signer.b));
        em_cbor_put_str(o, "version");
        em_cbor_put_uint(o, seen[i].version);
    }
    return em_write_end(o);
}

/* PROTOCOL 6: a lower version, or the same with other bytes, refuses. */
static em_err judge(const entry *known, const entry *now, em_policy_seen *ret_seen)
{
    if (now->version < known->version) return EM_ERR_POLICY_ROLLBACK;
    if (now->version > known->version) {
        *ret_seen = EM_POLICY_NEWER;
        return EM_OK;
    }
    if (!em_same(EM_BYTES(now->hash), EM_BYTES(known->hash))) return EM_ERR_POLICY_FORK;
    *ret_seen = EM_POLICY_SAME;
    return EM_OK;
}

em_err em_policy_state_advance(em_bytes state, const em_policy *policy, em_out *o,
                               em_policy_seen *ret_seen)
{
    entry seen[EM_MAX_POLICIES_SEEN];
    entry now = {.id = policy->body.id, .signer = policy->signer};
    em_policy_seen how = EM_POLICY_FIRST_USE;
    size_t n, i = 0;

    now.version = policy->body.version;
    memcpy(now.hash, policy->hash, sizeof now.hash);

    EM_TRY(read_state(state, seen, &n));
    while (i < n && !same_policy(&seen[i], &now)) i++;
    if (i < n) EM_TRY(judge(&seen[i], &now, &how));
    if (i == EM_MAX_POLICIES_SEEN) return EM_ERR_LIMIT;
    seen[i] = now;
    EM_TRY(write_state(seen, i < n ? n : n + 1, o));
    *ret_seen = how;
    return EM_OK;
}
