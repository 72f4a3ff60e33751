#include "crypto/setup.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sodium/core.h>

enum { SEED_MAX = 64 << 10 };

em_err em_setup(void)
{
    /* The first initialisation decides for the process: a configuration file could load
     * modules and change which algorithms answer. */
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1) return EM_ERR_CRYPTO;
    if (sodium_init() < 0) return EM_ERR_CRYPTO;
    return EM_OK;
}

void em_setup_seed(em_bytes seed)
{
    RAND_add(seed.at, (int)(seed.len < SEED_MAX ? seed.len : SEED_MAX), 0);
}
