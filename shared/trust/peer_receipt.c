#include "trust/peer_receipt.h"

/* ---- single checks ---- */

static em_err check_document(const em_peer *peer, const em_receipt_claims *c)
{
    return em_same(c->attestation_doc_hash, EM_BYTES(peer->attested.document_sha256))
               ? EM_OK
               : EM_ERR_ATTESTATION_DOC_HASH_MISMATCH;
}

/* Whatever the receipt states must be the document's; it states PCR0 to 2 at least. */
static em_err check_measurements(const em_peer *peer, const em_receipt_claims *c,
                                 unsigned *ret_pcr)
{
    const em_receipt_measurements *m = &c->measurements;
    const struct {
        unsigned index;
        em_bytes value;
    } pcrs[] = {{0, m->pcr0}, {1, m->pcr1}, {2, m->pcr2},
                {3, m->pcr3}, {4, m->pcr4}, {8, m->pcr8}};

    *ret_pcr = 0;
    if (!em_same(m->type, EM_STR(EM_RECEIPT_NITRO))) return EM_ERR_RECEIPT_MEASUREMENTS;
    for (size_t i = 0; i < EM_COUNT(pcrs); i++) {
        if (!pcrs[i].value.at) continue;
        *ret_pcr = pcrs[i].index;
        if (!em_same(pcrs[i].value, em_attest_pcr(&peer->attested, pcrs[i].index)))
            return EM_ERR_RECEIPT_MEASUREMENTS;
    }
    return EM_OK;
}

static em_err check_nonce(const em_peer *peer, const em_receipt_claims *c)
{
    if (!c->eat_nonce.at) return EM_ERR_NONCE_MISSING;
    return em_same(c->eat_nonce, EM_BYTES(peer->c1_nonce)) ? EM_OK
                                                           : EM_ERR_NONCE_MISMATCH;
}

static size_t model_of(const em_peer *peer, em_bytes hash)
{
    size_t i = 0;

    while (i < peer->n_models && !em_same(EM_BYTES(peer->model[i].hash), hash)) i++;
    return i;
}

static em_err check_model(const em_peer *peer, const em_receipt_claims *c,
                          const em_inference *inference, size_t i)
{
    if (i == peer->n_models) return EM_ERR_MODEL_HASH_MISMATCH;
    if (!em_same(c->model_hash_scheme, EM_STR(EM_RECEIPT_SCHEME)))
        return EM_ERR_UNKNOWN_MODEL_HASH_SCHEME;
    const em_peer_model *m = &peer->model[i];
    if (!em_same(c->model_id, em_view(m->id, m->id_len)) ||
        !em_same(c->model_version, em_view(m->version, m->version_len)) ||
        (inference->has_model && !em_same(c->model_id, inference->model_id)))
        return EM_ERR_MODEL_ID_MISMATCH;
    return EM_OK;
}

static em_err check_issuer(const em_peer *peer, const em_receipt_claims *c)
{
    return em_same(c->iss, em_view(peer->deployment, peer->deployment_len))
               ? EM_OK
               : EM_ERR_DEPLOYMENT;
}

/* PROTOCOL 3: document time - 60 s <= iat <= document time + the session cap, in whole
 * seconds as iat is. */
static em_err check_time(const em_peer *peer, uint64_t iat)
{
    uint64_t document_s = peer->attested.timestamp_ms / 1000;

    if (iat < document_s)
        return document_s - iat > EM_CLOCK_LEEWAY_MS / 1000 ? EM_ERR_RECEIPT_TIME : EM_OK;
    return iat - document_s > EM_SESSION_LIFE_MS / 1000 ? EM_ERR_RECEIPT_TIME : EM_OK;
}

static em_err check_mode(const em_peer *peer, const em_receipt_claims *c)
{
    if (em_same(c->security_mode, EM_STR("production")) &&
        peer->attested.mode != EM_MODE_PRODUCTION)
        return EM_ERR_RECEIPT_MODE;
    return EM_OK;
}

/* ---- the lines of the report ---- */

static em_err judge_session(const em_peer *peer, const em_receipt_claims *c,
                            const em_inference *inference, em_report *report)
{
    unsigned pcr;

    EM_TRY(
        em_report_judge(report, EM_CHECK_RECEIPT_DOCUMENT, check_document(peer, c), 0));
    em_err err = check_measurements(peer, c, &pcr);
    EM_TRY(em_report_judge(report, EM_CHECK_RECEIPT_MEASUREMENTS, err, pcr));
    EM_TRY(em_report_judge(report, EM_CHECK_RECEIPT_NONCE, check_nonce(peer, c), 0));
    size_t model = model_of(peer, c->model_hash);
    EM_TRY(em_report_judge(report, EM_CHECK_RECEIPT_MODEL,
                           check_model(peer, c, inference, model), (int64_t)model));
    EM_TRY(em_report_judge(report, EM_CHECK_RECEIPT_ISSUER, check_issuer(peer, c), 0));
    EM_TRY(em_report_judge(report, EM_CHECK_RECEIPT_TIME, check_time(peer, c->iat),
                           (int64_t)(c->iat - peer->attested.timestamp_ms / 1000)));
    return em_report_judge(report, EM_CHECK_RECEIPT_MODE, check_mode(peer, c), 0);
}

static em_err judge_hash(em_report *report, em_check check, bool has, const uint8_t *want,
                         em_bytes claim, em_err err)
{
    if (!has) {
        em_report_skip(report, check, EM_SKIP_NOT_GIVEN);
        return EM_OK;
    }
    bool is_same = em_same(em_view(want, EM_SHA256_LEN), claim);
    return em_report_judge(report, check, is_same ? EM_OK : err, 0);
}

static em_err judge_inference(const em_receipt_claims *c, const em_inference *inference,
                              em_report *report)
{
    if (inference->has_sequence) {
        bool is_same = c->sequence_number == inference->sequence;
        EM_TRY(em_report_judge(report, EM_CHECK_RECEIPT_SEQUENCE,
                               is_same ? EM_OK : EM_ERR_RECEIPT_SEQUENCE,
                               (int64_t)inference->sequence));
    }
    EM_TRY(judge_hash(report, EM_CHECK_RECEIPT_REQUEST, inference->has_request,
                      inference->request_hash, c->request_hash,
                      EM_ERR_REQUEST_HASH_MISMATCH));
    return judge_hash(report, EM_CHECK_RECEIPT_RESPONSE, inference->has_response,
                      inference->response_hash, c->response_hash,
                      EM_ERR_RESPONSE_HASH_MISMATCH);
}

/* What does not belong here has no line: age and platform are judged otherwise. */
static void expect(const em_inference *inference, em_report *report)
{
    em_report_expect(report, EM_CHECK_RECEIPT_FORM, EM_CHECK_RECEIPT_RESPONSE);
    em_report_drop(report, EM_CHECK_RECEIPT_FRESH);
    em_report_drop(report, EM_CHECK_RECEIPT_PLATFORM);
    if (!inference->has_sequence) em_report_drop(report, EM_CHECK_RECEIPT_SEQUENCE);
}

em_err em_peer_receipt(const em_peer *peer, em_bytes receipt,
                       const em_inference *inference, em_report *report,
                       em_receipt *ret_receipt)
{
    em_receipt r;

    expect(inference, report);
    EM_TRY(em_receipt_open(receipt, &peer->user_data.receipt_key, report, &r));
    EM_TRY(judge_session(peer, &r.claims, inference, report));
    EM_TRY(judge_inference(&r.claims, inference, report));
    *ret_receipt = r;
    return EM_OK;
}

/* ---- the companion ---- */

/* Of the model that the receipt names: its tokenizer and its numeric profile. */
static em_err check_companion(const em_peer *peer, const em_receipt *receipt,
                              const em_companion *m)
{
    size_t i = model_of(peer, receipt->claims.model_hash);

    if (i == peer->n_models) return EM_ERR_COMPANION;
    const em_peer_model *model = &peer->model[i];
    if (!em_same(m->tokenizer, EM_BYTES(model->tokenizer_sha256)) ||
        !em_same(m->numeric, em_view(model->profile, model->profile_len)))
        return EM_ERR_COMPANION;
    return EM_OK;
}

em_err em_peer_receipt_companion(const em_peer *peer, const em_receipt *receipt,
                                 em_bytes companion, em_report *report,
                                 em_companion *ret_companion)
{
    em_companion m;

    EM_TRY(em_companion_verify(companion, receipt, report, &m));
    EM_TRY(em_report_judge(report, EM_CHECK_COMPANION, check_companion(peer, receipt, &m),
                           0));
    *ret_companion = m;
    return EM_OK;
}
