/* cms.h - CiphertextForRecipient of AWS KMS: CMS EnvelopedData (RFC 5652) in BER, one
 * key-transport recipient by RSAES-OAEP-SHA256, content in AES-256-CBC with PKCS#7
 * padding.
 *
 * Trust:  the bytes are hostile.  CBC carries no integrity: the caller checks what comes
 *         out against a commitment.
 * Memory: output is the caller's; libcrypto's heap is freed (cleansed) before return.
 */
#ifndef EM_CRYPTO_CMS_H
#define EM_CRYPTO_CMS_H

#include "base/write.h"
#include "crypto/rsa.h"

enum {
    EM_CMS_MAX = 16 << 10,
    EM_CMS_MAX_PARTS = 64,
    EM_CMS_BLOCK = 16,
    EM_CMS_MAX_PLAIN = EM_CMS_MAX - 1024, /* em_cms_seal's */
};

/* The parts, as claims: nothing has been decrypted. */
typedef struct em_cms {
    em_bytes wrapped_key; /* RSAES-OAEP */
    uint8_t iv[EM_CMS_BLOCK];
    size_t len; /* of the content: whole blocks, at least one */
    size_t n_parts;
    em_bytes part[EM_CMS_MAX_PARTS]; /* its pieces in order; a primitive string is one */
} em_cms;

/* The content-encryption key. */
EM_SECRET(em_cms_key, 32);

/* BER with definite or indefinite lengths, content primitive or constructed, at most
 * EM_CMS_MAX bytes and nothing behind.  The recipient is named by a key identifier or by
 * issuer and serial number, neither of which is looked at.  EM_ERR_CMS_MALFORMED. */
em_err em_cms_parse(em_bytes ber, em_cms *ret_cms);

/* Parse and decrypt.  `out` has room for the content with its padding, up to 16 bytes
 * above the plaintext, else EM_ERR_FULL.  EM_ERR_CMS_MALFORMED or, for anything
 * cryptographic and one for all, EM_ERR_CMS_OPEN_FAILED; `out` is then zero, and after
 * success all that is behind the plaintext. */
em_err em_cms_open(const em_rsa_key *key, em_bytes ber, uint8_t *out, size_t cap,
                   size_t *ret_len);

/* Writes what a KMS answers: `plain` under `key`, `key` under the SPKI's RSA key.  With
 * `indefinite`, indefinite lengths and the content in pieces of at most 1000 bytes; else
 * DER with the content in one.  Key and iv are fresh random bytes, used once.
 * EM_ERR_LIMIT above EM_CMS_MAX_PLAIN, EM_ERR_BAD_KEY for a bad SPKI. */
em_err em_cms_seal(em_bytes spki, const em_cms_key *key, const uint8_t iv[EM_CMS_BLOCK],
                   em_bytes plain, bool indefinite, em_out *o);

#endif
