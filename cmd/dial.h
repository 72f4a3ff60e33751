/* dial.h - the options that every command which talks to an enclave has, and the
 * connecting.
 *
 * Trust:  policy and signers as the user pinned them.
 * Memory: one em_dial a command; em_dial_drop closes.
 */
#ifndef EM_CMD_DIAL_H
#define EM_CMD_DIAL_H

#include "cmd/home.h"
#include "em/client.h"
#include "os/args.h"
#include "os/map.h"

typedef struct em_dial {
    const char *to, *deployment, *policy; /* options */
    uint64_t wait_s;
    em_map policy_bytes;
    em_client *client;
} em_dial;
void em_dial_drop(em_dial *dial);

/* The table rows of these options: --to, --deployment, --policy, --wait. */
enum { EM_DIAL_ARGS = 4 };
void em_dial_args(em_dial *dial, em_arg ret_rows[EM_DIAL_ARGS]);

/* Read the policy, take the pinned signers, connect and verify.  On failure says why on
 * stderr (as JSON on stdout too where `json`) and returns the exit code. */
int em_dial_open(em_dial *dial, const char *program, bool json);

/* Say an error of the client's; returns its exit code. */
int em_dial_fail(const char *program, const em_client_error *error, bool json);

/* What was proved, in a line or two on stderr. */
void em_dial_tell(const em_dial *dial);

#endif
