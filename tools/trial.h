/* trial.h - runs a packed model here: no enclave, no receipt; for publishers who want to
 * see what a folder gives before they seal it, and for comparison with other systems.
 *
 * Compatibility (`pad`): other systems fill every text up to some length with [PAD]
 * tokens and let attention see them as text; their vector is the mean over the real
 * tokens' states, and not normalised.  It is no better than ours, and depends on the
 * length that was chosen; it is here so that the two can be compared.
 *
 * Trust:  none is made: nothing of this may be mistaken for an answer of an enclave's.
 * Memory: an em_trial views its pack, which outlives it, and owns scratch and threads;
 *         drop it.
 */
#ifndef EM_TOOLS_TRIAL_H
#define EM_TOOLS_TRIAL_H

#include "engine/bert.h"
#include "engine/wordpiece.h"
#include "os/jobs.h"
#include "os/map.h"
#include "tools/pack.h"

typedef struct em_trial {
    const em_pack *pack;
    em_wordpiece words;
    em_bert bert;
    em_kernels kernels;
    em_jobs_pool pool;
    em_plan plan;
    em_map scratch, ids;
} em_trial;

/* `workers` as em_jobs_create takes them; `cpu` are EM_CPU_* bits. */
em_err em_trial_open(const em_pack *pack, size_t workers, unsigned cpu,
                     em_problem *problem, em_trial *ret_trial);
void em_trial_drop(em_trial *trial);

/* How a text goes through. */
typedef struct em_trial_ask {
    em_bytes text;
    bool has_pair;
    em_bytes pair; /* the second text of the sequence */
    uint32_t pad;  /* 0: none; else as many tokens, and compatibility as above */
} em_trial_ask;

typedef struct em_trial_size {
    uint32_t tokens; /* computed on, [PAD]s not counted */
    bool truncated;
} em_trial_size;

/* One text: em_bert_width numbers.  EM_ERR_NOT_UTF8; EM_ERR_UNSUPPORTED for a pair where
 * the model has one token type, for `pad` where it has a head, no [PAD] token or a pair
 * is asked for; EM_ERR_RANGE for a `pad` above what the model takes. */
em_err em_trial_run(em_trial *trial, const em_trial_ask *ask, em_problem *problem,
                    float *ret_row, em_trial_size *ret_size);

/* The i-th label's name. */
const char *em_trial_label(const em_trial *trial, uint32_t i);

#endif
