/* covers: shared/wire/text.c
 *
 * Hexadecimal, base64, PEM and times: the first byte chooses; what is accepted and has
 * one written form is written again and must come out the same. */
#include "wire/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_hex(em_bytes in, uint8_t *out, size_t cap, em_out *o)
{
    size_t len;

    if (em_text_from_hex(in, out, cap, &len) != EM_OK) return;
    em_write_hex(o, em_view(out, len));
    if (!em_same(em_write_view(o), in)) abort();
}

static void check_base64(em_bytes in, uint8_t *out, size_t cap, em_out *o)
{
    size_t len;

    if (em_text_from_base64(in, out, cap, &len) != EM_OK) return;
    em_text_put_base64(o, em_view(out, len));
    if (!em_same(em_write_view(o), in)) abort();
}

static void check_pem(em_bytes in, uint8_t *out, size_t cap)
{
    size_t len;
    em_bytes rest;

    while (em_text_from_pem(in, "A", out, cap, &len, &rest) == EM_OK) {
        if (rest.len >= in.len || rest.at + rest.len != in.at + in.len) abort();
        in = rest;
    }
}

static void check_time(em_bytes in)
{
    uint8_t buf[40];
    em_out o = EM_OUT(buf);
    uint64_t ms, again;

    if (em_text_from_time(in, &ms) != EM_OK) return;
    em_text_put_time(&o, ms);
    if (em_write_end(&o) != EM_OK) abort();
    if (em_text_from_time(em_write_view(&o), &again) != EM_OK || again != ms) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    em_bytes in = {data + 1, size - 1};
    uint8_t *out = malloc(size), *again = malloc(2 * size);
    em_out o = em_out_over(again, 2 * size);

    switch (data[0] % 4) {
    case 0:
        check_hex(in, out, size, &o);
        break;
    case 1:
        check_base64(in, out, size, &o);
        break;
    case 2:
        check_pem(in, out, size);
        break;
    default:
        check_time(in);
        break;
    }
    free(out);
    free(again);
    return 0;
}
