#include "cmd/check_op.h"
#include "wire/cbor.h"

void em_check_cbor(em_check_ask *ask, em_check_answer *answer)
{
    static const char *const kinds[] = {
        [EM_CBOR_UINT] = "uint",   [EM_CBOR_NINT] = "nint",   [EM_CBOR_BYTES] = "bytes",
        [EM_CBOR_TEXT] = "text",   [EM_CBOR_ARRAY] = "array", [EM_CBOR_MAP] = "map",
        [EM_CBOR_FALSE] = "false", [EM_CBOR_TRUE] = "true",   [EM_CBOR_NULL] = "null",
        [EM_CBOR_NONE] = "none",
    };
    em_bytes item = em_check_ask_hex(ask, "hex", EM_CHECK_NEEDED);

    if (!em_check_ask_end(ask)) return;
    em_err err = em_cbor_check(item);
    if (err != EM_OK) {
        em_check_answer_refuse(answer, err, NULL);
        return;
    }
    em_cbor c = em_cbor_over(item);
    em_check_answer_accept(answer, json_pack("{s:s,s:I}", "type", kinds[em_cbor_peek(&c)],
                                             "length", (json_int_t)item.len));
}
