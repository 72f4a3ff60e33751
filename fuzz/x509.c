/* covers: shared/crypto/x509.c shared/crypto/x509_cert.c
 *
 * Certificate chains: u16 BE length and a certificate, again and again; the last is the
 * leaf. A cache may make a verdict cheaper, never another. */
#include "crypto/x509.h"
#include "base/read.h"
#include "crypto/setup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const em_x509_chain *a, const em_x509_chain *b)
{
    return em_same(EM_BYTES(a->leaf.b), EM_BYTES(b->leaf.b)) &&
           em_same(EM_BYTES(a->root_sha256), EM_BYTES(b->root_sha256)) &&
           em_same(EM_BYTES(a->chain_sha256), EM_BYTES(b->chain_sha256)) &&
           a->not_before_ms == b->not_before_ms && a->not_after_ms == b->not_after_ms;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    static em_x509_cache cache;
    static const uint64_t now_ms = 1700000000000;
    em_reader r = {.left = em_view(data, size)};
    em_bytes cert[12];
    size_t n = 0;

    if (!ready && em_setup() != EM_OK) abort();
    ready = true;
    while (r.left.len > 0 && n < EM_COUNT(cert)) {
        uint16_t len = em_read_be16(&r);
        cert[n] = em_read_bytes(&r, len);
        if (em_read_ok(&r) != EM_OK) return 0;
        n++;
    }
    if (n == 0) return 0;

    em_x509_chain cold = {0}, cached = {0};
    em_err a = em_x509_chain_verify(cert, n - 1, cert[n - 1], now_ms, NULL, &cold);
    if (a != EM_OK && a != EM_ERR_X509_MALFORMED && a != EM_ERR_CHAIN_INVALID &&
        a != EM_ERR_CERT_NOT_YET_VALID && a != EM_ERR_CERT_EXPIRED)
        abort();
    for (unsigned i = 0; i < 2; i++) { /* it may fill the cache, then hit it */
        em_err b =
            em_x509_chain_verify(cert, n - 1, cert[n - 1], now_ms, &cache, &cached);
        if (b != a || !same(&cold, &cached)) abort();
    }
    return 0;
}
