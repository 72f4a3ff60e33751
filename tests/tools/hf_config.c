/* The JSON files of a model folder: what they say, what is refused and in which words. */
#include "tools/hf_config.h"

#include "tests/tools/folder.h"

#include <jansson.h>

/* MiniLM's sizes. */
static const char config[] =
    "{\"model_type\":\"bert\",\"hidden_act\":\"gelu\",\"num_hidden_layers\":6,"
    "\"hidden_size\":384,\"num_attention_heads\":12,\"intermediate_size\":1536,"
    "\"vocab_size\":30522,\"max_position_embeddings\":512,\"type_vocab_size\":2,"
    "\"layer_norm_eps\":1e-12,\"position_embedding_type\":\"absolute\"}";
static const char pooling[] =
    "{\"word_embedding_dimension\":384,\"pooling_mode_cls_token\":false,"
    "\"pooling_mode_mean_tokens\":true,\"pooling_mode_max_tokens\":false}";
static const char sentence[] = "{\"max_seq_length\":256,\"do_lower_case\":false}";
static const char modules[] =
    "[{\"idx\":0,\"name\":\"0\",\"path\":\"\",\"type\":"
    "\"sentence_transformers.models.Transformer\"},"
    "{\"idx\":1,\"name\":\"1\",\"path\":\"1_Pooling\",\"type\":"
    "\"sentence_transformers.models.Pooling\"},"
    "{\"idx\":2,\"name\":\"2\",\"path\":\"2_Normalize\",\"type\":"
    "\"sentence_transformers.models.Normalize\"}]";

static em_hf_config_file file(const char *text, const char *name)
{
    return (em_hf_config_file){text != NULL ? em_view(text, strlen(text)) : (em_bytes){0},
                               name};
}

static em_err read_all(const char *c, const char *p, const char *s, em_model_shape *ret)
{
    bool lower;

    return em_hf_config_read_shape(
        file(c, "config.json"), file(p, "1_Pooling/config.json"),
        file(s, "sentence_bert_config.json"), true, &problem, ret, &lower);
}

/* `text` with one member set to a JSON value, or taken out (NULL). */
static const char *with(const char *text, const char *key, const char *value)
{
    json_t *object = json_loads(text, 0, NULL);

    if (value == NULL)
        json_object_del(object, key);
    else
        json_object_set_new(object, key, json_loads(value, JSON_DECODE_ANY, NULL));
    char *dumped = json_dumps(object, JSON_COMPACT);
    char *copy = test_alloc(strlen(dumped) + 1);
    memcpy(copy, dumped, strlen(dumped) + 1);
    free(dumped);
    json_decref(object);
    return copy;
}

static void minilm_is_read_as_it_is(void)
{
    em_model_shape s = {0};
    float eps = 1e-12f;

    CHECK_OK(read_all(config, pooling, sentence, &s));
    CHECK(s.arch == EM_ARCH_BERT && s.precision == EM_PRECISION_F32);
    CHECK(s.pooling == EM_POOLING_MEAN && s.normalize);
    CHECK(s.layers == 6 && s.hidden == 384 && s.heads == 12 && s.intermediate == 1536);
    CHECK(s.vocab == 30522 && s.positions == 512 && s.types == 2);
    CHECK(s.max_tokens == 256);
    CHECK(memcmp(&s.norm_eps_bits, &eps, 4) == 0);
}

static void what_is_missing_has_the_stated_meaning(void)
{
    em_model_shape s = {0};
    bool lower = true;

    CHECK_OK(em_hf_config_read_shape(file(config, "c"), file(NULL, "p"), file(NULL, "s"),
                                     false, &problem, &s, &lower));
    CHECK(s.pooling == EM_POOLING_MEAN && !s.normalize && s.max_tokens == 512 && !lower);
    CHECK_OK(em_hf_config_read_shape(
        file(config, "c"), file(NULL, "p"),
        file("{\"max_seq_length\":null,\"do_lower_case\":true}", "s"), false, &problem,
        &s, &lower));
    CHECK(s.max_tokens == 512 && lower);
    CHECK_OK(read_all(with(config, "position_embedding_type", NULL), pooling, "{}", &s));
    CHECK(s.max_tokens == 512);
}

static void pooling_modes(void)
{
    static const struct {
        const char *text;
        em_err want;
        em_pooling mode;
    } rows[] = {
        {"{\"pooling_mode_cls_token\":true}", EM_OK, EM_POOLING_CLS},
        {"{\"pooling_mode\":\"cls\"}", EM_OK, EM_POOLING_CLS},
        {"{\"pooling_mode\":\"mean\"}", EM_OK, EM_POOLING_MEAN},
        {"{\"pooling_mode_mean_tokens\":true,\"pooling_mode_lasttoken\":false}", EM_OK,
         EM_POOLING_MEAN},
        {"{\"pooling_mode_cls_token\":true,\"include_prompt\":false}", EM_OK,
         EM_POOLING_CLS},
        {"{\"pooling_mode_mean_tokens\":true,\"include_prompt\":true}", EM_OK,
         EM_POOLING_MEAN},
        {"{\"pooling_mode_mean_tokens\":true,\"include_prompt\":false}",
         EM_ERR_UNSUPPORTED, 0},
        {"{}", EM_ERR_JSON_MEMBER, 0},
        {"{\"pooling_mode_mean_tokens\":false}", EM_ERR_JSON_MEMBER, 0},
        {"{\"pooling_mode_mean_tokens\":1}", EM_ERR_JSON_TYPE, 0},
        {"{\"pooling_mode_mean_tokens\":true,\"pooling_mode_cls_token\":true}",
         EM_ERR_UNSUPPORTED, 0},
        {"{\"pooling_mode_max_tokens\":true}", EM_ERR_UNSUPPORTED, 0},
        {"{\"pooling_mode_mean_sqrt_len_tokens\":true}", EM_ERR_UNSUPPORTED, 0},
        {"{\"pooling_mode_weightedmean_tokens\":true}", EM_ERR_UNSUPPORTED, 0},
        {"{\"pooling_mode_lasttoken\":true}", EM_ERR_UNSUPPORTED, 0},
        {"{\"pooling_mode\":\"max\"}", EM_ERR_UNSUPPORTED, 0},
        {"{\"pooling_mode\":1,\"pooling_mode_cls_token\":true}", EM_ERR_JSON_TYPE, 0},
        {"{\"word_embedding_dimension\":0,\"pooling_mode_cls_token\":true}", EM_ERR_RANGE,
         0},
        {"{\"word_embedding_dimension\":768,\"pooling_mode_cls_token\":true}",
         EM_ERR_MODEL_MALFORMED, 0},
        {"[]", EM_ERR_JSON_TYPE, 0},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        em_model_shape s = {0};
        test_note("%s", rows[i].text);
        CHECK_ERR(read_all(config, rows[i].text, sentence, &s), rows[i].want);
        if (rows[i].want == EM_OK)
            CHECK(s.pooling == rows[i].mode);
        else
            CHECK(strncmp(problem.text, "1_Pooling/config.json: ", 23) == 0);
    }
}

static void each_breach_of_config_names_the_member(void)
{
    static const struct {
        const char *key, *value;
        em_err want;
    } rows[] = {
        {"model_type", "\"roberta\"", EM_ERR_UNSUPPORTED},
        {"model_type", NULL, EM_ERR_JSON_MEMBER},
        {"hidden_act", "\"gelu_new\"", EM_ERR_UNSUPPORTED},
        {"hidden_act", "\"relu\"", EM_ERR_UNSUPPORTED},
        {"hidden_act", "7", EM_ERR_JSON_TYPE},
        {"position_embedding_type", "\"relative_key\"", EM_ERR_UNSUPPORTED},
        {"position_embedding_type", "1", EM_ERR_JSON_TYPE},
        {"is_decoder", "true", EM_ERR_UNSUPPORTED},
        {"is_decoder", "1", EM_ERR_JSON_TYPE},
        {"add_cross_attention", "true", EM_ERR_UNSUPPORTED},
        {"auto_map", "{\"AutoModel\":\"x--y\"}", EM_ERR_UNSUPPORTED},
        {"pruned_heads", "{\"1\":[0]}", EM_ERR_UNSUPPORTED},
        {"quantization_config", "{\"bits\":4}", EM_ERR_UNSUPPORTED},
        {"quantization_config", "7", EM_ERR_UNSUPPORTED},
        {"num_hidden_layers", NULL, EM_ERR_JSON_MEMBER},
        {"num_hidden_layers", "0", EM_ERR_RANGE},
        {"num_hidden_layers", "49", EM_ERR_RANGE},
        {"num_hidden_layers", "6.0", EM_ERR_JSON_TYPE},
        {"num_hidden_layers", "\"6\"", EM_ERR_JSON_TYPE},
        {"hidden_size", "4097", EM_ERR_RANGE},
        {"hidden_size", "-384", EM_ERR_RANGE},
        {"hidden_size", "4611686018427387904", EM_ERR_RANGE},
        {"hidden_size", "385", EM_ERR_MODEL_MALFORMED},
        {"num_attention_heads", "7", EM_ERR_MODEL_MALFORMED},
        {"num_attention_heads", "2", EM_ERR_MODEL_MALFORMED}, /* 192 a head */
        {"num_attention_heads", "null", EM_ERR_JSON_MEMBER},
        {"intermediate_size", "16385", EM_ERR_RANGE},
        {"vocab_size", "1048577", EM_ERR_RANGE},
        {"max_position_embeddings", "8193", EM_ERR_RANGE},
        {"type_vocab_size", "17", EM_ERR_RANGE},
        {"layer_norm_eps", NULL, EM_ERR_JSON_MEMBER},
        {"layer_norm_eps", "0", EM_ERR_RANGE},
        {"layer_norm_eps", "-1e-12", EM_ERR_RANGE},
        {"layer_norm_eps", "1", EM_ERR_RANGE},
        {"layer_norm_eps", "1e-40", EM_ERR_RANGE},
        {"layer_norm_eps", "\"x\"", EM_ERR_JSON_TYPE},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        em_model_shape s = {0};
        test_note("%s = %s", rows[i].key, rows[i].value);
        CHECK_ERR(
            read_all(with(config, rows[i].key, rows[i].value), pooling, sentence, &s),
            rows[i].want);
        CHECK(strncmp(problem.text, "config.json: ", 13) == 0);
        CHECK(strstr(problem.text, rows[i].key) != NULL ||
              rows[i].want == EM_ERR_MODEL_MALFORMED);
        CHECK(s.layers == 0);
    }
    em_model_shape s;
    CHECK_OK(read_all(with(config, "pruned_heads", "{}"), pooling, sentence, &s));
    CHECK_PROBLEM(
        read_all(with(config, "model_type", "\"xlm-roberta\""), pooling, sentence, &s),
        EM_ERR_UNSUPPORTED, "model_type is xlm-roberta", "only bert", "e5-*-v2");
    CHECK_PROBLEM(read_all(NULL, NULL, NULL, &s), EM_ERR_NOT_FOUND, "config.json",
                  "no Hugging Face model folder");
    CHECK_PROBLEM(read_all("[]", NULL, NULL, &s), EM_ERR_JSON_TYPE, "not a JSON object");
    CHECK_PROBLEM(
        read_all("{\"model_type\":\"bert\",\"model_type\":\"bert\"}", NULL, NULL, &s),
        EM_ERR_JSON_SYNTAX, "duplicate");
}

static void each_breach_of_the_length(void)
{
    em_model_shape s = {0};

    CHECK_PROBLEM(read_all(config, pooling, "{\"max_seq_length\":513}", &s), EM_ERR_RANGE,
                  "sentence_bert_config.json: max_seq_length is 513", "512");
    CHECK_ERR(read_all(config, pooling, "{\"max_seq_length\":1}", &s), EM_ERR_RANGE);
    CHECK_ERR(read_all(config, pooling, "{\"max_seq_length\":\"9\"}", &s),
              EM_ERR_JSON_TYPE);
    CHECK_ERR(read_all(config, pooling, "{\"do_lower_case\":0}", &s), EM_ERR_JSON_TYPE);
    CHECK_ERR(read_all(config, pooling, "{", &s), EM_ERR_JSON_SYNTAX);
    CHECK_PROBLEM(
        read_all(with(config, "max_position_embeddings", "1"), pooling, NULL, &s),
        EM_ERR_RANGE, "1 positions");
}

static void modules_are_transformer_pooling_normalize(void)
{
    em_hf_config_modules m;
    static const struct {
        const char *text;
        em_err want;
        const char *says;
    } rows[] = {
        {"[]", EM_ERR_MODEL_MALFORMED, "lists no"},
        {"{}", EM_ERR_JSON_TYPE, "not a JSON array"},
        {"[1]", EM_ERR_JSON_TYPE, "not an object"},
        {"[{\"path\":\"\",\"type\":\"a.Transformer\"}]", EM_ERR_MODEL_MALFORMED, "lists"},
        {"[{\"path\":\"\",\"type\":\"a.Pooling\"}]", EM_ERR_UNSUPPORTED, "Pooling"},
        {"[{\"path\":\"\",\"type\":\"a.Transformer\"},{\"path\":\"1\",\"type\":"
         "\"Pooling\"},{\"path\":\"2\",\"type\":\"a.Dense\"}]",
         EM_ERR_UNSUPPORTED, "Dense"},
        {"[{\"path\":\"\",\"type\":\"a.Transformer\"},{\"path\":\"1\",\"type\":"
         "\"Pooling\"},{\"path\":\"2\",\"type\":\"Normalize\"},{\"path\":\"3\",\"type\":"
         "\"Normalize\"}]",
         EM_ERR_UNSUPPORTED, "Normalize"},
        {"[{\"type\":\"a.Transformer\"}]", EM_ERR_JSON_MEMBER, "path is missing"},
        {"[{\"path\":\"\"}]", EM_ERR_JSON_MEMBER, "type is missing"},
        {"[{\"path\":\"../x\",\"type\":\"a.Transformer\"}]", EM_ERR_MODEL_MALFORMED,
         "stay inside"},
        {"[{\"path\":\"\",\"type\":\"a.Transformer\"},{\"path\":\"/1\",\"type\":"
         "\"Pooling\"}]",
         EM_ERR_MODEL_MALFORMED, "path /1 does not stay inside"},
    };

    CHECK_OK(em_hf_config_read_modules(file(modules, "modules.json"), &problem, &m));
    CHECK(m.transformer[0] == 0 && strcmp(m.pooling, "1_Pooling") == 0 && m.normalize);
    CHECK_OK(em_hf_config_read_modules(file(NULL, "modules.json"), &problem, &m));
    CHECK(m.transformer[0] == 0 && strcmp(m.pooling, "1_Pooling") == 0 && !m.normalize);
    CHECK_OK(em_hf_config_read_modules(
        file("[{\"path\":\"0_Transformer\",\"type\":\"Transformer\"},{\"path\":\"p/q\","
             "\"type\":\"Pooling\"}]",
             "modules.json"),
        &problem, &m));
    CHECK(strcmp(m.transformer, "0_Transformer") == 0 && strcmp(m.pooling, "p/q") == 0);
    CHECK(!m.normalize);
    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        test_note("%s", rows[i].text);
        CHECK_ERR(
            em_hf_config_read_modules(file(rows[i].text, "modules.json"), &problem, &m),
            rows[i].want);
        CHECK(strstr(problem.text, rows[i].says) != NULL);
    }
}

static void the_edges_are_within(void)
{
    em_model_shape s = {0};
    em_hf_config_modules m;
    static const struct {
        const char *key, *value;
    } rows[] = {
        {"num_attention_heads", "3"}, /* 128 a head */
        {"num_hidden_layers", "48"},    {"intermediate_size", "16384"},
        {"vocab_size", "1048576"},      {"max_position_embeddings", "8192"},
        {"type_vocab_size", "16"},      {"layer_norm_eps", "1.1754943508222875e-38"},
        {"layer_norm_eps", "0.9999999"}};

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        test_note("%s = %s", rows[i].key, rows[i].value);
        CHECK_OK(read_all(with(config, rows[i].key, rows[i].value), pooling, NULL, &s));
    }
    CHECK_OK(read_all(config, pooling, "{\"max_seq_length\":512}", &s));
    CHECK_OK(read_all(config, pooling, "{\"max_seq_length\":2}", &s));
    CHECK_OK(read_all(with(config, "max_position_embeddings", "2"), pooling, NULL, &s));
    CHECK(s.max_tokens == 2);
    CHECK_ERR(read_all(with(config, "layer_norm_eps", "0.99999999"), pooling, NULL, &s),
              EM_ERR_RANGE); /* 1 as an f32 */

    char list[400], path[EM_HF_CONFIG_MAX_PATH + 1];
    for (size_t len = EM_HF_CONFIG_MAX_PATH - 1; len <= EM_HF_CONFIG_MAX_PATH; len++) {
        memset(path, 'a', len);
        path[len] = 0;
        snprintf(list, sizeof list,
                 "[{\"path\":\"%s\",\"type\":\"Transformer\"},{\"path\":\"\",\"type\":"
                 "\"Pooling\"}]",
                 path);
        CHECK_ERR(em_hf_config_read_modules(file(list, "modules.json"), &problem, &m),
                  len < EM_HF_CONFIG_MAX_PATH ? EM_OK : EM_ERR_MODEL_MALFORMED);
    }
    char *large = test_alloc(EM_HF_CONFIG_MAX + 2);
    memset(large, ' ', EM_HF_CONFIG_MAX + 1);
    memcpy(large, config, sizeof config - 1);
    large[EM_HF_CONFIG_MAX + 1] = 0;
    CHECK_PROBLEM(read_all(large, pooling, NULL, &s), EM_ERR_LIMIT, "1048577 bytes");
    large[EM_HF_CONFIG_MAX] = 0;
    CHECK_OK(read_all(large, pooling, NULL, &s));
}

static void paths_stay_inside(void)
{
    static const char *good[] = {"a", "!~", "1_Pooling", "a/b", "model-1.safetensors"};
    static const char *bad[] = {"",     "/",   "/a",     "a/",      "a//b", "..",
                                ".",    "../", "a/.",    "a/..",    ".git", "a b",
                                "a\\b", "a\n", "a/../b", "\xC3\xA9"};

    for (size_t i = 0; i < EM_COUNT(good); i++) CHECK(em_hf_config_is_inside(good[i]));
    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("%s", bad[i]);
        CHECK(!em_hf_config_is_inside(bad[i]));
    }
}

static bool reads(em_bytes in, void *arg)
{
    em_model_shape s;
    bool lower;

    (void)arg;
    return em_hf_config_read_shape((em_hf_config_file){in, "c"}, file(NULL, "p"),
                                   file(NULL, "s"), false, &problem, &s, &lower) == EM_OK;
}

static void no_cut_reads(void)
{
    CHECK(test_abuse(em_view(config, strlen(config)), reads, NULL).cuts_accepted == 0);
}

static void what_is_shown_is_printable(void)
{
    em_model_shape s;

    CHECK_PROBLEM(read_all(with(config, "model_type", "\"\\u001b[2Jx\""), NULL, NULL, &s),
                  EM_ERR_UNSUPPORTED, "?[2Jx");
    for (const char *c = problem.text; *c != 0; c++) CHECK(*c >= ' ' && *c <= '~');
}

int main(void)
{
    RUN(minilm_is_read_as_it_is);
    RUN(what_is_missing_has_the_stated_meaning);
    RUN(pooling_modes);
    RUN(each_breach_of_config_names_the_member);
    RUN(each_breach_of_the_length);
    RUN(modules_are_transformer_pooling_normalize);
    RUN(the_edges_are_within);
    RUN(paths_stay_inside);
    RUN(no_cut_reads);
    RUN(what_is_shown_is_printable);
    return test_end();
}
