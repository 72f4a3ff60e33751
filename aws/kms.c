#include "aws/kms.h"

#include "wire/json.h"
#include "wire/text.h"

enum {
    BODY_MAX = 48 << 10, /* a document, a blob and a context in base64 and JSON */
    FIELDS_MAX = 8 << 10,
    TOKENS = 64,
};

/* Plaintext in base64 is in it; so are session tokens. */
typedef struct em_kms_work {
    uint8_t body[BODY_MAX];
    uint8_t fields[FIELDS_MAX];
    uint8_t answer[EM_KMS_MAX_ANSWER];
} em_kms_work;
EM_HOLDS_SECRET(em_kms_work);

/* ---- requests ---------------------------------------------------------------------- */

static void put_member(em_out *o, const char *name)
{
    em_json_put_str(o, name);
    em_write_u8(o, ':');
}

static void put_base64(em_out *o, const char *name, em_bytes bytes)
{
    put_member(o, name);
    em_write_u8(o, '"');
    em_text_put_base64(o, bytes);
    em_write_u8(o, '"');
}

/* KeyId, and EncryptionContext where there is one. */
static em_err put_common(em_out *o, const em_kms *kms)
{
    if (kms->n_context > EM_KMS_MAX_CONTEXT) return EM_ERR_LIMIT;
    put_member(o, "KeyId");
    em_json_put_text(o, kms->key_arn);
    if (kms->n_context == 0) return EM_OK;
    em_write_u8(o, ',');
    put_member(o, "EncryptionContext");
    for (size_t i = 0; i < kms->n_context; i++) {
        em_write_u8(o, i == 0 ? '{' : ',');
        em_json_put_text(o, kms->context[i].name);
        em_write_u8(o, ':');
        em_json_put_text(o, kms->context[i].value);
    }
    em_write_u8(o, '}');
    return EM_OK;
}

em_err em_kms_put_decrypt(em_out *o, const em_kms *kms, em_bytes blob, em_bytes document)
{
    if (blob.len == 0 || blob.len > EM_KMS_MAX_BLOB) return EM_ERR_LIMIT;
    if (document.len == 0 || document.len > EM_MAX_DOCUMENT) return EM_ERR_LIMIT;
    em_write_u8(o, '{');
    EM_TRY(put_common(o, kms));
    em_write_u8(o, ',');
    put_base64(o, "CiphertextBlob", blob);
    em_write_bytes(o, EM_STR(",\"EncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\","
                             "\"Recipient\":{\"KeyEncryptionAlgorithm\":"
                             "\"RSAES_OAEP_SHA_256\","));
    put_base64(o, "AttestationDocument", document);
    em_write_bytes(o, EM_STR("}}"));
    return em_write_end(o);
}

em_err em_kms_put_encrypt(em_out *o, const em_kms *kms, em_bytes plain)
{
    if (plain.len == 0 || plain.len > EM_KMS_MAX_PLAIN) return EM_ERR_LIMIT;
    em_write_u8(o, '{');
    EM_TRY(put_common(o, kms));
    em_write_u8(o, ',');
    put_base64(o, "Plaintext", plain);
    em_write_u8(o, '}');
    return em_write_end(o);
}

/* ---- answers ----------------------------------------------------------------------- */

/* Printable ASCII of a member's text, as much as fits; the rest of it as '?'. */
static void copy_text(em_json_value object, const char *name, char *to, size_t cap)
{
    em_json_value value;
    uint8_t buf[512];
    em_bytes text = {0};
    size_t n = 0;

    if (!em_json_member(object, name, &value)) return;
    if (em_json_text(value, buf, sizeof buf, &text) != EM_OK) return;
    for (; n < text.len && n < cap - 1; n++) {
        bool plain = text.at[n] >= 0x20 && text.at[n] < 0x7F;
        to[n] = plain ? (char)text.at[n] : '?';
    }
    to[n] = 0;
}

/* {"__type": "AccessDeniedException", "message" or "Message": "…"}; __type may carry a
 * name space in front of '#'. */
static em_kms_refusal read_refusal(unsigned status, em_bytes body)
{
    em_kms_refusal refusal = {.status = status};
    em_json_token tokens[TOKENS];
    em_json json;
    char type[256] = {0};

    if (em_json_parse(body, tokens, TOKENS, &json) != EM_OK) return refusal;
    copy_text(em_json_root(&json), "__type", type, sizeof type);
    const char *mark = memchr(type, '#', sizeof type);
    const char *name = mark != NULL ? mark + 1 : type;
    size_t len = strlen(name);
    memcpy(refusal.type, name, len < sizeof refusal.type ? len : sizeof refusal.type - 1);
    copy_text(em_json_root(&json), "message", refusal.message, sizeof refusal.message);
    if (refusal.message[0] == 0)
        copy_text(em_json_root(&json), "Message", refusal.message,
                  sizeof refusal.message);
    return refusal;
}

static em_err check_key(em_json_value root, em_bytes key_arn)
{
    em_json_value value;
    uint8_t buf[EM_ARN_MAX];
    em_bytes text;

    if (!em_json_member(root, "KeyId", &value) ||
        em_json_text(value, buf, sizeof buf, &text) != EM_OK || !em_same(text, key_arn))
        return EM_ERR_AWS_ANSWER;
    return EM_OK;
}

/* The bytes of a base64 member.  The text is decoded where it stands: base64 needs no
 * escapes, and one that has some is refused by its letters. */
static em_err take_base64(const em_json *json, const char *name, uint8_t *out, size_t cap,
                          size_t *ret_len)
{
    em_json_value value;
    size_t len = 0;

    if (!em_json_member(em_json_root(json), name, &value) ||
        em_json_kind_of(value) != EM_JSON_TEXT)
        return EM_ERR_AWS_ANSWER;
    const em_json_token *token = &json->token[value.i];
    em_bytes text = em_view(json->text.at + token->at, token->len);
    if (text.len == 0 || em_text_from_base64(text, out, cap, &len) != EM_OK)
        return EM_ERR_AWS_ANSWER;
    *ret_len = len;
    return EM_OK;
}

/* What both operations' answers have in common: 200, an object, our key, and the wanted
 * member. */
static em_err read_answer(unsigned status, em_bytes body, em_bytes key_arn,
                          const char *member, uint8_t *out, size_t cap, size_t *ret_len,
                          em_kms_refusal *ret_refusal)
{
    em_json_token tokens[TOKENS];
    em_json json;
    em_json_value unwanted;

    if (status != 200) {
        if (ret_refusal != NULL) *ret_refusal = read_refusal(status, body);
        return EM_ERR_AWS_REFUSED;
    }
    if (em_json_parse(body, tokens, TOKENS, &json) != EM_OK ||
        em_json_kind_of(em_json_root(&json)) != EM_JSON_OBJECT)
        return EM_ERR_AWS_ANSWER;
    EM_TRY(check_key(em_json_root(&json), key_arn));
    /* a KMS that sends the plaintext did not look at the document */
    if (em_json_member(em_json_root(&json), "Plaintext", &unwanted))
        return EM_ERR_AWS_ANSWER;
    return take_base64(&json, member, out, cap, ret_len);
}

em_err em_kms_decrypted(unsigned status, em_bytes body, em_bytes key_arn, uint8_t *cms,
                        size_t cap, size_t *ret_len, em_kms_refusal *ret_refusal)
{
    return read_answer(status, body, key_arn, "CiphertextForRecipient", cms, cap, ret_len,
                       ret_refusal);
}

em_err em_kms_encrypted(unsigned status, em_bytes body, em_bytes key_arn, uint8_t *blob,
                        size_t cap, size_t *ret_len, em_kms_refusal *ret_refusal)
{
    return read_answer(status, body, key_arn, "CiphertextBlob", blob, cap, ret_len,
                       ret_refusal);
}

/* ---- the calls --------------------------------------------------------------------- */

static em_err put_fields(em_out *o, const em_kms *kms, em_bytes target, em_bytes host,
                         em_bytes region, em_bytes body)
{
    const em_bytes type = EM_STR("application/x-amz-json-1.1");
    const em_sigv4_pair fields[] = {{EM_STR("Content-Type"), type},
                                    {EM_STR("Host"), host},
                                    {EM_STR("X-Amz-Target"), target}};
    em_sigv4_request request = {.method = EM_STR("POST"),
                                .path = EM_STR("/"),
                                .field = fields,
                                .n_fields = EM_COUNT(fields),
                                .payload = body};
    em_sigv4_scope scope = {region, EM_STR("kms"), kms->now_ms};

    em_write_bytes(o, EM_STR("Content-Type: "));
    em_write_bytes(o, type);
    em_write_bytes(o, EM_STR("\r\nX-Amz-Target: "));
    em_write_bytes(o, target);
    em_write_bytes(o, EM_STR("\r\n"));
    return em_sigv4_put_fields(o, &request, &scope, kms->credentials);
}

/* Sends work->body and reads the answer into work->answer. */
static em_err call(em_http *http, const em_kms *kms, em_bytes target, em_bytes body,
                   em_kms_work *work, uint64_t deadline_ms, em_bytes *ret_answer)
{
    uint8_t host_text[EM_ARN_HOST_MAX];
    em_out h = EM_OUT(host_text), fields = EM_OUT(work->fields);
    em_arn arn;

    EM_TRY(em_arn_parse(kms->key_arn, &arn));
    if (kms->host.len > 0)
        em_write_bytes(&h, kms->host);
    else
        em_arn_put_host(&h, &arn);
    EM_TRY(em_write_end(&h));
    em_bytes host = em_write_view(&h);
    EM_TRY(put_fields(&fields, kms, target, host, arn.region, body));

    em_http_request request = {.method = EM_STR("POST"),
                               .target = EM_STR("/"),
                               .host = host,
                               .fields = em_write_view(&fields),
                               .body = body};
    EM_TRY(em_http_send(http, &request, deadline_ms));
    return em_http_read_all(http, work->answer, sizeof work->answer, deadline_ms,
                            ret_answer);
}

em_err em_kms_decrypt(em_http *http, const em_kms *kms, em_bytes blob, em_bytes document,
                      uint64_t deadline_ms, uint8_t *cms, size_t cap, size_t *ret_len,
                      em_kms_refusal *ret_refusal)
{
    EM_DROP(em_kms_work) work = {0};
    em_out o = EM_OUT(work.body);
    em_bytes answer;

    EM_TRY(em_kms_put_decrypt(&o, kms, blob, document));
    EM_TRY(call(http, kms, EM_STR("TrentService.Decrypt"), em_write_view(&o), &work,
                deadline_ms, &answer));
    return em_kms_decrypted(http->head.status, answer, kms->key_arn, cms, cap, ret_len,
                            ret_refusal);
}

em_err em_kms_encrypt(em_http *http, const em_kms *kms, em_bytes plain,
                      uint64_t deadline_ms, uint8_t *blob, size_t cap, size_t *ret_len,
                      em_kms_refusal *ret_refusal)
{
    EM_DROP(em_kms_work) work = {0};
    em_out o = EM_OUT(work.body);
    em_bytes answer;

    EM_TRY(em_kms_put_encrypt(&o, kms, plain));
    EM_TRY(call(http, kms, EM_STR("TrentService.Encrypt"), em_write_view(&o), &work,
                deadline_ms, &answer));
    return em_kms_encrypted(http->head.status, answer, kms->key_arn, blob, cap, ret_len,
                            ret_refusal);
}
