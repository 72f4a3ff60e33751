/* covers: tools/contentkey.c
 *
 * Content key files: what reads as a key is written as the very bytes that were read. */
#include "tools/contentkey.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_contentkey key;
    uint8_t text[EM_CONTENTKEY_MAX_FILE];
    em_out o = EM_OUT(text);

    if (em_contentkey_parse(em_view(data, size), &key) != EM_OK) return 0;
    em_contentkey_put(&o, &key);
    if (em_write_end(&o) != EM_OK) abort();
    if (!em_same(em_write_view(&o), em_view(data, size))) abort();
    return 0;
}
