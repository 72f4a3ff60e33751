/* covers: enclave/attestor.c
 *
 * What an NSM may answer: a document or randomness that is taken lies in the answer. */
#include "enclave/attestor.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(em_bytes part, const uint8_t *data, size_t size)
{
    if (part.len == 0) return;
    if (part.at < data || part.len > size || part.at > data + size - part.len) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_bytes got = {0};
    bool document = em_attestor_parse_document(em_view(data, size), &got) == EM_OK;

    if (document && (got.len == 0 || got.len > EM_MAX_DOCUMENT)) abort();
    check(got, data, size);
    got = (em_bytes){0};
    if (em_attestor_parse_random(em_view(data, size), &got) == EM_OK && document) abort();
    check(got, data, size);
    return 0;
}
