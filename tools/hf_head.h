/* hf_head.h - what a model folder is made to give: embeddings, or scores of labels; and
 * the prompts it asks for.
 *
 * A folder with modules.json is an embedder.  Of the others, one whose config.json names
 * BertForSequenceClassification, or whose weights hold a classifier, is a classifier;
 * heads of other kinds are refused by name.  What the scores pass through:
 *
 *   sentence_transformers.activation_fn, or sbert_ce_default_activation_function:
 *       Identity none, Sigmoid sigmoid, Softmax softmax
 *   else problem_type:  regression none, multi_label_classification sigmoid
 *   else one label sigmoid, more of them softmax
 *
 * Labels are id2label's, or LABEL_0 .. of num_labels (without: two).
 *
 * Trust:  the texts are hostile; what is not understood is refused by name.
 * Memory: results are the caller's, about 21 KiB; nothing else is kept.
 */
#ifndef EM_TOOLS_HF_HEAD_H
#define EM_TOOLS_HF_HEAD_H

#include "tools/hf_config.h"
#include "trust/manifest_body.h"

typedef enum em_hf_as {
    EM_HF_AS_IT_SAYS, /* as above */
    EM_HF_AS_EMBED,   /* the encoder alone, whatever head there is */
    EM_HF_AS_CLASSIFY,
} em_hf_as;

/* What a publisher may decide; {0} leaves all to the folder. */
typedef struct em_hf_choice {
    em_hf_as as;
    em_activation activation; /* 0: as above; only for a classifier */
} em_hf_choice;

/* A choice from words: "embed" or "classify", "none", "sigmoid" or "softmax"; either may
 * be NULL, which leaves it to the folder.  EM_ERR_UNSUPPORTED for others. */
em_err em_hf_head_choose(const char *as, const char *activation, em_problem *problem,
                         em_hf_choice *ret_choice);

typedef struct em_hf_head {
    uint32_t labels; /* 0: gives embeddings */
    em_activation activation;
    char label[EM_MAX_LABELS][EM_MAX_LABEL + 1];
} em_hf_head;

/* `config` is config.json, `listed` says that there is a modules.json, `classifier` that
 * the weights hold one.  EM_ERR_UNSUPPORTED, EM_ERR_MODEL_MALFORMED and the JSON errors.
 */
em_err em_hf_head_read(em_hf_config_file config, bool listed, bool classifier,
                       const em_hf_choice *choice, em_problem *problem,
                       em_hf_head *ret_head);

typedef struct em_hf_prompts {
    uint32_t n;
    struct {
        char name[EM_MAX_PROMPT_NAME + 1];
        char text[EM_MAX_PROMPT + 1];
    } at[EM_MAX_PROMPTS];
} em_hf_prompts;

/* Adds a prompt, or replaces the one of this name.  A name is 1 to EM_MAX_PROMPT_NAME
 * printable ASCII characters without a space, a text at most EM_MAX_PROMPT bytes of
 * UTF-8.  EM_ERR_MODEL_MALFORMED, EM_ERR_LIMIT above EM_MAX_PROMPTS. */
em_err em_hf_head_add_prompt(em_hf_prompts *prompts, em_bytes name, em_bytes text,
                             const char *file, em_problem *problem);

/* The prompts of config_sentence_transformers.json; without the file none.  What
 * default_prompt_name points to stands under the name "default" too: nothing is put
 * before a text unless its sender asks. */
em_err em_hf_head_read_prompts(em_hf_config_file sentence_transformers,
                               em_problem *problem, em_hf_prompts *ret_prompts);

#endif
