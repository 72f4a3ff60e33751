/* Record heads and the opening messages: their bytes, and every breach by name. */
#include "trust/hello.h"
#include "crypto/setup.h"
#include "tests/support/test.h"

#include <openssl/sha.h>

/* the same in hexadecimal: */
#define NONCE_HEX "0102030000000000000000000000000000000000000000000000000000000009"
static const uint8_t nonce[EM_HELLO_NONCE_LEN] = {1, 2, 3, [31] = 9};

/* SHA-256 of two strings one after the other, by libcrypto. */
static void digest_of(em_bytes a, em_bytes b, uint8_t ret_digest[32])
{
    uint8_t *both = test_alloc(a.len + b.len);

    memcpy(both, a.at, a.len);
    memcpy(both + a.len, b.at, b.len);
    SHA256(both, a.len + b.len, ret_digest);
}

/* A record of this type around hexadecimal. */
static em_bytes record_of(em_record_type type, const char *hex)
{
    em_bytes body = test_hex(hex);
    uint8_t *at = test_alloc(EM_RECORD_HEAD + body.len);
    em_out o = em_out_over(at, EM_RECORD_HEAD + body.len);

    em_hello_put_head(&o, type, true, body.len);
    em_write_bytes(&o, body);
    return em_write_view(&o);
}

static void heads_show_what_is_refused(void)
{
    static const struct {
        const char *hex;
        em_err want;
    } rows[] = {
        {"010100000200", EM_OK}, /* HELLO of 512 */
        {"010100000201", EM_ERR_RECORD_SIZE},
        {"010000000010", EM_ERR_RECORD_FLAGS}, /* one record makes the message */
        {"010300000010", EM_ERR_RECORD_FLAGS},
        {"018100000010", EM_ERR_RECORD_FLAGS},
        {"030100000020", EM_OK},
        {"03010000001f", EM_ERR_RECORD_SIZE},
        {"030100000021", EM_ERR_RECORD_SIZE},
        {"040000000110", EM_OK}, /* DATA of 256 + 16, more to come */
        {"04010000010f", EM_ERR_RECORD_PADDING},
        {"040100000000", EM_ERR_RECORD_PADDING},
        {"040100000111", EM_ERR_RECORD_PADDING},
        {"040100000190", EM_OK}, /* 384 + 16 */
        {"040100010010", EM_OK}, /* 64 KiB + 16 */
        {"040100010011", EM_ERR_RECORD_SIZE},
        {"0401ffffffff", EM_ERR_RECORD_SIZE},
        {"050000001810", EM_OK}, /* END: 4096 + 4 need 6144 */
        {"050000002010", EM_ERR_RECORD_SIZE},
        {"060100006010", EM_OK}, /* RECEIPT: 16384 + 4 need 24576 */
        {"060000006010", EM_ERR_RECORD_FLAGS},
        {"070100001810", EM_OK},
        {"080100000110", EM_OK},
        {"080100000190", EM_ERR_RECORD_SIZE}, /* CANCEL says nothing */
        {"090100000008", EM_OK},
        {"090100000009", EM_ERR_RECORD_SIZE},
        {"000100000008", EM_ERR_RECORD_TYPE},
        {"0a0100000008", EM_ERR_RECORD_TYPE},
        {"ff0100000008", EM_ERR_RECORD_TYPE},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        em_record_head head;
        em_bytes hex = test_hex(rows[i].hex);

        test_note("%s", rows[i].hex);
        CHECK_ERR(em_hello_read_head(hex.at, &head), rows[i].want);
        if (rows[i].want != EM_OK) continue;
        uint8_t again[EM_RECORD_HEAD];
        em_out o = EM_OUT(again);
        em_hello_put_head(&o, head.type, head.final, head.len);
        CHECK(em_same(em_write_view(&o), hex));
    }
}

static void buckets_double_with_one_in_between(void)
{
    size_t buckets = 0, last = 0;

    for (size_t len = 0; len <= EM_MAX_DATA_BODY; len++) {
        size_t got = em_hello_padded(len);
        size_t odd = got % 3 == 0 ? got / 3 : got;

        test_note("%zu", len);
        CHECK(got >= len + 4 && got >= EM_PAD_MIN && got <= EM_PAD_MAX);
        CHECK((odd & (odd - 1)) == 0);
        /* the smallest: the one below would not do */
        CHECK(got == EM_PAD_MIN || (got % 3 == 0 ? got / 3 * 2 : got / 4 * 3) < len + 4);
        CHECK(got >= last);
        if (got != last) buckets++;
        last = got;
    }
    CHECK(last == EM_PAD_MAX && buckets == 17);
}

static void c1_reads_back(void)
{
    uint8_t buf[EM_RECORD_HEAD + EM_MAX_HELLO], by_libcrypto[32], got[32];
    em_out o = EM_OUT(buf);
    em_hello_c1 c1;

    em_hello_put_c1(&o, nonce, EM_STR("demo"));
    CHECK_OK(em_write_end(&o));
    em_bytes want = test_hex("01010000003ca3617601656e6f6e63655820" NONCE_HEX
                             "6a6465706c6f796d656e746464656d6f");
    CHECK(em_same(em_write_view(&o), want));
    CHECK_OK(em_hello_parse_c1(want, &c1));
    CHECK(em_same(EM_BYTES(c1.nonce), EM_BYTES(nonce)));
    CHECK(em_same(c1.deployment, EM_STR("demo")));

    digest_of(EM_STR("em/1 nonce"), want, by_libcrypto);
    em_hello_nonce(want, got);
    CHECK(em_same(EM_BYTES(got), EM_BYTES(by_libcrypto)));
}

static void the_longest_deployment_fits(void)
{
    uint8_t buf[EM_RECORD_HEAD + EM_MAX_HELLO], text[EM_MAX_DEPLOYMENT + 1];
    em_hello_c1 c1;

    memset(text, 'x', sizeof text);
    em_out o = EM_OUT(buf);
    em_hello_put_c1(&o, nonce, em_view(text, EM_MAX_DEPLOYMENT));
    CHECK_OK(em_write_end(&o));
    CHECK_OK(em_hello_parse_c1(em_write_view(&o), &c1));
    CHECK(c1.deployment.len == EM_MAX_DEPLOYMENT);

    const em_bytes bad[] = {{0}, EM_STR("a\0b"), EM_STR("\xFF"), {text, sizeof text}};
    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        em_out p = EM_OUT(buf);
        em_hello_put_c1(&p, nonce, bad[i]);
        CHECK_ERR(em_write_end(&p), EM_ERR_ARGUMENT);
    }
}

static void c1_breaches(void)
{
    static const char *const rows[] = {
        "",
        /* version 2, 0, text */
        "a3617602656e6f6e63655820" NONCE_HEX "6a6465706c6f796d656e746464656d6f",
        "a3617600656e6f6e63655820" NONCE_HEX "6a6465706c6f796d656e746464656d6f",
        "a361766131656e6f6e63655820" NONCE_HEX "6a6465706c6f796d656e746464656d6f",
        /* a nonce of 31 bytes, of text */
        "a3617601656e6f6e6365581f01020300000000000000000000000000000000000000000000000000"
        "0000006a6465706c6f796d656e746464656d6f",
        /* an empty deployment; one that is bytes; with a NUL; not UTF-8 */
        "a3617601656e6f6e63655820" NONCE_HEX "6a6465706c6f796d656e7460",
        "a3617601656e6f6e63655820" NONCE_HEX "6a6465706c6f796d656e744464656d6f",
        "a3617601656e6f6e63655820" NONCE_HEX "6a6465706c6f796d656e746464650000",
        "a3617601656e6f6e63655820" NONCE_HEX "6a6465706c6f796d656e7464646580ff",
        /* a key missing, one too many, one twice, out of order, another */
        "a2617601656e6f6e63655820" NONCE_HEX,
        "a4617601656e6f6e63655820" NONCE_HEX
        "6a6465706c6f796d656e746464656d6f6b78787878787"
        "87878787878f6",
        "a3617601617601656e6f6e63655820" NONCE_HEX,
        "a3617601"
        "6a6465706c6f796d656e746464656d6f"
        "656e6f6e63655820" NONCE_HEX,
        "a3617601656e6f6e64655820" NONCE_HEX "6a6465706c6f796d656e746464656d6f",
        /* the version in two bytes, an indefinite map, an array, bytes behind */
        "a361761801656e6f6e63655820" NONCE_HEX "6a6465706c6f796d656e746464656d6f",
        "bf617601656e6f6e63655820" NONCE_HEX "6a6465706c6f796d656e746464656d6fff",
        "83617601656e6f6e63655820" NONCE_HEX "6a6465706c6f796d656e746464656d6f",
        "a3617601656e6f6e63655820" NONCE_HEX "6a6465706c6f796d656e746464656d6f00",
    };
    em_hello_c1 c1;

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        test_note("row %zu", i);
        CHECK_ERR(em_hello_parse_c1(record_of(EM_RECORD_HELLO, rows[i]), &c1),
                  EM_ERR_HELLO_MALFORMED);
    }
    em_bytes good = record_of(EM_RECORD_HELLO, "a3617601656e6f6e63655820" NONCE_HEX
                                               "6a6465706c6f796d656e746464656d6f");
    CHECK_OK(em_hello_parse_c1(good, &c1));
    CHECK_ERR(em_hello_parse_c1(em_view(good.at, 5), &c1), EM_ERR_SHORT);
    CHECK_ERR(em_hello_parse_c1(em_view(good.at, good.len - 1), &c1), EM_ERR_SHORT);
    uint8_t more[256];
    memcpy(more, good.at, good.len);
    more[good.len] = 0;
    CHECK_ERR(em_hello_parse_c1(em_view(more, good.len + 1), &c1), EM_ERR_TRAILING);
    more[0] = EM_RECORD_ATTEST;
    CHECK_ERR(em_hello_parse_c1(em_view(more, good.len), &c1), EM_ERR_RECORD_TYPE);
}

static void e1_reads_back(void)
{
    uint8_t *document = test_alloc(EM_MAX_DOCUMENT),
            *manifest = test_alloc(EM_MAX_MANIFEST);
    size_t cap = EM_RECORD_HEAD + EM_MAX_ATTEST;
    uint8_t *buf = test_alloc(cap);
    const size_t sizes[] = {0, 1, 23, 24, 255, 256, 4500, EM_MAX_DOCUMENT};

    memset(document, 0xD0, EM_MAX_DOCUMENT);
    memset(manifest, 0xA0, EM_MAX_MANIFEST);
    for (size_t n = 0; n <= EM_MAX_MODELS; n++) {
        for (size_t k = 0; k < EM_COUNT(sizes); k++) {
            em_hello_e1 e1 = {.document = em_view(document, sizes[k]), .n_manifests = n};
            for (size_t i = 0; i < n; i++)
                e1.manifest[i] = em_view(manifest, EM_MAX_MANIFEST - i * 4000);
            em_out o = em_out_over(buf, cap);
            em_hello_e1 got;
            size_t len = 0;

            em_hello_put_e1(&o, &e1);
            CHECK_OK(em_write_end(&o));
            CHECK_OK(em_hello_e1_len(&e1, &len));
            CHECK(len == o.len);
            CHECK_OK(em_hello_parse_e1(em_write_view(&o), &got));
            CHECK(em_same(got.document, e1.document) && got.n_manifests == n);
            for (size_t i = 0; i < n; i++)
                CHECK(em_same(got.manifest[i], e1.manifest[i]));
        }
    }
    em_hello_e1 over = {.document = em_view(document, EM_MAX_DOCUMENT + 1)};
    size_t len;
    em_out o = em_out_over(buf, cap);
    CHECK_ERR(em_hello_e1_len(&over, &len), EM_ERR_LIMIT);
    em_hello_put_e1(&o, &over);
    CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);
}

static void e1_breaches(void)
{
    static const char *const rows[] = {
        "",
        "a361760168646f63756d656e7441d0696d616e69666573747380", /* good: see below */
        "a361760268646f63756d656e7441d0696d616e69666573747380",
        "a361760168646f63756d656e7461d0696d616e69666573747380",
        "a361760168646f63756d656e746141696d616e69666573747380",
        "a361760168646f63756d656e7441d0696d616e6966657374738141",
        "a361760168646f63756d656e7441d0696d616e69666573747381f6",
        "a361760168646f63756d656e7441d0696d616e69666573747389404040404040404040",
        "a361760168646f63756d656e7441d0696d616e696665737473f6",
        "a361760168646f63756d656e7441d0696d616e6966657374739f40ff",
        "a261760168646f63756d656e7441d0",
        "a461760168646f63756d656e7441d0696d616e696665737473806a6465706c6f796d656e74f6",
        "a361760168646f63756d656e745f41d0ff696d616e69666573747380",
        "a361760168646f63756d656e7441d0696d616e6966657374738000",
    };
    em_hello_e1 e1;

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        test_note("row %zu", i);
        CHECK_ERR(em_hello_parse_e1(record_of(EM_RECORD_ATTEST, rows[i]), &e1),
                  i == 1 ? EM_OK : EM_ERR_HELLO_MALFORMED);
    }
}

static void info_binds_both_records(void)
{
    uint8_t got[EM_HELLO_INFO_LEN], want[EM_HELLO_INFO_LEN] = "em/1 session";

    digest_of(EM_STR("first"), EM_STR("second"), want + 12);
    em_hello_info(EM_STR("first"), EM_STR("second"), got);
    CHECK(em_same(EM_BYTES(got), EM_BYTES(want)));
}

static void host_is_constant_bytes(void)
{
    uint8_t buf[16];
    em_out o = EM_OUT(buf);
    unsigned code = 99;

    em_hello_put_host(&o, EM_FACE_BUSY);
    CHECK_OK(em_write_end(&o));
    CHECK(em_same(em_write_view(&o), test_hex("090100000007a164636f646503")));
    CHECK_OK(em_hello_parse_host(em_write_view(&o), &code));
    CHECK(code == EM_FACE_BUSY);

    static const char *const bad[] = {"a164636f64651818", "a164636f646520", "a0",
                                      "a164636f6465617a"};
    for (size_t i = 0; i < EM_COUNT(bad); i++)
        CHECK_ERR(em_hello_parse_host(record_of(EM_RECORD_HOST, bad[i]), &code),
                  EM_ERR_HELLO_MALFORMED);
    CHECK(code == EM_FACE_BUSY);
    em_out p = EM_OUT(buf);
    em_hello_put_host(&p, 24);
    CHECK_ERR(em_write_end(&p), EM_ERR_ARGUMENT);
}

static em_user_data sample_data(size_t n)
{
    em_user_data d = {.purpose = EM_PURPOSE_SESSION, .n_manifests = n};

    for (size_t i = 0; i < n; i++) d.manifest[i][0] = (uint8_t)(i + 1);
    memset(d.receipt_key.b, 0x5E, sizeof d.receipt_key.b);
    return d;
}

static void user_data_reads_back(void)
{
    uint8_t buf[EM_MAX_USER_DATA];

    for (size_t n = 0; n <= EM_MAX_MODELS; n++) {
        em_user_data d = sample_data(n), got;
        em_out o = EM_OUT(buf);

        em_hello_put_user_data(&o, &d);
        CHECK_OK(em_write_end(&o));
        CHECK_OK(em_hello_parse_user_data(em_write_view(&o), EM_PURPOSE_SESSION, &got));
        CHECK(got.n_manifests == n && got.purpose == EM_PURPOSE_SESSION);
        CHECK(em_same(EM_BYTES(got.receipt_key.b), EM_BYTES(d.receipt_key.b)));
        for (size_t i = 0; i < n; i++)
            CHECK(em_hello_names_manifest(&got, d.manifest[i]));
        CHECK(!em_hello_names_manifest(&got, nonce));
        CHECK_ERR(em_hello_parse_user_data(em_write_view(&o), EM_PURPOSE_KMS, &got),
                  EM_ERR_PURPOSE);
    }
    em_user_data kms = {.purpose = EM_PURPOSE_KMS}, got;
    em_out o = EM_OUT(buf);
    em_hello_put_user_data(&o, &kms);
    CHECK(em_same(em_write_view(&o), test_hex("a261760167707572706f7365636b6d73")));
    CHECK_OK(em_hello_parse_user_data(em_write_view(&o), EM_PURPOSE_KMS, &got));
    CHECK_ERR(em_hello_parse_user_data(em_write_view(&o), EM_PURPOSE_SESSION, &got),
              EM_ERR_PURPOSE);
}

static void user_data_breaches(void)
{
    uint8_t buf[1024];
    em_user_data d = sample_data(2), got;
    em_out o = EM_OUT(buf);

    em_hello_put_user_data(&o, &d);
    em_bytes good = em_write_view(&o);
    uint8_t copy[sizeof buf];
    memcpy(copy, good.at, good.len);
    /* a2 ... "manifests" 82 5820 hash 5820 hash: make the second equal, then smaller */
    size_t at = good.len - 32 - 2 - 12 - 32;
    copy[at] = 1;
    CHECK_ERR(em_hello_parse_user_data(em_view(copy, good.len), EM_PURPOSE_SESSION, &got),
              EM_ERR_USER_DATA);
    copy[at] = 0;
    CHECK_ERR(em_hello_parse_user_data(em_view(copy, good.len), EM_PURPOSE_SESSION, &got),
              EM_ERR_USER_DATA);
    copy[at] = 2;
    CHECK_OK(em_hello_parse_user_data(em_view(copy, good.len), EM_PURPOSE_SESSION, &got));
    copy[good.len] = 0;
    CHECK_ERR(
        em_hello_parse_user_data(em_view(copy, good.len + 1), EM_PURPOSE_SESSION, &got),
        EM_ERR_USER_DATA);

    static const char *const rows[] = {
        "",
        "a0",
        "a261760267707572706f7365636b6d73",
        "a261760167707572706f73656361626d",
        "a261760167707572706f73656773657373696f6e",
        "a1617601",
        "a361760167707572706f7365636b6d73696d616e69666573747380"};
    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        test_note("row %zu", i);
        CHECK_ERR(em_hello_parse_user_data(test_hex(rows[i]), EM_PURPOSE_KMS, &got),
                  EM_ERR_USER_DATA);
    }
    em_user_data wrong = sample_data(2);
    wrong.manifest[1][0] = 1;
    em_out p = EM_OUT(buf);
    em_hello_put_user_data(&p, &wrong);
    CHECK_ERR(em_write_end(&p), EM_ERR_ARGUMENT);
    wrong = (em_user_data){0};
    em_out q = EM_OUT(buf);
    em_hello_put_user_data(&q, &wrong);
    CHECK_ERR(em_write_end(&q), EM_ERR_ARGUMENT);
}

static bool takes_c1(em_bytes in, void *arg)
{
    em_hello_c1 c1;
    (void)arg;
    return em_hello_parse_c1(in, &c1) == EM_OK;
}

static bool takes_e1(em_bytes in, void *arg)
{
    em_hello_e1 e1;
    (void)arg;
    return em_hello_parse_e1(in, &e1) == EM_OK;
}

static bool takes_user_data(em_bytes in, void *arg)
{
    em_user_data d;
    (void)arg;
    return em_hello_parse_user_data(in, EM_PURPOSE_SESSION, &d) == EM_OK;
}

static void cut_and_flipped(void)
{
    uint8_t c1[128], e1[1024], data[EM_MAX_USER_DATA];
    em_out o = EM_OUT(c1), p = EM_OUT(e1), q = EM_OUT(data);
    em_user_data d = sample_data(2);
    em_hello_e1 parts = {.document = EM_STR("document"),
                         .n_manifests = 2,
                         .manifest = {EM_STR("one"), EM_STR("two")}};

    em_hello_put_c1(&o, nonce, EM_STR("demo"));
    em_hello_put_e1(&p, &parts);
    em_hello_put_user_data(&q, &d);

    /* no cut reads; a flip reads only inside a value that may be anything */
    test_abuse_result got = test_abuse(em_write_view(&o), takes_c1, NULL);
    CHECK(got.cuts_accepted == 0 && got.flips_accepted <= 32 + 4);
    got = test_abuse(em_write_view(&p), takes_e1, NULL);
    CHECK(got.cuts_accepted == 0 && got.flips_accepted <= 8 + 3 + 3);
    got = test_abuse(em_write_view(&q), takes_user_data, NULL);
    CHECK(got.cuts_accepted == 0 && got.flips_accepted <= 3 * 32);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    RUN(heads_show_what_is_refused);
    RUN(buckets_double_with_one_in_between);
    RUN(c1_reads_back);
    RUN(the_longest_deployment_fits);
    RUN(c1_breaches);
    RUN(e1_reads_back);
    RUN(e1_breaches);
    RUN(info_binds_both_records);
    RUN(host_is_constant_bytes);
    RUN(user_data_reads_back);
    RUN(user_data_breaches);
    RUN(cut_and_flipped);
    return test_end();
}
