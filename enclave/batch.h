/* batch.h - sequences of several requests as one run of the encoder, and back.
 *
 * Trust:  what a batch is made of was checked where it came in; requests in one batch
 *         meet in memory that is wiped after every run.
 * Memory: an em_batch owns the pages for the largest batch of any model; one for every
 *         thread that computes.
 */
#ifndef EM_ENCLAVE_BATCH_H
#define EM_ENCLAVE_BATCH_H

#include "enclave/work.h"

typedef struct em_batch {
    em_schedule_batch of; /* which sequences */
    em_map pages;
    uint8_t *scratch;
    uint32_t *id, *start, *first_part;
    float *out;       /* [sequences][width] */
    bool wide, pairs; /* the plan of all workers; some sequences have two parts */
} em_batch;
void em_batch_drop(em_batch *b);

/* Pages for batches of these models; `wide` where more than one worker may run one. */
em_err em_batch_open(const em_served *served, size_t n, bool wide, em_batch *ret_batch);

/* Copies the ids of b->of out of its requests: they may go once this is done. */
void em_batch_gather(em_batch *b);

/* Computes, with all of `jobs` if it is wide and jobs->workers > 1.  What em_bert_embed
 * says. */
em_err em_batch_run(em_batch *b, const em_served *served, const em_kernels *kernels,
                    em_jobs *jobs);

/* Copies the rows to those requests that still want them. */
void em_batch_scatter(em_batch *b, const em_served *served);

/* Wipes all that the run can have left, in time that grows with its tokens only. */
void em_batch_wipe(em_batch *b, const em_served *served);

#endif
