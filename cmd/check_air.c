#include "cmd/check_op.h"
#include "os/clock.h"
#include "trust/receipt.h"

enum { DEFAULT_SKEW_S = 60 };

static void read_policy(em_check_ask *ask, em_receipt_ask *want)
{
    em_check_ask p = em_check_ask_object(ask, "policy", "policy.", EM_CHECK_OPTIONAL);
    const em_check_need opt = EM_CHECK_OPTIONAL;

    want->max_skew_s = DEFAULT_SKEW_S;
    want->nonce = em_check_ask_hex(&p, "expected_nonce_hex", opt);
    want->has_nonce = want->nonce.at != NULL;
    want->model_hash = em_check_ask_hex(&p, "expected_model_hash_hex", opt);
    want->request_hash = em_check_ask_hex(&p, "expected_request_hash_hex", opt);
    want->response_hash = em_check_ask_hex(&p, "expected_response_hash_hex", opt);
    want->attestation_doc_hash =
        em_check_ask_hex(&p, "expected_attestation_doc_hash_hex", opt);
    want->model_id = em_check_ask_text(&p, "expected_model_id", opt);
    want->security_mode = em_check_ask_text(&p, "expected_security_mode", opt);
    want->platform = em_check_ask_text(&p, "expected_platform", opt);
    want->reject_evaluation = em_check_ask_bool(&p, "reject_evaluation");
    want->has_max_age = em_check_ask_uint(&p, "max_age_secs", opt, &want->max_age_s);
    (void)em_check_ask_uint(&p, "max_skew_secs", opt, &want->max_skew_s);
    want->seen_cti = em_check_ask_hexes(&p, "seen_cti_hex", &want->n_seen);
    (void)em_check_ask_end(&p);
}

/* ---- facts: the claims under the CDDL's names ---- */

static void put_bytes(json_t *object, const char *name, em_bytes bytes)
{
    if (bytes.at != NULL) json_object_set_new(object, name, em_lines_hex(bytes));
}

static void put_text(json_t *object, const char *name, em_bytes text)
{
    if (text.at != NULL)
        json_object_set_new(object, name, json_stringn((const char *)text.at, text.len));
}

static void put_uint(json_t *object, const char *name, uint64_t value)
{
    json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *measurements_json(const em_receipt_measurements *m)
{
    json_t *out = json_object();

    put_bytes(out, "pcr0", m->pcr0);
    put_bytes(out, "pcr1", m->pcr1);
    put_bytes(out, "pcr2", m->pcr2);
    put_bytes(out, "pcr3", m->pcr3);
    put_bytes(out, "pcr4", m->pcr4);
    put_bytes(out, "pcr8", m->pcr8);
    put_text(out, "measurement_type", m->type);
    return out;
}

static json_t *claims_json(const em_receipt_claims *c)
{
    json_t *out = json_object();

    put_text(out, "iss", c->iss);
    put_uint(out, "iat", c->iat);
    put_bytes(out, "cti", c->cti);
    put_bytes(out, "eat_nonce", c->eat_nonce);
    put_text(out, "eat_profile", EM_STR(EM_RECEIPT_PROFILE));
    put_text(out, "model_id", c->model_id);
    put_text(out, "model_version", c->model_version);
    put_bytes(out, "model_hash", c->model_hash);
    put_bytes(out, "request_hash", c->request_hash);
    put_bytes(out, "response_hash", c->response_hash);
    put_bytes(out, "attestation_doc_hash", c->attestation_doc_hash);
    json_object_set_new(out, "enclave_measurements", measurements_json(&c->measurements));
    put_text(out, "policy_version", c->policy_version);
    put_uint(out, "sequence_number", c->sequence_number);
    put_uint(out, "execution_time_ms", c->execution_time_ms);
    put_uint(out, "memory_peak_mb", c->memory_peak_mb);
    put_text(out, "security_mode", c->security_mode);
    put_text(out, "model_hash_scheme", c->model_hash_scheme);
    return out;
}

/* Codes that say which claim. */
static bool has_subject(em_err err)
{
    switch (err) {
    case EM_ERR_MISSING_CLAIM:
    case EM_ERR_WRONG_TYPE:
    case EM_ERR_UNKNOWN_CLAIM:
    case EM_ERR_DUPLICATE_CLAIM:
    case EM_ERR_BAD_HASH_LENGTH:
    case EM_ERR_UNKNOWN_MTYPE:
    case EM_ERR_UNKNOWN_MODEL_HASH_SCHEME:
    case EM_ERR_UNKNOWN_SECURITY_MODE:
    case EM_ERR_BAD_VALUE:
        return true;
    default:
        return false;
    }
}

void em_check_air(em_check_ask *ask, em_check_answer *answer)
{
    static em_report report;
    em_ed25519_public key;
    em_receipt receipt;
    em_receipt_ask want = {.has_now = true};
    em_bytes bytes = em_check_ask_hex(ask, "receipt_hex", EM_CHECK_NEEDED);

    em_check_ask_hex_into(ask, "public_key_hex", key.b, sizeof key.b);
    read_policy(ask, &want);
    if (!em_check_ask_uint(ask, "now_secs", EM_CHECK_OPTIONAL, &want.now_s))
        want.now_s = em_clock_wall_ms() / 1000;
    if (!em_check_ask_end(ask)) return;

    em_report_init(&report);
    em_err err = em_receipt_verify(bytes, &key, &want, &report, &receipt);
    if (err == EM_OK) {
        em_check_answer_accept(answer, claims_json(&receipt.claims));
        return;
    }
    em_check_answer_refuse(answer, err, NULL);
    if (has_subject(err))
        em_check_answer_subject(answer, em_view(report.subject, report.subject_len));
}
