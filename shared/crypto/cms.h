/* cms.h - CiphertextForRecipient of AWS KMS: CMS EnvelopedData (RFC 5652) in BER, one
 * key-transport recipient by RSAES-OAEP-SHA256, content in AES-256-CBC with PKCS#7
 * padding.
 *
 * Trust:  the bytes are hostile.  CBC carries no integrity: the caller checks what comes
 * out against a commitment. Memory: output is the caller's; nothing is allocated.
 */
#ifndef EM_CRYPTO_CMS_H
#define EM_CRYPTO_CMS_H

#include "crypto/rsa.h"

enum { EM_CMS_MAX = 16 << 10 };

/* The parts, as claims: nothing has been decrypted. */
typedef struct em_cms {
    em_bytes wrapped_key; /* RSAES-OAEP */
    uint8_t iv[16];
    size_t n_parts;
    em_bytes part[64]; /* the content's pieces in order; a primitive string is one */
} em_cms;

/* BER with definite or indefinite lengths, content primitive or constructed.
 * EM_ERR_CMS_MALFORMED. */
em_err em_cms_parse(em_bytes ber, em_cms *ret_cms);

/* Parse and decrypt.  EM_ERR_CMS_MALFORMED or, for anything cryptographic and one for
 * all, EM_ERR_CMS_OPEN_FAILED; `out` is then zero. */
em_err em_cms_open(const em_rsa_key *key, em_bytes ber, uint8_t *out, size_t cap,
                   size_t *ret_len);

#endif
