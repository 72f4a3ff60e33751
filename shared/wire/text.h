/* text.h - hexadecimal, base64 and PEM, read strictly and written.
 *
 * Trust:  input is hostile.
 * Memory: outputs are the caller's.
 */
#ifndef EM_WIRE_TEXT_H
#define EM_WIRE_TEXT_H

#include "base/write.h"

/* Lower-case hexadecimal; exactly text.len / 2 bytes come out.  EM_ERR_HEX, EM_ERR_FULL.
 */
em_err em_text_from_hex(em_bytes text, uint8_t *out, size_t cap, size_t *ret_len);

/* Standard alphabet, padded, no white space, no stray bits.  EM_ERR_BASE64, EM_ERR_FULL.
 */
em_err em_text_from_base64(em_bytes text, uint8_t *out, size_t cap, size_t *ret_len);
void em_text_put_base64(em_out *o, em_bytes bytes);

/* The first PEM block (RFC 7468) of this label in `text`, whose lines may end in LF or
 * CRLF; what follows it in *ret_rest (may be NULL).  Blocks of other labels and text in
 * front of it are passed over.  EM_ERR_PEM, EM_ERR_FULL. */
em_err em_text_from_pem(em_bytes text, const char *label, uint8_t *out, size_t cap,
                        size_t *ret_len, em_bytes *ret_rest);
void em_text_put_pem(em_out *o, const char *label, em_bytes der);

/* An RFC 3339 time in UTC, 2026-11-22T10:20:30Z, to and from Unix milliseconds, years
 * 1970 to 9999, no leap seconds.  Fractions of up to nine digits are read and cut to
 * milliseconds; they are written where there are any.  EM_ERR_FORMAT, EM_ERR_RANGE. */
em_err em_text_from_time(em_bytes text, uint64_t *ret_ms);
void em_text_put_time(em_out *o, uint64_t ms);

#endif
