/* WordPiece against ids that the Python package made, and everything hostile.
 *
 *   wordpiece                        the tests
 *   wordpiece --ids TOKENIZER MAX    frames of texts in, frames of ids out
 *   wordpiece --normal OPTIONS       frames of texts in, frames of normalised texts out
 *   wordpiece --time TOKENIZER FILE  megabytes a second, and nanoseconds for a short text
 * A frame is a u32, little-endian, and as many bytes (mk/compare_tokens.py asks). */
#include "engine/wordpiece_text.h"
#include "tests/engine/wordpiece_load.h"

#include <time.h>

/* Are the ids and the count of one text the wanted ones? */
static bool encodes(const em_wordpiece *t, em_bytes text, size_t max, const json_t *ids,
                    size_t tokens)
{
    uint32_t *got = test_alloc(sizeof *got * max);
    size_t n, count;

    if (em_wordpiece_encode(t, text, max, got, &n, &count) != EM_OK) return false;
    if (count != tokens || n != json_array_size(ids)) return false;
    for (size_t i = 0; i < n; i++)
        if (got[i] != (uint32_t)json_integer_value(json_array_get(ids, i))) return false;
    return true;
}

static void minilm_ids_are_the_golden_ones(void)
{
    json_t *root = load_json(test_shared("models/minilm-tokenizer/tokenizer.json"));
    REQUIRE(root != NULL);
    em_wordpiece t = load_tokenizer(root, NULL);
    json_decref(root);

    FILE *f = fopen(test_shared("vectors/minilm/golden.jsonl"), "rb");
    REQUIRE(f != NULL);
    json_t *line;
    int n = 0;
    while ((line = json_loadf(f, JSON_ALLOW_NUL | JSON_DISABLE_EOF_CHECK, NULL)) !=
           NULL) {
        em_bytes text = load_text(json_object_get(line, "text"));
        test_note("line %d", ++n);
        CHECK(encodes(&t, text, 256, json_object_get(line, "ids"),
                      load_number(line, "tokens")));
        json_decref(line);
    }
    fclose(f);
    CHECK(n == 300);
}

/* Every word of MiniLM's vocabulary that is a word to the pre-tokenizer gives its own id,
 * alone or behind a word of one letter that has no longer piece. */
static void minilm_words_are_found(void)
{
    json_t *root = load_json(test_shared("models/minilm-tokenizer/tokenizer.json"));
    REQUIRE(root != NULL);
    em_wordpiece_build_input in = load_input(root, NULL);
    em_wordpiece t = load_tokenizer(root, NULL);
    size_t whole = 0;

    for (size_t i = 0; i < in.words_n; i++) {
        uint32_t ids[64];
        size_t n, tokens;
        em_bytes text = in.words[i].text;

        CHECK_OK(em_wordpiece_encode(&t, text, 64, ids, &n, &tokens));
        if (n == 3 && ids[1] == in.words[i].id) whole++;
    }
    json_decref(root);
    test_note("%zu of %zu", whole, in.words_n);
    CHECK(whole > 23000 && in.words_n == 30522); /* the others begin with ## or are cut */
}

/* ---- the project's own golden file ---- */

static void ids_are_the_packages_ids(void)
{
    REQUIRE(golden() != NULL);
    json_t *texts = json_object_get(golden(), "texts"), *run, *result;
    size_t r, i, checked = 0;

    json_array_foreach(json_object_get(golden(), "runs"), r, run)
    {
        em_wordpiece t = load_tokenizer(json_object_get(run, "tokenizer"),
                                        json_object_get(golden(), "vocab"));
        json_array_foreach(json_object_get(run, "results"), i, result)
        {
            em_bytes text = load_text(json_array_get(texts, i));
            test_note("run %zu, text %zu", r, i);
            CHECK(encodes(&t, text, load_number(run, "max"), json_array_get(result, 1),
                          (size_t)json_integer_value(json_array_get(result, 0))));
            checked++;
        }
    }
    test_note("%zu texts checked", checked);
    CHECK(checked > 7000 && checked == json_array_size(texts) * r);
}

/* ---- contracts of encoding ---- */

static void long_texts_are_cut_from_the_end(void)
{
    em_wordpiece_build_input in = golden_input(RUN_DEFAULT);
    em_err err;
    em_wordpiece t;
    CHECK_OK(em_wordpiece_open(load_section(&in, &err), &t));
    em_bytes text = EM_STR("the quick hello , the quick hello");
    uint32_t all[16], ids[16];
    size_t n, tokens;

    CHECK_OK(em_wordpiece_encode(&t, text, 16, all, &n, &tokens));
    CHECK(n == 9 && tokens == 9 && all[0] == in.cls && all[8] == in.sep);
    for (size_t max = 2; max < 16; max++) {
        memset(ids, 0xAA, sizeof ids);
        CHECK_OK(em_wordpiece_encode(&t, text, max, ids, &n, &tokens));
        CHECK(tokens == 9 && n == (max < 9 ? max : 9));
        CHECK(memcmp(ids, all, (n - 1) * sizeof *ids) == 0 && ids[n - 1] == in.sep);
        for (size_t i = max; i < 16; i++) CHECK(ids[i] == 0xAAAAAAAA);
    }
}

static void refusals_leave_outputs_alone(void)
{
    em_wordpiece_build_input in = golden_input(RUN_DEFAULT);
    em_err err;
    em_wordpiece t;
    CHECK_OK(em_wordpiece_open(load_section(&in, &err), &t));
    uint32_t ids[4] = {7, 7, 7, 7};
    size_t n = 7, tokens = 7;
    static const char *bad[] = {
        "\x80",     "hello \xC3",        "aaaaaaaaaaaaaaaa\xED\xA0\x80",
        "\xC0\x80", "a\xF4\x90\x80\x80", "\xC3\xA9\xA9"};

    CHECK_ERR(em_wordpiece_encode(&t, EM_STR("hello"), 1, ids, &n, &tokens),
              EM_ERR_ARGUMENT);
    for (size_t i = 0; i < EM_COUNT(bad); i++)
        CHECK_ERR(
            em_wordpiece_encode(&t, em_view(bad[i], strlen(bad[i])), 4, ids, &n, &tokens),
            EM_ERR_FORMAT);
    CHECK(ids[0] == 7 && ids[1] == 7 && n == 7 && tokens == 7);
    CHECK_OK(em_wordpiece_encode(&t, (em_bytes){0}, 4, ids, &n, &tokens));
    CHECK(n == 2 && tokens == 2 && ids[0] == in.cls && ids[1] == in.sep && ids[2] == 7);
}

/* Texts made to be slow, a megabyte each: white space that a token swallows again and
 * again, marks to be sorted, words just short enough, tokens that nearly match. */
static void hostile_texts_take_linear_time(void)
{
    static const char *repeat[] = {"\xCC\x81\xCC\x96",
                                   "\xF0\x9D\x85\xAD\xF0\x9D\x85\xA5\xE3\x80\xAE",
                                   "a",
                                   " ",
                                   "hello hell",
                                   "[C[CLS",
                                   "\xE4\xB8\xAD",
                                   "\xCD\x8F\xCC\x81",
                                   "<use",
                                   "\xEF\xBF\xBD",
                                   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "};
    em_wordpiece_build_input in = golden_input(RUN_NORMALIZED);
    em_err err;
    em_wordpiece t;
    em_wordpiece_build_added added[EM_MAX_ADDED_TOKENS];
    memcpy(added, in.added, in.added_n * sizeof *added);
    added[in.added_n++] = (em_wordpiece_build_added){EM_STR(" "), 0, EM_WORDPIECE_RSTRIP};
    in.added = added;
    CHECK_OK(em_wordpiece_open(load_section(&in, &err), &t));
    size_t len = 1 << 20;
    char *text = test_alloc(len);
    uint32_t *ids = test_alloc((len + 2) * sizeof *ids);

    for (size_t i = 0; i < EM_COUNT(repeat); i++) {
        size_t unit = strlen(repeat[i]), whole = len / unit * unit, n, tokens;
        for (size_t at = 0; at < whole; at += unit) memcpy(text + at, repeat[i], unit);
        clock_t start = clock();
        CHECK_OK(
            em_wordpiece_encode(&t, em_view(text, whole), len + 2, ids, &n, &tokens));
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        test_note("text %zu took %.2f s", i, seconds);
        CHECK(seconds <
              5); /* 0.2 s, or ten times that with sanitizers; 1000 s if squared */
        CHECK(tokens <= EM_WORDPIECE_MOST(whole) && n == tokens);
    }
}

/* ---- the normaliser ---- */

static em_bytes normal(em_bytes text, uint32_t options)
{
    em_wordpiece_text walk = em_wordpiece_text_of(text, options);
    uint8_t *to = test_alloc(3 * text.len + 4); /* an ideograph gets two spaces */
    size_t len = 0;

    for (uint32_t c; (c = em_wordpiece_text_next(&walk)) != EM_WORDPIECE_TEXT_END;)
        len += em_wordpiece_text_encode(c, to + len);
    return em_view(to, len);
}

static void marks_that_stay_are_sorted(void)
{
    uint32_t strip = EM_WORDPIECE_STRIP_ACCENTS, lower = EM_WORDPIECE_LOWERCASE;

    /* U+1D16D (class 226) behind U+1D165 (216) and U+302E (224), U+0301 dropped */
    CHECK(em_same(normal(EM_STR("a\U0001D16D\u0301\u302E\U0001D165\U0001D16Db"), strip),
                  EM_STR("a\U0001D165\u302E\U0001D16D\U0001D16Db")));
    /* U+034F is a starter, although it is dropped */
    CHECK(em_same(normal(EM_STR("\U0001D16D\u034F\U0001D165"), strip),
                  EM_STR("\U0001D16D\U0001D165")));
    CHECK(em_same(normal(EM_STR("\U0001D16D\U0001D165"), lower),
                  EM_STR("\U0001D16D\U0001D165")));
    CHECK(em_same(normal(EM_STR("\u0130"), lower), EM_STR("i\u0307")));
    CHECK(em_same(normal(EM_STR("\u0130"), lower | strip), EM_STR("i")));
    CHECK(em_same(normal(EM_STR("\u03A3\uD55C"), lower | strip),
                  EM_STR("\u03C3\u1112\u1161\u11AB")));
}

/* em_wordpiece.h says no text has more tokens than bytes, and two. */
static void no_character_grows(void)
{
    for (uint32_t options = 0; options < 16; options++)
        for (uint32_t c = 0; c < 0x110000; c += c == 0xD7FF ? 0x801 : 1) {
            uint8_t utf8[4];
            size_t len = em_wordpiece_text_encode(c, utf8), out = 0;
            em_wordpiece_text walk = em_wordpiece_text_of(em_view(utf8, len), options);

            for (uint32_t d;
                 (d = em_wordpiece_text_next(&walk)) != EM_WORDPIECE_TEXT_END;)
                out += d != ' ';
            test_note("U+%04X, options %u", c, options);
            if (out > len) CHECK(out <= len);
        }
}

/* ---- frames, for mk/compare_tokens.py ---- */

static bool read_frame(em_bytes *ret_text)
{
    static uint8_t *at;
    static size_t cap;
    uint32_t len;

    if (fread(&len, 4, 1, stdin) != 1) return false;
    if (len > cap || at == NULL) {
        cap = len + 1u;
        at = test_alloc(cap);
    }
    *ret_text = em_view(at, len);
    return fread(at, 1, len, stdin) == len;
}

static int pipe_ids(const char *path, size_t max)
{
    json_t *root = load_json(path);
    em_bytes text;

    if (root == NULL || max < 2) return 2;
    em_wordpiece t = load_tokenizer(root, NULL);
    while (read_frame(&text)) {
        size_t room =
            max < EM_WORDPIECE_MOST(text.len) ? max : EM_WORDPIECE_MOST(text.len);
        uint32_t *ids = malloc(room * sizeof *ids), head;
        size_t n, tokens;

        if (ids == NULL || em_wordpiece_encode(&t, text, max, ids, &n, &tokens) != EM_OK)
            return 2;
        head = (uint32_t)(4 * n + 4);
        fwrite(&head, 4, 1, stdout);
        head = (uint32_t)tokens;
        fwrite(&head, 4, 1, stdout);
        fwrite(ids, 4, n, stdout);
        free(ids);
    }
    return fflush(stdout) == 0 ? 0 : 2;
}

static int pipe_normal(uint32_t options)
{
    em_bytes text;

    while (read_frame(&text)) {
        em_wordpiece_text walk = em_wordpiece_text_of(text, options);
        uint8_t *to = malloc(3 * text.len + 4);
        uint32_t len = 0;

        if (to == NULL) return 2;
        for (uint32_t c; (c = em_wordpiece_text_next(&walk)) != EM_WORDPIECE_TEXT_END;)
            len += (uint32_t)em_wordpiece_text_encode(c, to + len);
        fwrite(&len, 4, 1, stdout);
        fwrite(to, 1, len, stdout);
        free(to);
    }
    return fflush(stdout) == 0 ? 0 : 2;
}

/* Seconds of the fastest of `times` rounds. */
static double seconds_of(const em_wordpiece *t, em_bytes text, int times,
                         size_t *ret_tokens)
{
    uint32_t *ids = test_alloc(EM_WORDPIECE_MOST(text.len) * sizeof *ids);
    double best = 1e9;

    for (int i = 0; i < times; i++) {
        struct timespec from, to;
        size_t n;
        clock_gettime(CLOCK_MONOTONIC, &from);
        if (em_wordpiece_encode(t, text, EM_WORDPIECE_MOST(text.len), ids, &n,
                                ret_tokens) != EM_OK)
            abort();
        clock_gettime(CLOCK_MONOTONIC, &to);
        double took = (double)(to.tv_sec - from.tv_sec) +
                      1e-9 * (double)(to.tv_nsec - from.tv_nsec);
        if (took < best) best = took;
    }
    return best;
}

static int time_it(const char *path, const char *text_path)
{
    json_t *root = load_json(path);
    em_bytes text = test_file(text_path);
    size_t tokens, few;

    if (root == NULL || !em_is_utf8(text)) return 2;
    em_wordpiece t = load_tokenizer(root, NULL);
    double all = seconds_of(&t, text, 15, &tokens);
    double one = seconds_of(&t, EM_STR("The quick brown fox jumps over the lazy dog."),
                            10000, &few);
    printf(
        "%zu bytes, %zu tokens: %.0f MB/s, %.1f million tokens/s; 44 bytes, %zu tokens: "
        "%.0f ns\n",
        text.len, tokens, (double)text.len / all / 1e6, (double)tokens / all / 1e6, few,
        one * 1e9);
    json_decref(root);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--time") == 0) return time_it(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "--ids") == 0)
        return pipe_ids(argv[2], strtoul(argv[3], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "--normal") == 0)
        return pipe_normal((uint32_t)strtoul(argv[2], NULL, 10));

    if (test_shared("models/minilm-tokenizer/tokenizer.json") != NULL) {
        RUN(minilm_ids_are_the_golden_ones);
        RUN(minilm_words_are_found);
    } else {
        test_skip("minilm_ids_are_the_golden_ones", "no vectors beside the tree");
        test_skip("minilm_words_are_found", "no vectors beside the tree");
    }
    RUN(ids_are_the_packages_ids);
    RUN(long_texts_are_cut_from_the_end);
    RUN(refusals_leave_outputs_alone);
    RUN(hostile_texts_take_linear_time);
    RUN(marks_that_stay_are_sorted);
    RUN(no_character_grows);
    json_decref(golden());
    return test_end();
}
