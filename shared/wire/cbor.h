/* cbor.h - deterministic CBOR (RFC 8949 4.2.1), read from hostile bytes and written.
 *
 * The profile: definite lengths, shortest heads, map keys bytewise sorted without
 * duplicates, text in UTF-8 without NUL, no floats, no tags, no simple value but false,
 * true, null, nesting at most EM_MAX_CBOR_DEPTH, nothing behind the item.  The reader
 * refuses everything else.
 *
 * Trust:  input is hostile.  Values are claims; meaningless unless em_cbor_end says
 *         EM_OK.
 * Memory: views point into the input; nothing is allocated, nothing recurses.
 */
#ifndef EM_WIRE_CBOR_H
#define EM_WIRE_CBOR_H

#include "base/limits.h"
#include "base/read.h"
#include "wire/cbor_put.h"

typedef enum em_cbor_kind {
    EM_CBOR_UINT,
    EM_CBOR_NINT,
    EM_CBOR_BYTES,
    EM_CBOR_TEXT,
    EM_CBOR_ARRAY,
    EM_CBOR_MAP,
    EM_CBOR_FALSE,
    EM_CBOR_TRUE,
    EM_CBOR_NULL,
    EM_CBOR_NONE, /* end of input, or after an error */
} em_cbor_kind;

/* What a reader allows beyond the profile; AWS's attestation payload needs it. */
typedef enum em_cbor_profile {
    EM_CBOR_STRICT = 0,
    EM_CBOR_FOREIGN, /* any key order, and indefinite maps at the outermost level;
                        duplicates are the caller's to refuse; all else as strict */
} em_cbor_profile;

/* Is this one item of the strict profile and nothing else?  The reader's own error names.
 */
em_err em_cbor_check(em_bytes item);

/* A reader.  Its first error sticks.  Within a map the reader itself refuses unsorted and
 * duplicate keys (strict profile). */
typedef struct em_cbor {
    em_reader in;
    em_cbor_profile profile;
    unsigned depth;
    struct em_cbor_level {
        uint64_t left; /* items still to come at this level; maps count keys and values */
        em_bytes last; /* the encoded bytes of the last key */
        const uint8_t *key; /* where the present key begins */
        uint8_t is_map;     /* a map, whose next item is a key while left is even */
        uint8_t is_open;    /* of indefinite length */
    } level[EM_MAX_CBOR_DEPTH + 1];
} em_cbor;

em_cbor em_cbor_over(em_bytes item);
em_cbor em_cbor_over_foreign(em_bytes item);

/* What comes next, without reading it. */
em_cbor_kind em_cbor_peek(const em_cbor *c);

uint64_t em_cbor_uint(em_cbor *c);
int64_t em_cbor_int(em_cbor *c); /* EM_ERR_RANGE outside int64 */
bool em_cbor_bool(em_cbor *c);
void em_cbor_null(em_cbor *c);
em_bytes em_cbor_bytes(em_cbor *c);
em_bytes em_cbor_text(em_cbor *c);

/* Like em_cbor_bytes and em_cbor_text, with a maximum (EM_ERR_LIMIT), and exactly `len`
 * bytes copied to `to` (EM_ERR_RANGE; `to` is untouched after an error). */
em_bytes em_cbor_bytes_max(em_cbor *c, size_t max);
em_bytes em_cbor_text_max(em_cbor *c, size_t max);
void em_cbor_bytes_into(em_cbor *c, void *to, size_t len);

/* Enter an array or map; the number of its items or pairs, at most `max` (EM_ERR_LIMIT).
 * The items follow; the level closes by itself after the last.  For an indefinite map
 * (foreign profile) gives UINT64_MAX: ask em_cbor_more. */
uint64_t em_cbor_array(em_cbor *c, uint64_t max);
uint64_t em_cbor_map(em_cbor *c, uint64_t max);

/* Enter an array or map of exactly n items (EM_ERR_CBOR_TYPE) or pairs (EM_ERR_CBOR_KEY).
 */
void em_cbor_array_of(em_cbor *c, uint64_t n);
void em_cbor_map_of(em_cbor *c, uint64_t n);

/* Does the level entered at depth `depth` (em_cbor.depth after entering) have an item
 * left?  Consumes the break of an indefinite map.  False after an error. */
bool em_cbor_more(em_cbor *c, unsigned depth);

/* Reads a text key and compares: true and consumed when it is `key`, false and not
 * consumed otherwise.  For maps with optional members, in sorted order (shorter keys
 * first, then bytewise, as RFC 8949 4.2.1 orders encodings).  A finished map has closed,
 * so the key may be one of the map around it: where an optional member may be the last,
 * ask em_cbor_more(depth) first, or compare the members read with em_cbor_map's number.
 */
bool em_cbor_key(em_cbor *c, const char *key);

/* Reads a text key that must be `key` (EM_ERR_CBOR_KEY). */
void em_cbor_want(em_cbor *c, const char *key);

/* Skip one whole item, checking it; its encoded bytes. */
em_bytes em_cbor_skip(em_cbor *c);

void em_cbor_fail(em_cbor *c, em_err err);
em_err em_cbor_ok(const em_cbor *c);

/* The first error; EM_ERR_CBOR_SHORT inside an unfinished item, EM_ERR_CBOR_TRAILING
 * behind. */
em_err em_cbor_end(const em_cbor *c);

#endif
