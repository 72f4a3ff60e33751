#include "twin/sigv4_check.h"

#include "crypto/sha2.h"
#include "wire/text.h"

#include <stdio.h>
#include <strings.h>

enum { MAX_CANONICAL = 32 << 10, SKEW_MS = 5 * 60 * 1000 };

/* The parts of "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…". */
typedef struct authorization {
    em_bytes id, date, region, service, signed_headers, signature;
} authorization;

/* Text up to `end` (or all where it does not occur), taken from the front of *left. */
static em_bytes take_until(em_bytes *left, char end)
{
    const uint8_t *hit = left->len > 0 ? memchr(left->at, end, left->len) : NULL;
    em_bytes got = {left->at, hit != NULL ? (size_t)(hit - left->at) : left->len};
    size_t used = got.len + (hit != NULL);

    left->at += used;
    left->len -= used;
    return got;
}

static bool starts(em_bytes *text, const char *with)
{
    size_t len = strlen(with);

    if (text->len < len || memcmp(text->at, with, len) != 0) return false;
    text->at += len;
    text->len -= len;
    return true;
}

static em_err parse_authorization(em_bytes text, authorization *ret_parts)
{
    authorization a = {0};

    if (!starts(&text, "AWS4-HMAC-SHA256 ")) return EM_ERR_CREDENTIALS;
    while (text.len > 0) {
        em_bytes part = take_until(&text, ',');
        while (part.len > 0 && part.at[0] == ' ') part.at++, part.len--;
        if (starts(&part, "Credential=")) {
            a.id = take_until(&part, '/');
            a.date = take_until(&part, '/');
            a.region = take_until(&part, '/');
            a.service = take_until(&part, '/');
            if (!em_same(part, EM_STR("aws4_request"))) return EM_ERR_CREDENTIALS;
        } else if (starts(&part, "SignedHeaders=")) {
            a.signed_headers = part;
        } else if (starts(&part, "Signature=")) {
            a.signature = part;
        } else {
            return EM_ERR_CREDENTIALS;
        }
    }
    if (a.id.len == 0 || a.signed_headers.len == 0 || a.signature.len != 64)
        return EM_ERR_CREDENTIALS;
    *ret_parts = a;
    return EM_OK;
}

static bool is(em_bytes text, const char *want)
{
    return em_same(text, em_view(want, strlen(want)));
}

/* Lower-case name, colon, value with inner runs of spaces made one. */
static em_err put_header(em_out *o, const em_http1_head *head, em_bytes name)
{
    char lower[128];
    em_bytes value;

    if (name.len >= sizeof lower) return EM_ERR_LIMIT;
    if (name.len > 0) memcpy(lower, name.at, name.len);
    lower[name.len] = 0;
    if (!em_http1_find(head, lower, &value)) return EM_ERR_SIG_FAILED;
    em_write_bytes(o, name);
    em_write_u8(o, ':');
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] != ' ' || i == 0 || value.at[i - 1] != ' ')
            em_write_u8(o, value.at[i]);
    em_write_u8(o, '\n');
    return EM_OK;
}

static bool is_listed(em_bytes names, em_bytes name)
{
    while (names.len > 0) {
        em_bytes listed = take_until(&names, ';');
        if (listed.len == name.len &&
            strncasecmp((const char *)listed.at, (const char *)name.at, name.len) == 0)
            return true;
    }
    return false;
}

/* Every x-amz- header must be under the signature, as AWS demands: a header that somebody
 * added must not be obeyed. */
static bool signs_amz(const em_http1_head *head, em_bytes signed_headers)
{
    static const char prefix[] = "x-amz-";

    for (size_t i = 0; i < head->n; i++) {
        em_bytes name = head->header[i].name;
        if (name.len >= sizeof prefix - 1 &&
            strncasecmp((const char *)name.at, prefix, sizeof prefix - 1) == 0 &&
            !is_listed(signed_headers, name))
            return false;
    }
    return true;
}

/* The canonical request; the twin's services take requests at "/" without a query. */
static em_err put_canonical(em_out *o, const em_http1_head *head, em_bytes signed_headers,
                            em_bytes body)
{
    uint8_t digest[EM_SHA256_LEN];
    em_bytes names = signed_headers;
    bool host = false, date = false;

    em_write_bytes(o, head->method);
    em_write_bytes(o, EM_STR("\n"));
    em_write_bytes(o, head->target);
    em_write_bytes(o, EM_STR("\n\n"));
    while (names.len > 0) {
        em_bytes name = take_until(&names, ';');
        host |= is(name, "host");
        date |= is(name, "x-amz-date");
        EM_TRY(put_header(o, head, name));
    }
    if (!host || !date) return EM_ERR_SIG_FAILED;
    em_write_u8(o, '\n');
    em_write_bytes(o, signed_headers);
    em_write_u8(o, '\n');
    em_sha2_256(body, digest);
    em_write_hex(o, EM_BYTES(digest));
    return em_write_end(o);
}

static em_err check_time(em_bytes amz_date, uint64_t now_ms)
{
    char text[32];
    uint64_t then_ms;
    const uint8_t *d = amz_date.at;

    if (amz_date.len != 16 || d[8] != 'T' || d[15] != 'Z') return EM_ERR_HTTP_SYNTAX;
    snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", d, d + 4, d + 6, d + 9,
             d + 11, d + 13);
    EM_TRY(em_text_from_time(em_view(text, strlen(text)), &then_ms));
    uint64_t apart = then_ms > now_ms ? then_ms - now_ms : now_ms - then_ms;
    return apart <= SKEW_MS ? EM_OK : EM_ERR_STALE_DOCUMENT;
}

static void step(uint8_t key[EM_SHA256_LEN], em_bytes key_in, em_bytes message)
{
    uint8_t out[EM_SHA256_LEN];

    em_sha2_hmac(key_in, &message, 1, out);
    memcpy(key, out, sizeof out);
}

/* HMAC chain over date, region, service, "aws4_request". */
static void signing_key(const authorization *a, const em_sigv4_check_key *key,
                        uint8_t ret_key[EM_SHA256_LEN])
{
    char first[4 + sizeof key->secret];

    snprintf(first, sizeof first, "AWS4%s", key->secret);
    step(ret_key, em_view(first, strlen(first)), a->date);
    step(ret_key, em_view(ret_key, EM_SHA256_LEN), a->region);
    step(ret_key, em_view(ret_key, EM_SHA256_LEN), a->service);
    step(ret_key, em_view(ret_key, EM_SHA256_LEN), EM_STR("aws4_request"));
    em_wipe(first, sizeof first);
}

em_err em_sigv4_check(const em_http1_head *head, em_bytes body, const char *region,
                      const char *service, const em_sigv4_check_key *key, uint64_t now_ms)
{
    static uint8_t buffer[MAX_CANONICAL]; /* under the KMS server's lock */
    em_out canonical = EM_OUT(buffer);
    uint8_t to_sign[512], digest[EM_SHA256_LEN], k[EM_SHA256_LEN], tag[EM_SHA256_LEN];
    em_out s = EM_OUT(to_sign);
    em_bytes text, date, token;
    authorization a;

    if (!em_http1_find(head, "authorization", &text)) return EM_ERR_CREDENTIALS;
    EM_TRY(parse_authorization(text, &a));
    if (!is(a.id, key->id) || !is(a.region, region) || !is(a.service, service))
        return EM_ERR_CREDENTIALS;
    if (key->token[0] != 0 &&
        (!em_http1_find(head, "x-amz-security-token", &token) || !is(token, key->token)))
        return EM_ERR_CREDENTIALS;
    if (!em_http1_find(head, "x-amz-date", &date)) return EM_ERR_SIG_FAILED;
    EM_TRY(check_time(date, now_ms));
    if (a.date.len != 8 || memcmp(a.date.at, date.at, 8) != 0) return EM_ERR_SIG_FAILED;

    if (!signs_amz(head, a.signed_headers)) return EM_ERR_SIG_FAILED;
    EM_TRY(put_canonical(&canonical, head, a.signed_headers, body));
    em_sha2_256(em_write_view(&canonical), digest);
    em_write_bytes(&s, EM_STR("AWS4-HMAC-SHA256\n"));
    em_write_bytes(&s, date);
    em_write_u8(&s, '\n');
    for (size_t i = 0; i < 3; i++) {
        em_write_bytes(&s, i == 0 ? a.date : i == 1 ? a.region : a.service);
        em_write_u8(&s, '/');
    }
    em_write_bytes(&s, EM_STR("aws4_request\n"));
    em_write_hex(&s, EM_BYTES(digest));
    EM_TRY(em_write_end(&s));

    em_bytes signed_text = em_write_view(&s);
    signing_key(&a, key, k);
    em_sha2_hmac(EM_BYTES(k), &signed_text, 1, tag);
    uint8_t want[64];
    em_out hex = EM_OUT(want);
    em_write_hex(&hex, EM_BYTES(tag));
    return em_ct_equal(want, a.signature.at, sizeof want) ? EM_OK : EM_ERR_SIG_FAILED;
}
