/* tokenizer_vocab.h - a BERT vocab.txt becomes what tokenizer_json.h makes of a
 * tokenizer.json.
 *
 * Trust:  both files are hostile, as there.
 * Memory: the result owns what it points to; em_tokenizer_json_drop it.
 */
#ifndef EM_TOOLS_TOKENIZER_VOCAB_H
#define EM_TOOLS_TOKENIZER_VOCAB_H

#include "tools/tokenizer_json.h"

/* One token a line, ids by line, empty lines none.  `config`, a tokenizer_config.json or
 * empty, says do_lower_case, strip_accents, tokenize_chinese_chars and the names of the
 * special tokens; where it does not: true, as do_lower_case, true, and [UNK] [CLS] [SEP]
 * [PAD] [MASK].  The special tokens are cut out of texts as such. */
em_err em_tokenizer_vocab_read(em_bytes vocab, em_bytes config, const char *name,
                               const char *config_name, em_problem *problem,
                               em_tokenizer_json *ret_tokenizer);

#endif
