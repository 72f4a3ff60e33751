#include "aws/sigv4.h"

#include "crypto/sha2.h"
#include "wire/text.h"

enum { DATE_LEN = 16, DAY_LEN = 8, MAX_SEGMENTS = 128 };

/* "AWS4" and the secret key. */
EM_SECRET(em_sigv4_seed, 4 + EM_CREDENTIALS_SECRET);
EM_SECRET(em_sigv4_key, EM_SHA256_LEN);

/* ---- encoding ---------------------------------------------------------------------- */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool is_unreserved(uint8_t c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void put_encoded(em_out *o, em_bytes text, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (is_unreserved(c) || (keep_slash && c == '/')) {
            em_write_u8(o, c);
        } else {
            em_write_u8(o, '%');
            em_write_u8(o, (uint8_t)digits[c >> 4]);
            em_write_u8(o, (uint8_t)digits[c & 15]);
        }
    }
}

/* Where a byte's encoding stands: '%' is before every unreserved character. */
static unsigned encoded_rank(uint8_t c)
{
    return is_unreserved(c) ? 0x100u + c : c;
}

/* The order of two texts once they are encoded. */
static int encoded_order(em_bytes a, em_bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;

    for (size_t i = 0; i < len; i++)
        if (a.at[i] != b.at[i])
            return encoded_rank(a.at[i]) < encoded_rank(b.at[i]) ? -1 : 1;
    return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

static int lower_order(em_bytes a, em_bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;

    for (size_t i = 0; i < len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return lower(a.at[i]) < lower(b.at[i]) ? -1 : 1;
    return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

static int query_order(const em_sigv4_pair *a, const em_sigv4_pair *b)
{
    int order = encoded_order(a->name, b->name);

    return order != 0 ? order : encoded_order(a->value, b->value);
}

/* Fields of one name stay in the order in which they are sent. */
static int field_order(const em_sigv4_pair *a, const em_sigv4_pair *b)
{
    return lower_order(a->name, b->name);
}

/* ---- lists of pairs ---------------------------------------------------------------- */

typedef struct pairs {
    em_sigv4_pair at[EM_SIGV4_PAIRS];
    size_t n;
} pairs;

static em_err add_pair(pairs *list, em_bytes name, em_bytes value)
{
    if (list->n == EM_SIGV4_PAIRS) return EM_ERR_LIMIT;
    list->at[list->n++] = (em_sigv4_pair){name, value};
    return EM_OK;
}

static em_err copy_pairs(const em_sigv4_pair *from, size_t n, pairs *ret_list)
{
    pairs list = {.n = 0};

    for (size_t i = 0; i < n; i++) EM_TRY(add_pair(&list, from[i].name, from[i].value));
    *ret_list = list;
    return EM_OK;
}

/* Stable, and the lists are short. */
static void sort_pairs(pairs *list,
                       int (*order)(const em_sigv4_pair *, const em_sigv4_pair *))
{
    for (size_t i = 1; i < list->n; i++) {
        em_sigv4_pair moved = list->at[i];
        size_t k = i;
        for (; k > 0 && order(&list->at[k - 1], &moved) > 0; k--)
            list->at[k] = list->at[k - 1];
        list->at[k] = moved;
    }
}

/* ---- the canonical request --------------------------------------------------------- */

/* Without empty, "." and ".." segments. */
static em_err put_plain_path(em_out *o, em_bytes path)
{
    em_bytes segment[MAX_SEGMENTS];
    size_t n = 0;

    for (size_t i = 0; i < path.len;) {
        size_t end = i;
        while (end < path.len && path.at[end] != '/') end++;
        em_bytes one = {path.at + i, end - i};
        i = end + 1;
        if (one.len == 0 || em_same(one, EM_STR("."))) continue;
        if (em_same(one, EM_STR(".."))) {
            if (n > 0) n--;
            continue;
        }
        if (n == MAX_SEGMENTS) return EM_ERR_LIMIT;
        segment[n++] = one;
    }
    for (size_t i = 0; i < n; i++) {
        em_write_u8(o, '/');
        put_encoded(o, segment[i], false);
    }
    if (n == 0 || path.at[path.len - 1] == '/') em_write_u8(o, '/');
    return EM_OK;
}

static em_err put_query(em_out *o, const em_sigv4_request *request)
{
    pairs list;

    EM_TRY(copy_pairs(request->query, request->n_query, &list));
    sort_pairs(&list, query_order);
    for (size_t i = 0; i < list.n; i++) {
        if (i > 0) em_write_u8(o, '&');
        put_encoded(o, list.at[i].name, false);
        em_write_u8(o, '=');
        put_encoded(o, list.at[i].value, false);
    }
    return EM_OK;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Trimmed, and runs of white space as one space. */
static void put_value(em_out *o, em_bytes value)
{
    bool space = false, any = false;

    for (size_t i = 0; i < value.len; i++) {
        if (is_space(value.at[i])) {
            space = any;
            continue;
        }
        if (space) em_write_u8(o, ' ');
        em_write_u8(o, value.at[i]);
        space = false;
        any = true;
    }
}

static void put_lower(em_out *o, em_bytes text)
{
    for (size_t i = 0; i < text.len; i++) em_write_u8(o, lower(text.at[i]));
}

static bool begins_name(const pairs *list, size_t i)
{
    return i == 0 || field_order(&list->at[i - 1], &list->at[i]) != 0;
}

static void put_canonical_fields(em_out *o, const pairs *list)
{
    for (size_t i = 0; i < list->n; i++) {
        if (begins_name(list, i)) {
            if (i > 0) em_write_u8(o, '\n');
            put_lower(o, list->at[i].name);
            em_write_u8(o, ':');
        } else {
            em_write_u8(o, ',');
        }
        put_value(o, list->at[i].value);
    }
    em_write_u8(o, '\n');
}

static void put_signed_names(em_out *o, const pairs *list)
{
    for (size_t i = 0; i < list->n; i++) {
        if (!begins_name(list, i)) continue;
        if (i > 0) em_write_u8(o, ';');
        put_lower(o, list->at[i].name);
    }
}

static void put_hash(em_out *o, em_bytes bytes)
{
    uint8_t digest[EM_SHA256_LEN];

    em_sha2_256(bytes, digest);
    em_write_hex(o, EM_BYTES(digest));
}

em_err em_sigv4_canonical(const em_sigv4_request *request, em_out *o)
{
    pairs fields;

    if (request->path.len == 0 || request->path.at[0] != '/') return EM_ERR_ARGUMENT;
    EM_TRY(copy_pairs(request->field, request->n_fields, &fields));
    sort_pairs(&fields, field_order);
    em_write_bytes(o, request->method);
    em_write_u8(o, '\n');
    if (request->keep_path)
        put_encoded(o, request->path, true);
    else
        EM_TRY(put_plain_path(o, request->path));
    em_write_u8(o, '\n');
    EM_TRY(put_query(o, request));
    em_write_u8(o, '\n');
    put_canonical_fields(o, &fields);
    em_write_u8(o, '\n');
    put_signed_names(o, &fields);
    em_write_u8(o, '\n');
    put_hash(o, request->payload);
    return em_write_end(o);
}

/* ---- string to sign, signature ----------------------------------------------------- */

/* 20150830T123600Z */
static void put_date(em_out *o, uint64_t now_ms)
{
    uint8_t text[24];
    em_out t = EM_OUT(text);

    em_text_put_time(&t, now_ms - now_ms % 1000);
    if (em_write_end(&t) != EM_OK) em_write_fail(o, em_write_end(&t));
    for (size_t i = 0; i < t.len; i++)
        if (text[i] != '-' && text[i] != ':') em_write_u8(o, text[i]);
}

/* DAY/REGION/SERVICE/aws4_request */
static void put_scope(em_out *o, const em_sigv4_scope *scope)
{
    uint8_t date[DATE_LEN];
    em_out d = EM_OUT(date);

    put_date(&d, scope->now_ms);
    if (em_write_end(&d) != EM_OK) em_write_fail(o, em_write_end(&d));
    em_write_bytes(o, em_view(date, DAY_LEN));
    em_write_u8(o, '/');
    em_write_bytes(o, scope->region);
    em_write_u8(o, '/');
    em_write_bytes(o, scope->service);
    em_write_bytes(o, EM_STR("/aws4_request"));
}

void em_sigv4_string_to_sign(em_bytes canonical, const em_sigv4_scope *scope, em_out *o)
{
    em_write_bytes(o, EM_STR("AWS4-HMAC-SHA256\n"));
    put_date(o, scope->now_ms);
    em_write_u8(o, '\n');
    put_scope(o, scope);
    em_write_u8(o, '\n');
    put_hash(o, canonical);
}

static void derive(const em_sigv4_key *from, em_bytes text, em_sigv4_key *ret_key)
{
    em_sha2_hmac(EM_BYTES(from->b), &text, 1, ret_key->b);
}

void em_sigv4_signature(em_bytes string_to_sign, const em_sigv4_scope *scope,
                        const em_credentials *credentials, uint8_t ret_signature[64])
{
    EM_DROP(em_sigv4_seed) seed = {0};
    EM_DROP(em_sigv4_key) day = {0};
    EM_DROP(em_sigv4_key) region = {0};
    EM_DROP(em_sigv4_key) service = {0};
    EM_DROP(em_sigv4_key) signing = {0};
    uint8_t date[DATE_LEN] = {0};
    em_out d = EM_OUT(date), o = em_out_over(ret_signature, 64);
    em_bytes day_text = em_view(date, DAY_LEN);
    size_t seed_len = 4 + credentials->secret_len;

    put_date(&d, scope->now_ms);
    memcpy(seed.b, "AWS4", 4);
    memcpy(seed.b + 4, credentials->secret, credentials->secret_len);
    em_sha2_hmac(em_view(seed.b, seed_len), &day_text, 1, day.b);
    derive(&day, scope->region, &region);
    derive(&region, scope->service, &service);
    derive(&service, EM_STR("aws4_request"), &signing);

    uint8_t mac[EM_SHA256_LEN];
    em_sha2_hmac(EM_BYTES(signing.b), &string_to_sign, 1, mac);
    em_write_hex(&o, EM_BYTES(mac));
}

static em_err sign(const em_sigv4_request *request, const em_sigv4_scope *scope,
                   const em_credentials *credentials, uint8_t ret_signature[64])
{
    uint8_t canonical[EM_SIGV4_CANONICAL], text[256];
    em_out c = EM_OUT(canonical), t = EM_OUT(text);

    EM_TRY(em_sigv4_canonical(request, &c));
    em_sigv4_string_to_sign(em_write_view(&c), scope, &t);
    EM_TRY(em_write_end(&t));
    em_sigv4_signature(em_write_view(&t), scope, credentials, ret_signature);
    return EM_OK;
}

/* ---- the two forms ----------------------------------------------------------------- */

static void put_field(em_out *o, em_bytes name, em_bytes value)
{
    em_write_bytes(o, name);
    em_write_bytes(o, EM_STR(": "));
    em_write_bytes(o, value);
    em_write_bytes(o, EM_STR("\r\n"));
}

em_err em_sigv4_put_fields(em_out *o, const em_sigv4_request *request,
                           const em_sigv4_scope *scope, const em_credentials *credentials)
{
    uint8_t date[DATE_LEN], hash[2 * EM_SHA256_LEN], signature[64];
    em_out d = EM_OUT(date), h = EM_OUT(hash);
    em_bytes token = em_view(credentials->token, credentials->token_len);
    em_sigv4_request whole = *request;
    pairs list;

    put_date(&d, scope->now_ms);
    EM_TRY(em_write_end(&d));
    put_hash(&h, request->payload);
    EM_TRY(copy_pairs(request->field, request->n_fields, &list));
    EM_TRY(add_pair(&list, EM_STR("X-Amz-Date"), EM_BYTES(date)));
    if (token.len > 0) EM_TRY(add_pair(&list, EM_STR("X-Amz-Security-Token"), token));
    if (request->sign_body)
        EM_TRY(add_pair(&list, EM_STR("X-Amz-Content-Sha256"), EM_BYTES(hash)));
    whole.field = list.at;
    whole.n_fields = list.n;
    EM_TRY(sign(&whole, scope, credentials, signature));

    for (size_t i = request->n_fields; i < list.n; i++)
        put_field(o, list.at[i].name, list.at[i].value);
    em_write_bytes(o, EM_STR("Authorization: AWS4-HMAC-SHA256 Credential="));
    em_write_bytes(o, em_view(credentials->id, credentials->id_len));
    em_write_u8(o, '/');
    put_scope(o, scope);
    em_write_bytes(o, EM_STR(", SignedHeaders="));
    sort_pairs(&list, field_order);
    put_signed_names(o, &list);
    em_write_bytes(o, EM_STR(", Signature="));
    em_write_bytes(o, EM_BYTES(signature));
    em_write_bytes(o, EM_STR("\r\n"));
    return em_write_end(o);
}

em_err em_sigv4_put_presigned(em_out *o, const em_sigv4_request *request,
                              const em_sigv4_scope *scope,
                              const em_credentials *credentials, uint64_t expires_s)
{
    uint8_t date[DATE_LEN], expires[20], credential[EM_CREDENTIALS_ID + 128];
    uint8_t names[1024], signature[64];
    em_out d = EM_OUT(date), e = EM_OUT(expires), c = EM_OUT(credential),
           n = EM_OUT(names);
    em_bytes token = em_view(credentials->token, credentials->token_len);
    em_sigv4_request whole = *request;
    pairs query, fields;

    put_date(&d, scope->now_ms);
    em_write_decimal(&e, expires_s);
    em_write_bytes(&c, em_view(credentials->id, credentials->id_len));
    em_write_u8(&c, '/');
    put_scope(&c, scope);
    EM_TRY(copy_pairs(request->field, request->n_fields, &fields));
    sort_pairs(&fields, field_order);
    put_signed_names(&n, &fields);
    EM_TRY(em_write_end(&d));
    EM_TRY(em_write_end(&c));
    EM_TRY(em_write_end(&n));

    EM_TRY(copy_pairs(request->query, request->n_query, &query));
    EM_TRY(add_pair(&query, EM_STR("X-Amz-Algorithm"), EM_STR("AWS4-HMAC-SHA256")));
    EM_TRY(add_pair(&query, EM_STR("X-Amz-Credential"), em_write_view(&c)));
    EM_TRY(add_pair(&query, EM_STR("X-Amz-Date"), EM_BYTES(date)));
    EM_TRY(add_pair(&query, EM_STR("X-Amz-Expires"), em_write_view(&e)));
    if (token.len > 0) EM_TRY(add_pair(&query, EM_STR("X-Amz-Security-Token"), token));
    EM_TRY(add_pair(&query, EM_STR("X-Amz-SignedHeaders"), em_write_view(&n)));
    whole.query = query.at;
    whole.n_query = query.n;
    EM_TRY(sign(&whole, scope, credentials, signature));

    put_encoded(o, request->path, true);
    em_write_u8(o, '?');
    EM_TRY(put_query(o, &whole));
    em_write_bytes(o, EM_STR("&X-Amz-Signature="));
    em_write_bytes(o, EM_BYTES(signature));
    return em_write_end(o);
}
