/* credentials.h - AWS credentials: an access key, or a role's temporary one.
 *
 * Trust:  whoever serves them is believed in nothing: they only say as whom we ask. Their
 *         characters are checked, since they go into header lines.
 * Memory: an em_credentials is the caller's and wipes itself under EM_DROP; reading takes
 *         about 24 KiB of stack, wiped too.
 */
#ifndef EM_AWS_CREDENTIALS_H
#define EM_AWS_CREDENTIALS_H

#include "aws/http.h"

enum {
    EM_CREDENTIALS_ID = 128,
    EM_CREDENTIALS_SECRET = 128,
    EM_CREDENTIALS_TOKEN = 4096,
    EM_CREDENTIALS_JSON = 16 << 10,
};

typedef struct em_credentials {
    size_t id_len, secret_len, token_len; /* a lasting key has no token */
    uint8_t id[EM_CREDENTIALS_ID];
    uint8_t secret[EM_CREDENTIALS_SECRET];
    uint8_t token[EM_CREDENTIALS_TOKEN];
    uint64_t expires_ms; /* 0: never */
} em_credentials;
EM_HOLDS_SECRET(em_credentials);

/* Reads what the instance metadata service says of a role: AccessKeyId, SecretAccessKey,
 * Token and Expiration (both may be absent), Code (where present, "Success"); other
 * members are ignored.  EM_ERR_CREDENTIALS for every breach. */
em_err em_credentials_parse(em_bytes json, em_credentials *ret_credentials);

/* Have they expired, or will within a minute? */
bool em_credentials_expired(const em_credentials *credentials, uint64_t now_ms);

/* GETs `target` ("/latest/meta-data/…") and parses the answer.  EM_ERR_CREDENTIALS where
 * the answer is no 200; the errors of http.h. */
em_err em_credentials_get(em_http *http, em_bytes host, em_bytes target,
                          uint64_t deadline_ms, em_credentials *ret_credentials);

#endif
