#include "wire/json_impl.h"

typedef struct parser {
    em_bytes text;
    size_t at;
    em_json_token *token;
    uint32_t n, cap;
    unsigned depth;
    uint32_t open[EM_MAX_JSON_DEPTH]; /* tokens of the containers around the cursor */
} parser;

static int look(const parser *p)
{
    return p->at < p->text.len ? p->text.at[p->at] : -1;
}

static bool take(parser *p, int want)
{
    if (look(p) != want) return false;
    p->at++;
    return true;
}

static void skip_space(parser *p)
{
    while (look(p) == ' ' || look(p) == '\t' || look(p) == '\n' || look(p) == '\r')
        p->at++;
}

static em_err new_token(parser *p, em_json_kind kind, uint32_t *ret_i)
{
    if (p->n == p->cap) return EM_ERR_LIMIT;
    p->token[p->n] = (em_json_token){.kind = kind, .at = (uint32_t)p->at};
    *ret_i = p->n++;
    return EM_OK;
}

static void end_token(parser *p, uint32_t i)
{
    p->token[i].len = (uint32_t)p->at - p->token[i].at;
    p->token[i].next = p->n;
}

static em_err take_hex4(parser *p, uint32_t *ret_unit)
{
    uint32_t unit = 0;

    for (int i = 0; i < 4; i++, p->at++) {
        int digit = em_json_hex_value(look(p));
        if (digit < 0) return EM_ERR_JSON_SYNTAX;
        unit = unit << 4 | (uint32_t)digit;
    }
    *ret_unit = unit;
    return EM_OK;
}

static bool is_low(uint32_t unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* Behind a backslash. */
static em_err check_escape(parser *p)
{
    uint32_t unit = 0;
    int c = look(p);

    p->at++;
    if (c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' || c == 'n' ||
        c == 'r' || c == 't')
        return EM_OK;
    if (c != 'u') return EM_ERR_JSON_SYNTAX;
    EM_TRY(take_hex4(p, &unit));
    if (unit == 0) return EM_ERR_JSON_NUL;
    if (is_low(unit)) return EM_ERR_JSON_NOT_UTF8;
    if (!em_json_is_high(unit)) return EM_OK;
    if (!take(p, '\\') || !take(p, 'u')) return EM_ERR_JSON_NOT_UTF8;
    EM_TRY(take_hex4(p, &unit));
    return is_low(unit) ? EM_OK : EM_ERR_JSON_NOT_UTF8;
}

static em_err parse_text(parser *p, uint32_t *ret_i)
{
    uint32_t i;

    if (!take(p, '"')) return EM_ERR_JSON_SYNTAX;
    EM_TRY(new_token(p, EM_JSON_TEXT, &i));
    while (look(p) != '"') {
        if (look(p) < 0x20) return EM_ERR_JSON_SYNTAX; /* a control or the end */
        if (take(p, '\\'))
            EM_TRY(check_escape(p));
        else
            p->at++;
    }
    end_token(p, i);
    p->at++;
    *ret_i = i;
    return EM_OK;
}

static em_err take_digits(parser *p)
{
    if (!em_json_is_digit(look(p))) return EM_ERR_JSON_SYNTAX;
    while (em_json_is_digit(look(p))) p->at++;
    return EM_OK;
}

/* RFC 8259 6 */
static em_err parse_number(parser *p)
{
    uint32_t i;

    EM_TRY(new_token(p, EM_JSON_NUMBER, &i));
    (void)take(p, '-');
    if (!take(p, '0')) EM_TRY(take_digits(p));
    if (take(p, '.')) EM_TRY(take_digits(p));
    if (take(p, 'e') || take(p, 'E')) {
        if (!take(p, '+')) (void)take(p, '-');
        EM_TRY(take_digits(p));
    }
    end_token(p, i);
    return EM_OK;
}

static em_err parse_word(parser *p, const char *word, em_json_kind kind)
{
    uint32_t i;

    EM_TRY(new_token(p, kind, &i));
    for (; *word != 0; word++)
        if (!take(p, *word)) return EM_ERR_JSON_SYNTAX;
    end_token(p, i);
    return EM_OK;
}

static em_err parse_scalar(parser *p)
{
    uint32_t i;

    switch (look(p)) {
    case '"':
        return parse_text(p, &i);
    case 't':
        return parse_word(p, "true", EM_JSON_TRUE);
    case 'f':
        return parse_word(p, "false", EM_JSON_FALSE);
    case 'n':
        return parse_word(p, "null", EM_JSON_NULL);
    default:
        return parse_number(p);
    }
}

static bool same_text(em_bytes a, em_bytes b)
{
    em_json_unescaper ua = {.left = a}, ub = {.left = b};
    int byte;

    do {
        byte = em_json_next_byte(&ua);
        if (byte != em_json_next_byte(&ub)) return false;
    } while (byte >= 0);
    return true;
}

static em_err parse_key(parser *p)
{
    uint32_t object = p->open[p->depth - 1], key;

    skip_space(p);
    EM_TRY(parse_text(p, &key));
    for (uint32_t i = object + 1; i < key; i = p->token[i + 1].next)
        if (same_text(em_json_bytes_of(p->text, &p->token[i]),
                      em_json_bytes_of(p->text, &p->token[key])))
            return EM_ERR_JSON_DUPLICATE;
    skip_space(p);
    return take(p, ':') ? EM_OK : EM_ERR_JSON_SYNTAX;
}

static int closing(const parser *p)
{
    return p->token[p->open[p->depth - 1]].kind == EM_JSON_OBJECT ? '}' : ']';
}

static void close_container(parser *p)
{
    p->at++;
    end_token(p, p->open[--p->depth]);
}

/* At a bracket; *ret_empty where it closes at once. */
static em_err open_container(parser *p, bool *ret_empty)
{
    uint32_t i;
    bool is_object = look(p) == '{';

    if (p->depth == EM_MAX_JSON_DEPTH) return EM_ERR_JSON_DEPTH;
    EM_TRY(new_token(p, is_object ? EM_JSON_OBJECT : EM_JSON_ARRAY, &i));
    p->at++;
    p->open[p->depth++] = i;
    skip_space(p);
    *ret_empty = look(p) == closing(p);
    if (*ret_empty)
        close_container(p);
    else if (is_object)
        EM_TRY(parse_key(p));
    return EM_OK;
}

/* Behind a value: closes what ends here; *ret_more where another value must follow. */
static em_err after_value(parser *p, bool *ret_more)
{
    *ret_more = false;
    while (p->depth > 0) {
        em_json_token *container = &p->token[p->open[p->depth - 1]];
        container->n++;
        skip_space(p);
        if (take(p, ',')) {
            *ret_more = true;
            return container->kind == EM_JSON_OBJECT ? parse_key(p) : EM_OK;
        }
        if (look(p) != closing(p)) return EM_ERR_JSON_SYNTAX;
        close_container(p);
    }
    return EM_OK;
}

em_err em_json_parse(em_bytes text, em_json_token *tokens, uint32_t cap,
                     em_json *ret_json)
{
    parser p = {.text = text, .token = tokens, .cap = cap};

    if (text.len > EM_MAX_JSON_BYTES) return EM_ERR_LIMIT;
    if (!em_is_utf8(text)) return EM_ERR_JSON_NOT_UTF8;
    for (bool more = true; more;) {
        bool is_whole = true;
        skip_space(&p);
        if (look(&p) == '{' || look(&p) == '[')
            EM_TRY(open_container(&p, &is_whole));
        else
            EM_TRY(parse_scalar(&p));
        if (is_whole) EM_TRY(after_value(&p, &more));
    }
    skip_space(&p);
    if (p.at != text.len) return EM_ERR_JSON_SYNTAX;
    *ret_json = (em_json){.text = text, .token = tokens, .n = p.n};
    return EM_OK;
}
