/* x509_impl.h - one certificate, parsed and held against the rules that need no other.
 *
 * Trust:  the DER is hostile; an em_x509_cert is well formed and of our profile, and
 *         nothing about it is proved.
 * Memory: owns libcrypto's X509; views point into the DER or into the X509.
 */
#ifndef EM_CRYPTO_X509_IMPL_H
#define EM_CRYPTO_X509_IMPL_H

#include "crypto/p384.h"

#include <openssl/x509.h>

typedef struct em_x509_cert {
    X509 *x;
    em_bytes tbs;             /* the signed bytes, as received */
    em_bytes signature;       /* DER SEQUENCE { r, s } */
    em_bytes subject, issuer; /* names as received */
    em_p384_public key;
    uint64_t not_before_ms, not_after_ms;
    bool is_ca;
    bool has_path_len;
    bool signs_certs; /* keyUsage is there and says keyCertSign */
    bool signs_data;  /* keyUsage is absent or says digitalSignature */
    bool plain;       /* no extension but those judged here, and a subject key id */
    size_t path_len;
} em_x509_cert;

void em_x509_cert_drop(em_x509_cert *c);

/* EM_ERR_X509_MALFORMED where it is no DER certificate of at most EM_MAX_CERT bytes;
 * EM_ERR_CHAIN_INVALID where it is one that we take no part of a chain for: not version
 * 3, not P-384 with SHA-384, an extension twice, unknown and critical, or constraining
 * names. */
em_err em_x509_cert_parse(em_bytes der, em_x509_cert *ret_cert);

#endif
