/* The strict profile against RFC 8949's examples, against a recursive oracle, and under
 * hostile bytes; the foreign profile; the writer. */
#include "wire/cbor.h"
#include "tests/support/test.h"

/* Hexadecimal with spaces between its parts. */
static em_bytes hex(const char *spaced)
{
    char *packed = test_alloc(strlen(spaced) + 1);
    char *to = packed;

    for (const char *from = spaced; *from != 0; from++)
        if (*from != ' ') *to++ = *from;
    *to = 0;
    return test_hex(packed);
}

/* ---- an oracle: the same rules said recursively ---------------------------------- */

typedef struct cursor {
    const uint8_t *at, *end;
} cursor;

static bool oracle_item(cursor *c, unsigned depth);

static bool oracle_map(cursor *c, uint64_t n, unsigned depth)
{
    const uint8_t *last = NULL;
    size_t last_len = 0;

    for (uint64_t i = 0; i < n; i++) {
        const uint8_t *key = c->at;
        if (!oracle_item(c, depth)) return false;
        size_t len = (size_t)(c->at - key);
        if (last != NULL) {
            int order = memcmp(last, key, last_len < len ? last_len : len);
            if (order > 0 || (order == 0 && last_len >= len)) return false;
        }
        last = key;
        last_len = len;
        if (!oracle_item(c, depth)) return false;
    }
    return true;
}

static bool oracle_item(cursor *c, unsigned depth)
{
    static const uint64_t least[] = {24, 256, 65536, 4294967296};

    if (c->at == c->end) return false;
    unsigned first = *c->at++, kind = first / 32, info = first % 32;
    if (kind == 7) return info == 20 || info == 21 || info == 22;
    if (kind == 6 || info > 27) return false;
    uint64_t n = info;
    if (info > 23) {
        n = 0;
        for (int k = 0; k < 1 << (info - 24); k++) {
            if (c->at == c->end) return false;
            n = n * 256 + *c->at++;
        }
        if (n < least[info - 24]) return false;
    }
    if (kind < 2) return true;
    if (kind < 4) {
        if (n > (uint64_t)(c->end - c->at)) return false;
        em_bytes text = {c->at, (size_t)n};
        c->at += n;
        return kind == 2 || (em_is_utf8(text) && (n == 0 || !memchr(text.at, 0, n)));
    }
    if (depth == EM_MAX_CBOR_DEPTH) return false;
    if (kind == 5) return oracle_map(c, n, depth + 1);
    for (uint64_t i = 0; i < n; i++)
        if (!oracle_item(c, depth + 1)) return false;
    return true;
}

static bool oracle(em_bytes item)
{
    cursor c = {item.at, item.at + item.len};

    return oracle_item(&c, 0) && c.at == c.end;
}

/* ---- read by the typed functions and written again --------------------------------- */

static void copy_item(em_cbor *c, em_out *o);

static void copy_items(em_cbor *c, em_out *o)
{
    bool is_map = em_cbor_peek(c) == EM_CBOR_MAP;
    uint64_t n = is_map ? em_cbor_map(c, UINT64_MAX) : em_cbor_array(c, UINT64_MAX);
    unsigned depth = c->depth;
    uint64_t seen = 0;

    is_map ? em_cbor_put_map(o, n) : em_cbor_put_array(o, n);
    while (em_cbor_more(c, depth)) {
        copy_item(c, o);
        if (is_map) copy_item(c, o);
        seen++;
    }
    CHECK(em_cbor_ok(c) != EM_OK || seen == n);
}

static void copy_number(em_cbor *c, em_out *o)
{
    em_cbor at = *c;

    if (em_cbor_peek(c) == EM_CBOR_UINT) {
        em_cbor_put_uint(o, em_cbor_uint(c));
        return;
    }
    em_cbor_put_int(o, em_cbor_int(c));
    if (em_cbor_ok(c) == EM_ERR_RANGE) { /* below int64: no reader but skip */
        *c = at;
        o->len -= 1;
        em_write_bytes(o, em_cbor_skip(c));
    }
}

static void copy_item(em_cbor *c, em_out *o)
{
    switch (em_cbor_peek(c)) {
    case EM_CBOR_UINT:
    case EM_CBOR_NINT:
        copy_number(c, o);
        return;
    case EM_CBOR_BYTES:
        em_cbor_put_bytes(o, em_cbor_bytes(c));
        return;
    case EM_CBOR_TEXT:
        em_cbor_put_text(o, em_cbor_text(c));
        return;
    case EM_CBOR_ARRAY:
    case EM_CBOR_MAP:
        copy_items(c, o);
        return;
    case EM_CBOR_FALSE:
    case EM_CBOR_TRUE:
        em_cbor_put_bool(o, em_cbor_bool(c));
        return;
    case EM_CBOR_NULL:
        em_cbor_null(c);
        em_cbor_put_null(o);
        return;
    case EM_CBOR_NONE:
        (void)em_cbor_skip(c);
        return; /* gives the error's name */
    }
}

static em_err copy(em_bytes item, em_bytes *ret_copy)
{
    size_t cap = item.len + 16;
    em_out o = em_out_over(test_alloc(cap), cap);
    em_cbor c = em_cbor_over(item);

    copy_item(&c, &o);
    EM_TRY(em_cbor_end(&c));
    EM_TRY(em_write_end(&o));
    *ret_copy = em_write_view(&o);
    return EM_OK;
}

/* All readers and the oracle agree about these bytes. */
static void check_agreement(em_bytes item)
{
    em_bytes again = {0};
    bool want = oracle(item);

    CHECK((em_cbor_check(item) == EM_OK) == want);
    CHECK((copy(item, &again) == EM_OK) == want);
    if (want) CHECK(em_same(item, again));
}

/* ---- the cases --------------------------------------------------------------------- */

/* Lines "kind <tab> meaning <tab> hex"; gives how many there were. */
static size_t each_line(const char *path, void (*visit)(char kind, em_bytes item))
{
    em_bytes text = test_file(path);
    char *copy_of = test_alloc(text.len + 1);
    size_t n = 0;

    memcpy(copy_of, text.at, text.len);
    copy_of[text.len] = 0;
    for (char *line = copy_of; line != NULL && *line != 0;) {
        char *end = strchr(line, '\n');
        if (end != NULL) *end = 0;
        char *digits = strrchr(line, '\t');
        if (digits != NULL) {
            test_note("%.40s %.60s", line, digits + 1);
            visit(line[0], test_hex(digits + 1));
            n++;
        }
        line = end == NULL ? NULL : end + 1;
    }
    return n;
}

static size_t accepted;

static void visit_good(char kind, em_bytes item)
{
    CHECK(kind == 'A');
    check_agreement(item);
    if (em_cbor_check(item) == EM_OK) accepted++;
}

static void visit_bad(char kind, em_bytes item)
{
    em_bytes again;

    CHECK(kind == 'F' || kind == 'X');
    CHECK(em_cbor_check(item) != EM_OK);
    CHECK(copy(item, &again) != EM_OK);
}

static void rfc_8949_examples(void)
{
    const char *good = test_shared("vectors/cbor/good.txt");
    const char *bad = test_shared("vectors/cbor/bad.txt");

    accepted = 0;
    CHECK(each_line(good, visit_good) == 82);
    CHECK(accepted == 37);
    CHECK(each_line(bad, visit_bad) >= 100);
}

static void every_breach_has_its_name(void)
{
    static const struct {
        const char *hex;
        em_err want;
    } table[] = {
        {"", EM_ERR_CBOR_SHORT},
        {"18", EM_ERR_CBOR_SHORT},
        {"19 01", EM_ERR_CBOR_SHORT},
        {"1b 00000000000000", EM_ERR_CBOR_SHORT},
        {"42 00", EM_ERR_CBOR_SHORT},
        {"82 00", EM_ERR_CBOR_SHORT},
        {"a1 00", EM_ERR_CBOR_SHORT},
        {"5b ffffffffffffffff 00", EM_ERR_CBOR_SHORT},
        {"7b ffffffffffffffff 00", EM_ERR_CBOR_SHORT},
        {"9b ffffffffffffffff 00", EM_ERR_CBOR_SHORT},
        {"bb ffffffffffffffff 00", EM_ERR_CBOR_SHORT},
        {"bb 8000000000000001 0000", EM_ERR_CBOR_SHORT},
        {"00 00", EM_ERR_CBOR_TRAILING},
        {"80 80", EM_ERR_CBOR_TRAILING},
        {"1c", EM_ERR_CBOR_RESERVED},
        {"1f", EM_ERR_CBOR_RESERVED},
        {"3f", EM_ERR_CBOR_RESERVED},
        {"df 00", EM_ERR_CBOR_RESERVED},
        {"fe", EM_ERR_CBOR_RESERVED},
        {"18 17", EM_ERR_CBOR_NOT_SHORTEST},
        {"19 00ff", EM_ERR_CBOR_NOT_SHORTEST},
        {"1a 0000ffff", EM_ERR_CBOR_NOT_SHORTEST},
        {"1b 00000000ffffffff", EM_ERR_CBOR_NOT_SHORTEST},
        {"58 01 00", EM_ERR_CBOR_NOT_SHORTEST},
        {"98 00", EM_ERR_CBOR_NOT_SHORTEST},
        {"5f ff", EM_ERR_CBOR_INDEFINITE},
        {"9f ff", EM_ERR_CBOR_INDEFINITE},
        {"bf ff", EM_ERR_CBOR_INDEFINITE},
        {"ff", EM_ERR_CBOR_INDEFINITE},
        {"a2 01 00 00 00", EM_ERR_CBOR_UNSORTED},
        {"a2 62 6161 00 61 62 00", EM_ERR_CBOR_UNSORTED}, /* longer texts come later */
        {"a2 01 00 01 00", EM_ERR_CBOR_DUPLICATE},
        {"a2 81 00 00 81 00 00", EM_ERR_CBOR_DUPLICATE}, /* a key that is an array */
        {"a2 81 01 00 81 00 00", EM_ERR_CBOR_UNSORTED},
        {"61 ff", EM_ERR_CBOR_NOT_UTF8},
        {"63 eda080", EM_ERR_CBOR_NOT_UTF8},
        {"61 00", EM_ERR_CBOR_NUL},
        {"81818181818181818181818181818181 80", EM_ERR_CBOR_DEPTH},
        {"81818181818181818181818181818181 a0", EM_ERR_CBOR_DEPTH},
        {"f9 0000", EM_ERR_CBOR_FLOAT},
        {"fa 00000000", EM_ERR_CBOR_FLOAT},
        {"fb 0000000000000000", EM_ERR_CBOR_FLOAT},
        {"c0 00", EM_ERR_CBOR_TAG},
        {"d8 12 00", EM_ERR_CBOR_NOT_SHORTEST},
        {"e0", EM_ERR_CBOR_SIMPLE},
        {"f7", EM_ERR_CBOR_SIMPLE},
        {"f8 20", EM_ERR_CBOR_SIMPLE},
    };
    for (size_t i = 0; i < EM_COUNT(table); i++) {
        test_note("%s", table[i].hex);
        CHECK_ERR(em_cbor_check(hex(table[i].hex)), table[i].want);
    }
    CHECK_OK(em_cbor_check(hex("81818181818181818181818181818180")));
}

static void typed_readers_refuse_other_types(void)
{
    static const char *items[] = {"00", "20", "40", "60", "80", "a0", "f4", "f6"};

    for (size_t i = 0; i < EM_COUNT(items); i++) {
        em_bytes item = hex(items[i]);
        em_cbor c[8];
        for (size_t k = 0; k < 8; k++) c[k] = em_cbor_over(item);
        (void)em_cbor_uint(&c[0]);
        (void)em_cbor_int(&c[1]);
        (void)em_cbor_bytes(&c[2]);
        (void)em_cbor_text(&c[3]);
        (void)em_cbor_array(&c[4], 9);
        (void)em_cbor_map(&c[5], 9);
        (void)em_cbor_bool(&c[6]);
        em_cbor_null(&c[7]);
        for (size_t k = 0; k < 8; k++) {
            bool fits = k == i || (k == 1 && i == 0); /* int takes both signs */
            test_note("item %zu reader %zu", i, k);
            CHECK_ERR(em_cbor_end(&c[k]), fits ? EM_OK : EM_ERR_CBOR_TYPE);
        }
    }
}

static void limits_and_ranges(void)
{
    uint8_t four[4] = {9, 9, 9, 9};
    em_cbor c = em_cbor_over(hex("43010203"));

    em_cbor_bytes_into(&c, four, 4);
    CHECK_ERR(em_cbor_end(&c), EM_ERR_RANGE);
    CHECK(four[0] == 9); /* untouched */
    c = em_cbor_over(hex("43010203"));
    (void)em_cbor_bytes_max(&c, 2);
    CHECK_ERR(em_cbor_end(&c), EM_ERR_LIMIT);
    c = em_cbor_over(hex("63616263"));
    CHECK(em_same(em_cbor_text_max(&c, 3), EM_STR("abc")));
    CHECK_OK(em_cbor_end(&c));
    c = em_cbor_over(hex("83000000"));
    CHECK(em_cbor_array(&c, 2) == 0);
    CHECK_ERR(em_cbor_ok(&c), EM_ERR_LIMIT);
    c = em_cbor_over(hex("1b7fffffffffffffff"));
    CHECK(em_cbor_int(&c) == INT64_MAX);
    c = em_cbor_over(hex("3b7fffffffffffffff"));
    CHECK(em_cbor_int(&c) == INT64_MIN);
    c = em_cbor_over(hex("1b8000000000000000"));
    CHECK(em_cbor_int(&c) == 0);
    CHECK_ERR(em_cbor_end(&c), EM_ERR_RANGE);
    c = em_cbor_over(hex("8100"));
    em_cbor_array_of(&c, 2);
    CHECK_ERR(em_cbor_ok(&c), EM_ERR_CBOR_TYPE);
    c = em_cbor_over(hex("a10000"));
    em_cbor_map_of(&c, 2);
    CHECK_ERR(em_cbor_ok(&c), EM_ERR_CBOR_KEY);
}

static void members_by_key(void)
{
    /* {"a": 1, "b": {"x": []}, "d": "t"} */
    em_bytes item = hex("a3 6161 01 6162 a1 6178 80 6164 6174");
    em_cbor c = em_cbor_over(item);

    CHECK(em_cbor_peek(&c) == EM_CBOR_MAP && em_cbor_map(&c, 3) == 3);
    unsigned outer = c.depth;
    em_cbor_want(&c, "a");
    CHECK(!em_cbor_key(&c, "a")); /* a value's place */
    CHECK(em_cbor_uint(&c) == 1);
    CHECK(!em_cbor_key(&c, "aa") && em_cbor_key(&c, "b"));
    em_cbor_map_of(&c, 1);
    unsigned inner = c.depth;
    em_cbor_want(&c, "x");
    CHECK(em_cbor_array(&c, 0) == 0);
    CHECK(!em_cbor_more(&c, c.depth)); /* the empty array has nothing */
    CHECK(!em_cbor_more(&c, inner));   /* nor has the inner map */
    CHECK(em_cbor_more(&c, outer));
    CHECK(!em_cbor_key(&c, "c"));
    em_cbor_want(&c, "d");
    CHECK(em_same(em_cbor_text(&c), EM_STR("t")));
    CHECK(!em_cbor_more(&c, outer) && em_cbor_peek(&c) == EM_CBOR_NONE);
    CHECK(!em_cbor_key(&c, "d"));
    CHECK_OK(em_cbor_end(&c));
    (void)em_cbor_skip(&c);
    CHECK_ERR(em_cbor_end(&c), EM_ERR_CBOR_SHORT);

    c = em_cbor_over(item);
    (void)em_cbor_map(&c, 3);
    em_cbor_want(&c, "b");
    CHECK_ERR(em_cbor_end(&c), EM_ERR_CBOR_KEY);
    c = em_cbor_over(hex("a2 6162 01 6161 01"));
    (void)em_cbor_map(&c, 2);
    em_cbor_want(&c, "b");
    (void)em_cbor_uint(&c);
    CHECK(!em_cbor_key(&c, "a")); /* there, but out of order */
    CHECK_ERR(em_cbor_end(&c), EM_ERR_CBOR_UNSORTED);
}

static void an_error_sticks_and_reads_as_zero(void)
{
    em_cbor c = em_cbor_over(hex("83 f6 05 4101"));

    CHECK(em_cbor_array(&c, 3) == 3);
    CHECK(em_cbor_uint(&c) == 0);
    CHECK(em_cbor_uint(&c) == 0 && em_cbor_bytes(&c).len == 0);
    CHECK(em_cbor_skip(&c).len == 0 && !em_cbor_bool(&c) && em_cbor_int(&c) == 0);
    CHECK(!em_cbor_more(&c, 1) && em_cbor_peek(&c) == EM_CBOR_NONE);
    em_cbor_fail(&c, EM_ERR_INTERNAL);
    CHECK_ERR(em_cbor_end(&c), EM_ERR_CBOR_TYPE);
}

static void skip_gives_the_bytes_of_one_item(void)
{
    em_cbor c = em_cbor_over(hex("83 a1 00 82 01 02 80 03"));

    (void)em_cbor_array(&c, 3);
    CHECK(em_same(em_cbor_skip(&c), hex("a100820102")));
    CHECK(em_same(em_cbor_skip(&c), hex("80")));
    CHECK(em_cbor_uint(&c) == 3);
    CHECK_OK(em_cbor_end(&c));
}

static em_err sum_foreign(em_bytes item, uint64_t *ret_sum)
{
    em_cbor c = em_cbor_over_foreign(item);
    uint64_t sum = 0;

    (void)em_cbor_map(&c, 8);
    for (unsigned depth = c.depth; em_cbor_more(&c, depth);) {
        (void)em_cbor_text(&c);
        sum += em_cbor_uint(&c);
    }
    EM_TRY(em_cbor_end(&c));
    *ret_sum = sum;
    return EM_OK;
}

static void the_foreign_profile_is_for_aws(void)
{
    uint64_t sum = 0;

    CHECK_OK(sum_foreign(hex("a2 6162 01 6161 02"), &sum));
    CHECK(sum == 3);
    CHECK_OK(sum_foreign(hex("bf 6162 04 6161 02 ff"), &sum));
    CHECK(sum == 6);
    CHECK_OK(sum_foreign(hex("bf ff"), &sum));
    CHECK_OK(sum_foreign(hex("a0"), &sum));
    CHECK_ERR(sum_foreign(hex("bf 6162 04"), &sum), EM_ERR_CBOR_SHORT);
    CHECK_ERR(sum_foreign(hex("bf 6162 ff"), &sum), EM_ERR_CBOR_INDEFINITE);
    CHECK_ERR(sum_foreign(hex("bf 6162 04 ff 00"), &sum), EM_ERR_CBOR_TRAILING);
    CHECK_ERR(sum_foreign(hex("bf 6162 1804 ff"), &sum), EM_ERR_CBOR_NOT_SHORTEST);
    CHECK(sum == 0); /* the last good sum: outputs stay as they were */

    em_cbor c = em_cbor_over_foreign(hex("bf 00 bf ff ff"));
    CHECK(em_cbor_skip(&c).len == 0); /* the outermost level only */
    CHECK_ERR(em_cbor_end(&c), EM_ERR_CBOR_INDEFINITE);
    c = em_cbor_over_foreign(hex("9f ff"));
    (void)em_cbor_skip(&c);
    CHECK_ERR(em_cbor_end(&c), EM_ERR_CBOR_INDEFINITE);
    c = em_cbor_over_foreign(hex("bf 01 81 02 00 a1 0203 ff"));
    CHECK(em_cbor_skip(&c).len == 9);
    CHECK_OK(em_cbor_end(&c));
}

static bool parse(em_bytes input, void *arg)
{
    (void)arg;
    check_agreement(input);
    return em_cbor_check(input) == EM_OK;
}

static void cut_and_flipped_items_agree_with_the_oracle(void)
{
    em_bytes good = hex("a4 00 83 01 1818 3903e7 6161 a2 80 40 8100 43010203"
                        "6162 82 f4 f6 6274c3a9 84 1b0000000100000000 f5 a0 6162");

    check_agreement(good);
    test_abuse_result r = test_abuse(good, parse, NULL);
    CHECK(r.cuts_accepted == 0 && r.flips_accepted < good.len);
}

/* Mostly well-formed bytes: heads with small arguments. */
static void random_items_agree_with_the_oracle(void)
{
    test_random random = {.state = 7};
    size_t good = 0;

    for (int round = 0; round < 200000; round++) {
        uint8_t buf[24];
        size_t len = 1 + (size_t)(test_random_next(&random) % sizeof buf);
        for (size_t i = 0; i < len; i++) {
            uint64_t r = test_random_next(&random);
            buf[i] = r % 8 == 0 ? (uint8_t)(r >> 8)
                                : (uint8_t)((r >> 8) % 6 << 5 | (r >> 16) % 3);
        }
        em_bytes item = {buf, len};
        bool want = oracle(item);
        if ((em_cbor_check(item) == EM_OK) != want) {
            test_note("round %d", round);
            check_agreement(item);
        }
        good += want;
    }
    CHECK(good > 1000);
}

static void the_writer_is_shortest_and_bounded(void)
{
    static const uint64_t edge[] = {0,     23,         24,         255,       256,
                                    65535, 4294967295, 4294967296, UINT64_MAX};
    uint8_t buf[9];

    for (size_t i = 0; i < EM_COUNT(edge); i++) {
        em_out o = EM_OUT(buf);
        em_cbor_put_uint(&o, edge[i]);
        CHECK_OK(em_write_end(&o));
        CHECK_OK(em_cbor_check(em_write_view(&o)));
        em_cbor c = em_cbor_over(em_write_view(&o));
        CHECK(em_cbor_uint(&c) == edge[i]);
    }
    em_out o = EM_OUT(buf);
    em_cbor_put_int(&o, INT64_MIN);
    CHECK(em_same(em_write_view(&o), hex("3b7fffffffffffffff")));
    o = em_out_over(buf, 2);
    em_cbor_put_uint(&o, 1000);
    CHECK_ERR(em_write_end(&o), EM_ERR_FULL);
    CHECK(o.len == 0);
}

int main(void)
{
    if (test_shared("vectors/cbor/good.txt") != NULL)
        RUN(rfc_8949_examples);
    else
        test_skip("rfc_8949_examples", "no vectors/cbor/good.txt");
    RUN(every_breach_has_its_name);
    RUN(typed_readers_refuse_other_types);
    RUN(limits_and_ranges);
    RUN(members_by_key);
    RUN(an_error_sticks_and_reads_as_zero);
    RUN(skip_gives_the_bytes_of_one_item);
    RUN(the_foreign_profile_is_for_aws);
    RUN(cut_and_flipped_items_agree_with_the_oracle);
    RUN(random_items_agree_with_the_oracle);
    RUN(the_writer_is_shortest_and_bounded);
    return test_end();
}
