#include "twin/kms_state.h"

#include "crypto/cms.h"
#include "crypto/sha2.h"
#include "os/entropy.h"
#include "trust/attest.h"
#include "twin/kms_keys.h"
#include "twin/kms_policy.h"
#include "wire/text.h"

#include <stdio.h>

enum { MAX_CONTEXT = 8 << 10, MAX_BLOB = EM_KMS_STATE_MAX_PLAIN + EM_KMS_KEYS_OVERHEAD };

/* A plaintext, on its way in or out. */
EM_SECRET(secret_plain, EM_KMS_STATE_MAX_PLAIN);

/* An operation's refusal: the exception's name and a sentence; type NULL is none. */
typedef struct refusal {
    const char *type, *message;
} refusal;
#define REFUSE(type, message) ((refusal){(type), (message)})
static const refusal fine = {0};

/* Without a policy of its own, a key is open to the account's users for Encrypt only. */
static json_t *default_policy(void)
{
    return json_pack("{s:s,s:[{s:s,s:s,s:[s,s]}]}", "Version", "2012-10-17", "Statement",
                     "Effect", "Allow", "Principal", "*", "Action", "kms:Encrypt",
                     "kms:DescribeKey");
}

em_err em_kms_state_create(const em_kms_state *kms, const json_t *policy,
                           char ret_arn[EM_KMS_STATE_ARN])
{
    EM_DROP(em_kms_keys_entry) key = {0};

    if (policy != NULL && !em_kms_policy_valid(policy)) return EM_ERR_POLICY_MALFORMED;
    EM_TRY(em_kms_keys_new(kms, &key));
    key.policy = policy != NULL ? json_deep_copy(policy) : default_policy();
    if (key.policy == NULL) return EM_ERR_MEMORY;
    EM_TRY(em_kms_keys_write(kms, &key, true));
    memcpy(ret_arn, key.arn, EM_KMS_STATE_ARN);
    return EM_OK;
}

em_err em_kms_state_set_policy(const em_kms_state *kms, const char *arn,
                               const json_t *policy)
{
    EM_DROP(em_kms_keys_entry) key = {0};

    if (!em_kms_policy_valid(policy)) return EM_ERR_POLICY_MALFORMED;
    EM_TRY(em_kms_keys_read(kms, arn, &key));
    json_decref(key.policy);
    key.policy = json_deep_copy(policy);
    if (key.policy == NULL) return EM_ERR_MEMORY;
    return em_kms_keys_write(kms, &key, false);
}

/* The encryption context as AAD: every pair as name, 0, value, 0, names in order. */
static refusal context_aad(const json_t *context, uint8_t *buffer, size_t cap,
                           em_bytes *ret_aad)
{
    em_out o = em_out_over(buffer, cap);
    json_t *sorted = NULL;
    size_t i;
    json_t *name;

    if (context == NULL) {
        *ret_aad = (em_bytes){0};
        return fine;
    }
    if (!json_is_object(context))
        return REFUSE("ValidationException", "EncryptionContext");
    sorted = json_array();
    for (void *at = json_object_iter((json_t *)(uintptr_t)context); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)context, at)) {
        const char *key = json_object_iter_key(at);
        size_t where = 0;
        while (where < json_array_size(sorted) &&
               strcmp(json_string_value(json_array_get(sorted, where)), key) < 0)
            where++;
        json_array_insert_new(sorted, where, json_string(key));
    }
    json_array_foreach(sorted, i, name)
    {
        const char *key = json_string_value(name);
        const char *value = json_string_value(json_object_get(context, key));
        if (value == NULL)
            em_write_fail(&o, EM_ERR_FORMAT);
        else {
            em_write_bytes(&o, em_view(key, strlen(key) + 1));
            em_write_bytes(&o, em_view(value, strlen(value) + 1));
        }
    }
    json_decref(sorted);
    if (em_write_end(&o) != EM_OK)
        return REFUSE("ValidationException", "EncryptionContext");
    *ret_aad = em_write_view(&o);
    return fine;
}

static bool member_bytes(const json_t *object, const char *name, uint8_t *buffer,
                         size_t cap, em_bytes *ret_bytes)
{
    const char *text = json_string_value(json_object_get(object, name));
    size_t len;

    if (text == NULL ||
        em_text_from_base64(em_view(text, strlen(text)), buffer, cap, &len) != EM_OK)
        return false;
    *ret_bytes = em_view(buffer, len);
    return true;
}

static json_t *base64_of(em_bytes bytes)
{
    static char text[EM_CMS_MAX * 2]; /* under the KMS server's lock */
    em_out o = em_out_over(text, sizeof text);

    em_text_put_base64(&o, bytes);
    return em_write_end(&o) == EM_OK ? json_stringn(text, o.len) : NULL;
}

static refusal encrypt(const em_kms_state *kms, const json_t *in, json_t *out)
{
    EM_DROP(em_kms_keys_entry) key = {0};
    const char *id = json_string_value(json_object_get(in, "KeyId"));
    const json_t *context = json_object_get(in, "EncryptionContext");
    EM_DROP(secret_plain) plain = {0};
    uint8_t blob[MAX_BLOB], aad_buffer[MAX_CONTEXT];
    em_bytes text = {0}, aad = {0};

    if (id == NULL || !member_bytes(in, "Plaintext", plain.b, sizeof plain.b, &text) ||
        text.len == 0)
        return REFUSE("ValidationException",
                      "KeyId and Plaintext (1 to 4096 bytes) are needed");
    if (em_kms_keys_read(kms, id, &key) != EM_OK)
        return REFUSE("NotFoundException", "there is no such key");
    refusal r = context_aad(context, aad_buffer, sizeof aad_buffer, &aad);
    if (r.type != NULL) return r;
    em_kms_policy_facts facts = {.action = "kms:Encrypt", .context = context};
    if (!em_kms_policy_allows(key.policy, &facts))
        return REFUSE("AccessDeniedException",
                      "the key policy does not allow kms:Encrypt");
    em_err sealed = em_kms_keys_seal(&key, aad, text, blob);
    if (sealed != EM_OK) return REFUSE("KMSInternalException", "sealing failed");
    json_object_set_new(out, "CiphertextBlob",
                        base64_of(em_view(blob, text.len + EM_KMS_KEYS_OVERHEAD)));
    json_object_set_new(out, "KeyId", json_string(key.arn));
    json_object_set_new(out, "EncryptionAlgorithm", json_string("SYMMETRIC_DEFAULT"));
    return fine;
}

/* The recipient's public key, after the document has been verified and its PCRs noted. */
static refusal judge_document(const em_kms_state *kms, em_bytes document, uint64_t now_ms,
                              em_kms_policy_facts *facts,
                              uint8_t spki[EM_MAX_DOCUMENT_FIELD], size_t *ret_len)
{
    static em_attested attested; /* under the KMS server's lock */
    em_root root;
    em_report report;

    memcpy(root.sha256, kms->root_sha256, sizeof root.sha256);
    em_report_init(&report);
    if (kms->villain.trusts_anyone) {
        em_document claims;
        if (em_document_parse(document, &claims) != EM_OK ||
            claims.public_key.bytes.len == 0)
            return REFUSE("ValidationException", "AttestationDocument");
        memcpy(spki, claims.public_key.bytes.at, claims.public_key.bytes.len);
        *ret_len = claims.public_key.bytes.len;
        return fine;
    }
    const em_attest_ask ask = {
        .roots = &root, .roots_n = 1, .when = EM_ATTEST_LIVE, .at_ms = now_ms};
    em_err err = em_attest_verify(document, &ask, &report, &attested);
    if (err != EM_OK) {
        static char message[256]; /* under the KMS server's lock */
        snprintf(message, sizeof message, "the attestation document is refused: %s: %s",
                 em_err_name(err), em_err_text(err));
        return REFUSE("ValidationException", message);
    }
    em_bytes key = em_attest_bytes(&attested.public_key);
    if (key.len == 0)
        return REFUSE("ValidationException",
                      "the attestation document has no public key");
    facts->has_document = true;
    facts->present = attested.pcr_present;
    memcpy(facts->pcr, attested.pcr, sizeof facts->pcr);
    memcpy(spki, key.at, key.len);
    *ret_len = key.len;
    return fine;
}

/* The plaintext sealed to the recipient; the villain may seal something else. */
static refusal seal_to_recipient(const em_kms_state *kms, em_bytes spki, em_bytes plain,
                                 json_t *out)
{
    EM_DROP(em_cms_key) key = {0};
    uint8_t iv[EM_CMS_BLOCK], cms[EM_CMS_MAX], other[EM_KMS_STATE_MAX_PLAIN];
    em_out o = EM_OUT(cms);

    if (em_entropy_fill(key.b, sizeof key.b) != EM_OK ||
        em_entropy_fill(iv, sizeof iv) != EM_OK ||
        em_entropy_fill(other, plain.len) != EM_OK)
        return REFUSE("KMSInternalException", "no randomness");
    if (kms->villain.other_key) plain = em_view(other, plain.len);
    em_err sealed = em_cms_seal(spki, &key, iv, plain, !kms->definite, &o);
    if (sealed != EM_OK)
        return REFUSE("ValidationException", "the recipient's key is no RSA key");
    json_object_set_new(out, "CiphertextForRecipient", base64_of(em_write_view(&o)));
    return fine;
}

static refusal decrypt(const em_kms_state *kms, const json_t *in, uint64_t now_ms,
                       json_t *out)
{
    EM_DROP(em_kms_keys_entry) key = {0};
    const char *id = json_string_value(json_object_get(in, "KeyId"));
    const json_t *context = json_object_get(in, "EncryptionContext");
    const json_t *recipient = json_object_get(in, "Recipient");
    const char *algorithm =
        json_string_value(json_object_get(recipient, "KeyEncryptionAlgorithm"));
    uint8_t blob[MAX_BLOB], document[EM_MAX_DOCUMENT + 4], aad_buffer[MAX_CONTEXT];
    uint8_t spki[EM_MAX_DOCUMENT_FIELD];
    EM_DROP(secret_plain) plain = {0};
    char uuid[EM_KMS_KEYS_UUID];
    em_bytes sealed = {0}, doc = {0}, aad = {0};
    size_t len = 0, spki_len = 0;

    if (!member_bytes(in, "CiphertextBlob", blob, sizeof blob, &sealed) ||
        em_kms_keys_named(sealed, uuid) != EM_OK)
        return REFUSE("InvalidCiphertextException", "CiphertextBlob");
    if (em_kms_keys_read(kms, uuid, &key) != EM_OK)
        return REFUSE("NotFoundException", "there is no such key");
    if (id != NULL && strcmp(id, key.arn) != 0 && strcmp(id, key.uuid) != 0)
        return REFUSE("IncorrectKeyException", "the blob was made with another key");
    refusal r = context_aad(context, aad_buffer, sizeof aad_buffer, &aad);
    if (r.type != NULL) return r;
    em_kms_policy_facts facts = {.action = "kms:Decrypt", .context = context};
    if (recipient != NULL) {
        if (algorithm == NULL || strcmp(algorithm, "RSAES_OAEP_SHA_256") != 0 ||
            !member_bytes(recipient, "AttestationDocument", document, sizeof document,
                          &doc))
            return REFUSE("ValidationException", "Recipient");
        r = judge_document(kms, doc, now_ms, &facts, spki, &spki_len);
        if (r.type != NULL) return r;
    }
    if (!kms->villain.trusts_anyone && !em_kms_policy_allows(key.policy, &facts))
        return REFUSE("AccessDeniedException",
                      "the key policy does not allow kms:Decrypt to this enclave");
    if (em_kms_keys_open(&key, aad, sealed, plain.b, sizeof plain.b, &len) != EM_OK)
        return REFUSE("InvalidCiphertextException",
                      "the blob does not open in this context");

    if (recipient != NULL)
        r = seal_to_recipient(kms, em_view(spki, spki_len), em_view(plain.b, len), out);
    if (recipient == NULL || kms->villain.plaintext)
        json_object_set_new(out, "Plaintext", base64_of(em_view(plain.b, len)));
    if (kms->villain.key_id) key.arn[strlen(key.arn) - 1] ^= 1;
    json_object_set_new(out, "KeyId", json_string(key.arn));
    json_object_set_new(out, "EncryptionAlgorithm", json_string("SYMMETRIC_DEFAULT"));
    return r;
}

static refusal describe_key(const em_kms_state *kms, const json_t *in, json_t *out)
{
    EM_DROP(em_kms_keys_entry) key = {0};
    const char *id = json_string_value(json_object_get(in, "KeyId"));

    if (id == NULL || em_kms_keys_read(kms, id, &key) != EM_OK)
        return REFUSE("NotFoundException", "there is no such key");
    json_object_set_new(out, "KeyMetadata",
                        json_pack("{s:s,s:s,s:b,s:s}", "Arn", key.arn, "KeyId", key.uuid,
                                  "Enabled", 1, "KeyUsage", "ENCRYPT_DECRYPT"));
    return fine;
}

json_t *em_kms_state_call(const em_kms_state *kms, const char *target, em_bytes body,
                          uint64_t now_ms, unsigned *ret_status)
{
    json_t *in =
        json_loadb((const char *)body.at, body.len, JSON_REJECT_DUPLICATES, NULL);
    json_t *out = json_object();
    refusal r;

    if (in == NULL)
        r = REFUSE("SerializationException", "the body is not JSON");
    else if (strcmp(target, "TrentService.Encrypt") == 0)
        r = encrypt(kms, in, out);
    else if (strcmp(target, "TrentService.Decrypt") == 0)
        r = decrypt(kms, in, now_ms, out);
    else if (strcmp(target, "TrentService.DescribeKey") == 0)
        r = describe_key(kms, in, out);
    else
        r = REFUSE("UnknownOperationException",
                   "this twin knows Encrypt, Decrypt, DescribeKey");
    json_decref(in);
    if (r.type != NULL) {
        json_decref(out);
        out = json_pack("{s:s,s:s}", "__type", r.type, "message", r.message);
    }
    *ret_status = r.type != NULL ? 400 : 200;
    return out;
}
