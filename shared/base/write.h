/* write.h - writes into a fixed capacity; the first overflow sticks.
 *
 * Trust:  the writer's own values; lengths may come from outside, capacity never does.
 * Memory: the buffer is the caller's; nothing is allocated, nothing past `cap` is
 * touched.
 */
#ifndef EM_BASE_WRITE_H
#define EM_BASE_WRITE_H

#include "base/em.h"

typedef struct em_out {
    uint8_t *at;
    size_t len; /* written so far; stays at the last whole value after an overflow */
    size_t cap;
    em_err err;
} em_out;

/* A writer over an array. */
#define EM_OUT(array) ((em_out){.at = (array), .cap = sizeof(array)})

static inline em_out em_out_over(void *at, size_t cap)
{
    return (em_out){.at = (uint8_t *)at, .cap = cap};
}

void em_write_u8(em_out *o, uint8_t value);
void em_write_be16(em_out *o, uint16_t value);
void em_write_be32(em_out *o, uint32_t value);
void em_write_be64(em_out *o, uint64_t value);
void em_write_le32(em_out *o, uint32_t value);
void em_write_le64(em_out *o, uint64_t value);
void em_write_bytes(em_out *o, em_bytes bytes);

/* `len` zero bytes. */
void em_write_zeros(em_out *o, size_t len);

/* Lower-case hexadecimal of `bytes`; a decimal number; both as ASCII without a NUL. */
void em_write_hex(em_out *o, em_bytes bytes);
void em_write_decimal(em_out *o, uint64_t value);

/* Make `err` the writer's error unless it already has one. */
void em_write_fail(em_out *o, em_err err);

/* What has been written, as a view into the buffer. */
em_bytes em_write_view(const em_out *o);

/* EM_ERR_FULL when something did not fit, or the error given to em_write_fail. */
em_err em_write_end(const em_out *o);

#endif
