/* policy_state.h - which policies were verified before: a rollback is seen by this.
 *
 * State is the highest version and its hash by signer and policy id, kept by the caller
 * between runs, owner-only, and written before the policy is used.  It is an ordinary
 * file of this machine; nothing signs it.
 *
 *   state {v: 1, seen: [0*64 {id: tstr, hash: bstr 32, signer: bstr 32,
 *          version: 1..2^63-1}]}
 *
 * in deterministic CBOR, closed; no two entries of the same signer and id.
 *
 * Trust:  the state is the owner's own, but may be damaged: it is parsed like hostile
 *         bytes.  Only verified policies advance it.
 * Memory: nothing is allocated.
 */
#ifndef EM_TRUST_POLICY_STATE_H
#define EM_TRUST_POLICY_STATE_H

#include "trust/policy.h"

typedef enum em_policy_seen {
    EM_POLICY_FIRST_USE = 1, /* nothing was known of this signer and id: say so */
    EM_POLICY_SAME,
    EM_POLICY_NEWER,
} em_policy_seen;

/* `state` is what was kept, empty for none; the new one, at most EM_MAX_POLICY_STATE
 * bytes, is written to `o`.  EM_ERR_POLICY_ROLLBACK for a lower version than seen,
 * EM_ERR_POLICY_FORK for the same with other bytes, EM_ERR_POLICY_STATE where `state`
 * does not parse, EM_ERR_LIMIT where it has no room for another policy. */
em_err em_policy_state_advance(em_bytes state, const em_policy *policy, em_out *o,
                               em_policy_seen *ret_seen);

#endif
