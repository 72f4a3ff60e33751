#include "trust/companion.h"
#include "trust/sign1.h"

/* {1: -8 (EdDSA), 3: "application/em-companion+cbor"} */
static const uint8_t protected_header[] = {
    0xA2, 0x01, 0x27, 0x03, 0x78, 0x1D, 'a', 'p', 'p', 'l', 'i', 'c',
    'a',  't',  'i',  'o',  'n',  '/',  'e', 'm', '-', 'c', 'o', 'm',
    'p',  'a',  'n',  'i',  'o',  'n',  '+', 'c', 'b', 'o', 'r'};

enum { MEMBERS = 7, PAYLOAD_MAX = 2048 };

static em_status read_status(em_cbor *c)
{
    em_bytes text = em_cbor_text(c);

    for (em_status s = EM_STATUS_STOP; s < EM_STATUS_COUNT_; s++) {
        const char *name = em_message_status_name(s);
        if (em_same(text, em_view(name, strlen(name)))) return s;
    }
    em_cbor_fail(c, EM_ERR_RANGE);
    return (em_status)0;
}

static em_err read_body(em_bytes body, em_companion *ret_companion)
{
    em_cbor c = em_cbor_over(body);
    em_companion m = {0};

    em_cbor_map_of(&c, MEMBERS);
    em_cbor_want(&c, "v");
    if (em_cbor_uint(&c) != 1) em_cbor_fail(&c, EM_ERR_RANGE);
    em_cbor_want(&c, "usage");
    em_cbor_map_of(&c, 2);
    em_cbor_want(&c, "input");
    m.input = em_cbor_uint(&c);
    em_cbor_want(&c, "output");
    m.output = em_cbor_uint(&c);
    em_cbor_want(&c, "status");
    m.status = read_status(&c);
    em_cbor_want(&c, "numeric");
    m.numeric = em_cbor_text_max(&c, EM_MAX_PROFILE);
    if (m.numeric.len == 0) em_cbor_fail(&c, EM_ERR_RANGE);
    em_cbor_want(&c, "receipt");
    em_cbor_bytes_into(&c, m.receipt, sizeof m.receipt);
    em_cbor_want(&c, "tokenizer");
    m.tokenizer = em_cbor_bytes(&c);
    if (m.tokenizer.len != EM_SHA256_LEN) em_cbor_fail(&c, EM_ERR_RANGE);
    em_cbor_want(&c, "parameters");
    if (em_cbor_peek(&c) != EM_CBOR_MAP) em_cbor_fail(&c, EM_ERR_CBOR_TYPE);
    m.parameters = em_cbor_skip(&c);
    if (m.parameters.len > EM_MAX_PARAMETERS) em_cbor_fail(&c, EM_ERR_LIMIT);
    EM_TRY(em_cbor_end(&c));
    *ret_companion = m;
    return EM_OK;
}

static em_err check(em_bytes companion, const em_receipt *receipt, em_companion *ret_m)
{
    em_cose_sign1 parts;

    if (em_sign1_open(companion, EM_BYTES(protected_header), &parts) != EM_OK ||
        em_sign1_verify(&parts, &receipt->key) != EM_OK ||
        read_body(parts.payload, ret_m) != EM_OK ||
        !em_same(EM_BYTES(ret_m->receipt), EM_BYTES(receipt->sha256)))
        return EM_ERR_COMPANION;
    return EM_OK;
}

em_err em_companion_verify(em_bytes companion, const em_receipt *receipt,
                           em_report *report, em_companion *ret_companion)
{
    em_companion m;

    EM_TRY(em_report_judge(report, EM_CHECK_COMPANION, check(companion, receipt, &m), 0));
    *ret_companion = m;
    return EM_OK;
}

static void put_body(em_out *o, const em_companion *m)
{
    const char *status = em_message_status_name(m->status);

    em_cbor_put_map(o, MEMBERS);
    em_cbor_put_str(o, "v");
    em_cbor_put_uint(o, 1);
    em_cbor_put_str(o, "usage");
    em_cbor_put_map(o, 2);
    em_cbor_put_str(o, "input");
    em_cbor_put_uint(o, m->input);
    em_cbor_put_str(o, "output");
    em_cbor_put_uint(o, m->output);
    em_cbor_put_str(o, "status");
    em_cbor_put_str(o, status ? status : "");
    em_cbor_put_str(o, "numeric");
    em_cbor_put_text(o, m->numeric);
    em_cbor_put_str(o, "receipt");
    em_cbor_put_bytes(o, EM_BYTES(m->receipt));
    em_cbor_put_str(o, "tokenizer");
    em_cbor_put_bytes(o, m->tokenizer);
    em_cbor_put_str(o, "parameters");
    em_write_bytes(o, m->parameters);
}

em_err em_companion_sign(const em_companion *companion, const em_ed25519_secret *secret,
                         em_out *o)
{
    uint8_t buf[PAYLOAD_MAX];
    em_out body = EM_OUT(buf);
    em_companion again;

    put_body(&body, companion);
    if (em_write_end(&body) != EM_OK || read_body(em_write_view(&body), &again) != EM_OK)
        return EM_ERR_ARGUMENT;
    return em_sign1_write(EM_BYTES(protected_header), em_write_view(&body), secret, o);
}
