#include "engine/wordpiece.h"

#include "engine/wordpiece_added.h"
#include "engine/wordpiece_impl.h"
#include "engine/wordpiece_tables.h"
#include "engine/wordpiece_text.h"

/* One encoding: the word being read, and the ids so far.  The trie is walked while the
 * word is read, so that a word that is in the vocabulary costs nothing more at its end.
 */
typedef struct encoder {
    const em_wordpiece *t;
    uint32_t *ids; /* room for `room` of them, behind [CLS] */
    size_t room, n;
    uint64_t unit; /* where the whole word leads in the vocabulary */
    size_t chars, len;
    uint8_t word[EM_MAX_WORD_CHARS * 4];
} encoder;
EM_HOLDS_SECRET(encoder); /* a word of the user's */

static inline void emit(encoder *e, uint32_t id)
{
    if (e->n < e->room) e->ids[e->n] = id;
    e->n++;
}

/* The longest piece at every place, or unknown as a whole. */
static void emit_pieces(encoder *e)
{
    const em_wordpiece *t = e->t;
    size_t first = e->n;

    for (size_t at = 0; at < e->len;) {
        uint64_t unit = at == 0 ? t->words[0] : t->continuing;
        uint32_t id = EM_WORDPIECE_NO_VALUE;
        size_t end = at;

        for (size_t i = at; i < e->len; i++) {
            unit = em_wordpiece_child(t->words, unit, e->word[i]);
            if (em_wordpiece_dead(unit)) break;
            if (em_wordpiece_value(unit) == EM_WORDPIECE_NO_VALUE) continue;
            id = em_wordpiece_value(unit);
            end = i + 1;
        }
        if (id == EM_WORDPIECE_NO_VALUE) {
            e->n = first;
            emit(e, t->unk);
            return;
        }
        emit(e, id);
        at = end;
    }
}

static inline void end_word(encoder *e)
{
    if (e->chars == 0) return;
    if (e->chars > e->t->word_chars)
        emit(e, e->t->unk);
    else if (em_wordpiece_value(e->unit) != EM_WORDPIECE_NO_VALUE)
        emit(e, em_wordpiece_value(e->unit));
    else
        emit_pieces(e);
    e->chars = e->len = 0;
    e->unit = e->t->words[0];
}

static inline void add_ascii(encoder *e, uint8_t c)
{
    if (e->chars++ >= e->t->word_chars) return;
    e->word[e->len++] = c;
    e->unit = em_wordpiece_child(e->t->words, e->unit, c);
}

static void add_char(encoder *e, uint32_t c)
{
    if (e->chars++ >= e->t->word_chars) return;
    size_t len = em_wordpiece_text_encode(c, e->word + e->len);
    for (size_t i = 0; i < len; i++)
        e->unit = em_wordpiece_child(e->t->words, e->unit, e->word[e->len + i]);
    e->len += len;
}

/* One code point of normalised text: BertPreTokenizer. */
static void put(encoder *e, uint32_t c)
{
    uint8_t flags = em_wordpiece_tables_of(c)->flags;

    if (flags & EM_WORDPIECE_TABLES_SPACE) {
        end_word(e);
    } else if (flags & EM_WORDPIECE_TABLES_PUNCT) {
        end_word(e);
        add_char(e, c);
        end_word(e);
    } else {
        add_char(e, c);
    }
}

/* The ASCII from `at` on, each byte as em_wordpiece.ascii says; gives where it ends. */
static const uint8_t *put_ascii(encoder *e, const uint8_t *at, const uint8_t *end)
{
    for (; at < end; at++) {
        uint8_t c = e->t->ascii[*at];

        if (c < 0x80) {
            add_ascii(e, c);
        } else if (c == EM_WORDPIECE_ASCII_SPACE) {
            end_word(e);
        } else if (c == EM_WORDPIECE_ASCII_PUNCT) {
            end_word(e);
            add_ascii(e, *at);
            end_word(e);
        } else if (c == EM_WORDPIECE_ASCII_OTHER) {
            break;
        }
    }
    return at;
}

static void put_text(encoder *e, em_bytes text)
{
    em_wordpiece_text walk = em_wordpiece_text_of(text, e->t->options);

    for (;;) {
        if (em_wordpiece_text_idle(&walk))
            walk.place.at = put_ascii(e, walk.place.at, walk.end);
        uint32_t c = em_wordpiece_text_next(&walk);
        if (c == EM_WORDPIECE_TEXT_END) break;
        put(e, c);
    }
    end_word(e);
}

/* Where a walk through normalised text stands, in code points. */
typedef struct position {
    size_t at;
    size_t from;             /* where the added token before ends, swallowed space too */
    size_t blank, blank_end; /* the white space that was swallowed last */
} position;

/* An added token at p->at.  White space that it swallows gives no ids anyway; but a token
 * that is white space itself is gone when the one before has swallowed all of it. */
static void put_added(encoder *e, const em_wordpiece_added_match *m, position *p)
{
    bool left = m->flags & EM_WORDPIECE_LSTRIP, right = m->flags & EM_WORDPIECE_RSTRIP;
    size_t start = left && p->from > p->at ? p->from : p->at, stop = p->at + m->chars;

    if (right && (stop < p->blank || stop > p->blank_end)) {
        p->blank = stop;
        p->blank_end = stop + em_wordpiece_added_blank(&m->after);
    }
    p->at = stop;
    p->from = right ? p->blank_end : stop;
    end_word(e);
    if (start < p->from) emit(e, m->id);
}

/* Text that may hold added tokens in normalised form. */
static void put_text_with_added(encoder *e, em_bytes text)
{
    em_wordpiece_text walk = em_wordpiece_text_of(text, e->t->options);
    bool apart = true; /* no word character stands before */
    size_t skip = 0;   /* where a match that was discarded ends */
    position p = {0};

    for (;;) {
        em_wordpiece_added_match m = {0};

        if (p.at >= skip && em_wordpiece_added_normalized(e->t, &walk, &m)) {
            if (!(m.flags & EM_WORDPIECE_SINGLE_WORD) || (apart && m.apart_after)) {
                put_added(e, &m, &p);
                walk = m.after;
                apart = m.apart_inside;
                continue;
            }
            skip = p.at + m.chars;
        }
        uint32_t c = em_wordpiece_text_next(&walk);
        if (c == EM_WORDPIECE_TEXT_END) break;
        p.at++;
        put(e, c);
        apart = !em_wordpiece_added_is_word(c);
    }
    end_word(e);
}

static void put_rest(encoder *e, em_bytes text)
{
    if (text.len == 0) return;
    if (e->t->has_normalized)
        put_text_with_added(e, text);
    else
        put_text(e, text);
}

/* Long runs of ASCII are looked at eight bytes at a time. */
static bool is_utf8(em_bytes text)
{
    for (size_t at = 0; at < text.len;) {
        uint64_t eight;
        if (text.len - at >= 8) {
            memcpy(&eight, text.at + at, 8);
            if ((eight & 0x8080808080808080u) == 0) {
                at += 8;
                continue;
            }
        }
        size_t end = at;
        while (end < text.len && text.at[end] < 0x80) end++;
        at = end;
        while (end < text.len && text.at[end] >= 0x80) end++;
        if (!em_is_utf8(em_view(text.at + at, end - at))) return false;
        at = end;
    }
    return true;
}

em_err em_wordpiece_encode(const em_wordpiece *t, em_bytes utf8, size_t max_tokens,
                           uint32_t *ret_ids, size_t *ret_n, size_t *ret_tokens)
{
    if (max_tokens < 2) return EM_ERR_ARGUMENT;
    if (!is_utf8(utf8)) return EM_ERR_FORMAT;

    EM_DROP(encoder) e;
    e.t = t;
    e.ids = ret_ids + 1;
    e.room = max_tokens - 2;
    e.n = e.chars = e.len = 0;
    e.unit = t->words[0];
    em_wordpiece_added_cut cut = {.t = t, .text = utf8};
    em_bytes before;
    uint32_t id;
    while (em_wordpiece_added_next(&cut, &before, &id)) {
        put_rest(&e, before);
        emit(&e, id);
    }
    put_rest(&e, before);

    size_t kept = e.n < e.room ? e.n : e.room;
    ret_ids[0] = t->cls;
    ret_ids[kept + 1] = t->sep;
    *ret_n = kept + 2;
    *ret_tokens = e.n + 2;
    return EM_OK;
}
