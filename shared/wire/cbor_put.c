#include "wire/cbor_put.h"

/* Head and argument in one claim, so that an overflow leaves no half of them. */
static void put_head(em_out *o, unsigned major, uint64_t arg)
{
    uint8_t first = (uint8_t)(major << 5);
    uint8_t buf[9];
    em_out h = EM_OUT(buf);

    if (arg < 24) {
        em_write_u8(&h, (uint8_t)(first | arg));
    } else if (arg <= UINT8_MAX) {
        em_write_u8(&h, first | 24);
        em_write_u8(&h, (uint8_t)arg);
    } else if (arg <= UINT16_MAX) {
        em_write_u8(&h, first | 25);
        em_write_be16(&h, (uint16_t)arg);
    } else if (arg <= UINT32_MAX) {
        em_write_u8(&h, first | 26);
        em_write_be32(&h, (uint32_t)arg);
    } else {
        em_write_u8(&h, first | 27);
        em_write_be64(&h, arg);
    }
    em_write_bytes(o, em_write_view(&h));
}

void em_cbor_put_uint(em_out *o, uint64_t value)
{
    put_head(o, 0, value);
}

void em_cbor_put_int(em_out *o, int64_t value)
{
    /* -1 - n without leaving the type: the complement of the two's complement */
    if (value < 0)
        put_head(o, 1, ~(uint64_t)value);
    else
        put_head(o, 0, (uint64_t)value);
}

void em_cbor_put_bytes_head(em_out *o, uint64_t len)
{
    put_head(o, 2, len);
}

void em_cbor_put_text_head(em_out *o, uint64_t len)
{
    put_head(o, 3, len);
}

void em_cbor_put_bytes(em_out *o, em_bytes bytes)
{
    put_head(o, 2, bytes.len);
    em_write_bytes(o, bytes);
}

void em_cbor_put_text(em_out *o, em_bytes text)
{
    put_head(o, 3, text.len);
    em_write_bytes(o, text);
}

void em_cbor_put_str(em_out *o, const char *text)
{
    em_cbor_put_text(o, em_view(text, strlen(text)));
}

void em_cbor_put_array(em_out *o, uint64_t n)
{
    put_head(o, 4, n);
}

void em_cbor_put_map(em_out *o, uint64_t n)
{
    put_head(o, 5, n);
}

void em_cbor_put_tag(em_out *o, uint64_t tag)
{
    put_head(o, 6, tag);
}

void em_cbor_put_bool(em_out *o, bool value)
{
    em_write_u8(o, value ? 0xF5 : 0xF4);
}

void em_cbor_put_null(em_out *o)
{
    em_write_u8(o, 0xF6);
}
