/* bert_head.h - scores of a sequence: activation(W tanh(P h + p) + c), h the state of its
 * first token.
 *
 * Trust:  everything has been checked by em_bert_embed.
 * Memory: the run's scratch.
 */
#ifndef EM_ENGINE_BERT_HEAD_H
#define EM_ENGINE_BERT_HEAD_H

#include "engine/bert_impl.h"

/* out[sequence][labels] of a finished run of a model with a head. */
void em_bert_head(const em_bert_run *run, float *out);

#endif
