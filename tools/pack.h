/* pack.h - a model folder becomes an image in the engine's layout.
 *
 * The image: the tokenizer section at offset 0, then the tensors in the engine's order,
 * each at the next multiple of EM_IMAGE_ALIGN, zeros between.
 *
 * Trust:  the folder is hostile (hf.h).
 * Memory: an em_pack owns its pages and keeps the folder's files mapped; free it.
 */
#ifndef EM_TOOLS_PACK_H
#define EM_TOOLS_PACK_H

#include "base/model.h"
#include "tools/hf_head.h"
#include "tools/problem.h"

/* Told as work goes on: `done` of `all` of a step: bytes of "pack" and "seal", layers of
 * "quantize". */
typedef struct em_pack_progress {
    void (*tell)(void *arg, const char *step, uint64_t done, uint64_t all);
    void *arg;
} em_pack_progress;

/* How to pack; all zero gives f32. */
typedef struct em_pack_options {
    em_precision precision; /* 0: f32 */
    const em_bytes *texts;  /* what int8 is calibrated by; NULL: calibration_texts.h */
    size_t n_texts;
    size_t workers;      /* 0: one */
    em_hf_choice choice; /* all zero: what the folder says */
    em_pack_progress progress;
} em_pack_options;

/* An image and what a manifest says of it. */
typedef struct em_pack em_pack;

/* "f32", "bf16" or "int8"; EM_ERR_UNSUPPORTED for another. */
em_err em_pack_precision(em_bytes name, em_precision *ret_precision);

/* Packs a folder: the same image for the same folder and options, whatever machine and
 * workers.  `options` and `problem` may be NULL; *ret_pack is untouched after an error.
 * em_hf_open_as's, em_hf_tensors_write's and em_calibrate_fill's errors. */
em_err em_pack_folder(const char *folder, const em_pack_options *options,
                      em_problem *problem, em_pack **ret_pack);
void em_pack_free(em_pack *pack);

/* Views that live as long as the pack; the image is aligned to EM_IMAGE_ALIGN. */
const em_model *em_pack_model(const em_pack *pack);
em_bytes em_pack_image(const em_pack *pack);
em_bytes em_pack_tokenizer(const em_pack *pack);

#endif
