/* receipt_check.h - AIR v1's third layer: have the claims values that they may have?
 *
 * Trust:  claims are hostile; nothing is compared with anything outside of them.
 * Memory: nothing is allocated.
 */
#ifndef EM_TRUST_RECEIPT_CHECK_H
#define EM_TRUST_RECEIPT_CHECK_H

#include "trust/receipt_claims.h"

/* EM_ERR_BAD_CTI_LENGTH, EM_ERR_ZERO_MODEL_HASH, EM_ERR_BAD_MEASUREMENT_LENGTH, and with
 * the claim's name as the report's subject EM_ERR_UNKNOWN_MTYPE,
 * EM_ERR_UNKNOWN_MODEL_HASH_SCHEME, EM_ERR_UNKNOWN_SECURITY_MODE, EM_ERR_BAD_VALUE.
 *
 * In that order.  EM_ERR_BAD_VALUE: iat 0, cti all zero, an eat_nonce outside 8..64
 * bytes, an empty or too long text, pcr8 under TDX. */
em_err em_receipt_check(const em_receipt_claims *claims, em_report *report);

#endif
