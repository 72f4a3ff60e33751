/* covers: engine/wordpiece_open.c engine/wordpiece.c
 *
 * A hostile tokenizer section, and a text to encode with whatever opens.
 * Input: u8 length of the text, text, section. */
#include "engine/wordpiece.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const em_wordpiece *t, em_bytes text)
{
    uint32_t ids[258];
    size_t n, tokens;

    if (em_wordpiece_encode(t, text, EM_COUNT(ids), ids, &n, &tokens) != EM_OK) return;
    if (tokens > EM_WORDPIECE_MOST(text.len) || n > tokens) abort();
    for (size_t i = 0; i < n; i++)
        if (ids[i] >= t->id_limit) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char fixed[] = "[CLS]ab  Abc\xCC\x81 \xE4\xB8\xAD"
                                "a\xF0\x9D\x85\xAD\xE3\x80\xAE <x> <x><y z.";
    size_t text_len = size > 0 ? data[0] : 0;
    void *section = NULL;
    em_wordpiece t;

    if (size == 0 || text_len > size - 1) return 0;
    size_t len = size - 1 - text_len;
    if (posix_memalign(&section, 64, len > 0 ? len : 1) != 0) abort();
    if (len > 0) memcpy(section, data + 1 + text_len, len);
    if (em_wordpiece_open(em_view(section, len), &t) == EM_OK) {
        use(&t, em_view(data + 1, text_len));
        use(&t, em_view(fixed, sizeof fixed - 1));
    }
    free(section);
    return 0;
}
