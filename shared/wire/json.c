#include "wire/json_impl.h"

/* All texts here were checked by em_json_parse: escapes are whole, nesting is good. */

static uint32_t unit_at(const uint8_t *at)
{
    uint32_t unit = 0;

    for (int i = 0; i < 4; i++) unit = unit << 4 | (uint32_t)em_json_hex_value(at[i]);
    return unit;
}

static void put_utf8(em_json_unescaper *u, uint32_t code)
{
    u->i = 0;
    if (code < 0x80) {
        u->utf8[0] = (uint8_t)code;
        u->n = 1;
        return;
    }
    u->n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (unsigned k = u->n - 1; k > 0; k--, code >>= 6)
        u->utf8[k] = (uint8_t)(0x80 | (code & 0x3F));
    u->utf8[0] = (uint8_t)(0xF00 >> u->n | code); /* C0, E0 or F0 */
}

/* At a backslash. */
static void unescape(em_json_unescaper *u)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const uint8_t *at = u->left.at;
    size_t len = 2;
    uint32_t code = at[1];

    for (size_t k = 0; k < sizeof from - 1; k++)
        if (at[1] == (uint8_t)from[k]) code = (uint8_t)to[k];
    if (at[1] == 'u') {
        code = unit_at(at + 2);
        len = 6;
        if (em_json_is_high(code)) {
            code = 0x10000 + ((code - 0xD800) << 10) + (unit_at(at + 8) - 0xDC00);
            len = 12;
        }
    }
    put_utf8(u, code);
    u->left = em_view(at + len, u->left.len - len);
}

int em_json_next_byte(em_json_unescaper *u)
{
    if (u->i < u->n) return u->utf8[u->i++];
    if (u->left.len == 0) return -1;
    if (u->left.at[0] == '\\') {
        unescape(u);
        return u->utf8[u->i++];
    }
    uint8_t byte = u->left.at[0];
    u->left = em_view(u->left.at + 1, u->left.len - 1);
    return byte;
}

static const em_json_token *token_of(em_json_value v)
{
    return &v.json->token[v.i];
}

em_json_value em_json_root(const em_json *json)
{
    return (em_json_value){.json = json, .i = 0};
}

em_json_kind em_json_kind_of(em_json_value v)
{
    return token_of(v)->kind;
}

uint32_t em_json_count(em_json_value v)
{
    return token_of(v)->n;
}

static bool is_text(em_json_value v, const char *text)
{
    em_json_unescaper u = {.left = em_json_bytes_of(v.json->text, token_of(v))};

    for (; *text != 0; text++)
        if (em_json_next_byte(&u) != (uint8_t)*text) return false;
    return em_json_next_byte(&u) < 0;
}

em_json_value em_json_at(em_json_value v, uint32_t i, em_json_value *ret_key)
{
    bool is_object = em_json_kind_of(v) == EM_JSON_OBJECT;
    em_json_value at = {v.json, v.i + 1};

    for (; i > 0; i--) at.i = v.json->token[is_object ? at.i + 1 : at.i].next;
    if (ret_key != NULL) *ret_key = at;
    if (is_object) at.i++;
    return at;
}

bool em_json_member(em_json_value object, const char *name, em_json_value *ret_value)
{
    if (em_json_kind_of(object) != EM_JSON_OBJECT) return false;
    em_json_value key = {object.json, object.i + 1};

    for (uint32_t n = em_json_count(object); n > 0; n--) {
        if (is_text(key, name)) {
            *ret_value = (em_json_value){object.json, key.i + 1};
            return true;
        }
        key.i = object.json->token[key.i + 1].next;
    }
    return false;
}

em_err em_json_want(em_json_value object, const char *name, em_json_value *ret_value)
{
    return em_json_member(object, name, ret_value) ? EM_OK : EM_ERR_JSON_MEMBER;
}

em_err em_json_only(em_json_value object, const char *const *names, size_t n)
{
    if (em_json_kind_of(object) != EM_JSON_OBJECT) return EM_ERR_JSON_TYPE;
    em_json_value key = {object.json, object.i + 1};

    for (uint32_t left = em_json_count(object); left > 0; left--) {
        bool known = false;
        for (size_t i = 0; i < n && !known; i++) known = is_text(key, names[i]);
        if (!known) return EM_ERR_JSON_MEMBER;
        key.i = object.json->token[key.i + 1].next;
    }
    return EM_OK;
}

em_err em_json_text(em_json_value v, uint8_t *buf, size_t cap, em_bytes *ret_text)
{
    if (em_json_kind_of(v) != EM_JSON_TEXT) return EM_ERR_JSON_TYPE;
    em_json_unescaper u = {.left = em_json_bytes_of(v.json->text, token_of(v))},
                      count = u;
    size_t len = 0;

    while (em_json_next_byte(&count) >= 0) len++;
    if (len > cap) return EM_ERR_LIMIT;
    for (size_t i = 0; i < len; i++) buf[i] = (uint8_t)em_json_next_byte(&u);
    *ret_text = em_view(buf, len);
    return EM_OK;
}

em_err em_json_uint(em_json_value v, uint64_t max, uint64_t *ret_value)
{
    if (em_json_kind_of(v) != EM_JSON_NUMBER) return EM_ERR_JSON_TYPE;
    em_bytes digits = em_json_bytes_of(v.json->text, token_of(v));
    uint64_t value = 0;

    for (size_t i = 0; i < digits.len; i++) {
        if (!em_json_is_digit(digits.at[i])) return EM_ERR_JSON_NUMBER;
        uint64_t digit = (uint64_t)(digits.at[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) return EM_ERR_JSON_NUMBER;
        value = value * 10 + digit;
    }
    if (value > max) return EM_ERR_JSON_NUMBER;
    *ret_value = value;
    return EM_OK;
}

em_err em_json_bool(em_json_value v, bool *ret_value)
{
    em_json_kind kind = em_json_kind_of(v);

    if (kind != EM_JSON_TRUE && kind != EM_JSON_FALSE) return EM_ERR_JSON_TYPE;
    *ret_value = kind == EM_JSON_TRUE;
    return EM_OK;
}
