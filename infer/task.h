/* task.h - one request's way through a model: texts become sequences of ids, sequences
 * rows of numbers, rows the bodies of the answer's records.
 *
 * What is written depends on the request, the model and END's salt only: not on who
 * computes it, with which neighbours, workers or level of kernels.  The enclave answers
 * with it, and em replay answers again.
 *
 *   em_task_begin     can this model do that?
 *   em_task_need      so many bytes, twice
 *   em_task_lay       there they are
 *   em_task_tokenize  texts to ids; or em_task_read, some at a time
 *   em_task_run       ids to rows; or the caller's own batches
 *   em_task_put_rows, em_task_put_end
 *
 * Trust:  texts are a client's, hostile; the model is bound to a fact.
 * Memory: the caller's, who wipes it: it holds a client's texts, as ids and as rows.
 *         Nothing is allocated.
 */
#ifndef EM_INFER_TASK_H
#define EM_INFER_TASK_H

#include "engine/bert.h"
#include "engine/wordpiece_pair.h"
#include "trust/answer.h"

typedef struct em_task {
    const em_bert *bert;
    const em_wordpiece *words;
    const em_request *request;
    uint32_t n;     /* sequences, and rows: one an input */
    uint32_t width; /* numbers in a row */
    uint32_t *id;
    uint32_t *start;      /* [n + 1]: where each sequence begins in id */
    uint32_t *batch;      /* [n + 1]: scratch of em_task_run */
    uint32_t *first_part; /* [n]: rerank's, tokens of [CLS] query [SEP] in each */
    uint32_t *query;      /* rerank's, the query's ids */
    em_wordpiece_pair pair;
    uint32_t n_read;     /* inputs that are ids */
    em_embed_text *text; /* [n] */
    float *row;          /* [n][width] */
    uint64_t n_tokens;   /* of all sequences; 0 until they are tokenized */
} em_task;

/* What a model of this shape can be asked for: bit em_op set.  Its head decides. */
unsigned em_task_ops(const em_model_shape *shape);

/* EM_ERR_UNSUPPORTED for an op that this model has no head for.  All three must outlive
 * the task. */
em_err em_task_begin(const em_bert *bert, const em_wordpiece *words,
                     const em_request *request, em_task *ret_task);

/* Bytes of ids and of rows, EM_ERR_LIMIT where they do not fit a size. */
em_err em_task_need(const em_task *task, size_t *ret_ids, size_t *ret_rows);

/* Use this memory, both aligned to 64 bytes and of the lengths needed. */
void em_task_lay(em_task *task, void *ids, void *rows);

/* EM_ERR_REQUEST_MALFORMED for a sequence that is too long where the request forbids to
 * cut it. */
em_err em_task_tokenize(em_task *task);

/* The same in pieces: turns some more texts into ids, at least one and those that begin
 * within `bytes`, and says how many bytes it read.  *ret_done once no text is left. */
em_err em_task_read(em_task *task, size_t bytes, size_t *ret_read, bool *ret_done);

/* What computes: kernels, workers, a plan for this model and its scratch, which is wiped
 * of the task before em_task_run returns. */
typedef struct em_task_engine {
    const em_kernels *kernels;
    em_jobs *jobs;
    const em_plan *plan;
    void *scratch;
    const atomic_bool *cancel;                          /* or NULL */
    void (*tell)(void *arg, uint32_t done, uint32_t n); /* rows so far; or NULL */
    void *tell_arg;
} em_task_engine;

/* As many sequences at a time as the plan allows.  EM_ERR_CANCELLED, and em_bert_embed's
 * errors. */
em_err em_task_run(em_task *task, const em_task_engine *engine);

/* The parameters as used, for END and its companion. */
em_used em_task_used(const em_task *task);

/* How many rows the DATA that begins with row `first` carries. */
uint32_t em_task_rows(const em_task *task, uint32_t first);

/* That DATA's body. */
void em_task_put_rows(const em_task *task, uint32_t first, em_out *o);

/* END's body after this outcome of a task that began. */
void em_task_put_end(const em_task *task, em_err outcome, const uint8_t salt[EM_SALT_LEN],
                     em_out *o);

#endif
