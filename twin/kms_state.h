/* kms_state.h - the keys of the twin's KMS: symmetric keys in a folder, each with a key
 * policy, and the operations on them.
 *
 * A key is one JSON file, keys/UUID.json: {"arn", "secret" (hex), "policy"}; the policy
 * is AWS's key-policy document.  A ciphertext blob is the key's UUID (36 characters), a
 * nonce (12) and AES-256-GCM of the plaintext, whose AAD is the encryption context as
 * sorted lines.
 *
 * Trust:  requests are hostile.  An attestation document is verified by trust/ under the
 * twin's own root; conditions are then judged here. Memory: jansson's and libcrypto's
 * heap, freed before return.
 */
#ifndef EM_TWIN_KMS_STATE_H
#define EM_TWIN_KMS_STATE_H

#include "base/em.h"

#include <jansson.h>

enum { EM_KMS_STATE_MAX_PLAIN = 4096, EM_KMS_STATE_ARN = 160 };

/* What the villain's KMS does instead of its duty; all false in an honest one. */
typedef struct em_kms_villain {
    bool trusts_anyone; /* releases keys to any document, debug enclaves included */
    bool plaintext;     /* answers Decrypt with Plaintext as well */
    bool key_id;        /* names another key in its answers */
    bool other_key;     /* releases 32 other bytes */
} em_kms_villain;

typedef struct em_kms_state {
    char folder[1024]; /* the state folder; keys lie in its subfolder keys/ */
    char region[32], account[16];
    uint8_t root_sha256[32]; /* the root that documents must end in */
    em_kms_villain villain;
    bool definite; /* CMS with definite lengths; AWS uses indefinite ones */
} em_kms_state;

/* Make a key with this policy (a key-policy document; NULL: everything by the account's
 * own users, Decrypt only with Recipient) and write its ARN. */
em_err em_kms_state_create(const em_kms_state *kms, const json_t *policy,
                           char ret_arn[EM_KMS_STATE_ARN]);

/* Replace a key's policy.  EM_ERR_NOT_FOUND. */
em_err em_kms_state_set_policy(const em_kms_state *kms, const char *arn,
                               const json_t *policy);

/* One operation of the JSON 1.1 protocol ("TrentService.Encrypt", "TrentService.Decrypt",
 * "TrentService.DescribeKey"): the answer, an object the caller frees, and its HTTP
 * status (200 or 400); errors are {"__type", "message"}.  NULL only without memory. */
json_t *em_kms_state_call(const em_kms_state *kms, const char *target, em_bytes body,
                          uint64_t now_ms, unsigned *ret_status);

#endif
