/* Strict JSON: each breach by name, the readers, and jansson as an oracle. */
#include "wire/json.h"
#include "tests/support/test.h"

#include <jansson.h>

enum { CAP = 512 };
static em_json_token tokens[CAP];

static em_err parse_text(em_bytes text, em_json *ret_json)
{
    return em_json_parse(text, tokens, CAP, ret_json);
}

static em_bytes of(const char *text)
{
    return em_view(text, strlen(text));
}

static void every_breach_has_its_name(void)
{
    static const struct {
        const char *text;
        em_err want;
    } table[] = {
        {"", EM_ERR_JSON_SYNTAX},
        {" ", EM_ERR_JSON_SYNTAX},
        {"{", EM_ERR_JSON_SYNTAX},
        {"[", EM_ERR_JSON_SYNTAX},
        {"]", EM_ERR_JSON_SYNTAX},
        {"[1", EM_ERR_JSON_SYNTAX},
        {"[1,", EM_ERR_JSON_SYNTAX},
        {"[1,]", EM_ERR_JSON_SYNTAX},
        {"[,1]", EM_ERR_JSON_SYNTAX},
        {"[1 2]", EM_ERR_JSON_SYNTAX},
        {"[1}", EM_ERR_JSON_SYNTAX},
        {"{\"a\":1]", EM_ERR_JSON_SYNTAX},
        {"{\"a\":1,}", EM_ERR_JSON_SYNTAX},
        {"{\"a\" 1}", EM_ERR_JSON_SYNTAX},
        {"{\"a\":}", EM_ERR_JSON_SYNTAX},
        {"{\"a\"}", EM_ERR_JSON_SYNTAX},
        {"{a:1}", EM_ERR_JSON_SYNTAX},
        {"{1:1}", EM_ERR_JSON_SYNTAX},
        {"{'a':1}", EM_ERR_JSON_SYNTAX},
        {"1 1", EM_ERR_JSON_SYNTAX},
        {"{}{}", EM_ERR_JSON_SYNTAX},
        {"// c\n1", EM_ERR_JSON_SYNTAX},
        {"01", EM_ERR_JSON_SYNTAX},
        {"-", EM_ERR_JSON_SYNTAX},
        {"+1", EM_ERR_JSON_SYNTAX},
        {".5", EM_ERR_JSON_SYNTAX},
        {"1.", EM_ERR_JSON_SYNTAX},
        {"1e", EM_ERR_JSON_SYNTAX},
        {"1e+", EM_ERR_JSON_SYNTAX},
        {"0x1", EM_ERR_JSON_SYNTAX},
        {"NaN", EM_ERR_JSON_SYNTAX},
        {"tru", EM_ERR_JSON_SYNTAX},
        {"True", EM_ERR_JSON_SYNTAX},
        {"nulll", EM_ERR_JSON_SYNTAX},
        {"\"", EM_ERR_JSON_SYNTAX},
        {"\"a", EM_ERR_JSON_SYNTAX},
        {"\"\\", EM_ERR_JSON_SYNTAX},
        {"\"\\\"", EM_ERR_JSON_SYNTAX},
        {"\"\\x\"", EM_ERR_JSON_SYNTAX},
        {"\"\\u12\"", EM_ERR_JSON_SYNTAX},
        {"\"\\u12g4\"", EM_ERR_JSON_SYNTAX},
        {"\"\t\"", EM_ERR_JSON_SYNTAX},
        {"\"\n\"", EM_ERR_JSON_SYNTAX},
        {"\xEF\xBB\xBF{}", EM_ERR_JSON_SYNTAX}, /* a byte order mark */
        {"\f1", EM_ERR_JSON_SYNTAX},
        {"\"\\u0000\"", EM_ERR_JSON_NUL},
        {"{\"\\u0000\":1}", EM_ERR_JSON_NUL},
        {"\"\\ud800\"", EM_ERR_JSON_NOT_UTF8},
        {"\"\\ud800x\"", EM_ERR_JSON_NOT_UTF8},
        {"\"\\ud800\\n\"", EM_ERR_JSON_NOT_UTF8},
        {"\"\\ud800\\u0041\"", EM_ERR_JSON_NOT_UTF8},
        {"\"\\ud800\\ud800\"", EM_ERR_JSON_NOT_UTF8},
        {"\"\\udc00\\ud800\"", EM_ERR_JSON_NOT_UTF8},
        {"\"\xFF\"", EM_ERR_JSON_NOT_UTF8},
        {"\"\xC0\x80\"", EM_ERR_JSON_NOT_UTF8},
        {"\"\xED\xA0\x80\"", EM_ERR_JSON_NOT_UTF8},
        {"{\"a\":1,\"a\":1}", EM_ERR_JSON_DUPLICATE},
        {"{\"a\":1,\"b\":{\"a\":2},\"\\u0061\":1}", EM_ERR_JSON_DUPLICATE},
        {"[{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":1}]", EM_ERR_JSON_DUPLICATE},
        {"{\"\":1,\"\":2}", EM_ERR_JSON_DUPLICATE},
    };
    for (size_t i = 0; i < EM_COUNT(table); i++) {
        em_json json;
        test_note("%s", table[i].text);
        CHECK_ERR(parse_text(of(table[i].text), &json), table[i].want);
    }
    em_json json;
    CHECK_ERR(parse_text(EM_STR("\"\0\""), &json), EM_ERR_JSON_SYNTAX);
}

static void limits(void)
{
    char deep[2 * EM_MAX_JSON_DEPTH + 3];
    em_json json;

    for (int extra = 0; extra < 2; extra++) {
        int n = EM_MAX_JSON_DEPTH + extra;
        memset(deep, '[', (size_t)n);
        memset(deep + n, ']', (size_t)n);
        CHECK_ERR(parse_text(em_view(deep, 2 * (size_t)n), &json),
                  extra ? EM_ERR_JSON_DEPTH : EM_OK);
    }
    CHECK_OK(em_json_parse(of("[1,2]"), tokens, 3, &json));
    CHECK(json.n == 3);
    CHECK_ERR(em_json_parse(of("[1,2]"), tokens, 2, &json), EM_ERR_LIMIT);
    CHECK_ERR(em_json_parse(of("1"), tokens, 0, &json), EM_ERR_LIMIT);
    uint8_t *big = test_alloc(EM_MAX_JSON_BYTES + 1);
    memset(big, ' ', EM_MAX_JSON_BYTES + 1);
    big[5] = '7';
    CHECK_OK(parse_text(em_view(big, EM_MAX_JSON_BYTES), &json));
    CHECK_ERR(parse_text(em_view(big, EM_MAX_JSON_BYTES + 1), &json), EM_ERR_LIMIT);
}

static void readers(void)
{
    em_json json;
    em_json_value v, key;
    uint8_t buf[32];
    em_bytes text;
    uint64_t number = 5;
    bool truth = false;

    CHECK_OK(parse_text(of(" { \"a\" : [ 1 , { } , \"x\\\"\\\\\\/\\b\\f\\n\\r\\t\" ] ,"
                           "\"\\u00e9\":18446744073709551615,\"t\":true,\"z\":null,"
                           "\"p\":\"\\ud83d\\ude00\\u20AC\" } "),
                        &json));
    em_json_value root = em_json_root(&json);
    CHECK(em_json_kind_of(root) == EM_JSON_OBJECT && em_json_count(root) == 5);
    CHECK(em_json_member(root, "a", &v) && em_json_kind_of(v) == EM_JSON_ARRAY);
    CHECK(em_json_count(v) == 3);
    CHECK(em_json_kind_of(em_json_at(v, 1, NULL)) == EM_JSON_OBJECT);
    CHECK_OK(em_json_text(em_json_at(v, 2, NULL), buf, sizeof buf, &text));
    CHECK(em_same(text, EM_STR("x\"\\/\b\f\n\r\t")));
    CHECK_ERR(em_json_text(em_json_at(v, 2, NULL), buf, 8, &text), EM_ERR_LIMIT);
    CHECK_OK(em_json_text(em_json_at(v, 2, NULL), buf, 9, &text));
    CHECK_ERR(em_json_text(em_json_at(v, 0, NULL), buf, 9, &text), EM_ERR_JSON_TYPE);
    CHECK(em_json_member(root, "\xC3\xA9", &v));
    CHECK_OK(em_json_uint(v, UINT64_MAX, &number));
    CHECK(number == UINT64_MAX);
    CHECK_ERR(em_json_uint(v, UINT64_MAX - 1, &number), EM_ERR_JSON_NUMBER);
    CHECK_ERR(em_json_bool(v, &truth), EM_ERR_JSON_TYPE);
    v = em_json_at(root, 2, &key);
    CHECK_OK(em_json_bool(v, &truth));
    CHECK(truth);
    CHECK_OK(em_json_text(key, buf, sizeof buf, &text));
    CHECK(em_same(text, EM_STR("t")));
    CHECK_OK(em_json_want(root, "p", &v));
    CHECK_OK(em_json_text(v, buf, sizeof buf, &text));
    CHECK(em_same(text, EM_STR("\xF0\x9F\x98\x80\xE2\x82\xAC")));
    CHECK_ERR(em_json_want(root, "q", &v), EM_ERR_JSON_MEMBER);
    CHECK(!em_json_member(root, "", &v) && !em_json_member(v, "p", &v));

    static const char *const names[] = {"a", "\xC3\xA9", "p", "t", "z"};
    CHECK_OK(em_json_only(root, names, 5));
    CHECK_ERR(em_json_only(root, names, 4), EM_ERR_JSON_MEMBER);
    CHECK_ERR(em_json_only(v, names, 5), EM_ERR_JSON_TYPE);
}

static void only_integers_are_numbers(void)
{
    static const char *bad[] = {
        "-1", "-0", "1.0", "1e3", "18446744073709551616", "99999999999999999999999"};
    em_json json;
    uint64_t got = 3;

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        CHECK_OK(parse_text(of(bad[i]), &json));
        CHECK_ERR(em_json_uint(em_json_root(&json), UINT64_MAX, &got),
                  EM_ERR_JSON_NUMBER);
    }
    CHECK(got == 3);
}

static void written_texts_read_back(void)
{
    uint8_t all[127], buf[1024];
    em_out o = EM_OUT(buf);
    em_json json;
    em_bytes text = {0};

    for (size_t i = 0; i < sizeof all; i++) all[i] = (uint8_t)(i + 1);
    em_json_put_text(&o, EM_BYTES(all));
    CHECK_OK(em_write_end(&o));
    CHECK_OK(parse_text(em_write_view(&o), &json));
    uint8_t back[127];
    CHECK_OK(em_json_text(em_json_root(&json), back, sizeof back, &text));
    CHECK(em_same(text, EM_BYTES(all)));
    json_t *theirs = json_loadb((const char *)buf, o.len, JSON_DECODE_ANY, NULL);
    CHECK(theirs != NULL && json_string_length(theirs) == sizeof all);
    json_decref(theirs);
    o = EM_OUT(buf);
    em_json_put_text(&o, EM_STR("\xFF"));
    CHECK_ERR(em_write_end(&o), EM_ERR_JSON_NOT_UTF8);
}

/* jansson, with its own limits set aside: numbers that it cannot hold. */
static bool agrees(em_bytes text)
{
    em_json json;
    json_error_t error;
    bool ours = parse_text(text, &json) == EM_OK;
    json_t *theirs = json_loadb((const char *)text.at, text.len,
                                JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    bool is_overflow =
        theirs == NULL && json_error_code(&error) == json_error_numeric_overflow;
    bool same = ours == (theirs != NULL) || is_overflow;

    json_decref(theirs);
    return same;
}

static bool parse(em_bytes input, void *arg)
{
    em_json json;

    (void)arg;
    if (!agrees(input)) test_fail(__FILE__, __LINE__, "jansson judges otherwise");
    return parse_text(input, &json) == EM_OK;
}

static void cuts_and_flips_agree_with_jansson(void)
{
    em_bytes good = of("{\"KeyId\":\"arn:aws\",\"n\":[1,-2.5e+3,true,false,null,{}],"
                       "\"\\u0041\\ud83d\\ude00\":{\"\xC3\xA9\":[[]],\"e\":\"\\n\"}}");

    test_abuse_result r = test_abuse(good, parse, NULL);
    CHECK(r.cuts_accepted == 0 && r.flips_accepted < good.len);
}

static void random_texts_agree_with_jansson(void)
{
    static const char *pieces[] = {
        "{",     "}",       "[",        "]",     ":",    ",",  "\"a\"",       "1",
        "-0",    "true",    "null",     " ",     "\"",   "\\", "\"\\u0061\"", "\"b\"",
        "1.5e3", "\\ud83d", "\xC3\xA9", "false", "\"\"", "0"};
    test_random random = {.state = 11};
    size_t good = 0;

    for (int round = 0; round < 200000; round++) {
        char text[128];
        size_t len = 0, n = 1 + (size_t)(test_random_next(&random) % 9);
        for (size_t i = 0; i < n; i++) {
            const char *piece = pieces[test_random_next(&random) % EM_COUNT(pieces)];
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
        em_json json;
        if (!agrees(em_view(text, len))) {
            test_note("%.*s", (int)len, text);
            test_fail(__FILE__, __LINE__, "jansson judges otherwise");
        }
        good += parse_text(em_view(text, len), &json) == EM_OK;
    }
    CHECK(good > 3000);
}

int main(void)
{
    RUN(every_breach_has_its_name);
    RUN(limits);
    RUN(readers);
    RUN(only_integers_are_numbers);
    RUN(written_texts_read_back);
    RUN(cuts_and_flips_agree_with_jansson);
    RUN(random_texts_agree_with_jansson);
    return test_end();
}
