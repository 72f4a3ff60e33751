#include "trust/receipt_put.h"
#include "wire/cbor_put.h"

static void put_text(em_out *o, int64_t key, em_bytes text)
{
    em_cbor_put_int(o, key);
    em_cbor_put_text(o, text);
}

static void put_bytes(em_out *o, int64_t key, em_bytes bytes)
{
    em_cbor_put_int(o, key);
    em_cbor_put_bytes(o, bytes);
}

static void put_uint(em_out *o, int64_t key, uint64_t value)
{
    em_cbor_put_int(o, key);
    em_cbor_put_uint(o, value);
}

static void put_measurements(em_out *o, const em_receipt_measurements *m)
{
    const struct {
        const char *key;
        em_bytes value;
    } pcrs[] = {{"pcr0", m->pcr0}, {"pcr1", m->pcr1}, {"pcr2", m->pcr2},
                {"pcr3", m->pcr3}, {"pcr4", m->pcr4}, {"pcr8", m->pcr8}};
    uint64_t n = 1;

    for (size_t i = 0; i < EM_COUNT(pcrs); i++)
        if (pcrs[i].value.at) n++;
    em_cbor_put_map(o, n);
    for (size_t i = 0; i < EM_COUNT(pcrs); i++) {
        if (!pcrs[i].value.at) continue;
        em_cbor_put_str(o, pcrs[i].key);
        em_cbor_put_bytes(o, pcrs[i].value);
    }
    em_cbor_put_str(o, "measurement_type");
    em_cbor_put_text(o, m->type);
}

/* Keys in the order of RFC 8949 4.2.1: 1, 6, 7, 10, 265, -65537 … -65549. */
void em_receipt_put(em_out *o, const em_receipt_claims *c)
{
    em_cbor_put_map(o, 16 + (c->eat_nonce.at ? 1U : 0U) +
                           (c->model_hash_scheme.at ? 1U : 0U));
    put_text(o, 1, c->iss);
    put_uint(o, 6, c->iat);
    put_bytes(o, 7, c->cti);
    if (c->eat_nonce.at) put_bytes(o, 10, c->eat_nonce);
    put_text(o, 265, EM_STR(EM_RECEIPT_PROFILE));
    put_text(o, -65537, c->model_id);
    put_text(o, -65538, c->model_version);
    put_bytes(o, -65539, c->model_hash);
    put_bytes(o, -65540, c->request_hash);
    put_bytes(o, -65541, c->response_hash);
    put_bytes(o, -65542, c->attestation_doc_hash);
    em_cbor_put_int(o, -65543);
    put_measurements(o, &c->measurements);
    put_text(o, -65544, c->policy_version);
    put_uint(o, -65545, c->sequence_number);
    put_uint(o, -65546, c->execution_time_ms);
    put_uint(o, -65547, c->memory_peak_mb);
    put_text(o, -65548, c->security_mode);
    if (c->model_hash_scheme.at) put_text(o, -65549, c->model_hash_scheme);
}
