#include "trust/evidence.h"
#include "trust/evidence_file.h"

/* ---- which time, which policy ---- */

/* The document's own time, a claim still: what it is judged at will be proved with it. */
static em_err own_time(const em_evidence *e, em_report *report, uint64_t *ret_ms)
{
    em_hello_e1 e1;
    em_cose_sign1 cose;
    em_document d;

    em_err err = em_hello_parse_e1(e->attest, &e1);
    if (err != EM_OK) return em_report_judge(report, EM_CHECK_SESSION_FORM, err, 0);
    err = em_document_envelope(e1.document, &cose);
    if (err != EM_OK) return em_report_judge(report, EM_CHECK_DOC_ENVELOPE, err, 0);
    err = em_document_parse(e1.document, &d);
    if (err != EM_OK) return em_report_judge(report, EM_CHECK_DOC_PAYLOAD, err, 0);
    *ret_ms = d.timestamp_ms;
    return EM_OK;
}

typedef struct choice {
    em_policy policy; /* judges */
    bool is_given;    /* it is the caller's */
    bool has_newer;   /* the caller's begins later: its revocations count all the same */
    em_policy newer;
} choice;

static em_err choose(const em_evidence *e, const em_evidence_ask *ask, uint64_t at_ms,
                     em_report *report, choice *ret_choice)
{
    em_bytes policy = e->policy;

    if (ask->policy.at) {
        em_err err = em_policy_verify(ask->policy, ask->signers, ask->n_signers, at_ms,
                                      NULL, &ret_choice->newer);
        ret_choice->has_newer = err == EM_ERR_POLICY_NOT_YET;
        ret_choice->is_given = !ret_choice->has_newer;
        if (ret_choice->has_newer)
            EM_TRY(em_policy_verify_undated(ask->policy, ask->signers, ask->n_signers,
                                            &ret_choice->newer));
        else
            policy = ask->policy;
    }
    return em_policy_verify(policy, ask->signers, ask->n_signers, at_ms, report,
                            &ret_choice->policy);
}

/* PROTOCOL 3: `revoked` entries of any newer policy given FAIL. */
static em_err newer_revokes(const em_policy *newer, const em_peer *peer)
{
    for (unsigned i = 0; i < EM_MAX_PCRS; i++)
        if (em_attest_pcr(&peer->attested, i).len > 0)
            EM_TRY(em_policy_measurement_stands(newer, peer->attested.pcr[i]));
    for (size_t i = 0; i < peer->n_models; i++) {
        EM_TRY(em_policy_manifest_stands(newer, peer->model[i].hash));
        EM_TRY(em_policy_key_stands(newer, peer->model[i].publisher.b));
    }
    return em_policy_key_stands(newer, peer->user_data.receipt_key.b);
}

/* ---- the inference ---- */

static em_err judge_receipt(const em_evidence *e, em_report *report,
                            em_evidence_facts *facts)
{
    em_inference inference = {.has_request = e->has_request,
                              .has_response = e->has_answer};

    if (e->has_request) em_evidence_file_hash(e->request, inference.request_hash);
    if (e->has_answer) em_evidence_file_hash(e->answer, inference.response_hash);
    EM_TRY(
        em_peer_receipt(&facts->peer, e->receipt, &inference, report, &facts->receipt));
    em_report_skip(report, EM_CHECK_RECEIPT_REPLAY, EM_SKIP_ARCHIVED);
    return EM_OK;
}

/* The companion and END, where both are here, tell the same of one inference. */
static em_err check_end(const em_evidence *e, const em_companion *m)
{
    em_end end;

    if (!e->has_answer) return EM_OK;
    if (em_message_parse_end(em_evidence_file_last(e->answer), &end) != EM_OK ||
        end.status != m->status || end.input != m->input || end.output != m->output ||
        !em_same(end.parameters, m->parameters))
        return EM_ERR_COMPANION;
    return EM_OK;
}

static em_err judge_companion(const em_evidence *e, em_report *report,
                              em_evidence_facts *facts)
{
    if (!e->companion.at) return EM_OK;
    EM_TRY(em_peer_receipt_companion(&facts->peer, &facts->receipt, e->companion, report,
                                     &facts->companion));
    EM_TRY(
        em_report_judge(report, EM_CHECK_COMPANION, check_end(e, &facts->companion), 0));
    facts->has_companion = true;
    return EM_OK;
}

/* ---- the whole ---- */

static em_err judge_peer(const em_evidence *e, const em_evidence_ask *ask,
                         const choice *by, em_report *report, em_peer *ret_peer)
{
    const em_peer_ask want = {
        .c1 = e->hello,
        .e1 = e->attest,
        .policy = &by->policy,
        .when = ask->has_time ? EM_ATTEST_AT : EM_ATTEST_SELF_DATED,
        .at_ms = ask->at_ms,
        .crls = e->crl,
        .n_crls = e->n_crls,
        .tensors = ask->tensors,
    };

    EM_TRY(em_peer_verify(&want, report, ret_peer));
    if (!by->has_newer) return EM_OK;
    em_err err = newer_revokes(&by->newer, ret_peer);
    return em_report_judge(report, EM_CHECK_DOC_REVOKED, err, 0);
}

static em_err judge(em_bytes file, const em_evidence_ask *ask, em_report *report,
                    em_evidence_facts *facts)
{
    em_evidence e;
    choice by = {0};
    uint64_t at_ms = ask->at_ms;

    EM_TRY(em_report_judge(report, EM_CHECK_EVIDENCE_FORM,
                           em_evidence_file_read(file, &e), 0));
    if (e.companion.at) em_report_expect(report, EM_CHECK_COMPANION, EM_CHECK_COMPANION);
    if (!ask->has_time) EM_TRY(own_time(&e, report, &at_ms));
    EM_TRY(choose(&e, ask, at_ms, report, &by));
    EM_TRY(judge_peer(&e, ask, &by, report, &facts->peer));
    EM_TRY(judge_receipt(&e, report, facts));
    EM_TRY(judge_companion(&e, report, facts));

    facts->self_dated = !ask->has_time;
    facts->judged_at_ms = facts->peer.attested.judged_at_ms;
    facts->policy_given = by.is_given;
    facts->policy_version = by.policy.body.version;
    facts->policy_signer = by.policy.signer;
    return EM_OK;
}

em_err em_evidence_verify(em_bytes file, const em_evidence_ask *ask, em_report *report,
                          em_evidence_facts *ret_facts)
{
    /* PROTOCOL 3: what alone may read SKIP in a result that is good */
    static const em_check may_skip[] = {EM_CHECK_DOC_CRL, EM_CHECK_RECEIPT_REPLAY,
                                        EM_CHECK_RECEIPT_REQUEST,
                                        EM_CHECK_RECEIPT_RESPONSE};
    static const em_check not_here[] = {EM_CHECK_DOC_TIME, EM_CHECK_RECEIPT_FRESH,
                                        EM_CHECK_RECEIPT_PLATFORM,
                                        EM_CHECK_RECEIPT_SEQUENCE};
    em_evidence_facts facts = {0};
    em_report own;

    if (!report) report = &own;
    em_report_init(report);
    em_report_expect(report, EM_CHECK_EVIDENCE_FORM, EM_CHECK_RECEIPT_REPLAY);
    for (size_t i = 0; i < EM_COUNT(not_here); i++) em_report_drop(report, not_here[i]);

    EM_TRY(judge(file, ask, report, &facts));
    if (!em_report_is_whole(report, may_skip, EM_COUNT(may_skip))) return EM_ERR_INTERNAL;
    *ret_facts = facts;
    return EM_OK;
}
