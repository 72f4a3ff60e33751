/* wordpiece_pair.h - two texts as one sequence: [CLS] first [SEP] second [SEP], cut as
 * the package `tokenizers` does it by its strategy "longest_first".
 *
 * Of room for m tokens beside the three special ones: the shorter text stays whole where
 * it has at most m / 2 (rounded down), and the longer one is cut to what is left.  Where
 * both are longer than that, the shorter keeps m / 2 rounded down and the longer the
 * rest; of two that are equally long the second counts as the longer.
 *
 * Trust:  texts are hostile; em_wordpiece_encode is what reads them.
 * Memory: nothing is allocated; an em_wordpiece_pair views the tokenizer and the ids that
 * the caller lends it.
 */
#ifndef EM_ENGINE_WORDPIECE_PAIR_H
#define EM_ENGINE_WORDPIECE_PAIR_H

#include "engine/wordpiece.h"

/* The first text of many pairs, which is read once. */
typedef struct em_wordpiece_pair {
    const em_wordpiece *tokenizer;
    const uint32_t *ids; /* its tokens, as many as any pair can take */
    size_t tokens;       /* how many it has, special ones not counted */
    size_t max_tokens;   /* of a pair, special ones counted */
} em_wordpiece_pair;

/* Reads the first text.  `ids` has room for max_tokens ids, or EM_WORDPIECE_MOST(len) if
 * that is less, and outlives *ret_pair.  EM_ERR_FORMAT when the text is not UTF-8,
 * EM_ERR_ARGUMENT when max_tokens is below 3. */
em_err em_wordpiece_pair_first(const em_wordpiece *tokenizer, em_bytes utf8,
                               size_t max_tokens, uint32_t *ids,
                               em_wordpiece_pair *ret_pair);

/* No pair with a second text of `len` bytes has more tokens than this. */
#define EM_WORDPIECE_PAIR_MOST(pair, len) ((pair)->tokens + (size_t)(len) + 3)

/* What a pair became. */
typedef struct em_wordpiece_pair_size {
    size_t n;      /* ids written */
    size_t first;  /* of them, those of type 0: [CLS] first [SEP] */
    size_t tokens; /* before cutting, special ones counted; above n where it was cut */
} em_wordpiece_pair_size;

/* The ids of the pair with this second text.  ret_ids has room for max_tokens ids, or for
 * EM_WORDPIECE_PAIR_MOST if that is less.  EM_ERR_FORMAT when the text is not UTF-8;
 * nothing is written then. */
em_err em_wordpiece_pair_encode(const em_wordpiece_pair *pair, em_bytes utf8,
                                uint32_t *ret_ids, em_wordpiece_pair_size *ret_size);

#endif
