/* The DATA of answers: their bytes, every breach, every cut and flip. */
#include "trust/answer.h"
#include "tests/support/test.h"

static em_embed_text texts[EM_MAX_INPUTS];

static void an_embed_part_reads_back(void)
{
    static const em_embed_text text[] = {{7, false}, {256, true}};
    static const float rows[2][3] = {{1.0f, -2.0f, 0.5f}, {0, 0, 1e-3f}};
    em_embed_part part = {.first = 5, .n = 2, .dim = 3, .text = text}, got;
    uint8_t buf[256];
    em_out o = EM_OUT(buf);

    part.vectors = EM_BYTES(rows);
    em_answer_put_embed(&o, &part);
    CHECK_OK(em_write_end(&o));
    CHECK(em_same(em_write_view(&o),
                  test_hex("a56364696d036566697273740566746f6b656e738207190100"
                           "67766563746f72735818"
                           "0000803f000000c00000003f00000000000000006f12833a"
                           "697472756e636174656482f4f5")));
    CHECK_OK(em_answer_parse_embed(em_write_view(&o), texts, &got));
    CHECK(got.first == 5 && got.n == 2 && got.dim == 3);
    CHECK(em_same(got.vectors, part.vectors));
    CHECK(got.text[0].tokens == 7 && !got.text[0].truncated);
    CHECK(got.text[1].tokens == 256 && got.text[1].truncated);
}

static void as_many_rows_as_promised_fit(void)
{
    static const uint32_t dims[] = {1, 2, 384, 768, 1024, 4096, EM_MAX_DIM};
    uint8_t *vectors = test_alloc(EM_MAX_DATA_BODY), *buf = test_alloc(EM_MAX_DATA_BODY);
    static em_embed_text text[EM_MAX_INPUTS];

    memset(vectors, 0, EM_MAX_DATA_BODY);
    for (size_t i = 0; i < EM_MAX_INPUTS; i++) text[i].tokens = UINT32_MAX;
    for (size_t i = 0; i < EM_COUNT(dims); i++) {
        size_t n = em_answer_embed_rows(dims[i]);
        em_embed_part part = {.first = EM_MAX_INPUTS - n,
                              .n = n,
                              .dim = dims[i],
                              .text = text},
                      got;
        em_out o = em_out_over(buf, EM_MAX_DATA_BODY);

        test_note("dim %u: %zu rows", dims[i], n);
        CHECK(n >= 1 && n <= EM_MAX_INPUTS);
        part.vectors = em_view(vectors, 4 * n * dims[i]);
        em_answer_put_embed(&o, &part);
        CHECK_OK(em_write_end(&o));
        CHECK_OK(em_answer_parse_embed(em_write_view(&o), texts, &got));
        CHECK(got.n == n);
    }
}

static void embed_breaches(void)
{
#define HEAD "a56364696d"
    static const struct {
        const char *hex;
        em_err want;
    } rows[] = {
        {HEAD "01656669727374"
              "00"
              "66746f6b656e738101"
              "67766563746f727344"
              "00000000697472756e636174656481f4",
         EM_OK},
        /* dim 0; first too high; no rows; rows and vectors, rows and flags differ */
        {HEAD "00656669727374"
              "00"
              "66746f6b656e738101"
              "67766563746f727340"
              "697472756e636174656481f4",
         EM_ERR_ANSWER_MALFORMED},
        {HEAD "01656669727374"
              "190400"
              "66746f6b656e738101"
              "67766563746f727344"
              "00000000697472756e636174656481f4",
         EM_ERR_ANSWER_MALFORMED},
        {HEAD "01656669727374"
              "00"
              "66746f6b656e7380"
              "67766563746f727340"
              "697472756e636174656480",
         EM_ERR_ANSWER_MALFORMED},
        {HEAD "01656669727374"
              "00"
              "66746f6b656e738101"
              "67766563746f727343"
              "000000697472756e636174656481f4",
         EM_ERR_ANSWER_MALFORMED},
        {HEAD "02656669727374"
              "00"
              "66746f6b656e738101"
              "67766563746f727344"
              "00000000697472756e636174656481f4",
         EM_ERR_ANSWER_MALFORMED},
        {HEAD "01656669727374"
              "00"
              "66746f6b656e738101"
              "67766563746f727344"
              "00000000697472756e636174656482f4f4",
         EM_ERR_ANSWER_MALFORMED},
        {HEAD "01656669727374"
              "00"
              "66746f6b656e738101"
              "67766563746f727344"
              "00000000697472756e63617465648100",
         EM_ERR_ANSWER_MALFORMED},
        /* tokens of more than 32 bits; dim past its limit; more rows than inputs */
        {HEAD "01656669727374"
              "00"
              "66746f6b656e73811b0000000100000000"
              "67766563746f72734400000000697472756e636174656481f4",
         EM_ERR_ANSWER_MALFORMED},
        {HEAD "192001656669727374"
              "00"
              "66746f6b656e738101"
              "67766563746f727344"
              "00000000697472756e636174656481f4",
         EM_ERR_ANSWER_MALFORMED},
        {HEAD "01656669727374"
              "1903ff"
              "66746f6b656e73820101"
              "67766563746f7273480000000000000000697472756e636174656482f4f4",
         EM_ERR_LIMIT},
        {"a0", EM_ERR_ANSWER_MALFORMED},
        {"", EM_ERR_ANSWER_MALFORMED},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        em_embed_part got;
        test_note("row %zu", i);
        CHECK_ERR(em_answer_parse_embed(test_hex(rows[i].hex), texts, &got),
                  rows[i].want);
    }
    em_embed_part wrong = {.n = 1, .dim = 1, .text = texts, .vectors = EM_STR("123")};
    uint8_t buf[64];
    em_out o = EM_OUT(buf);
    em_answer_put_embed(&o, &wrong);
    CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);
}

static em_model_card sample_card(void)
{
    return (em_model_card){.id = EM_STR("all-minilm-l6-v2"),
                           .version = EM_STR("1.2.0"),
                           .profile = EM_STR("em-f32-1"),
                           .number = 7,
                           .manifest = {0xAB},
                           .not_after_ms = 1900000000000,
                           .dim = 384,
                           .max_tokens = 256,
                           .ops = 1u << EM_OP_EMBED | 1u << EM_OP_RERANK};
}

static void models_read_back(void)
{
    em_model_card cards[EM_MAX_MODELS], got[EM_MAX_MODELS];
    uint8_t buf[4096];
    size_t n;

    for (size_t i = 0; i < EM_MAX_MODELS; i++) cards[i] = sample_card();
    for (size_t k = 0; k <= EM_MAX_MODELS; k++) {
        em_out o = EM_OUT(buf);
        em_answer_put_models(&o, cards, k);
        CHECK_OK(em_write_end(&o));
        CHECK_OK(em_answer_parse_models(em_write_view(&o), got, &n));
        CHECK(n == k);
        for (size_t i = 0; i < n; i++) {
            CHECK(em_same(got[i].id, cards[i].id) && got[i].ops == cards[i].ops);
            CHECK(em_same(got[i].version, cards[i].version) && got[i].number == 7);
            CHECK(em_same(got[i].profile, cards[i].profile) && got[i].dim == 384);
            CHECK(got[i].not_after_ms == cards[i].not_after_ms);
            CHECK(got[i].max_tokens == 256 && got[i].manifest[0] == 0xAB);
        }
    }
    em_out o = EM_OUT(buf);
    em_answer_put_models(&o, cards, EM_MAX_MODELS + 1);
    CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);
    for (unsigned bad = 0; bad < 3; bad++) {
        static const unsigned ops[] = {0, 1, 1u << EM_OP_COUNT_};
        cards[0].ops = ops[bad];
        o = EM_OUT(buf);
        em_answer_put_models(&o, cards, 1);
        CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);
    }
}

static void ops_have_one_order(void)
{
    em_model_card card = sample_card(), got[EM_MAX_MODELS];
    uint8_t buf[512];
    em_out o = EM_OUT(buf);
    size_t n;

    card.ops = 1u << EM_OP_MODELS | 1u << EM_OP_STATUS; /* two names of one length */
    em_answer_put_models(&o, &card, 1);
    CHECK_OK(em_answer_parse_models(em_write_view(&o), got, &n));
    uint8_t *at = memmem(buf, o.len, "models\x66status", 13);
    REQUIRE(at != NULL);
    memcpy(at, "status\x66models", 13);
    CHECK_ERR(em_answer_parse_models(em_write_view(&o), got, &n),
              EM_ERR_ANSWER_MALFORMED);
    memcpy(at, "status\x66status", 13);
    CHECK_ERR(em_answer_parse_models(em_write_view(&o), got, &n),
              EM_ERR_ANSWER_MALFORMED);
}

static em_status_body sample_status(void)
{
    return (em_status_body){.mode = EM_STR("evaluation"),
                            .software = EM_STR("0.1.0"),
                            .deployment = EM_STR("demo"),
                            .configuration = EM_STR("2026-11-22"),
                            .models = 1,
                            .uptime_ms = 1000,
                            .age_ms = 2,
                            .left_ms = 3,
                            .messages = 4,
                            .bytes_in = 5,
                            .bytes_out = 6,
                            .tokens = 7};
}

static void a_status_reads_back(void)
{
    em_status_body s = sample_status(), got;
    uint8_t buf[512];
    em_out o = EM_OUT(buf);

    em_answer_put_status(&o, &s);
    CHECK_OK(em_write_end(&o));
    CHECK_OK(em_answer_parse_status(em_write_view(&o), &got));
    CHECK(em_same(got.mode, s.mode) && em_same(got.software, s.software));
    CHECK(em_same(got.deployment, s.deployment) && got.models == 1);
    CHECK(em_same(got.configuration, s.configuration) && got.uptime_ms == 1000);
    CHECK(got.age_ms == 2 && got.left_ms == 3 && got.messages == 4);
    CHECK(got.bytes_in == 5 && got.bytes_out == 6 && got.tokens == 7);
    s.mode = (em_bytes){0};
    o = EM_OUT(buf);
    em_answer_put_status(&o, &s);
    CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);
}

static bool takes_embed(em_bytes in, void *arg)
{
    em_embed_part got;
    (void)arg;
    return em_answer_parse_embed(in, texts, &got) == EM_OK;
}

static bool takes_models(em_bytes in, void *arg)
{
    em_model_card got[EM_MAX_MODELS];
    size_t n;
    (void)arg;
    return em_answer_parse_models(in, got, &n) == EM_OK;
}

static bool takes_status(em_bytes in, void *arg)
{
    em_status_body got;
    (void)arg;
    return em_answer_parse_status(in, &got) == EM_OK;
}

static void cut_and_flipped(void)
{
    static const em_embed_text text[] = {{1, false}, {2, true}};
    uint8_t a[256], b[512], c[512], zeros[16] = {0};
    em_out o = EM_OUT(a), p = EM_OUT(b), q = EM_OUT(c);
    em_embed_part part = {.n = 2, .dim = 2, .text = text, .vectors = EM_BYTES(zeros)};
    em_model_card card = sample_card();
    em_status_body s = sample_status();

    em_answer_put_embed(&o, &part);
    em_answer_put_models(&p, &card, 1);
    em_answer_put_status(&q, &s);
    /* flips are legal inside values only: first, counts, flags, vectors; … */
    test_abuse_result got = test_abuse(em_write_view(&o), takes_embed, NULL);
    CHECK(got.cuts_accepted == 0 && got.flips_accepted <= 1 + 2 + 2 + 16);
    got = test_abuse(em_write_view(&p), takes_models, NULL);
    CHECK(got.cuts_accepted == 0 &&
          got.flips_accepted <= 16 + 5 + 8 + 32 + 1 + 8 + 3 + 3);
    got = test_abuse(em_write_view(&q), takes_status, NULL);
    CHECK(got.cuts_accepted == 0 && got.flips_accepted <= 10 + 5 + 4 + 10 + 1 + 2 + 6);
}

int main(void)
{
    RUN(an_embed_part_reads_back);
    RUN(as_many_rows_as_promised_fit);
    RUN(embed_breaches);
    RUN(models_read_back);
    RUN(ops_have_one_order);
    RUN(a_status_reads_back);
    RUN(cut_and_flipped);
    return test_end();
}
