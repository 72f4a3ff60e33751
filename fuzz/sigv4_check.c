/* covers: twin/sigv4_check.c
 *
 * Signed requests, head and body.  One that is accepted is not accepted with another
 * body, key or time. */
#include "twin/sigv4_check.h"
#include "crypto/setup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS ((uint64_t)1800000000000)
enum { HOUR_MS = 3600 * 1000 };

static em_err check(const em_http1_head *head, em_bytes body, const char *secret,
                    uint64_t now_ms)
{
    em_sigv4_check_key key = {.id = "AKIAFUZZ", .token = "token"};

    memcpy(key.secret, secret, strlen(secret) + 1);
    return em_sigv4_check(head, body, "eu-central-1", "kms", &key, now_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_http1_head head;

    if (em_setup() != EM_OK) abort();
    if (em_http1_request(em_view(data, size), &head) != EM_OK) return 0;
    em_bytes body = em_view(data + head.len, size - head.len);
    if (check(&head, body, "secret", NOW_MS) != EM_OK) return 0;
    if (check(&head, EM_STR("another body"), "secret", NOW_MS) == EM_OK) abort();
    if (check(&head, body, "Secret", NOW_MS) == EM_OK) abort();
    if (check(&head, body, "secret", NOW_MS + HOUR_MS) == EM_OK) abort();
    return 0;
}
