#include "cmd/wrap.h"

#include "aws/kms.h"
#include "cmd/group.h"
#include "os/clock.h"
#include "os/file.h"
#include "wire/text.h"

#include <stdio.h>

enum { MAX_ROOTS = 16, MAX_PEM = 256 << 10, ROOT_DER = 2048, WAIT_MS = 30 * 1000 };

static em_err say(const em_wrap *w, em_err err, const char *what, const char *hint)
{
    (void)em_group_fail(w->program, what, err, hint);
    return err;
}

static em_err read_roots(const em_wrap *w, uint8_t der[MAX_ROOTS + 1][ROOT_DER],
                         em_bytes roots[MAX_ROOTS + 1], size_t *ret_n)
{
    static uint8_t file[MAX_PEM];
    size_t len, n = 0;

    em_err err = em_file_read(w->roots, file, sizeof file, &len);
    if (err != EM_OK) return say(w, err, w->roots, NULL);
    em_bytes rest = em_view(file, len);
    while (n <= MAX_ROOTS) {
        size_t der_len;
        if (em_text_from_pem(rest, "CERTIFICATE", der[n], ROOT_DER, &der_len, &rest) !=
            EM_OK)
            break;
        roots[n] = em_view(der[n], der_len);
        n++;
    }
    if (n > MAX_ROOTS)
        return say(w, EM_ERR_LIMIT, w->roots,
                   "--kms-roots takes 16 certificates at most.");
    if (n == 0)
        return say(w, EM_ERR_PEM, w->roots, "--kms-roots takes PEM certificates.");
    *ret_n = n;
    return EM_OK;
}

static em_err read_credentials(const em_wrap *w, em_credentials *ret_credentials)
{
    uint8_t file[EM_CREDENTIALS_JSON];
    size_t len;

    em_err err = em_file_read(w->credentials, file, sizeof file, &len);
    if (err == EM_OK) err = em_credentials_parse(em_view(file, len), ret_credentials);
    em_wipe(file, sizeof file);
    return err == EM_OK
               ? EM_OK
               : say(w, err, w->credentials,
                     "--credentials takes the JSON of the instance metadata service.");
}

static em_err open_kms(const em_wrap *w, uint64_t deadline_ms, em_http *ret_http)
{
    static uint8_t der[MAX_ROOTS + 1][ROOT_DER]; /* one more: to see that it is */
    em_bytes roots[MAX_ROOTS + 1];
    uint8_t host[EM_ARN_HOST_MAX];
    em_out o = EM_OUT(host);
    em_address at;
    em_arn arn;
    size_t n;

    em_err err = em_arn_parse(em_view(w->key_arn, strlen(w->key_arn)), &arn);
    if (err != EM_OK) return say(w, err, w->key_arn, "--kms-key takes the ARN of a key.");
    em_arn_put_host(&o, &arn);
    EM_TRY(em_write_end(&o));
    EM_TRY(read_roots(w, der, roots, &n));
    err = em_address_parse(em_view(w->connect, strlen(w->connect)), &at);
    if (err == EM_OK)
        err = em_http_open_tls(&at, em_write_view(&o), roots, n, em_clock_wall_ms(),
                               deadline_ms, ret_http);
    return err == EM_OK ? EM_OK : say(w, err, w->connect, NULL);
}

em_err em_wrap_key(void *arg, const em_content_key *key, const em_manifest_body *body,
                   const uint8_t manifest_hash[EM_MANIFEST_HASH_LEN], em_out *wrapped)
{
    const em_wrap *w = arg;
    EM_DROP(em_credentials) credentials = {0};
    EM_DROP(em_http) http = {0};
    uint64_t deadline_ms = em_clock_deadline(WAIT_MS);
    uint8_t blob[EM_MAX_WRAPPED_KEY];
    em_sigv4_pair pair[EM_MANIFEST_CONTEXT];
    em_manifest_context context;
    em_kms_refusal refusal = {0};
    size_t len;

    em_manifest_context_of(body, manifest_hash, &context);
    for (size_t i = 0; i < EM_COUNT(pair); i++)
        pair[i] = (em_sigv4_pair){context.name[i], context.value[i]};
    EM_TRY(read_credentials(w, &credentials));
    EM_TRY(open_kms(w, deadline_ms, &http));
    const em_kms kms = {.key_arn = em_view(w->key_arn, strlen(w->key_arn)),
                        .credentials = &credentials,
                        .context = pair,
                        .n_context = EM_COUNT(pair),
                        .now_ms = em_clock_wall_ms()};
    em_err err = em_kms_encrypt(&http, &kms, EM_BYTES(key->b), deadline_ms, blob,
                                sizeof blob, &len, &refusal);
    if (err == EM_ERR_AWS_REFUSED)
        fprintf(stderr, "%s: KMS says: %s: %s\n", w->program, refusal.type,
                refusal.message);
    EM_TRY(err);
    em_write_bytes(wrapped, em_view(blob, len));
    return em_write_end(wrapped);
}
