#include "engine/wordpiece_added.h"

#include "engine/wordpiece_impl.h"
#include "engine/wordpiece_tables.h"

bool em_wordpiece_added_is_word(uint32_t c)
{
    return em_wordpiece_tables_of(c)->flags & EM_WORDPIECE_TABLES_WORD;
}

static bool is_space(uint32_t c)
{
    return em_wordpiece_tables_of(c)->flags & EM_WORDPIECE_TABLES_SPACE;
}

bool em_wordpiece_added_normalized(const em_wordpiece *t, const em_wordpiece_text *here,
                                   em_wordpiece_added_match *ret_match)
{
    em_wordpiece_text walk = *here;
    uint64_t unit = t->added[t->normalized_root];
    size_t chars = 0, bytes = 0;
    bool found = false;

    while (bytes < EM_MAX_TOKEN_BYTES) {
        uint8_t utf8[4];
        uint32_t c = em_wordpiece_text_next(&walk);
        if (c == EM_WORDPIECE_TEXT_END) break;
        size_t len = em_wordpiece_text_encode(c, utf8);
        for (size_t i = 0; i < len; i++)
            unit = em_wordpiece_child(t->added, unit, utf8[i]);
        if (em_wordpiece_dead(unit)) break;
        bytes += len;
        chars++;
        if (em_wordpiece_value(unit) == EM_WORDPIECE_NO_VALUE) continue;

        const uint32_t *token = t->added_tokens + 2 * em_wordpiece_value(unit);
        em_wordpiece_text ahead = walk;
        uint32_t next = em_wordpiece_text_next(&ahead);
        *ret_match = (em_wordpiece_added_match){
            .after = walk,
            .chars = chars,
            .id = token[0],
            .flags = token[1],
            .apart_after =
                next == EM_WORDPIECE_TEXT_END || !em_wordpiece_added_is_word(next),
            .apart_inside = !em_wordpiece_added_is_word(c),
        };
        found = true;
    }
    return found;
}

size_t em_wordpiece_added_blank(const em_wordpiece_text *here)
{
    em_wordpiece_text walk = *here;
    size_t n = 0;

    for (;; n++) {
        uint32_t c = em_wordpiece_text_next(&walk);
        if (c == EM_WORDPIECE_TEXT_END || !is_space(c)) return n;
    }
}

/* The longest raw token that `rest` begins with, in bytes; 0 when there is none. */
static size_t match_raw(const em_wordpiece *t, em_bytes rest, uint32_t *ret_token)
{
    uint64_t unit = t->added[0];
    size_t best = 0;

    for (size_t i = 0; i < rest.len && i < EM_MAX_TOKEN_BYTES; i++) {
        unit = em_wordpiece_child(t->added, unit, rest.at[i]);
        if (em_wordpiece_dead(unit)) break;
        if (em_wordpiece_value(unit) == EM_WORDPIECE_NO_VALUE) continue;
        /* a hostile trie does not cut a character in two */
        if (i + 1 < rest.len && (rest.at[i + 1] & 0xC0) == 0x80) continue;
        best = i + 1;
        *ret_token = em_wordpiece_value(unit);
    }
    return best;
}

/* The code point that ends before `at`, which is not 0; gives where it begins. */
static size_t char_before(em_bytes text, size_t at, uint32_t *ret_c)
{
    size_t len;

    do at--;
    while (at > 0 && (text.at[at] & 0xC0) == 0x80);
    *ret_c = em_wordpiece_text_decode(text.at + at, &len);
    return at;
}

static bool stands_alone(em_bytes text, size_t start, size_t stop)
{
    uint32_t c;
    size_t len;

    if (start > 0) {
        (void)char_before(text, start, &c);
        if (em_wordpiece_added_is_word(c)) return false;
    }
    if (stop == text.len) return true;
    return !em_wordpiece_added_is_word(em_wordpiece_text_decode(text.at + stop, &len));
}

/* Where the white space before `at` begins, `from` at the earliest. */
static size_t strip_left(em_bytes text, size_t from, size_t at)
{
    while (at > from) {
        uint32_t c;
        size_t before = char_before(text, at, &c);
        if (!is_space(c)) break;
        at = before;
    }
    return at > from ? at : from;
}

/* Where the white space from `at` on ends; what was seen before is not walked again. */
static size_t strip_right(em_wordpiece_added_cut *cut, size_t at)
{
    if (at >= cut->blank && at <= cut->blank_end) return cut->blank_end;

    cut->blank = at;
    while (at < cut->text.len) {
        size_t len;
        if (!is_space(em_wordpiece_text_decode(cut->text.at + at, &len))) break;
        at += len;
    }
    cut->blank_end = at;
    return at;
}

/* The next match from cut->at on; moves cut->at behind it. */
static bool find(em_wordpiece_added_cut *cut, size_t *ret_start, uint32_t *ret_token)
{
    const em_wordpiece *t = cut->t;
    em_bytes text = cut->text;

    for (; cut->at < text.len; cut->at++) {
        uint8_t c = text.at[cut->at];
        if (!(t->raw_first[c / 8] >> c % 8 & 1)) continue;

        size_t len =
            match_raw(t, em_view(text.at + cut->at, text.len - cut->at), ret_token);
        if (len == 0) continue;
        *ret_start = cut->at;
        cut->at += len;
        return true;
    }
    return false;
}

bool em_wordpiece_added_next(em_wordpiece_added_cut *cut, em_bytes *ret_before,
                             uint32_t *ret_id)
{
    const em_wordpiece *t = cut->t;
    em_bytes text = cut->text;
    size_t start = 0;
    uint32_t token = 0;

    while (t->has_raw && find(cut, &start, &token)) {
        size_t stop = cut->at, from = cut->from;
        uint32_t flags = t->added_tokens[2 * token + 1];

        if ((flags & EM_WORDPIECE_SINGLE_WORD) && !stands_alone(text, start, stop))
            continue;
        if (flags & EM_WORDPIECE_LSTRIP) start = strip_left(text, from, start);
        if (flags & EM_WORDPIECE_RSTRIP) stop = strip_right(cut, stop);
        cut->from = stop;
        if (start >= stop) continue; /* white space that the one before has swallowed */
        *ret_before =
            start > from ? em_view(text.at + from, start - from) : (em_bytes){0};
        *ret_id = t->added_tokens[2 * token];
        return true;
    }
    *ret_before = cut->from < text.len
                      ? em_view(text.at + cut->from, text.len - cut->from)
                      : (em_bytes){0};
    return false;
}
