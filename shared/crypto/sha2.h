/* sha2.h - SHA-256, SHA-384 and HMAC-SHA-256 (FIPS 180-4, RFC 2104).
 *
 * Trust:  inputs may be hostile or secret; the functions take time by length only.
 * Memory: contexts are the caller's and hold no heap; they wipe themselves under EM_DROP.
 */
#ifndef EM_CRYPTO_SHA2_H
#define EM_CRYPTO_SHA2_H

#include "base/em.h"

enum { EM_SHA256_LEN = 32, EM_SHA384_LEN = 48 };

typedef struct em_sha256 {
    uint64_t opaque[16];
} em_sha256;
typedef struct em_sha384 {
    uint64_t opaque[32];
} em_sha384;

/* Start, feed, finish.  Finishing wipes the context.  They cannot fail. */
void em_sha2_256_init(em_sha256 *h);
void em_sha2_256_add(em_sha256 *h, em_bytes bytes);
void em_sha2_256_end(em_sha256 *h, uint8_t ret_digest[EM_SHA256_LEN]);
void em_sha2_384_init(em_sha384 *h);
void em_sha2_384_add(em_sha384 *h, em_bytes bytes);
void em_sha2_384_end(em_sha384 *h, uint8_t ret_digest[EM_SHA384_LEN]);

static inline __attribute__((unused)) void em_sha256_drop(em_sha256 *h)
{
    em_wipe(h, sizeof *h);
}
static inline __attribute__((unused)) void em_sha384_drop(em_sha384 *h)
{
    em_wipe(h, sizeof *h);
}

/* The digest of one view; of n views one after the other. */
void em_sha2_256(em_bytes bytes, uint8_t ret_digest[EM_SHA256_LEN]);
void em_sha2_384(em_bytes bytes, uint8_t ret_digest[EM_SHA384_LEN]);
void em_sha2_256_of(const em_bytes *parts, size_t n, uint8_t ret_digest[EM_SHA256_LEN]);
void em_sha2_384_of(const em_bytes *parts, size_t n, uint8_t ret_digest[EM_SHA384_LEN]);

/* HMAC-SHA-256 over n views one after the other. */
void em_sha2_hmac(em_bytes key, const em_bytes *parts, size_t n,
                  uint8_t ret_tag[EM_SHA256_LEN]);

#endif
