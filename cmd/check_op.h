/* check_op.h - the operations of `em check`, one file each.
 *
 * Each reads its members from `ask` (the member "op" has been read), asks
 * em_check_ask_end, and writes an answer; where that says false the answer is left as it
 * was, and the caller says what was wrong with the request.
 *
 * Trust:  requests are hostile.
 * Memory: the caller drops ask's root and the answer.
 */
#ifndef EM_CMD_CHECK_OP_H
#define EM_CMD_CHECK_OP_H

#include "cmd/check_answer.h"
#include "cmd/check_ask.h"
#include "cmd/lines.h"

typedef void em_check_op(em_check_ask *ask, em_check_answer *answer);

em_check_op em_check_nitro;
em_check_op em_check_air;
em_check_op em_check_cbor;
em_check_op em_check_cose;
em_check_op em_check_hpke;
em_check_op em_check_cms;
em_check_op em_check_evidence;
em_check_op em_check_tokenize;
em_check_op em_check_embed;

/* A path as C has it: NULL where the text contains NUL, which no file's name does, with
 * the answer (IO) written. */
const char *em_check_tokenize_path(em_bytes path, em_check_answer *answer);

/* {"tokens": whole count, "ids": [ids]} */
json_t *em_check_tokenize_item(size_t tokens, const uint32_t *ids, size_t n);

#endif
