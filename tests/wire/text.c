/* Hexadecimal, base64, PEM and times: what is written reads back, what is not exactly
 * that is refused. */
#include "wire/text.h"
#include "tests/support/test.h"

#include <time.h>

static em_bytes of(const char *text)
{
    return em_view(text, strlen(text));
}

static void hex(void)
{
    static const char *bad[] = {"0", "0G", "AB", "0 ", " 00", "00\n", "0x00", "-1"};
    uint8_t out[4];
    size_t len = 9;

    CHECK_OK(em_text_from_hex(of("00ff10ab"), out, 4, &len));
    CHECK(len == 4 && em_same(EM_BYTES(out), EM_STR("\x00\xff\x10\xab")));
    CHECK_OK(em_text_from_hex(of(""), out, 0, &len));
    CHECK(len == 0);
    for (size_t i = 0; i < EM_COUNT(bad); i++)
        CHECK_ERR(em_text_from_hex(of(bad[i]), out, 4, &len), EM_ERR_HEX);
    CHECK_ERR(em_text_from_hex(of("0000000000"), out, 4, &len), EM_ERR_FULL);
    CHECK(em_same(EM_BYTES(out), EM_STR("\x00\xff\x10\xab"))); /* untouched */
}

static void base64_examples(void)
{
    static const char *pairs[][2] = {{"", ""},
                                     {"f", "Zg=="},
                                     {"fo", "Zm8="},
                                     {"foo", "Zm9v"},
                                     {"foob", "Zm9vYg=="},
                                     {"fooba", "Zm9vYmE="},
                                     {"foobar", "Zm9vYmFy"},
                                     {"\xFB\xFF", "+/8="}};
    for (size_t i = 0; i < EM_COUNT(pairs); i++) {
        uint8_t buf[16], out[8];
        size_t len = 0;
        em_out o = EM_OUT(buf);
        em_text_put_base64(&o, of(pairs[i][0]));
        CHECK_OK(em_write_end(&o));
        CHECK(em_same(em_write_view(&o), of(pairs[i][1])));
        CHECK_OK(em_text_from_base64(of(pairs[i][1]), out, sizeof out, &len));
        CHECK(em_same(em_view(out, len), of(pairs[i][0])));
    }
}

static void base64_refuses_everything_else(void)
{
    static const char *bad[] = {
        "Z",    "Zg",       "Zg=",      "Zh==",  "Zm9=",   "=",       "====",
        "Z===", "Zg==Zg==", "Zm8=Zm8=", "Zg=a",  "Zm9v\n", " Zm9v",   "Zm9v Zm9v",
        "Zm-_", "Zg==\n",   "Zg== ",    "Zm9v=", "Zg===",  "Zm9v===="};
    uint8_t out[16] = {7};
    size_t len = 5;

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("%s", bad[i]);
        CHECK_ERR(em_text_from_base64(of(bad[i]), out, sizeof out, &len), EM_ERR_BASE64);
    }
    CHECK_ERR(em_text_from_base64(of("Zm9vYg=="), out, 3, &len), EM_ERR_FULL);
    CHECK(out[0] == 7 && len == 5);
}

/* Every text of four characters over a small alphabet: accepted iff writing what came
 * out gives it back. */
static void base64_is_one_to_one(void)
{
    static const char letters[] = "AQgw/+9z=a -\n";
    const size_t n = sizeof letters - 1;

    for (size_t i = 0; i < n * n * n * n; i++) {
        uint8_t text[4], out[3], again[4] = {0};
        size_t rest = i, len = 0;
        for (size_t k = 0; k < 4; k++, rest /= n) text[k] = (uint8_t)letters[rest % n];
        if (em_text_from_base64(EM_BYTES(text), out, sizeof out, &len) != EM_OK) continue;
        em_out o = EM_OUT(again);
        em_text_put_base64(&o, em_view(out, len));
        CHECK(memcmp(text, again, 4) == 0);
    }
}

static void pem(void)
{
    uint8_t der[100], buf[400], out[128];
    em_out o = EM_OUT(buf);
    size_t len = 0;
    em_bytes rest = {0};

    for (size_t i = 0; i < sizeof der; i++) der[i] = (uint8_t)(i * 7);
    em_text_put_pem(&o, "CERTIFICATE", EM_BYTES(der));
    CHECK_OK(em_write_end(&o));
    em_bytes text = em_write_view(&o);
    CHECK(memcmp(text.at, "-----BEGIN CERTIFICATE-----\n", 28) == 0);
    CHECK(text.at[28 + 64] == '\n');
    CHECK_OK(em_text_from_pem(text, "CERTIFICATE", out, sizeof out, &len, &rest));
    CHECK(em_same(em_view(out, len), EM_BYTES(der)) && rest.len == 0);
    CHECK_ERR(em_text_from_pem(text, "CERTIFICATE", out, 99, &len, &rest), EM_ERR_FULL);
    CHECK_ERR(em_text_from_pem(text, "CERTIFICATE ", out, 99, &len, &rest), EM_ERR_PEM);

    /* text in front, another label's block, CRLF, and what follows */
    em_bytes many = of("subject=x\n-----BEGIN A-----\nZm9v\n-----END A-----\n"
                       "-----BEGIN B-----\r\nZm9v\r\nYmE=\r\n-----END B-----\r\nrest\n"
                       "-----BEGIN B-----\nZg==\n-----END B-----");
    CHECK_OK(em_text_from_pem(many, "B", out, sizeof out, &len, &rest));
    CHECK(em_same(em_view(out, len), EM_STR("fooba")));
    CHECK_OK(em_text_from_pem(rest, "B", out, sizeof out, &len, &rest));
    CHECK(em_same(em_view(out, len), EM_STR("f")) && rest.len == 0);
    CHECK_ERR(em_text_from_pem(rest, "B", out, sizeof out, &len, NULL), EM_ERR_PEM);
}

static void pem_refuses_everything_else(void)
{
    static const char *bad[] = {
        "",
        "-----BEGIN B-----",
        "-----BEGIN B-----\n",
        "-----BEGIN B-----\nZm9v\n",
        "-----BEGIN B-----\n-----END B-----\n",         /* empty */
        "-----BEGIN B-----\nZm9v\n-----END A-----\n",   /* another's end */
        "-----BEGIN B-----\nZm9\n-----END B-----\n",    /* a group cut */
        "-----BEGIN B-----\nZm9v\n\n-----END B-----\n", /* an empty line */
        "-----BEGIN B-----\nZm 9v\n-----END B-----\n",
        "-----BEGIN B-----\nX: y\nZm9v\n-----END B-----\n", /* a header */
        "-----BEGIN B-----\nZg==\nZm9v\n-----END B-----\n", /* behind the padding */
        " -----BEGIN B-----\nZm9v\n-----END B-----\n",
        "-----BEGIN B----- \nZm9v\n-----END B-----\n",
    };
    uint8_t out[16];
    size_t len = 3;

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("%s", bad[i]);
        CHECK_ERR(em_text_from_pem(of(bad[i]), "B", out, sizeof out, &len, NULL),
                  EM_ERR_PEM);
    }
    CHECK(len == 3);
}

static void times_agree_with_the_c_library(void)
{
    test_random random = {.state = 3};

    for (int i = 0; i < 20000; i++) {
        uint64_t s = test_random_next(&random) % 253402300800u; /* year 10000 */
        char want[40];
        uint8_t buf[40];
        em_out o = EM_OUT(buf);
        uint64_t back = 0;
        time_t t = (time_t)s;
        struct tm tm;
        strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &tm));
        em_text_put_time(&o, s * 1000);
        CHECK(em_same(em_write_view(&o), of(want)));
        CHECK_OK(em_text_from_time(of(want), &back));
        CHECK(back == s * 1000);
    }
}

static void time_fractions_and_edges(void)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {{"1970-01-01T00:00:00Z", 0},
                {"1970-01-01T00:00:00.5Z", 500},
                {"1970-01-01T00:00:00.001999999Z", 1},
                {"2000-02-29T00:00:00Z", 951782400000},
                {"9999-12-31T23:59:59.999Z", 253402300799999}};
    static const struct {
        const char *text;
        em_err want;
    } bad[] = {{"", EM_ERR_FORMAT},
               {"2026-11-22", EM_ERR_FORMAT},
               {"2026-11-22T10:20:30", EM_ERR_FORMAT},
               {"2026-11-22T10:20:30z", EM_ERR_FORMAT},
               {"2026-11-22 10:20:30Z", EM_ERR_FORMAT},
               {"2026-11-22T10:20:30+00:00", EM_ERR_FORMAT},
               {"2026-11-22T10:20:30.Z", EM_ERR_FORMAT},
               {"2026-11-22T10:20:30.1234567890Z", EM_ERR_FORMAT},
               {"2026-11-22T10:20:30.5", EM_ERR_FORMAT},
               {"2026-11-22T10:20:30Z ", EM_ERR_FORMAT},
               {"2026-1-22T10:20:30Z", EM_ERR_FORMAT},
               {"+026-11-22T10:20:30Z", EM_ERR_FORMAT},
               {"1969-12-31T23:59:59Z", EM_ERR_RANGE},
               {"2026-00-22T10:20:30Z", EM_ERR_RANGE},
               {"2026-13-22T10:20:30Z", EM_ERR_RANGE},
               {"2026-11-00T10:20:30Z", EM_ERR_RANGE},
               {"2026-11-31T10:20:30Z", EM_ERR_RANGE},
               {"2026-02-29T10:20:30Z", EM_ERR_RANGE},
               {"2100-02-29T10:20:30Z", EM_ERR_RANGE},
               {"2026-11-22T24:00:00Z", EM_ERR_RANGE},
               {"2026-11-22T10:60:00Z", EM_ERR_RANGE},
               {"2026-11-22T10:20:60Z", EM_ERR_RANGE}};
    uint64_t ms = 77;
    uint8_t buf[40];

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("%s", bad[i].text);
        CHECK_ERR(em_text_from_time(of(bad[i].text), &ms), bad[i].want);
    }
    CHECK(ms == 77);
    for (size_t i = 0; i < EM_COUNT(good); i++) {
        CHECK_OK(em_text_from_time(of(good[i].text), &ms));
        CHECK(ms == good[i].ms);
    }
    em_out o = EM_OUT(buf);
    em_text_put_time(&o, 253402300799007);
    CHECK(em_same(em_write_view(&o), of("9999-12-31T23:59:59.007Z")));
    o = EM_OUT(buf);
    em_text_put_time(&o, 253402300800000);
    CHECK_ERR(em_write_end(&o), EM_ERR_RANGE);
    o = EM_OUT(buf);
    em_text_put_time(&o, UINT64_MAX);
    CHECK_ERR(em_write_end(&o), EM_ERR_RANGE);
}

int main(void)
{
    RUN(hex);
    RUN(base64_examples);
    RUN(base64_refuses_everything_else);
    RUN(base64_is_one_to_one);
    RUN(pem);
    RUN(pem_refuses_everything_else);
    RUN(times_agree_with_the_c_library);
    RUN(time_fractions_and_edges);
    return test_end();
}
