#include "wire/http1.h"

/* ---- characters (RFC 9110 5.6.2, RFC 9112) ----------------------------------------- */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool is_token_char(uint8_t c)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') ||
           memchr(marks, c, sizeof marks - 1) != NULL;
}

static bool is_token(em_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_token_char(text.at[i])) return false;
    return text.len > 0;
}

/* Field values and reasons: anything but controls. */
static bool is_field_text(em_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((text.at[i] < 0x20 && text.at[i] != '\t') || text.at[i] == 0x7F) return false;
    return true;
}

static bool is_visible(em_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= 0x20 || text.at[i] >= 0x7F) return false;
    return text.len > 0;
}

static bool same_word(em_bytes text, const char *word)
{
    size_t len = strlen(word);

    if (text.len != len) return false;
    for (size_t i = 0; i < len; i++)
        if (lower(text.at[i]) != lower((uint8_t)word[i])) return false;
    return true;
}

static em_bytes trim(em_bytes text)
{
    while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
        text = em_view(text.at + 1, text.len - 1);
    while (text.len > 0 &&
           (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* What stands in front of `mark`, which is taken too; everything where there is none. */
static em_bytes take_until(em_bytes *rest, uint8_t mark)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->at, mark, rest->len) : NULL;
    em_bytes part = {rest->at, end == NULL ? rest->len : (size_t)(end - rest->at)};
    size_t used = end == NULL ? part.len : part.len + 1;

    if (used > 0) *rest = em_view(rest->at + used, rest->len - used);
    return part;
}

/* ---- the head ---------------------------------------------------------------------- */

/* Length of the head with its empty line.  Every LF must follow a CR and every CR stand
 * before an LF, so that nobody else can see other lines than we do. */
static em_err measure(em_bytes in, size_t *ret_len)
{
    size_t end = in.len < EM_MAX_HTTP_HEAD ? in.len : EM_MAX_HTTP_HEAD;

    for (size_t i = 0; i < end; i++) {
        bool after_cr = i > 0 && in.at[i - 1] == '\r';
        if (in.at[i] == 0 || (in.at[i] == '\n') != after_cr) return EM_ERR_HTTP_SYNTAX;
        if (i >= 3 && in.at[i] == '\n' && in.at[i - 2] == '\n') {
            *ret_len = i + 1;
            return EM_OK;
        }
    }
    return end == EM_MAX_HTTP_HEAD ? EM_ERR_LIMIT : EM_ERR_SHORT;
}

/* The next line of a measured head. */
static em_bytes take_line(em_bytes *rest)
{
    em_bytes line = take_until(rest, '\n');

    if (line.len > 0) line.len--; /* its CR */
    return line;
}

static em_err read_version(em_bytes text, bool *ret_old)
{
    bool is_old = em_same(text, EM_STR("HTTP/1.0"));

    if (!is_old && !em_same(text, EM_STR("HTTP/1.1"))) return EM_ERR_HTTP_SYNTAX;
    *ret_old = is_old;
    return EM_OK;
}

static em_err read_request_line(em_bytes line, em_http1_head *head, bool *ret_old)
{
    head->method = take_until(&line, ' ');
    head->target = take_until(&line, ' ');
    if (!is_token(head->method) || !is_visible(head->target)) return EM_ERR_HTTP_SYNTAX;
    return read_version(line, ret_old);
}

/* HTTP/1.1 SP 200 SP reason */
static em_err read_status_line(em_bytes line, em_http1_head *head, bool *ret_old)
{
    EM_TRY(read_version(take_until(&line, ' '), ret_old));
    if (line.len < 4 || line.at[3] != ' ' || !is_field_text(line))
        return EM_ERR_HTTP_SYNTAX;
    for (size_t i = 0; i < 3; i++) {
        if (!is_digit(line.at[i])) return EM_ERR_HTTP_SYNTAX;
        head->status = head->status * 10 + (unsigned)(line.at[i] - '0');
    }
    return head->status >= 100 && head->status < 600 ? EM_OK : EM_ERR_HTTP_SYNTAX;
}

static em_err read_field(em_bytes line, em_http1_head *head)
{
    if (head->n == EM_MAX_HTTP_HEADERS) return EM_ERR_LIMIT;
    em_bytes rest = line;
    em_bytes name = take_until(&rest, ':');

    /* a line without a colon, folded, or with space before the colon is no field */
    if (name.len == line.len || !is_token(name)) return EM_ERR_HTTP_SYNTAX;
    if (!is_field_text(rest)) return EM_ERR_HTTP_SYNTAX;
    head->header[head->n++] = (em_http1_header){.name = name, .value = trim(rest)};
    return EM_OK;
}

static em_err read_length(em_bytes value, uint64_t *ret_length)
{
    uint64_t length = 0;

    if (value.len == 0) return EM_ERR_HTTP_SYNTAX;
    for (size_t i = 0; i < value.len; i++) {
        if (!is_digit(value.at[i])) return EM_ERR_HTTP_SYNTAX;
        uint64_t digit = (uint64_t)(value.at[i] - '0');
        if (length > (UINT64_MAX - digit) / 10) return EM_ERR_HTTP_SYNTAX;
        length = length * 10 + digit;
    }
    *ret_length = length;
    return EM_OK;
}

static bool has_word(em_bytes list, const char *word)
{
    while (list.len > 0)
        if (same_word(trim(take_until(&list, ',')), word)) return true;
    return false;
}

/* The fields that say where the message ends (RFC 9112 6.3). */
static em_err read_framing(em_http1_head *head, size_t *ret_hosts)
{
    size_t hosts = 0;

    for (size_t i = 0; i < head->n; i++) {
        em_bytes name = head->header[i].name, value = head->header[i].value;
        if (same_word(name, "content-length")) {
            if (head->has_length) return EM_ERR_HTTP_SYNTAX;
            EM_TRY(read_length(value, &head->length));
            head->has_length = true;
        } else if (same_word(name, "transfer-encoding")) {
            if (head->chunked || !same_word(value, "chunked")) return EM_ERR_HTTP_SYNTAX;
            head->chunked = true;
        } else if (same_word(name, "connection")) {
            if (has_word(value, "close")) head->close = true;
        } else if (same_word(name, "host")) {
            hosts++;
        }
    }
    *ret_hosts = hosts;
    return head->has_length && head->chunked ? EM_ERR_HTTP_SYNTAX : EM_OK;
}

static em_err read_head(em_bytes in, bool is_request, em_http1_head *head)
{
    bool is_old = false;
    size_t hosts;

    EM_TRY(measure(in, &head->len));
    em_bytes rest = {in.at, head->len - 2};
    em_bytes first = take_line(&rest);
    if (is_request)
        EM_TRY(read_request_line(first, head, &is_old));
    else
        EM_TRY(read_status_line(first, head, &is_old));
    while (rest.len > 0) EM_TRY(read_field(take_line(&rest), head));
    EM_TRY(read_framing(head, &hosts));
    if (is_request && hosts != 1) return EM_ERR_HTTP_SYNTAX;
    if (is_old && head->chunked) return EM_ERR_HTTP_SYNTAX; /* RFC 9112 6.1 */
    if (is_old) head->close = true;
    return EM_OK;
}

em_err em_http1_request(em_bytes in, em_http1_head *ret_head)
{
    em_http1_head head = {0};

    EM_TRY(read_head(in, true, &head));
    *ret_head = head;
    return EM_OK;
}

em_err em_http1_response(em_bytes in, em_http1_head *ret_head)
{
    em_http1_head head = {0};

    EM_TRY(read_head(in, false, &head));
    *ret_head = head;
    return EM_OK;
}

bool em_http1_find(const em_http1_head *head, const char *name, em_bytes *ret_value)
{
    for (size_t i = 0; i < head->n; i++) {
        if (!same_word(head->header[i].name, name)) continue;
        *ret_value = head->header[i].value;
        return true;
    }
    return false;
}

/* ---- chunked bodies (RFC 9112 7.1) ------------------------------------------------- */

enum { SIZE, SIZE_LF, DATA, DATA_CR, DATA_LF, LAST_CR, LAST_LF, DONE };

static int hex_value(uint8_t c)
{
    if (is_digit(c)) return c - '0';
    return lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1;
}

/* A byte of the size line or of the line ends. */
static em_err frame_byte(em_http1_chunked *d, uint8_t byte)
{
    enum { MAX_DIGITS = 15 };
    static const struct {
        uint8_t want;
        int then;
    } step[] = {
        [SIZE_LF] = {'\n', DATA}, [DATA_CR] = {'\r', DATA_LF},
        [DATA_LF] = {'\n', SIZE}, [LAST_CR] = {'\r', LAST_LF},
        [LAST_LF] = {'\n', DONE},
    };

    if (d->state == SIZE) {
        int digit = hex_value(byte);
        if (digit >= 0 && d->seen < MAX_DIGITS) {
            d->left = d->left << 4 | (uint64_t)digit;
            d->seen++;
            return EM_OK;
        }
        if (byte != '\r' || d->seen == 0) return EM_ERR_HTTP_SYNTAX;
        d->state = SIZE_LF;
        return EM_OK;
    }
    if (byte != step[d->state].want) return EM_ERR_HTTP_SYNTAX;
    bool is_last = d->state == SIZE_LF && d->left == 0;
    d->state = is_last ? LAST_CR : step[d->state].then;
    d->seen = 0;
    return EM_OK;
}

em_err em_http1_chunk(em_http1_chunked *d, em_bytes *in, em_bytes *ret_data,
                      bool *ret_done)
{
    em_http1_chunked now = *d;
    em_bytes rest = *in, data = {0};

    while (rest.len > 0 && now.state != DATA && now.state != DONE) {
        EM_TRY(frame_byte(&now, rest.at[0]));
        rest = em_view(rest.at + 1, rest.len - 1);
    }
    if (now.state == DATA && rest.len > 0) {
        data = em_view(rest.at, now.left < rest.len ? (size_t)now.left : rest.len);
        rest = em_view(rest.at + data.len, rest.len - data.len);
        now.left -= data.len;
        if (now.left == 0) now.state = DATA_CR;
    }
    *d = now;
    *in = rest;
    *ret_data = data;
    *ret_done = now.state == DONE;
    return EM_OK;
}
