/* The client library against an enclave that lies after its handshake: whatever it says
 * wrong, leaves out or cuts off, the caller is told so and gets no vector. */
#include "tests/system/liar.h"

static const em_client_text three[] = {{"one", 3}, {"two", 3}, {"three", 5}};

static int embed(em_client *c, em_client_vectors *ret)
{
    const em_client_embed_request request = {
        .text = three, .n = EM_COUNT(three), .evidence = 1};

    return em_client_embed(c, &request, ret, &why);
}

/* The script makes embed fail with this code and name, and nothing is given out. */
static void fails(const script *s, int code, const char *name)
{
    em_client *c = opened(s);
    em_client_vectors v = {.n = 99};

    int got = embed(c, &v);
    if (got != code || strcmp(why.name, name) != 0)
        printf("  got %d %s, not %d %s\n", got, why.name, code, name);
    CHECK(got == code && why.code == code && strcmp(why.name, name) == 0);
    CHECK(v.n == 99 && v.vector == NULL);
    em_client_close(c);
}

/* ---- what is tested ---- */

static void an_honest_one_is_believed(void)
{
    em_client *c = opened(&(script){0});
    em_client_vectors v;
    em_client_peer peer;

    em_client_describe(c, &peer);
    CHECK(strcmp(peer.mode, "evaluation") == 0 &&
          strcmp(peer.policy_id, "local policy") == 0);
    CHECK(peer.policy_version == 5 && peer.n_models == 1 && !peer.any_account);
    CHECK(embed(c, &v) == EM_CLIENT_OK);
    CHECK(v.n == 3 && v.dim == 64 && v.vector[64] == 100 && v.total_tokens == 9);
    CHECK(v.tokens[2] == 3 && strcmp(v.model, "small") == 0 && v.sequence == 0);
    CHECK(embed(c, &v) == EM_CLIENT_OK && v.sequence == 1);
    em_client_close(c);
}

static void evidence_verifies(void)
{
    static em_evidence_facts facts;
    static em_tensor tensors[EM_MAX_TENSORS];
    em_client *c = opened(&(script){0});
    em_client_vectors v;
    em_report report;

    REQUIRE(embed(c, &v) == EM_CLIENT_OK && v.evidence != NULL);
    const em_evidence_ask ask = {
        .signers = &here.signer, .n_signers = 1, .tensors = tensors};
    em_report_init(&report);
    CHECK_OK(
        em_evidence_verify(em_view(v.evidence, v.evidence_len), &ask, &report, &facts));
    CHECK(facts.has_companion && facts.companion.input == 9);
    uint8_t *bad = test_alloc(v.evidence_len);
    memcpy(bad, v.evidence, v.evidence_len);
    bad[v.evidence_len / 2] ^= 1;
    em_report_init(&report);
    CHECK(em_evidence_verify(em_view(bad, v.evidence_len), &ask, &report, &facts) !=
          EM_OK);
    em_client_close(c);
}

static void a_stream_that_ends_early_is_truncated(void)
{
    em_client *c = opened(&(script){0});
    em_client_vectors v;

    REQUIRE(embed(c, &v) == EM_CLIENT_OK);
    em_client_close(c);
    size_t records = answer_records, bytes = answer_bytes;
    REQUIRE(records == 5);
    for (size_t i = 1; i < records; i++) {
        test_note("record %zu", i);
        fails(&(script){.cut = i, .at_record = true}, EM_CLIENT_TRUNCATED, "TRUNCATED");
    }
    for (size_t i = 1; i < bytes; i += bytes / 23) {
        test_note("byte %zu", i);
        fails(&(script){.cut = i}, EM_CLIENT_TRUNCATED, "TRUNCATED");
    }
    test_note("last byte%s", "");
    fails(&(script){.cut = bytes - 1}, EM_CLIENT_TRUNCATED, "TRUNCATED");
    test_note("%s", "");
}

static void receipts_of_something_else(void)
{
    enum { REFUSED = EM_CLIENT_REFUSED };

    fails(&(script){.other_session_key = true}, REFUSED, "SIG_FAILED");
    fails(&(script){.flip_receipt = true}, REFUSED, "SIG_FAILED");
    fails(&(script){.other_document = true}, REFUSED, "ATTESTATION_DOC_HASH_MISMATCH");
    fails(&(script){.other_nonce = true}, REFUSED, "NONCE_MISMATCH");
    fails(&(script){.other_model = true}, REFUSED, "MODEL_HASH_MISMATCH");
    fails(&(script){.other_sequence = true}, REFUSED, "RECEIPT_SEQUENCE");
    fails(&(script){.other_request = true}, REFUSED, "REQUEST_HASH_MISMATCH");
    CHECK(strcmp(why.check, "RECEIPT_REQUEST") == 0 && why.clause[0] != 0);
    fails(&(script){.other_answer = true}, REFUSED, "RESPONSE_HASH_MISMATCH");
    fails(&(script){.no_companion = true}, REFUSED, "COMPANION");
    fails(&(script){.companion_status = true}, REFUSED, "COMPANION");
    fails(&(script){.companion_usage = true}, REFUSED, "COMPANION");
    fails(&(script){.no_receipt = true}, REFUSED, "ANSWER_MALFORMED");
}

static void rows_that_do_not_fit(void)
{
    enum { REFUSED = EM_CLIENT_REFUSED };

    fails(&(script){.gap = true}, REFUSED, "ANSWER_MALFORMED");
    fails(&(script){.twice = true}, REFUSED, "ANSWER_MALFORMED");
    fails(&(script){.fewer = true}, REFUSED, "ANSWER_MALFORMED");
    fails(&(script){.dim = true}, REFUSED, "ANSWER_MALFORMED");
    fails(&(script){.other_dim = true}, REFUSED, "ANSWER_MALFORMED");
    /* what was used is not what was asked, or more than the model takes */
    fails(&(script){.other_truncate = true}, REFUSED, "ANSWER_MALFORMED");
    fails(&(script){.other_max_tokens = true}, REFUSED, "ANSWER_MALFORMED");
    fails(&(script){.no_parameters = true}, REFUSED, "ANSWER_MALFORMED");
    /* the sum of the rows' tokens is not END's */
    fails(&(script){.end_usage = true, .companion_usage = true}, REFUSED,
          "ANSWER_MALFORMED");
}

static void ends_that_are_no_success(void)
{
    fails(&(script){.outcome = EM_ERR_BUSY}, EM_CLIENT_CANNOT, "BUSY");
    fails(&(script){.outcome = EM_ERR_MODEL_UNKNOWN}, EM_CLIENT_REFUSED, "MODEL_UNKNOWN");
    fails(&(script){.outcome = EM_ERR_CANCELLED}, EM_CLIENT_INTERRUPTED, "CANCELLED");
    fails(&(script){.outcome = EM_ERR_INTERNAL}, EM_CLIENT_REFUSED, "ENCLAVE_FAILED");
    fails(&(script){.outcome = EM_ERR_REQUEST_MALFORMED}, EM_CLIENT_REFUSED,
          "REQUEST_MALFORMED");
    fails(&(script){.outcome = EM_ERR_NOT_PERMITTED}, EM_CLIENT_REFUSED, "NOT_PERMITTED");
    /* a failed inference has a receipt, and a false one is not overlooked */
    fails(&(script){.outcome = EM_ERR_INTERNAL, .other_answer = true}, EM_CLIENT_REFUSED,
          "RESPONSE_HASH_MISMATCH");
}

static void models_say_what_was_attested(void)
{
    em_client_model models[8];
    size_t n = 0;
    em_client *c = opened(&(script){0});

    CHECK(em_client_models(c, models, &n, &why) == EM_CLIENT_OK && n == 1);
    CHECK(strcmp(models[0].id, "small") == 0 && models[0].dim == 64);
    em_client_close(c);
    c = opened(&(script){.card_hash = true});
    CHECK(em_client_models(c, models, &n, &why) == EM_CLIENT_REFUSED);
    CHECK(strcmp(why.name, "MODEL_HASH_MISMATCH") == 0);
    em_client_close(c);
    c = opened(&(script){.two_cards_body = true});
    CHECK(em_client_models(c, models, &n, &why) == EM_CLIENT_REFUSED);
    em_client_close(c);
    c = opened(&(script){.receipt_for_models = true});
    CHECK(em_client_models(c, models, &n, &why) == EM_CLIENT_REFUSED);
    em_client_close(c);
}

static int open_fails(em_client_options o)
{
    em_client *c = (em_client *)(uintptr_t)64;
    int code = em_client_open(&o, &c, &why);

    CHECK(c == (em_client *)(uintptr_t)64 || code == EM_CLIENT_OK);
    return code;
}

static int at_once(void *arg)
{
    (void)arg;
    return 1;
}

/* What the enclave gets is what the request's hash covers. */
static void a_prompt_goes_before_every_text(void)
{
    em_client *c = opened(&(script){0});
    em_client_embed_request r = {
        .text = three, .n = 3, .prompt = "passage", .evidence = 1};
    em_client_vectors v = {.n = 99};

    REQUIRE(em_client_embed(c, &r, &v, &why) == EM_CLIENT_OK && v.n == 3);
    CHECK(memmem(v.evidence, v.evidence_len, "passage: three", 14) != NULL);
    CHECK(memmem(v.evidence, v.evidence_len, "query: ", 7) != NULL); /* the manifest's */
    v.n = 99;
    r.prompt = "document";
    CHECK(em_client_embed(c, &r, &v, &why) == EM_CLIENT_REFUSED && v.n == 99);
    CHECK(strcmp(why.name, "PROMPT_UNKNOWN") == 0);
    CHECK(strstr(why.text, "query, passage") != NULL);
    r.prompt = NULL;
    CHECK(em_client_embed(c, &r, &v, &why) == EM_CLIENT_OK && v.sequence == 1);
    CHECK(memmem(v.evidence, v.evidence_len, "passage: three", 14) == NULL);
    em_client_close(c);
}

static void scores_are_not_an_embedders(void)
{
    em_client *c = opened(&(script){0});
    const em_client_classify_request classify = {.text = three, .n = 3};
    const em_client_rerank_request rerank = {
        .query = {"q", 1}, .document = three, .n = 3};
    em_client_scores s = {.n = 99};

    CHECK(em_client_classify(c, &classify, &s, &why) == EM_CLIENT_REFUSED);
    CHECK(strcmp(why.name, "MODEL_OP") == 0 && strstr(why.text, "embed") != NULL);
    CHECK(em_client_rerank(c, &rerank, &s, &why) == EM_CLIENT_REFUSED && s.n == 99);
    CHECK(strcmp(why.name, "MODEL_OP") == 0);
    em_client_close(c);
}

static void opening_refuses_before_a_byte_of_the_caller_s(void)
{
    em_client_options o = options();
    static unsigned char stranger[1][32] = {{7}};

    play = (script){.host_busy = true};
    CHECK(open_fails(o) == EM_CLIENT_CANNOT && strcmp(why.name, "HOST_REFUSED") == 0);
    CHECK(strstr(why.text, "no room") != NULL);
    play = (script){.closes_at_once = true};
    CHECK(open_fails(o) == EM_CLIENT_CANNOT);
    play = (script){0};
    o.deployment = "there";
    CHECK(open_fails(o) != EM_CLIENT_OK);
    o = options();
    o.signers = (const unsigned char(*)[32])stranger;
    CHECK(open_fails(o) == EM_CLIENT_REFUSED && strcmp(why.name, "POLICY_SIGNER") == 0);
    o = options();
    o.policy_len--;
    CHECK(open_fails(o) == EM_CLIENT_REFUSED);
    o = options();
    o.state = NULL;
    CHECK(open_fails(o) == EM_CLIENT_CANNOT && strcmp(why.name, "ARGUMENT") == 0);
    o = options();
    o.address = "nowhere";
    CHECK(open_fails(o) == EM_CLIENT_CANNOT && strcmp(why.name, "ADDRESS") == 0);
    o = options();
    o.address = "unix:/nowhere/at/all";
    CHECK(open_fails(o) == EM_CLIENT_CANNOT);
    o = options();
    o.stop = at_once;
    CHECK(open_fails(o) == EM_CLIENT_INTERRUPTED);
    folder_write(state_file, EM_STR("damaged"));
    CHECK(open_fails(options()) == EM_CLIENT_REFUSED &&
          strcmp(why.name, "POLICY_STATE") == 0);
    unlink(state_file);
    em_client *c = opened(&(script){0});
    em_client_peer peer;
    em_client_describe(c, &peer);
    CHECK(peer.first_use);
    em_client_close(c);
}

static void silence_has_an_end(void)
{
    em_client_options o = options();
    em_client_vectors v;
    em_client *c = NULL;

    play = (script){.silent = true};
    o.timeout_ms = 600;
    REQUIRE(em_client_open(&o, &c, &why) == EM_CLIENT_OK);
    uint64_t from = em_clock_monotonic_ms();
    CHECK(embed(c, &v) == EM_CLIENT_CANNOT && strcmp(why.name, "TIMEOUT") == 0);
    CHECK(em_clock_monotonic_ms() - from < 5000);
    em_client_close(c);
}

static void what_the_caller_may_not_ask(void)
{
    em_client *c = opened(&(script){0});
    em_client_vectors v = {.n = 99};
    static char big[EM_MAX_REQUEST];
    const em_client_text bad = {"\xFF", 1}, nul = {"a\0b", 3}, huge = {big, sizeof big};
    const em_client_text *each[] = {&bad, &nul, &huge};
    em_client_embed_request r = {.text = three, .n = 0};

    CHECK(em_client_embed(c, &r, &v, &why) == EM_CLIENT_CANNOT);
    r.n = EM_MAX_INPUTS + 1;
    CHECK(em_client_embed(c, &r, &v, &why) == EM_CLIENT_CANNOT);
    memset(big, 'a', sizeof big);
    for (size_t i = 0; i < EM_COUNT(each); i++) {
        r = (em_client_embed_request){.text = each[i], .n = 1};
        CHECK(em_client_embed(c, &r, &v, &why) == EM_CLIENT_CANNOT);
    }
    r = (em_client_embed_request){.text = three, .n = 1, .model = "other"};
    CHECK(em_client_embed(c, &r, &v, &why) == EM_CLIENT_REFUSED);
    CHECK(v.n == 99);
    /* none of that went out: the session is as good as new */
    CHECK(embed(c, &v) == EM_CLIENT_OK && v.sequence == 0);
    em_client_close(c);
    em_client_close(NULL);
}

int main(void)
{
    local_model = (em_synth){.prompts = true};
    liar_start();
    RUN(an_honest_one_is_believed);
    RUN(evidence_verifies);
    RUN(a_stream_that_ends_early_is_truncated);
    RUN(receipts_of_something_else);
    RUN(rows_that_do_not_fit);
    RUN(ends_that_are_no_success);
    RUN(models_say_what_was_attested);
    RUN(a_prompt_goes_before_every_text);
    RUN(scores_are_not_an_embedders);
    RUN(opening_refuses_before_a_byte_of_the_caller_s);
    RUN(silence_has_an_end);
    RUN(what_the_caller_may_not_ask);
    liar_stop();
    return test_end();
}
