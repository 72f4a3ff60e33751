/* covers: shared/trust/companion.c
 *
 * Companions: bodies that read are written back byte for byte. */
#include "trust/companion.c" /* its statics: a body needs no signature to be read */

#include "crypto/setup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    static uint8_t buf[EM_MAX_RECEIPT];
    em_bytes in = {data, size};
    em_out o = EM_OUT(buf);
    em_receipt receipt = {.key = {{1}}};
    em_companion m;

    if (!ready && em_setup() != EM_OK) abort();
    ready = true;
    if (em_companion_verify(in, &receipt, NULL, &m) == EM_OK) abort(); /* nobody's key */
    if (read_body(in, &m) == EM_OK) {
        put_body(&o, &m);
        if (em_write_end(&o) != EM_OK || !em_same(em_write_view(&o), in)) abort();
    }
    return 0;
}
