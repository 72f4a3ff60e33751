/* identity.h - who this enclave is, to its sessions: receipt key, time, mode, models.
 *
 * Trust:  made at boot from the measured configuration and a verified document of our
 * own. Memory: one for the process; the signing key never leaves it.
 */
#ifndef EM_ENCLAVE_IDENTITY_H
#define EM_ENCLAVE_IDENTITY_H

#include "enclave/attestor.h"
#include "enclave/config.h"
#include "enclave/served.h"
#include "enclave/time.h"
#include "trust/attest.h"
#include "trust/hello.h"

typedef struct em_identity {
    const em_config *config;
    em_ed25519_secret receipt_secret;
    em_ed25519_public receipt_public;
    em_mode mode; /* production: AWS's root, and only Amazon's roots for KMS */
    em_time time;
    uint64_t started_ms; /* monotonic */
    size_t n_served;
    em_served served[EM_MAX_MODELS];
} em_identity;
void em_identity_drop(em_identity *id);

/* Ask the NSM for a document of our own, verify it under its own root, and take from it
 * time and mode; draw the receipt key.  EM_ERR_DEBUG_ENCLAVE and the verifier's other
 * errors. */
em_err em_identity_make(em_identity *id, const em_config *config, em_attestor *attestor);

/* Which models are in date now: a bit each.  PROTOCOL 4: asked again at every HELLO. */
unsigned em_identity_in_date(const em_identity *id);

/* The user_data of a session's document and the E1 parts for these models. */
em_err em_identity_user_data(const em_identity *id, unsigned models,
                             uint8_t ret_data[EM_MAX_USER_DATA], size_t *ret_len);
void em_identity_e1(const em_identity *id, unsigned models, em_bytes document,
                    em_hello_e1 *ret_e1);

/* A model of this id among `models`; NULL. */
const em_served *em_identity_find(const em_identity *id, unsigned models, em_bytes name);

#endif
