/* home.h - what em remembers between runs: $XDG_STATE_HOME/ephemeralml (or
 * ~/.local/state/…).
 *
 *   signers        one pinned policy signer a line: 64 hexadecimal digits, then perhaps a
 * name policies.seen  trust/policy_state.h
 *
 * Trust:  the user's own folder, mode 0700.
 * Memory: paths are the caller's.
 */
#ifndef EM_CMD_HOME_H
#define EM_CMD_HOME_H

#include "base/limits.h"
#include "crypto/ed25519.h"

enum { EM_HOME_PATH = 1024 };

/* The path of a file in the folder; the folder is made where it is missing.
 * EM_ERR_NOT_FOUND without $HOME and $XDG_STATE_HOME. */
em_err em_home_path(const char *name, char ret_path[EM_HOME_PATH]);

/* The pinned signers; none is no error.  EM_ERR_FORMAT for a line that is none. */
em_err em_home_signers(em_ed25519_public ret_signers[EM_MAX_SIGNERS], size_t *ret_n);

/* Pin one more.  EM_ERR_EXISTS when it is there already, EM_ERR_LIMIT when there is no
 * room. */
em_err em_home_pin(const em_ed25519_public *signer, const char *name);

#endif
