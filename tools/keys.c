#include "tools/keys.h"

#include "os/entropy.h"
#include "os/file.h"
#include "wire/text.h"

#include <stdio.h>
#include <sys/stat.h>

/* The 32 bytes of a key. */
EM_SECRET(em_keys_seed, EM_ED25519_SEED_LEN);

/* A private key's file. */
EM_SECRET(em_keys_text, EM_KEYS_MAX_FILE);

/* Everything of an Ed25519 key's DER but the key itself (RFC 8410): there is one form. */
static const uint8_t private_head[] = {0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                       0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
static const uint8_t public_head[] = {0x30, 0x2A, 0x30, 0x05, 0x06, 0x03,
                                      0x2B, 0x65, 0x70, 0x03, 0x21, 0x00};

EM_SECRET(em_keys_der, sizeof private_head + EM_ED25519_SEED_LEN);

/* Nothing but white space behind the block. */
static bool is_blank(em_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != '\n' && text.at[i] != '\r' && text.at[i] != ' ') return false;
    return true;
}

em_err em_keys_from_private_pem(em_bytes pem, em_ed25519_secret *ret_secret,
                                em_ed25519_public *ret_public)
{
    EM_DROP(em_keys_der) der = {0};
    size_t len;
    em_bytes rest;

    if (em_text_from_pem(pem, "PRIVATE KEY", der.b, sizeof der.b, &len, &rest) != EM_OK ||
        len != sizeof der.b || !is_blank(rest) ||
        !em_ct_equal(der.b, private_head, sizeof private_head))
        return EM_ERR_PEM;
    return em_ed25519_from_seed(der.b + sizeof private_head, ret_secret, ret_public);
}

em_err em_keys_from_public_pem(em_bytes pem, em_ed25519_public *ret_public)
{
    uint8_t der[sizeof public_head + EM_ED25519_PUBLIC_LEN];
    size_t len;
    em_bytes rest;

    if (em_text_from_pem(pem, "PUBLIC KEY", der, sizeof der, &len, &rest) != EM_OK ||
        len != sizeof der || !is_blank(rest) ||
        memcmp(der, public_head, sizeof public_head) != 0)
        return EM_ERR_PEM;
    memcpy(ret_public->b, der + sizeof public_head, sizeof ret_public->b);
    return EM_OK;
}

void em_keys_put_private_pem(em_out *o, const em_ed25519_secret *secret)
{
    EM_DROP(em_keys_der) der = {0};

    memcpy(der.b, private_head, sizeof private_head);
    memcpy(der.b + sizeof private_head, secret->b, EM_ED25519_SEED_LEN);
    em_text_put_pem(o, "PRIVATE KEY", EM_BYTES(der.b));
}

void em_keys_put_public_pem(em_out *o, const em_ed25519_public *public)
{
    uint8_t der[sizeof public_head + EM_ED25519_PUBLIC_LEN];

    memcpy(der, public_head, sizeof public_head);
    memcpy(der + sizeof public_head, public->b, EM_ED25519_PUBLIC_LEN);
    em_text_put_pem(o, "PUBLIC KEY", EM_BYTES(der));
}

em_err em_keys_make(const char *path, em_problem *problem, em_ed25519_public *ret_public)
{
    EM_DROP(em_keys_seed) seed = {0};
    EM_DROP(em_ed25519_secret) secret = {0};
    EM_DROP(em_keys_text) text = {0};
    uint8_t open_text[512];
    em_ed25519_public public;
    char pub_path[4096];

    int n = snprintf(pub_path, sizeof pub_path, "%s.pub", path);
    if (n < 0 || (size_t)n >= sizeof pub_path)
        return em_problem_err(problem, EM_ERR_LIMIT, path);
    if (em_file_exists(pub_path))
        return em_problem_set(problem, EM_ERR_EXISTS, pub_path,
                              "exists; keys are never overwritten");
    EM_TRY(em_entropy_fill(seed.b, sizeof seed.b));
    EM_TRY(em_ed25519_from_seed(seed.b, &secret, &public));

    em_out private_pem = EM_OUT(text.b), public_pem = EM_OUT(open_text);
    em_keys_put_private_pem(&private_pem, &secret);
    em_keys_put_public_pem(&public_pem, &public);
    EM_TRY(em_write_end(&private_pem));
    EM_TRY(em_write_end(&public_pem));
    em_err err = em_file_create(path, em_write_view(&private_pem), 0600);
    if (err == EM_ERR_EXISTS)
        return em_problem_set(problem, err, path, "exists; keys are never overwritten");
    if (err != EM_OK) return em_problem_err(problem, err, path);
    err = em_file_create(pub_path, em_write_view(&public_pem), 0644);
    if (err != EM_OK) return em_problem_err(problem, err, pub_path);
    *ret_public = public;
    return EM_OK;
}

em_err em_keys_read_private(const char *path, em_problem *problem,
                            em_ed25519_secret *ret_secret, em_ed25519_public *ret_public)
{
    EM_DROP(em_keys_text) text = {0};
    struct stat info;
    size_t len;

    em_err err = em_file_read(path, text.b, sizeof text.b, &len);
    if (err != EM_OK) return em_problem_err(problem, err, path);
    if (stat(path, &info) != 0 || (info.st_mode & 077) != 0)
        return em_problem_set(problem, EM_ERR_DENIED, path,
                              "others than its owner can read this key; type: chmod 600 "
                              "%s",
                              path);
    err = em_keys_from_private_pem(em_view(text.b, len), ret_secret, ret_public);
    if (err != EM_OK)
        return em_problem_set(problem, err, path,
                              "not an Ed25519 private key in PEM without a passphrase "
                              "(make one with: em key new)");
    return EM_OK;
}

em_err em_keys_read_public(const char *path, em_problem *problem,
                           em_ed25519_public *ret_public)
{
    uint8_t text[EM_KEYS_MAX_FILE];
    size_t len;

    em_err err = em_file_read(path, text, sizeof text, &len);
    if (err != EM_OK) return em_problem_err(problem, err, path);
    err = em_keys_from_public_pem(em_view(text, len), ret_public);
    if (err != EM_OK)
        return em_problem_set(problem, err, path, "not an Ed25519 public key in PEM");
    return EM_OK;
}
