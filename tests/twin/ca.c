/* The twin's certificate authority: shaped like AWS's, renewed whole or not at all, its
 * root kept between starts and private. */
#include "twin/ca.h"

#include "crypto/setup.h"
#include "crypto/x509.h"
#include "os/clock.h"
#include "os/file.h"
#include "tests/support/test.h"

#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODULE "i-0123456789abcdef0-enc0123456789abcdef"

static char folder[] = "/tmp/em-test-ca.XXXXXX";

static void remove_folder(void)
{
    if (em_file_remove_tree(folder) != EM_OK) printf("# %s stays\n", folder);
}

static const char *path(const char *name)
{
    static char text[128];

    snprintf(text, sizeof text, "%s/%s", folder, name);
    return text;
}

static X509 *parsed(const em_ca *ca, size_t i)
{
    const unsigned char *at = ca->chain.der[i];

    return d2i_X509(NULL, &at, (long)ca->chain.len[i]);
}

static void the_root_stays(void)
{
    EM_DROP(em_ca) first = {0};
    EM_DROP(em_ca) again = {0};
    struct stat info;

    CHECK_OK(em_ca_open(folder, &first));
    CHECK_OK(em_ca_open(folder, &again));
    CHECK(em_same(em_view(first.chain.der[0], first.chain.len[0]),
                  em_view(again.chain.der[0], again.chain.len[0])));
    CHECK(stat(path("nsm-root.key"), &info) == 0 && (info.st_mode & 0777) == 0600);
    /* half a pair is no root, and is not made anew over it */
    char aside[128];
    snprintf(aside, sizeof aside, "%s/aside", folder);
    CHECK(rename(path("nsm-root.pem"), aside) == 0);
    EM_DROP(em_ca) none = {0};
    CHECK_ERR(em_ca_open(folder, &none), EM_ERR_BAD_KEY);
    CHECK(none.root == NULL);
    CHECK(rename(aside, path("nsm-root.pem")) == 0);
    CHECK_ERR(em_ca_open("/nowhere/at/all", &none), EM_ERR_IO);
}

static void the_chain_is_shaped_like_amazon_s(void)
{
    EM_DROP(em_ca) ca = {0};
    static const long lives[] = {0, 20 * 24, 6 * 24, 24, 3}; /* hours */

    CHECK_OK(em_ca_open(folder, &ca));
    CHECK_OK(em_ca_renew(&ca, MODULE, em_clock_wall_ms()));
    for (size_t i = 0; i <= EM_CA_LEVELS; i++) {
        X509 *cert = parsed(&ca, i), *above = parsed(&ca, i == 0 ? 0 : i - 1);
        int days = 0, seconds = 0;
        test_note("%zu", i);
        REQUIRE(cert != NULL && above != NULL);
        CHECK(ca.chain.len[i] <= EM_MAX_CERT);
        EVP_PKEY *key = X509_get0_pubkey(above);
        CHECK(X509_verify(cert, key) == 1);
        CHECK(X509_get_signature_nid(cert) == NID_ecdsa_with_SHA384);
        CHECK(i2d_ASN1_INTEGER(X509_get_serialNumber(cert), NULL) == 2 + 21);
        CHECK(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(cert),
                             X509_get0_notAfter(cert)) == 1);
        if (i > 0) CHECK(days * 24L + seconds / 3600 == lives[i]);
        bool is_leaf = i == EM_CA_LEVELS;
        CHECK((X509_get_extension_flags(cert) & EXFLAG_CA) == (is_leaf ? 0 : EXFLAG_CA));
        CHECK((X509_get0_authority_key_id(cert) == NULL) == (is_leaf || i == 0));
        X509_free(cert);
        X509_free(above);
    }
    test_note("%s", "");
}

static void it_is_renewed_in_time_and_not_before(void)
{
    static em_ca_chain was;
    EM_DROP(em_ca) ca = {0};
    uint64_t now_ms = em_clock_wall_ms();
    const uint64_t hours_ms = 2 * 3600 * 1000;

    CHECK_OK(em_ca_open(folder, &ca));
    CHECK_OK(em_ca_renew(&ca, MODULE, now_ms));
    was = ca.chain;
    EVP_PKEY *key = ca.leaf_key;
    CHECK_OK(em_ca_renew(&ca, MODULE, now_ms + hours_ms - 1));
    CHECK(memcmp(&was, &ca.chain, sizeof was) == 0 && ca.leaf_key == key);
    CHECK_OK(em_ca_renew(&ca, MODULE, now_ms + hours_ms));
    CHECK(memcmp(&was, &ca.chain, sizeof was) != 0);
    CHECK(em_same(em_view(was.der[0], was.len[0]),
                  em_view(ca.chain.der[0], ca.chain.len[0])));
    for (size_t i = 1; i <= EM_CA_LEVELS; i++)
        CHECK(!em_same(em_view(was.der[i], was.len[i]),
                       em_view(ca.chain.der[i], ca.chain.len[i])));
    /* a clock that goes back makes no chain last */
    was = ca.chain;
    CHECK_OK(em_ca_renew(&ca, MODULE, now_ms));
    CHECK(memcmp(&was, &ca.chain, sizeof was) != 0);
}

/* The first certificate below the root cannot be signed with a key that cannot sign; the
 * old chain and its leaf's key must go on together. */
static void a_renewal_that_fails_changes_nothing(void)
{
    static em_ca_chain was;
    EM_DROP(em_ca) ca = {0};
    uint64_t now_ms = em_clock_wall_ms();
    uint8_t sig[96];

    CHECK_OK(em_ca_open(folder, &ca));
    CHECK_OK(em_ca_renew(&ca, MODULE, now_ms));
    was = ca.chain;
    EVP_PKEY *leaf = ca.leaf_key, *root = ca.root_key;
    ca.root_key = X509_get_pubkey(ca.root); /* the public half only */
    CHECK_ERR(em_ca_renew(&ca, MODULE, now_ms + 3 * 3600 * 1000), EM_ERR_CRYPTO);
    CHECK(memcmp(&was, &ca.chain, sizeof was) == 0 && ca.leaf_key == leaf);
    CHECK(ca.made_ms == now_ms);
    CHECK_OK(em_ca_sign(&ca, EM_STR("message"), sig));
    EVP_PKEY_free(ca.root_key);
    ca.root_key = root;
    CHECK_OK(em_ca_renew(&ca, MODULE, now_ms + 3 * 3600 * 1000));
    CHECK(memcmp(&was, &ca.chain, sizeof was) != 0);
}

static void tls_names_are_in_the_certificate(void)
{
    static const char *const hosts[] = {"kms.eu-central-1.amazonaws.com", "localhost"};
    EVP_PKEY *key = NULL;
    X509 *cert = NULL;

    CHECK_OK(em_ca_tls(folder, hosts, 2, &key, &cert));
    REQUIRE(cert != NULL);
    CHECK(X509_check_host(cert, "localhost", 0, 0, NULL) == 1);
    CHECK(X509_check_host(cert, hosts[0], 0, 0, NULL) == 1);
    CHECK(X509_check_host(cert, "kms.us-east-1.amazonaws.com", 0, 0, NULL) != 1);
    CHECK(X509_check_private_key(cert, key) == 1);
    EVP_PKEY_free(key);
    X509_free(cert);
    static char name[1100];
    memset(name, 'a', sizeof name - 1);
    const char *long_host = name;
    CHECK_ERR(em_ca_tls(folder, &long_host, 1, &key, &cert), EM_ERR_LIMIT);
}

int main(void)
{
    if (em_setup() != EM_OK || mkdtemp(folder) == NULL) abort();
    atexit(remove_folder);
    RUN(the_root_stays);
    RUN(the_chain_is_shaped_like_amazon_s);
    RUN(it_is_renewed_in_time_and_not_before);
    RUN(a_renewal_that_fails_changes_nothing);
    RUN(tls_names_are_in_the_certificate);
    return test_end();
}
