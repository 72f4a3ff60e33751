/* Model folders: every form of the same model gives the same image, every broken one is
 * refused with the file's name and what is wrong in it. */
#include "tools/hf.h"

#include "crypto/setup.h"
#include "engine/bert.h"
#include "tests/tools/folder.h"
#include "tools/hf_config.h"
#include "tools/hf_tensors.h"
#include "tools/pack.h"
#include "tools/synth.h"

static const em_synth plain = {0};

/* A fresh folder "m" made with these options. */
static const char *make(const em_synth *options)
{
    static char path[600];

    snprintf(path, sizeof path, "%s", folder_path("m"));
    if (em_file_exists(path) && em_file_remove_tree(path) != EM_OK) abort();
    if (em_synth_write(path, options, &problem) != EM_OK) abort();
    return path;
}

static em_err open_folder(const char *path)
{
    static em_hf hf;

    em_err err = em_hf_open(path, &problem, &hf);
    em_hf_drop(&hf);
    return err;
}

/* Replaces a text by another in one of the folder's files; `times` must be found. */
static void edit(const char *name, const char *from, const char *to)
{
    const char *path = folder_path("m/%s", name);
    em_bytes old = test_file(path);
    size_t from_len = strlen(from), to_len = strlen(to);
    uint8_t *copy = test_alloc(old.len + to_len);

    const uint8_t *at = memmem(old.at, old.len, from, from_len);
    if (at == NULL) abort();
    size_t before = (size_t)(at - old.at);
    memcpy(copy, old.at, before);
    memcpy(copy + before, to, to_len);
    memcpy(copy + before + to_len, at + from_len, old.len - before - from_len);
    folder_write(path, em_view(copy, old.len - from_len + to_len));
}

/* The same in the header of model.safetensors, whose length then follows. */
static void edit_header(const char *from, const char *to)
{
    const char *path = folder_path("m/model.safetensors");
    uint64_t len;

    edit("model.safetensors", from, to);
    em_bytes file = test_file(path);
    uint8_t *copy = test_alloc(file.len);
    memcpy(copy, file.at, file.len);
    memcpy(&len, copy, sizeof len);
    len += strlen(to) - strlen(from);
    memcpy(copy, &len, sizeof len);
    folder_write(path, em_view(copy, file.len));
}

static void remove_file(const char *name)
{
    if (em_file_remove(folder_path("m/%s", name)) != EM_OK) abort();
}

static void a_folder_is_what_it_says(void)
{
    static em_hf hf;

    CHECK_OK(em_hf_open(make(&plain), &problem, &hf));
    CHECK(hf.shape.layers == 2 && hf.shape.hidden == 64 && hf.shape.heads == 4);
    CHECK(hf.shape.intermediate == 128 && hf.shape.positions == 128);
    CHECK(hf.shape.max_tokens == 64 && hf.shape.normalize);
    CHECK(hf.shape.pooling == EM_POOLING_MEAN);
    CHECK(hf.n_shards == 1 && hf.prefix[0] == 0);
    CHECK(hf.n_sources == 6);
    CHECK_OK(em_hf_hash_sources(&hf, &problem));
    for (uint32_t i = 0; i < hf.n_sources; i++) {
        uint8_t hash[32];
        em_bytes f = test_file(folder_path("m/%s", hf.source_name[i]));
        em_sha2_256(f, hash);
        CHECK(hf.source[i].len == f.len && f.len > 0);
        CHECK(em_same(EM_BYTES(hf.source[i].sha256), EM_BYTES(hash)));
    }
    em_hf_drop(&hf);
    em_hf_drop(&hf); /* harmless */

    em_synth cls = {.cls = true, .not_normalized = true, .max_tokens = 7};
    CHECK_OK(em_hf_open(make(&cls), &problem, &hf));
    CHECK(hf.shape.pooling == EM_POOLING_CLS && !hf.shape.normalize);
    CHECK(hf.shape.max_tokens == 7);
    em_hf_drop(&hf);
    em_synth bare = {.only_transformer = true, .vocab_txt = true};
    CHECK_OK(em_hf_open(make(&bare), &problem, &hf));
    CHECK(hf.shape.pooling == EM_POOLING_MEAN && !hf.shape.normalize);
    CHECK(hf.shape.max_tokens == 128 && hf.n_sources == 4);
    em_hf_drop(&hf);
}

/* ---- tensors as the engine has them ---- */

/* The numbers of a tensor of model.safetensors. */
static const float *raw(em_safetensors *f, const char *name)
{
    const em_safetensors_tensor *t = em_safetensors_find(f, name);
    float *at = test_alloc(t->n * sizeof *at);

    if (em_safetensors_floats(t, 0, t->n, at) != EM_OK) abort();
    return at;
}

static void every_number_stands_where_the_engine_looks(void)
{
    em_pack *p = NULL;

    CHECK_OK(em_pack_folder(make(&plain), NULL, &problem, &p));
    REQUIRE(p != NULL);
    const em_model *m = em_pack_model(p);
    const uint8_t *image = em_pack_image(p).at;
    em_bytes file = test_file(folder_path("m/model.safetensors"));
    EM_DROP(em_safetensors) f = {0};
    CHECK_OK(em_safetensors_open(file, "f", &problem, &f));

    CHECK(em_same(m->tensor[0].name, EM_STR("word")));
    uint64_t end = m->tokenizer_len; /* tight: each at the next multiple of 64 */
    for (uint32_t i = 0; i < m->n; i++) {
        CHECK(m->tensor[i].offset >= end && m->tensor[i].offset < end + 64);
        CHECK(m->tensor[i].offset % 64 == 0);
        end = m->tensor[i].offset + m->tensor[i].len;
    }
    CHECK(em_pack_image(p).len == end && m->tokenizer_offset == 0);
    CHECK(memcmp(image + m->tensor[0].offset,
                 raw(&f, "embeddings.word_embeddings.weight"), m->tensor[0].len) == 0);
    static const char *const qkv[] = {"query", "key", "value"};
    const float *panels = NULL, *bias = NULL, *down = NULL;
    for (uint32_t i = 0; i < m->n; i++) {
        const float *at = (const float *)(const void *)(image + m->tensor[i].offset);
        if (em_same(m->tensor[i].name, EM_STR("1.qkv"))) panels = at;
        if (em_same(m->tensor[i].name, EM_STR("1.qkv.bias"))) bias = at;
        if (em_same(m->tensor[i].name, EM_STR("0.down"))) down = at;
    }
    REQUIRE(panels != NULL && bias != NULL && down != NULL);
    for (size_t part = 0; part < 3; part++) {
        char name[80];
        snprintf(name, sizeof name, "encoder.layer.1.attention.self.%s.weight",
                 qkv[part]);
        const float *w = raw(&f, name);
        snprintf(name, sizeof name, "encoder.layer.1.attention.self.%s.bias", qkv[part]);
        const float *b = raw(&f, name);
        for (size_t r = 0; r < 64; r++) {
            size_t row = 64 * part + r;
            CHECK(bias[row] == b[r]);
            for (size_t k = 0; k < 64; k++)
                CHECK(panels[row / 16 * 16 * 64 + k * 16 + row % 16] == w[r * 64 + k]);
        }
    }
    const float *w = raw(&f, "encoder.layer.0.output.dense.weight"); /* [64][128] */
    for (size_t r = 0; r < 64; r++)
        for (size_t k = 0; k < 128; k++)
            CHECK(down[r / 16 * 16 * 128 + k * 16 + r % 16] == w[r * 128 + k]);
    em_pack_free(p);
}

/* A size that fills no last panel: 24 hidden, 40 between. */
static void ragged_panels_end_in_zeros(void)
{
    em_synth o = {.hidden = 24, .heads = 2, .intermediate = 40, .layers = 1};
    em_pack *p = NULL;
    em_bert bert;

    CHECK_OK(em_pack_folder(make(&o), NULL, &problem, &p));
    REQUIRE(p != NULL);
    const em_model *m = em_pack_model(p);
    CHECK_OK(em_bert_bind(m, em_pack_image(p), &bert));
    for (uint32_t i = 0; i < m->n; i++) {
        const em_tensor *t = &m->tensor[i];
        const uint8_t *at = em_pack_image(p).at + t->offset;
        if (t->layout != EM_LAYOUT_PANEL16) continue;
        const float *last =
            (const float *)(const void *)at + t->rows / 16 * 16 * (size_t)t->cols;
        for (size_t k = 0; t->rows % 16 != 0 && k < t->cols; k++)
            for (size_t lane = t->rows % 16; lane < 16; lane++)
                CHECK(last[k * 16 + lane] == 0);
    }
    em_pack_free(p);
}

static void every_form_gives_the_same_image(void)
{
    static const em_synth forms[] = {
        {.type = "F16"},
        {.type = "BF16"},
        {.bert_prefix = true},
        {.gamma_beta = true},
        {.pooler = true},
        {.shards = 3},
        {.shards = 31, .bert_prefix = true, .gamma_beta = true, .type = "F16"},
        {.bert_prefix = true, .pooler = true},
    };
    em_pack *p = NULL, *q = NULL;
    em_bert bert;

    CHECK_OK(em_pack_folder(make(&plain), NULL, &problem, &p));
    REQUIRE(p != NULL);
    CHECK_OK(em_bert_bind(em_pack_model(p), em_pack_image(p), &bert));
    for (size_t i = 0; i < EM_COUNT(forms); i++) {
        test_note("form %zu: %s", i, problem.text);
        CHECK_OK(em_pack_folder(make(&forms[i]), NULL, &problem, &q));
        CHECK(em_same(em_pack_image(p), em_pack_image(q)));
        em_pack_free(q);
        q = NULL;
    }
    em_pack_free(p);
}

static void a_lone_file_of_another_name_is_found(void)
{
    make(&plain);
    CHECK(rename(folder_path("m/model.safetensors"),
                 folder_path("m/minilm.safetensors")) == 0);
    CHECK_OK(open_folder(folder_path("m")));
    folder_write(folder_path("m/other.safetensors"), EM_STR("x"));
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_NOT_FOUND, "no model.safetensors",
                  "2 other .safetensors");
    remove_file("other.safetensors");
    remove_file("minilm.safetensors");
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_NOT_FOUND, "0 other",
                  "pytorch_model.bin");
}

static void a_transformer_in_a_folder_of_its_own(void)
{
    static const char *const moved[] = {"config.json", "tokenizer.json",
                                        "model.safetensors", "sentence_bert_config.json"};

    make(&plain);
    CHECK_OK(em_file_make_folder(folder_path("m/0_T"), 0755));
    for (size_t i = 0; i < EM_COUNT(moved); i++)
        CHECK(rename(folder_path("m/%s", moved[i]), folder_path("m/0_T/%s", moved[i])) ==
              0);
    edit("modules.json", "\"path\": \"\"", "\"path\": \"0_T\"");
    CHECK_OK(open_folder(folder_path("m")));
    CHECK(rename(folder_path("m/0_T/model.safetensors"),
                 folder_path("m/0_T/it.safetensors")) == 0);
    CHECK_OK(open_folder(folder_path("m")));
    folder_write(folder_path("m/0_T/model.safetensors.index.json"),
                 EM_STR("{\"weight_map\":{\"embeddings.LayerNorm.bias\":"
                        "\"it.safetensors\"}}"));
    CHECK_OK(open_folder(folder_path("m")));
}

/* ---- broken folders ---- */

static void what_is_missing_is_named(void)
{
    make(&plain);
    remove_file("config.json");
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_NOT_FOUND,
                  "config.json: is missing");
    make(&plain);
    remove_file("1_Pooling/config.json");
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_NOT_FOUND,
                  "1_Pooling/config.json: is missing", "modules.json names it");
    make(&plain);
    remove_file("tokenizer.json");
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_NOT_FOUND,
                  "neither tokenizer.json nor vocab.txt");
    CHECK_PROBLEM(open_folder(folder_path("nowhere")), EM_ERR_NOT_FOUND, "config.json");
    char deep[EM_HF_MAX_PATH + 10];
    memset(deep, 'a', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    CHECK_PROBLEM(open_folder(deep), EM_ERR_LIMIT, "too long");
}

static void each_broken_file_is_named(void)
{
    static const em_synth lines = {.vocab_txt = true}, sharded = {.shards = 2};
    static const struct {
        const em_synth *form;
        const char *name;
    } rows[] = {{&plain, "modules.json"},
                {&plain, "config.json"},
                {&plain, "1_Pooling/config.json"},
                {&plain, "sentence_bert_config.json"},
                {&plain, "tokenizer.json"},
                {&plain, "model.safetensors"},
                {&lines, "tokenizer_config.json"},
                {&sharded, "model.safetensors.index.json"},
                {&sharded, "model-00002-of-00002.safetensors"}};
    char with_colon[80];

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        em_pack *p = NULL;
        snprintf(with_colon, sizeof with_colon, "%s: ", rows[i].name);
        make(rows[i].form);
        folder_write(folder_path("m/%s", rows[i].name), EM_STR("{\"broken\":"));
        test_note("%s", rows[i].name);
        CHECK(open_folder(folder_path("m")) != EM_OK);
        CHECK(problem_says(with_colon));
        CHECK(em_pack_folder(folder_path("m"), NULL, NULL, &p) != EM_OK && p == NULL);
        make(rows[i].form); /* a folder in its place */
        remove_file(rows[i].name);
        CHECK(mkdir(folder_path("m/%s", rows[i].name), 0755) == 0);
        CHECK(open_folder(folder_path("m")) != EM_OK);
        CHECK(problem_says(with_colon));
    }
    make(&lines);
    folder_write(folder_path("m/vocab.txt"), EM_STR("a\nb\n"));
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_MODEL_MALFORMED, "vocab.txt: ");
    make(&plain);
    folder_write(folder_path("m/config.json"),
                 em_view(test_alloc(EM_HF_CONFIG_MAX + 1), EM_HF_CONFIG_MAX + 1));
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_LIMIT, "config.json: ");
    em_pack *p = NULL;
    make(&plain); /* two added tokens of one text */
    edit("tokenizer.json", "\"added_tokens\":[",
         "\"added_tokens\":[{\"id\":0,\"content\":\"[PAD]\"},");
    CHECK_PROBLEM(em_pack_folder(folder_path("m"), NULL, &problem, &p),
                  EM_ERR_MODEL_MALFORMED, "there twice");
    CHECK(p == NULL);
}

static void shapes_that_differ_from_config(void)
{
    static const struct {
        const char *from, *to;
        em_err want;
        const char *says;
    } rows[] = {
        {"_layers\": 2", "_layers\": 3", EM_ERR_MODEL_SHAPE,
         "model.safetensors: has no tensor "
         "encoder.layer.2.attention.self.query.weight"},
        {"_layers\": 2", "_layers\": 1", EM_ERR_MODEL_SHAPE,
         "belongs to no model of config.json's shape"},
        {"_size\": 64", "_size\": 60", EM_ERR_MODEL_MALFORMED,
         "word_embedding_dimension is 64, but hidden_size is 60"},
        {"intermediate_size\": 128", "intermediate_size\": 127", EM_ERR_MODEL_SHAPE,
         "encoder.layer.0.intermediate.dense.weight has not the shape [127, 64]"},
        {"position_embeddings\": 128", "position_embeddings\": 129", EM_ERR_MODEL_SHAPE,
         "position_embeddings.weight has not the shape [129, 64]"},
        {"type_vocab_size\": 2", "type_vocab_size\": 1", EM_ERR_MODEL_SHAPE,
         "token_type_embeddings.weight has not the shape [1, 64]"},
        {"vocab_size\": ", "vocab_size\": 1", EM_ERR_MODEL_SHAPE,
         "word_embeddings.weight has not"},
        {"attention_heads\": 4", "attention_heads\": 5", EM_ERR_MODEL_MALFORMED,
         "does not divide"},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        make(&plain);
        edit("config.json", rows[i].from, rows[i].to);
        test_note("%s", rows[i].to);
        CHECK_ERR(open_folder(folder_path("m")), rows[i].want);
        CHECK(problem_says(rows[i].says));
    }
    make(&plain);
    edit("config.json", "vocab_size\": ", "vocab_size\": 9, \"was\": ");
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_MODEL_MALFORMED, "tokenizer.json",
                  "but vocab_size is 9");
}

static void tensors_missing_renamed_or_of_another_type(void)
{
    static const struct {
        const char *from, *to, *says;
    } rows[] = {
        {"layer.1.output.dense.bias", "layer.1.output.dense.bja5",
         "has no tensor encoder.layer.1.output.dense.bias"},
        {"embeddings.LayerNorm.weight", "embeddings.LayerNorm.wait__",
         "has no tensor embeddings.LayerNorm.weight"},
        {"layer.0.attention.self.key.weight\":{\"dtype\":\"F32\"",
         "layer.0.attention.self.key.weight\":{\"dtype\":\"I32\"",
         "self.key.weight is of type I32"},
        {"self.key.weight\":{\"dtype\":\"F32\",\"shape\":[64,64]",
         "self.key.weight\":{\"dtype\":\"F32\",\"shape\":[4096] ",
         "self.key.weight has not the shape [64, 64]"},
        {"self.key.bias\":{\"dtype\":\"F32\",\"shape\":[64]",
         "self.key.bias\":{\"dtype\":\"F32\",\"shape\":[65]", "do not fit"},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        make(&plain);
        edit("model.safetensors", rows[i].from, rows[i].to);
        test_note("%s", rows[i].to);
        CHECK(open_folder(folder_path("m")) != EM_OK);
        CHECK(problem_says(rows[i].says) && problem_says("model.safetensors: "));
    }
    em_synth both = {.pooler = true};
    make(&both);
    edit("model.safetensors", "pooler.dense.bias", "encoder.dense.bis");
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_MODEL_SHAPE,
                  "tensor encoder.dense.bis belongs to no model");
    make(&both); /* the same tensor under both of its names */
    edit_header("\"pooler.dense.bias\"", "\"embeddings.LayerNorm.beta\"");
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_MODEL_SHAPE,
                  "has tensor embeddings.LayerNorm.bias twice");
    make(&plain);
    edit_header("key.bias\":{\"dtype\":\"F32\",\"shape\":[64]",
                "key.bias\":{\"dtype\":\"F32\",\"shape\":[64,1]");
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_MODEL_SHAPE,
                  "self.key.bias has not the shape [64]");
    make(&plain);
    edit_header("key.weight\":{\"dtype\":\"F32\",\"shape\":[64,64]",
                "key.weight\":{\"dtype\":\"F32\",\"shape\":[64,64,1]");
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_MODEL_SHAPE,
                  "self.key.weight has not the shape [64, 64]");
}

/* Makes one number of the file what it should not be, and packs. */
static void pack_with(size_t at, uint32_t value, const char *says)
{
    em_pack *p = NULL;

    make(&plain);
    em_bytes file = test_file(folder_path("m/model.safetensors"));
    uint8_t *copy = test_alloc(file.len);
    memcpy(copy, file.at, file.len);
    memcpy(copy + at, &value, sizeof value);
    folder_write(folder_path("m/model.safetensors"), em_view(copy, file.len));
    CHECK_ERR(em_pack_folder(folder_path("m"), NULL, &problem, &p),
              EM_ERR_MODEL_MALFORMED);
    CHECK(problem_says(says) && p == NULL);
}

static void numbers_that_are_not_finite(void)
{
    static const uint32_t values[] = {0x7FC00000, 0x7F800000, 0xFF800000, 0xFFFFFFFF};
    EM_DROP(em_safetensors) f = {0};

    make(&plain);
    em_bytes file = test_file(folder_path("m/model.safetensors"));
    CHECK_OK(em_safetensors_open(file, "f", &problem, &f));
    const em_safetensors_tensor *value =
        em_safetensors_find(&f, "encoder.layer.0.attention.self.value.weight");
    REQUIRE(value != NULL);
    for (size_t i = 0; i < EM_COUNT(values); i++) {
        pack_with(file.len - 4, values[i],
                  "model.safetensors: encoder.layer.1.output.LayerNorm.bias holds a "
                  "number that is not finite");
        pack_with((size_t)(value->data.at - file.at) + 4 * (17 * 64 + 3), values[i],
                  "self.value.weight holds a number that is not finite");
    }
}

static void the_last_id_must_fit(void)
{
    char to[40];

    make(&plain);
    em_bytes text = test_file(folder_path("m/config.json"));
    const char *at = strstr((const char *)text.at, "vocab_size\": ");
    REQUIRE(at != NULL);
    unsigned long rows = strtoul(at + 13, NULL, 10);
    char from[40];
    snprintf(from, sizeof from, "vocab_size\": %lu", rows);
    snprintf(to, sizeof to, "vocab_size\": %lu", rows - 1);
    edit("config.json", from, to);
    snprintf(to, sizeof to, "id %lu, but vocab_size is %lu", rows - 1, rows - 1);
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_MODEL_MALFORMED,
                  "tokenizer.json: has a token of id");
    CHECK(problem_says(to));
}

static void indexes_stay_inside_and_tell_the_truth(void)
{
    static const em_synth sharded = {.shards = 2};
    static const struct {
        const char *from, *to, *says;
    } rows[] = {
        {"model-00001-of-00002.safetensors", "../model.safetensors",
         "its shard is not the name of a file here"},
        {"model-00001-of-00002.safetensors", "/etc/passwd", "not the name"},
        {"\"model-00001-of-00002.safetensors\"", "7", "not the name"},
        {"model-00001-of-00002.safetensors", "none.safetensors", "none.safetensors: "},
        {"00001-of", "00002-of",
         "has no tensor embeddings.word_embeddings.weight, though"},
        {"\"weight_map\"", "\"weights\"", "weight_map is missing"},
        {"{\n  \"embeddings", "[\n  \"embeddings", "line"},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        make(&sharded);
        edit("model.safetensors.index.json", rows[i].from, rows[i].to);
        test_note("%s", rows[i].to);
        CHECK(open_folder(folder_path("m")) != EM_OK);
        CHECK(problem_says(rows[i].says));
    }
    make(&sharded);
    folder_write(folder_path("m/model.safetensors.index.json"),
                 EM_STR("{\"weight_map\":{}}"));
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_MODEL_MALFORMED,
                  "weight_map is empty");
    make(&sharded); /* half of the tensors unnamed: their shard is not opened */
    folder_write(folder_path("m/model.safetensors.index.json"),
                 EM_STR("{\"weight_map\":{\"embeddings.word_embeddings.weight\":"
                        "\"model-00001-of-00002.safetensors\"}}"));
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_MODEL_SHAPE, "has no tensor");
    em_synth many = {.shards = 32, .layers = 3};
    CHECK_OK(open_folder(make(&many)));
}

static void more_shards_than_are_opened(void)
{
    char index[4096] = "{\"weight_map\":{";
    size_t len = strlen(index);

    make(&plain);
    em_bytes file = test_file(folder_path("m/model.safetensors"));
    for (unsigned i = 0; i <= EM_HF_MAX_SHARDS; i++) {
        folder_write(folder_path("m/%u.safetensors", i), file);
        len += (size_t)snprintf(index + len, sizeof index - len,
                                "%s\"t%u\":\"%u.safe"
                                "tensors\"",
                                i == 0 ? "" : ",", i, i);
        char name[40];
        snprintf(name, sizeof name, "\"t%u\"", i);
        CHECK(rename(folder_path("m/%u.safetensors", i),
                     folder_path("m/model.safetensors")) == 0);
        edit_header("\"embeddings.LayerNorm.bias\"", name);
        CHECK(rename(folder_path("m/model.safetensors"),
                     folder_path("m/%u.safetensors", i)) == 0);
    }
    snprintf(index + len, sizeof index - len, "}}");
    folder_write(folder_path("m/model.safetensors.index.json"),
                 em_view(index, strlen(index)));
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_LIMIT,
                  "32.safetensors: more than 32 shards");
}

static void lower_casing_that_is_not_done(void)
{
    make(&plain);
    edit("sentence_bert_config.json", "\"do_lower_case\": false",
         "\"do_lower_case\": true");
    CHECK_OK(open_folder(folder_path("m"))); /* the tokenizer does it */
    edit("tokenizer.json", "\"lowercase\":true", "\"lowercase\":false");
    CHECK_PROBLEM(open_folder(folder_path("m")), EM_ERR_UNSUPPORTED,
                  "do_lower_case is true, but the tokenizer does not");
}

static void cut_weights_are_refused(void)
{
    em_synth tiny = {.hidden = 16,
                     .heads = 2,
                     .intermediate = 16,
                     .layers = 1,
                     .positions = 8,
                     .max_tokens = 8,
                     .type = "F16"};
    const char *path = make(&tiny);
    em_bytes file = test_file(folder_path("m/model.safetensors"));
    size_t header = 8 + (size_t)(file.at[0] | file.at[1] << 8);
    size_t accepted = 0;

    for (size_t len = file.len; len-- > 0;) {
        if (len % (len > header + 64 ? 97 : 7) != 0) continue;
        if (truncate(folder_path("m/model.safetensors"), (off_t)len) != 0) abort();
        accepted += open_folder(path) == EM_OK;
    }
    CHECK(accepted == 0);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    folder_begin();
    RUN(a_folder_is_what_it_says);
    RUN(every_number_stands_where_the_engine_looks);
    RUN(ragged_panels_end_in_zeros);
    RUN(every_form_gives_the_same_image);
    RUN(a_lone_file_of_another_name_is_found);
    RUN(a_transformer_in_a_folder_of_its_own);
    RUN(what_is_missing_is_named);
    RUN(each_broken_file_is_named);
    RUN(shapes_that_differ_from_config);
    RUN(tensors_missing_renamed_or_of_another_type);
    RUN(numbers_that_are_not_finite);
    RUN(the_last_id_must_fit);
    RUN(more_shards_than_are_opened);
    RUN(indexes_stay_inside_and_tell_the_truth);
    RUN(lower_casing_that_is_not_done);
    RUN(cut_weights_are_refused);
    return test_end();
}
