/* wordpiece_added.h - finds added tokens ("[CLS]", "<user>") in a text, as
 * AddedVocabulary does: leftmost, longest, the next search from where the match ends.
 *
 * Trust:  the text is UTF-8, and hostile otherwise.  Texts of tokens have
 *         EM_MAX_TOKEN_BYTES at most, so that is how far is looked ahead.
 * Memory: views and walkers into the text.
 */
#ifndef EM_ENGINE_WORDPIECE_ADDED_H
#define EM_ENGINE_WORDPIECE_ADDED_H

#include "engine/wordpiece.h"
#include "engine/wordpiece_text.h"

/* Cuts a raw text at raw added tokens.  Begin with {.t, .text}. */
typedef struct em_wordpiece_added_cut {
    const em_wordpiece *t;
    em_bytes text;
    size_t from, at;         /* what is before `from` has been given; search from `at` */
    size_t blank, blank_end; /* the white space that a token swallowed last */
} em_wordpiece_added_cut;

/* True: a token, and the text between it and the one before.  False: no token any more;
 * *ret_before is the rest. */
bool em_wordpiece_added_next(em_wordpiece_added_cut *cut, em_bytes *ret_before,
                             uint32_t *ret_id);

/* An added token in normalised text. */
typedef struct em_wordpiece_added_match {
    em_wordpiece_text after; /* the walk behind it */
    size_t chars;            /* code points of the normalised text */
    uint32_t id, flags;      /* em_wordpiece_added */
    bool apart_after;        /* no word character follows */
    bool apart_inside;       /* its last one is none */
} em_wordpiece_added_match;

/* Does the normalised text begin with an added token here?  The longest one. */
bool em_wordpiece_added_normalized(const em_wordpiece *t, const em_wordpiece_text *here,
                                   em_wordpiece_added_match *ret_match);

/* How many code points of white space follow. */
size_t em_wordpiece_added_blank(const em_wordpiece_text *here);

/* A letter, digit or the like, as the package's regular expressions see it. */
bool em_wordpiece_added_is_word(uint32_t c);

#endif
