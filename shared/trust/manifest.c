#include "trust/manifest.h"

#include "trust/sign1.h"

/* {1: -8 (EdDSA), 3: "application/em-manifest+cbor"} */
static const uint8_t protected_header[] = {
    0xA2, 0x01, 0x27, 0x03, 0x78, 0x1C, 'a', 'p', 'p', 'l', 'i', 'c',
    'a',  't',  'i',  'o',  'n',  '/',  'e', 'm', '-', 'm', 'a', 'n',
    'i',  'f',  'e',  's',  't',  '+',  'c', 'b', 'o', 'r'};

static em_err read_envelope(em_bytes in, em_cose_sign1 *ret_parts)
{
    if (in.len > EM_MAX_MANIFEST) return EM_ERR_LIMIT;
    return em_sign1_open(in, EM_BYTES(protected_header), ret_parts);
}

em_err em_manifest_parse(em_bytes signed_manifest, em_tensor tensors[EM_MAX_TENSORS],
                         em_manifest_body *ret_claims)
{
    em_cose_sign1 parts;

    EM_TRY(read_envelope(signed_manifest, &parts));
    return em_manifest_body_read(parts.payload, tensors, ret_claims);
}

em_err em_manifest_hash(em_bytes signed_manifest, uint8_t ret_hash[EM_MANIFEST_HASH_LEN])
{
    em_cose_sign1 parts;

    EM_TRY(read_envelope(signed_manifest, &parts));
    em_sha2_256(parts.payload, ret_hash);
    return EM_OK;
}

/* ---- believing ---- */

/* Which of the publishers named for this model signed it? */
static em_err find_publisher(const em_cose_sign1 *parts, em_bytes id,
                             const em_publisher *publishers, size_t n,
                             const em_publisher **ret_publisher)
{
    bool named = false;

    for (size_t i = 0; i < n; i++) {
        if (!em_same(publishers[i].model, id)) continue;
        named = true;
        if (em_sign1_verify(parts, &publishers[i].key) != EM_OK) continue;
        *ret_publisher = &publishers[i];
        return EM_OK;
    }
    return named ? EM_ERR_MANIFEST_KEY : EM_ERR_MANIFEST_UNKNOWN;
}

em_err em_manifest_verify(em_bytes signed_manifest, const em_publisher *publishers,
                          size_t n, uint64_t now_ms, em_tensor tensors[EM_MAX_TENSORS],
                          em_manifest *ret_manifest)
{
    em_cose_sign1 parts;
    em_manifest m;
    const em_publisher *by;

    EM_TRY(read_envelope(signed_manifest, &parts));
    EM_TRY(em_manifest_body_read(parts.payload, tensors, &m.body));
    EM_TRY(find_publisher(&parts, m.body.id, publishers, n, &by));
    if (m.body.number < by->floor) return EM_ERR_MANIFEST_FLOOR;
    EM_TRY(em_manifest_in_date(&m, now_ms));

    em_sha2_256(parts.payload, m.hash);
    m.publisher = by->key;
    *ret_manifest = m;
    return EM_OK;
}

em_err em_manifest_in_date(const em_manifest *manifest, uint64_t now_ms)
{
    return now_ms <= manifest->body.not_after_ms ? EM_OK : EM_ERR_MANIFEST_EXPIRED;
}

void em_manifest_commitment(const em_content_key *key,
                            uint8_t ret_commitment[EM_SHA256_LEN])
{
    const em_bytes parts[] = {EM_STR("em/1 cek"), EM_BYTES(key->b)};

    em_sha2_256_of(parts, EM_COUNT(parts), ret_commitment);
    em_declassify(ret_commitment, EM_SHA256_LEN);
}

em_err em_manifest_check_key(const em_manifest_body *body, const em_content_key *key)
{
    uint8_t commitment[EM_SHA256_LEN];

    em_manifest_commitment(key, commitment);
    if (!em_ct_equal(commitment, body->commitment, sizeof commitment))
        return EM_ERR_KEY_COMMITMENT;
    return EM_OK;
}

void em_manifest_context_of(const em_manifest_body *body,
                            const uint8_t hash[EM_MANIFEST_HASH_LEN],
                            em_manifest_context *ret_context)
{
    em_manifest_context *c = ret_context;
    em_out hex = EM_OUT(c->hex), decimal = EM_OUT(c->decimal);

    em_write_hex(&hex, em_view(hash, EM_MANIFEST_HASH_LEN));
    em_write_decimal(&decimal, body->number);
    c->name[0] = EM_STR("em:model"), c->value[0] = body->id;
    c->name[1] = EM_STR("em:version"), c->value[1] = em_write_view(&decimal);
    c->name[2] = EM_STR("em:manifest"), c->value[2] = em_write_view(&hex);
}

em_err em_manifest_sign(em_bytes body, const em_ed25519_secret *secret, em_out *o)
{
    size_t before = o->len;

    if (body.len > EM_MAX_MANIFEST) return EM_ERR_LIMIT;
    EM_TRY(em_sign1_write(EM_BYTES(protected_header), body, secret, o));
    return o->len - before <= EM_MAX_MANIFEST ? EM_OK : EM_ERR_LIMIT;
}
