/* map_impl.h - reads closed maps with text keys, optional ones among them.
 *
 * A closed map's members are counted, so that a short map cannot borrow members from the
 * one around it.
 *
 * Trust:  input is hostile; the CBOR reader's sticky error holds what was wrong.
 * Memory: none.
 */
#ifndef EM_TRUST_MAP_IMPL_H
#define EM_TRUST_MAP_IMPL_H

#include "wire/cbor.h"

/* Is the next of the `*left` remaining members `key`?  Then its value comes next. */
static inline bool map_has(em_cbor *c, const char *key, uint64_t *left)
{
    if (*left == 0 || !em_cbor_key(c, key)) return false;
    (*left)--;
    return true;
}

/* The next member must be `key`. */
static inline void map_want(em_cbor *c, const char *key, uint64_t *left)
{
    if (!map_has(c, key, left)) em_cbor_fail(c, EM_ERR_CBOR_KEY);
}

/* All members were read. */
static inline void map_done(em_cbor *c, uint64_t left)
{
    if (left != 0) em_cbor_fail(c, EM_ERR_CBOR_KEY);
}

#endif
