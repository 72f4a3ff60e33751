/* calibrate.h - fills the quantised matrices of an int8 model, in the order in which a
 * run meets them, from what calibration texts send through those done before.
 *
 * Trust:  the folder is hostile (hf.h); texts may be anything, those that are not UTF-8
 *         are passed over.
 * Memory: takes and frees its own, about 60 MB for MiniLM and 300 MB for BERT-base.
 */
#ifndef EM_TOOLS_CALIBRATE_H
#define EM_TOOLS_CALIBRATE_H

#include "base/jobs.h"
#include "tools/hf.h"
#include "tools/pack.h"

enum {
    EM_CALIBRATE_TOKENS = 8192, /* texts that go beyond these are not used */
    EM_CALIBRATE_LONGEST = 256, /* tokens of a text, the rest of it is not used */
};

/* `image` holds the model's tokenizer and all its tensors but, for each int8 matrix, the
 * panels, scales, sums, multipliers and loose columns, which this writes: the same bytes
 * on every machine.  EM_ERR_ARGUMENT where the texts have no token to go by,
 * EM_ERR_MODEL_MALFORMED where the model's arithmetic overflows on one, EM_ERR_MEMORY,
 * and what em_hf_tensors_write says. */
em_err em_calibrate_fill(const em_hf *hf, const em_model *model, const em_map *image,
                         const em_bytes *texts, size_t n, em_jobs *jobs,
                         const em_pack_progress *progress, em_problem *problem);

#endif
