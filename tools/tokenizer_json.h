/* tokenizer_json.h - a Hugging Face tokenizer.json (or a vocab.txt) becomes the tokenizer
 * section of engine/wordpiece.h.
 *
 * Taken: BertNormalizer, BertPreTokenizer, WordPiece, and a post-processor that puts the
 * [CLS] and [SEP] tokens around a text (TemplateProcessing, BertProcessing).  Everything
 * else is refused by name.  `truncation`, `padding` and `decoder` are ignored: length is
 * the model's affair, and there is no padding.
 *
 * Trust:  the file is hostile: size limits, then every member's type and range.
 * Memory: the result owns what it points to; drop it.
 */
#ifndef EM_TOOLS_TOKENIZER_JSON_H
#define EM_TOOLS_TOKENIZER_JSON_H

#include "engine/wordpiece_build.h"
#include "os/map.h"
#include "tools/problem.h"

enum { EM_TOKENIZER_JSON_MAX = 64 << 20 };

typedef struct em_tokenizer_json {
    em_wordpiece_build_input input; /* views into the rest */
    em_wordpiece_build_word *words;
    em_wordpiece_build_added *added;
    void *json;  /* owns the texts of a tokenizer.json */
    em_map text; /* owns those of a vocab.txt */
} em_tokenizer_json;

/* Reads a tokenizer.json.  `name` stands in problems. */
em_err em_tokenizer_json_read(em_bytes json, const char *name, em_problem *problem,
                              em_tokenizer_json *ret_tokenizer);

/* Reads a vocab.txt, one token a line, ids by line; `config`, a tokenizer_config.json or
 * empty, says do_lower_case, strip_accents, tokenize_chinese_chars and the special
 * tokens' names (true, as do_lower_case, true and [UNK] [CLS] [SEP] [PAD] [MASK] where it
 * does not). */
em_err em_tokenizer_json_read_vocab(em_bytes vocab, em_bytes config, const char *name,
                                    em_problem *problem,
                                    em_tokenizer_json *ret_tokenizer);
void em_tokenizer_json_drop(em_tokenizer_json *tokenizer);

/* The section, in pages of its own; *ret_len of them are it. */
em_err em_tokenizer_json_build(const em_tokenizer_json *tokenizer, em_problem *problem,
                               em_map *ret_pages, size_t *ret_len);

#endif
