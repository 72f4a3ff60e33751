#include "enclave/release.h"

#include "aws/kms.h"
#include "crypto/cms.h"
#include "os/thread.h"

enum { CREDENTIALS_WAIT_MS = 10 * 1000, KMS_WAIT_MS = 30 * 1000, PAUSE_MS = 250 };
enum { SERVER_FAULT = 500 }; /* HTTP: from here on the server's own */

/* A document that binds this request's RSA key, and says what it is for. */
static em_err make_document(em_attestor *attestor, const em_rsa_key *rsa,
                            uint8_t ret_document[EM_MAX_DOCUMENT], size_t *ret_len)
{
    const em_user_data data = {.purpose = EM_PURPOSE_KMS};
    uint8_t spki[EM_RSA_SPKI_MAX], user_data[EM_MAX_USER_DATA];
    em_out o = EM_OUT(user_data);
    size_t len;

    EM_TRY(em_rsa_spki(rsa, spki, &len));
    em_hello_put_user_data(&o, &data);
    EM_TRY(em_write_end(&o));
    return em_attestor_document(attestor, (em_bytes){0}, em_write_view(&o),
                                em_view(spki, len), ret_document, ret_len);
}

static em_err get_credentials(const em_config *config, em_credentials *ret_credentials)
{
    static const char target[] = "/credentials";
    EM_DROP(em_http) http = {0};
    uint64_t deadline_ms = em_clock_deadline(CREDENTIALS_WAIT_MS);

    EM_TRY(em_http_open(&config->credentials, deadline_ms, &http));
    return em_credentials_get(&http, EM_STR("credentials"),
                              em_view(target, sizeof target - 1), deadline_ms,
                              ret_credentials);
}

static em_err open_kms(const em_config *config, const em_time *time, em_bytes key_arn,
                       uint64_t deadline_ms, em_http *ret_http)
{
    em_bytes root[EM_CONFIG_ROOTS];
    uint8_t host[EM_ARN_HOST_MAX];
    em_out o = EM_OUT(host);
    em_arn arn;

    EM_TRY(em_arn_parse(key_arn, &arn));
    em_arn_put_host(&o, &arn);
    EM_TRY(em_write_end(&o));
    for (size_t i = 0; i < config->n_roots; i++)
        root[i] = em_view(config->root[i].der, config->root[i].len);
    return em_http_open_tls(&config->kms, em_write_view(&o), root, config->n_roots,
                            em_time_now_ms(time), deadline_ms, ret_http);
}

/* CMS, length and commitment fail alike. */
static em_err open_answer(const em_rsa_key *rsa, em_bytes cms,
                          const em_manifest *manifest, em_content_key *ret_key)
{
    EM_DROP(em_content_key) key = {0};
    uint8_t plain[EM_CMS_MAX];
    size_t len = 0;

    bool good =
        em_cms_open(rsa, cms, plain, sizeof plain, &len) == EM_OK && len == sizeof key.b;
    if (good) memcpy(key.b, plain, sizeof key.b);
    em_wipe(plain, sizeof plain);
    if (!good || em_manifest_check_key(&manifest->body, &key) != EM_OK)
        return EM_ERR_KEY_RELEASE;
    memcpy(ret_key, &key, sizeof key);
    return EM_OK;
}

static em_err ask_once(const em_config *config, em_attestor *attestor,
                       const em_time *time, const em_manifest *manifest, em_bytes wrapped,
                       em_kms_refusal *ret_refusal, em_content_key *ret_key)
{
    EM_DROP(em_rsa_key) rsa = {0};
    EM_DROP(em_credentials) credentials = {0};
    EM_DROP(em_http) http = {0};
    uint8_t document[EM_MAX_DOCUMENT], cms[EM_CMS_MAX];
    uint64_t deadline_ms = em_clock_deadline(KMS_WAIT_MS);
    size_t document_len, cms_len;
    em_manifest_context context;
    em_sigv4_pair pair[EM_MANIFEST_CONTEXT];

    em_manifest_context_of(&manifest->body, manifest->hash, &context);
    for (size_t i = 0; i < EM_COUNT(pair); i++)
        pair[i] = (em_sigv4_pair){context.name[i], context.value[i]};
    EM_TRY(get_credentials(config, &credentials));
    EM_TRY(em_rsa_generate(&rsa));
    EM_TRY(make_document(attestor, &rsa, document, &document_len));
    EM_TRY(open_kms(config, time, manifest->body.kms_key, deadline_ms, &http));
    const em_kms kms = {.key_arn = manifest->body.kms_key,
                        .credentials = &credentials,
                        .context = pair,
                        .n_context = EM_COUNT(pair),
                        .now_ms = em_time_now_ms(time)};
    EM_TRY(em_kms_decrypt(&http, &kms, wrapped, em_view(document, document_len),
                          deadline_ms, cms, sizeof cms, &cms_len, ret_refusal));
    return open_answer(&rsa, em_view(cms, cms_len), manifest, ret_key);
}

/* Could the same question have another answer?  A line that broke and a server in
 * trouble: yes.  A refusal, a wrong certificate, bytes that do not open: no, and asking
 * again would only give whoever stands in between more to work with. */
static bool is_worth_asking_again(em_err err, const em_kms_refusal *refusal)
{
    switch (err) {
    case EM_ERR_CONNECT:
    case EM_ERR_CLOSED:
    case EM_ERR_TIMEOUT:
    case EM_ERR_IO:
    case EM_ERR_TRUNCATED:
    case EM_ERR_TLS:
    case EM_ERR_CREDENTIALS:
        return true;
    case EM_ERR_AWS_REFUSED:
        return refusal->status >= SERVER_FAULT;
    default:
        return false;
    }
}

em_err em_release_key(const em_config *config, em_attestor *attestor, const em_time *time,
                      const em_manifest *manifest, em_bytes wrapped,
                      em_content_key *ret_key)
{
    static unsigned failures; /* in the life of the process */
    em_kms_refusal refusal;
    em_err err = EM_ERR_KEY_RELEASE;

    while (failures < EM_KEY_RELEASE_TRIES) {
        refusal = (em_kms_refusal){0};
        err = ask_once(config, attestor, time, manifest, wrapped, &refusal, ret_key);
        if (err == EM_OK) return EM_OK;
        failures++;
        if (!is_worth_asking_again(err, &refusal)) return err;
        if (failures < EM_KEY_RELEASE_TRIES) em_thread_sleep_ms(PAUSE_MS * failures);
    }
    return err;
}
