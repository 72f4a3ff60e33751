#include "twin/ca.h"

#include <fcntl.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

enum { HOUR = 3600, DAY = 24 * HOUR, RENEW_AFTER_MS = 2 * HOUR * 1000 };

/* What differs between the levels of a chain. */
typedef struct level {
    const char *common_name;
    long seconds;
    const char *constraints, *usage;
    bool key_ids;
} level;

static void key_drop(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}
static void cert_drop(X509 **c)
{
    X509_free(*c);
}
#define DROP_KEY __attribute__((cleanup(key_drop)))
#define DROP_CERT __attribute__((cleanup(cert_drop)))

void em_ca_drop(em_ca *ca)
{
    EVP_PKEY_free(ca->root_key);
    EVP_PKEY_free(ca->leaf_key);
    X509_free(ca->root);
    *ca = (em_ca){0};
}

/* Twenty random octets under a leading 0x00 0x80: 21 octets of DER, as AWS's serials are.
 */
static bool set_serial(X509 *cert)
{
    uint8_t serial[20];

    if (RAND_bytes(serial, sizeof serial) != 1) return false;
    serial[0] |= 0x80;
    BIGNUM *n = BN_bin2bn(serial, sizeof serial, NULL);
    bool good = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;
    BN_free(n);
    return good;
}

static bool add_name(X509_NAME *name, const char *field, const char *text)
{
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, (const uint8_t *)text,
                                      -1, -1, 0) == 1;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool good = e != NULL && X509_add_ext(cert, e, -1) == 1;
    X509_EXTENSION_free(e);
    return good;
}

/* A certificate for `key`; issuer NULL makes it self-signed. */
static em_err make_cert(const level *l, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
                        const char *alt_names, X509 **ret_cert)
{
    DROP_CERT X509 *cert = X509_new();
    if (cert == NULL) return EM_ERR_CRYPTO;

    X509 *above = issuer != NULL ? issuer : cert;
    X509_NAME *name = X509_get_subject_name(cert);
    bool good = X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
                add_name(name, "C", "ZZ") && add_name(name, "O", "EphemeralML twin") &&
                add_name(name, "OU", "evaluation") &&
                add_name(name, "CN", l->common_name) &&
                X509_set_issuer_name(cert, X509_get_subject_name(above)) == 1 &&
                X509_gmtime_adj(X509_getm_notBefore(cert), 0) != NULL &&
                X509_gmtime_adj(X509_getm_notAfter(cert), l->seconds) != NULL &&
                X509_set_pubkey(cert, key) == 1 &&
                add_extension(cert, above, NID_basic_constraints, l->constraints) &&
                add_extension(cert, above, NID_key_usage, l->usage);
    if (good && l->key_ids) {
        good = add_extension(cert, above, NID_subject_key_identifier, "hash");
        if (good && issuer != NULL)
            good =
                add_extension(cert, above, NID_authority_key_identifier, "keyid:always");
    }
    if (good && alt_names != NULL)
        good = add_extension(cert, above, NID_subject_alt_name, alt_names) &&
               add_extension(cert, above, NID_ext_key_usage, "serverAuth");
    if (!good || X509_sign(cert, issuer_key, EVP_sha384()) <= 0) return EM_ERR_CRYPTO;
    *ret_cert = EM_TAKE(cert);
    return EM_OK;
}

static em_err write_pem(const char *dir, const char *name, EVP_PKEY *key, X509 *cert)
{
    char path[4096];

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return EM_ERR_LIMIT;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, key ? 0600 : 0644);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f == NULL) {
        if (fd >= 0) close(fd);
        return EM_ERR_IO;
    }
    int good = key != NULL ? PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL)
                           : PEM_write_X509(f, cert);
    return fclose(f) == 0 && good == 1 ? EM_OK : EM_ERR_IO;
}

static EVP_PKEY *read_key(const char *dir, const char *name)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    if (f == NULL) return NULL;
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    return key;
}

static X509 *read_cert(const char *dir, const char *name)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    if (f == NULL) return NULL;
    X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    return cert;
}

/* The pair of files NAME.key and NAME.pem, made as a root the first time. */
static em_err open_root(const char *dir, const char *key_name, const char *cert_name,
                        const level *l, EVP_PKEY **ret_key, X509 **ret_cert)
{
    DROP_KEY EVP_PKEY *key = read_key(dir, key_name);
    DROP_CERT X509 *cert = read_cert(dir, cert_name);

    if (key == NULL && cert == NULL) {
        key = EVP_EC_gen("P-384");
        if (key == NULL) return EM_ERR_CRYPTO;
        EM_TRY(make_cert(l, key, NULL, key, NULL, &cert));
        EM_TRY(write_pem(dir, key_name, key, NULL));
        EM_TRY(write_pem(dir, cert_name, NULL, cert));
    }
    if (key == NULL || cert == NULL || X509_check_private_key(cert, key) != 1)
        return EM_ERR_BAD_KEY;
    *ret_key = EM_TAKE(key);
    *ret_cert = EM_TAKE(cert);
    return EM_OK;
}

static em_err keep_der(em_ca_chain *chain, size_t i, X509 *cert)
{
    int len = i2d_X509(cert, NULL);
    uint8_t *to = chain->der[i];

    if (len <= 0 || (size_t)len > sizeof chain->der[i]) return EM_ERR_CRYPTO;
    i2d_X509(cert, &to);
    chain->len[i] = (size_t)len;
    return EM_OK;
}

em_err em_ca_open(const char *dir, em_ca *ret_ca)
{
    static const level root = {"twin.nitro-enclaves", 30L * 365 * DAY, "critical,CA:TRUE",
                               "critical,digitalSignature,keyCertSign,cRLSign", true};
    EM_DROP(em_ca) ca = {0};

    EM_TRY(open_root(dir, "nsm-root.key", "nsm-root.pem", &root, &ca.root_key, &ca.root));
    EM_TRY(keep_der(&ca.chain, 0, ca.root));
    *ret_ca = EM_TAKE(ca);
    return EM_OK;
}

em_err em_ca_renew(em_ca *ca, const char *module_id, uint64_t now_ms)
{
    if (ca->made_ms != 0 && now_ms - ca->made_ms < RENEW_AFTER_MS) return EM_OK;

    /* module_id is INSTANCE-encNUMBER; X.520's upper bound of a common name is 64 */
    const char *enc = strstr(module_id, "-enc");
    int instance_len = enc != NULL ? (int)(enc - module_id) : (int)strlen(module_id);
    char instance[64], leaf[64];
    snprintf(instance, sizeof instance, "%.*s.twin",
             instance_len < 58 ? instance_len : 58, module_id);
    snprintf(leaf, sizeof leaf, "%.58s.twin", module_id);
    const level levels[EM_CA_LEVELS] = {
        {"region.twin.nitro-enclaves", 20L * DAY, "critical,CA:TRUE,pathlen:2",
         "critical,digitalSignature,keyCertSign,cRLSign", true},
        {"zone.twin.nitro-enclaves", 6L * DAY, "critical,CA:TRUE,pathlen:1",
         "critical,digitalSignature,keyCertSign,cRLSign", true},
        {instance, DAY, "critical,CA:TRUE,pathlen:0", "critical,keyCertSign", true},
        {leaf, 3L * HOUR, "critical,CA:FALSE", "digitalSignature,nonRepudiation", false},
    };

    em_ca_chain chain =
        ca->chain; /* the root stays; the whole new chain, or the old one */
    DROP_KEY EVP_PKEY *above_key = ca->root_key;
    DROP_CERT X509 *above = ca->root;
    EVP_PKEY_up_ref(above_key);
    X509_up_ref(above);
    for (size_t i = 0; i < EM_CA_LEVELS; i++) {
        DROP_KEY EVP_PKEY *key = EVP_EC_gen("P-384");
        DROP_CERT X509 *cert = NULL;
        if (key == NULL) return EM_ERR_CRYPTO;
        EM_TRY(make_cert(&levels[i], key, above, above_key, NULL, &cert));
        EM_TRY(keep_der(&chain, i + 1, cert));
        EVP_PKEY_free(above_key);
        X509_free(above);
        above_key = EM_TAKE(key);
        above = EM_TAKE(cert);
    }
    EVP_PKEY_free(ca->leaf_key);
    ca->leaf_key = EM_TAKE(above_key);
    ca->chain = chain;
    ca->made_ms = now_ms;
    return EM_OK;
}

em_err em_ca_sign(const em_ca *ca, em_bytes message, uint8_t ret_sig[96])
{
    uint8_t der[128];
    size_t len = sizeof der;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good =
        context != NULL &&
        EVP_DigestSignInit(context, NULL, EVP_sha384(), NULL, ca->leaf_key) == 1 &&
        EVP_DigestSign(context, der, &len, message.at, message.len) == 1;
    EVP_MD_CTX_free(context);
    if (!good) return EM_ERR_CRYPTO;

    const uint8_t *at = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    good = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret_sig, 48) == 48 &&
           BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret_sig + 48, 48) == 48;
    ECDSA_SIG_free(sig);
    return good ? EM_OK : EM_ERR_CRYPTO;
}

em_err em_ca_tls(const char *dir, const char *const *hosts, size_t n, EVP_PKEY **ret_key,
                 X509 **ret_cert)
{
    static const level root = {"twin TLS root", 30L * 365 * DAY, "critical,CA:TRUE",
                               "critical,keyCertSign,cRLSign", true};
    static const level server = {"twin TLS server", 30L * DAY, "critical,CA:FALSE",
                                 "critical,digitalSignature", true};
    DROP_KEY EVP_PKEY *root_key = NULL;
    DROP_CERT X509 *root_cert = NULL;
    DROP_KEY EVP_PKEY *key = EVP_EC_gen("P-256");
    DROP_CERT X509 *cert = NULL;
    char names[1024] = "";
    size_t used = 0;

    EM_TRY(open_root(dir, "tls-root.key", "tls-root.pem", &root, &root_key, &root_cert));
    for (size_t i = 0; i < n; i++) {
        int len = snprintf(names + used, sizeof names - used, "%sDNS:%s",
                           i > 0 ? "," : "", hosts[i]);
        if (len < 0 || (size_t)len >= sizeof names - used) return EM_ERR_LIMIT;
        used += (size_t)len;
    }
    if (key == NULL) return EM_ERR_CRYPTO;
    EM_TRY(make_cert(&server, key, root_cert, root_key, names, &cert));
    *ret_key = EM_TAKE(key);
    *ret_cert = EM_TAKE(cert);
    return EM_OK;
}
