/* hf.h - a model folder as Hugging Face and sentence-transformers lay it out, read into a
 * shape, a tokenizer and tensors (hf_tensors.h writes those as the engine wants them).
 *
 *   config.json                   sizes; model_type "bert", hidden_act "gelu"; labels
 *   config_sentence_transformers.json    prompts
 *   modules.json                  Transformer, Pooling and perhaps Normalize
 *   1_Pooling/config.json         mean or CLS (the path is as modules.json says)
 *   sentence_bert_config.json     max_seq_length
 *   tokenizer.json or vocab.txt   with tokenizer_config.json
 *   model.safetensors             or one other, or shards by model.safetensors.index.json
 *
 * Without modules.json and what it names: mean pooling, no normalisation, and
 * max_position_embeddings tokens, or model_max_length of tokenizer_config.json where that
 * is less; hf_head.h says which of those folders are classifiers.  The length in
 * tokenizer.json is not asked.
 *
 * Trust:  every file is hostile: sizes, types and shapes are checked, file names that
 *         come from files stay inside the folder, and whatever the engine cannot do is
 *         refused by name.
 * Memory: the result owns mappings and lists; drop it.  The files must not change
 *         meanwhile.
 */
#ifndef EM_TOOLS_HF_H
#define EM_TOOLS_HF_H

#include "base/model.h"
#include "os/map.h"
#include "tools/hf_head.h"
#include "tools/safetensors.h"
#include "tools/tokenizer_json.h"
#include "trust/manifest_body.h"

enum { EM_HF_MAX_SHARDS = 32, EM_HF_MAX_PATH = 4096 };

typedef struct em_hf_shard {
    char name[EM_MAX_SOURCE_NAME];
    em_map map;
    em_safetensors tensors;
} em_hf_shard;

typedef struct em_hf {
    em_model_shape shape;
    em_hf_head head;
    em_hf_prompts prompts;
    em_tokenizer_json tokenizer;
    uint32_t n_shards;
    em_hf_shard shard[EM_HF_MAX_SHARDS];
    const char *prefix; /* of every tensor's name: "" or "bert." */

    /* every file that was read, by its path in the folder; hashed by em_hf_hash_sources
     */
    uint32_t n_sources;
    em_source source[EM_MAX_SOURCES];
    char source_name[EM_MAX_SOURCES][EM_MAX_SOURCE_NAME];
    char folder[EM_HF_MAX_PATH];
} em_hf;

/* Reads a folder as the publisher chose (NULL: as it says), and checks that every tensor
 * of the shape is there, once, with the right dimensions, and that no other stands among
 * them.  *ret_hf is the caller's and points into itself: it is not to be copied or moved;
 * em_hf_drop in any case. */
em_err em_hf_open_as(const char *folder, const em_hf_choice *choice, em_problem *problem,
                     em_hf *ret_hf);
em_err em_hf_open(const char *folder, em_problem *problem, em_hf *ret_hf);
void em_hf_drop(em_hf *hf);

/* Fills the sources' SHA-256: reads every file again. */
em_err em_hf_hash_sources(em_hf *hf, em_problem *problem);

#endif
