#include "wire/text.h"

/* ---- hexadecimal ------------------------------------------------------------------- */

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

em_err em_text_from_hex(em_bytes text, uint8_t *out, size_t cap, size_t *ret_len)
{
    size_t len = text.len / 2;

    if (text.len % 2 != 0) return EM_ERR_HEX;
    for (size_t i = 0; i < text.len; i++)
        if (hex_value(text.at[i]) < 0) return EM_ERR_HEX;
    if (len > cap) return EM_ERR_FULL;
    for (size_t i = 0; i < len; i++)
        out[i] =
            (uint8_t)(hex_value(text.at[2 * i]) << 4 | hex_value(text.at[2 * i + 1]));
    *ret_len = len;
    return EM_OK;
}

/* ---- base64 ------------------------------------------------------------------------ */

/* RFC 4648 4, a character at a time; writes nothing where `out` is NULL. */
typedef struct decoder {
    uint8_t *out;
    size_t len;
    uint32_t bits;
    unsigned n;   /* characters of the present group of four */
    unsigned pad; /* '=' seen; nothing may follow their group */
} decoder;

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

static bool end_group(decoder *d)
{
    uint32_t stray = d->pad == 0 ? 0 : d->pad == 1 ? 0xFF : 0xFFFF;

    if ((d->bits & stray) != 0) return false;
    for (unsigned i = 0; i < 3 - d->pad; i++, d->len++)
        if (d->out != NULL) d->out[d->len] = (uint8_t)(d->bits >> (16 - 8 * i));
    d->bits = 0;
    d->n = 0;
    return true;
}

static bool decode(decoder *d, em_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool is_pad = text.at[i] == '=';
        int value = is_pad ? 0 : base64_value(text.at[i]);
        if (value < 0 || (is_pad && d->n < 2)) return false;
        if (d->pad > 0 && (!is_pad || d->n == 0)) return false;
        d->bits = d->bits << 6 | (uint32_t)value;
        d->pad += is_pad;
        if (++d->n == 4 && !end_group(d)) return false;
    }
    return true;
}

em_err em_text_from_base64(em_bytes text, uint8_t *out, size_t cap, size_t *ret_len)
{
    decoder count = {0}, d = {.out = out};

    if (!decode(&count, text) || count.n != 0) return EM_ERR_BASE64;
    if (count.len > cap) return EM_ERR_FULL;
    (void)decode(&d, text);
    *ret_len = d.len;
    return EM_OK;
}

void em_text_put_base64(em_out *o, em_bytes bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t bits = 0;
        uint8_t group[4] = {'=', '=', '=', '='};
        for (size_t k = 0; k < 3; k++) bits = bits << 8 | (k < n ? bytes.at[i + k] : 0u);
        for (size_t k = 0; k <= n; k++)
            group[k] = (uint8_t)letters[bits >> (18 - 6 * k) & 63];
        em_write_bytes(o, EM_BYTES(group));
    }
}

/* ---- PEM --------------------------------------------------------------------------- */

/* The next line without its end; false where there is none. */
static bool take_line(em_bytes *rest, em_bytes *ret_line)
{
    if (rest->len == 0) return false;
    const uint8_t *end = memchr(rest->at, '\n', rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->at);
    size_t used = end == NULL ? len : len + 1;
    em_bytes line = {rest->at, len};

    if (end != NULL && len > 0 && line.at[len - 1] == '\r') line.len--;
    *rest = em_view(rest->at + used, rest->len - used);
    *ret_line = line;
    return true;
}

/* Is this line "-----BEGIN label-----", or END? */
static bool is_boundary(em_bytes line, em_bytes word, em_bytes label)
{
    const em_bytes part[] = {EM_STR("-----"), word, label, EM_STR("-----")};

    for (size_t i = 0; i < EM_COUNT(part); i++) {
        if (line.len < part[i].len || !em_same(em_view(line.at, part[i].len), part[i]))
            return false;
        line = em_view(line.at + part[i].len, line.len - part[i].len);
    }
    return line.len == 0;
}

/* Decode the lines behind BEGIN up to END; *rest is then behind END. */
static em_err read_body(em_bytes *rest, em_bytes label, decoder *d)
{
    em_bytes line;

    while (take_line(rest, &line)) {
        if (is_boundary(line, EM_STR("END "), label))
            return d->n == 0 && d->len > 0 ? EM_OK : EM_ERR_PEM;
        if (line.len == 0 || !decode(d, line)) return EM_ERR_PEM;
    }
    return EM_ERR_PEM;
}

em_err em_text_from_pem(em_bytes text, const char *label, uint8_t *out, size_t cap,
                        size_t *ret_len, em_bytes *ret_rest)
{
    em_bytes name = em_view(label, strlen(label)), line;
    decoder count = {0}, d = {.out = out};

    do {
        if (!take_line(&text, &line)) return EM_ERR_PEM;
    } while (!is_boundary(line, EM_STR("BEGIN "), name));
    em_bytes again = text;
    EM_TRY(read_body(&text, name, &count));
    if (count.len > cap) return EM_ERR_FULL;
    EM_TRY(read_body(&again, name, &d));
    *ret_len = d.len;
    if (ret_rest != NULL) *ret_rest = text;
    return EM_OK;
}

static void put_boundary(em_out *o, em_bytes word, const char *label)
{
    em_write_bytes(o, EM_STR("-----"));
    em_write_bytes(o, word);
    em_write_bytes(o, em_view(label, strlen(label)));
    em_write_bytes(o, EM_STR("-----\n"));
}

void em_text_put_pem(em_out *o, const char *label, em_bytes der)
{
    enum { PER_LINE = 48 }; /* 64 characters, RFC 7468 2 */

    put_boundary(o, EM_STR("BEGIN "), label);
    for (size_t i = 0; i < der.len; i += PER_LINE) {
        size_t n = der.len - i < PER_LINE ? der.len - i : PER_LINE;
        em_text_put_base64(o, em_view(der.at + i, n));
        em_write_u8(o, '\n');
    }
    put_boundary(o, EM_STR("END "), label);
}

/* ---- RFC 3339 times ---------------------------------------------------------------- */

static const uint64_t DAY_MS = 86400000;

/* `len` digits at `at`; the caller has checked that they are digits. */
static uint32_t number(const uint8_t *at, size_t len)
{
    uint32_t value = 0;

    for (size_t i = 0; i < len; i++) value = value * 10 + (uint32_t)(at[i] - '0');
    return value;
}

static bool is_leap(uint32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint32_t days_in(uint32_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

/* Days from 1970-01-01 to the first of January. */
static uint64_t days_before(uint32_t year)
{
    uint64_t past = year - 1;

    return past * 365 + past / 4 - past / 100 + past / 400 - 719162;
}

/* The shape's digits are '0', everything else stands for itself. */
static bool has_shape(em_bytes text, const char *shape)
{
    for (size_t i = 0; shape[i] != 0; i++) {
        if (i == text.len) return false;
        bool is_digit = text.at[i] >= '0' && text.at[i] <= '9';
        if (shape[i] == '0' ? !is_digit : text.at[i] != (uint8_t)shape[i]) return false;
    }
    return true;
}

/* ".123Z" or "Z" */
static em_err read_fraction(em_bytes rest, uint32_t *ret_ms)
{
    uint32_t ms = 0, scale = 100;
    size_t i = 0;

    if (rest.len > 0 && rest.at[0] == '.') {
        for (i = 1; i < rest.len && rest.at[i] >= '0' && rest.at[i] <= '9'; i++) {
            ms += (uint32_t)(rest.at[i] - '0') * scale;
            scale /= 10;
        }
        if (i < 2 || i > 10) return EM_ERR_FORMAT;
    }
    if (rest.len != i + 1 || rest.at[i] != 'Z') return EM_ERR_FORMAT;
    *ret_ms = ms;
    return EM_OK;
}

em_err em_text_from_time(em_bytes text, uint64_t *ret_ms)
{
    static const char shape[] = "0000-00-00T00:00:00";
    const size_t len = sizeof shape - 1;
    uint32_t ms;

    if (!has_shape(text, shape)) return EM_ERR_FORMAT;
    EM_TRY(read_fraction(em_view(text.at + len, text.len - len), &ms));
    uint32_t year = number(text.at, 4), month = number(text.at + 5, 2);
    uint32_t day = number(text.at + 8, 2), hour = number(text.at + 11, 2);
    uint32_t minute = number(text.at + 14, 2), second = number(text.at + 17, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in(year, month) ||
        hour > 23 || minute > 59 || second > 59)
        return EM_ERR_RANGE;

    uint64_t days = days_before(year) + day - 1;
    for (uint32_t m = 1; m < month; m++) days += days_in(year, m);
    *ret_ms = days * DAY_MS + hour * 3600000u + minute * 60000u + second * 1000u + ms;
    return EM_OK;
}

static void put_digits(em_out *o, uint64_t value, unsigned n)
{
    uint8_t digits[4];

    for (unsigned i = n; i > 0; i--, value /= 10)
        digits[i - 1] = (uint8_t)('0' + value % 10);
    em_write_bytes(o, em_view(digits, n));
}

void em_text_put_time(em_out *o, uint64_t ms)
{
    uint64_t days = ms / DAY_MS, rest = ms % DAY_MS;
    uint32_t year = 1970, month = 1;

    if (days >= days_before(10000)) {
        em_write_fail(o, EM_ERR_RANGE);
        return;
    }
    year += (uint32_t)(days / 366); /* never too late, and at most a few years early */
    while (days >= days_before(year + 1)) year++;
    days -= days_before(year);
    while (days >= days_in(year, month)) days -= days_in(year, month++);

    put_digits(o, year, 4);
    em_write_u8(o, '-');
    put_digits(o, month, 2);
    em_write_u8(o, '-');
    put_digits(o, days + 1, 2);
    em_write_u8(o, 'T');
    put_digits(o, rest / 3600000, 2);
    em_write_u8(o, ':');
    put_digits(o, rest / 60000 % 60, 2);
    em_write_u8(o, ':');
    put_digits(o, rest / 1000 % 60, 2);
    if (rest % 1000 != 0) {
        em_write_u8(o, '.');
        put_digits(o, rest % 1000, 3);
    }
    em_write_u8(o, 'Z');
}
