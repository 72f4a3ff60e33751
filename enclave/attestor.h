/* attestor.h - the Nitro Secure Module's requests and answers: randomness and documents.
 *
 * Trust:  the NSM is the root of what we say of ourselves; its answers are still parsed
 * as hostile bytes, and the documents judged by their verifiers, not here. Memory:
 * outputs are the caller's; one connection to the module, one thread at a time.
 */
#ifndef EM_ENCLAVE_ATTESTOR_H
#define EM_ENCLAVE_ATTESTOR_H

#include "base/limits.h"
#include "os/nsm.h"

typedef struct em_attestor {
    em_nsm_device device;
} em_attestor;
void em_attestor_drop(em_attestor *a);

/* Opens the module at "/dev/nsm" or "unix:PATH" and asks what it is.  EM_ERR_NSM. */
em_err em_attestor_open(em_bytes address, em_attestor *ret_attestor);

/* Random bytes of the module's own (GetRandom), at most 256.  EM_ERR_NSM, EM_ERR_ENTROPY.
 */
em_err em_attestor_random(em_attestor *a, void *ret_random, size_t len);

/* A fresh document that carries these three; an empty one is sent as null.  Every
 * document of this enclave is made here: nothing else of a caller's gets into one. */
em_err em_attestor_document(em_attestor *a, em_bytes nonce, em_bytes user_data,
                            em_bytes public_key, uint8_t ret_document[EM_MAX_DOCUMENT],
                            size_t *ret_len);

/* What an answer holds: for tests and fuzzing.  The view is into the answer. */
em_err em_attestor_parse_document(em_bytes answer, em_bytes *ret_document);
em_err em_attestor_parse_random(em_bytes answer, em_bytes *ret_random);

#endif
