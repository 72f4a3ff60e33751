/* ber.h - walks BER (X.690) without recursion: one cursor and a stack of open values.
 *
 * Trust:  the bytes are hostile.  The first error sticks, after which everything reads
 *         as empty; nothing read means anything before em_ber_end says EM_OK.
 * Memory: views point into the input; nothing is allocated.
 */
#ifndef EM_CRYPTO_BER_H
#define EM_CRYPTO_BER_H

#include "base/em.h"

enum { EM_BER_DEPTH = 16 };

/* Identifier octets, X.690 8.1.2 */
enum {
    EM_BER_INTEGER = 0x02,
    EM_BER_OCTETS = 0x04,
    EM_BER_NULL = 0x05,
    EM_BER_OID = 0x06,
    EM_BER_SEQUENCE = 0x30,
    EM_BER_SET = 0x31,
    EM_BER_CONTEXT = 0x80,             /* [0] primitive; add the number */
    EM_BER_CONTEXT_CONSTRUCTED = 0xA0, /* [0] constructed */
};

typedef struct em_ber {
    em_bytes left; /* up to the end of the innermost value of definite length */
    em_err err;
    size_t depth;
    struct {
        size_t behind; /* bytes of the outer value behind this one */
        bool indefinite;
    } up[EM_BER_DEPTH];
} em_ber;

em_ber em_ber_over(em_bytes in);

/* The identifier octet that comes next; 0 where the innermost value has no more. */
uint8_t em_ber_peek(const em_ber *b);

/* Enter a constructed value of definite or indefinite length; leave it at its end.
 * Anything between the cursor and that end is an error. */
void em_ber_enter(em_ber *b, uint8_t tag);
void em_ber_leave(em_ber *b);

/* The contents of a primitive value. */
em_bytes em_ber_value(em_ber *b, uint8_t tag);

/* A whole value of definite length, head and contents. */
em_bytes em_ber_whole(em_ber *b, uint8_t tag);

/* The next value is a primitive one with exactly these contents. */
void em_ber_expect(em_ber *b, uint8_t tag, em_bytes contents);

/* The first error, EM_ERR_SHORT, EM_ERR_FORMAT or EM_ERR_LIMIT (nested too deeply);
 * EM_ERR_TRAILING where bytes are left. */
em_err em_ber_end(const em_ber *b);

#endif
