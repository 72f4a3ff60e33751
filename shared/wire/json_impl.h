/* json_impl.h - what the parser and the readers of JSON share.
 *
 * Trust:  contents given to the unescaper have passed the parser's check of escapes.
 * Memory: nothing is allocated.
 */
#ifndef EM_WIRE_JSON_IMPL_H
#define EM_WIRE_JSON_IMPL_H

#include "wire/json.h"

/* Walks a text's contents byte by byte as they are meant. */
typedef struct em_json_unescaper {
    em_bytes left; /* checked contents of a text */
    uint8_t utf8[4];
    unsigned n, i;
} em_json_unescaper;

/* The next byte, or -1 at the end. */
int em_json_next_byte(em_json_unescaper *u);

static inline bool em_json_is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static inline int em_json_hex_value(int c)
{
    if (em_json_is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The first of a surrogate pair. */
static inline bool em_json_is_high(uint32_t unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static inline em_bytes em_json_bytes_of(em_bytes text, const em_json_token *token)
{
    return em_view(text.at + token->at, token->len);
}

#endif
