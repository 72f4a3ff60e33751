#include "enclave/attestor.h"

#include "wire/cbor.h"

void em_attestor_drop(em_attestor *a)
{
    em_nsm_device_drop(&a->device);
}

/* {name: {member: bytes}}, and nothing else. */
static em_err parse_bytes(em_bytes answer, const char *name, const char *member,
                          em_bytes *ret_bytes)
{
    em_cbor c = em_cbor_over_foreign(answer);

    if (em_cbor_map(&c, 1) != 1) return EM_ERR_NSM;
    em_cbor_want(&c, name);
    if (em_cbor_map(&c, 1) != 1) return EM_ERR_NSM;
    em_cbor_want(&c, member);
    em_bytes bytes = em_cbor_bytes(&c);
    if (em_cbor_end(&c) != EM_OK) return EM_ERR_NSM;
    *ret_bytes = bytes;
    return EM_OK;
}

em_err em_attestor_parse_document(em_bytes answer, em_bytes *ret_document)
{
    em_bytes document;

    EM_TRY(parse_bytes(answer, "Attestation", "document", &document));
    if (document.len == 0 || document.len > EM_MAX_DOCUMENT) return EM_ERR_NSM;
    *ret_document = document;
    return EM_OK;
}

em_err em_attestor_parse_random(em_bytes answer, em_bytes *ret_random)
{
    return parse_bytes(answer, "GetRandom", "random", ret_random);
}

static em_err ask_random(em_attestor *a, uint8_t response[EM_NSM_MAX_RESPONSE],
                         em_bytes *ret_random)
{
    uint8_t request[16];
    size_t len;
    em_out o = EM_OUT(request);

    em_cbor_put_str(&o, "GetRandom");
    EM_TRY(em_write_end(&o));
    EM_TRY(em_nsm_call(&a->device, em_write_view(&o), response, &len));
    return em_attestor_parse_random(em_view(response, len), ret_random);
}

em_err em_attestor_open(em_bytes address, em_attestor *ret_attestor)
{
    EM_DROP(em_attestor) a = {0};
    uint8_t probe[32];

    EM_TRY(em_nsm_open(address, &a.device));
    EM_TRY(em_attestor_random(&a, probe, sizeof probe));
    em_wipe(probe, sizeof probe);
    *ret_attestor = EM_TAKE(a);
    return EM_OK;
}

em_err em_attestor_random(em_attestor *a, void *ret_random, size_t len)
{
    uint8_t response[EM_NSM_MAX_RESPONSE];
    em_bytes random;

    EM_TRY(ask_random(a, response, &random));
    /* a module that answers nothing, or nothing but zeros, is broken */
    em_err err = random.len < len || em_all_zero(random) ? EM_ERR_ENTROPY : EM_OK;
    if (err == EM_OK) memcpy(ret_random, random.at, len);
    em_wipe(response, sizeof response);
    return err;
}

static void put_optional(em_out *o, const char *key, em_bytes value)
{
    em_cbor_put_str(o, key);
    if (value.len > 0)
        em_cbor_put_bytes(o, value);
    else
        em_cbor_put_null(o);
}

em_err em_attestor_document(em_attestor *a, em_bytes nonce, em_bytes user_data,
                            em_bytes public_key, uint8_t ret_document[EM_MAX_DOCUMENT],
                            size_t *ret_len)
{
    uint8_t request[EM_NSM_MAX_REQUEST], response[EM_NSM_MAX_RESPONSE];
    em_out o = EM_OUT(request);
    em_bytes document;
    size_t len;

    /* the field order of aws-nitro-enclaves-nsm-api */
    em_cbor_put_map(&o, 1);
    em_cbor_put_str(&o, "Attestation");
    em_cbor_put_map(&o, 3);
    put_optional(&o, "user_data", user_data);
    put_optional(&o, "nonce", nonce);
    put_optional(&o, "public_key", public_key);
    EM_TRY(em_write_end(&o));
    EM_TRY(em_nsm_call(&a->device, em_write_view(&o), response, &len));
    EM_TRY(em_attestor_parse_document(em_view(response, len), &document));
    memcpy(ret_document, document.at, document.len);
    *ret_len = document.len;
    return EM_OK;
}
