#include "bundle/bundle_head.h"

#include "base/read.h"
#include "crypto/aead.h"

#define MAGIC EM_STR("EMBUNDL1")

static bool lengths_hold(size_t manifest_len, size_t wrapped_len)
{
    return manifest_len > 0 && manifest_len <= EM_MAX_MANIFEST && wrapped_len > 0 &&
           wrapped_len <= EM_MAX_WRAPPED_KEY;
}

em_err em_bundle_head_parse(em_bytes head, em_bundle_head *ret_head)
{
    em_reader r = {.left = head};

    if (head.len < EM_BUNDLE_HEAD_LEN) return EM_ERR_SHORT;
    r.left.len = EM_BUNDLE_HEAD_LEN;
    em_bytes magic = em_read_bytes(&r, MAGIC.len);
    uint32_t manifest_len = em_read_be32(&r);
    uint32_t wrapped_len = em_read_be32(&r);
    if (!em_same(magic, MAGIC) || !lengths_hold(manifest_len, wrapped_len))
        return EM_ERR_BUNDLE_MALFORMED;

    em_bundle_head h;
    h.manifest = em_read_bytes(&r, manifest_len);
    h.wrapped_key = em_read_bytes(&r, wrapped_len);
    em_bytes rest = em_read_bytes(&r, r.left.len);
    if (em_read_end(&r) != EM_OK || !em_all_zero(rest)) return EM_ERR_BUNDLE_MALFORMED;
    *ret_head = h;
    return EM_OK;
}

em_err em_bundle_head_write(em_bytes manifest, em_bytes wrapped_key, em_out *o)
{
    size_t before = o->len;

    if (!lengths_hold(manifest.len, wrapped_key.len)) return EM_ERR_BUNDLE_MALFORMED;
    em_write_bytes(o, MAGIC);
    em_write_be32(o, (uint32_t)manifest.len);
    em_write_be32(o, (uint32_t)wrapped_key.len);
    em_write_bytes(o, manifest);
    em_write_bytes(o, wrapped_key);
    EM_TRY(em_write_end(o));
    em_write_zeros(o, EM_BUNDLE_HEAD_LEN - (o->len - before));
    return em_write_end(o);
}

em_err em_bundle_head_span(const em_manifest_body *body, uint32_t i,
                           em_bundle_span *ret_span)
{
    em_bundle_span s;

    if (i >= body->n_chunks) return EM_ERR_BUNDLE_COUNT;
    s.image_at = (uint64_t)i * body->chunk_len;
    s.plain_len = body->chunk_len;
    if (i == body->n_chunks - 1) s.plain_len = (uint32_t)(body->image_len - s.image_at);
    s.file_at = EM_BUNDLE_HEAD_LEN + s.image_at + (uint64_t)i * EM_AEAD_TAG_LEN;
    s.sealed_len = s.plain_len + EM_AEAD_TAG_LEN;
    *ret_span = s;
    return EM_OK;
}

uint64_t em_bundle_head_file_len(const em_manifest_body *body)
{
    return EM_BUNDLE_HEAD_LEN + body->image_len +
           (uint64_t)body->n_chunks * EM_AEAD_TAG_LEN;
}
