#include "aws/credentials.h"

#include "wire/json.h"
#include "wire/text.h"

enum { TOKENS = 64, EXPIRY_MARGIN_MS = 60 * 1000 };

/* Visible ASCII only: the texts go into header lines and MACs as they are. */
static em_err take_text(em_json_value object, const char *name, uint8_t *to, size_t cap,
                        size_t *ret_len)
{
    em_json_value value;
    em_bytes text;

    if (!em_json_member(object, name, &value) ||
        em_json_text(value, to, cap, &text) != EM_OK || text.len == 0)
        return EM_ERR_CREDENTIALS;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= 0x20 || text.at[i] >= 0x7F) return EM_ERR_CREDENTIALS;
    *ret_len = text.len;
    return EM_OK;
}

static em_err take_expiry(em_json_value object, uint64_t *ret_ms)
{
    em_json_value value;
    uint8_t buf[40];
    em_bytes text;

    if (!em_json_member(object, "Expiration", &value)) return EM_OK;
    if (em_json_kind_of(value) == EM_JSON_NULL) return EM_OK;
    if (em_json_text(value, buf, sizeof buf, &text) != EM_OK ||
        em_text_from_time(text, ret_ms) != EM_OK)
        return EM_ERR_CREDENTIALS;
    return EM_OK;
}

/* The service says "Success", or why not. */
static em_err check_code(em_json_value object)
{
    em_json_value value;
    uint8_t buf[16];
    em_bytes text;

    if (!em_json_member(object, "Code", &value)) return EM_OK;
    if (em_json_text(value, buf, sizeof buf, &text) != EM_OK ||
        !em_same(text, EM_STR("Success")))
        return EM_ERR_CREDENTIALS;
    return EM_OK;
}

em_err em_credentials_parse(em_bytes json, em_credentials *ret_credentials)
{
    EM_DROP(em_credentials) c = {0};
    em_json_token tokens[TOKENS];
    em_json parsed;
    em_json_value token;

    if (json.len > EM_CREDENTIALS_JSON ||
        em_json_parse(json, tokens, TOKENS, &parsed) != EM_OK)
        return EM_ERR_CREDENTIALS;
    em_json_value root = em_json_root(&parsed);
    EM_TRY(check_code(root));
    EM_TRY(take_text(root, "AccessKeyId", c.id, sizeof c.id, &c.id_len));
    EM_TRY(take_text(root, "SecretAccessKey", c.secret, sizeof c.secret, &c.secret_len));
    if (em_json_member(root, "Token", &token) && em_json_kind_of(token) != EM_JSON_NULL)
        EM_TRY(take_text(root, "Token", c.token, sizeof c.token, &c.token_len));
    EM_TRY(take_expiry(root, &c.expires_ms));
    *ret_credentials = c;
    return EM_OK;
}

bool em_credentials_expired(const em_credentials *credentials, uint64_t now_ms)
{
    uint64_t at = credentials->expires_ms;

    return at != 0 && (at < EXPIRY_MARGIN_MS || now_ms >= at - EXPIRY_MARGIN_MS);
}

typedef struct em_credentials_answer {
    uint8_t b[EM_CREDENTIALS_JSON];
} em_credentials_answer;
EM_HOLDS_SECRET(em_credentials_answer);

em_err em_credentials_get(em_http *http, em_bytes host, em_bytes target,
                          uint64_t deadline_ms, em_credentials *ret_credentials)
{
    EM_DROP(em_credentials_answer) answer = {0};
    em_http_request request = {.method = EM_STR("GET"), .target = target, .host = host};
    em_bytes body;

    EM_TRY(em_http_send(http, &request, deadline_ms));
    unsigned status = http->head.status;
    EM_TRY(em_http_read_all(http, answer.b, sizeof answer.b, deadline_ms, &body));
    if (status != 200) return EM_ERR_CREDENTIALS;
    return em_credentials_parse(body, ret_credentials);
}
