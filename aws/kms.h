/* kms.h - two operations of AWS KMS: Decrypt for an attested recipient, and Encrypt.
 *
 * Trust:  KMS proves nothing to us; the CMS that Decrypt gives is opened by crypto/cms
 *         and checked against the manifest's commitment by the caller.  An answer that
 *         carries Plaintext, names another key or lacks CiphertextForRecipient is
 *         refused.  The names of errors are for reports outside the enclave.
 * Memory: about 110 KiB of stack, wiped; outputs are the caller's.
 */
#ifndef EM_AWS_KMS_H
#define EM_AWS_KMS_H

#include "aws/arn.h"
#include "aws/sigv4.h"
#include "base/limits.h"

enum {
    EM_KMS_MAX_BLOB = 6 << 10,  /* KMS's own limit on CiphertextBlob */
    EM_KMS_MAX_PLAIN = 4 << 10, /* and on Plaintext */
    EM_KMS_MAX_ANSWER = 32 << 10,
    EM_KMS_MAX_CONTEXT = 8, /* pairs of an encryption context */
};

/* One question to KMS.  The endpoint is where `http` is connected; `host` is its name in
 * the request, empty for the ARN's own. */
typedef struct em_kms {
    em_bytes key_arn;
    em_bytes host;
    const em_credentials *credentials;
    const em_sigv4_pair *context; /* the encryption context */
    size_t n_context;
    uint64_t now_ms;
} em_kms;

/* What KMS said when it refused: printable ASCII, NUL behind, perhaps empty. */
typedef struct em_kms_refusal {
    unsigned status;
    char type[64]; /* "AccessDeniedException" */
    char message[256];
} em_kms_refusal;

/* Asks to decrypt `blob` for the recipient whose attestation document this is.  Gives
 * CiphertextForRecipient in `cms`.
 *
 *     EM_ERR_AWS_REFUSED   and *ret_refusal (may be NULL) filled
 *     EM_ERR_AWS_ANSWER    the answer breaks its schema or our rules
 *     EM_ERR_FORMAT        key_arn
 *     and the errors of http.h */
em_err em_kms_decrypt(em_http *http, const em_kms *kms, em_bytes blob, em_bytes document,
                      uint64_t deadline_ms, uint8_t *cms, size_t cap, size_t *ret_len,
                      em_kms_refusal *ret_refusal);

/* Encrypts at most EM_KMS_MAX_PLAIN bytes; gives CiphertextBlob. */
em_err em_kms_encrypt(em_http *http, const em_kms *kms, em_bytes plain,
                      uint64_t deadline_ms, uint8_t *blob, size_t cap, size_t *ret_len,
                      em_kms_refusal *ret_refusal);

/* The parts, for tests and fuzzers: bodies of requests, and answers. */
em_err em_kms_put_decrypt(em_out *o, const em_kms *kms, em_bytes blob, em_bytes document);
em_err em_kms_put_encrypt(em_out *o, const em_kms *kms, em_bytes plain);
em_err em_kms_decrypted(unsigned status, em_bytes body, em_bytes key_arn, uint8_t *cms,
                        size_t cap, size_t *ret_len, em_kms_refusal *ret_refusal);
em_err em_kms_encrypted(unsigned status, em_bytes body, em_bytes key_arn, uint8_t *blob,
                        size_t cap, size_t *ret_len, em_kms_refusal *ret_refusal);

#endif
