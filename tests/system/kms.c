/* The twin's KMS asked by our own client's requests: what it does for whom, and each
 * alteration of a signed request. */
#include "aws/kms.h"
#include "crypto/cms.h"
#include "tests/system/local.h"
#include "twin/kms_state.h"
#include "twin/sigv4_check.h"
#include "wire/text.h"

#include <jansson.h>

#define DECRYPT "TrentService.Decrypt"
#define ENCRYPT "TrentService.Encrypt"

static em_kms_state kms;
static em_rsa_key rsa;
static uint8_t document[EM_MAX_DOCUMENT];
static size_t document_len;
static char arn[EM_KMS_STATE_ARN], other_arn[EM_KMS_STATE_ARN];
static uint8_t blob[EM_KMS_MAX_BLOB];
static size_t blob_len;
static const em_sigv4_pair context[] = {{EM_STR("em:model"), EM_STR("small")},
                                        {EM_STR("em:version"), EM_STR("3")}};
static const em_sigv4_pair other[] = {{EM_STR("em:model"), EM_STR("large")},
                                      {EM_STR("em:version"), EM_STR("3")}};

static em_kms ask_of(const em_sigv4_pair *pairs, size_t n)
{
    return (em_kms){.key_arn = em_view(arn, strlen(arn)),
                    .context = pairs,
                    .n_context = n,
                    .now_ms = em_clock_wall_ms()};
}

/* One call; the exception's name, "" for none. */
static const char *call(const char *target, em_bytes body, json_t **ret_answer)
{
    static char type[64];
    static json_t *last;
    unsigned status = 0;

    json_decref(last);
    last = em_kms_state_call(&kms, target, body, em_clock_wall_ms(), &status);
    const char *name = json_string_value(json_object_get(last, "__type"));
    snprintf(type, sizeof type, "%s", name != NULL ? name : "");
    CHECK(status == (name == NULL ? 200 : 400));
    if (ret_answer != NULL) *ret_answer = last;
    return type;
}

static em_bytes decrypt_body(const em_kms *ask, em_bytes sealed, em_bytes doc)
{
    em_out o = em_out_over(test_alloc(64 << 10), 64 << 10);

    local_must(em_kms_put_decrypt(&o, ask, sealed, doc), "body");
    return em_write_view(&o);
}

static const char *decrypt(const em_sigv4_pair *pairs, size_t n, em_bytes doc)
{
    const em_kms ask = ask_of(pairs, n);

    return call(DECRYPT, decrypt_body(&ask, em_view(blob, blob_len), doc), NULL);
}

static em_bytes doc(void)
{
    return em_view(document, document_len);
}

static void fresh_document(void)
{
    uint8_t spki[EM_RSA_SPKI_MAX];
    size_t len;

    local_must(em_rsa_spki(&rsa, spki, &len), "spki");
    local_must(em_attestor_document(&here.attestor, (em_bytes){0}, (em_bytes){0},
                                    em_view(spki, len), document, &document_len),
               "document");
}

static json_t *policy_for(const uint8_t *pcr0)
{
    char hex[2 * EM_PCR_LEN + 1] = {0};
    em_out o = em_out_over(hex, sizeof hex - 1);

    em_write_hex(&o, em_view(pcr0, EM_PCR_LEN));
    return json_pack("{s:[{s:s,s:s},{s:s,s:s,s:{s:{s:s}}}]}", "Statement", "Effect",
                     "Allow", "Action", "kms:Encrypt", "Effect", "Allow", "Action",
                     "kms:Decrypt", "Condition", "StringEquals",
                     "kms:RecipientAttestation:PCR0", hex);
}

static void set_policy(json_t *policy)
{
    CHECK_OK(em_kms_state_set_policy(&kms, arn, policy));
    json_decref(policy);
}

static void encrypt_and_decrypt_for_the_attested(void)
{
    const em_kms ask = ask_of(context, 2);
    em_out o = em_out_over(test_alloc(64 << 10), 64 << 10);
    json_t *answer;
    uint8_t cms[EM_CMS_MAX], plain[64];
    size_t len = 0, cms_len = 0;

    CHECK_OK(em_kms_put_encrypt(&o, &ask, EM_STR("thirty-two bytes of a content ke")));
    REQUIRE(strcmp(call(ENCRYPT, em_write_view(&o), &answer), "") == 0);
    const char *text = json_string_value(json_object_get(answer, "CiphertextBlob"));
    REQUIRE(text != NULL);
    CHECK_OK(
        em_text_from_base64(em_view(text, strlen(text)), blob, sizeof blob, &blob_len));
    for (int definite = 0; definite < 2; definite++) {
        kms.definite = definite != 0;
        fresh_document();
        const char *type =
            call(DECRYPT, decrypt_body(&ask, em_view(blob, blob_len), doc()), &answer);
        CHECK(strcmp(type, "") == 0);
        CHECK(json_object_get(answer, "Plaintext") == NULL);
        char *dump = json_dumps(answer, JSON_COMPACT);
        CHECK_OK(em_kms_decrypted(200, em_view(dump, strlen(dump)), ask.key_arn, cms,
                                  sizeof cms, &cms_len, NULL));
        free(dump);
        CHECK_OK(em_cms_open(&rsa, em_view(cms, cms_len), plain, sizeof plain, &len));
        CHECK(em_same(em_view(plain, len), EM_STR("thirty-two bytes of a content ke")));
    }
    kms.definite = false;
}

static void only_in_the_context_it_was_made_in(void)
{
    const em_sigv4_pair swapped[] = {context[1], context[0]};

    fresh_document();
    CHECK(strcmp(decrypt(context, 2, doc()), "") == 0);
    CHECK(strcmp(decrypt(swapped, 2, doc()), "") == 0);
    CHECK(strcmp(decrypt(other, 2, doc()), "InvalidCiphertextException") == 0);
    CHECK(strcmp(decrypt(context, 1, doc()), "InvalidCiphertextException") == 0);
    CHECK(strcmp(decrypt(NULL, 0, doc()), "InvalidCiphertextException") == 0);
}

static void only_under_its_own_key(void)
{
    em_kms ask = ask_of(context, 2);
    uint8_t bad[EM_KMS_MAX_BLOB];

    fresh_document();
    ask.key_arn = em_view(other_arn, strlen(other_arn));
    CHECK(strcmp(call(DECRYPT, decrypt_body(&ask, em_view(blob, blob_len), doc()), NULL),
                 "IncorrectKeyException") == 0);
    ask = ask_of(context, 2);
    memcpy(bad, blob, blob_len);
    for (size_t i = 0; i < blob_len; i += 7) {
        bad[i] ^= 1;
        CHECK(
            strcmp(call(DECRYPT, decrypt_body(&ask, em_view(bad, blob_len), doc()), NULL),
                   "") != 0);
        bad[i] ^= 1;
    }
    for (size_t len = 1; len < blob_len; len += 9)
        CHECK(strcmp(call(DECRYPT, decrypt_body(&ask, em_view(bad, len), doc()), NULL),
                     "") != 0);
}

static void only_for_whom_the_policy_names(void)
{
    uint8_t zero[EM_PCR_LEN] = {0};

    fresh_document();
    set_policy(policy_for(here.pcr[1].pcr)); /* another image's */
    CHECK(strcmp(decrypt(context, 2, doc()), "AccessDeniedException") == 0);
    set_policy(policy_for(zero));
    CHECK(strcmp(decrypt(context, 2, doc()), "AccessDeniedException") == 0);
    set_policy(policy_for(here.pcr[0].pcr));
    CHECK(strcmp(decrypt(context, 2, doc()), "") == 0);
    /* without a Recipient there is no measurement to compare */
    json_t *plain =
        json_pack("{s:s,s:s,s:{s:s,s:s}}", "KeyId", arn, "CiphertextBlob", "",
                  "EncryptionContext", "em:model", "small", "em:version", "3");
    em_out o = em_out_over(test_alloc(1024), 1024);
    em_text_put_base64(&o, em_view(blob, blob_len));
    json_object_set_new(plain, "CiphertextBlob", json_stringn((const char *)o.at, o.len));
    char *text = json_dumps(plain, JSON_COMPACT);
    CHECK(strcmp(call(DECRYPT, em_view(text, strlen(text)), NULL),
                 "AccessDeniedException") == 0);
    free(text);
    json_decref(plain);
    json_t *bad = json_pack("{s:[]}", "Statement");
    CHECK_ERR(em_kms_state_set_policy(&kms, arn, bad), EM_ERR_POLICY_MALFORMED);
    json_decref(bad);
}

static void documents_that_do_not_count(void)
{
    uint8_t bad[EM_MAX_DOCUMENT];
    em_nsm_state kept = here.nsm;

    fresh_document();
    memcpy(bad, document, document_len);
    bad[document_len - 1] ^= 1;
    CHECK(strcmp(decrypt(context, 2, em_view(bad, document_len)),
                 "ValidationException") == 0);
    CHECK(strcmp(decrypt(context, 2, EM_STR("no document")), "ValidationException") == 0);
    /* no public key in it; one that is no RSA key */
    local_must(em_attestor_document(&here.attestor, EM_STR("n"), (em_bytes){0},
                                    (em_bytes){0}, document, &document_len),
               "document");
    CHECK(strcmp(decrypt(context, 2, doc()), "ValidationException") == 0);
    kms.villain.trusts_anyone = true;
    CHECK(strcmp(decrypt(context, 2, doc()), "ValidationException") == 0);
    kms.villain.trusts_anyone = false;
    local_must(em_attestor_document(&here.attestor, EM_STR("n"), (em_bytes){0},
                                    EM_STR("key"), document, &document_len),
               "document");
    CHECK(strcmp(decrypt(context, 2, doc()), "ValidationException") == 0);
    here.nsm.debug_after = 1;
    fresh_document();
    CHECK(strcmp(decrypt(context, 2, doc()), "ValidationException") == 0);
    here.nsm = kept;
    here.nsm.skew_ms = -20 * 60 * 1000;
    fresh_document();
    CHECK(strcmp(decrypt(context, 2, doc()), "ValidationException") == 0);
    here.nsm = kept;
    kms.root_sha256[0] ^= 1; /* documents of another root */
    fresh_document();
    CHECK(strcmp(decrypt(context, 2, doc()), "ValidationException") == 0);
    kms.root_sha256[0] ^= 1;
    CHECK(strcmp(decrypt(context, 2, doc()), "") == 0);
}

static void bodies_that_are_no_requests(void)
{
    static const char *const bad[] = {
        "",
        "{",
        "7",
        "[]",
        "{}",
        "{\"CiphertextBlob\":7}",
        "{\"CiphertextBlob\":\"AAAA\",\"CiphertextBlob\":\"AAAA\"}",
        "{\"KeyId\":\"x\",\"Plaintext\":\"\"}",
        "{\"KeyId\":\"00000000-0000-4000-8000-000000000000\",\"Plaintext\":\"AAAA\"}",
        "{\"KeyId\":\"../../../../../etc/passwd-4000-8000-0\",\"Plaintext\":\"AAAA\"}",
    };

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("%s", bad[i]);
        CHECK(strcmp(call(ENCRYPT, em_view(bad[i], strlen(bad[i])), NULL), "") != 0);
        CHECK(strcmp(call(DECRYPT, em_view(bad[i], strlen(bad[i])), NULL), "") != 0);
        CHECK(strcmp(
                  call("TrentService.DescribeKey", em_view(bad[i], strlen(bad[i])), NULL),
                  "") != 0);
    }
    test_note("%s", "");
    CHECK(strcmp(call("TrentService.DeleteKey", EM_STR("{}"), NULL),
                 "UnknownOperationException") == 0);
    CHECK(strcmp(call("", EM_STR("{}"), NULL), "UnknownOperationException") == 0);
}

/* ---- signatures ---- */

static em_sigv4_check_key signer_key = {.id = "ASIATESTTESTTESTTEST",
                                        .secret =
                                            "secret/secret/secret/secret/secret/secr",
                                        .token = "a token"};
static uint64_t now_ms;

/* A request as aws/kms signs them. */
static em_bytes signed_request(bool token)
{
    em_credentials c = {0};
    em_out o = em_out_over(test_alloc(8192), 8192);
    em_bytes body = EM_STR("{\"a\":  1}");
    const em_sigv4_pair fields[] = {
        {EM_STR("Content-Type"), EM_STR("application/x-amz-json-1.1")},
        {EM_STR("Host"), EM_STR("kms.eu-central-1.amazonaws.com")},
        {EM_STR("X-Amz-Target"), EM_STR("TrentService.Decrypt")}};
    const em_sigv4_request request = {.method = EM_STR("POST"),
                                      .path = EM_STR("/"),
                                      .field = fields,
                                      .n_fields = 3,
                                      .payload = body};
    const em_sigv4_scope scope = {EM_STR("eu-central-1"), EM_STR("kms"), now_ms};

    c.id_len = strlen(signer_key.id);
    memcpy(c.id, signer_key.id, c.id_len);
    c.secret_len = strlen(signer_key.secret);
    memcpy(c.secret, signer_key.secret, c.secret_len);
    c.token_len = token ? 7 : 0;
    memcpy(c.token, "a token", c.token_len);
    em_write_bytes(&o, EM_STR("POST / HTTP/1.1\r\nContent-Length: 9\r\n"));
    for (size_t i = 0; i < 3; i++) {
        em_write_bytes(&o, fields[i].name);
        em_write_bytes(&o, EM_STR(": "));
        em_write_bytes(&o, fields[i].value);
        em_write_bytes(&o, EM_STR("\r\n"));
    }
    local_must(em_sigv4_put_fields(&o, &request, &scope, &c), "sign");
    em_write_bytes(&o, EM_STR("\r\n"));
    em_write_bytes(&o, body);
    local_must(em_write_end(&o), "request");
    em_credentials_drop(&c);
    return em_write_view(&o);
}

static em_err check(em_bytes request)
{
    em_http1_head head;

    EM_TRY(em_http1_request(request, &head));
    return em_sigv4_check(&head, em_view(request.at + head.len, request.len - head.len),
                          "eu-central-1", "kms", &signer_key, now_ms);
}

/* The request with `old` replaced, once. */
static em_bytes altered(em_bytes request, const char *old, const char *new)
{
    uint8_t *at = test_alloc(request.len + 200);
    const uint8_t *hit = memmem(request.at, request.len, old, strlen(old));
    if (hit == NULL) {
        printf("  no \"%s\"\n", old);
        abort();
    }
    size_t front = (size_t)(hit - request.at), back = request.len - front - strlen(old);

    memcpy(at, request.at, front);
    memcpy(at + front, new, strlen(new));
    memcpy(at + front + strlen(new), hit + strlen(old), back);
    return em_view(at, front + strlen(new) + back);
}

static void our_own_signatures_are_accepted(void)
{
    now_ms = em_clock_wall_ms();
    em_bytes r = signed_request(true);
    CHECK_OK(check(r));
    /* order and case of other headers, and more of them, do not matter */
    CHECK_OK(
        check(altered(r, "POST / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nUser-Agent: x\r\n")));
    CHECK_OK(check(altered(r, "Content-Type: ", "content-type:  ")));
    signer_key.token[0] = 0;
    CHECK_OK(check(signed_request(false)));
    memcpy(signer_key.token, "a token", 8);
}

static void every_alteration_is_refused(void)
{
    static const struct {
        const char *old, *new;
        em_err err;
    } changes[] = {
        {"POST / ", "GET / ", EM_ERR_SIG_FAILED},
        {"POST / ", "POST /x ", EM_ERR_SIG_FAILED},
        {"POST / ", "POST /?x ", EM_ERR_SIG_FAILED},
        {"eu-central-1.amazonaws", "eu-central-2.amazonaws", EM_ERR_SIG_FAILED},
        {"TrentService.Decrypt", "TrentService.Encrypt", EM_ERR_SIG_FAILED},
        {"json-1.1", "json-1.0", EM_ERR_SIG_FAILED},
        {"{\"a\":  1}", "{\"a\":  2}", EM_ERR_SIG_FAILED},
        {"{\"a\":  1}", "{\"a\": 1} ", EM_ERR_SIG_FAILED},
        {"a token", "b token", EM_ERR_CREDENTIALS},
        {"X-Amz-Security-Token: a token\r\n", "", EM_ERR_CREDENTIALS},
        {"ASIATEST", "ASIATESS", EM_ERR_CREDENTIALS},
        {"/eu-central-1/kms", "/eu-west-1/kms", EM_ERR_CREDENTIALS},
        {"/eu-central-1/kms", "/eu-central-1/s3", EM_ERR_CREDENTIALS},
        {"/aws4_request", "/aws4_reques", EM_ERR_CREDENTIALS},
        {"AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA1 ", EM_ERR_CREDENTIALS},
        {"Authorization: ", "Authorisation: ", EM_ERR_CREDENTIALS},
        {"Signature=", "Signature=0", EM_ERR_CREDENTIALS},
        {"SignedHeaders=content-type;", "SignedHeaders=", EM_ERR_SIG_FAILED},
        {";x-amz-target", "", EM_ERR_SIG_FAILED},
        {"host;", "", EM_ERR_SIG_FAILED},
        {"x-amz-date;", "", EM_ERR_SIG_FAILED},
        {"\r\nHost:", "\r\nX-Amz-Other: 1\r\nHost:", EM_ERR_SIG_FAILED},
        {"X-Amz-Date: ", "X-Amz-Dat: ", EM_ERR_SIG_FAILED},
    };

    now_ms = em_clock_wall_ms();
    em_bytes good = signed_request(true);
    for (size_t i = 0; i < EM_COUNT(changes); i++) {
        test_note("%s -> %s", changes[i].old, changes[i].new);
        CHECK_ERR(check(altered(good, changes[i].old, changes[i].new)), changes[i].err);
    }
    test_note("%s", "");
    signer_key.secret[0] ^= 1;
    CHECK_ERR(check(good), EM_ERR_SIG_FAILED);
    signer_key.secret[0] ^= 1;
}

static void signatures_age(void)
{
    now_ms = em_clock_wall_ms();
    em_bytes r = signed_request(true);
    uint64_t made = now_ms;

    now_ms = made + 4 * 60 * 1000;
    CHECK_OK(check(r));
    now_ms = made + 6 * 60 * 1000;
    CHECK_ERR(check(r), EM_ERR_STALE_DOCUMENT);
    now_ms = made - 4 * 60 * 1000;
    CHECK_OK(check(r));
    now_ms = made - 6 * 60 * 1000;
    CHECK_ERR(check(r), EM_ERR_STALE_DOCUMENT);
    now_ms = made;
}

static bool accepts(em_bytes request, void *arg)
{
    (void)arg;
    return check(request) == EM_OK;
}

static void cuts_and_flips(void)
{
    now_ms = em_clock_wall_ms();
    em_bytes r = signed_request(true);
    test_abuse_result got = test_abuse(r, accepts, NULL);

    CHECK(got.cuts_accepted == 0);
    /* what a flip may change unseen: the version, the length (not this room's), letters'
     * case in names, white space */
    CHECK(got.flips_accepted < 60);
}

int main(void)
{
    local_start();
    snprintf(kms.folder, sizeof kms.folder, "%s", test_folder);
    memcpy(kms.region, "eu-central-1", 13);
    memcpy(kms.account, "111122223333", 13);
    memcpy(kms.root_sha256, here.root.sha256, 32);
    local_must(em_file_make_folder(folder_path("keys"), 0700), "folder");
    local_must(em_rsa_generate(&rsa), "rsa");
    json_t *policy = policy_for(here.pcr[0].pcr);
    local_must(em_kms_state_create(&kms, policy, arn), "key");
    local_must(em_kms_state_create(&kms, NULL, other_arn), "key");
    json_decref(policy);
    RUN(encrypt_and_decrypt_for_the_attested);
    RUN(only_in_the_context_it_was_made_in);
    RUN(only_under_its_own_key);
    RUN(only_for_whom_the_policy_names);
    RUN(documents_that_do_not_count);
    RUN(bodies_that_are_no_requests);
    RUN(our_own_signatures_are_accepted);
    RUN(every_alteration_is_refused);
    RUN(signatures_age);
    RUN(cuts_and_flips);
    em_rsa_key_drop(&rsa);
    local_stop();
    return test_end();
}
