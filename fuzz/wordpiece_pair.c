/* covers: engine/wordpiece_pair.c
 *
 * Two hostile texts over a fixed vocabulary.
 * Input: u8 most tokens, u8 bytes of the first text, first text, second text. */
#include "engine/wordpiece_pair.h"
#include "engine/wordpiece_build.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *words[] = {"[UNK]", "[CLS]", "[SEP]", "a",      "b",  "ab",
                              "##a",   "##b",   "un",    "##able", ".",  "\u00E9",
                              "e",     "##e",   "#",     "\u4E2D", "##c"};

static void make(em_wordpiece *ret_tokenizer)
{
    static _Alignas(64) uint8_t scratch[1 << 16], section[1 << 15];
    em_wordpiece_build_word word[EM_COUNT(words)];
    size_t len;

    for (uint32_t i = 0; i < EM_COUNT(words); i++)
        word[i] = (em_wordpiece_build_word){em_view(words[i], strlen(words[i])), i};
    em_wordpiece_build_input in = {.words = word,
                                   .words_n = EM_COUNT(words),
                                   .options = 15,
                                   .prefix = EM_STR("##"),
                                   .word_chars = 20,
                                   .cls = 1,
                                   .sep = 2,
                                   .pad = EM_WORDPIECE_NONE,
                                   .mask = EM_WORDPIECE_NONE};
    if (em_wordpiece_build(&in, scratch, sizeof scratch, section, sizeof section, &len) !=
            EM_OK ||
        em_wordpiece_open(em_view(section, len), ret_tokenizer) != EM_OK)
        abort();
}

/* The longer one loses its last token, step by step: only where both are long do the
 * steps not say which of two equals keeps more. */
static void check_sizes(size_t one, size_t other, size_t room, size_t first,
                        size_t second)
{
    size_t whole = one + other < room ? one + other : room;

    if (first + second != whole || first > one || second > other) abort();
    if (first < one && second < other && first > second + 1) abort();
    if (first < one && second < other && second > first + 1) abort();
    if (first < one && second == other && second > first + 1) abort();
    if (first == one && second < other && first > second) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static em_wordpiece t;
    static uint32_t one[1 << 16], other[1 << 16];
    size_t one_n, other_n, tokens;

    if (size < 2 || size > 1 << 15 || data[1] > size - 2) return 0;
    if (t.words == NULL) make(&t);
    size_t most = data[0];
    em_bytes a = em_view(data + 2, data[1]);
    em_bytes b = em_view(data + 2 + data[1], size - 2 - data[1]);
    uint32_t *kept = malloc((most + 1) * sizeof *kept);
    uint32_t *ids = malloc((most + 1) * sizeof *ids); /* exact, for the sanitizer */
    em_wordpiece_pair pair;
    em_wordpiece_pair_size got;

    if (kept == NULL || ids == NULL) abort();
    em_err err = em_wordpiece_pair_first(&t, a, most, kept, &pair);
    if ((err == EM_OK) != (most >= 3 && em_is_utf8(a))) abort();
    if (err == EM_OK) {
        err = em_wordpiece_pair_encode(&pair, b, ids, &got);
        if ((err == EM_OK) != em_is_utf8(b)) abort();
    }
    if (err == EM_OK) {
        if (em_wordpiece_encode(&t, a, EM_COUNT(one), one, &one_n, &tokens) != EM_OK ||
            em_wordpiece_encode(&t, b, EM_COUNT(other), other, &other_n, &tokens) !=
                EM_OK)
            abort();
        size_t first = got.first - 2, second = got.n - got.first - 1;
        if (got.n > most || got.tokens != one_n + other_n - 1) abort();
        check_sizes(one_n - 2, other_n - 2, most - 3, first, second);
        if (memcmp(ids, one, (first + 1) * sizeof *ids) != 0 || ids[first + 1] != 2 ||
            memcmp(ids + got.first, other + 1, second * sizeof *ids) != 0 ||
            ids[got.n - 1] != 2)
            abort();
    }
    free(kept);
    free(ids);
    return 0;
}
