/* read.h - walks hostile bytes; the first error sticks, so a parser checks once.
 *
 * Trust:  `left` is hostile.  A value read is meaningless unless em_read_end (or
 *         em_read_ok) says EM_OK.
 * Memory: views point into the input; nothing is allocated.
 */
#ifndef EM_BASE_READ_H
#define EM_BASE_READ_H

#include "base/em.h"

typedef struct em_reader {
    em_bytes left; /* what has not been read */
    em_err err;    /* the first error; everything after it reads as zero */
} em_reader;

uint8_t em_read_u8(em_reader *r);
uint16_t em_read_be16(em_reader *r);
uint32_t em_read_be32(em_reader *r);
uint64_t em_read_be64(em_reader *r);
uint32_t em_read_le32(em_reader *r);
uint64_t em_read_le64(em_reader *r);

/* The next `len` bytes as a view; empty after an error. */
em_bytes em_read_bytes(em_reader *r, size_t len);

/* Copy the next `len` bytes to `to`; `to` is untouched after an error. */
void em_read_into(em_reader *r, void *to, size_t len);

/* Make `err` the reader's error unless it already has one. */
void em_read_fail(em_reader *r, em_err err);

/* The first error so far. */
em_err em_read_ok(const em_reader *r);

/* The first error, or EM_ERR_TRAILING where bytes are left over. */
em_err em_read_end(const em_reader *r);

#endif
