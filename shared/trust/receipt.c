#include "trust/receipt.h"
#include "trust/receipt_check.h"
#include "trust/receipt_put.h"
#include "trust/sign1.h"

/* {1: -8 (EdDSA), 3: 61 (application/cwt)} */
static const uint8_t protected_header[] = {0xA2, 0x01, 0x27, 0x03, 0x18, 0x3D};

enum { ALG = 1, CONTENT_TYPE = 3, EDDSA = -8, CWT = 61, MAX_PARAMETERS = 16 };

/* Room for the largest claims that em_receipt_check lets through. */
enum { PAYLOAD_MAX = 4096 };

/* ---- layer 1 ---- */

/* The two parameters by name, then that there is nothing else; read loosely, so that each
 * breach has its own error. */
static em_err check_protected(em_bytes header)
{
    em_cbor c = em_cbor_over(header);
    bool has_alg = false, has_type = false;
    uint64_t n = em_cbor_map(&c, MAX_PARAMETERS);

    for (; n > 0 && em_cbor_ok(&c) == EM_OK; n--) {
        em_cbor key = em_cbor_over(em_cbor_skip(&c));
        em_cbor value = em_cbor_over(em_cbor_skip(&c));
        int64_t name = em_cbor_int(&key), number = em_cbor_int(&value);
        if (em_cbor_ok(&key) != EM_OK || em_cbor_ok(&value) != EM_OK) continue;
        has_alg |= name == ALG && number == EDDSA;
        has_type |= name == CONTENT_TYPE && number == CWT;
    }
    if (header.len > 0 && em_cbor_end(&c) != EM_OK) return EM_ERR_COSE_DECODE_FAILED;
    if (!has_alg) return EM_ERR_BAD_ALG;
    if (!has_type) return EM_ERR_BAD_CONTENT_TYPE;
    return em_same(header, EM_BYTES(protected_header)) ? EM_OK
                                                       : EM_ERR_COSE_DECODE_FAILED;
}

static em_err read_receipt(em_bytes receipt, em_report *report, em_cose_sign1 *ret_parts,
                           em_receipt_claims *ret_claims)
{
    if (receipt.len > EM_MAX_RECEIPT) return EM_ERR_RECEIPT_TOO_LARGE;
    EM_TRY(em_cose_parse(receipt, EM_COSE_TAGGED, ret_parts));
    if (!em_same(ret_parts->unprotected, EM_STR("\xA0")))
        return EM_ERR_NON_EMPTY_UNPROTECTED;
    EM_TRY(check_protected(ret_parts->protected));
    if (!ret_parts->has_payload || ret_parts->payload.len == 0)
        return EM_ERR_MISSING_PAYLOAD;
    return em_receipt_claims_read(ret_parts->payload, report, ret_claims);
}

em_err em_receipt_parse(em_bytes receipt, em_report *report,
                        em_receipt_claims *ret_claims)
{
    em_cose_sign1 parts;
    em_receipt_claims claims;

    EM_TRY(em_report_judge(report, EM_CHECK_RECEIPT_FORM,
                           read_receipt(receipt, report, &parts, &claims), 0));
    *ret_claims = claims;
    return EM_OK;
}

/* ---- layers 1 to 3 ---- */

em_err em_receipt_open(em_bytes receipt, const em_ed25519_public *key, em_report *report,
                       em_receipt *ret_receipt)
{
    em_cose_sign1 parts;
    em_receipt r = {.key = *key};

    em_report_expect(report, EM_CHECK_RECEIPT_FORM, EM_CHECK_RECEIPT_VALUES);
    EM_TRY(em_report_judge(report, EM_CHECK_RECEIPT_FORM,
                           read_receipt(receipt, report, &parts, &r.claims), 0));
    EM_TRY(em_report_judge(report, EM_CHECK_RECEIPT_SIGNATURE,
                           em_sign1_verify(&parts, key), 0));
    EM_TRY(em_report_judge(report, EM_CHECK_RECEIPT_VALUES,
                           em_receipt_check(&r.claims, report), 0));
    em_sha2_256(receipt, r.sha256);
    *ret_receipt = r;
    return EM_OK;
}

/* ---- layer 4 ---- */

static em_err check_age(const em_receipt_ask *ask, uint64_t iat)
{
    if (ask->now_s == 0) return EM_ERR_CLOCK_ERROR;
    if (iat > ask->now_s && iat - ask->now_s > ask->max_skew_s)
        return EM_ERR_TIMESTAMP_FUTURE;
    if (ask->has_max_age && ask->now_s > iat && ask->now_s - iat > ask->max_age_s)
        return EM_ERR_TIMESTAMP_STALE;
    return EM_OK;
}

/* A claim that must be `want`, where that is asked for. */
static em_err judge_same(em_report *report, em_check check, em_bytes want, em_bytes claim,
                         em_err err)
{
    if (!want.at) return EM_OK;
    return em_report_judge(report, check, em_same(want, claim) ? EM_OK : err, 0);
}

static em_err check_nonce(const em_receipt_ask *ask, const em_receipt_claims *c)
{
    if (!c->eat_nonce.at) return EM_ERR_NONCE_MISSING;
    return em_same(ask->nonce, c->eat_nonce) ? EM_OK : EM_ERR_NONCE_MISMATCH;
}

static em_err check_replay(const em_receipt_ask *ask, em_bytes cti)
{
    for (size_t i = 0; i < ask->n_seen; i++)
        if (em_same(ask->seen_cti[i], cti)) return EM_ERR_REPLAY_CTI;
    return EM_OK;
}

static em_err judge_hashes(const em_receipt_ask *ask, const em_receipt_claims *c,
                           em_report *report)
{
    EM_TRY(judge_same(report, EM_CHECK_RECEIPT_MODEL, ask->model_hash, c->model_hash,
                      EM_ERR_MODEL_HASH_MISMATCH));
    EM_TRY(judge_same(report, EM_CHECK_RECEIPT_REQUEST, ask->request_hash,
                      c->request_hash, EM_ERR_REQUEST_HASH_MISMATCH));
    EM_TRY(judge_same(report, EM_CHECK_RECEIPT_RESPONSE, ask->response_hash,
                      c->response_hash, EM_ERR_RESPONSE_HASH_MISMATCH));
    return judge_same(report, EM_CHECK_RECEIPT_DOCUMENT, ask->attestation_doc_hash,
                      c->attestation_doc_hash, EM_ERR_ATTESTATION_DOC_HASH_MISMATCH);
}

static em_err judge_names(const em_receipt_ask *ask, const em_receipt_claims *c,
                          em_report *report)
{
    EM_TRY(judge_same(report, EM_CHECK_RECEIPT_MODEL, ask->model_id, c->model_id,
                      EM_ERR_MODEL_ID_MISMATCH));
    EM_TRY(judge_same(report, EM_CHECK_RECEIPT_MODE, ask->security_mode, c->security_mode,
                      EM_ERR_SECURITY_MODE_MISMATCH));
    if (ask->reject_evaluation) {
        bool is_evaluation = em_same(c->security_mode, EM_STR("evaluation"));
        EM_TRY(em_report_judge(report, EM_CHECK_RECEIPT_MODE,
                               is_evaluation ? EM_ERR_EVALUATION_MODE_REJECTED : EM_OK,
                               0));
    }
    return judge_same(report, EM_CHECK_RECEIPT_PLATFORM, ask->platform,
                      c->measurements.type, EM_ERR_PLATFORM_MISMATCH);
}

static em_err judge_ask(const em_receipt_ask *ask, const em_receipt_claims *c,
                        em_report *report)
{
    if (ask->has_now)
        EM_TRY(em_report_judge(report, EM_CHECK_RECEIPT_FRESH, check_age(ask, c->iat),
                               (int64_t)(ask->now_s - c->iat)));
    EM_TRY(judge_hashes(ask, c, report));
    EM_TRY(judge_names(ask, c, report));
    if (ask->has_nonce)
        EM_TRY(em_report_judge(report, EM_CHECK_RECEIPT_NONCE, check_nonce(ask, c), 0));
    if (ask->n_seen > 0)
        EM_TRY(em_report_judge(report, EM_CHECK_RECEIPT_REPLAY, check_replay(ask, c->cti),
                               0));
    return EM_OK;
}

/* Every line of the fourth layer, with this reason. */
static void skip_all(em_report *report, em_skip why)
{
    static const em_check checks[] = {
        EM_CHECK_RECEIPT_FRESH,    EM_CHECK_RECEIPT_MODEL,    EM_CHECK_RECEIPT_REQUEST,
        EM_CHECK_RECEIPT_RESPONSE, EM_CHECK_RECEIPT_DOCUMENT, EM_CHECK_RECEIPT_MODE,
        EM_CHECK_RECEIPT_PLATFORM, EM_CHECK_RECEIPT_NONCE,    EM_CHECK_RECEIPT_REPLAY,
    };

    for (size_t i = 0; i < EM_COUNT(checks); i++) em_report_skip(report, checks[i], why);
}

em_err em_receipt_verify(em_bytes receipt, const em_ed25519_public *key,
                         const em_receipt_ask *ask, em_report *report,
                         em_receipt *ret_receipt)
{
    em_receipt r;

    skip_all(report, EM_SKIP_NOT_REACHED);
    EM_TRY(em_receipt_open(receipt, key, report, &r));
    skip_all(report, EM_SKIP_NOT_GIVEN);
    if (ask) EM_TRY(judge_ask(ask, &r.claims, report));
    *ret_receipt = r;
    return EM_OK;
}

/* ---- making one ---- */

em_err em_receipt_sign(const em_receipt_claims *claims, const em_ed25519_secret *secret,
                       em_out *o)
{
    uint8_t buf[PAYLOAD_MAX];
    em_out payload = EM_OUT(buf);
    em_receipt_claims again;

    em_receipt_put(&payload, claims);
    EM_TRY(em_write_end(&payload));
    EM_TRY(em_receipt_claims_read(em_write_view(&payload), NULL, &again));
    EM_TRY(em_receipt_check(&again, NULL));
    return em_sign1_write(EM_BYTES(protected_header), em_write_view(&payload), secret, o);
}
