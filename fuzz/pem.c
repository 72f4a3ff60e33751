/* covers: tools/keys.c
 *
 * Key files: what reads as a key is written and reads as the same key. */
#include "tools/keys.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_ed25519_secret secret, secret2;
    em_ed25519_public public, public2;
    uint8_t text[EM_KEYS_MAX_FILE];
    em_out o = EM_OUT(text);

    if (em_keys_from_private_pem(em_view(data, size), &secret, &public) == EM_OK) {
        em_keys_put_private_pem(&o, &secret);
        if (em_keys_from_private_pem(em_write_view(&o), &secret2, &public2) != EM_OK)
            abort();
        if (memcmp(&secret, &secret2, sizeof secret) != 0) abort();
        if (memcmp(&public, &public2, sizeof public) != 0) abort();
    }
    o = EM_OUT(text);
    if (em_keys_from_public_pem(em_view(data, size), &public) == EM_OK) {
        em_keys_put_public_pem(&o, &public);
        if (em_keys_from_public_pem(em_write_view(&o), &public2) != EM_OK) abort();
        if (memcmp(&public, &public2, sizeof public) != 0) abort();
    }
    return 0;
}
