/* Evidence: a whole inference verifies, and every check of PROTOCOL 3, broken alone in
 * something that is signed all the same, refuses with its own name on its own line. */
#include "crypto/setup.h"
#include "tests/trust/world.h"

static world w, fresh;

static em_err verify(em_report *report)
{
    em_evidence_facts facts;

    return world_verify(&w, report, &facts);
}

/* Makes the world anew, as it was changed, and expects this failure on this line. */
static void refused(em_err want, em_check line)
{
    em_report report;

    world_make(&w);
    CHECK_ERR(verify(&report), want);
    CHECK(report.err == want && report.failed == line);
    test_note("failed at %s", em_report_name(report.failed));
    CHECK(report.line[line].result == EM_RESULT_FAIL && report.line[line].err == want);
    w = fresh;
}

static void accepted(void)
{
    em_report report;

    world_make(&w);
    CHECK_OK(verify(&report));
    w = fresh;
}

/* ---- the whole ---- */

static void a_whole_inference_verifies(void)
{
    em_evidence_facts f;
    em_report report;

    world_make(&w);
    CHECK_OK(world_verify(&w, &report, &f));
    CHECK(f.self_dated && f.judged_at_ms == MAKER_NOW_MS && !f.policy_given);
    CHECK(f.peer.attested.mode == EM_MODE_EVALUATION && !f.peer.any_account);
    CHECK(f.peer.n_models == 1 && strcmp(f.peer.model[0].id, "test/tiny") == 0);
    CHECK(strcmp(f.peer.deployment, "test deployment") == 0);
    CHECK(em_same(f.receipt.claims.model_id, EM_STR("test/tiny")));
    CHECK(f.has_companion && f.companion.input == 5 &&
          f.companion.status == EM_STATUS_STOP);
    CHECK(f.policy_version == 7);
    CHECK(em_same(EM_BYTES(f.policy_signer.b), EM_BYTES(w.signer.b)));
    size_t passed = 0;
    for (unsigned i = 0; i < EM_CHECK_COUNT_; i++) {
        em_result got = report.line[i].result;
        bool may_skip = i == EM_CHECK_DOC_CRL || i == EM_CHECK_RECEIPT_REPLAY;
        test_note("%s", em_report_name((em_check)i));
        CHECK(got == EM_RESULT_PASS || got == EM_RESULT_NONE ||
              (got == EM_RESULT_SKIP && may_skip));
        passed += got == EM_RESULT_PASS;
    }
    CHECK(passed == 32);
    CHECK_OK(world_verify(&w, NULL, &f)); /* a report is not needed */
    w = fresh;
}

static void parts_may_be_left_out_and_read_skip(void)
{
    em_evidence_facts f;
    em_report report;

    w.leave_out_request = w.leave_out_answer = w.leave_out_companion = true;
    world_make(&w);
    CHECK_OK(world_verify(&w, &report, &f));
    CHECK(!f.has_companion);
    CHECK(report.line[EM_CHECK_RECEIPT_REQUEST].result == EM_RESULT_SKIP);
    CHECK(report.line[EM_CHECK_RECEIPT_RESPONSE].result == EM_RESULT_SKIP);
    CHECK(report.line[EM_CHECK_COMPANION].result == EM_RESULT_NONE);
    w = fresh;
}

/* ---- time and policy ---- */

static em_err verify_at(uint64_t at_ms, em_bytes policy, em_report *report,
                        em_evidence_facts *f)
{
    em_evidence_ask ask = {.signers = &w.signer,
                           .n_signers = 1,
                           .policy = policy,
                           .has_time = at_ms != 0,
                           .at_ms = at_ms,
                           .tensors = w.tensors};

    return em_evidence_verify(w.file, &ask, report, f);
}

static void time_is_the_documents_own_or_explicit(void)
{
    em_evidence_facts f;
    em_report report;
    em_bytes none = {0};

    world_make(&w);
    CHECK_OK(verify_at(MAKER_NOW_MS + 3600 * 1000, none, &report, &f));
    CHECK(!f.self_dated && f.judged_at_ms == MAKER_NOW_MS + 3600 * 1000);
    CHECK_ERR(verify_at(MAKER_NOW_MS + 3 * 3600 * 1000, none, &report, &f),
              EM_ERR_CERT_EXPIRED);
    CHECK(report.failed == EM_CHECK_DOC_CHAIN);
    CHECK_ERR(verify_at(MAKER_NOW_MS + 40 * POLICY_DAY_MS, none, &report, &f),
              EM_ERR_POLICY_EXPIRED);
    CHECK_ERR(verify_at(MAKER_NOW_MS - 2 * POLICY_DAY_MS, none, &report, &f),
              EM_ERR_POLICY_NOT_YET);
    w = fresh;
}

static void a_policy_counts_only_under_a_pinned_signer(void)
{
    em_evidence_ask ask = {.tensors = w.tensors};
    em_evidence_facts f;
    em_report report;

    world_make(&w);
    CHECK_ERR(em_evidence_verify(w.file, &ask, &report, &f), EM_ERR_POLICY_SIGNER);
    ask.signers = &w.publisher;
    ask.n_signers = 1;
    CHECK_ERR(em_evidence_verify(w.file, &ask, &report, &f), EM_ERR_POLICY_SIGNER);
    CHECK(report.line[EM_CHECK_DOC_ENVELOPE].result == EM_RESULT_SKIP);
    CHECK(report.line[EM_CHECK_DOC_ENVELOPE].detail == EM_SKIP_NOT_REACHED);
    w = fresh;
}

static void the_callers_policy_stands_in(void)
{
    em_evidence_facts f;
    em_report report;

    world_make(&w);
    em_policy_body b = w.policy_body;
    b.version = 8;
    CHECK_OK(verify_at(0, policy_sample_sign(&b, &w.signer_secret), &report, &f));
    CHECK(f.policy_given && f.policy_version == 8);
    b.tuple[0].pcr0 = b.tuple[1].pcr0; /* it would not believe this image */
    CHECK_ERR(verify_at(0, policy_sample_sign(&b, &w.signer_secret), &report, &f),
              EM_ERR_POLICY_NO_MATCH);
    b = w.policy_body; /* its signer is not pinned */
    CHECK_ERR(verify_at(0, policy_sample_sign(&b, &w.publisher_secret), &report, &f),
              EM_ERR_POLICY_SIGNER);
    CHECK(report.failed == EM_CHECK_POLICY_SIGNER);
    b.not_after_ms = MAKER_NOW_MS - 1; /* it had passed at the time */
    CHECK_ERR(verify_at(0, policy_sample_sign(&b, &w.signer_secret), &report, &f),
              EM_ERR_POLICY_EXPIRED);
    w = fresh;
}

static void a_newer_policy_revokes(void)
{
    em_evidence_facts f;
    em_report report;

    world_make(&w);
    em_policy_body b = w.policy_body, same;
    b.version = 8;
    b.not_before_ms = MAKER_NOW_MS + POLICY_DAY_MS;
    b.n_tuples = 1; /* which does not believe this image any more; the file's does */
    b.tuple[0] = b.tuple[1];
    CHECK_OK(verify_at(0, policy_sample_sign(&b, &w.signer_secret), &report, &f));
    CHECK(!f.policy_given && f.policy_version == 7);
    same = b;
    b.revoked_key[0] = w.receipt_key.b;
    CHECK_ERR(verify_at(0, policy_sample_sign(&b, &w.signer_secret), &report, &f),
              EM_ERR_POLICY_REVOKED);
    CHECK(report.failed == EM_CHECK_DOC_REVOKED);
    b.revoked_key[0] = w.publisher.b;
    CHECK_ERR(verify_at(0, policy_sample_sign(&b, &w.signer_secret), &report, &f),
              EM_ERR_POLICY_REVOKED);
    b = same;
    b.revoked_manifest[0] = w.user_data.manifest[0];
    CHECK_ERR(verify_at(0, policy_sample_sign(&b, &w.signer_secret), &report, &f),
              EM_ERR_POLICY_REVOKED);
    b = same;
    b.revoked_measurement[0] = w.doc.pcr[8];
    CHECK_ERR(verify_at(0, policy_sample_sign(&b, &w.signer_secret), &report, &f),
              EM_ERR_POLICY_REVOKED);
    w = fresh;
}

static void the_policy_itself_revokes(void)
{
    w.policy_body.revoked_key[0] = w.receipt_key.b;
    refused(EM_ERR_POLICY_REVOKED, EM_CHECK_DOC_REVOKED);
    w.policy_body.revoked_key[0] = w.publisher.b;
    refused(EM_ERR_POLICY_REVOKED, EM_CHECK_DOC_REVOKED);
    w.policy_body.revoked_manifest[0] = w.user_data.manifest[0];
    refused(EM_ERR_POLICY_REVOKED, EM_CHECK_DOC_REVOKED);
    w.policy_body.revoked_measurement[0] = w.doc.pcr[1];
    refused(EM_ERR_POLICY_REVOKED, EM_CHECK_DOC_REVOKED);
}

/* ---- document and user_data ---- */

static void other_nonce(world *o)
{
    o->doc.nonce.bytes = EM_BYTES(o->c1.nonce);
}
static void kms_purpose(world *o)
{
    em_out data = world_out(64);

    em_hello_put_user_data(&data, &(em_user_data){.purpose = EM_PURPOSE_KMS});
    o->doc.user_data.bytes = world_view(&data);
}
static void broken_user_data(world *o)
{
    o->doc.user_data.bytes = EM_STR("\xA0");
}
static void no_user_data(world *o)
{
    o->doc.user_data.is = EM_NULL;
}
static void short_public_key(world *o)
{
    o->doc.public_key.bytes.len = 31;
}
static void no_public_key(world *o)
{
    o->doc.public_key.is = EM_ABSENT;
}
static void other_hash(world *o)
{
    em_out data = world_out(1024);
    em_user_data u = o->user_data;

    u.manifest[0][0] ^= 1;
    em_hello_put_user_data(&data, &u);
    o->doc.user_data.bytes = world_view(&data);
}
static void one_more_hash(world *o)
{
    em_out data = world_out(1024);
    em_user_data u = o->user_data;

    u.n_manifests = 2;
    memset(u.manifest[1], 0xFF, sizeof u.manifest[1]);
    em_hello_put_user_data(&data, &u);
    o->doc.user_data.bytes = world_view(&data);
}

static void the_session_is_the_documents(void)
{
    w.before_document = other_nonce;
    refused(EM_ERR_NONCE_MISMATCH, EM_CHECK_DOC_NONCE);
    w.before_document = kms_purpose;
    refused(EM_ERR_PURPOSE, EM_CHECK_SESSION_PURPOSE);
    w.before_document = broken_user_data;
    refused(EM_ERR_USER_DATA, EM_CHECK_SESSION_PURPOSE);
    w.before_document = no_user_data;
    refused(EM_ERR_USER_DATA, EM_CHECK_SESSION_PURPOSE);
    w.before_document = short_public_key;
    refused(EM_ERR_USER_DATA, EM_CHECK_SESSION_PURPOSE);
    w.before_document = no_public_key;
    refused(EM_ERR_USER_DATA, EM_CHECK_SESSION_PURPOSE);
    w.before_document = other_hash;
    refused(EM_ERR_MANIFEST_MISSING, EM_CHECK_SESSION_MANIFESTS);
    w.before_document = one_more_hash;
    refused(EM_ERR_MANIFEST_MISSING, EM_CHECK_SESSION_MANIFESTS);
}

static void manifests_are_their_publishers(void)
{
    w.policy_body.publisher[0].floor = w.manifest_body.number + 1;
    refused(EM_ERR_MANIFEST_FLOOR, EM_CHECK_SESSION_PUBLISHERS);
    w.policy_body.publisher[0].key = w.signer;
    refused(EM_ERR_MANIFEST_KEY, EM_CHECK_SESSION_PUBLISHERS);
    w.policy_body.publisher[0].model = EM_STR("test/another");
    refused(EM_ERR_MANIFEST_UNKNOWN, EM_CHECK_SESSION_PUBLISHERS);
    w.manifest_body.not_after_ms = MAKER_NOW_MS - 1;
    refused(EM_ERR_MANIFEST_EXPIRED, EM_CHECK_SESSION_PUBLISHERS);
    w.manifest_body.not_after_ms = MAKER_NOW_MS;
    accepted();
}

static void debug_pcr(world *o)
{
    memset(o->doc.pcr[0], 0, EM_PCR_LEN);
    o->doc.pcr[0][0] = 0;
}

static void pcr_of_another(world *o)
{
    static uint8_t others[EM_PCR_LEN];

    memset(others, 0x77, sizeof others);
    o->claims.measurements.pcr4 = EM_BYTES(others);
}

static void the_document_is_judged_too(void)
{
    em_evidence_facts f;
    em_report report;

    world_make(&w); /* measurements that the policy does not know */
    w.policy_body.tuple[0].pcr0 = policy_fill(11, 0x99);
    w.policy = policy_sample_sign(&w.policy_body, &w.signer_secret);
    world_file(&w);
    CHECK_ERR(world_verify(&w, &report, &f), EM_ERR_POLICY_NO_MATCH);
    w = fresh;

    w.policy_body.root[0].sha256[0] ^= 1;
    refused(EM_ERR_ROOT_UNKNOWN, EM_CHECK_DOC_ROOT);
    w.doc.timestamp_ms +=
        30 * POLICY_DAY_MS + 1; /* self-dated: the policy had passed then */
    refused(EM_ERR_POLICY_EXPIRED, EM_CHECK_POLICY_DATES);
    w.doc.timestamp_ms += POLICY_DAY_MS;
    refused(EM_ERR_CERT_EXPIRED, EM_CHECK_DOC_CHAIN);

    world_make(&w); /* a debug enclave, which no policy can name */
    debug_pcr(&w);
    w.document = maker_document(&w.m, &w.doc);
    em_hello_e1 parts = {
        .document = w.document, .n_manifests = 1, .manifest = {w.manifest}};
    em_out e1 = world_out(EM_MAX_ATTEST);
    em_hello_put_e1(&e1, &parts);
    w.e1_record = world_view(&e1);
    world_file(&w);
    CHECK_ERR(world_verify(&w, &report, &f), EM_ERR_DEBUG_ENCLAVE);
    w = fresh;
}

/* ---- the receipt ---- */

#define CHANGE(name, change)                                                             \
    static void name(world *o)                                                           \
    {                                                                                    \
        change;                                                                          \
    }
static uint8_t wrong[EM_PCR_LEN] = {1, 2, 3};
CHANGE(claim_document, o->claims.attestation_doc_hash = em_view(wrong, 32))
CHANGE(claim_nonce, o->claims.eat_nonce = em_view(wrong, 32))
CHANGE(claim_no_nonce, o->claims.eat_nonce.at = NULL)
CHANGE(claim_model_hash, o->claims.model_hash = em_view(wrong, 32))
CHANGE(claim_model_id, o->claims.model_id = EM_STR("test/other"))
CHANGE(claim_version, o->claims.model_version = EM_STR("9"))
CHANGE(claim_no_scheme, o->claims.model_hash_scheme.at = NULL)
CHANGE(claim_issuer, o->claims.iss = EM_STR("somebody"))
CHANGE(claim_early, o->claims.iat = MAKER_NOW_MS / 1000 - 60)
CHANGE(claim_too_early, o->claims.iat = MAKER_NOW_MS / 1000 - 61)
CHANGE(claim_late, o->claims.iat = MAKER_NOW_MS / 1000 + EM_SESSION_LIFE_MS / 1000)
CHANGE(claim_too_late,
       o->claims.iat = MAKER_NOW_MS / 1000 + EM_SESSION_LIFE_MS / 1000 + 1)
CHANGE(claim_production, o->claims.security_mode = EM_STR("production"))
CHANGE(claim_request, o->claims.request_hash = em_view(wrong, 32))
CHANGE(claim_response, o->claims.response_hash = em_view(wrong, 32))
CHANGE(claim_pcr0, o->claims.measurements.pcr0 = EM_BYTES(wrong))
CHANGE(claim_pcr8, o->claims.measurements.pcr8 = EM_BYTES(wrong))
CHANGE(claim_few_pcrs,
       (o->claims.measurements.pcr3.at = NULL, o->claims.measurements.pcr4.at = NULL,
        o->claims.measurements.pcr8.at = NULL))
CHANGE(claim_tdx, (o->claims.measurements.type = EM_STR(EM_RECEIPT_TDX),
                   o->claims.measurements.pcr8.at = NULL))

static void each_claim_is_the_sessions(void)
{
    static const struct {
        void (*change)(world *);
        em_err want;
        em_check line;
    } cases[] = {
        {claim_document, EM_ERR_ATTESTATION_DOC_HASH_MISMATCH, EM_CHECK_RECEIPT_DOCUMENT},
        {claim_nonce, EM_ERR_NONCE_MISMATCH, EM_CHECK_RECEIPT_NONCE},
        {claim_no_nonce, EM_ERR_NONCE_MISSING, EM_CHECK_RECEIPT_NONCE},
        {claim_model_hash, EM_ERR_MODEL_HASH_MISMATCH, EM_CHECK_RECEIPT_MODEL},
        {claim_model_id, EM_ERR_MODEL_ID_MISMATCH, EM_CHECK_RECEIPT_MODEL},
        {claim_version, EM_ERR_MODEL_ID_MISMATCH, EM_CHECK_RECEIPT_MODEL},
        {claim_no_scheme, EM_ERR_UNKNOWN_MODEL_HASH_SCHEME, EM_CHECK_RECEIPT_MODEL},
        {claim_issuer, EM_ERR_DEPLOYMENT, EM_CHECK_RECEIPT_ISSUER},
        {claim_early, EM_OK, EM_CHECK_RECEIPT_TIME},
        {claim_too_early, EM_ERR_RECEIPT_TIME, EM_CHECK_RECEIPT_TIME},
        {claim_late, EM_OK, EM_CHECK_RECEIPT_TIME},
        {claim_too_late, EM_ERR_RECEIPT_TIME, EM_CHECK_RECEIPT_TIME},
        {claim_production, EM_ERR_RECEIPT_MODE, EM_CHECK_RECEIPT_MODE},
        {claim_request, EM_ERR_REQUEST_HASH_MISMATCH, EM_CHECK_RECEIPT_REQUEST},
        {claim_response, EM_ERR_RESPONSE_HASH_MISMATCH, EM_CHECK_RECEIPT_RESPONSE},
        {claim_pcr0, EM_ERR_RECEIPT_MEASUREMENTS, EM_CHECK_RECEIPT_MEASUREMENTS},
        {claim_pcr8, EM_ERR_RECEIPT_MEASUREMENTS, EM_CHECK_RECEIPT_MEASUREMENTS},
        {pcr_of_another, EM_ERR_RECEIPT_MEASUREMENTS, EM_CHECK_RECEIPT_MEASUREMENTS},
        {claim_few_pcrs, EM_OK, EM_CHECK_RECEIPT_MEASUREMENTS},
        {claim_tdx, EM_ERR_RECEIPT_MEASUREMENTS, EM_CHECK_RECEIPT_MEASUREMENTS},
    };

    for (size_t i = 0; i < EM_COUNT(cases); i++) {
        test_note("case %zu", i);
        w.before_receipt = cases[i].change;
        if (cases[i].want == EM_OK)
            accepted();
        else
            refused(cases[i].want, cases[i].line);
    }
}

CHANGE(sign_by_another, o->receipt_secret = o->publisher_secret)

static void the_receipt_is_signed_by_the_attested_key(void)
{
    w.before_receipt = sign_by_another;
    refused(EM_ERR_SIG_FAILED, EM_CHECK_RECEIPT_SIGNATURE);
}

/* A good receipt beside another session's document. */
static void parts_of_two_sessions_do_not_mix(void)
{
    static world second;
    em_evidence_facts f;
    em_report report;

    world_make(&w);
    second = w;
    second.c1.nonce[0] ^= 1;
    world_make(&second);
    CHECK_OK(world_verify(&second, &report, &f));
    em_bytes receipt = second.receipt;
    second.receipt = w.receipt;
    world_file(&second);
    CHECK_ERR(world_verify(&second, &report, &f), EM_ERR_ATTESTATION_DOC_HASH_MISMATCH);
    second.receipt = receipt;
    second.c1_record = w.c1_record;
    world_file(&second);
    CHECK_ERR(world_verify(&second, &report, &f), EM_ERR_NONCE_MISMATCH);
    w = fresh;
}

/* ---- the companion ---- */

CHANGE(companion_receipt, o->companion.receipt[0] ^= 1)
CHANGE(companion_tokenizer, o->companion.tokenizer = em_view(wrong, 32))
CHANGE(companion_profile, o->companion.numeric = EM_STR("em-other"))
CHANGE(companion_usage, o->companion.input++)
CHANGE(companion_status, o->companion.status = EM_STATUS_LENGTH)
CHANGE(companion_parameters, o->companion.parameters = EM_STR("\xA0"))
CHANGE(companion_signer, o->receipt_secret = o->publisher_secret)

static void the_companion_is_the_receipts(void)
{
    static void (*const cases[])(world *) = {
        companion_receipt, companion_tokenizer, companion_profile,    companion_usage,
        companion_status,  companion_signer,    companion_parameters,
    };

    for (size_t i = 0; i < EM_COUNT(cases); i++) {
        test_note("case %zu", i);
        w.before_companion = cases[i];
        refused(EM_ERR_COMPANION, EM_CHECK_COMPANION);
    }
    uint8_t buf[4096];
    em_out o = EM_OUT(buf);
    world_make(&w);
    em_companion bad = w.companion;
    bad.status = (em_status)0;
    CHECK_ERR(em_companion_sign(&bad, &w.receipt_secret, &o), EM_ERR_ARGUMENT);
    bad = w.companion;
    bad.parameters = EM_STR("\x80");
    CHECK_ERR(em_companion_sign(&bad, &w.receipt_secret, &o), EM_ERR_ARGUMENT);
    bad = w.companion;
    bad.tokenizer.len = 31;
    CHECK_ERR(em_companion_sign(&bad, &w.receipt_secret, &o), EM_ERR_ARGUMENT);
    w = fresh;
}

/* ---- live ---- */

static void a_live_client_asks_more(void)
{
    em_policy policy;
    em_peer peer;
    em_receipt receipt;
    em_report report;
    em_inference inference = {.has_sequence = true,
                              .sequence = 3,
                              .has_model = true,
                              .model_id = EM_STR("test/tiny")};

    world_make(&w);
    uint64_t now = MAKER_NOW_MS + 500;
    CHECK_OK(em_policy_verify(w.policy, &w.signer, 1, now, NULL, &policy));
    em_peer_ask ask = {.c1 = w.c1_record,
                       .e1 = w.e1_record,
                       .policy = &policy,
                       .when = EM_ATTEST_LIVE,
                       .at_ms = now,
                       .tensors = w.tensors};
    em_report_init(&report);
    CHECK_OK(em_peer_verify(&ask, &report, &peer));
    CHECK(report.line[EM_CHECK_DOC_TIME].result == EM_RESULT_PASS);
    CHECK_OK(em_peer_receipt(&peer, w.receipt, &inference, &report, &receipt));
    CHECK(report.line[EM_CHECK_RECEIPT_SEQUENCE].result == EM_RESULT_PASS);
    inference.sequence = 4;
    CHECK_ERR(em_peer_receipt(&peer, w.receipt, &inference, &report, &receipt),
              EM_ERR_RECEIPT_SEQUENCE);
    inference.sequence = 3;
    inference.model_id = EM_STR("test/other");
    CHECK_ERR(em_peer_receipt(&peer, w.receipt, &inference, &report, &receipt),
              EM_ERR_MODEL_ID_MISMATCH);
    const em_peer_model *model;
    CHECK_OK(em_peer_find(&peer, EM_STR("test/tiny"), &model));
    CHECK(model->number == 7 && em_same(EM_BYTES(model->hash), w.claims.model_hash));
    CHECK_ERR(em_peer_find(&peer, EM_STR("test/tin"), &model), EM_ERR_MODEL_UNKNOWN);

    ask.at_ms = now + EM_FRESH_DEFAULT_MS;
    CHECK_ERR(em_peer_verify(&ask, &report, &peer), EM_ERR_STALE_DOCUMENT);
    policy.body.freshness_ms = EM_FRESH_MAX_MS; /* the window is the policy's */
    CHECK_OK(em_peer_verify(&ask, &report, &peer));
    w = fresh;
}

/* ---- the file ---- */

static void bad_answer(world *o, em_evidence_parts *parts)
{
    static em_evidence_record r[2];

    (void)o;
    r[0] = (em_evidence_record){EM_RECORD_DATA, EM_STR("x")};
    r[1] = (em_evidence_record){EM_RECORD_DATA, EM_STR("y")}; /* no END */
    parts->answer = r;
    parts->n_answer = 2;
    uint8_t buf[32768];
    em_out out = EM_OUT(buf);
    CHECK_ERR(em_evidence_file_write(parts, &out), EM_ERR_EVIDENCE_MALFORMED);
    r[0].type = EM_RECORD_END;
    r[1].type = EM_RECORD_END;
    out = EM_OUT(buf);
    CHECK_ERR(em_evidence_file_write(parts, &out), EM_ERR_EVIDENCE_MALFORMED);
    parts->n_answer = 0;
    parts->request = r; /* END in a request */
    parts->n_request = 2;
    out = EM_OUT(buf);
    CHECK_ERR(em_evidence_file_write(parts, &out), EM_ERR_EVIDENCE_MALFORMED);
    parts->n_request = 0;
    em_bytes was = parts->policy;
    parts->policy.len = 0; /* a part that is needed */
    out = EM_OUT(buf);
    CHECK_ERR(em_evidence_file_write(parts, &out), EM_ERR_EVIDENCE_MALFORMED);
    parts->policy = was;
}

static void files_have_one_form(void)
{
    em_evidence e;

    w.before_file = bad_answer;
    world_make(&w);
    CHECK_OK(em_evidence_file_read(w.file, &e));
    CHECK(!e.has_answer && !e.has_request && em_same(e.receipt, w.receipt));
    w = fresh;
    em_bytes large = em_view(w.tensors, (size_t)EM_MAX_EVIDENCE + 1);
    CHECK_ERR(em_evidence_file_read(large, &e),
              EM_ERR_LIMIT); /* before it is looked at */
}

static bool accepts(em_bytes in, void *report)
{
    em_evidence_ask ask = {.signers = &w.signer, .n_signers = 1, .tensors = w.tensors};
    em_evidence_facts f;

    return em_evidence_verify(in, &ask, report, &f) == EM_OK;
}

static bool reads(em_bytes in, void *arg)
{
    em_evidence e;

    (void)arg;
    return em_evidence_file_read(in, &e) == EM_OK;
}

/* A bit anywhere in the file: the whole verification refuses; it costs several
 * signatures, so that every 7th byte stands for the rest where a sanitizer slows it down.
 */
static void no_cut_and_no_flip_passes(void)
{
    em_report report;
    size_t accepted_cuts = 0, accepted_flips = 0;

    world_make(&w);
    CHECK(accepts(w.file, &report));
    for (size_t len = 0; len < w.file.len; len++)
        accepted_cuts += reads(em_view(w.file.at, len), NULL);
#ifdef EM_SANITIZED
    size_t step = 37;
#else
    size_t step = 5;
#endif
    uint8_t *copy = test_alloc(w.file.len);
    memcpy(copy, w.file.at, w.file.len);
    for (size_t i = 0; i < w.file.len; i += step) {
        copy[i] ^= (uint8_t)(1U << (i % 8));
        bool ok = accepts(em_view(copy, w.file.len), &report);
        if (ok) test_note("byte %zu", i);
        accepted_flips += ok;
        CHECK(ok || report.err != EM_OK);
        copy[i] = w.file.at[i];
    }
    CHECK(accepted_cuts == 0 && accepted_flips == 0);
    w = fresh;
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    world_init(&w);
    world_make(&w);
    fresh = w;
    RUN(a_whole_inference_verifies);
    RUN(parts_may_be_left_out_and_read_skip);
    RUN(time_is_the_documents_own_or_explicit);
    RUN(a_policy_counts_only_under_a_pinned_signer);
    RUN(the_callers_policy_stands_in);
    RUN(a_newer_policy_revokes);
    RUN(the_policy_itself_revokes);
    RUN(the_session_is_the_documents);
    RUN(manifests_are_their_publishers);
    RUN(the_document_is_judged_too);
    RUN(each_claim_is_the_sessions);
    RUN(the_receipt_is_signed_by_the_attested_key);
    RUN(parts_of_two_sessions_do_not_mix);
    RUN(the_companion_is_the_receipts);
    RUN(a_live_client_asks_more);
    RUN(files_have_one_form);
    RUN(no_cut_and_no_flip_passes);
    world_drop(&w);
    return test_end();
}
