/* keys.h - Ed25519 keys as PEM files: PKCS#8 "PRIVATE KEY", SPKI "PUBLIC KEY", as openssl
 * writes and reads them.  Passphrases are not supported.
 *
 * Trust:  files may hold anything; a private key that somebody else may read is refused.
 * Memory: the caller's; buffers that held a private key are wiped.
 */
#ifndef EM_TOOLS_KEYS_H
#define EM_TOOLS_KEYS_H

#include "base/write.h"
#include "crypto/ed25519.h"
#include "tools/problem.h"

enum { EM_KEYS_MAX_FILE = 4096 };

/* Draws a key and writes PATH (mode 0600) and PATH.pub (0644).  EM_ERR_EXISTS where one
 * of them is there: keys are never overwritten. */
em_err em_keys_make(const char *path, em_problem *problem, em_ed25519_public *ret_public);

/* EM_ERR_DENIED for a file that group or others can read; EM_ERR_PEM. */
em_err em_keys_read_private(const char *path, em_problem *problem,
                            em_ed25519_secret *ret_secret, em_ed25519_public *ret_public);
em_err em_keys_read_public(const char *path, em_problem *problem,
                           em_ed25519_public *ret_public);

/* The texts themselves.  EM_ERR_PEM for anything but one Ed25519 key in one block. */
em_err em_keys_from_private_pem(em_bytes pem, em_ed25519_secret *ret_secret,
                                em_ed25519_public *ret_public);
em_err em_keys_from_public_pem(em_bytes pem, em_ed25519_public *ret_public);
void em_keys_put_private_pem(em_out *o, const em_ed25519_secret *secret);
void em_keys_put_public_pem(em_out *o, const em_ed25519_public *public);

#endif
