/* state.h - the twin's state folder: made once, read at every start.
 *
 *   twin.json         {region, account, role, instance, access_key_id, secret_access_key,
 *                      session_token}
 *   credentials.json  the same access key as the instance metadata service would give it
 *   nsm-root.key/.pem, tls-root.key/.pem   the two certificate authorities
 *   keys/             KMS keys
 *
 * Trust:  the folder is the twin's own (mode 0700).
 * Memory: fixed-size texts.
 */
#ifndef EM_TWIN_STATE_H
#define EM_TWIN_STATE_H

#include "twin/kms_state.h"
#include "twin/sigv4_check.h"

typedef struct em_state {
    char folder[1024];
    char region[32], account[16], role[160], instance[64];
    em_sigv4_check_key access;
} em_state;

/* Make the folder's files.  EM_ERR_EXISTS when there is a twin in it already. */
em_err em_state_create(const em_state *wanted);

/* Read them.  EM_ERR_NOT_FOUND, EM_ERR_FORMAT. */
em_err em_state_open(const char *folder, em_state *ret_state);

/* What KMS needs of it: folder, region, account and the NSM root's digest. */
em_err em_state_kms(const em_state *state, em_kms_state *ret_kms);

#endif
