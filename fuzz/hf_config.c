/* covers: tools/hf_config.c
 *
 * The JSON files of a model folder.  The first byte says which: 'c' config.json, 'p'
 * pooling, 's' sentence_bert_config.json, 'm' modules.json, 't' tokenizer_config.json. */
#include "tools/hf_config.h"
#include "engine/plan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char good[] =
    "{\"model_type\":\"bert\",\"hidden_act\":\"gelu\",\"num_hidden_layers\":6,"
    "\"hidden_size\":384,\"num_attention_heads\":12,\"intermediate_size\":1536,"
    "\"vocab_size\":30522,\"max_position_embeddings\":512,\"type_vocab_size\":2,"
    "\"layer_norm_eps\":1e-12}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_hf_config_file config = {em_view(good, sizeof good - 1), "c"};
    em_hf_config_file pooling = {{0}, "p"}, sentence = {{0}, "s"}, modules = {{0}, "m"};
    em_hf_config_file tokenizer = {{0}, "t"};
    em_hf_config_modules m;
    em_model_shape s;
    em_problem problem;
    bool lower;

    if (size < 2) return 0;
    em_bytes in = em_view(data + 1, size - 1);
    if (data[0] == 'c') config.text = in;
    if (data[0] == 'p') pooling.text = in;
    if (data[0] == 's') sentence.text = in;
    if (data[0] == 'm') modules.text = in;
    if (data[0] == 't') tokenizer.text = in;
    if (em_hf_config_read_modules(modules, &problem, &m) == EM_OK) {
        if (m.transformer[0] != 0 && !em_hf_config_is_inside(m.transformer)) abort();
        if (m.pooling[0] != 0 && !em_hf_config_is_inside(m.pooling)) abort();
    }
    if (em_hf_config_read_shape(config, pooling, sentence, true, &problem, &s, &lower) !=
        EM_OK)
        return 0;
    if (em_plan_check(&s) != EM_OK) abort();
    if (em_hf_config_read_longest(sentence, tokenizer, &problem, &s) == EM_OK &&
        em_plan_check(&s) != EM_OK)
        abort();
    return 0;
}
