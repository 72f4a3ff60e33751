/* covers: shared/crypto/cms.c shared/crypto/ber.c
 *
 * CMS EnvelopedData: parsed and, under a key that the seeds are made for, opened. */
#include "crypto/cms.h"
#include "crypto/setup.h"
#include "tests/crypto/keys_tables.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static em_rsa_key key;
    static uint8_t out[EM_CMS_MAX];
    em_bytes ber = em_view(data, size);
    em_cms parts;
    size_t len = 0, total = 0;

    if (key.len == 0 && (em_setup() != EM_OK ||
                         em_rsa_from_pkcs8(EM_BYTES(keys_rsa_pkcs8), &key) != EM_OK))
        abort();
    em_err err = em_cms_parse(ber, &parts);
    if (err != EM_OK && err != EM_ERR_CMS_MALFORMED) abort();
    if (err != EM_OK) return 0;

    for (size_t i = 0; i < parts.n_parts; i++) {
        em_bytes p = parts.part[i];
        if (p.at < data || p.at + p.len > data + size) abort();
        total += p.len;
    }
    if (total != parts.len || total == 0 || total % EM_CMS_BLOCK != 0) abort();

    memset(out, 0xEE, sizeof out);
    err = em_cms_open(&key, ber, out, sizeof out, &len);
    if (err != EM_OK && err != EM_ERR_CMS_OPEN_FAILED) abort();
    if (len >= total || !em_all_zero(em_view(out + len, sizeof out - len))) abort();
    return 0;
}
