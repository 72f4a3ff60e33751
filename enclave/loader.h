/* loader.h - a bundle from the store into memory: verified, released, opened, whole.
 *
 * Trust:  the store is the host's: its bytes are hostile until signature, commitment,
 * tags, count, length and root have held. Memory: pages of the model's size plus one
 * chunk a thread; given back on failure.
 */
#ifndef EM_ENCLAVE_LOADER_H
#define EM_ENCLAVE_LOADER_H

#include "enclave/identity.h"

enum { EM_LOADER_THREADS = 2 };

typedef struct em_loader {
    const em_config *config;
    em_attestor *attestor;
    const em_time *time;
    em_plan_limits limits;
} em_loader;

/* Load the configuration's model `i`.  *ret_key is true where the key was what failed. */
em_err em_loader_load(const em_loader *loader, size_t i, em_served *ret_served,
                      bool *ret_key);

#endif
