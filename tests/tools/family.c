/* Folders of the BERT family as their publishers lay them out: what config.json and its
 * neighbours hold beside what we need, and what becomes of them here. */
#include "tools/hf_config.h"
#include "tools/hf_head.h"

#include "tests/tools/folder.h"

/* What every BERT's config.json says beside its sizes. */
#define BERT                                                                             \
    "\"attention_probs_dropout_prob\":0.1,\"hidden_act\":\"gelu\","                      \
    "\"hidden_dropout_prob\":0.1,\"initializer_range\":0.02,\"layer_norm_eps\":1e-12,"   \
    "\"max_position_embeddings\":512,\"model_type\":\"bert\",\"pad_token_id\":0,"        \
    "\"gradient_checkpointing\":false,\"position_embedding_type\":\"absolute\","         \
    "\"transformers_version\":\"4.30.0\",\"type_vocab_size\":2,\"use_cache\":true,"      \
    "\"vocab_size\":30522,\"classifier_dropout\":null"
#define L6                                                                               \
    "\"hidden_size\":384,\"num_attention_heads\":12,\"num_hidden_layers\":6,"            \
    "\"intermediate_size\":1536,"
#define L12                                                                              \
    "\"hidden_size\":384,\"num_attention_heads\":12,\"num_hidden_layers\":12,"           \
    "\"intermediate_size\":1536,"
#define BASE                                                                             \
    "\"hidden_size\":768,\"num_attention_heads\":12,\"num_hidden_layers\":12,"           \
    "\"intermediate_size\":3072,"
#define MODEL "\"architectures\":[\"BertModel\"],"
#define SEQUENCE "\"architectures\":[\"BertForSequenceClassification\"],"
#define MEAN                                                                             \
    ",\"pooling_mode_cls_token\":false,"                                                 \
    "\"pooling_mode_mean_tokens\":true,\"pooling_mode_max_tokens\":false,"               \
    "\"pooling_mode_mean_sqrt_len_tokens\":false,"                                       \
    "\"pooling_mode_weightedmean_tokens\":false,\"pooling_mode_lasttoken\":false,"       \
    "\"include_prompt\":true}"
#define CLS                                                                              \
    ",\"pooling_mode_cls_token\":true,"                                                  \
    "\"pooling_mode_mean_tokens\":false,\"pooling_mode_max_tokens\":false,"              \
    "\"pooling_mode_mean_sqrt_len_tokens\":false}"

static const struct {
    const char *name, *config, *pooling; /* NULL: no modules.json */
    const char *sentence, *tokenizer, *prompts;
    uint32_t layers, hidden, max_tokens, labels, n_prompts;
    em_pooling pools;
    em_activation activation;
} rows[] = {
    {"all-MiniLM-L12-v2", "{\"_name_or_path\":\"x\"," MODEL L12 BERT "}", MEAN,
     "{\"max_seq_length\":128,\"do_lower_case\":false}", "{\"model_max_length\":512}",
     "{\"__version__\":{\"sentence_transformers\":\"2.0.0\"}}", 12, 384, 128, 0, 0,
     EM_POOLING_MEAN, EM_ACTIVATION_NONE},
    {"bge-small-en: one label that nobody uses",
     "{" MODEL L12 BERT ",\"id2label\":{\"0\":\"LABEL_0\"},\"label2id\":{\"LABEL_0\":0},"
     "\"torch_dtype\":\"float32\"}",
     CLS, "{\"max_seq_length\":512,\"do_lower_case\":true}",
     "{\"model_max_length\":512,\"do_lower_case\":true}",
     "{\"__version__\":{\"pytorch\":\"1.13.1\"}}", 12, 384, 512, 0, 0, EM_POOLING_CLS,
     EM_ACTIVATION_NONE},
    {"e5-base-v2: no prompts, a tokenizer without end",
     "{\"_name_or_path\":\"tmp/\"," MODEL BASE BERT ",\"torch_dtype\":\"float32\"}", MEAN,
     "{\"max_seq_length\":512,\"do_lower_case\":false}",
     "{\"model_max_length\":1000000000000000019884624838656}", NULL, 12, 768, 512, 0, 0,
     EM_POOLING_MEAN, EM_ACTIVATION_NONE},
    {"gte-base", "{" MODEL BASE BERT ",\"torch_dtype\":\"float16\"}", MEAN,
     "{\"max_seq_length\":512,\"do_lower_case\":false}", "{\"model_max_length\":128}",
     "{\"prompts\":{},\"default_prompt_name\":null,\"similarity_fn_name\":\"cosine\"}",
     12, 768, 512, 0, 0, EM_POOLING_MEAN, EM_ACTIVATION_NONE},
    {"a fine-tuned retriever of a newer package",
     "{" MODEL BASE BERT ",\"dtype\":\"float32\"}", CLS,
     "{\"max_seq_length\":256,\"do_lower_case\":false}", NULL,
     "{\"model_type\":\"SentenceTransformer\",\"prompts\":{\"query\":\"Represent this "
     "sentence for searching relevant passages: \",\"document\":\"\"},"
     "\"default_prompt_name\":null,\"similarity_fn_name\":\"cosine\"}",
     12, 768, 256, 0, 2, EM_POOLING_CLS, EM_ACTIVATION_NONE},
    {"ms-marco-MiniLM-L6: older",
     "{" SEQUENCE L6 BERT
     ",\"id2label\":{\"0\":\"LABEL_0\"},\"label2id\":{\"LABEL_0\":0},"
     "\"sbert_ce_default_activation_function\":\"torch.nn.modules.linear.Identity\"}",
     NULL, NULL, "{\"model_max_length\":512}", NULL, 6, 384, 512, 1, 0, EM_POOLING_MEAN,
     EM_ACTIVATION_NONE},
    {"ms-marco-MiniLM-L6: newer",
     "{" SEQUENCE L6 BERT
     ",\"id2label\":{\"0\":\"LABEL_0\"},\"label2id\":{\"LABEL_0\":0},"
     "\"sentence_transformers\":{\"activation_fn\":\"torch.nn.modules.linear.Identity\","
     "\"version\":\"4.1.0\"}}",
     NULL, NULL, "{\"model_max_length\":512}", NULL, 6, 384, 512, 1, 0, EM_POOLING_MEAN,
     EM_ACTIVATION_NONE},
    {"a similarity cross-encoder",
     "{" SEQUENCE BASE BERT
     ",\"id2label\":{\"0\":\"LABEL_0\"},\"label2id\":{\"LABEL_0\":0}}",
     NULL, NULL, NULL, NULL, 12, 768, 512, 1, 0, EM_POOLING_MEAN, EM_ACTIVATION_SIGMOID},
    {"stars of reviews",
     "{" SEQUENCE BASE BERT
     ",\"id2label\":{\"0\":\"1 star\",\"1\":\"2 stars\",\"2\":\"3 stars\",\"3\":\"4 "
     "stars\",\"4\":\"5 stars\"},\"_num_labels\":5,\"finetuning_task\":\"x\","
     "\"pooler_type\":\"first_token_transform\"}",
     NULL, NULL, "{\"model_max_length\":256}", NULL, 12, 768, 256, 5, 0, EM_POOLING_MEAN,
     EM_ACTIVATION_SOFTMAX},
    {"several labels at once",
     "{" SEQUENCE BASE BERT
     ",\"id2label\":{\"0\":\"toxic\",\"1\":\"threat\",\"2\":\"insult\"},"
     "\"problem_type\":\"multi_label_classification\"}",
     NULL, NULL, NULL, NULL, 12, 768, 512, 3, 0, EM_POOLING_MEAN, EM_ACTIVATION_SIGMOID},
};

static em_hf_config_file file(const char *text, const char *name)
{
    return (em_hf_config_file){text != NULL ? em_view(text, strlen(text)) : (em_bytes){0},
                               name};
}

static void published_folders_are_read_as_they_are_meant(void)
{
    static em_hf_prompts prompts;
    static em_hf_head head;
    const em_hf_choice as_it_says = {0};

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        char pooling[512] = "";
        bool listed = rows[i].pooling != NULL, lower;
        em_model_shape s = {0};

        test_note("%s", rows[i].name);
        if (listed)
            snprintf(pooling, sizeof pooling, "{\"word_embedding_dimension\":%u%s",
                     rows[i].hidden, rows[i].pooling);
        CHECK_OK(em_hf_config_read_shape(file(rows[i].config, "config.json"),
                                         file(listed ? pooling : NULL, "1_Pooling"),
                                         file(rows[i].sentence, "sentence"), listed,
                                         &problem, &s, &lower));
        CHECK_OK(em_hf_config_read_longest(file(rows[i].sentence, "sentence"),
                                           file(rows[i].tokenizer, "tokenizer"), &problem,
                                           &s));
        CHECK_OK(em_hf_head_read(file(rows[i].config, "config.json"), listed, !listed,
                                 &as_it_says, &problem, &head));
        CHECK_OK(em_hf_head_read_prompts(file(rows[i].prompts, "prompts"), &problem,
                                         &prompts));
        CHECK(s.layers == rows[i].layers && s.hidden == rows[i].hidden);
        CHECK(s.max_tokens == rows[i].max_tokens && s.pooling == rows[i].pools);
        CHECK(s.vocab == 30522 && s.positions == 512 && s.types == 2 && s.heads == 12);
        CHECK(head.labels == rows[i].labels && head.activation == rows[i].activation);
        CHECK(prompts.n == rows[i].n_prompts);
    }
}

/* What only looks like one of the family. */
static void others_are_refused_by_name(void)
{
    static const struct {
        const char *config, *says;
    } others[] = {
        {"{\"architectures\":[\"XLMRobertaModel\"],\"model_type\":\"xlm-roberta\"}",
         "xlm-roberta"},
        {"{\"architectures\":[\"DistilBertModel\"],\"model_type\":\"distilbert\","
         "\"activation\":\"gelu\",\"dim\":768}",
         "distilbert"},
        {"{\"model_type\":\"nomic_bert\",\"rotary_emb_fraction\":1.0}", "nomic_bert"},
        {"{\"model_type\":\"new\",\"architectures\":[\"NewModel\"]}",
         "model_type is new"},
        {"{\"model_type\":\"mpnet\"}", "mpnet"},
        {"{\"auto_map\":{\"AutoModel\":\"x--modeling_bert.JinaBertModel\"}," L12
         "\"hidden_act\":\"gelu\",\"model_type\":\"bert\",\"position_embedding_type\":"
         "\"alibi\"}",
         "alibi"},
    };

    for (size_t i = 0; i < EM_COUNT(others); i++) {
        em_model_shape s = {0};
        bool lower;

        test_note("%s", others[i].config);
        CHECK_ERR(em_hf_config_read_shape(file(others[i].config, "config.json"),
                                          file(NULL, "p"), file(NULL, "s"), false,
                                          &problem, &s, &lower),
                  EM_ERR_UNSUPPORTED);
        CHECK(problem_says(others[i].says));
    }
}

int main(void)
{
    RUN(published_folders_are_read_as_they_are_meant);
    RUN(others_are_refused_by_name);
    return test_end();
}
