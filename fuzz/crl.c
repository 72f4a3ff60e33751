/* covers: shared/crypto/crl.c
 *
 * Revocation lists against a chain.  The input is a row of items, each u16 BE length and
 * bytes: certificates from root to leaf, then the list. */
#include "crypto/crl.h"
#include "base/read.h"
#include "crypto/setup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    em_reader r = {.left = {data, size}};
    em_bytes item[EM_MAX_CHAIN + 1];
    size_t n = 0, covered = 0;

    if (!ready && em_setup() != EM_OK) abort();
    ready = true;
    while (r.left.len > 0 && n < EM_COUNT(item))
        item[n++] = em_read_bytes(&r, em_read_be16(&r));
    if (em_read_end(&r) != EM_OK || n < 3) return 0;
    em_err err =
        em_crl_check(item, n - 2, item[n - 2], &item[n - 1], 1, 1800000000000, &covered);
    if (err == EM_OK && covered != 1) abort();
    return 0;
}
