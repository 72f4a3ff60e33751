/* tokenizer_json.h - a Hugging Face tokenizer.json becomes the tokenizer section of
 * engine/wordpiece.h.
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
    void *json, *text; /* own the texts */
    bool pairs;        /* two texts become [CLS] A [SEP] of type 0, B [SEP] of type 1 */
} em_tokenizer_json;

/* Reads a tokenizer.json.  `name` stands in problems.  EM_ERR_LIMIT, the JSON errors,
 * EM_ERR_UNSUPPORTED for what is not taken, EM_ERR_MODEL_MALFORMED where parts contradict
 * each other. */
em_err em_tokenizer_json_read(em_bytes json, const char *name, em_problem *problem,
                              em_tokenizer_json *ret_tokenizer);
void em_tokenizer_json_drop(em_tokenizer_json *tokenizer);

/* The section, in pages of its own; *ret_len bytes of them are it.  `name` stands in
 * problems. */
em_err em_tokenizer_json_build(const em_tokenizer_json *tokenizer, const char *name,
                               em_problem *problem, em_map *ret_pages, size_t *ret_len);

#endif
