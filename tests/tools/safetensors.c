/* safetensors: good files read, every hostile header is refused, every half-precision
 * number converts exactly. */
#include "tools/safetensors.h"

#include "base/write.h"
#include "tests/tools/folder.h"

#include <math.h>

/* A file of this header, filled up with `data_len` counting bytes. */
static em_bytes file_of(const char *header, size_t data_len)
{
    size_t len = strlen(header);
    uint8_t *at = test_alloc(8 + len + data_len);
    em_out o = em_out_over(at, 8 + len + data_len);

    em_write_le64(&o, len);
    em_write_bytes(&o, em_view(header, len));
    for (size_t i = 0; i < data_len; i++) em_write_u8(&o, (uint8_t)i);
    return em_write_view(&o);
}

static em_err open_file(em_bytes file)
{
    EM_DROP(em_safetensors) f = {0};
    return em_safetensors_open(file, "x.safetensors", &problem, &f);
}

static const char good_header[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"b\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[24,30]},"
    "\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
    "\"empty\":{\"dtype\":\"I64\",\"shape\":[0,7],\"data_offsets\":[24,24]},"
    "\"one\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[30,32]}}   ";

static void a_good_file_reads(void)
{
    EM_DROP(em_safetensors) f = {0};
    em_bytes file = file_of(good_header, 32);
    const em_safetensors_tensor *t;

    CHECK_OK(em_safetensors_open(file, "x", &problem, &f));
    CHECK(f.n == 4);
    t = em_safetensors_find(&f, "a");
    REQUIRE(t != NULL);
    CHECK(t->type == EM_SAFETENSORS_F32 && t->n_dims == 2 && t->dim[0] == 2);
    CHECK(t->n == 6 && t->data.len == 24 && t->data.at == file.at + file.len - 32);
    t = em_safetensors_find(&f, "empty");
    REQUIRE(t != NULL);
    CHECK(t->type == EM_SAFETENSORS_OTHER && t->n == 0);
    CHECK(strcmp(t->type_name, "I64") == 0);
    t = em_safetensors_find(&f, "one");
    REQUIRE(t != NULL);
    CHECK(t->n == 1 && t->n_dims == 0 && t->data.len == 2);
    CHECK(em_safetensors_find(&f, "c") == NULL);
    CHECK(em_safetensors_find(&f, "__metadata__") == NULL);

    CHECK_OK(open_file(file_of("{}", 0)));
}

static void hostile_headers_are_refused(void)
{
#define T(name, rest) "\"" name "\":{\"dtype\":\"F32\"," rest "}"
    static const struct {
        const char *header;
        size_t data_len;
        em_err want;
        const char *says;
    } rows[] = {
        {"", 0, EM_ERR_JSON_SYNTAX, "does not begin with {"},
        {" {}", 0, EM_ERR_JSON_SYNTAX, "does not begin with {"},
        {"[]", 0, EM_ERR_JSON_SYNTAX, "does not begin with {"},
        {"{", 0, EM_ERR_JSON_SYNTAX, "line 1"},
        {"{}x", 0, EM_ERR_JSON_SYNTAX, "line 1"},
        {"{} ", 1, EM_ERR_MODEL_MALFORMED, "behind the last tensor"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[0,4]") "," T(
             "a", "\"shape\":[1],\"data_offsets\":[4,8]") "}",
         8, EM_ERR_JSON_SYNTAX, "dup"},
        {"{\"a\":1}", 0, EM_ERR_MODEL_MALFORMED, "tensor a: not an object"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, EM_ERR_MODEL_MALFORMED,
         "object"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[0,4],\"x\":1") "}", 4,
         EM_ERR_MODEL_MALFORMED, "tensor a: not an object"},
        {"{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         EM_ERR_MODEL_MALFORMED, "dtype is unknown"},
        {"{\"a\":{\"dtype\":4,\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         EM_ERR_MODEL_MALFORMED, "dtype is missing"},
        {"{" T("a", "\"shape\":1,\"data_offsets\":[0,4]") "}", 4, EM_ERR_MODEL_MALFORMED,
         "no list"},
        {"{" T("a", "\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]") "}", 4,
         EM_ERR_MODEL_MALFORMED, "no list"},
        {"{" T("a", "\"shape\":[-1],\"data_offsets\":[0,4]") "}", 4,
         EM_ERR_MODEL_MALFORMED, "natural number"},
        {"{" T("a", "\"shape\":[1.0],\"data_offsets\":[0,4]") "}", 4,
         EM_ERR_MODEL_MALFORMED, "natural number"},
        {"{" T("a", "\"shape\":[\"1\"],\"data_offsets\":[0,4]") "}", 4,
         EM_ERR_MODEL_MALFORMED, "natural number"},
        {"{" T("a", "\"shape\":[18446744073709551616],\"data_offsets\":[0,4]") "}", 4,
         EM_ERR_MODEL_MALFORMED, "no natural number"},
        {"{" T("a", "\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]") "}", 0,
         EM_ERR_MODEL_MALFORMED, "too large"},
        {"{" T("a", "\"shape\":[4611686018427387904],\"data_offsets\":[0,0]") "}", 0,
         EM_ERR_MODEL_MALFORMED, "do not fit"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[0]") "}", 4, EM_ERR_MODEL_MALFORMED,
         "outside"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[0,4,4]") "}", 4,
         EM_ERR_MODEL_MALFORMED, "no list"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[4,0]") "}", 4,
         EM_ERR_MODEL_MALFORMED, "outside the file"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[4,8]") "}", 4,
         EM_ERR_MODEL_MALFORMED, "outside the file"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[0,5]") "}", 5,
         EM_ERR_MODEL_MALFORMED, "do not fit"},
        {"{" T("a", "\"shape\":[2],\"data_offsets\":[0,8]") "," T(
             "b", "\"shape\":[1],\"data_offsets\":[4,8]") "}",
         8, EM_ERR_MODEL_MALFORMED, "overlap"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[0,4]") "," T(
             "b", "\"shape\":[1],\"data_offsets\":[0,4]") "}",
         4, EM_ERR_MODEL_MALFORMED, "overlap"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[0,4]") "," T(
             "b", "\"shape\":[1],\"data_offsets\":[8,12]") "}",
         12, EM_ERR_MODEL_MALFORMED, "gap"},
        {"{" T("a", "\"shape\":[1],\"data_offsets\":[4,8]") "}", 8,
         EM_ERR_MODEL_MALFORMED, "gap"},
        {"{\"__metadata__\":[]}", 0, EM_ERR_MODEL_MALFORMED, "__metadata__"},
        {"{\"__metadata__\":{\"a\":1}}", 0, EM_ERR_MODEL_MALFORMED, "__metadata__"},
        {"{\"a\\u0000\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         EM_ERR_JSON_SYNTAX, "NUL"},
        {"{\"\xFF\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         EM_ERR_JSON_SYNTAX, "decode byte"},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        test_note("row %zu: %s", i, rows[i].header);
        CHECK_ERR(open_file(file_of(rows[i].header, rows[i].data_len)), rows[i].want);
        CHECK(problem_says(rows[i].says));
        CHECK(strncmp(problem.text, "x.safetensors: ", 15) == 0);
    }
}

static void nested_headers_are_refused(void)
{
    enum { DEPTH = 100000 };
    char *text = test_alloc(2 * DEPTH + 8);

    memcpy(text, "{\"a\":", 5);
    memset(text + 5, '[', DEPTH);
    memset(text + 5 + DEPTH, ']', DEPTH);
    memcpy(text + 5 + 2 * DEPTH, "}", 2);
    CHECK_ERR(open_file(file_of(text, 0)), EM_ERR_JSON_SYNTAX);
}

static void lengths_are_checked_before_anything_is_taken(void)
{
    static const uint64_t lens[] = {EM_SAFETENSORS_MAX_HEADER + 1, UINT64_MAX,
                                    (uint64_t)1 << 63};
    uint8_t file[16] = {0};

    for (size_t i = 0; i < EM_COUNT(lens); i++) {
        em_out o = EM_OUT(file);
        em_write_le64(&o, lens[i]);
        CHECK_ERR(open_file(EM_BYTES(file)), EM_ERR_LIMIT);
    }
    char *longest = test_alloc(EM_SAFETENSORS_MAX_HEADER + 1);
    memset(longest, ' ', EM_SAFETENSORS_MAX_HEADER);
    memcpy(longest, "{}", 2);
    longest[EM_SAFETENSORS_MAX_HEADER] = 0;
    CHECK_OK(open_file(file_of(longest, 0)));

    em_out o = EM_OUT(file);
    em_write_le64(&o, 9);
    CHECK_ERR(open_file(EM_BYTES(file)), EM_ERR_SHORT);
    for (size_t len = 0; len < 8; len++)
        CHECK_ERR(open_file(em_view(file, len)), EM_ERR_SHORT);
}

static bool opens(em_bytes in, void *arg)
{
    (void)arg;
    return open_file(in) == EM_OK;
}

static void no_cut_is_accepted(void)
{
    CHECK(test_abuse(file_of(good_header, 32), opens, NULL).cuts_accepted == 0);
}

/* ---- numbers ---- */

static const em_safetensors_tensor *single(em_safetensors *f, const char *type, size_t n,
                                           size_t bytes, em_bytes data)
{
    char header[200];

    snprintf(header, sizeof header,
             "{\"t\":{\"dtype\":\"%s\",\"shape\":[%zu],\"data_offsets\":[0,%zu]}}", type,
             n, n * bytes);
    em_bytes file = file_of(header, n * bytes);
    uint8_t *copy = test_alloc(file.len);
    memcpy(copy, file.at, file.len - data.len);
    memcpy(copy + file.len - data.len, data.at, data.len);
    if (em_safetensors_open(em_view(copy, file.len), "n", &problem, f) != EM_OK) abort();
    return em_safetensors_find(f, "t");
}

/* The value of a half, by its definition. */
static double half_value(uint16_t h)
{
    int exponent = h >> 10 & 31, part = h & 1023;
    double v = exponent == 0 ? ldexp(part, -24) : ldexp(1024 + part, exponent - 25);

    return h >> 15 ? -v : v;
}

static void every_half_converts_exactly(void)
{
    for (uint32_t h = 0; h < 65536; h++) {
        EM_DROP(em_safetensors) f = {0};
        uint8_t two[2] = {(uint8_t)h, (uint8_t)(h >> 8)};
        float got = -1, wide = -1;

        em_err err =
            em_safetensors_floats(single(&f, "F16", 1, 2, EM_BYTES(two)), 0, 1, &got);
        if ((h & 0x7C00) == 0x7C00) {
            CHECK_ERR(err, EM_ERR_MODEL_MALFORMED);
        } else {
            CHECK_ERR(err, EM_OK);
            CHECK((double)got == half_value((uint16_t)h));
            CHECK(!signbit(got) == !(h >> 15));
        }
        EM_DROP(em_safetensors) g = {0};
        err = em_safetensors_floats(single(&g, "BF16", 1, 2, EM_BYTES(two)), 0, 1, &wide);
        uint32_t bits = h << 16;
        CHECK_ERR(err, (h & 0x7F80) == 0x7F80 ? EM_ERR_MODEL_MALFORMED : EM_OK);
        CHECK(memcmp(&wide, &bits, 4) == 0);
    }
}

static void ranges_of_a_tensor(void)
{
    EM_DROP(em_safetensors) f = {0};
    static const float values[] = {0.5f, -1.25f, 3e38f, 1e-40f, -0.0f};
    float got[6];
    const em_safetensors_tensor *t = single(&f, "F32", 5, 4, EM_BYTES(values));

    CHECK_OK(em_safetensors_floats(t, 0, 5, got));
    CHECK(memcmp(got, values, sizeof values) == 0);
    CHECK_OK(em_safetensors_floats(t, 3, 2, got));
    CHECK(memcmp(got, values + 3, 8) == 0);
    CHECK_OK(em_safetensors_floats(t, 5, 0, got));
    CHECK_ERR(em_safetensors_floats(t, 4, 2, got), EM_ERR_RANGE);
    CHECK_ERR(em_safetensors_floats(t, 6, 0, got), EM_ERR_RANGE);
    CHECK_ERR(em_safetensors_floats(t, UINT64_MAX, 2, got), EM_ERR_RANGE);

    EM_DROP(em_safetensors) g = {0};
    static const uint8_t eight[8];
    t = single(&g, "I64", 1, 8, EM_BYTES(eight));
    CHECK_ERR(em_safetensors_floats(t, 0, 1, got), EM_ERR_UNSUPPORTED);
}

int main(void)
{
    RUN(a_good_file_reads);
    RUN(hostile_headers_are_refused);
    RUN(nested_headers_are_refused);
    RUN(lengths_are_checked_before_anything_is_taken);
    RUN(no_cut_is_accepted);
    RUN(every_half_converts_exactly);
    RUN(ranges_of_a_tensor);
    return test_end();
}
