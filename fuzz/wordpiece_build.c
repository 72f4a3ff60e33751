/* covers: engine/wordpiece_build.c
 *
 * A hostile vocabulary: what is built opens, and holds every word.
 * Input: u8 options, u8 word length limit, texts separated by bytes 0xFF; a text that
 * begins with 0xFE and a byte of flags is an added token. */
#include "engine/wordpiece_build.h"
#include "engine/wordpiece_impl.h"

#include <stdlib.h>

enum { MOST = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *aligned(size_t len)
{
    void *at = NULL;

    if (posix_memalign(&at, 64, len > 0 ? len : 1) != 0) abort();
    return at;
}

static uint32_t look_up(const em_wordpiece *t, em_bytes word)
{
    uint64_t unit = t->words[0];

    for (size_t i = 0; i < word.len; i++)
        unit = em_wordpiece_child(t->words, unit, word.at[i]);
    return em_wordpiece_value(unit);
}

static void build(const em_wordpiece_build_input *in)
{
    size_t cap, scratch_len, len;

    if (em_wordpiece_build_plan(in, &cap, &scratch_len) != EM_OK) return;
    void *section = aligned(cap), *scratch = aligned(scratch_len);
    em_err err = em_wordpiece_build(in, scratch, scratch_len, section, cap, &len);
    if (err == EM_ERR_FULL) abort(); /* the plan was too small */
    if (err == EM_OK) {
        em_wordpiece t;
        if (em_wordpiece_open(em_view(section, len), &t) != EM_OK) abort();
        for (size_t i = 0; i < in->words_n; i++)
            if (in->words[i].text.len > 0 &&
                look_up(&t, in->words[i].text) != in->words[i].id)
                abort();
    }
    free(section);
    free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_wordpiece_build_word words[MOST];
    em_wordpiece_build_added added[MOST];
    size_t words_n = 0, added_n = 0;

    if (size < 2) return 0;
    for (size_t at = 2, end; at < size && words_n < MOST && added_n < MOST;
         at = end + 1) {
        for (end = at; end < size && data[end] != 0xFF;) end++;
        uint32_t id = (uint32_t)(words_n + added_n);
        if (end - at >= 2 && data[at] == 0xFE)
            added[added_n++] = (em_wordpiece_build_added){
                em_view(data + at + 2, end - at - 2), id, data[at + 1]};
        else
            words[words_n++] =
                (em_wordpiece_build_word){em_view(data + at, end - at), id};
    }
    em_wordpiece_build_input in = {.words = words,
                                   .words_n = words_n,
                                   .added = added,
                                   .added_n = added_n,
                                   .options = data[0],
                                   .prefix = EM_STR("##"),
                                   .word_chars = data[1],
                                   .pad = EM_WORDPIECE_NONE,
                                   .mask = EM_WORDPIECE_NONE};
    build(&in);
    return 0;
}
