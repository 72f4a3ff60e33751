#include "enclave/batch.h"

void em_batch_drop(em_batch *b)
{
    em_map_drop(&b->pages);
    memset(b, 0, sizeof *b);
}

static const em_plan *plan_of(const em_batch *b, const em_served *served)
{
    return b->wide ? &served->plan : &served->alone;
}

/* `len` bytes behind *at, which stays a multiple of 64. */
static size_t place(size_t *at, size_t len)
{
    size_t place = *at;

    *at += (len + 63) / 64 * 64;
    return place;
}

em_err em_batch_open(const em_served *served, size_t n, bool wide, em_batch *ret_batch)
{
    size_t scratch = 0, tokens = 0, sequences = 0, width = 0, at = 0;
    em_batch *b = ret_batch;

    memset(b, 0, sizeof *b);
    b->wide = wide;
    for (size_t i = 0; i < n; i++) {
        const em_plan *plan = plan_of(b, &served[i]);
        size_t own = em_bert_width(&served[i].bert.shape);
        if (plan->scratch > scratch) scratch = plan->scratch;
        if (plan->limits.tokens > tokens) tokens = plan->limits.tokens;
        if (plan->limits.sequences > sequences) sequences = plan->limits.sequences;
        if (own > width) width = own;
    }
    size_t scratch_at = place(&at, scratch);
    size_t id_at = place(&at, tokens * sizeof(uint32_t));
    size_t start_at = place(&at, (sequences + 1) * sizeof(uint32_t));
    size_t part_at = place(&at, sequences * sizeof(uint32_t));
    size_t out_at = place(&at, sequences * width * sizeof(float));
    EM_TRY(em_map_anonymous(at, 0, &b->pages));
    b->scratch = b->pages.at + scratch_at;
    b->id = (uint32_t *)(void *)(b->pages.at + id_at);
    b->start = (uint32_t *)(void *)(b->pages.at + start_at);
    b->first_part = (uint32_t *)(void *)(b->pages.at + part_at);
    b->out = (float *)(void *)(b->pages.at + out_at);
    return EM_OK;
}

void em_batch_gather(em_batch *b)
{
    uint32_t s = 0;

    b->start[0] = 0;
    b->pairs = false;
    for (uint32_t p = 0; p < b->of.parts; p++) {
        const em_schedule_part *part = &b->of.part[p];
        const em_task *w = &em_work_of(part->job)->task;
        uint32_t from = w->start[part->first];
        memcpy(b->id + b->start[s], w->id + from,
               (w->start[part->first + part->n] - from) * sizeof *b->id);
        bool pairs = w->request->op == EM_OP_RERANK;
        b->pairs |= pairs;
        for (uint32_t i = part->first; i < part->first + part->n; i++, s++) {
            uint32_t n = w->start[i + 1] - w->start[i];
            b->start[s + 1] = b->start[s] + n;
            b->first_part[s] = pairs ? w->first_part[i] : n;
        }
    }
}

em_err em_batch_run(em_batch *b, const em_served *served, const em_kernels *kernels,
                    em_jobs *jobs)
{
    const em_bert_batch batch = {.ids = b->id,
                                 .start = b->start,
                                 .n = b->of.sequences,
                                 .first_part = b->pairs ? b->first_part : NULL,
                                 .cancel = &b->of.cancel};

    return em_bert_embed(&served->bert, kernels, jobs, plan_of(b, served), b->scratch,
                         &batch, b->out);
}

void em_batch_scatter(em_batch *b, const em_served *served)
{
    size_t width = em_bert_width(&served->bert.shape);
    const float *row = b->out;

    for (uint32_t p = 0; p < b->of.parts; p++) {
        const em_schedule_part *part = &b->of.part[p];
        if (part->job != NULL)
            memcpy(em_work_of(part->job)->task.row + part->first * width, row,
                   part->n * width * sizeof *row);
        row += part->n * width;
    }
}

void em_batch_wipe(em_batch *b, const em_served *served)
{
    size_t width = em_bert_width(&served->bert.shape), n = b->of.sequences;

    em_plan_wipe(plan_of(b, served), b->of.tokens, b->scratch);
    em_wipe(b->id, b->of.tokens * sizeof *b->id);
    em_wipe(b->start, (n + 1) * sizeof *b->start);
    em_wipe(b->first_part, n * sizeof *b->first_part);
    em_wipe(b->out, n * width * sizeof *b->out);
}
