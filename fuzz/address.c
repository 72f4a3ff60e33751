/* covers: os/address.c
 *
 * Addresses from command lines and configurations: what is accepted prints as it was
 * read. */
#include "os/address.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_address a, again;
    char text[EM_ADDRESS_TEXT];

    if (em_address_parse(em_view(data, size), &a) != EM_OK) return 0;
    em_address_print(&a, text);
    if (!em_same(em_view(data, size), em_view(text, strlen(text)))) abort();
    if (em_address_parse(em_view(text, strlen(text)), &again) != EM_OK) abort();
    if (!em_address_same(&a, &again)) abort();
    return 0;
}
