#include "engine/wordpiece_text.h"

#include "engine/wordpiece.h"
#include "engine/wordpiece_tables.h"

enum { HANGUL = 0xAC00, HANGUL_N = 11172 };

uint32_t em_wordpiece_text_decode(const uint8_t *at, size_t *ret_len)
{
    uint32_t lead = at[0];

    if (lead < 0x80) {
        *ret_len = 1;
        return lead;
    }
    if (lead < 0xE0) {
        *ret_len = 2;
        return (lead & 31) << 6 | (at[1] & 63u);
    }
    if (lead < 0xF0) {
        *ret_len = 3;
        return (lead & 15) << 12 | (at[1] & 63u) << 6 | (at[2] & 63u);
    }
    *ret_len = 4;
    return (lead & 7) << 18 | (at[1] & 63u) << 12 | (at[2] & 63u) << 6 | (at[3] & 63u);
}

size_t em_wordpiece_text_encode(uint32_t c, uint8_t ret_utf8[4])
{
    if (c < 0x80) {
        ret_utf8[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        ret_utf8[0] = (uint8_t)(0xC0 | c >> 6);
        ret_utf8[1] = (uint8_t)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        ret_utf8[0] = (uint8_t)(0xE0 | c >> 12);
        ret_utf8[1] = (uint8_t)(0x80 | (c >> 6 & 63));
        ret_utf8[2] = (uint8_t)(0x80 | (c & 63));
        return 3;
    }
    ret_utf8[0] = (uint8_t)(0xF0 | c >> 18);
    ret_utf8[1] = (uint8_t)(0x80 | (c >> 12 & 63));
    ret_utf8[2] = (uint8_t)(0x80 | (c >> 6 & 63));
    ret_utf8[3] = (uint8_t)(0x80 | (c & 63));
    return 4;
}

em_wordpiece_text em_wordpiece_text_of(em_bytes utf8, uint32_t options)
{
    return (em_wordpiece_text){
        .place.at = utf8.at,
        .end = utf8.len > 0 ? utf8.at + utf8.len : utf8.at,
        .options = options,
    };
}

static void enqueue(em_wordpiece_text_place *p, uint32_t c)
{
    p->queue[p->n++] = c;
}

/* Unicode 15, section 3.12: what a Hangul syllable is made of. */
static void enqueue_jamo(em_wordpiece_text_place *p, uint32_t syllable)
{
    uint32_t i = syllable - HANGUL;

    enqueue(p, 0x1100 + i / 588);
    enqueue(p, 0x1161 + i % 588 / 28);
    if (i % 28 != 0) enqueue(p, 0x11A7 + i % 28);
}

/* Fills the queue with what the next code point becomes before sorting and lower-casing;
 * false at the end of the text. */
static bool refill(const em_wordpiece_text *t, em_wordpiece_text_place *p)
{
    p->next = p->n = 0;
    while (p->at < t->end) {
        size_t len;
        uint32_t c = em_wordpiece_text_decode(p->at, &len);
        const em_wordpiece_tables_record *r = em_wordpiece_tables_of(c);

        p->at += len;
        if (t->options & EM_WORDPIECE_CLEAN_TEXT) {
            if (r->flags & EM_WORDPIECE_TABLES_DROP) continue;
            if (r->flags & EM_WORDPIECE_TABLES_BLANK) {
                enqueue(p, ' ');
                return true;
            }
        }
        bool apart = (r->flags & EM_WORDPIECE_TABLES_CHINESE) &&
                     (t->options & EM_WORDPIECE_CHINESE_CHARS);
        if (apart) enqueue(p, ' ');
        if (!(t->options & EM_WORDPIECE_STRIP_ACCENTS)) {
            enqueue(p, c);
        } else if (c - HANGUL < HANGUL_N) {
            enqueue_jamo(p, c);
        } else if (r->decompose_n == 0) {
            enqueue(p, c);
        } else { /* one code point where it stands apart: mk/tables.py */
            for (size_t i = 0; i < r->decompose_n; i++)
                enqueue(p, em_wordpiece_tables_pieces[r->decompose_at + i]);
        }
        if (apart) enqueue(p, ' ');
        return true;
    }
    return false;
}

static uint32_t next_piece(const em_wordpiece_text *t, em_wordpiece_text_place *p)
{
    if (p->next == p->n && !refill(t, p)) return EM_WORDPIECE_TEXT_END;
    return p->queue[p->next++];
}

/* Sorts by walking: within a run of code points that are no starters, each pass gives
 * those of one class in their order, and finds the next class.  Marks that are dropped
 * take no part, so a run has as many passes as classes that survive, and one. */
static uint32_t next_sorted(em_wordpiece_text *t)
{
    for (;;) {
        em_wordpiece_text_place before = t->place;
        uint32_t c = next_piece(t, &t->place);
        bool ended = c == EM_WORDPIECE_TEXT_END;
        const em_wordpiece_tables_record *r = em_wordpiece_tables_of(ended ? 0 : c);
        bool dropped = r->flags & EM_WORDPIECE_TABLES_MARK;

        if (!t->in_run) {
            if (ended) return c;
            if (dropped) continue;
            if (r->rank == 0) return c;
            t->run = t->place = before;
            t->in_run = true;
            t->rank = t->next_rank = 0;
        } else if (r->rank == 0) { /* the run ends before this one; so does the pass */
            t->place = t->next_rank == 0 ? before : t->run;
            t->in_run = t->next_rank != 0;
            t->rank = t->next_rank;
            t->next_rank = 0;
        } else if (!dropped) {
            if (r->rank == t->rank) return c;
            if (r->rank > t->rank && (t->next_rank == 0 || r->rank < t->next_rank))
                t->next_rank = r->rank;
        }
    }
}

uint32_t em_wordpiece_text_next(em_wordpiece_text *t)
{
    if (t->lower_n > 0) {
        t->lower_n--;
        return *t->lower++;
    }
    uint32_t c = t->options & EM_WORDPIECE_STRIP_ACCENTS ? next_sorted(t)
                                                         : next_piece(t, &t->place);
    if (c == EM_WORDPIECE_TEXT_END || !(t->options & EM_WORDPIECE_LOWERCASE)) return c;

    const em_wordpiece_tables_record *r = em_wordpiece_tables_of(c);
    if (r->lower_n == 1) return c + (uint32_t)r->lower;
    t->lower = em_wordpiece_tables_pieces + r->lower + 1;
    t->lower_n = (uint8_t)(r->lower_n - 1);
    return em_wordpiece_tables_pieces[r->lower];
}
