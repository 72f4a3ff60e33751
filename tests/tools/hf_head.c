/* What a folder gives, and its prompts: labels, activations, and what is refused in which
 * words. */
#include "tools/hf_head.h"

#include "crypto/setup.h"
#include "tests/tools/folder.h"
#include "tools/bundlefile.h"
#include "tools/hf.h"
#include "tools/keys.h"
#include "tools/pack_bundle.h"
#include "tools/synth.h"

static em_hf_head head;

static em_hf_config_file file(const char *text, const char *name)
{
    return (em_hf_config_file){text != NULL ? em_view(text, strlen(text)) : (em_bytes){0},
                               name};
}

static em_err read_as(const char *config, bool listed, bool classifier, em_hf_as as,
                      em_activation activation)
{
    const em_hf_choice choice = {as, activation};

    return em_hf_head_read(file(config, "config.json"), listed, classifier, &choice,
                           &problem, &head);
}

#define SEQUENCE "\"architectures\":[\"BertForSequenceClassification\"]"

static void which_folders_have_a_head(void)
{
    static const struct {
        const char *config;
        bool listed, classifier;
        em_hf_as as;
        em_err want;
        uint32_t labels;
    } rows[] = {
        {"{}", false, false, EM_HF_AS_IT_SAYS, EM_OK, 0},
        {"{\"architectures\":null}", false, false, EM_HF_AS_IT_SAYS, EM_OK, 0},
        {"{\"architectures\":[\"BertModel\"]}", false, false, EM_HF_AS_IT_SAYS, EM_OK, 0},
        {"{\"architectures\":[\"BertForMaskedLM\"]}", false, false, 0, EM_OK, 0},
        {"{\"architectures\":[\"BertForPreTraining\"]}", false, false, 0, EM_OK, 0},
        {"{" SEQUENCE "}", false, true, EM_HF_AS_IT_SAYS, EM_OK, 2},
        {"{}", false, true, EM_HF_AS_IT_SAYS, EM_OK, 2},
        {"{\"architectures\":[\"BertModel\"]}", false, true, 0, EM_OK, 2},
        /* modules.json: sentence-transformers takes the encoder */
        {"{" SEQUENCE "}", true, true, EM_HF_AS_IT_SAYS, EM_OK, 0},
        {"{" SEQUENCE "}", true, true, EM_HF_AS_CLASSIFY, EM_OK, 2},
        {"{" SEQUENCE "}", false, true, EM_HF_AS_EMBED, EM_OK, 0},
        {"{" SEQUENCE "}", false, false, EM_HF_AS_IT_SAYS, EM_ERR_MODEL_SHAPE, 9},
        {"{}", false, false, EM_HF_AS_CLASSIFY, EM_ERR_MODEL_SHAPE, 9},
        {"{\"architectures\":[\"BertForTokenClassification\"]}", false, true, 0,
         EM_ERR_UNSUPPORTED, 9},
        {"{\"architectures\":[\"BertForMultipleChoice\"]}", false, true,
         EM_HF_AS_CLASSIFY, EM_ERR_UNSUPPORTED, 9},
        {"{\"architectures\":[\"BertForTokenClassification\"]}", false, true,
         EM_HF_AS_EMBED, EM_OK, 0},
        {"{\"architectures\":[\"BertForQuestionAnswering\"]}", true, false, 0, EM_OK, 0},
        {"{\"architectures\":7}", false, false, 0, EM_ERR_JSON_TYPE, 9},
        {"{\"architectures\":[7]}", false, false, 0, EM_ERR_JSON_TYPE, 9},
        {"[]", false, false, 0, EM_ERR_JSON_TYPE, 9},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        test_note("row %zu: %s", i, rows[i].config);
        head.labels = 9;
        CHECK_ERR(
            read_as(rows[i].config, rows[i].listed, rows[i].classifier, rows[i].as, 0),
            rows[i].want);
        CHECK(head.labels == rows[i].labels);
        if (rows[i].want != EM_OK) CHECK(strncmp(problem.text, "config.json: ", 13) == 0);
        if (rows[i].want == EM_ERR_UNSUPPORTED) CHECK(problem_says("--as embed"));
    }
    CHECK_PROBLEM(read_as("{}", true, false, 0, EM_ACTIVATION_NONE), EM_ERR_ARGUMENT,
                  "is for classifiers");
}

static void choices_are_words(void)
{
    em_hf_choice c = {7, 7};

    CHECK_OK(em_hf_head_choose(NULL, NULL, &problem, &c));
    CHECK(c.as == EM_HF_AS_IT_SAYS && c.activation == 0);
    CHECK_OK(em_hf_head_choose("classify", "softmax", &problem, &c));
    CHECK(c.as == EM_HF_AS_CLASSIFY && c.activation == EM_ACTIVATION_SOFTMAX);
    CHECK_OK(em_hf_head_choose("embed", "none", &problem, &c));
    CHECK(c.as == EM_HF_AS_EMBED && c.activation == EM_ACTIVATION_NONE);
    CHECK_PROBLEM(em_hf_head_choose("both", NULL, &problem, &c), EM_ERR_UNSUPPORTED,
                  "--as", "embed or classify");
    CHECK_PROBLEM(em_hf_head_choose(NULL, "tanh", &problem, &c), EM_ERR_UNSUPPORTED,
                  "--activation");
    CHECK(c.as == EM_HF_AS_EMBED);
}

static void labels_are_the_folders(void)
{
    CHECK_OK(read_as("{\"id2label\":{\"1\":\"bad\",\"0\":\"very good\",\"2\":\"so-so\"}}",
                     false, true, 0, 0));
    CHECK(head.labels == 3 && head.activation == EM_ACTIVATION_SOFTMAX);
    CHECK(strcmp(head.label[0], "very good") == 0 && strcmp(head.label[1], "bad") == 0 &&
          strcmp(head.label[2], "so-so") == 0);
    CHECK_OK(read_as("{\"num_labels\":4,\"id2label\":null}", false, true, 0, 0));
    CHECK(head.labels == 4 && strcmp(head.label[3], "LABEL_3") == 0);
    CHECK_OK(read_as("{}", false, true, 0, 0));
    CHECK(head.labels == 2 && strcmp(head.label[0], "LABEL_0") == 0);

    static const struct {
        const char *config;
        em_err want;
        const char *says;
    } rows[] = {
        {"{\"id2label\":{}}", EM_ERR_LIMIT, "0 labels"},
        {"{\"id2label\":[\"a\"]}", EM_ERR_JSON_TYPE, "not an object"},
        {"{\"id2label\":{\"0\":\"a\",\"2\":\"b\"}}", EM_ERR_MODEL_MALFORMED,
         "no text for 1"},
        {"{\"id2label\":{\"0\":\"a\",\"1\":7}}", EM_ERR_MODEL_MALFORMED, "no text for 1"},
        {"{\"id2label\":{\"0\":\"a\",\"1\":\"a\"}}", EM_ERR_MODEL_MALFORMED,
         "both called a"},
        {"{\"id2label\":{\"0\":\"a\",\"1\":\"\"}}", EM_ERR_MODEL_MALFORMED, "label 1"},
        {"{\"id2label\":{\"0\":\"tr\\u00e8s bon\"}}", EM_ERR_MODEL_MALFORMED, "label 0"},
        {"{\"id2label\":{\"0\":\"a\\nb\"}}", EM_ERR_MODEL_MALFORMED, "label 0"},
        {"{\"id2label\":{\"0\":\"a\"},\"num_labels\":2}", EM_ERR_MODEL_MALFORMED,
         "num_labels is 2"},
        {"{\"num_labels\":257}", EM_ERR_RANGE, "num_labels"},
        {"{\"num_labels\":0}", EM_ERR_RANGE, "num_labels"},
    };
    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        test_note("%s", rows[i].config);
        CHECK_ERR(read_as(rows[i].config, false, true, 0, 0), rows[i].want);
        CHECK(problem_says(rows[i].says));
    }
    for (size_t len = EM_MAX_LABEL; len <= EM_MAX_LABEL + 1; len++) {
        char text[128], name[80] = {0};
        memset(name, 'x', len);
        snprintf(text, sizeof text, "{\"id2label\":{\"0\":\"%s\"}}", name);
        CHECK_ERR(read_as(text, false, true, 0, 0),
                  len == EM_MAX_LABEL ? EM_OK : EM_ERR_MODEL_MALFORMED);
    }
}

#define ST(name) "\"sentence_transformers\":{\"activation_fn\":\"" name "\"}"
#define OLD(name) "\"sbert_ce_default_activation_function\":\"" name "\""
#define ONE "\"num_labels\":1"
#define NONE EM_ACTIVATION_NONE
#define SIG EM_ACTIVATION_SIGMOID
#define SOFT EM_ACTIVATION_SOFTMAX
#define IDENTITY "torch.nn.modules.linear.Identity"
#define SIGMOID "torch.nn.modules.activation.Sigmoid"

static void activations_are_the_publishers(void)
{
    static const struct {
        const char *config;
        em_err want;
        em_activation activation;
    } rows[] = {
        {"{" ONE "}", EM_OK, SIG},
        {"{\"num_labels\":2}", EM_OK, SOFT},
        {"{" ONE "," ST(IDENTITY) "}", EM_OK, NONE},
        {"{" ONE "," ST(SIGMOID) "}", EM_OK, SIG},
        {"{" ONE "," OLD(IDENTITY) "}", EM_OK, NONE},
        {"{" ONE "," OLD(IDENTITY) "," ST(SIGMOID) "}", EM_OK, SIG},
        {"{" ONE "," OLD(SIGMOID) ",\"sentence_transformers\":{\"version\":\"4\"}}",
         EM_OK, SIG},
        {"{" OLD(IDENTITY) "}", EM_OK, NONE},
        {"{" ST("torch.nn.modules.activation.Softmax") "}", EM_OK, SOFT},
        {"{" ST("torch.nn.modules.activation.Tanh") "}", EM_ERR_UNSUPPORTED, 0},
        {"{" ST("mine.Identity") "}", EM_ERR_UNSUPPORTED, 0},
        {"{\"sentence_transformers\":7}", EM_ERR_JSON_TYPE, 0},
        {"{" ST("") "}", EM_ERR_UNSUPPORTED, 0},
        {"{\"problem_type\":\"multi_label_classification\"}", EM_OK, SIG},
        {"{\"problem_type\":\"multi_label_classification\"," ONE "}", EM_OK, SIG},
        {"{\"problem_type\":\"single_label_classification\"}", EM_OK, SOFT},
        {"{\"problem_type\":\"single_label_classification\"," ONE "}", EM_OK, SIG},
        {"{\"problem_type\":\"regression\"," ONE "}", EM_OK, NONE},
        {"{\"problem_type\":null}", EM_OK, SOFT},
        {"{\"problem_type\":\"other\"}", EM_ERR_UNSUPPORTED, 0},
        {"{\"problem_type\":\"regression\"," ST(SIGMOID) "}", EM_OK, SIG},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        test_note("%s", rows[i].config);
        CHECK_ERR(read_as(rows[i].config, false, true, 0, 0), rows[i].want);
        if (rows[i].want == EM_OK) CHECK(head.activation == rows[i].activation);
        /* who packs may decide otherwise */
        CHECK_ERR(read_as(rows[i].config, false, true, 0, EM_ACTIVATION_NONE), EM_OK);
        CHECK(head.activation == NONE);
    }
}

/* ---- prompts ---- */

static em_hf_prompts prompts;

static em_err read_prompts(const char *text)
{
    return em_hf_head_read_prompts(file(text, "c.json"), &problem, &prompts);
}

static bool has_prompt(uint32_t i, const char *name, const char *text)
{
    return i < prompts.n && strcmp(prompts.at[i].name, name) == 0 &&
           strcmp(prompts.at[i].text, text) == 0;
}

static void prompts_are_the_folders(void)
{
    CHECK_OK(read_prompts(NULL));
    CHECK(prompts.n == 0);
    CHECK_OK(read_prompts("{\"__version__\":{},\"prompts\":{},\"similarity_fn_name\":"
                          "\"cosine\",\"default_prompt_name\":null}"));
    CHECK(prompts.n == 0);
    CHECK_OK(read_prompts("{\"prompts\":{\"query\":\"query: \",\"document\":\"\"}}"));
    CHECK(prompts.n == 2 && has_prompt(0, "query", "query: ") &&
          has_prompt(1, "document", ""));
    /* what would be put before everything has a name here */
    CHECK_OK(read_prompts("{\"prompts\":{\"q\":\"Q \"},\"default_prompt_name\":\"q\"}"));
    CHECK(prompts.n == 2 && has_prompt(0, "q", "Q ") && has_prompt(1, "default", "Q "));
    CHECK_OK(read_prompts("{\"prompts\":{\"q\":\"\"},\"default_prompt_name\":\"q\"}"));
    CHECK(prompts.n == 1);

    static const struct {
        const char *text;
        em_err want;
        const char *says;
    } rows[] = {
        {"[]", EM_ERR_JSON_TYPE, "not a JSON object"},
        {"{\"prompts\":[]}", EM_ERR_JSON_TYPE, "prompts"},
        {"{\"prompts\":{\"q\":7}}", EM_ERR_JSON_TYPE, "prompt q"},
        {"{\"prompts\":{\"\":\"x\"}}", EM_ERR_MODEL_MALFORMED, "name"},
        {"{\"prompts\":{\"a b\":\"x\"}}", EM_ERR_MODEL_MALFORMED, "name"},
        {"{\"prompts\":{\"q\":\"x\"},\"default_prompt_name\":\"p\"}",
         EM_ERR_MODEL_MALFORMED, "default_prompt_name is p"},
        {"{\"default_prompt_name\":\"p\"}", EM_ERR_MODEL_MALFORMED, "is p"},
        {"{\"default_prompt_name\":7}", EM_ERR_JSON_TYPE, "default_prompt_name"},
        {"{\"truncate_dim\":256}", EM_ERR_UNSUPPORTED, "truncate_dim"},
        {"{\"prompts\":{\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\",\"5\":\"\",\"6\":"
         "\"\",\"7\":\"\",\"8\":\"\",\"9\":\"\"}}",
         EM_ERR_LIMIT, "more than 8"},
    };
    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        test_note("%s", rows[i].text);
        CHECK_ERR(read_prompts(rows[i].text), rows[i].want);
        CHECK(problem_says(rows[i].says));
    }
}

static void prompts_are_added_and_replaced(void)
{
    char text[EM_MAX_PROMPT + 2];

    memset(text, 'x', sizeof text);
    prompts.n = 0;
#define ADD(name, at, len)                                                               \
    em_hf_head_add_prompt(&prompts, EM_STR(name), em_view(at, len), "here", &problem)
    CHECK_OK(ADD("query", text, EM_MAX_PROMPT));
    CHECK_OK(ADD("query", "q: ", 3));
    CHECK(prompts.n == 1 && has_prompt(0, "query", "q: "));
    CHECK_OK(ADD("p", "\xC3\xA9", 2));
    CHECK(prompts.n == 2);
    CHECK_ERR(ADD("query", text, EM_MAX_PROMPT + 1), EM_ERR_MODEL_MALFORMED);
    CHECK_ERR(ADD("query", "\xC3", 1), EM_ERR_MODEL_MALFORMED);
    CHECK_ERR(ADD("query", "a\0b", 3), EM_ERR_MODEL_MALFORMED);
    CHECK_ERR(ADD("a-name-of-thirty-three-characters", "x", 1), EM_ERR_MODEL_MALFORMED);
    CHECK_OK(ADD("a-name-of-thirty-two-characters!", "x", 1));
    CHECK(prompts.n == 3 && has_prompt(0, "query", "q: "));
}

/* ---- whole folders ---- */

static const char *make(const em_synth *options)
{
    static char path[600];

    snprintf(path, sizeof path, "%s", folder_path("m"));
    if (em_file_exists(path) && em_file_remove_tree(path) != EM_OK) abort();
    if (em_synth_write(path, options, &problem) != EM_OK) abort();
    return path;
}

static void a_classifiers_folder(void)
{
    static em_hf hf;
    const em_synth with = {.labels = 3, .bert_prefix = true};
    const em_hf_choice embed = {.as = EM_HF_AS_EMBED};

    CHECK_OK(em_hf_open(make(&with), &problem, &hf));
    CHECK(hf.shape.labels == 3 && hf.shape.activation == EM_ACTIVATION_SOFTMAX);
    CHECK(hf.shape.max_tokens == 128 && !hf.shape.normalize && hf.prompts.n == 0);
    CHECK(strcmp(hf.head.label[2], "kind 2") == 0 && strcmp(hf.prefix, "bert.") == 0);
    em_hf_drop(&hf);
    CHECK_OK(em_hf_open_as(folder_path("m"), &embed, &problem, &hf));
    CHECK(hf.shape.labels == 0 && hf.shape.pooling == EM_POOLING_MEAN);
    em_hf_drop(&hf);

    /* the length is the tokenizer's where nothing else says one */
    folder_write(folder_path("m/tokenizer_config.json"),
                 EM_STR("{\"model_max_length\":100}"));
    CHECK_OK(em_hf_open(folder_path("m"), &problem, &hf));
    CHECK(hf.shape.max_tokens == 100);
    em_hf_drop(&hf);
    folder_write(folder_path("m/tokenizer_config.json"),
                 EM_STR("{\"model_max_length\":1000000000000000019884624838656}"));
    CHECK_OK(em_hf_open(folder_path("m"), &problem, &hf));
    CHECK(hf.shape.max_tokens == 128);
    em_hf_drop(&hf);
    folder_write(folder_path("m/tokenizer_config.json"),
                 EM_STR("{\"model_max_length\":1}"));
    CHECK_PROBLEM(em_hf_open(folder_path("m"), &problem, &hf), EM_ERR_RANGE,
                  "tokenizer_config.json: model_max_length");
    em_hf_drop(&hf);

    /* what config.json says of labels, the weights say too */
    folder_write(folder_path("m/tokenizer_config.json"), EM_STR("{}"));
    em_bytes config = test_file(folder_path("m/config.json"));
    char *text = test_alloc(config.len + 1);
    memcpy(text, config.at, config.len);
    text[config.len] = 0;
    memcpy(strstr(text, ", \"2\": \"kind 2\""), "               ", 15);
    folder_write(folder_path("m/config.json"), em_view(text, config.len));
    CHECK_PROBLEM(em_hf_open(folder_path("m"), &problem, &hf), EM_ERR_MODEL_SHAPE,
                  "classifier.weight has not the shape [2, 64]");
    em_hf_drop(&hf);
}

/* Pairs are put together in one way only; who takes none may have any template. */
static void a_rerankers_pairs(void)
{
    static em_hf hf;
    static const struct {
        const char *from, *to;
    } others[] = {
        {"\"B\",\"type_id\":1", "\"B\",\"type_id\":0"},
        {"\"A\",\"type_id\":0}},{\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":0}}"
         ",{\"Sequence\":{\"id\":\"B\"",
         "\"B\",\"type_id\":0}},{\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":0}}"
         ",{\"Sequence\":{\"id\":\"A\""},
        {"\"pair\":[{",
         "\"pair\":[{\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":0}},{"},
        {"\"pair\"", "\"riap\""}};

    for (uint32_t labels = 1; labels <= 2; labels++)
        for (size_t i = 0; i < EM_COUNT(others); i++) {
            const em_synth options = {.labels = labels};
            const char *path = make(&options);
            em_bytes old = test_file(folder_path("m/tokenizer.json"));
            size_t from = strlen(others[i].from), to = strlen(others[i].to);
            uint8_t *text = test_alloc(old.len + to);

            test_note("%u labels, %s", labels, others[i].to);
            const uint8_t *at = memmem(old.at, old.len, others[i].from, from);
            REQUIRE(at != NULL);
            size_t before = (size_t)(at - old.at);
            memcpy(text, old.at, before);
            memcpy(text + before, others[i].to, to);
            memcpy(text + before + to, at + from, old.len - before - from);
            folder_write(folder_path("m/tokenizer.json"),
                         em_view(text, old.len - from + to));
            CHECK_ERR(em_hf_open(path, &problem, &hf),
                      labels == 1 ? EM_ERR_UNSUPPORTED : EM_OK);
            if (labels == 1) CHECK(problem_says("template for pairs"));
            em_hf_drop(&hf);
        }
    const em_synth vocab = {.labels = 1, .vocab_txt = true};
    CHECK_OK(em_hf_open(make(&vocab), &problem, &hf));
    em_hf_drop(&hf);
}

static em_err wrap(void *arg, const em_content_key *key, const em_manifest_body *body,
                   const uint8_t hash[EM_MANIFEST_HASH_LEN], em_out *wrapped)
{
    (void)arg, (void)key, (void)body, (void)hash;
    em_write_u8(wrapped, 1);
    return EM_OK;
}

static void labels_and_prompts_reach_the_manifest(void)
{
    static em_bundlefile bundle;
    EM_DROP(em_ed25519_secret) secret = {0};
    const em_synth options = {.labels = 2, .activation = "Sigmoid", .prompts = true};
    const em_prompt more[] = {{EM_STR("query"), EM_STR("ask: ")},
                              {EM_STR("title"), EM_STR("")}};
    const em_pack_terms terms = {.id = EM_STR("m"),
                                 .version = EM_STR("1"),
                                 .number = 1,
                                 .not_after_ms = 4102444800000,
                                 .licence = EM_STR("CC0-1.0"),
                                 .kms_key = EM_STR("arn:aws:kms:x:1:key/2"),
                                 .prompt = more,
                                 .n_prompts = EM_COUNT(more)};
    em_ed25519_public public;
    uint8_t seed[32] = {5}, hash[32];
    em_pack *pack = NULL;

    CHECK_OK(em_ed25519_from_seed(seed, &secret, &public));
    CHECK_OK(em_pack_folder(make(&options), NULL, &problem, &pack));
    CHECK_OK(em_pack_bundle(pack, &terms, &secret, wrap, NULL, folder_path("b"), NULL,
                            &problem, hash));
    em_pack_free(pack);
    CHECK_OK(em_bundlefile_open(folder_path("b"), &problem, &bundle));
    const em_manifest_body *b = &bundle.claims;
    CHECK(b->model.shape.labels == 2);
    CHECK(b->model.shape.activation == EM_ACTIVATION_SIGMOID);
    CHECK(em_same(b->label[0], EM_STR("kind 0")) &&
          em_same(b->label[1], EM_STR("kind 1")));
    REQUIRE(b->n_prompts == 3);
    CHECK(em_same(b->prompt[0].name, EM_STR("query")) &&
          em_same(b->prompt[0].text, EM_STR("ask: ")));
    CHECK(em_same(b->prompt[1].text, EM_STR("passage: ")));
    CHECK(em_same(b->prompt[2].name, EM_STR("title")) && b->prompt[2].text.len == 0);
    em_bundlefile_drop(&bundle);
}

int main(void)
{
    if (em_setup() != EM_OK) abort();
    folder_begin();
    RUN(which_folders_have_a_head);
    RUN(choices_are_words);
    RUN(labels_are_the_folders);
    RUN(activations_are_the_publishers);
    RUN(prompts_are_the_folders);
    RUN(prompts_are_added_and_replaced);
    RUN(a_classifiers_folder);
    RUN(a_rerankers_pairs);
    RUN(labels_and_prompts_reach_the_manifest);
    return test_end();
}
