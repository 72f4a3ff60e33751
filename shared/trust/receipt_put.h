/* receipt_put.h - writes the claims of an AIR v1 receipt.
 *
 * Trust:  the writer's own values, not judged here.
 * Memory: nothing is allocated.
 */
#ifndef EM_TRUST_RECEIPT_PUT_H
#define EM_TRUST_RECEIPT_PUT_H

#include "trust/receipt_claims.h"

/* The map, deterministic; profile included. */
void em_receipt_put(em_out *o, const em_receipt_claims *claims);

#endif
