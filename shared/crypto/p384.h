/* p384.h - ECDSA on P-384 with SHA-384, signatures as raw r || s (RFC 9053 2.1)
 * or DER.
 *
 * Trust:  keys, messages and signatures to verify are hostile.
 * Memory: libcrypto's heap is freed before return.
 */
#ifndef EM_CRYPTO_P384_H
#define EM_CRYPTO_P384_H

#include "base/em.h"

enum { EM_P384_POINT_LEN = 97, EM_P384_SIG_LEN = 96 };

/* An uncompressed point, 0x04 || x || y, that has not been checked to be on the curve. */
typedef struct em_p384_public {
    uint8_t b[EM_P384_POINT_LEN];
} em_p384_public;

/* High s and leading zeros are legal.  EM_ERR_BAD_SIG_LENGTH where sig is not 96 bytes,
 * EM_ERR_BAD_KEY where the point is not on the curve, else EM_ERR_SIG_FAILED. */
em_err em_p384_verify(const em_p384_public *key, em_bytes message, em_bytes sig);

/* The same for a signature as X.509 carries it, DER SEQUENCE { r, s }; anything but DER
 * is EM_ERR_SIG_FAILED. */
em_err em_p384_verify_der(const em_p384_public *key, em_bytes message, em_bytes sig);

#endif
