/* seen.h - the file that remembers which policy versions were seen: PROTOCOL 6.
 *
 * Trust:  the file is the user's; a damaged one refuses rather than starts anew.
 * Memory: nothing is kept.
 */
#ifndef EM_CLIENT_SEEN_H
#define EM_CLIENT_SEEN_H

#include "trust/policy_state.h"

/* Compare with what was seen, and write the new state before the policy is used.
 * EM_ERR_POLICY_ROLLBACK, EM_ERR_POLICY_FORK, EM_ERR_POLICY_STATE, EM_ERR_IO and the
 * like. */
em_err em_seen_remember(const char *path, const em_policy *policy,
                        em_policy_seen *ret_seen);

#endif
