/* wordpiece_impl.h - the words of the tokenizer section, for those that read or write it.
 *
 * Trust:  em_wordpiece_open has checked that every base lies in its trie.
 * Memory: none.
 */
#ifndef EM_ENGINE_WORDPIECE_IMPL_H
#define EM_ENGINE_WORDPIECE_IMPL_H

#include "engine/wordpiece.h"

#define EM_WORDPIECE_MAGIC "em/wp/1" /* with its NUL, eight bytes */

enum {
    EM_WORDPIECE_HEAD = 128,
    EM_WORDPIECE_PREFIX = 32,   /* bytes at most */
    EM_WORDPIECE_BLOCK = 256,   /* units are counted in blocks */
    EM_WORDPIECE_NO_CHILD = 256 /* the label of a unit that is nobody's child */
};
#define EM_WORDPIECE_NO_VALUE 0x7FFFFFu
#define EM_WORDPIECE_DEAD_END ((uint64_t)EM_WORDPIECE_NO_VALUE << 41)

/* What em_wordpiece.ascii says of a byte, beside the character it becomes. */
enum {
    EM_WORDPIECE_ASCII_SPACE = 0x80,
    EM_WORDPIECE_ASCII_PUNCT = 0x81,
    EM_WORDPIECE_ASCII_DROP = 0x82,
    EM_WORDPIECE_ASCII_OTHER = 0x83, /* not ASCII */
};

static inline uint32_t em_wordpiece_base(uint64_t unit)
{
    return (uint32_t)unit;
}

static inline uint32_t em_wordpiece_label(uint64_t unit)
{
    return (uint32_t)(unit >> 32) & 0x1FF;
}

static inline uint32_t em_wordpiece_value(uint64_t unit)
{
    return (uint32_t)(unit >> 41);
}

static inline uint64_t em_wordpiece_unit(uint32_t base, uint32_t label, uint32_t value)
{
    return (uint64_t)value << 41 | (uint64_t)label << 32 | base;
}

/* The child of `unit` by byte c, or the dead end, whose children are dead ends. */
static inline uint64_t em_wordpiece_child(const uint64_t *trie, uint64_t unit, uint8_t c)
{
    uint64_t child = trie[em_wordpiece_base(unit) ^ c];

    return em_wordpiece_label(child) == c ? child : EM_WORDPIECE_DEAD_END;
}

/* Has it neither a value nor children? */
static inline bool em_wordpiece_dead(uint64_t unit)
{
    return unit == EM_WORDPIECE_DEAD_END;
}

#endif
