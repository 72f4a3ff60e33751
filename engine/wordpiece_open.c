#include "engine/wordpiece_impl.h"
#include "engine/wordpiece_tables.h"

#include "base/read.h"

typedef struct head {
    uint32_t options, word_chars, special[5], id_limit;
    uint32_t words_n, added_n, tokens_n, normalized_root;
    em_bytes prefix;
} head;

static bool special_fits(const head *h)
{
    for (size_t i = 0; i < 5; i++) {
        bool may_lack = i >= 3; /* pad, mask */
        if (h->special[i] >= h->id_limit &&
            !(may_lack && h->special[i] == EM_WORDPIECE_NONE))
            return false;
    }
    return true;
}

/* Whole blocks, and the count is one of them at least. */
static bool blocks(uint32_t units)
{
    return units >= EM_WORDPIECE_BLOCK && units % EM_WORDPIECE_BLOCK == 0;
}

static bool head_fits(const head *h)
{
    if (h->options > 15 || h->word_chars == 0 || h->word_chars > EM_MAX_WORD_CHARS)
        return false;
    if (h->id_limit > EM_MAX_VOCAB || !special_fits(h) || !blocks(h->words_n))
        return false;
    if (h->tokens_n == 0) return h->added_n == 0 && h->normalized_root == 0;
    return h->tokens_n <= EM_MAX_ADDED_TOKENS && blocks(h->added_n) &&
           h->normalized_root < h->added_n;
}

static em_err head_read(em_reader *r, head *ret_head)
{
    head h = {0};

    if (!em_same(em_read_bytes(r, 8), EM_BYTES(EM_WORDPIECE_MAGIC)))
        return EM_ERR_MODEL_MALFORMED;
    h.options = em_read_le32(r);
    h.word_chars = em_read_le32(r);
    for (size_t i = 0; i < 5; i++) h.special[i] = em_read_le32(r);
    h.id_limit = em_read_le32(r);
    h.words_n = em_read_le32(r);
    h.added_n = em_read_le32(r);
    h.tokens_n = em_read_le32(r);
    h.normalized_root = em_read_le32(r);

    uint32_t prefix_len = em_read_le32(r);
    em_bytes prefix = em_read_bytes(r, EM_WORDPIECE_PREFIX);
    em_bytes zeros = em_read_bytes(r, 36);
    if (em_read_ok(r) != EM_OK || prefix_len > prefix.len || !em_all_zero(zeros))
        return EM_ERR_MODEL_MALFORMED;
    h.prefix = em_view(prefix.at, prefix_len);
    if (!em_all_zero(em_view(prefix.at + prefix_len, prefix.len - prefix_len)) ||
        !head_fits(&h))
        return EM_ERR_MODEL_MALFORMED;
    *ret_head = h;
    return EM_OK;
}

/* Every child of every unit is a unit of the trie, base 0 has no children, and every
 * value is below `limit`. */
static bool trie_fits(const uint64_t *trie, uint32_t n, uint32_t limit)
{
    bool fits = true;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t value = em_wordpiece_value(trie[i]), label = em_wordpiece_label(trie[i]);
        fits &= em_wordpiece_base(trie[i]) < n;
        fits &= label <= EM_WORDPIECE_NO_CHILD;
        fits &= i >= EM_WORDPIECE_BLOCK || label != i;
        fits &= value < limit || value == EM_WORDPIECE_NO_VALUE;
    }
    return fits;
}

/* Fills the bit set of the bytes that some token in the trie begins with, but for bytes
 * that no character begins with; false when there is none. */
static bool first_bytes(const uint64_t *trie, uint32_t root, uint8_t ret_set[32])
{
    bool any = false;

    for (uint32_t c = 0; c < 256; c++) {
        if ((c & 0xC0) == 0x80) continue;
        if (em_wordpiece_dead(em_wordpiece_child(trie, trie[root], (uint8_t)c))) continue;
        ret_set[c / 8] = (uint8_t)(ret_set[c / 8] | 1u << c % 8);
        any = true;
    }
    return any;
}

/* What the normaliser and the pre-tokenizer make of each byte that is a whole character.
 */
static void fill_ascii(em_wordpiece *t)
{
    memset(t->ascii, EM_WORDPIECE_ASCII_OTHER, sizeof t->ascii);
    for (uint32_t c = 0; c < 128; c++) {
        const em_wordpiece_tables_record *r = em_wordpiece_tables_of(c);
        bool clean = t->options & EM_WORDPIECE_CLEAN_TEXT;
        bool lower = t->options & EM_WORDPIECE_LOWERCASE;

        t->ascii[c] = (uint8_t)(lower ? (int32_t)c + r->lower : (int32_t)c);
        if (r->flags & EM_WORDPIECE_TABLES_PUNCT) t->ascii[c] = EM_WORDPIECE_ASCII_PUNCT;
        if (r->flags & EM_WORDPIECE_TABLES_SPACE) t->ascii[c] = EM_WORDPIECE_ASCII_SPACE;
        if (clean && (r->flags & EM_WORDPIECE_TABLES_DROP))
            t->ascii[c] = EM_WORDPIECE_ASCII_DROP;
    }
}

em_err em_wordpiece_open(em_bytes section, em_wordpiece *ret_tokenizer)
{
    if ((uintptr_t)section.at % 64 != 0) return EM_ERR_ARGUMENT;

    em_reader r = {.left = section};
    head h;
    EM_TRY(head_read(&r, &h));
    em_bytes words = em_read_bytes(&r, (size_t)h.words_n * 8);
    em_bytes added = em_read_bytes(&r, (size_t)h.added_n * 8);
    em_bytes tokens = em_read_bytes(&r, (size_t)h.tokens_n * 8);
    if (em_read_ok(&r) != EM_OK || section.len % 64 != 0 || r.left.len >= 64 ||
        !em_all_zero(r.left))
        return EM_ERR_MODEL_MALFORMED;

    em_wordpiece t = {
        .unk = h.special[0],
        .cls = h.special[1],
        .sep = h.special[2],
        .pad = h.special[3],
        .mask = h.special[4],
        .id_limit = h.id_limit,
        .options = h.options,
        .word_chars = h.word_chars,
        .words = (const uint64_t *)(const void *)words.at,
        .normalized_root = h.normalized_root,
    };
    if (!trie_fits(t.words, h.words_n, h.id_limit)) return EM_ERR_MODEL_MALFORMED;
    t.continuing = t.words[0];
    for (size_t i = 0; i < h.prefix.len; i++)
        t.continuing = em_wordpiece_child(t.words, t.continuing, h.prefix.at[i]);

    if (h.tokens_n > 0) {
        uint8_t set[32] = {0};
        t.added = (const uint64_t *)(const void *)added.at;
        t.added_tokens = (const uint32_t *)(const void *)tokens.at;
        if (!trie_fits(t.added, h.added_n, h.tokens_n)) return EM_ERR_MODEL_MALFORMED;
        for (uint32_t i = 0; i < h.tokens_n; i++)
            if (t.added_tokens[2 * i] >= h.id_limit || t.added_tokens[2 * i + 1] > 15)
                return EM_ERR_MODEL_MALFORMED;
        t.has_raw = first_bytes(t.added, 0, t.raw_first);
        t.has_normalized =
            h.normalized_root != 0 && first_bytes(t.added, h.normalized_root, set);
    }
    fill_ascii(&t);
    *ret_tokenizer = t;
    return EM_OK;
}
