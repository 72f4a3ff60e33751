/* ca.h - a certificate authority shaped like AWS Nitro's: root, region, zone, instance,
 * leaf.
 *
 * P-384 with SHA-384 throughout, 21-octet serials, validity periods and extensions as in
 * the real chains; the names say "twin", so that nobody takes one for AWS's.
 *
 * Trust:  the root key lies in the twin's state folder; this CA vouches for nothing real.
 * Memory: libcrypto's heap; em_ca_drop frees it.
 */
#ifndef EM_TWIN_CA_H
#define EM_TWIN_CA_H

#include "base/em.h"
#include "base/limits.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

enum { EM_CA_LEVELS = 4 }; /* certificates above the leaf */

/* DER: root, region, zone, instance, leaf. */
typedef struct em_ca_chain {
    size_t len[EM_CA_LEVELS + 1];
    uint8_t der[EM_CA_LEVELS + 1][EM_MAX_CERT];
} em_ca_chain;

typedef struct em_ca {
    EVP_PKEY *root_key;
    X509 *root;
    EVP_PKEY *leaf_key; /* of chain's leaf */
    em_ca_chain chain;
    uint64_t made_ms; /* when everything below the root was made; 0: not yet */
} em_ca;
void em_ca_drop(em_ca *ca);

/* Open the root in folder `dir` (nsm-root.key, nsm-root.pem), making it at the first
 * start. */
em_err em_ca_open(const char *dir, em_ca *ret_ca);

/* Make the chain below the root for an enclave's module id where there is none or it is
 * two hours old; AWS's leaves live three.  After an error the chain and the leaf's key
 * are what they were. */
em_err em_ca_renew(em_ca *ca, const char *module_id, uint64_t now_ms);

/* ES384 over `message` with the leaf's key, as raw r || s. */
em_err em_ca_sign(const em_ca *ca, em_bytes message, uint8_t ret_sig[96]);

/* A fresh key and certificate for a TLS server of these DNS names, under a root of its
 * own in the state folder (tls-root.key, tls-root.pem; the latter is what an enclave's
 * configuration names), made at the first start.  The caller frees both. */
em_err em_ca_tls(const char *dir, const char *const *hosts, size_t n, EVP_PKEY **ret_key,
                 X509 **ret_cert);

#endif
