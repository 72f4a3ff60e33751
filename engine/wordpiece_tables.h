/* wordpiece_tables.h - what the tokenizer does to each code point; made by mk/tables.py from the Python package tokenizers 0.23.3.
 *
 * Trust:  constants; a code point is checked (at most U+10FFFF) by whoever looks it up.
 * Memory: 104 KiB of constants.
 */
#ifndef EM_ENGINE_WORDPIECE_TABLES_H
#define EM_ENGINE_WORDPIECE_TABLES_H

#include "base/em.h"

#define EM_WORDPIECE_TABLES_PACKAGE "tokenizers 0.23.3"

enum {
    EM_WORDPIECE_TABLES_BITS = 7, /* of a code point within its block */
    EM_WORDPIECE_TABLES_DROP = 1,    /* clean_text drops it */
    EM_WORDPIECE_TABLES_BLANK = 2,   /* clean_text makes it a space */
    EM_WORDPIECE_TABLES_SPACE = 4,   /* white space: words end here */
    EM_WORDPIECE_TABLES_PUNCT = 8,   /* punctuation: a word of its own */
    EM_WORDPIECE_TABLES_CHINESE = 16, /* gets spaces on both sides */
    EM_WORDPIECE_TABLES_MARK = 32,   /* category Mn: strip_accents drops it after NFD */
    EM_WORDPIECE_TABLES_WORD = 64,   /* a word character beside an added token */
};

typedef struct em_wordpiece_tables_record {
    int32_t lower;         /* lower_n 1: add it; else where the lower case is in pieces */
    uint16_t decompose_at; /* in pieces */
    uint8_t flags;
    uint8_t decompose_n; /* full canonical decomposition; 0: none, or a Hangul syllable */
    uint8_t rank;        /* of its combining class; 0 for a starter */
    uint8_t lower_n;     /* code points of its lower case */
} em_wordpiece_tables_record;

extern const uint8_t em_wordpiece_tables_block[8704];
extern const uint16_t em_wordpiece_tables_index[235 << EM_WORDPIECE_TABLES_BITS];
extern const em_wordpiece_tables_record em_wordpiece_tables_records[2089];
extern const uint32_t em_wordpiece_tables_pieces[3268];

/* `c` is at most 0x10FFFF. */
static inline const em_wordpiece_tables_record *em_wordpiece_tables_of(uint32_t c)
{
    size_t block = em_wordpiece_tables_block[c >> EM_WORDPIECE_TABLES_BITS];
    size_t at = block << EM_WORDPIECE_TABLES_BITS | (c & ((1u << EM_WORDPIECE_TABLES_BITS) - 1));

    return &em_wordpiece_tables_records[em_wordpiece_tables_index[at]];
}

#endif
