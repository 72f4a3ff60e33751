/* covers: shared/trust/message.c shared/trust/answer.c
 *
 * Requests, END, RECEIPT and the DATA of answers; the first byte says which.  What is
 * accepted is written again and must come out the same. */
#include "trust/answer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static em_bytes inputs[EM_MAX_INPUTS];
static em_embed_text texts[EM_MAX_INPUTS];
static uint8_t again[1 << 20];

static void must_be(const em_out *o, em_bytes in)
{
    if (em_write_end(o) != EM_OK || !em_same(em_write_view(o), in)) abort();
}

static void try_request(em_bytes in)
{
    em_out o = EM_OUT(again);
    em_request q;

    if (em_message_parse_request(in, inputs, &q) != EM_OK) return;
    /* what is the default anyway is not written, nor what generate has */
    static const em_bytes truncate = EM_STR("\x68truncate\xF5");
    em_bytes p = q.parameters;
    if (q.op == EM_OP_GENERATE && p.len > 0) return;
    if (q.truncate && p.len >= truncate.len &&
        memcmp(p.at + p.len - truncate.len, truncate.at, truncate.len) == 0)
        return;
    em_message_put_request(&o, &q);
    must_be(&o, in);
}

static void try_end(em_bytes in)
{
    em_out o = EM_OUT(again);
    em_end end;

    if (em_message_parse_end(in, &end) != EM_OK) return;
    em_message_put_end(&o, &end);
    must_be(&o, in);
    em_used used;
    if (em_message_parse_used(end.parameters, &used) != EM_OK) return;
    o = EM_OUT(again);
    em_message_put_used(&o, &used);
    must_be(&o, end.parameters);
}

static void try_receipt(em_bytes in)
{
    em_out o = EM_OUT(again);
    em_receipt_body r;

    if (em_message_parse_receipt(in, &r) != EM_OK) return;
    em_message_put_receipt(&o, &r);
    must_be(&o, in);
}

static void try_embed(em_bytes in)
{
    em_out o = EM_OUT(again);
    em_embed_part part;

    if (em_answer_parse_embed(in, texts, &part) != EM_OK) return;
    em_answer_put_embed(&o, &part);
    must_be(&o, in);
}

static void try_models(em_bytes in)
{
    em_out o = EM_OUT(again);
    em_model_card cards[EM_MAX_MODELS];
    size_t n;

    if (em_answer_parse_models(in, cards, &n) != EM_OK) return;
    em_answer_put_models(&o, cards, n);
    must_be(&o, in);
}

static void try_status(em_bytes in)
{
    em_out o = EM_OUT(again);
    em_status_body s;

    if (em_answer_parse_status(in, &s) != EM_OK) return;
    em_answer_put_status(&o, &s);
    must_be(&o, in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(em_bytes) = {try_request, try_end,    try_receipt,
                                              try_embed,   try_models, try_status};

    if (size == 0 || data[0] >= EM_COUNT(tries)) return 0;
    tries[data[0]](em_view(data + 1, size - 1));
    return 0;
}
