/* The client library asks for scores: of a model that has labels by their verified names,
 * of others not at all; and prompts, by the names that the manifest has. */
#include "tests/system/liar.h"

static const em_client_text texts[] = {{"one", 3}, {"two", 3}};
static const em_client_classify_request request = {.text = texts, .n = 2, .evidence = 1};

static void scores_have_the_manifests_names(void)
{
    em_client *c = opened(&(script){0});
    em_client_scores s;

    REQUIRE(em_client_classify(c, &request, &s, &why) == EM_CLIENT_OK);
    CHECK(s.n == 2 && s.labels == 3 && s.score[3] == 100 && s.score[5] == 102);
    CHECK(strcmp(s.label[0], "kind 0") == 0 && strcmp(s.label[2], "kind 2") == 0);
    CHECK(strcmp(s.activation, "softmax") == 0);
    CHECK(s.answer.total_tokens == 6 && s.answer.tokens[1] == 3);
    CHECK(s.answer.evidence_len > 0 && s.answer.receipt_len > 0);
    CHECK(s.answer.max_tokens == 64 && s.answer.sequence == 0);
    em_client_close(c);
}

static void evidence_of_scores_verifies(void)
{
    static em_evidence_facts facts;
    static em_tensor tensors[EM_MAX_TENSORS];
    em_client *c = opened(&(script){0});
    em_client_scores s;
    em_report report;

    REQUIRE(em_client_classify(c, &request, &s, &why) == EM_CLIENT_OK);
    const em_evidence_ask ask = {
        .signers = &here.signer, .n_signers = 1, .tensors = tensors};
    em_report_init(&report);
    CHECK_OK(em_evidence_verify(em_view(s.answer.evidence, s.answer.evidence_len), &ask,
                                &report, &facts));
    em_client_close(c);
}

/* The script makes classify fail so, and nothing is given out. */
static void fails(const script *how, int code, const char *name)
{
    em_client *c = opened(how);
    em_client_scores s = {.n = 99};

    int got = em_client_classify(c, &request, &s, &why);
    if (got != code || strcmp(why.name, name) != 0)
        printf("  got %d %s, not %d %s\n", got, why.name, code, name);
    CHECK(got == code && strcmp(why.name, name) == 0 && s.n == 99);
    em_client_close(c);
}

static void lies_are_refused(void)
{
    fails(&(script){.other_dim = true}, EM_CLIENT_REFUSED, "ANSWER_MALFORMED");
    fails(&(script){.dim = true}, EM_CLIENT_REFUSED, "ANSWER_MALFORMED");
    fails(&(script){.fewer = true}, EM_CLIENT_REFUSED, "ANSWER_MALFORMED");
    fails(&(script){.other_model = true}, EM_CLIENT_REFUSED, "MODEL_HASH_MISMATCH");
    fails(&(script){.other_answer = true}, EM_CLIENT_REFUSED, "RESPONSE_HASH_MISMATCH");
    fails(&(script){.other_truncate = true}, EM_CLIENT_REFUSED, "ANSWER_MALFORMED");
    fails(&(script){.cut = 1, .at_record = true}, EM_CLIENT_TRUNCATED, "TRUNCATED");
}

static void what_the_model_does_not_do_is_not_sent(void)
{
    em_client *c = opened(&(script){0});
    em_client_embed_request embed = {.text = texts, .n = 2};
    em_client_rerank_request rerank = {.query = {"q", 1}, .document = texts, .n = 2};
    em_client_vectors v = {.n = 99};
    em_client_scores s = {.n = 99};

    CHECK(em_client_embed(c, &embed, &v, &why) == EM_CLIENT_REFUSED && v.n == 99);
    CHECK(strcmp(why.name, "MODEL_OP") == 0 && strstr(why.text, "classify") != NULL);
    embed.model = "small";
    CHECK(em_client_embed(c, &embed, &v, &why) == EM_CLIENT_REFUSED);
    CHECK(strcmp(why.name, "MODEL_OP") == 0);
    CHECK(em_client_rerank(c, &rerank, &s, &why) == EM_CLIENT_REFUSED && s.n == 99);
    CHECK(strcmp(why.name, "MODEL_OP") == 0 && strstr(why.text, "3") != NULL);
    embed.model = "other";
    CHECK(em_client_embed(c, &embed, &v, &why) == EM_CLIENT_REFUSED);
    CHECK(strcmp(why.name, "MODEL_UNKNOWN") == 0);
    /* the session is as good as new */
    CHECK(em_client_classify(c, &request, &s, &why) == EM_CLIENT_OK);
    CHECK(s.answer.sequence == 0);
    em_client_close(c);
}

static void models_tell_labels_and_prompts(void)
{
    em_client_model models[8];
    em_client *c = opened(&(script){0});
    em_client_scores s;
    size_t n = 0;

    REQUIRE(em_client_models(c, models, &n, &why) == EM_CLIENT_OK && n == 1);
    REQUIRE(em_client_classify(c, &request, &s, &why) == EM_CLIENT_OK);
    CHECK(models[0].ops == EM_CLIENT_OP_CLASSIFY && models[0].dim == 3);
    CHECK(models[0].n_labels == 3 && strcmp(models[0].label[1], "kind 1") == 0);
    CHECK(strcmp(models[0].activation, "softmax") == 0);
    CHECK(models[0].n_prompts == 2 && strcmp(models[0].prompt[0].name, "query") == 0);
    CHECK(strcmp(models[0].prompt[1].text, "passage: ") == 0);
    em_client_close(c);
}

int main(void)
{
    local_model = (em_synth){.labels = 3, .prompts = true};
    liar_start();
    RUN(scores_have_the_manifests_names);
    RUN(evidence_of_scores_verifies);
    RUN(lies_are_refused);
    RUN(what_the_model_does_not_do_is_not_sent);
    RUN(models_tell_labels_and_prompts);
    liar_stop();
    return test_end();
}
