/* tokenizer.json and vocab.txt: what is taken gives the right ids, everything else is
 * refused by name. */
#include "tools/tokenizer_json.h"

#include "tests/tools/folder.h"
#include "tools/tokenizer_vocab.h"

#include <jansson.h>

/* A small tokenizer, its parts on lines of their own so that a test can change one. */
static const char good[] =
    "{\"version\":\"1.0\",\"truncation\":{\"max_length\":128},\"padding\":{},"
    "\"added_tokens\":["
    "{\"id\":0,\"special\":true,\"content\":\"[PAD]\",\"normalized\":false},"
    "{\"id\":1,\"special\":true,\"content\":\"[UNK]\",\"normalized\":false},"
    "{\"id\":2,\"special\":true,\"content\":\"[CLS]\",\"normalized\":false},"
    "{\"id\":3,\"special\":true,\"content\":\"[SEP]\",\"normalized\":false},"
    "{\"id\":9,\"special\":false,\"content\":\"Hot Dog\",\"normalized\":true}],"
    "\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,"
    "\"handle_chinese_chars\":true,\"strip_accents\":null,\"lowercase\":true},"
    "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
    "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":["
    "{\"SpecialToken\":{\"id\":\"[CLS]\",\"type_id\":0}},"
    "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"
    "{\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":0}}],\"pair\":[],"
    "\"special_tokens\":{\"[CLS]\":{\"id\":\"[CLS]\",\"ids\":[2],\"tokens\":[\"[CLS]\"]},"
    "\"[SEP]\":{\"id\":\"[SEP]\",\"ids\":[3],\"tokens\":[\"[SEP]\"]}}},"
    "\"decoder\":{\"type\":\"WordPiece\"},"
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\","
    "\"continuing_subword_prefix\":\"##\",\"max_input_chars_per_word\":100,"
    "\"vocab\":{\"[PAD]\":0,\"[UNK]\":1,\"[CLS]\":2,\"[SEP]\":3,\"hot\":4,\"dog\":5,"
    "\"##s\":6,\"cafe\":7,\"[MASK]\":8}}}";

static em_err read_text(const char *text, em_tokenizer_json *ret)
{
    return em_tokenizer_json_read(em_view(text, strlen(text)), "tokenizer.json", &problem,
                                  ret);
}

/* The ids of a text, as "2 4 5 3". */
static const char *ids_of(const em_tokenizer_json *t, const char *text)
{
    static char out[4096];
    static uint32_t ids[512];
    EM_DROP(em_map) pages = {0};
    em_wordpiece w;
    size_t len = 0, n = 0, all = 0, at = 0;

    if (em_tokenizer_json_build(t, "t", &problem, &pages, &len) != EM_OK ||
        em_wordpiece_open(em_view(pages.at, len), &w) != EM_OK ||
        em_wordpiece_encode(&w, em_view(text, strlen(text)), 512, ids, &n, &all) != EM_OK)
        return "failed";
    for (size_t i = 0; i < n; i++)
        at +=
            (size_t)snprintf(out + at, sizeof out - at, "%s%u", i > 0 ? " " : "", ids[i]);
    return out;
}

static void a_small_tokenizer_works(void)
{
    EM_DROP(em_tokenizer_json) t = {0};

    CHECK_OK(read_text(good, &t));
    CHECK(t.input.unk == 1 && t.input.cls == 2 && t.input.sep == 3);
    CHECK(t.input.pad == 0 && t.input.mask == 8 && t.input.word_chars == 100);
    CHECK(t.input.words_n == 9 && t.input.added_n == 5);
    CHECK(strcmp(ids_of(&t, "Dogs hot"), "2 5 6 4 3") == 0);
    CHECK(strcmp(ids_of(&t, "CAF\xC3\x89 x"), "2 7 1 3") == 0);
    CHECK(strcmp(ids_of(&t, "hot[SEP]dog"), "2 4 3 5 3") == 0);
    CHECK(strcmp(ids_of(&t, "a HOT DOG"), "2 1 9 3") == 0); /* a normalised added token */
}

static json_t *at_path(json_t *v, const char *path)
{
    char part[64];

    while (*path != 0) {
        size_t len = strcspn(path, "/");
        snprintf(part, sizeof part, "%.*s", (int)len, path);
        v = json_is_array(v) ? json_array_get(v, (size_t)strtoul(part, NULL, 10))
                             : json_object_get(v, part);
        path += len + (path[len] == '/');
    }
    return v;
}

/* The good text with the value at "part/part/key" set, or taken out. */
static const char *with(const char *path, const char *value)
{
    json_t *root = json_loads(good, 0, NULL);
    char parent[128];
    const char *slash = strrchr(path, '/'), *key = slash != NULL ? slash + 1 : path;

    snprintf(parent, sizeof parent, "%.*s", slash != NULL ? (int)(slash - path) : 0,
             path);
    json_t *in = at_path(root, parent);
    json_t *to = value != NULL ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
    if (value == NULL)
        json_object_del(in, key);
    else if (json_is_array(in))
        json_array_set_new(in, (size_t)strtoul(key, NULL, 10), to);
    else
        json_object_set_new(in, key, to);
    char *dumped = json_dumps(root, JSON_COMPACT);
    char *copy = test_alloc(strlen(dumped) + 1);
    memcpy(copy, dumped, strlen(dumped) + 1);
    free(dumped);
    json_decref(root);
    return copy;
}

static void everything_else_is_refused_by_name(void)
{
    static const struct {
        const char *path, *value;
        em_err want;
        const char *says;
    } rows[] = {
        {"version", "\"2.0\"", EM_ERR_UNSUPPORTED, "version is 2.0"},
        {"normalizer", "null", EM_ERR_UNSUPPORTED, "normalizer is missing"},
        {"normalizer", "{\"type\":\"NFKC\"}", EM_ERR_UNSUPPORTED, "normalizer is NFKC"},
        {"normalizer", "{\"type\":\"Sequence\",\"normalizers\":[]}", EM_ERR_UNSUPPORTED,
         "normalizer is Sequence"},
        {"version", "1", EM_ERR_JSON_TYPE, "version"},
        {"normalizer/lowercase", "1", EM_ERR_JSON_TYPE, "lowercase"},
        {"normalizer/clean_text", "1", EM_ERR_JSON_TYPE, "clean_text"},
        {"normalizer/handle_chinese_chars", "[]", EM_ERR_JSON_TYPE, "handle_chinese"},
        {"normalizer/strip_accents", "\"yes\"", EM_ERR_JSON_TYPE, "strip_accents"},
        {"pre_tokenizer", "{\"type\":\"Whitespace\"}", EM_ERR_UNSUPPORTED,
         "pre_tokenizer is Whitespace; only BertPreTokenizer"},
        {"pre_tokenizer", NULL, EM_ERR_UNSUPPORTED, "pre_tokenizer is missing"},
        {"post_processor", NULL, EM_ERR_UNSUPPORTED, "post_processor is missing"},
        {"post_processor/type", "\"RobertaProcessing\"", EM_ERR_UNSUPPORTED, "Roberta"},
        {"post_processor", "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",3]}",
         EM_ERR_MODEL_MALFORMED, "cls: the post-processor"},
        {"post_processor",
         "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\"],\"cls\":[\"[CLS]\",2]}",
         EM_ERR_MODEL_MALFORMED, "sep: the post-processor"},
        {"post_processor",
         "{\"type\":\"BertProcessing\",\"sep\":[\"\",\"3\"],\"cls\":[\"[CLS]\",2]}",
         EM_ERR_MODEL_MALFORMED, "sep"},
        {"post_processor",
         "{\"type\":\"BertProcessing\",\"sep\":[\"\",-1],\"cls\":[\"[CLS]\",2]}",
         EM_ERR_MODEL_MALFORMED, "sep"},
        {"post_processor",
         "{\"type\":\"BertProcessing\",\"sep\":[\"\",1048576],\"cls\":[\"[CLS]\",2]}",
         EM_ERR_MODEL_MALFORMED, "sep"},
        {"post_processor/single", "[]", EM_ERR_UNSUPPORTED, "template"},
        {"post_processor/single/0/SpecialToken/type_id", "1", EM_ERR_UNSUPPORTED,
         "template"},
        {"post_processor/single/1/Sequence/id", "\"B\"", EM_ERR_UNSUPPORTED, "template"},
        {"post_processor/single/1/Sequence/type_id", "1", EM_ERR_UNSUPPORTED, "template"},
        {"post_processor/single/0/SpecialToken/id", "\"[X]\"", EM_ERR_MODEL_MALFORMED,
         "[X]"},
        {"post_processor/special_tokens/[SEP]/ids", "[3,3]", EM_ERR_MODEL_MALFORMED,
         "[SEP]: the post-processor gives it no single id"},
        {"post_processor/special_tokens/[SEP]/ids", "[-3]", EM_ERR_MODEL_MALFORMED,
         "[SEP]"},
        {"post_processor/special_tokens/[SEP]/ids", "[1048576]", EM_ERR_MODEL_MALFORMED,
         "[SEP]"},
        {"model", NULL, EM_ERR_UNSUPPORTED, "model is missing"},
        {"model/type", "\"BPE\"", EM_ERR_UNSUPPORTED, "model is BPE; only WordPiece"},
        {"model/unk_token", NULL, EM_ERR_JSON_MEMBER, "unk_token"},
        {"model/unk_token", "\"<unk>\"", EM_ERR_MODEL_MALFORMED, "<unk>: unk_token"},
        {"model/continuing_subword_prefix", "5", EM_ERR_JSON_TYPE, "continuing"},
        {"model/max_input_chars_per_word", "0", EM_ERR_RANGE, "max_input_chars"},
        {"model/max_input_chars_per_word", "513", EM_ERR_RANGE, "512"},
        {"model/vocab", "{}", EM_ERR_LIMIT, "0 entries"},
        {"model/vocab", "[]", EM_ERR_JSON_TYPE, "vocab"},
        {"model/vocab/hot", "-1", EM_ERR_MODEL_MALFORMED, "hot: its id"},
        {"model/vocab/hot", "1048576", EM_ERR_MODEL_MALFORMED, "hot: its id"},
        {"model/vocab/hot", "4.0", EM_ERR_MODEL_MALFORMED, "hot: its id"},
        {"added_tokens/4", "7", EM_ERR_MODEL_MALFORMED, "added_tokens"},
        {"added_tokens/4/id", "10", EM_ERR_MODEL_MALFORMED, "Hot Dog: its id"},
        {"added_tokens/0/id", "1", EM_ERR_MODEL_MALFORMED, "[PAD]: its id"},
        {"added_tokens/0/id", "\"0\"", EM_ERR_JSON_TYPE, "id"},
        {"added_tokens/4/content", NULL, EM_ERR_JSON_MEMBER, "content"},
        {"added_tokens/4/normalized", "0", EM_ERR_JSON_TYPE, "normalized"},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        EM_DROP(em_tokenizer_json) t = {0};
        test_note("%s = %s", rows[i].path, rows[i].value);
        CHECK_ERR(read_text(with(rows[i].path, rows[i].value), &t), rows[i].want);
        CHECK(t.words == NULL && t.json == NULL);
        CHECK(problem_says(rows[i].says));
    }
}

static void what_may_differ(void)
{
    static const struct {
        const char *path, *value, *text, *ids;
    } rows[] = {
        {"version", NULL, "hot", "2 4 3"},
        {"truncation", "null", "hot", "2 4 3"},
        {"decoder", "null", "hot", "2 4 3"},
        {"model/type", NULL, "hot", "2 4 3"}, /* as files before 2021 have it */
        {"normalizer/lowercase", "false", "Hot hot", "2 1 4 3"},
        {"normalizer/strip_accents", "false", "caf\xC3\xA9", "2 1 3"},
        {"normalizer/handle_chinese_chars", "false", "hot\xE4\xB8\x80", "2 1 3"},
        {"normalizer/clean_text", "false", "hot\x01", "2 1 3"},
        {"model/continuing_subword_prefix", "\"\"", "hotdog", "2 4 5 3"},
        {"model/max_input_chars_per_word", "3", "dogs dog", "2 1 5 3"},
        {"added_tokens", "[]", "hot[SEP]", "2 4 1 1 1 3"},
        {"post_processor",
         "{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",3],\"cls\":[\"[CLS]\",2]}",
         "hot", "2 4 3"},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        EM_DROP(em_tokenizer_json) t = {0};
        test_note("%s = %s", rows[i].path, rows[i].value);
        CHECK_OK(read_text(with(rows[i].path, rows[i].value), &t));
        const char *ids = ids_of(&t, rows[i].text);
        if (strcmp(ids, rows[i].ids) != 0) printf("  %s\n", ids);
        CHECK(strcmp(ids, rows[i].ids) == 0);
    }
}

static bool reads(em_bytes in, void *arg)
{
    EM_DROP(em_tokenizer_json) t = {0};
    EM_DROP(em_map) pages = {0};
    size_t len;

    (void)arg;
    return em_tokenizer_json_read(in, "t", &problem, &t) == EM_OK &&
           em_tokenizer_json_build(&t, "t", &problem, &pages, &len) == EM_OK;
}

static void no_cut_reads(void)
{
    CHECK(test_abuse(em_view(good, strlen(good)), reads, NULL).cuts_accepted == 0);
}

static void what_is_no_tokenizer_at_all(void)
{
    EM_DROP(em_tokenizer_json) t = {0};

    CHECK_PROBLEM(read_text("", &t), EM_ERR_JSON_SYNTAX, "tokenizer.json: line 1");
    CHECK_PROBLEM(read_text("[]", &t), EM_ERR_JSON_TYPE, "not a JSON object");
    CHECK_PROBLEM(read_text("{}", &t), EM_ERR_UNSUPPORTED, "normalizer is missing");
    CHECK_PROBLEM(read_text("{\"a\":1,\"a\":2}", &t), EM_ERR_JSON_SYNTAX, "duplicate");
}

static void as_many_added_tokens_as_are_read(void)
{
    enum { ROOM = (EM_MAX_ADDED_TOKENS + 1) * 48 };
    char *list = test_alloc(ROOM);
    size_t len = 0;

    for (unsigned i = 0; i <= EM_MAX_ADDED_TOKENS; i++) {
        len +=
            (size_t)snprintf(list + len, ROOM - len, "%s{\"content\":\"<%u>\",\"id\":%u}",
                             i == 0 ? "[" : ",", i, i + 9);
        if (i + 1 < EM_MAX_ADDED_TOKENS) continue;
        EM_DROP(em_tokenizer_json) t = {0};
        snprintf(list + len, ROOM - len, "]");
        CHECK_ERR(read_text(with("added_tokens", list), &t),
                  i < EM_MAX_ADDED_TOKENS ? EM_OK : EM_ERR_LIMIT);
    }
}

static void a_token_that_cannot_be_built_is_told(void)
{
    EM_DROP(em_tokenizer_json) t = {0};
    EM_DROP(em_map) pages = {0};
    size_t len;

    CHECK_OK(read_text(with("added_tokens/4/content", "\"\""), &t));
    CHECK_PROBLEM(em_tokenizer_json_build(&t, "t.json", &problem, &pages, &len),
                  EM_ERR_MODEL_MALFORMED, "t.json: ", "added token is empty");
}

/* ---- vocab.txt ---- */

static em_err read_vocab(const char *vocab, const char *config, em_tokenizer_json *ret)
{
    return em_tokenizer_vocab_read(em_view(vocab, strlen(vocab)),
                                   config != NULL ? em_view(config, strlen(config))
                                                  : (em_bytes){0},
                                   "vocab.txt", "tokenizer_config.json", &problem, ret);
}

static const char lines[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhot\ndog\n##s\ncafe\n[MASK]\n";

static void a_vocabulary_alone_is_enough(void)
{
    EM_DROP(em_tokenizer_json) t = {0};

    CHECK_OK(read_vocab(lines, NULL, &t));
    CHECK(t.input.words_n == 9 && t.input.added_n == 5);
    CHECK(strcmp(ids_of(&t, "Hot dogs caf\xC3\xA9[SEP]"), "2 4 5 6 7 3 3") == 0);
    EM_DROP(em_tokenizer_json) other = {0};
    CHECK_OK(read_vocab("[PAD]\r\n[UNK]\r\n[CLS]\r\n\r\n[SEP]\r\nhot", "{}", &other));
    CHECK(other.input.mask == EM_WORDPIECE_NONE && other.input.words_n == 5);
    CHECK(strcmp(ids_of(&other, "hot"), "2 5 4") == 0); /* an empty line has its id */
}

static void both_forms_give_the_same_section(void)
{
    EM_DROP(em_tokenizer_json) a = {0};
    EM_DROP(em_tokenizer_json) b = {0};
    EM_DROP(em_map) x = {0};
    EM_DROP(em_map) y = {0};
    size_t x_len = 0, y_len = 0;
    json_t *root = json_loads(good, 0, NULL),
           *added = json_object_get(root, "added_tokens");

    json_array_remove(added, 4); /* vocab.txt has the five special ones */
    json_array_append_new(added,
                          json_loads("{\"id\":8,\"content\":\"[MASK]\"}", 0, NULL));
    /* and tokenizer_config's order: unk, cls, sep, pad, mask */
    static const char *order[] = {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"};
    json_t *sorted = json_array();
    for (size_t i = 0; i < EM_COUNT(order); i++)
        for (size_t k = 0; k < json_array_size(added); k++) {
            json_t *v = json_array_get(added, k);
            if (strcmp(json_string_value(json_object_get(v, "content")), order[i]) == 0)
                json_array_append(sorted, v);
        }
    json_object_set_new(root, "added_tokens", sorted);
    char *text = json_dumps(root, 0);
    CHECK_OK(read_text(text, &a));
    CHECK_OK(read_vocab(lines, NULL, &b));
    CHECK_OK(em_tokenizer_json_build(&a, "a", &problem, &x, &x_len));
    CHECK_OK(em_tokenizer_json_build(&b, "b", &problem, &y, &y_len));
    CHECK(x_len > 0 && em_same(em_view(x.at, x_len), em_view(y.at, y_len)));
    free(text);
    json_decref(root);
}

static void what_tokenizer_config_says(void)
{
    static const struct {
        const char *config;
        em_err want;
        const char *says; /* of the problem, or the ids of "Hot caf(e acute)" */
    } rows[] = {
        {"{\"do_lower_case\":false}", EM_OK, "2 1 1 3"},
        {"{\"do_lower_case\":false,\"strip_accents\":true}", EM_OK, "2 1 7 3"},
        {"{\"do_lower_case\":true,\"strip_accents\":false}", EM_OK, "2 4 1 3"},
        {"{\"strip_accents\":null,\"tokenize_chinese_chars\":false}", EM_OK, "2 4 7 3"},
        {"{\"cls_token\":\"hot\",\"sep_token\":{\"content\":\"dog\"}}", EM_OK, "4 4 7 5"},
        {"{\"tokenizer_class\":\"BertTokenizerFast\",\"never_split\":null}", EM_OK,
         "2 4 7 3"},
        {"{\"tokenizer_class\":\"MPNetTokenizer\"}", EM_ERR_UNSUPPORTED, "MPNet"},
        {"{\"do_basic_tokenize\":false}", EM_ERR_UNSUPPORTED, "do_basic_tokenize"},
        {"{\"never_split\":[\"x\"]}", EM_ERR_UNSUPPORTED, "never_split"},
        {"{\"cls_token\":\"<s>\"}", EM_ERR_MODEL_MALFORMED, "cls_token <s>"},
        {"{\"cls_token\":1}", EM_ERR_JSON_TYPE, "cls_token"},
        {"{\"cls_token\":{}}", EM_ERR_JSON_MEMBER, "content"},
        {"{\"do_lower_case\":\"yes\"}", EM_ERR_JSON_TYPE, "do_lower_case"},
        {"{\"strip_accents\":1}", EM_ERR_JSON_TYPE, "strip_accents"},
        {"{\"tokenize_chinese_chars\":1}", EM_ERR_JSON_TYPE, "tokenize_chinese_chars"},
        {"{\"do_basic_tokenize\":1}", EM_ERR_JSON_TYPE, "do_basic_tokenize"},
        {"{\"tokenizer_class\":1}", EM_ERR_JSON_TYPE, "tokenizer_class"},
        {"{", EM_ERR_JSON_SYNTAX, "tokenizer_config.json"},
        {"[]", EM_ERR_JSON_TYPE, "object"},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        EM_DROP(em_tokenizer_json) t = {0};
        test_note("%s", rows[i].config);
        problem.text[0] = 0;
        CHECK_ERR(read_vocab(lines, rows[i].config, &t), rows[i].want);
        const char *got =
            rows[i].want == EM_OK ? ids_of(&t, "Hot caf\xC3\xA9") : problem.text;
        if (strstr(got, rows[i].says) == NULL) printf("  %s\n", got);
        CHECK(strstr(got, rows[i].says) != NULL);
    }
}

static void vocabularies_that_are_none(void)
{
    EM_DROP(em_tokenizer_json) t = {0};
    size_t len = (size_t)EM_MAX_VOCAB + 1;
    char *many = test_alloc(len + 1);

    CHECK_PROBLEM(read_vocab("", NULL, &t), EM_ERR_MODEL_MALFORMED, "unk_token [UNK]");
    CHECK_PROBLEM(read_vocab("[UNK]\n[CLS]\n", NULL, &t), EM_ERR_MODEL_MALFORMED,
                  "sep_token [SEP]");
    memset(many, '\n', len);
    many[len] = 0;
    CHECK_PROBLEM(read_vocab(many, NULL, &t), EM_ERR_LIMIT, "lines");
}

/* ---- the real one ---- */

static void minilm_gives_the_golden_ids(void)
{
    em_bytes json = test_file(test_shared("models/minilm-tokenizer/tokenizer.json"));
    em_bytes golden = test_file(test_shared("vectors/minilm/golden.jsonl"));
    EM_DROP(em_tokenizer_json) t = {0};
    EM_DROP(em_map) pages = {0};
    em_wordpiece w;
    size_t len = 0, n_lines = 0;
    uint32_t *ids = test_alloc(sizeof(uint32_t) << 20);

    CHECK_OK(em_tokenizer_json_read(json, "tokenizer.json", &problem, &t));
    CHECK(t.input.words_n == 30522 && t.input.unk == 100 && t.input.cls == 101);
    CHECK_OK(em_tokenizer_json_build(&t, "t", &problem, &pages, &len));
    REQUIRE(em_wordpiece_open(em_view(pages.at, len), &w) == EM_OK);
    for (const char *at = (const char *)golden.at; *at != 0; n_lines++) {
        size_t line_len = strcspn(at, "\n"), n = 0, all = 0;
        json_t *line = json_loadb(at, line_len, JSON_ALLOW_NUL, NULL);
        json_t *text = json_object_get(line, "text"),
               *want = json_object_get(line, "ids");
        REQUIRE(want != NULL);
        CHECK_OK(em_wordpiece_encode(
            &w, em_view(json_string_value(text), json_string_length(text)), 256, ids, &n,
            &all));
        bool same = n == json_array_size(want);
        for (size_t i = 0; same && i < n; i++)
            same = ids[i] == (uint32_t)json_integer_value(json_array_get(want, i));
        test_note("line %zu", n_lines + 1);
        CHECK(same);
        json_decref(line);
        at += line_len + (at[line_len] == '\n');
    }
    CHECK(n_lines == 300);
}

int main(void)
{
    RUN(a_small_tokenizer_works);
    RUN(everything_else_is_refused_by_name);
    RUN(what_may_differ);
    RUN(no_cut_reads);
    RUN(what_is_no_tokenizer_at_all);
    RUN(as_many_added_tokens_as_are_read);
    RUN(a_token_that_cannot_be_built_is_told);
    RUN(a_vocabulary_alone_is_enough);
    RUN(both_forms_give_the_same_section);
    RUN(what_tokenizer_config_says);
    RUN(vocabularies_that_are_none);
    if (test_shared("models/minilm-tokenizer/tokenizer.json") == NULL ||
        test_shared("vectors/minilm/golden.jsonl") == NULL)
        test_skip("minilm_gives_the_golden_ids", "no shared vectors beside the tree");
    else
        RUN(minilm_gives_the_golden_ids);
    return test_end();
}
