/* setup.h - what a program does before any other call into crypto/.
 *
 * Trust:  nothing outside the program's own file is consulted.
 * Memory: the libraries' own static state.
 */
#ifndef EM_CRYPTO_SETUP_H
#define EM_CRYPTO_SETUP_H

#include "base/em.h"

/* libcrypto without any configuration file, engine or environment, and libsodium.  Call
 * once, before threads. */
em_err em_setup(void);

/* Mix `seed` into libcrypto's generator (the NSM's bytes; counted as no entropy of its
 * own; the first 64 KiB of them). */
void em_setup_seed(em_bytes seed);

#endif
