/* em embed's readers and writers: lines out of files whatever their ends, texts out of
 * lines whatever their form, and the head of a NumPy file. */
#include "cmd/embed_in.h"
#include "cmd/embed_out.h"
#include "cmd/embed_run.h"

#include "os/file.h"
#include "tests/support/test.h"

#include <unistd.h>

static char folder[] = "/tmp/em-test.XXXXXX";
static em_problem problem;

static const char *path_of(const char *name)
{
    static char path[16][128];
    static unsigned turn;
    char *to = path[turn++ % 16];

    snprintf(to, sizeof path[0], "%s/%s", folder, name);
    return to;
}

static void remove_folder(void)
{
    if (em_file_remove_tree(folder) != EM_OK) printf("# %s stays\n", folder);
}

static void put(const char *name, em_bytes bytes)
{
    if (em_file_write(path_of(name), bytes, 0600) != EM_OK) abort();
}

/* The texts of a file as "a|b|c", or the error. */
static em_err read_all(const char *field, char *to, size_t cap)
{
    const char *const files[] = {path_of("in")};
    em_embed_in_text text;
    em_embed_in in;
    size_t at = 0;
    bool any;

    em_embed_in_files(&in, files, 1, field);
    to[0] = 0;
    for (bool first = true;; first = false) {
        em_err err = em_embed_in_next(&in, &problem, &text, &any);
        if (err != EM_OK || !any) {
            em_embed_in_drop(&in);
            return err;
        }
        int len = snprintf(to + at, cap - at, "%s%.*s", first ? "" : "|",
                           (int)text.text.len, (const char *)text.text.at);
        at += (size_t)len;
        if (at >= cap) abort();
    }
}

static void lines_end_as_they_like(void)
{
    static const struct {
        const char *in, *out;
    } table[] = {
        {"a\nb\n", "a|b"},
        {"a\nb", "a|b"},
        {"a\r\nb\r\n", "a|b"},
        {"a\r\nb\r", "a|b"},
        {"a\n\nb\n", "a||b"},
        {"\n", ""},
        {"\xEF\xBB\xBF"
         "a\nb\n",
         "a|b"},
        {"a\n\xEF\xBB\xBF"
         "b\n",
         "a|\xEF\xBB\xBF"
         "b"},
        {"a\rb\n", "a\rb"},
        {" a \n", " a "},
        {"\"a\"\n", "\"a\""},
    };
    char got[256];

    for (size_t i = 0; i < EM_COUNT(table); i++) {
        test_note("row %zu", i);
        put("in", em_view(table[i].in, strlen(table[i].in)));
        CHECK_OK(read_all(NULL, got, sizeof got));
        CHECK(strcmp(got, table[i].out) == 0);
    }
    put("in", (em_bytes){0});
    CHECK_OK(read_all(NULL, got, sizeof got));
    CHECK(got[0] == 0);
}

/* Lines of every length across the blocks that a file is read in. */
static void no_line_is_lost_between_blocks(void)
{
    enum { LINES = 400, MOST = 3 * EM_EMBED_IN_BLOCK };
    const char *const files[] = {path_of("in")};
    uint8_t *bytes = test_alloc(LINES * 2000 + MOST);
    size_t len = 0, n = 0;
    em_embed_in_text text;
    em_embed_in in;
    bool any = true;

    for (size_t i = 0; i < LINES; i++) {
        size_t line = i == 7 ? MOST : (i * 977) % 1999;
        memset(bytes + len, 'a' + (int)(i % 26), line);
        len += line;
        bytes[len++] = '\n';
    }
    put("in", em_view(bytes, len));
    em_embed_in_files(&in, files, 1, NULL);
    CHECK(in.bytes_all == len);
    for (;; n++) {
        CHECK_OK(em_embed_in_next(&in, &problem, &text, &any));
        if (!any) break;
        CHECK(text.text.len == (n == 7 ? MOST : (n * 977) % 1999));
        if (text.text.len > 0)
            CHECK(text.text.at[0] == 'a' + n % 26 &&
                  text.text.at[text.text.len - 1] == 'a' + n % 26);
    }
    CHECK(n == LINES && in.bytes_read == len);
    em_embed_in_drop(&in);
}

static void lines_that_are_too_long(void)
{
    uint8_t *bytes = test_alloc(EM_EMBED_IN_MAX_LINE + 3 * EM_EMBED_IN_BLOCK);
    char *got = test_alloc(EM_MAX_TEXT + 16);

    memset(bytes, 'x', EM_EMBED_IN_MAX_LINE + 3 * EM_EMBED_IN_BLOCK);
    put("in", em_view(bytes, EM_MAX_TEXT));
    CHECK_OK(read_all(NULL, got, EM_MAX_TEXT + 16));
    CHECK(strlen(got) == EM_MAX_TEXT);
    put("in", em_view(bytes, EM_MAX_TEXT + 1));
    CHECK_ERR(read_all(NULL, got, EM_MAX_TEXT + 16), EM_ERR_LIMIT);
    CHECK(strstr(problem.text, "line 1: ") != NULL);
    put("in", em_view(bytes, EM_EMBED_IN_MAX_LINE + 3 * EM_EMBED_IN_BLOCK));
    CHECK_ERR(read_all(NULL, got, EM_MAX_TEXT + 16), EM_ERR_LIMIT);
    CHECK_ERR(read_all("text", got, EM_MAX_TEXT + 16), EM_ERR_LIMIT);
    CHECK(strstr(problem.text, "line 1: ") != NULL);
}

/* One JSON line's error, or its text and id. */
static em_err read_line(em_bytes line, const char *want, const char *want_id)
{
    em_embed_in_text text = {0};
    json_t *json = NULL;
    bool any = false;

    EM_TRY(em_embed_in_line(line, "text", &problem, &json, &text, &any));
    CHECK(any == (want != NULL));
    if (any) CHECK(em_same(text.text, em_view(want, strlen(want))));
    if (any && want_id != NULL) {
        char *id = json_dumps(text.id, JSON_ENCODE_ANY | JSON_COMPACT);
        CHECK(id != NULL && strcmp(id, want_id) == 0);
        free(id);
    } else {
        CHECK(text.id == NULL);
    }
    json_decref(json);
    return EM_OK;
}

static void json_lines(void)
{
    static const struct {
        const char *line, *text, *id;
        em_err err;
    } table[] = {
        {"\"a\"", "a", NULL, EM_OK},
        {"  {\"text\":\"a\\u00e9\\n\"} ", "a\xC3\xA9\n", NULL, EM_OK},
        {"{\"id\":\"x\",\"text\":\"\"}", "", "\"x\"", EM_OK},
        {"{\"text\":\"a\",\"id\":-9223372036854775808}", "a", "-9223372036854775808",
         EM_OK},
        {"{\"text\":\"a\",\"id\":null,\"x\":{\"id\":1}}", "a", NULL, EM_OK},
        {"", NULL, NULL, EM_OK},
        {" \t\r", NULL, NULL, EM_OK},
        {"{\"text\":\"a\",\"id\":1.5}", NULL, NULL, EM_ERR_JSON_TYPE},
        {"{\"text\":\"a\",\"id\":true}", NULL, NULL, EM_ERR_JSON_TYPE},
        {"{\"text\":\"a\",\"id\":9223372036854775808}", NULL, NULL, EM_ERR_JSON_SYNTAX},
        {"{\"text\":null}", NULL, NULL, EM_ERR_JSON_TYPE},
        {"{}", NULL, NULL, EM_ERR_JSON_MEMBER},
        {"[\"a\"]", NULL, NULL, EM_ERR_JSON_TYPE},
        {"null", NULL, NULL, EM_ERR_JSON_TYPE},
        {"\"a", NULL, NULL, EM_ERR_JSON_SYNTAX},
        {"\"a\" b", NULL, NULL, EM_ERR_JSON_SYNTAX},
        {"\"\\ud800\"", NULL, NULL, EM_ERR_JSON_SYNTAX},
        {"\"a\\u0000\"", NULL, NULL, EM_ERR_FORMAT},
        {"{\"text\":\"a\",\"text\":\"b\"}", NULL, NULL, EM_ERR_JSON_SYNTAX},
        {"\"\xff\"", NULL, NULL, EM_ERR_JSON_SYNTAX},
    };

    for (size_t i = 0; i < EM_COUNT(table); i++) {
        test_note("%s", table[i].line);
        CHECK_ERR(read_line(em_view(table[i].line, strlen(table[i].line)), table[i].text,
                            table[i].id),
                  table[i].err);
    }
    CHECK_ERR(read_line(em_view("\"a\0\"", 4), NULL, NULL), EM_ERR_JSON_SYNTAX);
    /* nesting that would exhaust a parser's stack */
    char *deep = test_alloc(100000);
    memset(deep, '[', 100000);
    CHECK_ERR(read_line(em_view(deep, 100000), NULL, NULL), EM_ERR_JSON_SYNTAX);
}

static void the_head_of_a_numpy_file(void)
{
    static const char want[] =
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 384), }";
    char head[EM_EMBED_OUT_NPY_HEAD];

    em_embed_out_npy_head(3, 384, head);
    CHECK(memcmp(head, "\x93NUMPY\x01\x00\x76\x00", 10) == 0);
    CHECK(memcmp(head + 10, want, sizeof want - 1) == 0);
    for (size_t i = 10 + sizeof want - 1; i + 1 < sizeof head; i++) CHECK(head[i] == ' ');
    CHECK(head[sizeof head - 1] == '\n');
    em_embed_out_npy_head(UINT64_MAX, UINT64_MAX, head);
    CHECK(strstr(head + 10, "(18446744073709551615, 18446744073709551615), }") != NULL);
    CHECK(head[sizeof head - 1] == '\n');
}

static void what_is_written_can_be_read(void)
{
    static const float numbers[] = {1.0f, -0.5f, 3e38f, 0.0f, 1e-40f, 0.1f};
    static const uint32_t tokens[] = {3, 4};
    static const unsigned char cut[] = {0, 1};
    const em_client_vectors v = {
        .n = 2, .dim = 3, .vector = numbers, .tokens = tokens, .truncated = cut};
    const em_embed_out_batch batch = {.vectors = &v};
    em_embed_out out;
    const char *kept;

    CHECK_OK(em_embed_out_open(&out, EM_EMBED_NPY, path_of("v.npy"), 0, &problem));
    CHECK_OK(em_embed_out_write(&out, &batch, &problem));
    CHECK_OK(em_embed_out_write(&out, &batch, &problem));
    CHECK(!em_file_exists(path_of("v.npy")) && em_file_exists(path_of("v.npy.part")));
    CHECK_OK(em_embed_out_close(&out, true, &problem, &kept));
    CHECK(kept == NULL && !em_file_exists(path_of("v.npy.part")));
    em_bytes file = test_file(path_of("v.npy"));
    REQUIRE(file.len == 128 + 2 * sizeof numbers);
    CHECK(memmem(file.at, 128, "(4, 3)", 6) != NULL);
    CHECK(memcmp(file.at + 128, numbers, sizeof numbers) == 0);
    CHECK(memcmp(file.at + 128 + sizeof numbers, numbers, sizeof numbers) == 0);

    CHECK_OK(em_embed_out_open(&out, EM_EMBED_F32, path_of("v.f32"), 0, &problem));
    CHECK_OK(em_embed_out_write(&out, &batch, &problem));
    const em_client_vectors other = {
        .n = 1, .dim = 2, .vector = numbers, .tokens = tokens, .truncated = cut};
    const em_embed_out_batch odd = {.vectors = &other};
    CHECK_ERR(em_embed_out_write(&out, &odd, &problem), EM_ERR_ANSWER_MALFORMED);
    CHECK_OK(em_embed_out_close(&out, false, &problem, &kept));
    CHECK(kept != NULL && !em_file_exists(path_of("v.f32")));
    file = test_file(path_of("v.f32.part"));
    CHECK(file.len == sizeof numbers && memcmp(file.at, numbers, sizeof numbers) == 0);
}

static void json_has_no_word_for_infinity(void)
{
    static const float numbers[] = {1.0f, (float)(1e308 * 10)};
    static const uint32_t tokens[] = {3};
    static const unsigned char cut[] = {0};
    const em_client_vectors v = {
        .n = 1, .dim = 2, .vector = numbers, .tokens = tokens, .truncated = cut};
    const em_embed_out_batch batch = {.vectors = &v};
    em_embed_out out;
    const char *kept;

    CHECK_OK(em_embed_out_open(&out, EM_EMBED_JSONL, path_of("i.jsonl"), 0, &problem));
    CHECK_ERR(em_embed_out_write(&out, &batch, &problem), EM_ERR_ANSWER_MALFORMED);
    CHECK_OK(em_embed_out_close(&out, false, &problem, &kept));
    CHECK(kept == NULL && !em_file_exists(path_of("i.jsonl.part")));
}

static void names_and_limits(void)
{
    em_embed_format format;
    char path[16];

    CHECK(em_embed_out_format("npy", &format) && format == EM_EMBED_NPY);
    CHECK(em_embed_out_format("text", &format) && format == EM_EMBED_PEOPLE);
    CHECK(!em_embed_out_format("NPY", &format) && !em_embed_out_format("", &format));
    CHECK_OK(em_embed_run_evidence("e.cbor", 1, path, sizeof path));
    CHECK(strcmp(path, "e.cbor") == 0);
    CHECK_OK(em_embed_run_evidence("e.cbor", 12, path, sizeof path));
    CHECK(strcmp(path, "e.cbor.12") == 0);
    CHECK_ERR(em_embed_run_evidence("0123456789abc", 10, path, sizeof path),
              EM_ERR_LIMIT);
    CHECK(!em_embed_run_is_old(0, 0, 0));
    CHECK(em_embed_run_is_old(EM_SESSION_LIFE_MS / 2, 0, 0));
    CHECK(em_embed_run_is_old(0, EM_SESSION_MESSAGES / 2, 0));
    CHECK(em_embed_run_is_old(0, 0, EM_SESSION_BYTES / 2));
    /* what one more request may cost still fits a session that is not old */
    CHECK(EM_SESSION_BYTES / 2 + EM_MAX_REQUEST + EM_MAX_ANSWER < EM_SESSION_BYTES);
}

int main(void)
{
    if (mkdtemp(folder) == NULL) return 1;
    atexit(remove_folder);
    RUN(lines_end_as_they_like);
    RUN(no_line_is_lost_between_blocks);
    RUN(lines_that_are_too_long);
    RUN(json_lines);
    RUN(the_head_of_a_numpy_file);
    RUN(what_is_written_can_be_read);
    RUN(json_has_no_word_for_infinity);
    RUN(names_and_limits);
    return test_end();
}
