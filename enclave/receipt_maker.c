#include "enclave/receipt_maker.h"

#include "os/entropy.h"
#include "trust/companion.h"

enum { MAX_RECEIPT = 4 << 10, MIB = 1 << 20 };

/* PCR i of the session's document; at NULL where it has none. */
static em_bytes pcr(const em_guest *g, unsigned i)
{
    return g->claims.pcr_present >> i & 1 ? em_view(g->claims.pcr[i], EM_PCR_LEN)
                                          : (em_bytes){0};
}

static uint64_t peak_mb(const em_work *w)
{
    uint64_t bytes =
        w->served->manifest.body.image_len + w->served->plan.scratch + em_work_memory(w);

    return (bytes + MIB - 1) / MIB;
}

static em_err put_receipt(const em_guest *g, em_out *o)
{
    const em_manifest_body *body = &g->work.served->manifest.body;
    const em_config *config = g->id->config;
    const char *mode = em_roots_mode_name(g->id->mode);
    uint8_t cti[EM_RECEIPT_CTI_LEN], request[EM_SHA256_LEN], answer[EM_SHA256_LEN];

    EM_TRY(em_entropy_fill(cti, sizeof cti));
    EM_TRY(em_session_request_hash(&g->session, request));
    EM_TRY(em_session_answer_hash(&g->session, answer));
    const em_receipt_claims claims = {
        .iss = em_view(config->deployment.at, config->deployment.len),
        .iat = em_time_now_ms(&g->document_time) / 1000,
        .cti = EM_BYTES(cti),
        .eat_nonce = EM_BYTES(g->c1_nonce),
        .model_id = body->id,
        .model_version = body->version,
        .model_hash = EM_BYTES(g->work.served->manifest.hash),
        .request_hash = EM_BYTES(request),
        .response_hash = EM_BYTES(answer),
        .attestation_doc_hash = EM_BYTES(g->document_sha256),
        .measurements = {.type = EM_STR(EM_RECEIPT_NITRO),
                         .pcr0 = pcr(g, 0),
                         .pcr1 = pcr(g, 1),
                         .pcr2 = pcr(g, 2),
                         .pcr3 = pcr(g, 3),
                         .pcr4 = pcr(g, 4),
                         .pcr8 = pcr(g, 8)},
        .policy_version = em_view(config->version.at, config->version.len),
        .sequence_number = em_session_count(&g->session).messages - 1,
        .execution_time_ms = em_work_ms(&g->work),
        .memory_peak_mb = peak_mb(&g->work),
        .security_mode = em_view(mode, strlen(mode)),
        .model_hash_scheme = EM_STR(EM_RECEIPT_SCHEME),
    };
    return em_receipt_sign(&claims, &g->id->receipt_secret, o);
}

static em_err put_companion(const em_guest *g, em_err outcome, em_bytes receipt,
                            em_out *o)
{
    const em_manifest_body *body = &g->work.served->manifest.body;
    unsigned code;
    uint8_t parameters[EM_MESSAGE_USED];
    em_out p = EM_OUT(parameters);

    const em_used used = em_task_used(&g->work.task);
    em_message_put_used(&p, &used);
    em_companion c = {.status = em_message_status_of(outcome, &code),
                      .input = g->work.task.n_tokens,
                      .numeric = body->profile,
                      .tokenizer = EM_BYTES(body->tokenizer_sha256),
                      .parameters = em_write_view(&p)};
    em_sha2_256(receipt, c.receipt);
    return em_companion_sign(&c, &g->id->receipt_secret, o);
}

em_err em_receipt_maker_put(const em_guest *g, em_err outcome, em_out *o)
{
    uint8_t receipt[MAX_RECEIPT], companion[MAX_RECEIPT];
    em_out r = EM_OUT(receipt), c = EM_OUT(companion);

    EM_TRY(put_receipt(g, &r));
    EM_TRY(em_write_end(&r));
    EM_TRY(put_companion(g, outcome, em_write_view(&r), &c));
    EM_TRY(em_write_end(&c));
    const em_receipt_body body = {.receipt = em_write_view(&r),
                                  .companion = em_write_view(&c)};
    em_message_put_receipt(o, &body);
    return em_write_end(o);
}
