#include "infer/task.h"

unsigned em_task_ops(const em_model_shape *shape)
{
    /* a pair is [CLS] [SEP] [SEP] at least, and its halves are told apart by type */
    bool pairs = shape->types >= 2 && shape->max_tokens >= 3;

    if (shape->labels == 0) return 1u << EM_OP_EMBED;
    return 1u << EM_OP_CLASSIFY | (shape->labels == 1 && pairs ? 1u << EM_OP_RERANK : 0u);
}

em_err em_task_begin(const em_bert *bert, const em_wordpiece *words,
                     const em_request *request, em_task *ret_task)
{
    if (!(em_task_ops(&bert->shape) >> request->op & 1)) return EM_ERR_UNSUPPORTED;
    *ret_task = (em_task){.bert = bert,
                          .words = words,
                          .request = request,
                          .n = (uint32_t)request->n_inputs,
                          .width = em_bert_width(&bert->shape)};
    return EM_OK;
}

static size_t text_len(const em_task *task)
{
    size_t len = task->n * sizeof(em_embed_text);

    return len + (64 - len % 64) % 64; /* rows begin aligned */
}

/* Ids of the query, read once for all its pairs; 0 where there is none. */
static size_t query_len(const em_task *task)
{
    size_t longest = task->bert->shape.max_tokens;
    size_t own = EM_WORDPIECE_MOST(task->request->query.len);

    if (task->request->op != EM_OP_RERANK) return 0;
    return own < longest ? own : longest;
}

em_err em_task_need(const em_task *task, size_t *ret_ids, size_t *ret_rows)
{
    size_t longest = task->bert->shape.max_tokens, query = query_len(task);
    size_t most = query, words = 3 * ((size_t)task->n + 1), ids, rows;

    for (uint32_t i = 0; i < task->n; i++) {
        size_t own = EM_WORDPIECE_MOST(task->request->input[i].len);
        if (query > 0) own += query + 1; /* another [SEP] */
        EM_TRY(em_add(most, own < longest ? own : longest, &most));
    }
    EM_TRY(em_mul(most + words, sizeof(uint32_t), &ids));
    EM_TRY(em_mul(task->n * sizeof(float), task->width, &rows));
    EM_TRY(em_add(rows, text_len(task), &rows));
    *ret_ids = ids;
    *ret_rows = rows;
    return EM_OK;
}

void em_task_lay(em_task *task, void *ids, void *rows)
{
    size_t n = (size_t)task->n + 1;

    task->start = ids;
    task->batch = task->start + n;
    task->first_part = task->batch + n;
    task->query = task->first_part + n;
    task->id = task->query + query_len(task);
    task->text = rows;
    task->row = (float *)(void *)((uint8_t *)rows + text_len(task));
}

/* The i-th input as a sequence, behind those before. */
static em_err encode(em_task *task, uint32_t i)
{
    em_bytes text = task->request->input[i];
    uint32_t *id = task->id + task->start[i];
    em_wordpiece_pair_size size;

    if (task->request->op == EM_OP_RERANK) {
        EM_TRY(em_wordpiece_pair_encode(&task->pair, text, id, &size));
        task->first_part[i] = (uint32_t)size.first;
    } else {
        EM_TRY(em_wordpiece_encode(task->words, text, task->bert->shape.max_tokens, id,
                                   &size.n, &size.tokens));
    }
    bool truncated = size.tokens > size.n;
    if (truncated && !task->request->truncate) return EM_ERR_REQUEST_MALFORMED;
    task->text[i] = (em_embed_text){.tokens = (uint32_t)size.n, .truncated = truncated};
    task->start[i + 1] = task->start[i] + (uint32_t)size.n;
    return EM_OK;
}

em_err em_task_read(em_task *task, size_t bytes, size_t *ret_read, bool *ret_done)
{
    const em_request *request = task->request;
    size_t read = 0;

    if (task->n_read == 0) task->start[0] = 0;
    if (task->n_read == 0 && request->op == EM_OP_RERANK) {
        EM_TRY(em_wordpiece_pair_first(task->words, request->query,
                                       task->bert->shape.max_tokens, task->query,
                                       &task->pair));
        read += request->query.len;
    }
    do {
        EM_TRY(encode(task, task->n_read));
        read += request->input[task->n_read].len;
    } while (++task->n_read < task->n && read < bytes);
    *ret_read = read;
    *ret_done = task->n_read == task->n;
    if (*ret_done) task->n_tokens = task->start[task->n];
    return EM_OK;
}

em_err em_task_tokenize(em_task *task)
{
    size_t read;
    bool done;

    return em_task_read(task, SIZE_MAX, &read, &done);
}

/* How many sequences from `first` on fit one batch: at least one does. */
static uint32_t batch_of(const em_task *task, const em_plan *plan, uint32_t first)
{
    const uint32_t *start = task->start;
    uint32_t count = 1;

    while (first + count < task->n && count < plan->limits.sequences &&
           start[first + count + 1] - start[first] <= plan->limits.tokens)
        count++;
    return count;
}

em_err em_task_run(em_task *task, const em_task_engine *e)
{
    uint32_t most = 0;
    em_err err = EM_OK;

    for (uint32_t first = 0, count; err == EM_OK && first < task->n; first += count) {
        count = batch_of(task, e->plan, first);
        for (uint32_t i = 0; i <= count; i++)
            task->batch[i] = task->start[first + i] - task->start[first];
        if (task->batch[count] > most) most = task->batch[count];
        const em_bert_batch batch = {.ids = task->id + task->start[first],
                                     .start = task->batch,
                                     .n = count,
                                     .cancel = e->cancel,
                                     .first_part = task->request->op == EM_OP_RERANK
                                                       ? task->first_part + first
                                                       : NULL};
        err = em_bert_embed(task->bert, e->kernels, e->jobs, e->plan, e->scratch, &batch,
                            task->row + (size_t)first * task->width);
        if (err == EM_OK && e->tell != NULL) e->tell(e->tell_arg, first + count, task->n);
    }
    em_plan_wipe(e->plan, most, e->scratch);
    return err;
}

em_used em_task_used(const em_task *task)
{
    return (em_used){.truncate = task->request->truncate,
                     .max_tokens = task->bert->shape.max_tokens};
}

uint32_t em_task_rows(const em_task *task, uint32_t first)
{
    size_t most = em_answer_embed_rows(task->width), left = task->n - first;

    return (uint32_t)(left < most ? left : most);
}

void em_task_put_rows(const em_task *task, uint32_t first, em_out *o)
{
    const float *row = task->row + (size_t)first * task->width;
    size_t n = em_task_rows(task, first);
    const em_embed_part part = {.first = first,
                                .n = n,
                                .dim = task->width,
                                .text = task->text + first,
                                .vectors = em_view(row, n * task->width * sizeof(float))};

    em_answer_put_embed(o, &part);
}

void em_task_put_end(const em_task *task, em_err outcome, const uint8_t salt[EM_SALT_LEN],
                     em_out *o)
{
    const em_used used = em_task_used(task);
    uint8_t parameters[EM_MESSAGE_USED];
    em_out p = EM_OUT(parameters);
    em_end end = {.input = task->n_tokens};

    em_message_put_used(&p, &used);
    end.status = em_message_status_of(outcome, &end.code);
    memcpy(end.salt, salt, sizeof end.salt);
    end.parameters = em_write_view(&p);
    em_message_put_end(o, &end);
}
