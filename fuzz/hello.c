/* covers: shared/trust/hello.c
 *
 * C1, E1, HOST, user_data and record heads: what is accepted is written again and must
 * come out the same. */
#include "trust/hello.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t again[EM_RECORD_HEAD + EM_MAX_ATTEST];

static void must_be(const em_out *o, em_bytes in)
{
    if (em_write_end(o) != EM_OK || !em_same(em_write_view(o), in)) abort();
}

static void try_records(em_bytes in)
{
    em_out o = EM_OUT(again);
    em_hello_c1 c1;
    em_hello_e1 e1;
    unsigned code;

    if (em_hello_parse_c1(in, &c1) == EM_OK) {
        em_hello_put_c1(&o, c1.nonce, c1.deployment);
        must_be(&o, in);
    }
    if (em_hello_parse_e1(in, &e1) == EM_OK) {
        size_t len;
        em_hello_put_e1(&o, &e1);
        must_be(&o, in);
        if (em_hello_e1_len(&e1, &len) != EM_OK || len != in.len) abort();
    }
    if (em_hello_parse_host(in, &code) == EM_OK) {
        em_hello_put_host(&o, code);
        must_be(&o, in);
    }
}

static void try_head(em_bytes in)
{
    em_record_head head;

    if (in.len < EM_RECORD_HEAD || em_hello_read_head(in.at, &head) != EM_OK) return;
    em_out o = EM_OUT(again);
    em_hello_put_head(&o, head.type, head.final, head.len);
    must_be(&o, em_view(in.at, EM_RECORD_HEAD));
    if (!em_hello_is_sealed(head.type)) return;
    size_t max = em_hello_padded(em_hello_max_body(head.type)) + EM_TAG_LEN;
    if (head.len > max || head.len < EM_PAD_MIN + EM_TAG_LEN) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_bytes in = em_view(data, size);

    try_records(in);
    try_head(in);
    for (em_purpose want = EM_PURPOSE_SESSION; want <= EM_PURPOSE_KMS; want++) {
        em_user_data user;
        em_out o = EM_OUT(again);

        if (em_hello_parse_user_data(in, want, &user) != EM_OK) continue;
        em_hello_put_user_data(&o, &user);
        must_be(&o, in);
    }
    return 0;
}
