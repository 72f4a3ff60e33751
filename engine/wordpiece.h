/* wordpiece.h - text to token ids as BERT has it: the same ids as the Python package
 * `tokenizers` gives, on any Unicode text.
 *
 * The steps are the package's: added tokens ("[CLS]" in a text becomes its id) are cut
 * out of the raw text; the rest is normalised (BertNormalizer), cut once more at those
 * added tokens that match normalised text, split at white space and punctuation
 * (BertPreTokenizer), and each word is matched longest piece first (WordPiece).  The
 * order of steps and every table come from the package (mk/tables.py).
 *
 * The tokenizer section of a model image, little-endian, at a multiple of 64 bytes,
 * without pointers:
 *
 *     0  u8[8]  "em/wp/1\0"
 *     8  u32    options: em_wordpiece_option
 *    12  u32    most characters of a word, 1 .. EM_MAX_WORD_CHARS; longer ones are unk
 *    16  u32    ids of unk, cls, sep, pad, mask (pad, mask: EM_WORDPIECE_NONE if absent)
 *    36  u32    id limit: every id is below it; at most EM_MAX_VOCAB
 *    40  u32    W: units of the vocabulary's trie, a multiple of 256, at least 256
 *    44  u32    A: units of the added tokens' trie, likewise; 0 when T is 0
 *    48  u32    T: added tokens, at most EM_MAX_ADDED_TOKENS
 *    52  u32    root of the trie of added tokens that match normalised text, below A
 *    56  u32    bytes of the continuing prefix, at most 32
 *    60  u8[32] the continuing prefix ("##"), zeros behind it
 *    92  u8[36] zeros
 *   128  u64[W] vocabulary
 *        u64[A] added tokens: raw ones from unit 0, normalised ones from that root
 *        u32[2] T times: id, em_wordpiece_added
 *        zeros up to a multiple of 64
 *
 * Both tries are double arrays over bytes.  The child of unit u by byte c is unit
 * (base(u) ^ c) if that unit's label is c.  A unit: bits 0-31 base, 32-40 label (256: no
 * child of anything), 41-63 value (0x7FFFFF: none).  Base 0 means no children.  Values
 * are ids in the vocabulary, indices of added tokens in the other.
 *
 * Trust:  the section is a publisher's and may be hostile: em_wordpiece_open checks every
 *         number in it once, and whatever it accepts can be encoded with, with any text,
 *         without a further error.  What it cannot check is whether the trie holds the
 *         vocabulary that the model was trained with.  Texts are hostile.
 * Memory: nothing is allocated; em_wordpiece points into the section, which must outlive
 *         it.  Encoding needs about 3 KiB of stack and time linear in the text's length.
 */
#ifndef EM_ENGINE_WORDPIECE_H
#define EM_ENGINE_WORDPIECE_H

#include "base/em.h"
#include "base/limits.h"

#define EM_WORDPIECE_NONE 0xFFFFFFFFu

/* The normaliser's options. */
typedef enum em_wordpiece_option {
    EM_WORDPIECE_CLEAN_TEXT = 1,    /* drop control characters, white space to ' ' */
    EM_WORDPIECE_CHINESE_CHARS = 2, /* a space on both sides of an ideograph */
    EM_WORDPIECE_STRIP_ACCENTS = 4, /* NFD, then drop category Mn */
    EM_WORDPIECE_LOWERCASE = 8,
} em_wordpiece_option;

/* What an added token is like. */
typedef enum em_wordpiece_added {
    EM_WORDPIECE_SINGLE_WORD = 1, /* only where no word character touches it */
    EM_WORDPIECE_LSTRIP = 2,      /* swallows white space on its left */
    EM_WORDPIECE_RSTRIP = 4,      /* swallows white space on its right */
    EM_WORDPIECE_NORMALIZED = 8,  /* its normal form matches in normalised text */
} em_wordpiece_added;

/* An opened tokenizer.  Read-only after em_wordpiece_open: one serves many threads.
 * Callers read `id_limit` (the model's embedding table must have as many rows) and the
 * special ids; the rest is for encoding. */
typedef struct em_wordpiece {
    uint32_t unk, cls, sep, pad, mask, id_limit;
    uint32_t options;
    uint32_t word_chars;   /* longer words are unk */
    const uint64_t *words; /* vocabulary trie */
    const uint64_t *added; /* added tokens' trie; NULL when there are none */
    const uint32_t *added_tokens;
    uint64_t continuing; /* the unit behind the continuing prefix; 0 when none is */
    uint32_t normalized_root;
    bool has_raw, has_normalized;
    uint8_t ascii[256];    /* what becomes of a byte: EM_WORDPIECE_* of wordpiece.c */
    uint8_t raw_first[32]; /* bit set of the first bytes of raw added tokens */
} em_wordpiece;

/* Checks the whole section and gives the tokenizer in it.  EM_ERR_MODEL_MALFORMED when
 * anything is out of its range, or bytes are missing or left over; EM_ERR_ARGUMENT when
 * section.at is not aligned to 64 bytes. */
em_err em_wordpiece_open(em_bytes section, em_wordpiece *ret_tokenizer);

/* No text of `len` bytes has more tokens than this, [CLS] and [SEP] included. */
#define EM_WORDPIECE_MOST(len) ((size_t)(len) + 2)

/* The ids of `utf8`: [CLS], tokens, [SEP]; what is over max_tokens is cut from the end of
 * the tokens, as sentence-transformers does.  ret_ids has room for max_tokens ids (or for
 * EM_WORDPIECE_MOST(utf8.len) if that is less); *ret_n ids are written; *ret_tokens is
 * the count before cutting, [CLS] and [SEP] included.  EM_ERR_FORMAT when the text is not
 * UTF-8, EM_ERR_ARGUMENT when max_tokens is below 2; nothing is written then. */
em_err em_wordpiece_encode(const em_wordpiece *tokenizer, em_bytes utf8,
                           size_t max_tokens, uint32_t *ret_ids, size_t *ret_n,
                           size_t *ret_tokens);

#endif
