/* sigv4_check.h - the server's side of AWS Signature Version 4, header form.
 *
 * Trust:  the request is hostile until this says EM_OK.
 * Memory: nothing is kept; libcrypto's heap is freed before return.
 */
#ifndef EM_TWIN_SIGV4_CHECK_H
#define EM_TWIN_SIGV4_CHECK_H

#include "wire/http1.h"

/* An access key that may sign. */
typedef struct em_sigv4_check_key {
    char id[64], secret[64];
    char token[256]; /* session token that must be sent along; empty: none */
} em_sigv4_check_key;

/* Does the Authorization header sign this request for `region` and `service` with the
 * key, at most five minutes from now_ms, over host, every x-amz- header and the body?
 * EM_ERR_CREDENTIALS (no or unknown key), EM_ERR_SIG_FAILED, EM_ERR_STALE_DOCUMENT
 * (time), EM_ERR_HTTP_SYNTAX. */
em_err em_sigv4_check(const em_http1_head *head, em_bytes body, const char *region,
                      const char *service, const em_sigv4_check_key *key,
                      uint64_t now_ms);

#endif
