/* The client library asks a model of one label how well documents go with a query. */
#include "tests/system/liar.h"

static const em_client_text documents[] = {{"one", 3}, {"two", 3}, {"", 0}};
static const em_client_rerank_request request = {
    .query = {"the query", 9}, .document = documents, .n = 3, .evidence = 1};

static void a_score_a_document(void)
{
    em_client *c = opened(&(script){0});
    em_client_scores s;

    REQUIRE(em_client_rerank(c, &request, &s, &why) == EM_CLIENT_OK);
    CHECK(s.n == 3 && s.labels == 1 && s.score[1] == 100 && s.score[2] == 200);
    CHECK(strcmp(s.activation, "none") == 0 && strcmp(s.label[0], "kind 0") == 0);
    /* what was sent, and what the request's hash covers */
    CHECK(memmem(s.answer.evidence, s.answer.evidence_len, "the query", 9) != NULL);
    CHECK(memmem(s.answer.evidence, s.answer.evidence_len, "rerank", 6) != NULL);
    em_client_close(c);
}

static void lies_are_refused(void)
{
    static const script lies[] = {{.other_dim = true},     {.fewer = true},
                                  {.gap = true},           {.twice = true},
                                  {.other_request = true}, {.no_receipt = true}};

    for (size_t i = 0; i < EM_COUNT(lies); i++) {
        em_client *c = opened(&lies[i]);
        em_client_scores s = {.n = 99};
        test_note("lie %zu", i);
        CHECK(em_client_rerank(c, &request, &s, &why) == EM_CLIENT_REFUSED && s.n == 99);
        em_client_close(c);
    }
}

static void what_the_caller_may_not_ask(void)
{
    em_client *c = opened(&(script){0});
    em_client_rerank_request r = request;
    em_client_embed_request embed = {.text = documents, .n = 1};
    em_client_classify_request classify = {.text = documents, .n = 1};
    em_client_vectors v = {.n = 99};
    em_client_scores s = {.n = 99};
    static char big[EM_MAX_REQUEST];

    r.query = (em_client_text){"", 0};
    CHECK(em_client_rerank(c, &r, &s, &why) == EM_CLIENT_CANNOT);
    r.query = (em_client_text){"\xFF", 1};
    CHECK(em_client_rerank(c, &r, &s, &why) == EM_CLIENT_CANNOT);
    memset(big, 'a', sizeof big);
    r.query = (em_client_text){big, sizeof big};
    CHECK(em_client_rerank(c, &r, &s, &why) == EM_CLIENT_CANNOT);
    r = request;
    r.n = 0;
    CHECK(em_client_rerank(c, &r, &s, &why) == EM_CLIENT_CANNOT);
    CHECK(em_client_embed(c, &embed, &v, &why) == EM_CLIENT_REFUSED);
    CHECK(strcmp(why.name, "MODEL_OP") == 0 && s.n == 99 && v.n == 99);
    /* a model of one label classifies too; nothing of the above went out */
    CHECK(em_client_classify(c, &classify, &s, &why) == EM_CLIENT_OK);
    CHECK(s.n == 1 && s.answer.sequence == 0);
    em_client_close(c);
}

int main(void)
{
    local_model = (em_synth){.labels = 1, .activation = "Identity"};
    liar_start();
    RUN(a_score_a_document);
    RUN(lies_are_refused);
    RUN(what_the_caller_may_not_ask);
    liar_stop();
    return test_end();
}
