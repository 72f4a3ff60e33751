/* calibrate_site.h - one matrix of an int8 model, from the rows of activations that it
 * will multiply.
 *
 * Trust:  as calibrate.h.
 * Memory: views; scratch is taken and freed within a call.
 */
#ifndef EM_TOOLS_CALIBRATE_SITE_H
#define EM_TOOLS_CALIBRATE_SITE_H

#include "base/jobs.h"
#include "engine/bert.h"
#include "os/map.h"
#include "tools/hf.h"

/* What all matrices of a model share. */
typedef struct em_calibrate_site {
    const em_hf *hf;
    const em_model *model;
    const em_map *image;
    em_kernels kernels;
    em_jobs *jobs;
    em_problem *problem;
    size_t tokens;
    const float *share; /* [tokens] how much each counts */
} em_calibrate_site;

/* Quantises matrix `role` of `layer` for rows x [tokens][its columns], writes its tensors
 * into the image, and multiplies: ret_out [tokens][its rows], as the engine would.
 * EM_ERR_MODEL_MALFORMED, EM_ERR_MEMORY, and what em_hf_tensors_write says. */
em_err em_calibrate_site_fill(const em_calibrate_site *site, em_bert_role role,
                              uint32_t layer, const float *bias, const float *x,
                              float *ret_out);

#endif
