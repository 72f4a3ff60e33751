#include "base/write.h"

void em_write_fail(em_out *o, em_err err)
{
    if (o->err == EM_OK) o->err = err;
}

/* Room for `len` more bytes, or NULL and a sticky error. */
static uint8_t *claim(em_out *o, size_t len)
{
    if (o->err == EM_OK && len > o->cap - o->len) o->err = EM_ERR_FULL;
    if (o->err != EM_OK || len == 0) return NULL;

    uint8_t *to = o->at + o->len;
    o->len += len;
    return to;
}

static void write_be(em_out *o, uint64_t value, size_t len)
{
    uint8_t *to = claim(o, len);

    if (to == NULL) return;
    for (size_t i = 0; i < len; i++) to[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
}

static void write_le(em_out *o, uint64_t value, size_t len)
{
    uint8_t *to = claim(o, len);

    if (to == NULL) return;
    for (size_t i = 0; i < len; i++) to[i] = (uint8_t)(value >> (8 * i));
}

void em_write_u8(em_out *o, uint8_t value)
{
    write_be(o, value, 1);
}
void em_write_be16(em_out *o, uint16_t value)
{
    write_be(o, value, 2);
}
void em_write_be32(em_out *o, uint32_t value)
{
    write_be(o, value, 4);
}
void em_write_be64(em_out *o, uint64_t value)
{
    write_be(o, value, 8);
}
void em_write_le32(em_out *o, uint32_t value)
{
    write_le(o, value, 4);
}
void em_write_le64(em_out *o, uint64_t value)
{
    write_le(o, value, 8);
}

void em_write_bytes(em_out *o, em_bytes bytes)
{
    uint8_t *to = claim(o, bytes.len);

    if (to != NULL) memcpy(to, bytes.at, bytes.len);
}

void em_write_zeros(em_out *o, size_t len)
{
    uint8_t *to = claim(o, len);

    if (to != NULL) memset(to, 0, len);
}

void em_write_hex(em_out *o, em_bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    size_t len;

    if (em_mul(bytes.len, 2, &len) != EM_OK) {
        em_write_fail(o, EM_ERR_FULL);
        return;
    }
    uint8_t *to = claim(o, len);
    if (to == NULL) return;
    for (size_t i = 0; i < bytes.len; i++) {
        to[2 * i] = (uint8_t)digits[bytes.at[i] >> 4];
        to[2 * i + 1] = (uint8_t)digits[bytes.at[i] & 15];
    }
}

void em_write_decimal(em_out *o, uint64_t value)
{
    uint8_t text[20];
    size_t at = sizeof text;

    do {
        text[--at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    em_write_bytes(o, em_view(text + at, sizeof text - at));
}

em_bytes em_write_view(const em_out *o)
{
    return em_view(o->at, o->len);
}

em_err em_write_end(const em_out *o)
{
    return o->err;
}
