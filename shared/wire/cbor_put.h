/* cbor_put.h - writes CBOR, always in shortest form (RFC 8949 4.2.1).
 *
 * Trust:  the writer's own values; the caller writes map keys in order and as many items
 *         as it announced (em_cbor_check of the result says whether it did).
 * Memory: into the caller's em_out, whose first overflow sticks.
 */
#ifndef EM_WIRE_CBOR_PUT_H
#define EM_WIRE_CBOR_PUT_H

#include "base/write.h"

void em_cbor_put_uint(em_out *o, uint64_t value);
void em_cbor_put_int(em_out *o, int64_t value);
void em_cbor_put_bytes(em_out *o, em_bytes bytes);
void em_cbor_put_text(em_out *o, em_bytes text);
void em_cbor_put_str(em_out *o, const char *text);
void em_cbor_put_bool(em_out *o, bool value);
void em_cbor_put_null(em_out *o);

/* Heads: n items, n pairs or one item follow. */
void em_cbor_put_array(em_out *o, uint64_t n);
void em_cbor_put_map(em_out *o, uint64_t n);
void em_cbor_put_tag(em_out *o, uint64_t tag);

/* Heads of strings whose `len` bytes follow by other means. */
void em_cbor_put_bytes_head(em_out *o, uint64_t len);
void em_cbor_put_text_head(em_out *o, uint64_t len);

#endif
