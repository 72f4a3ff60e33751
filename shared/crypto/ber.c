#include "crypto/ber.h"

enum { INDEFINITE = 0x80 };

static void fail(em_ber *b, em_err err)
{
    if (b->err == EM_OK) b->err = err;
    b->left = (em_bytes){0};
}

static em_bytes take(em_ber *b, size_t len)
{
    if (len > b->left.len) {
        fail(b, EM_ERR_SHORT);
        return (em_bytes){0};
    }
    em_bytes out = em_view(b->left.at, len);
    b->left.at += len;
    b->left.len -= len;
    return out;
}

static uint8_t take_u8(em_ber *b)
{
    em_bytes one = take(b, 1);

    return one.len == 1 ? one.at[0] : 0;
}

/* X.690 8.1.3, at most four octets of length. */
static size_t length(em_ber *b, bool *ret_indefinite)
{
    uint8_t first = take_u8(b);
    size_t len = 0;

    *ret_indefinite = first == INDEFINITE;
    if (first <= INDEFINITE) return first & 0x7F;
    if ((first & 0x7F) > 4) {
        fail(b, EM_ERR_FORMAT);
        return 0;
    }
    for (em_bytes octets = take(b, first & 0x7F); octets.len > 0; octets.len--)
        len = len << 8 | *octets.at++;
    return len;
}

em_ber em_ber_over(em_bytes in)
{
    return (em_ber){.left = in};
}

/* Two zero octets end a value of indefinite length; nothing else may begin with one. */
uint8_t em_ber_peek(const em_ber *b)
{
    return b->err == EM_OK && b->left.len > 0 ? b->left.at[0] : 0;
}

/* The identifier octet `tag` and a length. */
static size_t head(em_ber *b, uint8_t tag, bool *ret_indefinite)
{
    *ret_indefinite = false;
    if (b->err != EM_OK) return 0;
    if (take_u8(b) != tag) {
        fail(b, EM_ERR_FORMAT);
        return 0;
    }
    return length(b, ret_indefinite);
}

void em_ber_enter(em_ber *b, uint8_t tag)
{
    bool indefinite;
    size_t len = head(b, tag, &indefinite);

    if (b->err == EM_OK && b->depth == EM_BER_DEPTH) fail(b, EM_ERR_LIMIT);
    if (b->err == EM_OK && len > b->left.len) fail(b, EM_ERR_SHORT);
    if (b->err != EM_OK) return;

    b->up[b->depth].indefinite = indefinite;
    b->up[b->depth].behind = indefinite ? 0 : b->left.len - len;
    if (!indefinite) b->left.len = len;
    b->depth++;
}

void em_ber_leave(em_ber *b)
{
    if (b->err != EM_OK) return;
    if (b->depth == 0) {
        fail(b, EM_ERR_FORMAT);
        return;
    }
    b->depth--;
    if (b->up[b->depth].indefinite) {
        uint8_t first = take_u8(b), second = take_u8(b); /* X.690 8.1.5 */
        if (first != 0 || second != 0) fail(b, EM_ERR_FORMAT);
    } else if (b->left.len != 0) {
        fail(b, EM_ERR_FORMAT);
    } else {
        b->left.len = b->up[b->depth].behind;
    }
}

em_bytes em_ber_value(em_ber *b, uint8_t tag)
{
    bool indefinite;
    size_t len = head(b, tag, &indefinite);

    if (indefinite) fail(b, EM_ERR_FORMAT);
    return b->err == EM_OK ? take(b, len) : (em_bytes){0};
}

em_bytes em_ber_whole(em_ber *b, uint8_t tag)
{
    const uint8_t *from = b->left.at;
    em_bytes contents = em_ber_value(b, tag);

    if (b->err != EM_OK) return (em_bytes){0};
    return em_view(from, (size_t)(contents.at - from) + contents.len);
}

void em_ber_expect(em_ber *b, uint8_t tag, em_bytes contents)
{
    em_bytes got = em_ber_value(b, tag);

    if (b->err == EM_OK && !em_same(got, contents)) fail(b, EM_ERR_FORMAT);
}

em_err em_ber_end(const em_ber *b)
{
    if (b->err != EM_OK) return b->err;
    if (b->depth != 0) return EM_ERR_FORMAT;
    return b->left.len == 0 ? EM_OK : EM_ERR_TRAILING;
}
