/* covers: shared/wire/cbor.c
 *
 * The CBOR reader in both profiles; what the strict one accepts is written again and must
 * come out the same. */
#include "wire/cbor.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One item by the typed readers; containers leave their items to come. */
static void copy_head(em_cbor *c, em_out *o)
{
    uint64_t n;

    switch (em_cbor_peek(c)) {
    case EM_CBOR_UINT:
        em_cbor_put_uint(o, em_cbor_uint(c));
        return;
    case EM_CBOR_NINT:
        em_write_bytes(o, em_cbor_skip(c));
        return;
    case EM_CBOR_BYTES:
        em_cbor_put_bytes(o, em_cbor_bytes(c));
        return;
    case EM_CBOR_TEXT:
        em_cbor_put_text(o, em_cbor_text(c));
        return;
    case EM_CBOR_ARRAY:
        n = em_cbor_array(c, UINT64_MAX);
        em_cbor_put_array(o, n);
        return;
    case EM_CBOR_MAP:
        n = em_cbor_map(c, UINT64_MAX);
        em_cbor_put_map(o, n);
        return;
    case EM_CBOR_FALSE:
    case EM_CBOR_TRUE:
        em_cbor_put_bool(o, em_cbor_bool(c));
        return;
    case EM_CBOR_NULL:
        em_cbor_null(c);
        em_cbor_put_null(o);
        return;
    case EM_CBOR_NONE:
        (void)em_cbor_skip(c);
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_bytes in = {data, size};
    em_cbor c = em_cbor_over(in), foreign = em_cbor_over_foreign(in);
    uint8_t *buf = malloc(size + 9);
    em_out o = em_out_over(buf, size + 9);
    bool good = em_cbor_check(in) == EM_OK;

    while (em_cbor_more(&c, 0)) copy_head(&c, &o);
    if ((em_cbor_end(&c) == EM_OK) != good) abort();
    if (good && !em_same(em_write_view(&o), in)) abort();

    em_bytes item = em_cbor_skip(&foreign);
    if (good && item.len != size) abort(); /* strict is a part of foreign */
    free(buf);
    return 0;
}
