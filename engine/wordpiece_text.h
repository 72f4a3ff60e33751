/* wordpiece_text.h - a text as BertNormalizer leaves it, one code point at a time.
 *
 * Text is never stored: the normaliser is a walker that can be copied and walked twice.
 * Runs of combining marks that NFD sorts are walked once for every class that survives in
 * them, so time stays linear and memory fixed.
 *
 * Trust:  the text must be UTF-8 (em_is_utf8); nothing else is believed of it.
 * Memory: the walker points into the text and owns nothing.
 */
#ifndef EM_ENGINE_WORDPIECE_TEXT_H
#define EM_ENGINE_WORDPIECE_TEXT_H

#include "base/em.h"

/* Where a walk stands: behind a code point, or within what that one became. */
typedef struct em_wordpiece_text_place {
    const uint8_t *at;
    uint32_t queue[4];
    uint8_t next, n;
} em_wordpiece_text_place;

typedef struct em_wordpiece_text {
    em_wordpiece_text_place place;
    const uint8_t *end;
    uint32_t options;      /* em_wordpiece_option */
    const uint32_t *lower; /* what is left of a lower case of several code points */
    uint8_t lower_n;
    bool in_run; /* within a run of marks that is being sorted */
    uint8_t rank, next_rank;
    em_wordpiece_text_place run; /* where it begins */
} em_wordpiece_text;

#define EM_WORDPIECE_TEXT_END 0xFFFFFFFFu

em_wordpiece_text em_wordpiece_text_of(em_bytes utf8, uint32_t options);

/* The next code point of the normalised text, or EM_WORDPIECE_TEXT_END. */
uint32_t em_wordpiece_text_next(em_wordpiece_text *text);

/* Nothing is pending: place.at is the next byte of the raw text, and may be moved past
 * ASCII. */
static inline bool em_wordpiece_text_idle(const em_wordpiece_text *text)
{
    return text->place.next == text->place.n && text->lower_n == 0 && !text->in_run;
}

/* The code point that begins at utf8.at[i], and its length; utf8 is UTF-8. */
uint32_t em_wordpiece_text_decode(const uint8_t *at, size_t *ret_len);

/* `c` as UTF-8; gives its length. */
size_t em_wordpiece_text_encode(uint32_t c, uint8_t ret_utf8[4]);

#endif
