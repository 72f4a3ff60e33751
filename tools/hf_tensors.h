/* hf_tensors.h - the tensors of a model folder, found under their Hugging Face names and
 * written as the engine wants them.
 *
 * Names may begin with "bert."; layer norms may be called weight and bias or gamma and
 * beta.  A head is the encoder's pooler.dense and a classifier beside the encoder.
 *
 * Trust:  the folder is hostile (hf.h); every dimension is checked before it is used.
 * Memory: output is the caller's.
 */
#ifndef EM_TOOLS_HF_TENSORS_H
#define EM_TOOLS_HF_TENSORS_H

#include "engine/bert.h"
#include "tools/hf.h"

#define EM_HF_TENSORS_CLASSIFIER "classifier.weight"

/* Is there a classifier among the tensors of the opened shards? */
bool em_hf_tensors_classifier(const em_hf *hf);

/* Are all tensors of hf->shape there, once, of the right dimensions and of a type that we
 * convert, and none beside them under "embeddings." and "encoder."?  Sets hf->prefix.
 * EM_ERR_MODEL_SHAPE. */
em_err em_hf_tensors_check(em_hf *hf, em_problem *problem);

/* Is this one of those that int8 models have and no folder: calibrate.h makes them? */
bool em_hf_tensors_derived(const em_bert_want *want);

/* Writes one of the engine's other tensors (em_bert_tensors_wanted), want->len bytes at
 * `out`, aligned to 64: converted to f32 or rounded to the nearest bf16, query, key and
 * value put together, laid out.  A matrix may be had as f32 rows too: the caller says so
 * in layout and len.  EM_ERR_MODEL_SHAPE as above, EM_ERR_MODEL_MALFORMED for numbers
 * that are not finite, or too large for bf16. */
em_err em_hf_tensors_write(const em_hf *hf, const em_bert_want *want, em_problem *problem,
                           void *out);

#endif
