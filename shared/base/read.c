#include "base/read.h"

void em_read_fail(em_reader *r, em_err err)
{
    if (r->err == EM_OK) r->err = err;
}

em_bytes em_read_bytes(em_reader *r, size_t len)
{
    if (r->err == EM_OK && len > r->left.len) r->err = EM_ERR_SHORT;
    if (r->err != EM_OK) return (em_bytes){0};

    em_bytes got = {r->left.at, len};
    if (len > 0) r->left.at += len;
    r->left.len -= len;
    return got;
}

void em_read_into(em_reader *r, void *to, size_t len)
{
    em_bytes got = em_read_bytes(r, len);

    if (got.len > 0) memcpy(to, got.at, got.len);
}

static uint64_t read_be(em_reader *r, size_t len)
{
    em_bytes got = em_read_bytes(r, len);
    uint64_t value = 0;

    for (size_t i = 0; i < got.len; i++) value = value << 8 | got.at[i];
    return value;
}

static uint64_t read_le(em_reader *r, size_t len)
{
    em_bytes got = em_read_bytes(r, len);
    uint64_t value = 0;

    for (size_t i = got.len; i > 0; i--) value = value << 8 | got.at[i - 1];
    return value;
}

uint8_t em_read_u8(em_reader *r)
{
    return (uint8_t)read_be(r, 1);
}
uint16_t em_read_be16(em_reader *r)
{
    return (uint16_t)read_be(r, 2);
}
uint32_t em_read_be32(em_reader *r)
{
    return (uint32_t)read_be(r, 4);
}
uint64_t em_read_be64(em_reader *r)
{
    return read_be(r, 8);
}
uint32_t em_read_le32(em_reader *r)
{
    return (uint32_t)read_le(r, 4);
}
uint64_t em_read_le64(em_reader *r)
{
    return read_le(r, 8);
}

em_err em_read_ok(const em_reader *r)
{
    return r->err;
}

em_err em_read_end(const em_reader *r)
{
    if (r->err != EM_OK) return r->err;
    return r->left.len == 0 ? EM_OK : EM_ERR_TRAILING;
}
