/* kms_keys.h - the key files of the twin's KMS and the ciphertext blobs made with them.
 *
 * Trust:  blobs and ARNs are hostile; key files are the twin's own.
 * Memory: jansson's heap; the caller frees what it is given.
 */
#ifndef EM_TWIN_KMS_KEYS_H
#define EM_TWIN_KMS_KEYS_H

#include "crypto/aead.h"
#include "twin/kms_state.h"

enum { EM_KMS_KEYS_UUID = 37, EM_KMS_KEYS_OVERHEAD = 36 + 12 + 16 };

/* A key that has been read. */
typedef struct em_kms_keys_entry {
    char uuid[EM_KMS_KEYS_UUID], arn[EM_KMS_STATE_ARN];
    em_aead_key secret;
    json_t *policy; /* owned */
} em_kms_keys_entry;
void em_kms_keys_entry_drop(em_kms_keys_entry *key);

/* By ARN, or by UUID alone.  EM_ERR_NOT_FOUND, EM_ERR_FORMAT (the file). */
em_err em_kms_keys_read(const em_kms_state *kms, const char *name,
                        em_kms_keys_entry *ret_key);

/* Write a key's file; `fresh` refuses to replace one. */
em_err em_kms_keys_write(const em_kms_state *kms, const em_kms_keys_entry *key,
                         bool fresh);

/* A new key without a policy. */
em_err em_kms_keys_new(const em_kms_state *kms, em_kms_keys_entry *ret_key);

/* UUID (36 characters), nonce, AES-256-GCM; `out` has room for plain.len plus
 * EM_KMS_KEYS_OVERHEAD. */
em_err em_kms_keys_seal(const em_kms_keys_entry *key, em_bytes aad, em_bytes plain,
                        uint8_t *out);

/* The UUID that a blob names.  EM_ERR_SHORT. */
em_err em_kms_keys_named(em_bytes blob, char ret_uuid[EM_KMS_KEYS_UUID]);
em_err em_kms_keys_open(const em_kms_keys_entry *key, em_bytes aad, em_bytes blob,
                        uint8_t *out, size_t cap, size_t *ret_len);

#endif
