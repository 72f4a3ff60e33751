/* sign1.h - the COSE_Sign1 that our own signed objects are: tag 18, Ed25519, a protected
 * header of each kind's own, an empty unprotected one.
 *
 * The protected header is compared bytewise, so that no kind can stand for another.
 *
 * Trust:  input is hostile; parts are claims until em_sign1_verify said EM_OK.
 * Memory: views point into the input; Sig_structure is built on the stack, up to
 *         EM_SIGN1_MAX bytes.
 */
#ifndef EM_TRUST_SIGN1_H
#define EM_TRUST_SIGN1_H

#include "base/limits.h"
#include "crypto/ed25519.h"
#include "wire/cose.h"

enum { EM_SIGN1_MAX = 64 << 10 };

/* EM_ERR_LIMIT above EM_SIGN1_MAX, EM_ERR_COSE_DECODE_FAILED, EM_ERR_BAD_PROTECTED,
 * EM_ERR_BAD_UNPROTECTED, EM_ERR_BAD_SIG_LENGTH; a nil payload is
 * EM_ERR_COSE_DECODE_FAILED. */
em_err em_sign1_open(em_bytes in, em_bytes protected, em_cose_sign1 *ret_parts);

/* EM_ERR_SIG_FAILED, EM_ERR_BAD_SIG_LENGTH, EM_ERR_LIMIT. */
em_err em_sign1_verify(const em_cose_sign1 *parts, const em_ed25519_public *key);

/* Signs and writes the whole object.  EM_ERR_LIMIT where it would be larger than
 * EM_SIGN1_MAX. */
em_err em_sign1_write(em_bytes protected, em_bytes payload,
                      const em_ed25519_secret *secret, em_out *o);

#endif
