#define OPENSSL_SUPPRESS_DEPRECATED /* the EVP forms of these fetch, lock and allocate   \
                                     */
#include "crypto/sha2.h"

#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(em_sha256), "em_sha256 is too small");
_Static_assert(sizeof(SHA512_CTX) <= sizeof(em_sha384), "em_sha384 is too small");

enum { HMAC_BLOCK = 64 };
EM_SECRET(block, HMAC_BLOCK);

static SHA256_CTX *of_256(em_sha256 *h)
{
    return (SHA256_CTX *)(void *)h->opaque;
}

static SHA512_CTX *of_384(em_sha384 *h)
{
    return (SHA512_CTX *)(void *)h->opaque;
}

void em_sha2_256_init(em_sha256 *h)
{
    *h = (em_sha256){0};
    SHA256_Init(of_256(h));
}

void em_sha2_256_add(em_sha256 *h, em_bytes bytes)
{
    if (bytes.len > 0) SHA256_Update(of_256(h), bytes.at, bytes.len);
}

void em_sha2_256_end(em_sha256 *h, uint8_t ret_digest[EM_SHA256_LEN])
{
    SHA256_Final(ret_digest, of_256(h));
    em_wipe(h, sizeof *h);
}

void em_sha2_384_init(em_sha384 *h)
{
    *h = (em_sha384){0};
    SHA384_Init(of_384(h));
}

void em_sha2_384_add(em_sha384 *h, em_bytes bytes)
{
    if (bytes.len > 0) SHA384_Update(of_384(h), bytes.at, bytes.len);
}

void em_sha2_384_end(em_sha384 *h, uint8_t ret_digest[EM_SHA384_LEN])
{
    SHA384_Final(ret_digest, of_384(h));
    em_wipe(h, sizeof *h);
}

void em_sha2_256_of(const em_bytes *parts, size_t n, uint8_t ret_digest[EM_SHA256_LEN])
{
    EM_DROP(em_sha256) h = {0};

    em_sha2_256_init(&h);
    for (size_t i = 0; i < n; i++) em_sha2_256_add(&h, parts[i]);
    em_sha2_256_end(&h, ret_digest);
}

void em_sha2_384_of(const em_bytes *parts, size_t n, uint8_t ret_digest[EM_SHA384_LEN])
{
    EM_DROP(em_sha384) h = {0};

    em_sha2_384_init(&h);
    for (size_t i = 0; i < n; i++) em_sha2_384_add(&h, parts[i]);
    em_sha2_384_end(&h, ret_digest);
}

void em_sha2_256(em_bytes bytes, uint8_t ret_digest[EM_SHA256_LEN])
{
    em_sha2_256_of(&bytes, 1, ret_digest);
}

void em_sha2_384(em_bytes bytes, uint8_t ret_digest[EM_SHA384_LEN])
{
    em_sha2_384_of(&bytes, 1, ret_digest);
}

/* RFC 2104 2: H(K XOR opad, H(K XOR ipad, text)) */
void em_sha2_hmac(em_bytes key, const em_bytes *parts, size_t n,
                  uint8_t ret_tag[EM_SHA256_LEN])
{
    EM_DROP(em_sha256) h = {0};
    EM_DROP(block) pad = {0};

    if (key.len > HMAC_BLOCK) {
        em_sha2_256(key, pad.b);
    } else if (key.len > 0) {
        memcpy(pad.b, key.at, key.len);
    }

    for (size_t i = 0; i < HMAC_BLOCK; i++) pad.b[i] ^= 0x36;
    em_sha2_256_init(&h);
    em_sha2_256_add(&h, EM_BYTES(pad.b));
    for (size_t i = 0; i < n; i++) em_sha2_256_add(&h, parts[i]);
    em_sha2_256_end(&h, ret_tag);

    for (size_t i = 0; i < HMAC_BLOCK; i++) pad.b[i] ^= 0x36 ^ 0x5C;
    em_sha2_256_init(&h);
    em_sha2_256_add(&h, EM_BYTES(pad.b));
    em_sha2_256_add(&h, em_view(ret_tag, EM_SHA256_LEN));
    em_sha2_256_end(&h, ret_tag);
}
