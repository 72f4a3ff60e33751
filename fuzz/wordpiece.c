/* covers: engine/wordpiece.c
 *
 * A hostile text over a fixed vocabulary.
 * Input: u8 options and whether there are added tokens, u8 most tokens, text. */
#include "engine/wordpiece_build.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *words[] = {
    "[UNK]",    "[CLS]",      "[SEP]",        "a",          "b",        "ab", "##a",
    "##b",      "##ab",       "abab",         "un",         "##able",   "e",  "\u00E9",
    "##\u0301", "\u4E2D",     "\u1112",       "##\u1161",   ".",        "#",  "\u03C3",
    "##\u03C3", "\U0001D165", "##\U0001D16D", "\U0001F600", "##\u200D", "i",  "##\u0307",
};

static const em_wordpiece_build_added added[] = {
    {EM_STR("[CLS]"), 1, 0},
    {EM_STR("<x>"), 30, EM_WORDPIECE_LSTRIP | EM_WORDPIECE_RSTRIP},
    {EM_STR(" "), 31, EM_WORDPIECE_LSTRIP | EM_WORDPIECE_RSTRIP},
    {EM_STR("aba"), 32, EM_WORDPIECE_SINGLE_WORD},
    {EM_STR("AB\u00C9"), 33, EM_WORDPIECE_NORMALIZED | EM_WORDPIECE_SINGLE_WORD},
    {EM_STR("bb "), 34, EM_WORDPIECE_NORMALIZED | EM_WORDPIECE_LSTRIP},
    {EM_STR("\u4E2Da"), 35, EM_WORDPIECE_NORMALIZED | EM_WORDPIECE_RSTRIP},
};

static void make(uint32_t kind, em_wordpiece *ret_tokenizer)
{
    static _Alignas(64) uint8_t scratch[1 << 16], section[32][1 << 15];
    em_wordpiece_build_word word[EM_COUNT(words)];
    size_t len;

    for (uint32_t i = 0; i < EM_COUNT(words); i++)
        word[i] = (em_wordpiece_build_word){em_view(words[i], strlen(words[i])), i};
    em_wordpiece_build_input in = {.words = word,
                                   .words_n = EM_COUNT(words),
                                   .added = added,
                                   .added_n = kind & 16 ? EM_COUNT(added) : 1,
                                   .options = kind & 15,
                                   .prefix = EM_STR("##"),
                                   .word_chars = 20,
                                   .cls = 1,
                                   .sep = 2,
                                   .pad = EM_WORDPIECE_NONE,
                                   .mask = EM_WORDPIECE_NONE};
    if (em_wordpiece_build(&in, scratch, sizeof scratch, section[kind], sizeof section[0],
                           &len) != EM_OK ||
        em_wordpiece_open(em_view(section[kind], len), ret_tokenizer) != EM_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static em_wordpiece tokenizer[32];
    static uint32_t all[1 << 16];
    uint32_t some[256];
    size_t n, some_n, tokens, some_tokens;

    if (size < 2 || size > 1 << 15) return 0;
    uint32_t kind = data[0] % 32;
    size_t most = data[1];
    em_bytes text = em_view(data + 2, size - 2);
    em_wordpiece *t = &tokenizer[kind];
    if (t->words == NULL) make(kind, t);

    em_err err = em_wordpiece_encode(t, text, EM_COUNT(all), all, &n, &tokens);
    if ((err == EM_OK) != em_is_utf8(text)) abort();
    if (err != EM_OK) return 0;
    if (n != tokens || n > EM_WORDPIECE_MOST(text.len)) abort();
    for (size_t i = 0; i < n; i++)
        if (all[i] >= t->id_limit) abort();

    err = em_wordpiece_encode(t, text, most, some, &some_n, &some_tokens);
    if ((err == EM_OK) != (most >= 2)) abort();
    if (err != EM_OK) return 0;
    if (some_tokens != tokens || some_n != (most < n ? most : n)) abort();
    if (memcmp(some, all, (some_n - 1) * sizeof *some) != 0 || some[some_n - 1] != t->sep)
        abort();
    return 0;
}
