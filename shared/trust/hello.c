#include "trust/hello.h"

#include "base/read.h"
#include "crypto/sha2.h"
#include "wire/cbor.h"

enum { VERSION = 1, FINAL = 1, MAX_HOST_CODE = 23 };

/* ---- records
 * --------------------------------------------------------------------------- */

bool em_hello_is_sealed(em_record_type type)
{
    return type == EM_RECORD_DATA || type == EM_RECORD_END || type == EM_RECORD_RECEIPT ||
           type == EM_RECORD_AUTH || type == EM_RECORD_CANCEL;
}

size_t em_hello_max_body(em_record_type type)
{
    switch (type) {
    case EM_RECORD_HELLO:
        return EM_MAX_HELLO;
    case EM_RECORD_ATTEST:
        return EM_MAX_ATTEST;
    case EM_RECORD_OPEN:
        return EM_OPEN_LEN;
    case EM_RECORD_DATA:
        return EM_MAX_DATA_BODY;
    case EM_RECORD_END:
        return EM_MAX_END_BODY;
    case EM_RECORD_RECEIPT:
        return EM_MAX_RECEIPT_BODY;
    case EM_RECORD_AUTH:
        return EM_MAX_AUTH_BODY;
    case EM_RECORD_CANCEL:
        return 0;
    case EM_RECORD_HOST:
        return EM_MAX_HOST_BODY;
    }
    return 0;
}

size_t em_hello_padded(size_t body_len)
{
    size_t need = body_len + 4, bucket = EM_PAD_MIN;

    while (bucket < need) {
        if (bucket / 2 * 3 >= need) return bucket / 2 * 3;
        bucket *= 2;
    }
    return bucket;
}

/* The body length that a head names, against its type. */
static em_err check_len(em_record_type type, size_t len)
{
    size_t max = em_hello_max_body(type);

    if (!em_hello_is_sealed(type)) {
        bool exact = type == EM_RECORD_OPEN;
        return len > max || (exact && len != max) ? EM_ERR_RECORD_SIZE : EM_OK;
    }
    if (len > em_hello_padded(max) + EM_TAG_LEN) return EM_ERR_RECORD_SIZE;
    if (len < EM_PAD_MIN + EM_TAG_LEN) return EM_ERR_RECORD_PADDING;
    size_t plain = len - EM_TAG_LEN;
    return em_hello_padded(plain - 4) == plain ? EM_OK : EM_ERR_RECORD_PADDING;
}

em_err em_hello_read_head(const uint8_t at[EM_RECORD_HEAD], em_record_head *ret_head)
{
    em_reader r = {.left = em_view(at, EM_RECORD_HEAD)};
    uint8_t type = em_read_u8(&r);
    uint8_t flags = em_read_u8(&r);
    uint32_t len = em_read_be32(&r);

    EM_TRY(em_read_end(&r));
    if (type < EM_RECORD_HELLO || type > EM_RECORD_HOST) return EM_ERR_RECORD_TYPE;
    em_record_head head = {(em_record_type)type, (flags & FINAL) != 0, len};
    bool many = head.type == EM_RECORD_DATA || head.type == EM_RECORD_END;

    if ((flags & ~FINAL) != 0 || (!head.final && !many)) return EM_ERR_RECORD_FLAGS;
    EM_TRY(check_len(head.type, head.len));
    *ret_head = head;
    return EM_OK;
}

void em_hello_put_head(em_out *o, em_record_type type, bool final, size_t len)
{
    em_write_u8(o, (uint8_t)type);
    em_write_u8(o, final ? FINAL : 0);
    em_write_be32(o, (uint32_t)len);
}

em_err em_hello_read_record(em_bytes record, em_record_type want, em_bytes *ret_body)
{
    em_reader r = {.left = record};
    em_bytes at = em_read_bytes(&r, EM_RECORD_HEAD);
    em_record_head head;

    EM_TRY(em_read_ok(&r));
    EM_TRY(em_hello_read_head(at.at, &head));
    if (head.type != want) return EM_ERR_RECORD_TYPE;
    em_bytes body = em_read_bytes(&r, head.len);
    EM_TRY(em_read_end(&r));
    *ret_body = body;
    return EM_OK;
}

/* Behind the writing of `o`'s last record: the head that em_hello_put_head wrote at
 * `from` gets the length of what followed. */
static void close_record(em_out *o, size_t from)
{
    if (em_write_end(o) != EM_OK) return;
    em_out head = em_out_over(o->at + from + 2, 4);
    em_write_be32(&head, (uint32_t)(o->len - from - EM_RECORD_HEAD));
}

/* ---- C1
 * -------------------------------------------------------------------------------- */

static void read_version(em_cbor *c)
{
    em_cbor_want(c, "v");
    if (em_cbor_uint(c) != VERSION) em_cbor_fail(c, EM_ERR_FORMAT);
}

em_err em_hello_parse_c1(em_bytes record, em_hello_c1 *ret_c1)
{
    em_hello_c1 c1;
    em_bytes body;

    EM_TRY(em_hello_read_record(record, EM_RECORD_HELLO, &body));
    em_cbor c = em_cbor_over(body);
    em_cbor_map_of(&c, 3);
    read_version(&c);
    em_cbor_want(&c, "nonce");
    em_cbor_bytes_into(&c, c1.nonce, sizeof c1.nonce);
    em_cbor_want(&c, "deployment");
    c1.deployment = em_cbor_text_max(&c, EM_MAX_DEPLOYMENT);

    if (em_cbor_end(&c) != EM_OK) return EM_ERR_HELLO_MALFORMED;
    if (c1.deployment.len == 0) return EM_ERR_HELLO_MALFORMED;
    *ret_c1 = c1;
    return EM_OK;
}

static bool is_deployment(em_bytes text)
{
    return text.len > 0 && text.len <= EM_MAX_DEPLOYMENT && em_is_utf8(text) &&
           memchr(text.at, 0, text.len) == NULL;
}

void em_hello_put_c1(em_out *o, const uint8_t nonce[EM_HELLO_NONCE_LEN],
                     em_bytes deployment)
{
    size_t from = o->len;

    if (!is_deployment(deployment)) em_write_fail(o, EM_ERR_ARGUMENT);
    em_hello_put_head(o, EM_RECORD_HELLO, true, 0);
    em_cbor_put_map(o, 3);
    em_cbor_put_str(o, "v");
    em_cbor_put_uint(o, VERSION);
    em_cbor_put_str(o, "nonce");
    em_cbor_put_bytes(o, em_view(nonce, EM_HELLO_NONCE_LEN));
    em_cbor_put_str(o, "deployment");
    em_cbor_put_text(o, deployment);
    close_record(o, from);
}

void em_hello_nonce(em_bytes c1_record, uint8_t ret_nonce[32])
{
    em_bytes parts[] = {EM_STR("em/1 nonce"), c1_record};

    em_sha2_256_of(parts, EM_COUNT(parts), ret_nonce);
}

/* ---- E1
 * -------------------------------------------------------------------------------- */

em_err em_hello_parse_e1(em_bytes record, em_hello_e1 *ret_e1)
{
    em_hello_e1 e1 = {0};
    em_bytes body;

    EM_TRY(em_hello_read_record(record, EM_RECORD_ATTEST, &body));
    em_cbor c = em_cbor_over(body);
    em_cbor_map_of(&c, 3);
    read_version(&c);
    em_cbor_want(&c, "document");
    e1.document = em_cbor_bytes_max(&c, EM_MAX_DOCUMENT);
    em_cbor_want(&c, "manifests");
    e1.n_manifests = (size_t)em_cbor_array(&c, EM_MAX_MODELS);
    for (size_t i = 0; em_cbor_ok(&c) == EM_OK && i < e1.n_manifests; i++)
        e1.manifest[i] = em_cbor_bytes_max(&c, EM_MAX_MANIFEST);

    if (em_cbor_end(&c) != EM_OK) return EM_ERR_HELLO_MALFORMED;
    *ret_e1 = e1;
    return EM_OK;
}

static void put_e1_start(em_out *o, const em_hello_e1 *e1)
{
    em_hello_put_head(o, EM_RECORD_ATTEST, true, 0);
    em_cbor_put_map(o, 3);
    em_cbor_put_str(o, "v");
    em_cbor_put_uint(o, VERSION);
    em_cbor_put_str(o, "document");
    em_cbor_put_bytes_head(o, e1->document.len);
}

static void put_e1_list(em_out *o, size_t n)
{
    em_cbor_put_str(o, "manifests");
    em_cbor_put_array(o, n);
}

static bool is_e1(const em_hello_e1 *e1)
{
    if (e1->document.len > EM_MAX_DOCUMENT || e1->n_manifests > EM_MAX_MODELS)
        return false;
    for (size_t i = 0; i < e1->n_manifests; i++)
        if (e1->manifest[i].len > EM_MAX_MANIFEST) return false;
    return true;
}

/* The parts' limits add up to less than the record's: limits.h */
_Static_assert(EM_MAX_DOCUMENT + EM_MAX_MODELS * (EM_MAX_MANIFEST + 5) + 64 <=
                   EM_MAX_ATTEST,
               "an E1 of the largest parts fits an ATTEST record");

em_err em_hello_e1_len(const em_hello_e1 *e1, size_t *ret_len)
{
    uint8_t heads[64 + 8 * EM_MAX_MODELS];
    em_out o = EM_OUT(heads);
    size_t len = 0;

    if (!is_e1(e1)) return EM_ERR_LIMIT;
    put_e1_start(&o, e1);
    put_e1_list(&o, e1->n_manifests);
    for (size_t i = 0; i < e1->n_manifests; i++) {
        em_cbor_put_bytes_head(&o, e1->manifest[i].len);
        len += e1->manifest[i].len;
    }
    EM_TRY(em_write_end(&o));
    *ret_len = o.len + e1->document.len + len;
    return EM_OK;
}

void em_hello_put_e1(em_out *o, const em_hello_e1 *e1)
{
    size_t from = o->len;

    if (!is_e1(e1)) {
        em_write_fail(o, EM_ERR_ARGUMENT);
        return;
    }
    put_e1_start(o, e1);
    em_write_bytes(o, e1->document);
    put_e1_list(o, e1->n_manifests);
    for (size_t i = 0; i < e1->n_manifests; i++) em_cbor_put_bytes(o, e1->manifest[i]);
    close_record(o, from);
}

void em_hello_info(em_bytes c1_record, em_bytes e1_record,
                   uint8_t ret_info[EM_HELLO_INFO_LEN])
{
    em_bytes label = EM_STR("em/1 session"), parts[] = {c1_record, e1_record};

    memcpy(ret_info, label.at, label.len);
    em_sha2_256_of(parts, EM_COUNT(parts), ret_info + label.len);
}

/* ---- HOST
 * ------------------------------------------------------------------------------ */

em_err em_hello_parse_host(em_bytes record, unsigned *ret_code)
{
    em_bytes body;

    EM_TRY(em_hello_read_record(record, EM_RECORD_HOST, &body));
    em_cbor c = em_cbor_over(body);
    em_cbor_map_of(&c, 1);
    em_cbor_want(&c, "code");
    uint64_t code = em_cbor_uint(&c);

    if (em_cbor_end(&c) != EM_OK || code > MAX_HOST_CODE) return EM_ERR_HELLO_MALFORMED;
    *ret_code = (unsigned)code;
    return EM_OK;
}

void em_hello_put_host(em_out *o, unsigned code)
{
    size_t from = o->len;

    if (code > MAX_HOST_CODE) em_write_fail(o, EM_ERR_ARGUMENT);
    em_hello_put_head(o, EM_RECORD_HOST, true, 0);
    em_cbor_put_map(o, 1);
    em_cbor_put_str(o, "code");
    em_cbor_put_uint(o, code);
    close_record(o, from);
}

/* ---- user_data
 * ------------------------------------------------------------------------- */

static void read_session_data(em_cbor *c, em_user_data *data)
{
    em_cbor_want(c, "manifests");
    data->n_manifests = (size_t)em_cbor_array(c, EM_MAX_MODELS);
    for (size_t i = 0; em_cbor_ok(c) == EM_OK && i < data->n_manifests; i++) {
        em_cbor_bytes_into(c, data->manifest[i], sizeof data->manifest[i]);
        if (i > 0 &&
            em_order(EM_BYTES(data->manifest[i - 1]), EM_BYTES(data->manifest[i])) >= 0)
            em_cbor_fail(c, EM_ERR_USER_DATA);
    }
    em_cbor_want(c, "receipt_key");
    em_cbor_bytes_into(c, data->receipt_key.b, sizeof data->receipt_key.b);
}

em_err em_hello_parse_user_data(em_bytes in, em_purpose want, em_user_data *ret_data)
{
    em_user_data data = {0};
    em_cbor c = em_cbor_over(in);

    if (in.len > EM_MAX_USER_DATA) return EM_ERR_USER_DATA;
    uint64_t members = em_cbor_map(&c, 4);
    read_version(&c);
    em_cbor_want(&c, "purpose");
    em_bytes purpose = em_cbor_text(&c);

    if (em_same(purpose, EM_STR("session")) && members == 4) {
        data.purpose = EM_PURPOSE_SESSION;
        read_session_data(&c, &data);
    } else if (em_same(purpose, EM_STR("kms")) && members == 2) {
        data.purpose = EM_PURPOSE_KMS;
    } else {
        em_cbor_fail(&c, EM_ERR_USER_DATA);
    }
    if (em_cbor_end(&c) != EM_OK) return EM_ERR_USER_DATA;
    if (data.purpose != want) return EM_ERR_PURPOSE;
    *ret_data = data;
    return EM_OK;
}

static bool is_ascending(const em_user_data *data)
{
    if (data->n_manifests > EM_MAX_MODELS) return false;
    for (size_t i = 1; i < data->n_manifests; i++)
        if (em_order(EM_BYTES(data->manifest[i - 1]), EM_BYTES(data->manifest[i])) >= 0)
            return false;
    return true;
}

void em_hello_put_user_data(em_out *o, const em_user_data *data)
{
    bool session = data->purpose == EM_PURPOSE_SESSION;

    if (!session && data->purpose != EM_PURPOSE_KMS) em_write_fail(o, EM_ERR_ARGUMENT);
    if (session && !is_ascending(data)) em_write_fail(o, EM_ERR_ARGUMENT);
    em_cbor_put_map(o, session ? 4 : 2);
    em_cbor_put_str(o, "v");
    em_cbor_put_uint(o, VERSION);
    em_cbor_put_str(o, "purpose");
    em_cbor_put_str(o, session ? "session" : "kms");
    if (!session || em_write_end(o) != EM_OK) return;
    em_cbor_put_str(o, "manifests");
    em_cbor_put_array(o, data->n_manifests);
    for (size_t i = 0; i < data->n_manifests; i++)
        em_cbor_put_bytes(o, EM_BYTES(data->manifest[i]));
    em_cbor_put_str(o, "receipt_key");
    em_cbor_put_bytes(o, EM_BYTES(data->receipt_key.b));
}

bool em_hello_names_manifest(const em_user_data *data, const uint8_t hash[32])
{
    for (size_t i = 0; i < data->n_manifests; i++)
        if (em_same(EM_BYTES(data->manifest[i]), em_view(hash, 32))) return true;
    return false;
}
