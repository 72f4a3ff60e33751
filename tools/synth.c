#include "tools/synth.h"

#include "os/file.h"
#include "tools/synth_impl.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_PATH = 4096, VOCAB_HEAD = 5 };

/* Whole words; every printable ASCII character stands in the vocabulary by itself and as
 * a continuation, so that nothing in ASCII is unknown. */
static const char words[] =
    "the be to of and in that have it for not on with he as you do at this but his by "
    "from they we say her she or an will my one all would there their what so up out if "
    "about who get which go me when make can like time no just him know take people into "
    "year your good some could them see other than then now look only come its over "
    "think "
    "also back after use two how our work first well way even new want because any these "
    "give day most us cat dog animal house home car road money bank river water food eat "
    "weather sun rain snow sea mountain city country music song play game king queen man "
    "woman child school book read write computer machine model data science doctor "
    "health "
    "patient blood law court contract price market buy sell secret key safe open close "
    "sat mat runs plays quick brown fox jumps lazy guitar ##ing ##ed ##er ##ly "
    "##tion";

/* ---- files ---- */

em_err em_synth_put(const em_synth_maker *m, const char *name, em_bytes bytes)
{
    char path[MAX_PATH];

    int n = snprintf(path, sizeof path, "%s/%s", m->folder, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return em_problem_err(m->problem, EM_ERR_LIMIT, name);
    em_err err = em_file_write(path, bytes, 0644);
    if (err != EM_OK) return em_problem_err(m->problem, err, path);
    return EM_OK;
}

/* A text that grows and then is a file. */
typedef struct text {
    FILE *file;
    char *at;
    size_t len;
} text;

static em_err begin_text(const em_synth_maker *m, text *t)
{
    *t = (text){0};
    t->file = open_memstream(&t->at, &t->len);
    return t->file != NULL ? EM_OK : em_problem_err(m->problem, EM_ERR_MEMORY, m->folder);
}

static em_err end_text(const em_synth_maker *m, text *t, const char *name)
{
    bool good = fclose(t->file) == 0;
    em_err err = good ? em_synth_put(m, name, em_view(t->at, t->len))
                      : em_problem_err(m->problem, EM_ERR_MEMORY, name);

    free(t->at);
    return err;
}

/* ---- vocabulary ---- */

typedef void on_token(void *arg, const char *token, uint32_t id);

static uint32_t each_token(on_token *on, void *arg)
{
    static const char *const head[VOCAB_HEAD] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]",
                                                 "[MASK]"};
    char token[32];
    uint32_t id = 0;

    for (; id < VOCAB_HEAD; id++) on(arg, head[id], id);
    for (char c = '!'; c <= '~'; c++) {
        if (c >= 'A' && c <= 'Z') continue; /* everything is lower-cased first */
        snprintf(token, sizeof token, "%c", c);
        on(arg, token, id++);
        snprintf(token, sizeof token, "##%c", c);
        on(arg, token, id++);
    }
    for (const char *at = words; *at != 0;) {
        size_t len = strcspn(at, " ");
        snprintf(token, sizeof token, "%.*s", (int)len, at);
        on(arg, token, id++);
        at += len + (at[len] == ' ');
    }
    return id;
}

static void count_token(void *arg, const char *token, uint32_t id)
{
    (void)arg, (void)token, (void)id;
}

static void json_token(void *arg, const char *token, uint32_t id)
{
    FILE *f = arg;

    fprintf(f, id == 0 ? "\"" : ",\"");
    for (; *token != 0; token++)
        fprintf(f, *token == '"' || *token == '\\' ? "\\%c" : "%c", *token);
    fprintf(f, "\":%u", id);
}

static void line_token(void *arg, const char *token, uint32_t id)
{
    (void)id;
    fprintf(arg, "%s\n", token);
}

static void added_token(void *arg, const char *token, uint32_t id)
{
    if (id >= VOCAB_HEAD) return;
    fprintf(arg,
            "%s{\"id\":%u,\"special\":true,\"content\":\"%s\",\"single_word\":false,"
            "\"lstrip\":false,\"rstrip\":false,\"normalized\":false}",
            id == 0 ? "" : ",", id, token);
}

/* [CLS] A [SEP] of type 0, B [SEP] of type 1; embedders are never asked for pairs. */
static const char pair_template[] = "{\"SpecialToken\":{\"id\":\"[CLS]\",\"type_id\":0}},"
                                    "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"
                                    "{\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":0}},"
                                    "{\"Sequence\":{\"id\":\"B\",\"type_id\":1}},"
                                    "{\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":1}}";

static em_err write_tokenizer(const em_synth_maker *m)
{
    text t;

    EM_TRY(begin_text(m, &t));
    if (m->options->vocab_txt) {
        (void)each_token(line_token, t.file);
        EM_TRY(end_text(m, &t, "vocab.txt"));
        return em_synth_put(m, "tokenizer_config.json",
                            EM_STR("{\"tokenizer_class\": \"BertTokenizer\", "
                                   "\"do_lower_case\": true}\n"));
    }
    fprintf(t.file, "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,"
                    "\"added_tokens\":[");
    (void)each_token(added_token, t.file);
    fprintf(t.file,
            "],\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,"
            "\"handle_chinese_chars\":true,\"strip_accents\":null,\"lowercase\":true},"
            "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"post_processor\":{"
            "\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":"
            "\"[CLS]\",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{"
            "\"SpecialToken\":{\"id\":\"[SEP]\",\"type_id\":0}}],\"pair\":[%s],"
            "\"special_tokens\":{\"[CLS]\":{\"id\":\"[CLS]\",\"ids\":[2],\"tokens\":["
            "\"[CLS]\"]},\"[SEP]\":{\"id\":\"[SEP]\",\"ids\":[3],\"tokens\":[\"[SEP]\"]}}"
            "},\"decoder\":null,\"model\":{\"type\":\"WordPiece\",\"unk_token\":"
            "\"[UNK]\",\"continuing_subword_prefix\":\"##\","
            "\"max_input_chars_per_word\":100,\"vocab\":{",
            m->options->labels > 0 ? pair_template : "");
    (void)each_token(json_token, t.file);
    fprintf(t.file, "}}}\n");
    return end_text(m, &t, "tokenizer.json");
}

/* ---- configuration ---- */

/* The members that make config.json a classifier's. */
static void write_labels(const em_synth_maker *m, FILE *f)
{
    fprintf(f, ",\n  \"architectures\": [\"BertForSequenceClassification\"],\n"
               "  \"id2label\": {");
    for (uint32_t i = 0; i < m->options->labels; i++)
        fprintf(f, "%s\"%u\": \"kind %u\"", i == 0 ? "" : ", ", i, i);
    fprintf(f, "}");
    if (m->options->activation != NULL)
        fprintf(f,
                ",\n  \"sentence_transformers\": {\"activation_fn\": "
                "\"torch.nn.modules.%s.%s\", \"version\": \"4.0.1\"}",
                strcmp(m->options->activation, "Identity") == 0 ? "linear" : "activation",
                m->options->activation);
}

static em_err write_prompts(const em_synth_maker *m)
{
    text t;

    EM_TRY(begin_text(m, &t));
    fprintf(t.file, "{\"prompts\": {\"query\": \"query: \", \"passage\": "
                    "\"passage: \"}, \"default_prompt_name\": null}\n");
    return end_text(m, &t, "config_sentence_transformers.json");
}

static em_err write_config(const em_synth_maker *m)
{
    text t;

    EM_TRY(begin_text(m, &t));
    fprintf(t.file,
            "{\n  \"model_type\": \"bert\",\n  \"hidden_act\": \"gelu\",\n"
            "  \"num_hidden_layers\": %u,\n  \"hidden_size\": %u,\n"
            "  \"num_attention_heads\": %u,\n  \"intermediate_size\": %u,\n"
            "  \"vocab_size\": %u,\n  \"max_position_embeddings\": %u,\n"
            "  \"type_vocab_size\": 2,\n  \"layer_norm_eps\": 1e-12",
            m->layers, m->hidden, m->heads, m->intermediate, m->vocab, m->positions);
    if (m->options->labels > 0) write_labels(m, t.file);
    fprintf(t.file, "\n}\n");
    EM_TRY(end_text(m, &t, "config.json"));
    if (m->options->prompts) EM_TRY(write_prompts(m));
    if (m->options->only_transformer || m->options->labels > 0) return EM_OK;

    EM_TRY(begin_text(m, &t));
    fprintf(t.file,
            "[{\"path\": \"\", \"type\": \"sentence_transformers.models.Transformer\"},\n"
            " {\"path\": \"1_Pooling\", \"type\": "
            "\"sentence_transformers.models.Pooling\"}%s]\n",
            m->options->not_normalized ? ""
                                       : ",\n {\"path\": \"2_Normalize\", \"type\": "
                                         "\"sentence_transformers.models.Normalize\"}");
    EM_TRY(end_text(m, &t, "modules.json"));
    EM_TRY(begin_text(m, &t));
    fprintf(t.file,
            "{\"word_embedding_dimension\": %u, \"pooling_mode_cls_token\": %s, "
            "\"pooling_mode_mean_tokens\": %s, \"pooling_mode_max_tokens\": false}\n",
            m->hidden, m->options->cls ? "true" : "false",
            m->options->cls ? "false" : "true");
    EM_TRY(end_text(m, &t, "1_Pooling/config.json"));
    EM_TRY(begin_text(m, &t));
    fprintf(t.file, "{\"max_seq_length\": %u, \"do_lower_case\": false}\n",
            m->max_tokens);
    return end_text(m, &t, "sentence_bert_config.json");
}

em_err em_synth_write(const char *folder, const em_synth *options, em_problem *problem)
{
    const em_synth *o = options;
    em_synth_maker m = {.options = o, .folder = folder, .problem = problem};
    char path[MAX_PATH];

    m.layers = o->layers != 0 ? o->layers : 2;
    m.hidden = o->hidden != 0 ? o->hidden : 64;
    m.heads = o->heads != 0 ? o->heads : 4;
    m.intermediate = o->intermediate != 0 ? o->intermediate : 128;
    m.positions = o->positions != 0 ? o->positions : 128;
    m.max_tokens = o->max_tokens != 0 ? o->max_tokens : 64;
    m.vocab = each_token(count_token, NULL);
    if (m.layers > EM_MAX_LAYERS || m.hidden > EM_MAX_HIDDEN || m.heads > m.hidden ||
        m.intermediate > EM_MAX_INTERMEDIATE || m.positions > EM_MAX_POSITIONS ||
        o->labels > EM_MAX_LABELS)
        return em_problem_err(problem, EM_ERR_LIMIT, folder);

    int n = snprintf(path, sizeof path, "%s/1_Pooling", folder);
    if (n < 0 || (size_t)n >= sizeof path)
        return em_problem_err(problem, EM_ERR_LIMIT, folder);
    bool flat = o->only_transformer || o->labels > 0;
    em_err err = em_file_make_folder(flat ? folder : path, 0755);
    if (err != EM_OK) return em_problem_err(problem, err, folder);
    EM_TRY(write_config(&m));
    EM_TRY(write_tokenizer(&m));
    return em_synth_weights_write(&m);
}
