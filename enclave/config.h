/* config.h - the enclave's measured configuration: one strict JSON file inside the image.
 *
 * Nothing else configures the enclave: no environment, no host.  docs/FORMATS.md has the
 * members; all of them are needed but "limits", and unknown ones refuse.
 *
 * Trust:  the file is measured (PCR1 of a local run, PCR2 of an image), hence the
 * operator's and visible to every client; still read as if hostile. Memory: one
 * em_config, about 60 KiB, no heap.
 */
#ifndef EM_ENCLAVE_CONFIG_H
#define EM_ENCLAVE_CONFIG_H

#include "os/address.h"
#include "trust/manifest.h"

enum {
    EM_CONFIG_ROOTS = 8,
    EM_CONFIG_ROOT_DER = 2048,
    EM_CONFIG_OBJECT = 128,
    EM_CONFIG_KEYS = 4, /* publishers a model */
    EM_CONFIG_MAX = 128 << 10,
    EM_CONFIG_MEMORY = 8 * EM_MAX_REQUEST,
};

/* A text of the configuration, NUL behind. */
typedef struct em_config_text {
    size_t len;
    char at[256];
} em_config_text;

typedef struct em_config_model {
    em_config_text id;
    em_config_text object;  /* the bundle's name in the store */
    em_config_text kms_key; /* ARN; its region names the endpoint */
    size_t n_publishers;
    struct {
        em_ed25519_public key;
        uint64_t floor;
    } publisher[EM_CONFIG_KEYS];
} em_config_model;

typedef struct em_config {
    em_config_text version, deployment;
    em_config_text nsm; /* "/dev/nsm" or "unix:PATH" */
    em_address listen, store, credentials, kms;
    size_t n_roots; /* of TLS to KMS */
    struct {
        size_t len;
        uint8_t der[EM_CONFIG_ROOT_DER];
    } root[EM_CONFIG_ROOTS];
    bool amazon_roots; /* every one of them is Amazon's: production may be claimed */
    size_t n_models;
    em_config_model model[EM_MAX_MODELS];
    struct {
        uint64_t sessions;     /* at once; 1 .. EM_MAX_SESSIONS */
        uint64_t handshakes;   /* sessions before OPEN at once */
        uint64_t threads;      /* of the engine; 0: one a processor */
        uint64_t batch_tokens; /* computed together at most */
        uint64_t queue;        /* requests waiting at most */
        uint64_t wait_ms;      /* how long, before one is answered "busy" */
        uint64_t memory;       /* bytes of all requests being received or answered; at
                                  least EM_CONFIG_MEMORY, so that any one has room */
    } limits;
} em_config;

/* Reads a configuration.  EM_ERR_CONFIG and JSON errors; *ret_where names the member that
 * is wrong, a literal, on failure ("models[].publishers"). */
em_err em_config_read(em_bytes text, em_config *ret_config, const char **ret_where);

/* The publishers of all models, as trust/manifest wants them: views into the
 * configuration. */
size_t em_config_publishers(const em_config *config,
                            em_publisher ret_publishers[EM_MAX_MODELS * EM_CONFIG_KEYS]);

#endif
