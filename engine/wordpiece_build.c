#include "engine/wordpiece_build.h"

#include "base/arena.h"
#include "base/write.h"
#include "engine/wordpiece_impl.h"
#include "engine/wordpiece_text.h"
#include "engine/wordpiece_trie.h"

/* What the input's numbers come to. */
typedef struct sums {
    size_t word_bytes, added_bytes;     /* of texts; normalised ones at their longest */
    size_t word_units, added_units;     /* at most */
    size_t word_scratch, added_scratch; /* of the tries */
} sums;

static bool is_normalized(const em_wordpiece_build_added *a)
{
    return a->flags & EM_WORDPIECE_NORMALIZED;
}

static em_err add_up(const em_wordpiece_build_input *in, sums *ret_sums)
{
    sums s = {0};

    if (in->words_n > EM_MAX_VOCAB || in->added_n > EM_MAX_ADDED_TOKENS ||
        in->prefix.len > EM_WORDPIECE_PREFIX || in->word_chars > EM_MAX_WORD_CHARS)
        return EM_ERR_LIMIT;
    for (size_t i = 0; i < in->words_n; i++) {
        if (in->words[i].text.len > EM_MAX_TOKEN_BYTES) return EM_ERR_LIMIT;
        s.word_bytes += in->words[i].text.len;
    }
    for (size_t i = 0; i < in->added_n; i++) {
        size_t len = in->added[i].text.len;
        if (len > EM_MAX_TOKEN_BYTES) return EM_ERR_LIMIT;
        /* no more characters come out of the normaliser than bytes go in */
        s.added_bytes += is_normalized(&in->added[i]) ? 4 * len : len;
    }
    EM_TRY(em_wordpiece_trie_plan(s.word_bytes, &s.word_units, &s.word_scratch));
    if (in->added_n > 0)
        EM_TRY(em_wordpiece_trie_plan(s.added_bytes, &s.added_units, &s.added_scratch));
    *ret_sums = s;
    return EM_OK;
}

static size_t section_len(size_t word_units, size_t added_units, size_t added_n)
{
    size_t len = EM_WORDPIECE_HEAD + (word_units + added_units + added_n) * 8;
    return (len + 63) / 64 * 64;
}

em_err em_wordpiece_build_plan(const em_wordpiece_build_input *in,
                               size_t *ret_section_cap, size_t *ret_scratch_len)
{
    sums s;

    EM_TRY(add_up(in, &s));
    *ret_section_cap = section_len(s.word_units, s.added_units, in->added_n);
    *ret_scratch_len = s.word_scratch + s.added_scratch + s.added_bytes +
                       (in->words_n + in->added_n) * sizeof(em_wordpiece_trie_key) +
                       3 * 64; /* the arena's padding */
    return EM_OK;
}

static em_err check(const em_wordpiece_build_input *in, uint32_t *ret_id_limit)
{
    uint32_t special[] = {in->unk, in->cls, in->sep, in->pad, in->mask};
    uint32_t most = 0;

    for (size_t i = 0; i < in->words_n; i++) {
        const em_wordpiece_build_word *w = &in->words[i];
        if (w->id >= EM_MAX_VOCAB || !em_is_utf8(w->text)) return EM_ERR_MODEL_MALFORMED;
        if (w->id > most) most = w->id;
    }
    for (size_t i = 0; i < in->added_n; i++) {
        const em_wordpiece_build_added *a = &in->added[i];
        if (a->id >= EM_MAX_VOCAB || a->flags > 15 || !em_is_utf8(a->text))
            return EM_ERR_MODEL_MALFORMED;
        if (a->id > most) most = a->id;
    }
    for (size_t i = 0; i < EM_COUNT(special); i++) {
        bool may_lack = i >= 3; /* pad, mask */
        if (may_lack && special[i] == EM_WORDPIECE_NONE) continue;
        if (special[i] >= EM_MAX_VOCAB) return EM_ERR_MODEL_MALFORMED;
        if (special[i] > most) most = special[i];
    }
    if (in->options > 15 || in->word_chars == 0 || !em_is_utf8(in->prefix))
        return EM_ERR_MODEL_MALFORMED;
    *ret_id_limit = most + 1;
    return EM_OK;
}

static em_err build_words(const em_wordpiece_build_input *in, const sums *s,
                          em_arena *scratch, uint64_t *units, size_t cap,
                          em_wordpiece_trie *ret_trie)
{
    void *at;

    EM_TRY(em_arena_take(scratch, in->words_n, sizeof(em_wordpiece_trie_key), &at));
    em_wordpiece_trie_key *keys = at;
    size_t n = 0;
    for (size_t i = 0; i < in->words_n; i++)
        if (in->words[i].text.len > 0) /* an empty one matches nothing */
            keys[n++] = (em_wordpiece_trie_key){in->words[i].text, in->words[i].id};
    EM_TRY(em_wordpiece_trie_init(ret_trie, scratch, s->word_bytes, units, cap));
    return em_wordpiece_trie_put(ret_trie, 0, keys, n);
}

/* `text` as the normaliser leaves it. */
static em_err normal_form(em_bytes text, uint32_t options, uint8_t *to,
                          em_bytes *ret_text)
{
    em_wordpiece_text walk = em_wordpiece_text_of(text, options);
    size_t len = 0;

    for (uint32_t c; (c = em_wordpiece_text_next(&walk)) != EM_WORDPIECE_TEXT_END;)
        len += em_wordpiece_text_encode(c, to + len);
    if (len > EM_MAX_TOKEN_BYTES) return EM_ERR_LIMIT;
    *ret_text = em_view(to, len);
    return EM_OK;
}

/* Raw tokens under root 0, normalised ones under root 1; values are indices. */
static em_err build_added(const em_wordpiece_build_input *in, const sums *s,
                          em_arena *scratch, uint64_t *units, size_t cap,
                          em_wordpiece_trie *ret_trie, uint32_t *ret_normalized_root)
{
    void *at, *texts;
    size_t raw_n = 0, normalized_n = 0, used = 0;

    EM_TRY(em_arena_take(scratch, in->added_n, sizeof(em_wordpiece_trie_key), &at));
    EM_TRY(em_arena_take(scratch, 1, s->added_bytes, &texts));
    em_wordpiece_trie_key *keys = at;
    for (uint32_t i = 0; i < in->added_n; i++) {
        em_bytes text = in->added[i].text;
        if (!is_normalized(&in->added[i])) {
            keys[raw_n++] = (em_wordpiece_trie_key){text, i};
            continue;
        }
        EM_TRY(normal_form(text, in->options, (uint8_t *)texts + used, &text));
        used += text.len;
        normalized_n++;
        keys[in->added_n - normalized_n] = (em_wordpiece_trie_key){text, i};
    }
    EM_TRY(em_wordpiece_trie_init(ret_trie, scratch, s->added_bytes, units, cap));
    EM_TRY(em_wordpiece_trie_put(ret_trie, 0, keys, raw_n));
    EM_TRY(em_wordpiece_trie_put(ret_trie, 1, keys + raw_n, normalized_n));
    *ret_normalized_root = normalized_n > 0 ? 1 : 0;
    return EM_OK;
}

static em_err write_head(const em_wordpiece_build_input *in, uint32_t id_limit,
                         size_t word_units, size_t added_units, uint32_t normalized_root,
                         uint8_t *to)
{
    uint32_t special[] = {in->unk, in->cls, in->sep, in->pad, in->mask};
    em_out o = em_out_over(to, EM_WORDPIECE_HEAD);

    em_write_bytes(&o, EM_BYTES(EM_WORDPIECE_MAGIC));
    em_write_le32(&o, in->options);
    em_write_le32(&o, in->word_chars);
    for (size_t i = 0; i < EM_COUNT(special); i++) em_write_le32(&o, special[i]);
    em_write_le32(&o, id_limit);
    em_write_le32(&o, (uint32_t)word_units);
    em_write_le32(&o, (uint32_t)added_units);
    em_write_le32(&o, (uint32_t)in->added_n);
    em_write_le32(&o, normalized_root);
    em_write_le32(&o, (uint32_t)in->prefix.len);
    em_write_bytes(&o, in->prefix);
    em_write_zeros(&o, EM_WORDPIECE_HEAD - o.len);
    return em_write_end(&o);
}

em_err em_wordpiece_build(const em_wordpiece_build_input *in, void *scratch,
                          size_t scratch_len, void *section, size_t section_cap,
                          size_t *ret_section_len)
{
    sums s;
    uint32_t id_limit, normalized_root = 0;
    em_arena arena;
    em_wordpiece_trie words, added = {0};

    EM_TRY(add_up(in, &s));
    EM_TRY(check(in, &id_limit));
    if (section_cap < EM_WORDPIECE_HEAD) return EM_ERR_FULL;

    em_arena_init(&arena, scratch, scratch_len);
    uint64_t *units = section;
    units += EM_WORDPIECE_HEAD / 8;
    size_t cap = (section_cap - EM_WORDPIECE_HEAD) / 8;
    EM_TRY(build_words(in, &s, &arena, units, cap, &words));
    units += em_wordpiece_trie_units(&words);
    cap -= em_wordpiece_trie_units(&words);
    if (in->added_n > 0) {
        EM_TRY(build_added(in, &s, &arena, units, cap, &added, &normalized_root));
        units += em_wordpiece_trie_units(&added);
        cap -= em_wordpiece_trie_units(&added);
    }

    size_t len = section_len(em_wordpiece_trie_units(&words),
                             em_wordpiece_trie_units(&added), in->added_n);
    uint8_t *to = section;
    if (len > section_cap) return EM_ERR_FULL;
    size_t before = (size_t)((uint8_t *)units - to);
    em_out tail = em_out_over(to + before, len - before);
    for (size_t i = 0; i < in->added_n; i++) {
        em_write_le32(&tail, in->added[i].id);
        em_write_le32(&tail, in->added[i].flags);
    }
    em_write_zeros(&tail, tail.cap - tail.len);
    EM_TRY(em_write_end(&tail));
    EM_TRY(write_head(in, id_limit, em_wordpiece_trie_units(&words),
                      em_wordpiece_trie_units(&added), normalized_root, to));
    *ret_section_len = len;
    return EM_OK;
}
