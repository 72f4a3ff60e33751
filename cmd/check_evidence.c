#include "cmd/check_op.h"
#include "trust/evidence.h"

static json_t *checks_json(const em_report *report)
{
    json_t *list = json_array();

    for (int i = 0; i < EM_CHECK_COUNT_; i++) {
        em_check check = (em_check)i;
        em_result result = report->line[i].result;
        if (result == EM_RESULT_NONE) continue;
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:s}", "name", em_report_name(check),
                                        "clause", em_report_clause(check), "result",
                                        em_report_result_name(result)));
    }
    return list;
}

static json_t *text_json(em_bytes text)
{
    return json_stringn((const char *)text.at, text.len);
}

static json_t *facts_json(const em_evidence_facts *f, const em_report *report)
{
    const em_receipt_claims *c = &f->receipt.claims;

    return json_pack(
        "{s:o,s:s,s:b,s:I,s:b,s:b,s:I,s:s,s:o,s:o,s:o,s:o,s:I,s:I}", "checks",
        checks_json(report), "mode", em_roots_mode_name(f->peer.attested.mode),
        "self_dated", f->self_dated, "judged_at_ms", (json_int_t)f->judged_at_ms,
        "any_account", f->peer.any_account, "policy_given", f->policy_given,
        "policy_version", (json_int_t)f->policy_version, "module_id",
        f->peer.attested.module_id, "deployment", text_json(c->iss), "model_id",
        text_json(c->model_id), "model_version", text_json(c->model_version),
        "model_hash", em_lines_hex(c->model_hash), "iat", (json_int_t)c->iat,
        "sequence_number", (json_int_t)c->sequence_number);
}

void em_check_evidence(em_check_ask *ask, em_check_answer *answer)
{
    static em_evidence_facts facts;
    static em_report report;
    static em_tensor tensors[EM_MAX_TENSORS];
    em_ed25519_public signer;
    em_evidence_ask want = {.signers = &signer, .n_signers = 1, .tensors = tensors};
    em_bytes file = em_check_ask_base64(ask, "evidence_b64", EM_CHECK_NEEDED);

    em_check_ask_hex_into(ask, "signer_hex", signer.b, sizeof signer.b);
    want.policy = em_check_ask_base64(ask, "policy_b64", EM_CHECK_OPTIONAL);
    want.has_time = em_check_ask_time(ask, "at", EM_CHECK_OPTIONAL, &want.at_ms);
    if (!em_check_ask_end(ask)) return;

    em_report_init(&report);
    em_err err = em_evidence_verify(file, &want, &report, &facts);
    if (err == EM_OK) {
        em_check_answer_accept(answer, facts_json(&facts, &report));
        return;
    }
    em_check_answer_refuse(answer, err, NULL);
    if (answer->verdict == EM_VERDICT_REJECT)
        answer->facts = json_pack("{s:o}", "checks", checks_json(&report));
}
