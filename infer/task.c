#include "infer/task.h"

unsigned em_task_ops(const em_model_shape *shape)
{
    return shape->labels == 0 ? 1u << EM_OP_EMBED : 1u << EM_OP_CLASSIFY;
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

em_err em_task_need(const em_task *task, size_t *ret_ids, size_t *ret_rows)
{
    size_t longest = task->bert->shape.max_tokens, most = 0, ids, rows;

    for (uint32_t i = 0; i < task->n; i++) {
        size_t own = EM_WORDPIECE_MOST(task->request->input[i].len);
        EM_TRY(em_add(most, own < longest ? own : longest, &most));
    }
    EM_TRY(em_mul(most + 2 * ((size_t)task->n + 1), sizeof(uint32_t), &ids));
    EM_TRY(em_mul(task->n * sizeof(float), task->width, &rows));
    EM_TRY(em_add(rows, text_len(task), &rows));
    *ret_ids = ids;
    *ret_rows = rows;
    return EM_OK;
}

void em_task_lay(em_task *task, void *ids, void *rows)
{
    task->start = ids;
    task->batch = task->start + task->n + 1;
    task->id = task->batch + task->n + 1;
    task->text = rows;
    task->row = (float *)(void *)((uint8_t *)rows + text_len(task));
}

em_err em_task_tokenize(em_task *task)
{
    const em_request *q = task->request;
    uint32_t longest = task->bert->shape.max_tokens;
    size_t total = 0;

    task->start[0] = 0;
    for (uint32_t i = 0; i < task->n; i++) {
        size_t got, whole;
        EM_TRY(em_wordpiece_encode(task->words, q->input[i], longest, task->id + total,
                                   &got, &whole));
        if (whole > got && !q->truncate) return EM_ERR_REQUEST_MALFORMED;
        task->text[i] =
            (em_embed_text){.tokens = (uint32_t)got, .truncated = whole > got};
        total += got;
        task->start[i + 1] = (uint32_t)total;
    }
    task->n_tokens = total;
    return EM_OK;
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
                                     .cancel = e->cancel};
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
