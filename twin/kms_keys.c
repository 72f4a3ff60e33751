#include "twin/kms_keys.h"

#include "base/write.h"
#include "os/entropy.h"
#include "os/file.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { UUID_LEN = EM_KMS_KEYS_UUID - 1, MAX_PATH = 1200 };

void em_kms_keys_entry_drop(em_kms_keys_entry *key)
{
    json_decref(key->policy);
    em_wipe(key, sizeof *key);
}

static bool is_uuid(const char *text)
{
    if (strlen(text) != UUID_LEN) return false;
    for (size_t i = 0; i < UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex =
            (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (dash ? text[i] != '-' : !hex) return false;
    }
    return true;
}

static void arn_of(const em_kms_state *kms, const char *uuid,
                   char ret_arn[EM_KMS_STATE_ARN])
{
    snprintf(ret_arn, EM_KMS_STATE_ARN, "arn:aws:kms:%s:%s:key/%s", kms->region,
             kms->account, uuid);
}

static void path_of(const em_kms_state *kms, const char *uuid, char path[MAX_PATH])
{
    snprintf(path, MAX_PATH, "%s/keys/%s.json", kms->folder, uuid);
}

em_err em_kms_keys_read(const em_kms_state *kms, const char *name,
                        em_kms_keys_entry *ret_key)
{
    EM_DROP(em_kms_keys_entry) key = {0};
    char path[MAX_PATH];
    const char *slash = strrchr(name, '/');
    const char *uuid = slash != NULL ? slash + 1 : name;
    size_t len = 0;

    if (!is_uuid(uuid)) return EM_ERR_NOT_FOUND;
    memcpy(key.uuid, uuid, sizeof key.uuid);
    arn_of(kms, uuid, key.arn);
    if (slash != NULL && strcmp(name, key.arn) != 0) return EM_ERR_NOT_FOUND;
    path_of(kms, uuid, path);
    json_t *file = json_load_file(path, 0, NULL);
    if (file == NULL) return EM_ERR_NOT_FOUND;
    const char *secret = json_string_value(json_object_get(file, "secret"));
    key.policy = json_incref(json_object_get(file, "policy"));
    bool good = secret != NULL && key.policy != NULL &&
                em_text_from_hex(em_view(secret, strlen(secret)), key.secret.b,
                                 sizeof key.secret.b, &len) == EM_OK &&
                len == sizeof key.secret.b;
    json_decref(file);
    if (!good) return EM_ERR_FORMAT;
    *ret_key = EM_TAKE(key);
    return EM_OK;
}

em_err em_kms_keys_write(const em_kms_state *kms, const em_kms_keys_entry *key,
                         bool fresh)
{
    char path[MAX_PATH], hex[2 * EM_AEAD_KEY_LEN + 1] = {0};
    em_out o = em_out_over(hex, sizeof hex - 1);

    path_of(kms, key->uuid, path);
    em_write_hex(&o, EM_BYTES(key->secret.b));
    json_t *file =
        json_pack("{s:s,s:s,s:O}", "arn", key->arn, "secret", hex, "policy", key->policy);
    em_wipe(hex, sizeof hex);
    char *text = file != NULL ? json_dumps(file, JSON_INDENT(2)) : NULL;
    json_decref(file);
    if (text == NULL) return EM_ERR_MEMORY;
    em_bytes bytes = em_view(text, strlen(text));
    em_err err =
        fresh ? em_file_create(path, bytes, 0600) : em_file_write(path, bytes, 0600);
    em_wipe(text, bytes.len);
    free(text);
    return err;
}

em_err em_kms_keys_new(const em_kms_state *kms, em_kms_keys_entry *ret_key)
{
    EM_DROP(em_kms_keys_entry) key = {0};
    uint8_t id[16];
    char hex[33] = {0};
    em_out o = em_out_over(hex, sizeof hex - 1);

    EM_TRY(em_entropy_fill(id, sizeof id));
    EM_TRY(em_entropy_fill(key.secret.b, sizeof key.secret.b));
    id[6] = (uint8_t)((id[6] & 0x0F) | 0x40); /* RFC 9562: version 4 */
    id[8] = (uint8_t)((id[8] & 0x3F) | 0x80);
    em_write_hex(&o, EM_BYTES(id));
    snprintf(key.uuid, sizeof key.uuid, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
             hex + 12, hex + 16, hex + 20);
    arn_of(kms, key.uuid, key.arn);
    *ret_key = EM_TAKE(key);
    return EM_OK;
}

em_err em_kms_keys_seal(const em_kms_keys_entry *key, em_bytes aad, em_bytes plain,
                        uint8_t *out)
{
    uint8_t *nonce = out + UUID_LEN;

    memcpy(out, key->uuid, UUID_LEN);
    EM_TRY(em_entropy_fill(nonce, EM_AEAD_NONCE_LEN));
    return em_aead_seal(EM_AEAD_AES_256_GCM, &key->secret, nonce, aad, plain,
                        nonce + EM_AEAD_NONCE_LEN);
}

em_err em_kms_keys_named(em_bytes blob, char ret_uuid[EM_KMS_KEYS_UUID])
{
    char uuid[EM_KMS_KEYS_UUID] = {0};

    if (blob.len < EM_KMS_KEYS_OVERHEAD) return EM_ERR_SHORT;
    memcpy(uuid, blob.at, UUID_LEN);
    if (!is_uuid(uuid)) return EM_ERR_FORMAT;
    memcpy(ret_uuid, uuid, sizeof uuid);
    return EM_OK;
}

em_err em_kms_keys_open(const em_kms_keys_entry *key, em_bytes aad, em_bytes blob,
                        uint8_t *out, size_t cap, size_t *ret_len)
{
    if (blob.len < EM_KMS_KEYS_OVERHEAD) return EM_ERR_SHORT;
    if (blob.len - EM_KMS_KEYS_OVERHEAD > cap) return EM_ERR_LIMIT;
    const uint8_t *nonce = blob.at + UUID_LEN;
    const uint8_t *sealed = nonce + EM_AEAD_NONCE_LEN;
    size_t len = blob.len - UUID_LEN - EM_AEAD_NONCE_LEN;
    EM_TRY(em_aead_open(EM_AEAD_AES_256_GCM, &key->secret, nonce, aad,
                        em_view(sealed, len), out));
    *ret_len = len - EM_AEAD_TAG_LEN;
    return EM_OK;
}
