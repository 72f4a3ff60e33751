/* options.h - what em-host is told: its command line, or a file of the same words.
 *
 * Trust:  the operator's.  Whatever would serve account credentials or a forwarder to a
 *         network is refused.
 * Memory: views into argv and into the configuration file's text, which stays.
 */
#ifndef EM_HOST_OPTIONS_H
#define EM_HOST_OPTIONS_H

#include "host/relay.h"
#include "os/args.h"
#include "os/log.h"

typedef struct em_options_forward {
    em_address listen, to;
} em_options_forward;

typedef struct em_options {
    em_address listen, enclave;
    const char *store; /* a folder, or NULL */
    em_address store_listen;
    bool credentials;             /* served at all */
    const char *credentials_file; /* or NULL: the metadata service */
    em_address credentials_listen, metadata_service;
    em_options_forward forward[EM_RELAY_DOORS - 1];
    size_t n_forward;
    em_address admin; /* NONE: no admin address */
    uint64_t max_connections, max_forwards, rate, burst, breaker, cool_ms;
    em_relay_limits limits;
    em_log_level log;
    bool json;
} em_options;

/* Reads the command line; on EM_ARGS_BAD a message was printed that says what to do. */
em_args_next em_options_read(int argc, char **argv, em_options *ret_options);

/* LISTEN=UPSTREAM; EM_ERR_ADDRESS unless there is exactly one way to read it. */
em_err em_options_forward_parse(em_bytes text, em_options_forward *ret_forward);

/* Does only this machine (or its enclave) reach this address? */
bool em_options_is_local(const em_address *address);

#endif
