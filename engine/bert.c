#include "engine/bert.h"
#include "engine/bert_head.h"
#include "engine/bert_impl.h"
#include "engine/pool.h"

enum {
    AHEAD = 3, /* words fetched before they are wanted */
    LINE = 64, /* bytes that memory brings at a time */
};

em_bytes em_bert_profile(em_precision precision)
{
    switch (precision) {
    case EM_PRECISION_BF16:
        return EM_STR("em-bert-bf16/1");
    case EM_PRECISION_INT8:
        return EM_STR("em-bert-int8/1");
    case EM_PRECISION_F32:
        break;
    }
    return EM_STR("em-bert-f32/1");
}

uint32_t em_bert_width(const em_model_shape *shape)
{
    return shape->labels > 0 ? shape->labels : shape->hidden;
}

em_err em_bert_bind(const em_model *model, em_bytes image, em_bert *ret_bert)
{
    em_bert b;

    EM_TRY(em_bert_tensors_bind(model, image, &b));
    memcpy(&b.eps, &model->shape.norm_eps_bits, sizeof b.eps);
    *ret_bert = b;
    return EM_OK;
}

/* Every id, length and count of a batch against model and plan. */
static em_err check_batch(const em_bert *bert, const em_plan *plan,
                          const em_bert_batch *batch)
{
    if (batch->n > plan->limits.sequences) return EM_ERR_LIMIT;
    if (batch->start[0] != 0) return EM_ERR_ARGUMENT;
    for (uint32_t s = 0; s < batch->n; s++) {
        uint32_t first = batch->start[s], end = batch->start[s + 1];

        if (end <= first || end - first > bert->shape.max_tokens)
            return EM_ERR_REQUEST_MALFORMED;
        if (end > plan->limits.tokens) return EM_ERR_LIMIT;
        if (batch->first_part != NULL && batch->first_part[s] < end - first &&
            bert->shape.types < 2)
            return EM_ERR_REQUEST_MALFORMED;
        if (batch->pooled != NULL &&
            (batch->pooled[s] == 0 || batch->pooled[s] > end - first))
            return EM_ERR_ARGUMENT;
        for (uint32_t i = first; i < end; i++)
            if (batch->ids[i] >= bert->shape.vocab) return EM_ERR_REQUEST_MALFORMED;
    }
    return EM_OK;
}

/* out[j] = word[id][j] + more[j]. */
static void add_word(const em_bert *b, uint32_t id, const float *more, float *out)
{
    size_t hidden = b->shape.hidden;

    if (b->shape.precision == EM_PRECISION_F32) {
        const float *word = (const float *)b->word + id * hidden;
        for (size_t j = 0; j < hidden; j++) out[j] = word[j] + more[j];
        return;
    }
    const uint16_t *word = (const uint16_t *)b->word + id * hidden;
    for (size_t j = 0; j < hidden; j++) {
        uint32_t bits = (uint32_t)word[j] << 16;
        float f;
        memcpy(&f, &bits, sizeof f);
        out[j] = f + more[j];
    }
}

/* A word's row lies anywhere in far memory: fetched while those before it are read. */
static void fetch_word(const em_bert *b, uint32_t id)
{
    size_t weight = b->shape.precision == EM_PRECISION_F32 ? sizeof(float) : 2;
    size_t row = b->shape.hidden * weight;

    for (size_t at = 0; at < row; at += LINE)
        __builtin_prefetch((const uint8_t *)b->word + id * row + at);
}

/* side = word + type, state = position; their sum is normed like any other. */
static void look_up(const em_bert_run *run)
{
    const em_bert *b = run->bert;
    const em_bert_batch *batch = run->batch;
    size_t hidden = b->shape.hidden, stride = run->plan->state_stride;

    for (uint32_t s = 0; s < batch->n; s++) {
        uint32_t first = batch->start[s], n = batch->start[s + 1] - first;
        uint32_t part = batch->first_part != NULL ? batch->first_part[s] : n;

        for (uint32_t i = 0; i < n; i++) {
            size_t row = (first + i) * stride;
            if (first + i + AHEAD < batch->start[batch->n])
                fetch_word(b, batch->ids[first + i + AHEAD]);
            add_word(b, batch->ids[first + i], b->type + (i < part ? 0 : hidden),
                     run->side + row);
            memcpy(run->state + row, b->position + i * hidden, hidden * sizeof(float));
        }
    }
    em_bert_layers_norm(run, run->side, stride, &b->norm, &b->layer[0].qkv);
}

static void pool(const em_bert_run *run, float *out)
{
    const em_model_shape *shape = &run->bert->shape;
    const em_bert_batch *batch = run->batch;
    size_t hidden = shape->hidden, stride = run->plan->state_stride;

    for (uint32_t s = 0; s < batch->n; s++, out += hidden) {
        uint32_t first = batch->start[s];
        size_t n = batch->start[s + 1] - first;

        if (batch->pooled != NULL) n = batch->pooled[s];
        if (shape->pooling == EM_POOLING_CLS) n = 1;
        em_pool_mean(run->state + first * stride, stride, n, hidden, out);
        em_pool_finish(out, hidden, shape->normalize);
    }
}

em_err em_bert_embed(const em_bert *bert, const em_kernels *kernels, em_jobs *jobs,
                     const em_plan *plan, void *scratch, const em_bert_batch *batch,
                     float *ret_out)
{
    em_plan again;
    uint8_t *at = scratch;

    EM_TRY(em_plan_bert(&bert->shape, plan->limits, &again));
    if (again.scratch != plan->scratch || jobs->workers > plan->limits.workers ||
        (uintptr_t)scratch % EM_IMAGE_ALIGN != 0)
        return EM_ERR_ARGUMENT;
    EM_TRY(check_batch(bert, plan, batch));
    if (batch->n == 0) return EM_OK;

    em_bert_run run = {.bert = bert,
                       .kernels = kernels,
                       .jobs = jobs,
                       .plan = plan,
                       .batch = batch,
                       .tokens = batch->start[batch->n],
                       .state = (float *)(void *)(at + plan->state),
                       .side = (float *)(void *)(at + plan->side),
                       .wide = (float *)(void *)(at + plan->wide),
                       .bytes = at + plan->bytes,
                       .quant = (em_quant *)(void *)(at + plan->quant),
                       .worker = at + plan->worker};
    look_up(&run);
    for (uint32_t i = 0; i < bert->shape.layers; i++) {
        if (batch->cancel != NULL &&
            atomic_load_explicit(batch->cancel, memory_order_relaxed))
            return EM_ERR_CANCELLED;
        em_bert_layers_one(&run, &bert->layer[i],
                           &bert->layer[(i + 1) % bert->shape.layers].qkv);
    }
    if (bert->shape.labels > 0)
        em_bert_head(&run, ret_out);
    else
        pool(&run, ret_out);
    return EM_OK;
}
