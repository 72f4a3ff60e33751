/* ARNs, credentials, and KMS's requests and answers: good ones and hostile ones. */
#include "aws/kms.h"
#include "tests/support/test.h"

#include <jansson.h>

#define KEY                                                                              \
    "arn:aws:kms:eu-central-1:123456789012:key/12345678-90ab-cdef-0123-456789abcdef"

static em_bytes of(const char *text)
{
    return em_view(text, strlen(text));
}

static void arns(void)
{
    static const char *bad[] = {
        "",
        "arn",
        "arn:aws:kms:eu-central-1:123456789012:alias/name",
        "arn:aws:kms:eu-central-1:123456789012:key/",
        "arn:aws:kms:eu-central-1:123456789012:key/12345678-90ab-cdef-0123-456789abcde",
        "arn:aws:kms:eu-central-1:123456789012:key/12345678-90ab-cdef-0123-456789abcdef ",
        "arn:aws:kms:eu-central-1:123456789012:key/12345678-90AB-cdef-0123-456789abcdef",
        "arn:aws:kms:eu-central-1:123456789012:key/1234567890abcdef0123456789abcdef0000",
        "arn:aws:kms:eu-central-1:12345678901:key/12345678-90ab-cdef-0123-456789abcdef",
        "arn:aws:kms:eu-central-1:1234567890123:key/12345678-90ab-cdef-0123-456789abcdef",
        "arn:aws:kms::123456789012:key/12345678-90ab-cdef-0123-456789abcdef",
        "arn:aws:kms:evil.example:123456789012:key/12345678-90ab-cdef-0123-456789abcdef",
        "arn:aws:kms:-x-:123456789012:key/12345678-90ab-cdef-0123-456789abcdef",
        "arn:aws:kms:EU-central-1:123456789012:key/12345678-90ab-cdef-0123-456789abcdef",
        "arn:aws:kms:r/../x:123456789012:key/12345678-90ab-cdef-0123-456789abcdef",
        "arn:aws:s3:eu-central-1:123456789012:key/12345678-90ab-cdef-0123-456789abcdef",
        "arn:azure:kms:eu-central-1:123456789012:key/"
        "12345678-90ab-cdef-0123-456789abcdef",
        "xrn:aws:kms:eu-central-1:123456789012:key/12345678-90ab-cdef-0123-456789abcdef",
        KEY ":x",
        KEY "/x",
    };
    uint8_t buf[EM_ARN_HOST_MAX];
    em_out o = EM_OUT(buf);
    em_arn arn = {0};

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("%s", bad[i]);
        CHECK_ERR(em_arn_parse(of(bad[i]), &arn), EM_ERR_FORMAT);
    }
    CHECK(arn.region.len == 0);
    CHECK_OK(em_arn_parse(of(KEY), &arn));
    CHECK(em_same(arn.region, EM_STR("eu-central-1")));
    CHECK(em_same(arn.account, EM_STR("123456789012")) && arn.key_id.len == 36);
    em_arn_put_host(&o, &arn);
    CHECK(em_same(em_write_view(&o), EM_STR("kms.eu-central-1.amazonaws.com")));
    CHECK_OK(em_arn_parse(of("arn:aws-cn:kms:cn-north-1:123456789012:key/"
                             "mrk-0123456789abcdef0123456789abcdef"),
                          &arn));
    o = EM_OUT(buf);
    em_arn_put_host(&o, &arn);
    CHECK(em_same(em_write_view(&o), EM_STR("kms.cn-north-1.amazonaws.com.cn")));
}

static void credentials(void)
{
    static const char *bad[] = {
        "",
        "[]",
        "{}",
        "null",
        "{\"AccessKeyId\":\"A\"}",
        "{\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":1,\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":5}",
        "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":\"\"}",
        "{\"AccessKeyId\":\"A\\r\\nX: y\",\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":\"A B\",\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"\\u00e9\"}",
        "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Expiration\":\"soon\"}",
        "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Code\":\"Failed\"}",
        "{\"AccessKeyId\":\"A\",\"AccessKeyId\":\"B\",\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\"} x",
    };
    em_credentials c = {.id_len = 77};

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("%s", bad[i]);
        CHECK_ERR(em_credentials_parse(of(bad[i]), &c), EM_ERR_CREDENTIALS);
    }
    CHECK(c.id_len == 77);
    CHECK_OK(em_credentials_parse(of("{\"Code\":\"Success\",\"LastUpdated\":\"x\","
                                     "\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"ASIA1\","
                                     "\"SecretAccessKey\":\"a\\/b+c=\",\"Token\":\"t==\","
                                     "\"Expiration\":\"2026-11-22T10:20:30Z\"}"),
                                  &c));
    CHECK(em_same(em_view(c.id, c.id_len), EM_STR("ASIA1")));
    CHECK(em_same(em_view(c.secret, c.secret_len), EM_STR("a/b+c=")));
    CHECK(em_same(em_view(c.token, c.token_len), EM_STR("t==")));
    CHECK(c.expires_ms == 1795342830000);
    CHECK(!em_credentials_expired(&c, c.expires_ms - 60001));
    CHECK(em_credentials_expired(&c, c.expires_ms - 60000));
    CHECK_OK(em_credentials_parse(
        of("{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":null}"), &c));
    CHECK(c.token_len == 0 && c.expires_ms == 0);
    CHECK(!em_credentials_expired(&c, UINT64_MAX));
    uint8_t *big = test_alloc(EM_CREDENTIALS_JSON + 1);
    memset(big, ' ', EM_CREDENTIALS_JSON + 1);
    memcpy(big, "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\"}", 41);
    CHECK_OK(em_credentials_parse(em_view(big, EM_CREDENTIALS_JSON), &c));
    CHECK_ERR(em_credentials_parse(em_view(big, EM_CREDENTIALS_JSON + 1), &c),
              EM_ERR_CREDENTIALS);
}

static const char *text_at(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void request_bodies(void)
{
    const em_sigv4_pair context[] = {{EM_STR("em:model"), EM_STR("a \"b\"")},
                                     {EM_STR("em:version"), EM_STR("7")}};
    em_kms kms = {.key_arn = of(KEY), .context = context, .n_context = 2};
    uint8_t buf[1024];
    em_out o = EM_OUT(buf);

    CHECK_OK(em_kms_put_decrypt(&o, &kms, EM_STR("blob"), EM_STR("document")));
    json_t *body = json_loadb((const char *)buf, o.len, JSON_REJECT_DUPLICATES, NULL);
    REQUIRE(body != NULL);
    CHECK(json_object_size(body) == 5);
    CHECK(strcmp(text_at(body, "KeyId"), KEY) == 0);
    CHECK(strcmp(text_at(body, "CiphertextBlob"), "YmxvYg==") == 0);
    CHECK(strcmp(text_at(body, "EncryptionAlgorithm"), "SYMMETRIC_DEFAULT") == 0);
    const json_t *pairs = json_object_get(body, "EncryptionContext");
    CHECK(json_object_size(pairs) == 2);
    CHECK(strcmp(text_at(pairs, "em:model"), "a \"b\"") == 0);
    const json_t *recipient = json_object_get(body, "Recipient");
    CHECK(json_object_size(recipient) == 2);
    CHECK(strcmp(text_at(recipient, "KeyEncryptionAlgorithm"), "RSAES_OAEP_SHA_256") ==
          0);
    CHECK(strcmp(text_at(recipient, "AttestationDocument"), "ZG9jdW1lbnQ=") == 0);
    json_decref(body);

    o = EM_OUT(buf);
    kms.n_context = 0;
    CHECK_OK(em_kms_put_encrypt(&o, &kms, EM_STR("key")));
    CHECK(
        em_same(em_write_view(&o), of("{\"KeyId\":\"" KEY "\",\"Plaintext\":\"a2V5\"}")));
    o = em_out_over(buf, 50);
    CHECK_ERR(em_kms_put_encrypt(&o, &kms, EM_STR("key")), EM_ERR_FULL);
    o = EM_OUT(buf);
    CHECK_ERR(em_kms_put_encrypt(&o, &kms, EM_STR("")), EM_ERR_LIMIT);
    CHECK_ERR(em_kms_put_decrypt(&o, &kms, EM_STR(""), EM_STR("d")), EM_ERR_LIMIT);
    CHECK_ERR(em_kms_put_decrypt(&o, &kms, EM_STR("b"), EM_STR("")), EM_ERR_LIMIT);
    em_bytes long_one = {test_alloc(EM_MAX_DOCUMENT + 1), EM_MAX_DOCUMENT + 1};
    CHECK_ERR(em_kms_put_decrypt(&o, &kms, EM_STR("b"), long_one), EM_ERR_LIMIT);
    CHECK_ERR(em_kms_put_encrypt(&o, &kms, long_one), EM_ERR_LIMIT);
    kms.n_context = EM_KMS_MAX_CONTEXT + 1;
    CHECK_ERR(em_kms_put_encrypt(&o, &kms, EM_STR("key")), EM_ERR_LIMIT);
}

static const char good_answer[] =
    "{\"KeyId\":\"" KEY "\",\"CiphertextForRecipient\":\"Zm9vYmFy\","
    "\"EncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\",\"KeyMaterialId\":\"x\"}";

static void good_answers(void)
{
    uint8_t out[64];
    size_t len = 0;

    CHECK_OK(em_kms_decrypted(200, of(good_answer), of(KEY), out, 64, &len, NULL));
    CHECK(em_same(em_view(out, len), EM_STR("foobar")));
    CHECK_OK(em_kms_encrypted(200,
                              of("{\"CiphertextBlob\":\"AA==\",\"KeyId\":\"" KEY "\"}"),
                              of(KEY), out, 64, &len, NULL));
    CHECK(len == 1 && out[0] == 0);
}

static void hostile_answers(void)
{
    static const char *bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"KeyId\":\"" KEY "\"}",
        "{\"CiphertextForRecipient\":\"Zm9v\"}",
        "{\"KeyId\":\"" KEY "x\",\"CiphertextForRecipient\":\"Zm9v\"}",
        "{\"KeyId\":\"12345678-90ab-cdef-0123-456789abcdef\",\"CiphertextForRecipient\":"
        "\"Zm9v\"}",
        "{\"KeyId\":1,\"CiphertextForRecipient\":\"Zm9v\"}",
        "{\"KeyId\":\"" KEY "\",\"CiphertextForRecipient\":\"\"}",
        "{\"KeyId\":\"" KEY "\",\"CiphertextForRecipient\":null}",
        "{\"KeyId\":\"" KEY "\",\"CiphertextForRecipient\":\"Zm9\"}",
        "{\"KeyId\":\"" KEY "\",\"CiphertextForRecipient\":\"Zm9v\\n\"}",
        "{\"KeyId\":\"" KEY "\",\"CiphertextForRecipient\":\"Zm9v\",\"Plaintext\":\"\"}",
        "{\"KeyId\":\"" KEY "\",\"CiphertextForRecipient\":\"Zm9v\",\"Plaintext\":null}",
        "{\"KeyId\":\"" KEY "\",\"CiphertextForRecipient\":\"Zm9v\",\"Pl\\u0061intext\":"
        "\"a\"}",
        "{\"KeyId\":\"" KEY "\",\"KeyId\":\"" KEY
        "\",\"CiphertextForRecipient\":\"Zm9v\"}",
        "{\"KeyId\":\"" KEY "\",\"CiphertextBlob\":\"Zm9v\"}",
        "{\"KeyId\":\"" KEY "\",\"CiphertextForRecipient\":\"Zm9vYmFyZm9vYmFy\"}",
    };
    uint8_t out[8] = {7};
    size_t len = 5;
    em_kms_refusal refusal = {.status = 1};

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("%s", bad[i]);
        CHECK_ERR(
            em_kms_decrypted(200, of(bad[i]), of(KEY), out, sizeof out, &len, &refusal),
            EM_ERR_AWS_ANSWER);
    }
    CHECK(out[0] == 7 && len == 5 && refusal.status == 1);
}

static void refusals(void)
{
    static const struct {
        const char *body, *type, *message;
    } table[] = {
        {"{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}",
         "AccessDeniedException", "no"},
        {"{\"__type\":\"com.amazonaws.kms#KMSInvalidStateException\",\"Message\":\"x\"}",
         "KMSInvalidStateException", "x"},
        {"{\"__type\":\"A\\n\\u00e9B\"}", "A???B", ""},
        {"{\"__type\":7,\"message\":[]}", "", ""},
        {"<html>", "", ""},
        {"", "", ""},
        {"{\"__type\":"
         "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "\"}",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""},
    };
    uint8_t out[8];
    size_t len = 5;

    for (size_t i = 0; i < EM_COUNT(table); i++) {
        em_kms_refusal refusal = {0};
        test_note("%s", table[i].body);
        CHECK_ERR(em_kms_decrypted(400, of(table[i].body), of(KEY), out, sizeof out, &len,
                                   &refusal),
                  EM_ERR_AWS_REFUSED);
        CHECK(refusal.status == 400 && strcmp(refusal.type, table[i].type) == 0);
        CHECK(strcmp(refusal.message, table[i].message) == 0);
    }
    /* a good body under another status is none */
    CHECK_ERR(
        em_kms_decrypted(500, of(good_answer), of(KEY), out, sizeof out, &len, NULL),
        EM_ERR_AWS_REFUSED);
    CHECK(len == 5);
}

static bool parse(em_bytes input, void *arg)
{
    uint8_t out[64];
    size_t len;
    em_kms_refusal refusal;

    (void)arg;
    (void)!em_kms_decrypted(400, input, of(KEY), out, sizeof out, &len, &refusal);
    return em_kms_decrypted(200, input, of(KEY), out, sizeof out, &len, NULL) == EM_OK;
}

static void cut_and_flipped_answers(void)
{
    test_abuse_result r = test_abuse(of(good_answer), parse, NULL);

    CHECK(r.cuts_accepted == 0);
    CHECK(r.flips_accepted < strlen(good_answer));
}

int main(void)
{
    RUN(arns);
    RUN(credentials);
    RUN(request_bodies);
    RUN(good_answers);
    RUN(hostile_answers);
    RUN(refusals);
    RUN(cut_and_flipped_answers);
    return test_end();
}
