/* hf_config.h - the JSON files of a model folder that say what the model is.
 *
 * Trust:  the texts are hostile.  What the engine cannot do is refused by name, never
 *         ignored; numbers meet the engine's limits; paths stay inside the folder.
 * Memory: nothing is kept.
 */
#ifndef EM_TOOLS_HF_CONFIG_H
#define EM_TOOLS_HF_CONFIG_H

#include "base/model.h"
#include "tools/problem.h"

enum { EM_HF_CONFIG_MAX = 1 << 20, EM_HF_CONFIG_MAX_PATH = 128 };

/* One file's text; at NULL where the folder has no such file. */
typedef struct em_hf_config_file {
    em_bytes text;
    const char *name; /* in problems */
} em_hf_config_file;

/* What modules.json lists: a Transformer, a Pooling, perhaps a Normalize. */
typedef struct em_hf_config_modules {
    char transformer[EM_HF_CONFIG_MAX_PATH]; /* folders in the folder; "" for itself */
    char pooling[EM_HF_CONFIG_MAX_PATH];
    bool normalize;
} em_hf_config_modules;

/* Without the file: transformer "", pooling "1_Pooling", no normalisation. */
em_err em_hf_config_read_modules(em_hf_config_file modules, em_problem *problem,
                                 em_hf_config_modules *ret_modules);

/* config.json must be there; pooling's config.json (without: mean) and
 * sentence_bert_config.json (without: max_position_embeddings tokens) need not.
 * *ret_lower_first: the text is lower-cased before it is tokenized. */
em_err em_hf_config_read_shape(em_hf_config_file config, em_hf_config_file pooling,
                               em_hf_config_file sentence, bool normalize,
                               em_problem *problem, em_model_shape *ret_shape,
                               bool *ret_lower_first);

/* Where `sentence` names no max_seq_length: the longest text is also at most the
 * model_max_length of tokenizer_config.json, where that names one.  shape->max_tokens
 * becomes less or stays. */
em_err em_hf_config_read_longest(em_hf_config_file sentence, em_hf_config_file tokenizer,
                                 em_problem *problem, em_model_shape *shape);

/* Is it a relative path of plain names, without "." and ".."? */
bool em_hf_config_is_inside(const char *path);

#endif
