#include "twin/state.h"

#include "base/write.h"
#include "crypto/sha2.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "os/file.h"
#include "twin/ca.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_PATH = 1200, DAY_MS = 24 * 3600 * 1000 };

static em_err write_json(const char *folder, const char *name, json_t *json)
{
    char path[MAX_PATH];
    char *text = json != NULL ? json_dumps(json, JSON_INDENT(2)) : NULL;

    json_decref(json);
    if (text == NULL) return EM_ERR_MEMORY;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    em_err err = em_file_create(path, em_view(text, strlen(text)), 0600);
    free(text);
    return err;
}

/* `len` characters of AWS's key alphabets. */
static em_err random_text(const char *alphabet, size_t len, char *to)
{
    uint8_t random[128];
    size_t n = strlen(alphabet);

    EM_TRY(em_entropy_fill(random, len));
    for (size_t i = 0; i < len; i++) to[i] = alphabet[random[i] % n];
    to[len] = 0;
    return EM_OK;
}

/* What the instance metadata service answers for a role. */
static json_t *credentials_of(const em_state *s)
{
    char now[40] = "", later[40] = "";
    em_out a = em_out_over(now, sizeof now - 1), b = em_out_over(later, sizeof later - 1);

    em_text_put_time(&a, em_clock_wall_ms());
    em_text_put_time(&b, em_clock_wall_ms() + (uint64_t)3650 * DAY_MS);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "Code", "Success", "LastUpdated",
                     now, "Type", "AWS-HMAC", "AccessKeyId", s->access.id,
                     "SecretAccessKey", s->access.secret, "Token", s->access.token,
                     "Expiration", later);
}

em_err em_state_create(const em_state *wanted)
{
    static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    static const char mixed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    em_state s = *wanted;
    EM_DROP(em_ca) ca = {0};
    char path[MAX_PATH];
    EVP_PKEY *key = NULL;
    X509 *cert = NULL;

    snprintf(path, sizeof path, "%s/twin.json", s.folder);
    if (em_file_exists(path)) return EM_ERR_EXISTS;
    snprintf(path, sizeof path, "%s/keys", s.folder);
    EM_TRY(em_file_make_folder(path, 0700));
    memcpy(s.access.id, "ASIA", 4);
    EM_TRY(random_text(upper, 16, s.access.id + 4));
    EM_TRY(random_text(mixed, 40, s.access.secret));
    EM_TRY(random_text(mixed, 120, s.access.token));
    EM_TRY(em_ca_open(s.folder, &ca));
    EM_TRY(em_ca_tls(s.folder, &(const char *){"localhost"}, 1, &key, &cert));
    EVP_PKEY_free(key);
    X509_free(cert);
    EM_TRY(write_json(s.folder, "credentials.json", credentials_of(&s)));
    return write_json(s.folder, "twin.json",
                      json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "region", s.region,
                                "account", s.account, "role", s.role, "instance",
                                s.instance, "access_key_id", s.access.id,
                                "secret_access_key", s.access.secret, "session_token",
                                s.access.token));
}

static bool member(const json_t *file, const char *name, char *to, size_t cap)
{
    const char *text = json_string_value(json_object_get(file, name));

    if (text == NULL || strlen(text) >= cap) return false;
    memcpy(to, text, strlen(text) + 1);
    return true;
}

em_err em_state_open(const char *folder, em_state *ret_state)
{
    em_state s = {0};
    char path[MAX_PATH];

    if (strlen(folder) >= sizeof s.folder) return EM_ERR_LIMIT;
    memcpy(s.folder, folder, strlen(folder) + 1);
    snprintf(path, sizeof path, "%s/twin.json", folder);
    json_t *file = json_load_file(path, 0, NULL);
    if (file == NULL) return EM_ERR_NOT_FOUND;
    bool good =
        member(file, "region", s.region, sizeof s.region) &&
        member(file, "account", s.account, sizeof s.account) &&
        member(file, "role", s.role, sizeof s.role) &&
        member(file, "instance", s.instance, sizeof s.instance) &&
        member(file, "access_key_id", s.access.id, sizeof s.access.id) &&
        member(file, "secret_access_key", s.access.secret, sizeof s.access.secret) &&
        member(file, "session_token", s.access.token, sizeof s.access.token);
    json_decref(file);
    if (!good) return EM_ERR_FORMAT;
    *ret_state = s;
    return EM_OK;
}

em_err em_state_kms(const em_state *state, em_kms_state *ret_kms)
{
    em_kms_state kms = {0};
    EM_DROP(em_ca) ca = {0};

    EM_TRY(em_ca_open(state->folder, &ca));
    em_sha2_256(em_view(ca.chain.der[0], ca.chain.len[0]), kms.root_sha256);
    memcpy(kms.folder, state->folder, sizeof kms.folder);
    memcpy(kms.region, state->region, sizeof kms.region);
    memcpy(kms.account, state->account, sizeof kms.account);
    *ret_kms = kms;
    return EM_OK;
}
