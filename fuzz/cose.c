/* covers: shared/wire/cose.c
 *
 * COSE_Sign1: whatever parses gives views inside the input and a Sig_structure that is
 * CBOR of the strict profile. */
#include "wire/cose.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(em_bytes part, const uint8_t *data, size_t size)
{
    if (part.len > size) abort();
    if (part.len > 0 && (part.at < data || part.at + part.len > data + size)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_cose_sign1 parts, same;
    em_bytes in = {data, size}, tbs;
    size_t cap = size + 64;
    uint8_t *buf = malloc(cap);

    if (em_cose_parse(in, EM_COSE_EITHER, &parts) == EM_OK) {
        check_inside(parts.protected, data, size);
        check_inside(parts.unprotected, data, size);
        check_inside(parts.payload, data, size);
        check_inside(parts.signature, data, size);
        if (em_cose_tbs(&parts, (em_bytes){0}, buf, cap, &tbs) != EM_OK) abort();
        if (em_cbor_check(tbs) != EM_OK) abort();
        bool tagged = em_cose_parse(in, EM_COSE_TAGGED, &same) == EM_OK;
        bool plain = em_cose_parse(in, EM_COSE_UNTAGGED, &same) == EM_OK;
        if (tagged == plain) abort();
        em_out o = em_out_over(buf, cap);
        em_cose_put_sign1(&o, tagged, parts.protected, parts.payload, parts.signature);
        bool is_ours = parts.has_payload && parts.unprotected.len == 1;
        if (is_ours && !em_same(em_write_view(&o), in)) abort();
    }
    free(buf);
    return 0;
}
