/* policy_put.h - writes the body of a policy as trust/policy_body.h describes it.
 *
 * Trust:  the writer's own values, not judged here: em_policy_body_write reads back what
 *         this wrote.
 * Memory: nothing is allocated.
 */
#ifndef EM_TRUST_POLICY_PUT_H
#define EM_TRUST_POLICY_PUT_H

#include "trust/policy_body.h"

/* Arrays may come in any order and are written ascending; EM_ERR_POLICY_MALFORMED sticks
 * to `o` where an item stands in one twice or there are too many. */
void em_policy_put(em_out *o, const em_policy_body *body);

#endif
