#include "trust/document.h"

/* {1: -35}: ES384 and nothing else. */
static const uint8_t PROTECTED[] = {0xA1, 0x01, 0x38, 0x22};

enum { SIG_LEN = 96, MAX_ENTRIES = 16 };

em_err em_document_envelope(em_bytes document, em_cose_sign1 *ret_cose)
{
    em_cose_sign1 cose;

    if (document.len > EM_MAX_DOCUMENT) return EM_ERR_TOO_LARGE;
    EM_TRY(em_cose_parse(document, EM_COSE_UNTAGGED, &cose));
    if (!em_same(cose.protected, EM_BYTES(PROTECTED))) return EM_ERR_BAD_PROTECTED;
    if (!em_same(cose.unprotected, EM_STR("\xA0"))) return EM_ERR_BAD_UNPROTECTED;
    if (cose.signature.len != SIG_LEN) return EM_ERR_BAD_SIG_LENGTH;
    *ret_cose = cose;
    return EM_OK;
}

/* The members, each at most once, in whatever order. */
typedef enum member {
    MODULE_ID,
    DIGEST,
    TIMESTAMP,
    PCRS,
    CERTIFICATE,
    CABUNDLE,
    PUBLIC_KEY,
    USER_DATA,
    NONCE,
    MEMBERS
} member;

static const char *const names[MEMBERS] = {
    "module_id", "digest",     "timestamp", "pcrs",  "certificate",
    "cabundle",  "public_key", "user_data", "nonce",
};

static em_bytes bytes_between(em_cbor *c, size_t least, size_t most)
{
    em_bytes got = em_cbor_bytes_max(c, most);

    if (got.len < least) em_cbor_fail(c, EM_ERR_RANGE);
    return got;
}

static void read_pcrs(em_cbor *c, em_document *d)
{
    uint64_t n = em_cbor_map(c, EM_MAX_PCRS);

    for (uint64_t i = 0; i < n && em_cbor_ok(c) == EM_OK; i++) {
        uint64_t index = em_cbor_uint(c);
        em_bytes value = bytes_between(c, EM_PCR_LEN, EM_PCR_LEN);
        if (index >= EM_MAX_PCRS || (d->pcr_present >> index & 1)) {
            em_cbor_fail(c, EM_ERR_RANGE);
            return;
        }
        d->pcr_present |= (uint32_t)1 << index;
        d->pcr[index] = value.at;
    }
    if ((d->pcr_present & 7) != 7) em_cbor_fail(c, EM_ERR_RANGE);
}

static void read_cabundle(em_cbor *c, em_document *d)
{
    uint64_t n = em_cbor_array(c, EM_COUNT(d->cabundle));

    if (n == 0) em_cbor_fail(c, EM_ERR_RANGE);
    for (uint64_t i = 0; i < n && em_cbor_ok(c) == EM_OK; i++)
        d->cabundle[d->cabundle_n++] = bytes_between(c, 1, EM_MAX_CERT);
}

static void read_field(em_cbor *c, em_document_field *field)
{
    if (em_cbor_peek(c) == EM_CBOR_NULL) {
        em_cbor_null(c);
        field->is = EM_NULL;
        return;
    }
    field->is = EM_PRESENT;
    field->bytes = em_cbor_bytes_max(c, EM_MAX_DOCUMENT_FIELD);
}

static void read_member(em_cbor *c, member which, em_document *d)
{
    switch (which) {
    case MODULE_ID:
        d->module_id = em_cbor_text_max(c, EM_MAX_MODULE_ID);
        return;
    case DIGEST:
        if (!em_same(em_cbor_text(c), EM_STR("SHA384"))) em_cbor_fail(c, EM_ERR_RANGE);
        return;
    case TIMESTAMP:
        d->timestamp_ms = em_cbor_uint(c);
        if (d->timestamp_ms == 0 || d->timestamp_ms > INT64_MAX)
            em_cbor_fail(c, EM_ERR_RANGE);
        return;
    case PCRS:
        read_pcrs(c, d);
        return;
    case CERTIFICATE:
        d->certificate = bytes_between(c, 1, EM_MAX_CERT);
        return;
    case CABUNDLE:
        read_cabundle(c, d);
        return;
    case PUBLIC_KEY:
        read_field(c, &d->public_key);
        return;
    case USER_DATA:
        read_field(c, &d->user_data);
        return;
    case NONCE:
        read_field(c, &d->nonce);
        return;
    case MEMBERS:
        break;
    }
    em_cbor_fail(c, EM_ERR_CBOR_KEY);
}

static member name_member(em_bytes key)
{
    for (unsigned i = 0; i < MEMBERS; i++)
        if (em_same(key, em_view(names[i], strlen(names[i])))) return (member)i;
    return MEMBERS;
}

static em_err read_payload(em_bytes payload, em_document *d)
{
    em_cbor c = em_cbor_over_foreign(payload);
    unsigned seen = 0, needed = (1U << PUBLIC_KEY) - 1;

    (void)em_cbor_map(&c, MAX_ENTRIES);
    unsigned depth = c.depth;
    while (em_cbor_more(&c, depth)) {
        member which = name_member(em_cbor_text(&c));
        if (seen >> which & 1) em_cbor_fail(&c, EM_ERR_CBOR_DUPLICATE);
        seen |= 1U << which;
        read_member(&c, which, d);
    }
    EM_TRY(em_cbor_end(&c));
    return (seen & needed) == needed ? EM_OK : EM_ERR_CBOR_KEY;
}

/* Where "-enc" begins; module_id.len when nowhere. */
static size_t find_enc(em_bytes module_id)
{
    for (size_t i = 0; i + 4 <= module_id.len; i++)
        if (memcmp(module_id.at + i, "-enc", 4) == 0) return i;
    return module_id.len;
}

em_bytes em_document_instance(em_bytes module_id)
{
    size_t at = find_enc(module_id);

    return at < module_id.len ? em_view(module_id.at, at) : (em_bytes){0};
}

em_err em_document_parse(em_bytes document, em_document *ret_claims)
{
    em_document d = {0};

    EM_TRY(em_document_envelope(document, &d.cose));
    if (!d.cose.has_payload || read_payload(d.cose.payload, &d) != EM_OK)
        return EM_ERR_PAYLOAD_MALFORMED;
    if (em_document_instance(d.module_id).len == 0) return EM_ERR_NOT_AN_ENCLAVE;
    *ret_claims = d;
    return EM_OK;
}
