/* covers: aws/kms.c aws/arn.c
 *
 * KMS's answers and ARNs.  The first byte chooses the status and the operation. */
#include "aws/kms.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAP = 4096 };

static const em_bytes key = EM_STR(
    "arn:aws:kms:eu-central-1:123456789012:key/12345678-90ab-cdef-0123-456789abcdef");

static void check_refusal(const em_kms_refusal *r)
{
    if (memchr(r->type, 0, sizeof r->type) == NULL) abort();
    if (memchr(r->message, 0, sizeof r->message) == NULL) abort();
    for (const char *p = r->message; *p != 0; p++)
        if (*p < 0x20 || *p >= 0x7F) abort();
}

static void check_arn(em_bytes text)
{
    uint8_t buf[EM_ARN_HOST_MAX];
    em_out o = EM_OUT(buf);
    em_arn arn;

    if (em_arn_parse(text, &arn) != EM_OK) return;
    em_arn_put_host(&o, &arn);
    if (em_write_end(&o) != EM_OK) abort();
    for (size_t i = 0; i < o.len; i++)
        if (buf[i] <= ' ' || buf[i] == '/' || buf[i] == ':') abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[CAP];
    em_kms_refusal refusal = {0};
    size_t len = SIZE_MAX;

    if (size == 0) return 0;
    uint8_t *copy = malloc(size);
    memcpy(copy, data, size);
    em_bytes in = {copy + 1, size - 1};
    unsigned status = copy[0] & 1 ? 400 : 200;
    em_err err;
    if (copy[0] & 4) check_arn(in);
    err = copy[0] & 2 ? em_kms_encrypted(status, in, key, out, CAP, &len, &refusal)
                      : em_kms_decrypted(status, in, key, out, CAP, &len, &refusal);
    if (err == EM_OK && (status != 200 || len == 0 || len > CAP)) abort();
    if (err != EM_OK && len != SIZE_MAX) abort();
    check_refusal(&refusal);
    free(copy);
    return 0;
}
