/* x509.h - certificate chains as Nitro's NSM makes them: one given path, no search.
 *
 * Trust:  every certificate is hostile until em_x509_chain_verify has said EM_OK; then
 *         `leaf` is a key under the root whose digest is returned.  Whether that root is
 *         wanted is the caller's to judge (trust/).
 * Memory: the views are the caller's; libcrypto's heap is freed before return.
 */
#ifndef EM_CRYPTO_X509_H
#define EM_CRYPTO_X509_H

#include "base/limits.h"
#include "crypto/p384.h"

/* Facts of a verified chain.  Times are Unix milliseconds. */
typedef struct em_x509_chain {
    em_p384_public leaf;
    uint8_t root_sha256[32]; /* of the root's DER */
    uint8_t
        chain_sha256[32];   /* over cabundle, each with its length as u32 BE before it */
    uint64_t not_before_ms; /* the latest of all certificates */
    uint64_t not_after_ms;  /* the earliest of all certificates */
} em_x509_chain;

/* The CAs of chains that were verified before, so that a further leaf costs one
 * signature. Keyed by root and all of the chain above the leaf; asked again for time.
 * Zero-initialised, the caller's; not for two threads at once. */
enum { EM_X509_CACHE_SLOTS = 8 };
typedef struct em_x509_cache {
    struct em_x509_cache_slot {
        bool used;
        uint8_t root_sha256[32], chain_sha256[32];
        em_p384_public issuer; /* the key of the lowest CA */
        uint8_t issuer_name_sha256[32];
        uint64_t not_before_ms, not_after_ms;
    } slot[EM_X509_CACHE_SLOTS];
    unsigned next;
} em_x509_cache;

/* SHA-256 of a certificate's DER as received. */
void em_x509_fingerprint(em_bytes der, uint8_t ret_sha256[32]);

/* Verify cabundle[0] (root) .. cabundle[n-1], leaf as exactly that path, at time at_ms:
 * DER of version 3; P-384 with SHA-384 throughout; the root signs itself; names chained
 * byte for byte; CAs with basic constraints, path length and keyCertSign, a leaf without
 * CA and, where it has key usage, with digitalSignature; no extension twice, unknown and
 * critical, or constraining names; and libcrypto, asked for a path, builds this one.
 * Then validity (not before less EM_CLOCK_LEEWAY_MS).  21-octet serials and a leaf
 * without AKI are legal; n is 1 .. EM_MAX_CHAIN - 1.  `cache` may be NULL; chains that
 * passed enter it.
 *
 * In this order: EM_ERR_X509_MALFORMED or EM_ERR_CHAIN_INVALID (leaf, then root to lowest
 * CA, then the path), EM_ERR_CERT_NOT_YET_VALID, EM_ERR_CERT_EXPIRED. */
em_err em_x509_chain_verify(const em_bytes *cabundle, size_t n, em_bytes leaf,
                            uint64_t at_ms, em_x509_cache *cache,
                            em_x509_chain *ret_chain);

#endif
