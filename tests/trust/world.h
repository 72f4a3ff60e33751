/* world.h - one whole inference as evidence, made without an enclave: chain, C1,
 * document, manifest, E1, policy, receipt, companion, request and answer.
 *
 * world_make builds everything from the fields; change a field and call it again.  Where
 * `edit` is set it is called between the steps, so that a later one can be made wrong.
 *
 * Trust:  test code only.
 * Memory: test_alloc; world_drop frees the keys.
 */
#ifndef EM_TESTS_TRUST_WORLD_H
#define EM_TESTS_TRUST_WORLD_H

#include "tests/trust/maker.h"
#include "tests/trust/manifest_sample.h"
#include "tests/trust/policy_sample.h"
#include "tests/trust/receipt_sample.h"
#include "trust/evidence.h"

typedef struct world world;
struct world {
    maker m;
    em_ed25519_secret publisher_secret, signer_secret, receipt_secret;
    em_ed25519_public publisher, signer, receipt_key;

    /* inputs of each step; world_init sets good ones */
    em_hello_c1 c1;
    em_manifest_body manifest_body;
    em_user_data user_data;
    em_bytes user_data_bytes; /* at NULL: of user_data */
    maker_doc doc;
    em_policy_body policy_body;
    em_receipt_claims claims;
    em_companion companion;
    em_end end;
    em_evidence_record request[2], answer[3];
    em_bytes crl[EM_MAX_CRLS];
    size_t n_crls;
    bool leave_out_request, leave_out_answer, leave_out_companion;

    /* between the steps: what the document, the receipt, the file are made of */
    void (*before_document)(world *w);
    void (*before_receipt)(world *w);
    void (*before_companion)(world *w);
    void (*before_file)(world *w, em_evidence_parts *parts);

    /* what was made */
    em_bytes c1_record, e1_record, document, manifest, policy, receipt, companion_bytes;
    em_bytes file;
    em_tensor tensors[EM_MAX_TENSORS];
};

__attribute__((unused)) static void world_drop(world *w)
{
    maker_drop(&w->m);
}

static em_bytes world_view(const em_out *o)
{
    if (em_write_end(o) != EM_OK) abort();
    return em_write_view(o);
}

static em_out world_out(size_t cap)
{
    return em_out_over(test_alloc(cap), cap);
}

__attribute__((unused)) static void world_init(world *w)
{
    memset(w, 0, sizeof *w);
    maker_init(&w->m);
    w->publisher_secret = policy_sample_secret(0x51, &w->publisher);
    w->signer_secret = policy_sample_secret(0x52, &w->signer);
    w->receipt_secret = policy_sample_secret(0x53, &w->receipt_key);

    memset(w->c1.nonce, 0x61, sizeof w->c1.nonce);
    w->c1.deployment = EM_STR("test deployment");
    w->manifest_body = sample_body();
    w->user_data = (em_user_data){
        .purpose = EM_PURPOSE_SESSION, .receipt_key = w->receipt_key, .n_manifests = 1};
    w->doc = maker_doc_good();
    w->policy_body = policy_sample();
    w->policy_body.root[0] = maker_root(&w->m);
    w->policy_body.publisher[0].key = w->publisher;
    w->claims = receipt_sample();
    w->end = (em_end){.status = EM_STATUS_STOP,
                      .input = 5,
                      .parameters = EM_STR("\xA2\x68truncate\xF5\x6Amax_tokens\x18\x40")};
    w->request[0] =
        (em_evidence_record){EM_RECORD_DATA, EM_STR("first half of a request")};
    w->request[1] = (em_evidence_record){EM_RECORD_DATA, EM_STR(" and the second")};
    w->answer[0] = (em_evidence_record){EM_RECORD_DATA, EM_STR("row one")};
    w->answer[1] = (em_evidence_record){EM_RECORD_DATA, EM_STR("row two")};
}

static void world_hash(const em_evidence_record *r, size_t n, size_t slot, em_bytes *ret)
{
    em_sha256 h;
    uint8_t digest[EM_SHA256_LEN];

    em_sha2_256_init(&h);
    for (size_t i = 0; i < n; i++) em_sha2_256_add(&h, r[i].body);
    em_sha2_256_end(&h, digest);
    *ret = receipt_fill(slot, 0, EM_SHA256_LEN);
    memcpy(receipt_bytes[slot], digest, sizeof digest);
}

/* C1, the manifest, the document that answers C1 and carries both keys, E1. */
static void world_open(world *w)
{
    em_out c1 = world_out(1024), body = world_out(EM_MAX_MANIFEST),
           data = world_out(1024);
    em_out signed_one = world_out(EM_MAX_MANIFEST), e1 = world_out(EM_MAX_ATTEST);
    uint8_t *nonce = test_alloc(32), *key = test_alloc(32);

    em_hello_put_c1(&c1, w->c1.nonce, w->c1.deployment);
    w->c1_record = world_view(&c1);
    if (em_manifest_body_encode(&w->manifest_body, &body) != EM_OK ||
        em_manifest_sign(world_view(&body), &w->publisher_secret, &signed_one) != EM_OK)
        abort();
    w->manifest = world_view(&signed_one);
    em_sha2_256(world_view(&body), w->user_data.manifest[0]);

    em_hello_nonce(w->c1_record, nonce);
    w->doc.nonce = (em_document_field){EM_PRESENT, em_view(nonce, 32)};
    memset(key, 0x62, 32);
    w->doc.public_key = (em_document_field){EM_PRESENT, em_view(key, 32)};
    em_hello_put_user_data(&data, &w->user_data);
    w->doc.user_data = (em_document_field){EM_PRESENT, world_view(&data)};
    if (w->before_document) w->before_document(w);
    w->document = maker_document(&w->m, &w->doc);

    em_hello_e1 parts = {.document = w->document, .n_manifests = 1};
    parts.manifest[0] = w->manifest;
    em_hello_put_e1(&e1, &parts);
    w->e1_record = world_view(&e1);
}

static void world_sign_policy(world *w)
{
    em_policy_tuple *t = &w->policy_body.tuple[0];

    t->pcr0 = em_view(w->doc.pcr[0], EM_PCR_LEN);
    t->pcr1 = em_view(w->doc.pcr[1], EM_PCR_LEN);
    t->pcr2 = em_view(w->doc.pcr[2], EM_PCR_LEN);
    t->pcr3 = em_view(w->doc.pcr[3], EM_PCR_LEN);
    t->pcr8 = em_view(w->doc.pcr[8], EM_PCR_LEN);
    w->policy = policy_sample_sign(&w->policy_body, &w->signer_secret);
}

static void world_claim(world *w)
{
    em_receipt_claims *c = &w->claims;
    em_receipt_measurements *m = &c->measurements;
    uint8_t *document = test_alloc(EM_SHA256_LEN);

    em_sha2_256(w->document, document);
    *c = receipt_sample();
    c->iss = w->c1.deployment;
    c->iat = w->doc.timestamp_ms / 1000 + 2;
    c->eat_nonce = EM_BYTES(w->c1.nonce);
    c->model_id = w->manifest_body.id;
    c->model_version = w->manifest_body.version;
    c->model_hash = EM_BYTES(w->user_data.manifest[0]);
    c->attestation_doc_hash = em_view(document, EM_SHA256_LEN);
    m->pcr0 = em_view(w->doc.pcr[0], EM_PCR_LEN);
    m->pcr1 = em_view(w->doc.pcr[1], EM_PCR_LEN);
    m->pcr2 = em_view(w->doc.pcr[2], EM_PCR_LEN);
    m->pcr3 = em_view(w->doc.pcr[3], EM_PCR_LEN);
    m->pcr4 = em_view(w->doc.pcr[4], EM_PCR_LEN);
    m->pcr8 = em_view(w->doc.pcr[8], EM_PCR_LEN);
    world_hash(w->request, EM_COUNT(w->request), 3, &c->request_hash);
    world_hash(w->answer, EM_COUNT(w->answer), 4, &c->response_hash);
}

/* END, the receipt, and the companion beside it. */
static void world_infer(world *w)
{
    em_out end = world_out(4096), receipt = world_out(4096), companion = world_out(4096);

    em_message_put_end(&end, &w->end);
    w->answer[2] = (em_evidence_record){EM_RECORD_END, world_view(&end)};
    world_claim(w);
    if (w->before_receipt) w->before_receipt(w);
    if (em_receipt_sign(&w->claims, &w->receipt_secret, &receipt) != EM_OK) abort();
    w->receipt = world_view(&receipt);

    w->companion =
        (em_companion){.status = w->end.status,
                       .input = w->end.input,
                       .output = w->end.output,
                       .numeric = w->manifest_body.profile,
                       .tokenizer = EM_BYTES(w->manifest_body.tokenizer_sha256),
                       .parameters = w->end.parameters};
    em_sha2_256(w->receipt, w->companion.receipt);
    if (w->before_companion) w->before_companion(w);
    if (em_companion_sign(&w->companion, &w->receipt_secret, &companion) != EM_OK)
        abort();
    w->companion_bytes = world_view(&companion);
}

static void world_file(world *w)
{
    em_evidence_parts parts = {
        .receipt = w->receipt,
        .hello = w->c1_record,
        .attest = w->e1_record,
        .policy = w->policy,
        .request = w->request,
        .answer = w->answer,
        .crls = w->crl,
        .n_crls = w->n_crls,
    };
    size_t len;

    if (!w->leave_out_companion) parts.companion = w->companion_bytes;
    if (!w->leave_out_request) parts.n_request = EM_COUNT(w->request);
    if (!w->leave_out_answer) parts.n_answer = EM_COUNT(w->answer);
    if (w->before_file) w->before_file(w, &parts);
    if (em_evidence_file_len(&parts, &len) != EM_OK) abort();
    em_out o = world_out(len);
    if (em_evidence_file_write(&parts, &o) != EM_OK || o.len != len) abort();
    w->file = em_write_view(&o);
}

__attribute__((unused)) static void world_make(world *w)
{
    world_open(w);
    world_sign_policy(w);
    world_infer(w);
    world_file(w);
}

__attribute__((unused)) static em_err world_verify(world *w, em_report *report,
                                                   em_evidence_facts *ret_facts)
{
    em_evidence_ask ask = {.signers = &w->signer, .n_signers = 1, .tensors = w->tensors};

    return em_evidence_verify(w->file, &ask, report, ret_facts);
}

#endif
