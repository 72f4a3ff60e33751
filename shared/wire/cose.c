#include "wire/cose.h"

enum { TAG_SIGN1 = 18, MAX_UNPROTECTED = 16 };

/* Tag 18 in its shortest form, where it is allowed or demanded. */
static em_err take_tag(em_bytes *in, em_cose_tag tag)
{
    bool is_tagged = in->len > 0 && in->at[0] == (0xC0 | TAG_SIGN1);

    if (is_tagged ? tag == EM_COSE_UNTAGGED : tag == EM_COSE_TAGGED)
        return EM_ERR_COSE_DECODE_FAILED;
    if (is_tagged) *in = em_view(in->at + 1, in->len - 1);
    return EM_OK;
}

/* Others' headers may come in any order (RFC 9052 3), but no label twice. */
static em_bytes read_unprotected(em_cbor *c)
{
    em_bytes label[MAX_UNPROTECTED];

    if (em_cbor_peek(c) != EM_CBOR_MAP) em_cbor_fail(c, EM_ERR_CBOR_TYPE);
    const uint8_t *start = c->in.left.at;
    uint64_t n = em_cbor_map(c, MAX_UNPROTECTED);
    for (uint64_t i = 0; i < n && em_cbor_ok(c) == EM_OK; i++) {
        label[i] = em_cbor_skip(c);
        for (uint64_t k = 0; k < i; k++)
            if (em_same(label[k], label[i])) em_cbor_fail(c, EM_ERR_CBOR_DUPLICATE);
        (void)em_cbor_skip(c);
    }
    if (em_cbor_ok(c) != EM_OK) return (em_bytes){0};
    return em_view(start, (size_t)(c->in.left.at - start));
}

em_err em_cose_parse(em_bytes in, em_cose_tag tag, em_cose_sign1 *ret_parts)
{
    em_cose_sign1 parts = {0};

    EM_TRY(take_tag(&in, tag));
    em_cbor c = em_cbor_over_foreign(in);
    em_cbor_array_of(&c, 4);
    parts.protected = em_cbor_bytes(&c);
    parts.unprotected = read_unprotected(&c);
    parts.has_payload = em_cbor_peek(&c) != EM_CBOR_NULL;
    if (parts.has_payload)
        parts.payload = em_cbor_bytes(&c);
    else
        em_cbor_null(&c);
    parts.signature = em_cbor_bytes(&c);
    if (em_cbor_end(&c) != EM_OK) return EM_ERR_COSE_DECODE_FAILED;
    *ret_parts = parts;
    return EM_OK;
}

void em_cose_put_tbs_head(em_out *o, em_bytes protected, em_bytes external,
                          size_t payload_len)
{
    /* RFC 9052 4.4: a protected header without parameters counts as an empty string */
    if (em_same(protected, EM_STR("\xA0"))) protected = (em_bytes){0};

    em_cbor_put_array(o, 4);
    em_cbor_put_str(o, "Signature1");
    em_cbor_put_bytes(o, protected);
    em_cbor_put_bytes(o, external);
    em_cbor_put_bytes_head(o, payload_len);
}

em_err em_cose_tbs(const em_cose_sign1 *parts, em_bytes external, uint8_t *buf,
                   size_t cap, em_bytes *ret_tbs)
{
    em_out o = em_out_over(buf, cap);

    em_cose_put_tbs_head(&o, parts->protected, external, parts->payload.len);
    em_write_bytes(&o, parts->payload);
    EM_TRY(em_write_end(&o));
    *ret_tbs = em_write_view(&o);
    return EM_OK;
}

void em_cose_put_sign1(em_out *o, bool tagged, em_bytes protected, em_bytes payload,
                       em_bytes signature)
{
    if (tagged) em_cbor_put_tag(o, TAG_SIGN1);
    em_cbor_put_array(o, 4);
    em_cbor_put_bytes(o, protected);
    em_cbor_put_map(o, 0);
    em_cbor_put_bytes(o, payload);
    em_cbor_put_bytes(o, signature);
}
