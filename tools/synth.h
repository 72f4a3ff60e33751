/* synth.h - writes a small model folder of our own making: a working BERT encoder with
 * made-up weights, for tests and for a demonstration where no real model can be had.
 *
 * The same options give the same bytes everywhere.  Its embeddings mean nothing beyond
 * "equal texts, equal vectors; texts that share words lie nearer", its scores nothing at
 * all.
 *
 * Trust:  none needed.
 * Memory: freed before return.
 */
#ifndef EM_TOOLS_SYNTH_H
#define EM_TOOLS_SYNTH_H

#include "tools/problem.h"

/* What a folder may look like; {0} is the plain one. */
typedef struct em_synth {
    uint32_t layers, hidden, heads, intermediate, positions; /* 0: 2, 64, 4, 128, 128 */
    uint32_t max_tokens;                                     /* 0: 64 */
    const char *type;       /* "F32" (NULL), "F16", "BF16" */
    bool bert_prefix;       /* tensor names begin "bert." */
    bool gamma_beta;        /* LayerNorm.gamma and .beta */
    bool pooler;            /* a pooler and position ids, which nobody needs */
    bool cls;               /* CLS pooling */
    bool not_normalized;    /* no Normalize module */
    bool only_transformer;  /* no modules.json and what belongs to it */
    bool vocab_txt;         /* vocab.txt and tokenizer_config.json, no tokenizer.json */
    uint32_t shards;        /* 0: one model.safetensors */
    uint32_t labels;        /* 0: an embedder; else a classifier, without modules.json */
    const char *activation; /* of a classifier: "Identity", "Sigmoid"; NULL: unsaid */
    bool prompts;           /* "query" and "passage" */
} em_synth;

/* Writes the folder's files; the folder is made where it is missing. */
em_err em_synth_write(const char *folder, const em_synth *options, em_problem *problem);

#endif
