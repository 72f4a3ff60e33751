/* Requests, END and RECEIPT: their bytes, every breach, every cut and flip. */
#include "trust/message.h"
#include "tests/support/test.h"
#include "wire/cbor.h"

static em_bytes inputs[EM_MAX_INPUTS];

#define SALT_HEX "000102030405060708090a0b0c0d0e0f"
static const uint8_t salt[EM_SALT_LEN] = {0, 1, 2,  3,  4,  5,  6,  7,
                                          8, 9, 10, 11, 12, 13, 14, 15};

static em_request embed_of(const em_bytes *texts, size_t n)
{
    em_request q = {.op = EM_OP_EMBED,
                    .model = EM_STR("m"),
                    .n_inputs = n,
                    .input = texts,
                    .truncate = true};

    memcpy(q.salt, salt, sizeof q.salt);
    return q;
}

static void an_embed_request_reads_back(void)
{
    static const em_bytes texts[] = {EM_STR("hi"), EM_STR(""), EM_STR("\xC3\xA9")};
    uint8_t buf[256];
    em_request q = embed_of(texts, EM_COUNT(texts)), got;
    em_out o = EM_OUT(buf);

    em_message_put_request(&o, &q);
    CHECK_OK(em_write_end(&o));
    CHECK(em_same(em_write_view(&o), test_hex("a4626f7065656d6265646473616c7450" SALT_HEX
                                              "656d6f64656c616d66696e7075747383626869"
                                              "6062c3a9")));
    CHECK_OK(em_message_parse_request(em_write_view(&o), inputs, &got));
    CHECK(got.op == EM_OP_EMBED && got.truncate && got.n_inputs == 3);
    CHECK(em_same(EM_BYTES(got.salt), EM_BYTES(salt)) && em_same(got.model, q.model));
    for (size_t i = 0; i < 3; i++) CHECK(em_same(got.input[i], texts[i]));
    CHECK(got.parameters.len == 0);

    q.truncate = false;
    em_out p = EM_OUT(buf);
    em_message_put_request(&p, &q);
    CHECK_OK(em_message_parse_request(em_write_view(&p), inputs, &got));
    CHECK(!got.truncate);
    CHECK(em_same(got.parameters, test_hex("a1687472756e63617465f4")));
}

static void plain_requests_read_back(void)
{
    static const em_op ops[] = {EM_OP_MODELS, EM_OP_STATUS};
    uint8_t buf[64];

    for (size_t i = 0; i < EM_COUNT(ops); i++) {
        em_request q = {.op = ops[i]}, got;
        em_out o = EM_OUT(buf);
        em_message_put_request(&o, &q);
        CHECK_OK(em_write_end(&o));
        CHECK_OK(em_message_parse_request(em_write_view(&o), inputs, &got));
        CHECK(got.op == ops[i] && got.model.len == 0 && got.n_inputs == 0);
    }
}

static void classify_is_embed_by_another_name(void)
{
    static const em_bytes texts[] = {EM_STR("x")};
    uint8_t buf[256];
    em_request q = embed_of(texts, 1), got;
    em_out o = EM_OUT(buf);

    q.op = EM_OP_CLASSIFY;
    em_message_put_request(&o, &q);
    CHECK(em_same(em_write_view(&o),
                  test_hex("a4626f7068636c6173736966796473616c7450" SALT_HEX
                           "656d6f64656c616d66696e7075747381"
                           "6178")));
    CHECK_OK(em_message_parse_request(em_write_view(&o), inputs, &got));
    CHECK(got.op == EM_OP_CLASSIFY && got.truncate && got.query.len == 0);
    q.truncate = false;
    o = EM_OUT(buf);
    em_message_put_request(&o, &q);
    CHECK_OK(em_message_parse_request(em_write_view(&o), inputs, &got));
    CHECK(!got.truncate && em_same(got.parameters, test_hex("a1687472756e63617465f4")));
    q.query = EM_STR("why");
    o = EM_OUT(buf);
    em_message_put_request(&o, &q);
    CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);
}

static void rerank_has_a_query(void)
{
    static const em_bytes texts[] = {EM_STR("x"), EM_STR("")};
    uint8_t buf[256];
    em_request q = embed_of(texts, 2), got;
    em_out o = EM_OUT(buf);

    q.op = EM_OP_RERANK;
    em_message_put_request(&o, &q);
    CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);
    q.query = EM_STR("a\0b");
    o = EM_OUT(buf);
    em_message_put_request(&o, &q);
    CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);
    q.query = EM_STR("q");
    o = EM_OUT(buf);
    em_message_put_request(&o, &q);
    CHECK(em_same(em_write_view(&o),
                  test_hex("a5626f706672"
                           "6572616e6b6473616c7450" SALT_HEX
                           "656d6f64656c616d66696e70757473826178606a706172616d6574657273"
                           "a16571756572796171")));
    CHECK_OK(em_message_parse_request(em_write_view(&o), inputs, &got));
    CHECK(got.op == EM_OP_RERANK && got.truncate && em_same(got.query, q.query));
    q.truncate = false;
    o = EM_OUT(buf);
    em_message_put_request(&o, &q);
    CHECK_OK(em_message_parse_request(em_write_view(&o), inputs, &got));
    CHECK(!got.truncate && em_same(got.query, q.query));
    CHECK(em_same(got.parameters, test_hex("a265717565727961"
                                           "71687472756e63617465f4")));
}

/* A query may be as long as a text, which is more than other parameters may. */
static void queries_are_bounded(void)
{
    static const em_bytes texts[] = {EM_STR("x")};
    size_t cap = EM_MAX_TEXT + 1024;
    uint8_t *text = test_alloc(EM_MAX_TEXT + 1), *buf = test_alloc(cap);
    em_request q = embed_of(texts, 1), got;

    memset(text, 'a', EM_MAX_TEXT + 1);
    q.op = EM_OP_RERANK;
    q.query = em_view(text, EM_MAX_TEXT);
    em_out o = em_out_over(buf, cap);
    em_message_put_request(&o, &q);
    CHECK_OK(em_message_parse_request(em_write_view(&o), inputs, &got));
    CHECK(got.query.len == EM_MAX_TEXT);
    q.query.len++;
    o = em_out_over(buf, cap);
    em_message_put_request(&o, &q);
    CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);
    /* by hand */
    for (int embed = 0; embed < 2; embed++) {
        o = em_out_over(buf, cap);
        em_cbor_put_map(&o, 5);
        em_cbor_put_str(&o, "op");
        em_cbor_put_str(&o, embed ? "embed" : "rerank");
        em_cbor_put_str(&o, "salt");
        em_cbor_put_bytes(&o, EM_BYTES(salt));
        em_cbor_put_str(&o, "model");
        em_cbor_put_str(&o, "m");
        em_cbor_put_str(&o, "inputs");
        em_cbor_put_array(&o, 1);
        em_cbor_put_str(&o, "x");
        em_cbor_put_str(&o, "parameters");
        em_cbor_put_map(&o, 1);
        em_cbor_put_str(&o, "query");
        em_cbor_put_text(&o, em_view(text, embed ? EM_MAX_PARAMETERS : EM_MAX_TEXT + 1));
        CHECK_OK(em_write_end(&o));
        CHECK_ERR(em_message_parse_request(em_write_view(&o), inputs, &got),
                  EM_ERR_LIMIT);
    }
}

static void rerank_breaches(void)
{
#define RERANK                                                                           \
    "a5626f706672"                                                                       \
    "6572616e6b6473616c7450" SALT_HEX "656d6f64656c616d66696e7075747381606a706172616d65" \
    "74657273"
    static const struct {
        const char *hex;
        em_err want;
    } rows[] = {
        {RERANK "a16571756572796171", EM_OK},
        {RERANK "a26571756572796171687472756e63617465f5", EM_OK},
        /* no query, an empty one, bytes, with a NUL, not UTF-8 */
        {"a4626f7066"
         "72"
         "6572616e6b6473616c7450" SALT_HEX "656d6f64656c616d66696e707574738160",
         EM_ERR_REQUEST_MALFORMED},
        {RERANK "a0", EM_ERR_REQUEST_MALFORMED},
        {RERANK "a1687472756e63617465f5", EM_ERR_REQUEST_MALFORMED},
        {RERANK "a165717565727960", EM_ERR_REQUEST_MALFORMED},
        {RERANK "a16571756572794171", EM_ERR_REQUEST_MALFORMED},
        {RERANK "a16571756572796100", EM_ERR_REQUEST_MALFORMED},
        {RERANK "a165717565727961ff", EM_ERR_REQUEST_MALFORMED},
        /* another order, another type, one member more */
        {RERANK "a2687472756e63617465f56571756572796171", EM_ERR_REQUEST_MALFORMED},
        {RERANK "a26571756572796171687472756e6361746501", EM_ERR_REQUEST_MALFORMED},
        {RERANK "a36571756572796171687472756e63617465f5697472756e6361746564f5",
         EM_ERR_REQUEST_MALFORMED},
        {RERANK "a26571756572796171697472756e6361746564f5", EM_ERR_REQUEST_MALFORMED},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        em_request got;

        test_note("row %zu", i);
        CHECK_ERR(em_message_parse_request(test_hex(rows[i].hex), inputs, &got),
                  rows[i].want);
    }
}

static void ops_of_later_versions_are_grammar(void)
{
    em_request got = {0};

    /* with parameters of its own */
    CHECK_OK(em_message_parse_request(
        test_hex(
            "a5626f706867656e65726174656473616c7450" SALT_HEX
            "656d6f64656c616d66696e707574738161786a706172616d6574657273a261731864666d"
            "61784f7574820141ff"),
        inputs, &got));
    CHECK(got.op == EM_OP_GENERATE && got.n_inputs == 1 && got.query.len == 0);
}

static void request_breaches(void)
{
#define OP_SALT "626f7065656d6265646473616c7450" SALT_HEX
#define MODEL "656d6f64656c616d"
    static const struct {
        const char *hex;
        em_err want;
    } rows[] = {
        {"a4" OP_SALT MODEL "66696e707574738160", EM_OK},
        {"", EM_ERR_REQUEST_MALFORMED},
        {"a0", EM_ERR_REQUEST_MALFORMED},
        {"a3" OP_SALT MODEL, EM_ERR_REQUEST_MALFORMED},
        {"a3" OP_SALT "66696e707574738160", EM_ERR_REQUEST_MALFORMED},
        {"a2" OP_SALT, EM_ERR_REQUEST_MALFORMED},
        /* no input; one that is bytes, a number; not UTF-8; with a NUL */
        {"a4" OP_SALT MODEL "66696e7075747380", EM_ERR_REQUEST_MALFORMED},
        {"a4" OP_SALT MODEL "66696e707574738140", EM_ERR_REQUEST_MALFORMED},
        {"a4" OP_SALT MODEL "66696e707574738101", EM_ERR_REQUEST_MALFORMED},
        {"a4" OP_SALT MODEL "66696e707574738161ff", EM_ERR_REQUEST_MALFORMED},
        {"a4" OP_SALT MODEL "66696e70757473816100", EM_ERR_REQUEST_MALFORMED},
        {"a4" OP_SALT MODEL "66696e707574736178", EM_ERR_REQUEST_MALFORMED},
        /* an empty model; an unknown op; models with inputs; a short salt */
        {"a4" OP_SALT "656d6f64656c6066696e707574738160", EM_ERR_REQUEST_MALFORMED},
        {"a4626f7065656d6265656473616c7450" SALT_HEX MODEL "66696e707574738160",
         EM_ERR_REQUEST_MALFORMED},
        {"a4626f70666d6f64656c736473616c7450" SALT_HEX MODEL "66696e707574738160",
         EM_ERR_REQUEST_MALFORMED},
        {"a2626f70666d6f64656c736473616c744f000102030405060708090a0b0c0d0e",
         EM_ERR_REQUEST_MALFORMED},
        {"a1626f70666d6f64656c73", EM_ERR_REQUEST_MALFORMED},
        /* parameters: none in a map, unknown, not a map, of the wrong type, one more */
        {"a5" OP_SALT MODEL "66696e7075747381606a706172616d6574657273a0",
         EM_ERR_REQUEST_MALFORMED},
        {"a5" OP_SALT MODEL
         "66696e7075747381606a706172616d6574657273a1687472756e63617465f5",
         EM_OK},
        {"a5" OP_SALT MODEL
         "66696e7075747381606a706172616d6574657273a1687472756e63617465f6",
         EM_ERR_REQUEST_MALFORMED},
        {"a5" OP_SALT MODEL
         "66696e7075747381606a706172616d6574657273a1687472756e63617464f5",
         EM_ERR_REQUEST_MALFORMED},
        {"a5" OP_SALT MODEL "66696e7075747381606a706172616d657465727381f5",
         EM_ERR_REQUEST_MALFORMED},
        {"a5" OP_SALT MODEL "66696e7075747381606a706172616d6574657273a2687472756e63617465"
         "f5697472756e6361746564f5",
         EM_ERR_REQUEST_MALFORMED},
        /* another key, bytes behind, a float */
        {"a5" OP_SALT MODEL
         "66696e7075747381606a706172616d6574657274a1687472756e63617465f5",
         EM_ERR_REQUEST_MALFORMED},
        {"a4" OP_SALT MODEL "66696e70757473816000", EM_ERR_REQUEST_MALFORMED},
        {"a4" OP_SALT MODEL "66696e7075747381f93c00", EM_ERR_REQUEST_MALFORMED},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        em_request got;

        test_note("row %zu", i);
        CHECK_ERR(em_message_parse_request(test_hex(rows[i].hex), inputs, &got),
                  rows[i].want);
    }
}

static void request_limits(void)
{
    size_t cap = EM_MAX_REQUEST + 1024;
    uint8_t *buf = test_alloc(cap), *text = test_alloc(EM_MAX_TEXT + 1);
    static em_bytes many[EM_MAX_INPUTS + 1];
    em_request q, got;

    memset(text, 'a', EM_MAX_TEXT + 1);
    for (size_t i = 0; i < EM_COUNT(many); i++) many[i] = EM_STR("x");
    q = embed_of(many, EM_MAX_INPUTS);
    em_out o = em_out_over(buf, cap);
    em_message_put_request(&o, &q);
    CHECK_OK(em_message_parse_request(em_write_view(&o), inputs, &got));
    CHECK(got.n_inputs == EM_MAX_INPUTS);

    q.n_inputs++;
    o = em_out_over(buf, cap);
    em_message_put_request(&o, &q);
    CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);
    /* by hand: a list of 1025 */
    o = em_out_over(buf, cap);
    em_cbor_put_map(&o, 4);
    em_cbor_put_str(&o, "op");
    em_cbor_put_str(&o, "embed");
    em_cbor_put_str(&o, "salt");
    em_cbor_put_bytes(&o, EM_BYTES(salt));
    em_cbor_put_str(&o, "model");
    em_cbor_put_str(&o, "m");
    em_cbor_put_str(&o, "inputs");
    em_cbor_put_array(&o, EM_MAX_INPUTS + 1);
    for (size_t i = 0; i <= EM_MAX_INPUTS; i++) em_cbor_put_str(&o, "x");
    CHECK_ERR(em_message_parse_request(em_write_view(&o), inputs, &got), EM_ERR_LIMIT);

    em_bytes one = em_view(text, EM_MAX_TEXT);
    q = embed_of(&one, 1);
    o = em_out_over(buf, cap);
    em_message_put_request(&o, &q);
    CHECK_OK(em_message_parse_request(em_write_view(&o), inputs, &got));
    one.len++;
    o = em_out_over(buf, cap);
    em_message_put_request(&o, &q);
    CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);

    /* nine texts of the largest size are more than a request */
    em_bytes nine[9];
    for (size_t i = 0; i < 9; i++) nine[i] = em_view(text, EM_MAX_TEXT);
    q = embed_of(nine, 9);
    uint8_t *large = test_alloc(9 * (EM_MAX_TEXT + 16) + 64);
    o = em_out_over(large, 9 * (EM_MAX_TEXT + 16) + 64);
    em_message_put_request(&o, &q);
    CHECK_OK(em_write_end(&o));
    CHECK_ERR(em_message_parse_request(em_write_view(&o), inputs, &got), EM_ERR_LIMIT);
}

static em_end sample_end(void)
{
    em_end end = {.status = EM_STATUS_STOP, .input = 12, .output = 300};

    memcpy(end.salt, salt, sizeof end.salt);
    return end;
}

static void an_end_reads_back(void)
{
    uint8_t buf[256], parameters[EM_MESSAGE_USED];
    em_out p = EM_OUT(parameters), o = EM_OUT(buf);
    em_end end = sample_end(), got;

    em_message_put_used(&p, &(em_used){.truncate = true, .max_tokens = 256});
    end.parameters = em_write_view(&p);
    em_message_put_end(&o, &end);
    CHECK_OK(em_write_end(&o));
    CHECK(em_same(em_write_view(&o),
                  test_hex("a564636f6465006473616c7450" SALT_HEX
                           "657573616765a265696e7075740c666f757470757419012c"
                           "667374617475736473746f706a706172616d6574657273"
                           "a2687472756e63617465f56a6d61785f746f6b656e73190100")));
    CHECK_OK(em_message_parse_end(em_write_view(&o), &got));
    CHECK(got.status == EM_STATUS_STOP && got.code == 0 && got.input == 12);
    CHECK(got.output == 300 && em_same(got.parameters, end.parameters));

    end.parameters = (em_bytes){0};
    o = EM_OUT(buf);
    em_message_put_end(&o, &end);
    CHECK_OK(em_message_parse_end(em_write_view(&o), &got));
    CHECK(em_same(got.parameters, EM_STR("\xA0")));
}

static void used_parameters_read_back(void)
{
    static const char *const bad[] = {
        "",
        "a0",
        "a1687472756e63617465f5",
        "a2687472756e63617465f56a6d61785f746f6b656e7300",
        "a2687472756e63617465f56a6d61785f746f6b656e731b0000000100000000",
        "a2687472756e63617465f56a6d61785f746f6b656e730100",
        "a2687472756e63617465016a6d61785f746f6b656e7301",
        "a26a6d61785f746f6b656e7301687472756e63617465f5",
    };
    static const uint32_t most[] = {1, 23, 256, UINT32_MAX};
    em_used got;

    for (size_t i = 0; i < EM_COUNT(most); i++) {
        uint8_t buf[EM_MESSAGE_USED];
        em_out o = EM_OUT(buf);
        const em_used used = {.truncate = i % 2 == 0, .max_tokens = most[i]};
        em_message_put_used(&o, &used);
        CHECK_OK(em_write_end(&o));
        CHECK_OK(em_message_parse_used(em_write_view(&o), &got));
        CHECK(got.truncate == used.truncate && got.max_tokens == most[i]);
    }
    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("row %zu", i);
        CHECK_ERR(em_message_parse_used(test_hex(bad[i]), &got), EM_ERR_ANSWER_MALFORMED);
    }
}

static void status_and_code_agree(void)
{
    for (int status = 0; status <= EM_STATUS_COUNT_; status++) {
        for (unsigned code = 0; code < 26; code++) {
            uint8_t buf[256];
            em_out o = EM_OUT(buf);
            em_end end = sample_end(), got;
            bool done = status == EM_STATUS_STOP || status == EM_STATUS_LENGTH;
            bool known = status > 0 && status < EM_STATUS_COUNT_;

            test_note("status %d, code %u", status, code);
            end.status = (em_status)status;
            end.code = code;
            em_message_put_end(&o, &end);
            bool good = known && (done ? code == 0 : code > 0 && code <= 23);
            CHECK_ERR(em_write_end(&o), good ? EM_OK : EM_ERR_ARGUMENT);
            if (good) CHECK_OK(em_message_parse_end(em_write_view(&o), &got));
        }
    }
    em_end got;
    CHECK_ERR(
        em_message_parse_end(test_hex("a564636f6465016473616c7450" SALT_HEX
                                      "657573616765a265696e70757400666f757470757400"
                                      "667374617475736473746f706a706172616d6574657273a0"),
                             &got),
        EM_ERR_ANSWER_MALFORMED);
}

static void every_error_ends_somehow(void)
{
    for (int e = 0; e < EM_ERR_COUNT_; e++) {
        uint8_t buf[256];
        em_out o = EM_OUT(buf);
        em_end end = sample_end(), got;

        test_note("%s", em_err_name((em_err)e));
        end.status = em_message_status_of((em_err)e, &end.code);
        em_message_put_end(&o, &end);
        CHECK_OK(em_write_end(&o));
        CHECK_OK(em_message_parse_end(em_write_view(&o), &got));
        CHECK((got.status == EM_STATUS_STOP) == (e == 0));
    }
    unsigned code;
    CHECK(em_message_status_of(EM_ERR_UNSUPPORTED, &code) == EM_STATUS_ERROR &&
          code == EM_FACE_UNSUPPORTED);
    CHECK(em_message_status_of(EM_ERR_BUSY, &code) == EM_STATUS_BUSY);
    CHECK(em_message_status_of(EM_ERR_CANCELLED, &code) == EM_STATUS_CANCELLED);
    CHECK(em_message_status_of(EM_ERR_AUTH_FAILED, &code) == EM_STATUS_REFUSED);
}

static void parameters_are_bounded(void)
{
    uint8_t map[2048], buf[4096];
    em_out m = EM_OUT(map);
    em_end end = sample_end(), got;

    em_cbor_put_map(&m, 17);
    for (unsigned i = 0; i < 17; i++) {
        char key[2] = {(char)('a' + i), 0};
        em_cbor_put_str(&m, key);
        em_cbor_put_uint(&m, 1);
    }
    end.parameters = em_write_view(&m);
    em_out o = EM_OUT(buf);
    em_message_put_end(&o, &end);
    CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);

    m = EM_OUT(map);
    em_cbor_put_map(&m, 1);
    em_cbor_put_str(&m, "a");
    em_cbor_put_bytes_head(&m, EM_MAX_PARAMETERS);
    em_write_zeros(&m, EM_MAX_PARAMETERS);
    end.parameters = em_write_view(&m);
    o = EM_OUT(buf);
    em_message_put_end(&o, &end);
    CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);

    /* keys that are no text */
    end.parameters = EM_STR("\xA1\x01\x01");
    o = EM_OUT(buf);
    em_message_put_end(&o, &end);
    CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);
    (void)got;
}

static void receipts_read_back(void)
{
    uint8_t buf[64];
    em_out o = EM_OUT(buf);
    em_receipt_body r = {.receipt = EM_STR("abc")}, got;

    em_message_put_receipt(&o, &r);
    CHECK(em_same(em_write_view(&o), test_hex("a1677265636569707443616263")));
    CHECK_OK(em_message_parse_receipt(em_write_view(&o), &got));
    CHECK(em_same(got.receipt, r.receipt) && got.companion.len == 0);
    r.companion = EM_STR("d");
    o = EM_OUT(buf);
    em_message_put_receipt(&o, &r);
    CHECK_OK(em_message_parse_receipt(em_write_view(&o), &got));
    CHECK(em_same(got.receipt, r.receipt) && em_same(got.companion, r.companion));

    static const char *const bad[] = {"",
                                      "a0",
                                      "a1677265636569707440",
                                      "a2677265636569707441aa69636f6d70616e696f6e40",
                                      "a2677265636569707441aa69636f6d70616e696f6ff6",
                                      "a16772656365697074617a"};
    for (size_t i = 0; i < EM_COUNT(bad); i++)
        CHECK_ERR(em_message_parse_receipt(test_hex(bad[i]), &got),
                  EM_ERR_ANSWER_MALFORMED);
    r.receipt = (em_bytes){0};
    o = EM_OUT(buf);
    em_message_put_receipt(&o, &r);
    CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);
}

static void names(void)
{
    CHECK(strcmp(em_message_op_name(EM_OP_EMBED), "embed") == 0);
    CHECK(strcmp(em_message_op_name(EM_OP_STATUS), "status") == 0);
    CHECK(em_message_op_name((em_op)0) == NULL &&
          em_message_op_name(EM_OP_COUNT_) == NULL);
    CHECK(strcmp(em_message_status_name(EM_STATUS_ERROR), "error") == 0);
    CHECK(em_message_status_name((em_status)0) == NULL);
    CHECK(em_message_status_name(EM_STATUS_COUNT_) == NULL);
}

static bool takes_request(em_bytes in, void *arg)
{
    em_request q;
    (void)arg;
    return em_message_parse_request(in, inputs, &q) == EM_OK;
}

static bool takes_end(em_bytes in, void *arg)
{
    em_end end;
    (void)arg;
    return em_message_parse_end(in, &end) == EM_OK;
}

static bool takes_receipt(em_bytes in, void *arg)
{
    em_receipt_body r;
    (void)arg;
    return em_message_parse_receipt(in, &r) == EM_OK;
}

static void cut_and_flipped(void)
{
    static const em_bytes texts[] = {EM_STR("hello"), EM_STR("world")};
    uint8_t a[256], b[256], c[256];
    em_out o = EM_OUT(a), p = EM_OUT(b), q = EM_OUT(c);
    em_request request = embed_of(texts, 2);
    em_end end = sample_end();
    em_receipt_body r = {.receipt = EM_STR("abcdef"), .companion = EM_STR("gh")};

    request.truncate = false;
    em_message_put_request(&o, &request);
    em_message_put_end(&p, &end);
    em_message_put_receipt(&q, &r);

    /* flips are legal in salts, texts, counts and opaque bytes only */
    test_abuse_result got = test_abuse(em_write_view(&o), takes_request, NULL);
    CHECK(got.cuts_accepted == 0 && got.flips_accepted <= 16 + 1 + 10 + 1);
    got = test_abuse(em_write_view(&p), takes_end, NULL);
    CHECK(got.cuts_accepted == 0 && got.flips_accepted <= 16 + 3);
    got = test_abuse(em_write_view(&q), takes_receipt, NULL);
    CHECK(got.cuts_accepted == 0 && got.flips_accepted <= 8);
}

int main(void)
{
    RUN(an_embed_request_reads_back);
    RUN(plain_requests_read_back);
    RUN(classify_is_embed_by_another_name);
    RUN(rerank_has_a_query);
    RUN(queries_are_bounded);
    RUN(rerank_breaches);
    RUN(ops_of_later_versions_are_grammar);
    RUN(request_breaches);
    RUN(request_limits);
    RUN(an_end_reads_back);
    RUN(used_parameters_read_back);
    RUN(status_and_code_agree);
    RUN(every_error_ends_somehow);
    RUN(parameters_are_bounded);
    RUN(receipts_read_back);
    RUN(names);
    RUN(cut_and_flipped);
    return test_end();
}
