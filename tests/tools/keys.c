/* Ed25519 keys as PEM: made, read back, read by libcrypto, and everything else refused.
 */
#include "tools/keys.h"

#include "crypto/setup.h"
#include "tests/tools/folder.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

static em_bytes private_pem(const em_ed25519_secret *s)
{
    static uint8_t buf[EM_KEYS_MAX_FILE];
    em_out o = EM_OUT(buf);

    em_keys_put_private_pem(&o, s);
    return em_write_view(&o);
}

static em_bytes public_pem(const em_ed25519_public *p)
{
    static uint8_t buf[EM_KEYS_MAX_FILE];
    em_out o = EM_OUT(buf);

    em_keys_put_public_pem(&o, p);
    return em_write_view(&o);
}

static void a_made_key_reads_back_and_signs(void)
{
    em_ed25519_public made, read, public;
    em_ed25519_secret secret;
    uint8_t sig[64];
    struct stat info;

    CHECK_OK(em_keys_make(folder_path("k"), &problem, &made));
    CHECK_OK(em_keys_read_private(folder_path("k"), &problem, &secret, &read));
    CHECK_OK(em_keys_read_public(folder_path("k.pub"), &problem, &public));
    CHECK(em_same(EM_BYTES(made.b), EM_BYTES(read.b)));
    CHECK(em_same(EM_BYTES(made.b), EM_BYTES(public.b)));
    CHECK_OK(em_ed25519_sign(&secret, EM_STR("message"), sig));
    CHECK_OK(em_ed25519_verify(&public, EM_STR("message"), EM_BYTES(sig)));
    CHECK(stat(folder_path("k"), &info) == 0 && (info.st_mode & 0777) == 0600);
    CHECK(stat(folder_path("k.pub"), &info) == 0 && (info.st_mode & 0777) == 0644);

    em_ed25519_public other;
    CHECK_OK(em_keys_make(folder_path("k2"), &problem, &other));
    CHECK(!em_same(EM_BYTES(made.b), EM_BYTES(other.b)));
}

static void keys_are_never_overwritten(void)
{
    em_ed25519_public got;

    folder_write(folder_path("taken"), EM_STR("x"));
    folder_write(folder_path("half.pub"), EM_STR("x"));
    CHECK_PROBLEM(em_keys_make(folder_path("taken"), &problem, &got), EM_ERR_EXISTS,
                  "taken", "never overwritten");
    CHECK_PROBLEM(em_keys_make(folder_path("half"), &problem, &got), EM_ERR_EXISTS,
                  "half.pub", "never overwritten");
    CHECK(!em_file_exists(folder_path("half")));
    CHECK(!em_file_exists(folder_path("taken.pub")));
    CHECK_PROBLEM(em_keys_make(folder_path("no/such/k"), &problem, &got),
                  EM_ERR_NOT_FOUND, "no/such/k");
    char path[4096];
    memset(path, 'k', sizeof path - 1);
    path[sizeof path - 1] = 0;
    CHECK_ERR(em_keys_make(path, &problem, &got), EM_ERR_LIMIT);
}

static void a_key_that_others_can_read_is_refused(void)
{
    em_ed25519_secret secret;
    em_ed25519_public got;
    static const mode_t modes[] = {0640, 0604, 0660, 0644};

    CHECK_OK(em_keys_make(folder_path("open"), &problem, &got));
    for (size_t i = 0; i < EM_COUNT(modes); i++) {
        CHECK(chmod(folder_path("open"), modes[i]) == 0);
        CHECK_PROBLEM(em_keys_read_private(folder_path("open"), &problem, &secret, &got),
                      EM_ERR_DENIED, "chmod 600");
    }
    CHECK(chmod(folder_path("open"), 0400) == 0);
    CHECK_OK(em_keys_read_private(folder_path("open"), &problem, &secret, &got));
}

static void libcrypto_reads_what_we_write(void)
{
    uint8_t seed[32], raw[32];
    size_t len = sizeof raw;
    em_ed25519_secret secret;
    em_ed25519_public public;

    memset(seed, 9, sizeof seed);
    CHECK_OK(em_ed25519_from_seed(seed, &secret, &public));
    em_bytes pem = private_pem(&secret);
    BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    REQUIRE(key != NULL);
    CHECK(EVP_PKEY_get_raw_private_key(key, raw, &len) == 1 && len == 32);
    CHECK(em_same(EM_BYTES(raw), EM_BYTES(seed)));
    BIO_free(bio);
    EVP_PKEY_free(key);

    pem = public_pem(&public);
    bio = BIO_new_mem_buf(pem.at, (int)pem.len);
    key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    REQUIRE(key != NULL);
    CHECK(EVP_PKEY_get_raw_public_key(key, raw, &len) == 1 && len == 32);
    CHECK(em_same(EM_BYTES(raw), EM_BYTES(public.b)));
    BIO_free(bio);
    EVP_PKEY_free(key);
}

/* A key of libcrypto's, as its PEM writer has it. */
static em_bytes by_libcrypto(int type, bool private, const EVP_CIPHER *cipher)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(type, NULL);
    EVP_PKEY *key = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    char *at;

    if (EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_keygen(ctx, &key) != 1) abort();
    if (private)
        PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, "pass", 4, NULL, NULL);
    else
        PEM_write_bio_PUBKEY(bio, key);
    size_t len = (size_t)BIO_get_mem_data(bio, &at);
    uint8_t *copy = test_alloc(len);
    memcpy(copy, at, len);
    BIO_free(bio);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(ctx);
    return em_view(copy, len);
}

static void we_read_what_libcrypto_writes_and_only_ed25519(void)
{
    em_ed25519_secret s;
    em_ed25519_public p;

#define PRIVATE(pem) em_keys_from_private_pem(pem, &s, &p)
#define PUBLIC(pem) em_keys_from_public_pem(pem, &p)
    CHECK_OK(PRIVATE(by_libcrypto(EVP_PKEY_ED25519, true, NULL)));
    CHECK_OK(PUBLIC(by_libcrypto(EVP_PKEY_ED25519, false, NULL)));
    CHECK_ERR(PRIVATE(by_libcrypto(EVP_PKEY_X25519, true, NULL)), EM_ERR_PEM);
    CHECK_ERR(PUBLIC(by_libcrypto(EVP_PKEY_X25519, false, NULL)), EM_ERR_PEM);
    CHECK_ERR(PRIVATE(by_libcrypto(EVP_PKEY_ED448, true, NULL)), EM_ERR_PEM);
    CHECK_ERR(PRIVATE(by_libcrypto(EVP_PKEY_ED25519, true, EVP_aes_256_cbc())),
              EM_ERR_PEM); /* a passphrase */
    CHECK_ERR(PUBLIC(by_libcrypto(EVP_PKEY_ED25519, true, NULL)), EM_ERR_PEM);
    CHECK_ERR(PRIVATE(by_libcrypto(EVP_PKEY_ED25519, false, NULL)), EM_ERR_PEM);
}

static bool reads_private(em_bytes in, void *arg)
{
    em_ed25519_secret s;
    em_ed25519_public p;

    (void)arg;
    return em_keys_from_private_pem(in, &s, &p) == EM_OK;
}

static bool reads_public(em_bytes in, void *arg)
{
    em_ed25519_public p;

    (void)arg;
    return em_keys_from_public_pem(in, &p) == EM_OK;
}

static void cuts_and_tails_are_refused(void)
{
    em_ed25519_secret secret;
    em_ed25519_public public;
    uint8_t text[1024];

    CHECK_OK(em_ed25519_from_seed((const uint8_t[32]){7}, &secret, &public));
    em_bytes pem = private_pem(&secret);
    /* the last newline may be missing; a flip within the base64 is another key */
    CHECK(test_abuse(pem, reads_private, NULL).cuts_accepted <= 1);
    CHECK(test_abuse(public_pem(&public), reads_public, NULL).cuts_accepted <= 1);

    memcpy(text, pem.at, pem.len);
    memcpy(text + pem.len, "\n \r\n", 4);
    CHECK(reads_private(em_view(text, pem.len + 4), NULL));
    memcpy(text + pem.len, pem.at, pem.len); /* two keys in one file */
    CHECK(!reads_private(em_view(text, 2 * pem.len), NULL));
    pem = public_pem(&public);
    memcpy(text, pem.at, pem.len);
    text[pem.len] = 'x';
    CHECK(!reads_public(em_view(text, pem.len + 1), NULL));
}

static void files_that_are_no_keys_say_so(void)
{
    em_ed25519_secret s;
    em_ed25519_public p;
    static uint8_t big[EM_KEYS_MAX_FILE + 1];

    folder_write(folder_path("text"), EM_STR("not a key\n"));
    folder_write(folder_path("big"), EM_BYTES(big));
    chmod(folder_path("text"), 0600);
    chmod(folder_path("big"), 0600);
#define READ(name) em_keys_read_private(folder_path(name), &problem, &s, &p)
    CHECK_PROBLEM(READ("text"), EM_ERR_PEM, "text: not an Ed25519 private key");
    CHECK_PROBLEM(READ("big"), EM_ERR_LIMIT, "big");
    CHECK_PROBLEM(READ("none"), EM_ERR_NOT_FOUND, "none");
    CHECK_PROBLEM(em_keys_read_public(folder_path("text"), &problem, &p), EM_ERR_PEM,
                  "text: not an Ed25519 public key");
    CHECK_PROBLEM(em_keys_read_public(folder_path("none"), &problem, &p),
                  EM_ERR_NOT_FOUND, "none");
    CHECK_ERR(em_keys_read_public(folder_path("none"), NULL, &p), EM_ERR_NOT_FOUND);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    folder_begin();
    RUN(a_made_key_reads_back_and_signs);
    RUN(keys_are_never_overwritten);
    RUN(a_key_that_others_can_read_is_refused);
    RUN(libcrypto_reads_what_we_write);
    RUN(we_read_what_libcrypto_writes_and_only_ed25519);
    RUN(cuts_and_tails_are_refused);
    RUN(files_that_are_no_keys_say_so);
    return test_end();
}
