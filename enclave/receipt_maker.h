/* receipt_maker.h - the receipt of an inference of this enclave, and its companion.
 *
 * Trust:  claims come from the session's own hashes, its document and the manifest:
 * nothing in a receipt is a client's word but through a hash or the nonce. Memory: the
 * caller's.
 */
#ifndef EM_ENCLAVE_RECEIPT_MAKER_H
#define EM_ENCLAVE_RECEIPT_MAKER_H

#include "enclave/guest.h"

/* Write the RECEIPT body for the request that just ended with END. */
em_err em_receipt_maker_put(const em_guest *g, em_err outcome, em_out *o);

#endif
