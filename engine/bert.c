#include "engine/bert.h"
#include "base/write.h"
#include "engine/bert_impl.h"
#include "engine/pool.h"

/* The sizes that tensors are made of. */
typedef enum size_of { ONE, HIDDEN, QKV, WIDE, VOCAB, POSITIONS, TYPES } size_of;

typedef struct tensor_row {
    const char *name;
    em_layout layout;
    size_of rows, cols;
} tensor_row;

#define ROWS EM_LAYOUT_ROWS
#define PANELS EM_LAYOUT_PANEL16

static const tensor_row tensors[] = {
    [EM_BERT_WORD] = {"word", ROWS, VOCAB, HIDDEN},
    [EM_BERT_POSITION] = {"position", ROWS, POSITIONS, HIDDEN},
    [EM_BERT_TYPE] = {"type", ROWS, TYPES, HIDDEN},
    [EM_BERT_NORM] = {"norm", ROWS, ONE, HIDDEN},
    [EM_BERT_NORM_BIAS] = {"norm.bias", ROWS, ONE, HIDDEN},
    [EM_BERT_QKV] = {"qkv", PANELS, QKV, HIDDEN},
    [EM_BERT_QKV_BIAS] = {"qkv.bias", ROWS, ONE, QKV},
    [EM_BERT_OUT] = {"out", PANELS, HIDDEN, HIDDEN},
    [EM_BERT_OUT_BIAS] = {"out.bias", ROWS, ONE, HIDDEN},
    [EM_BERT_OUT_NORM] = {"out.norm", ROWS, ONE, HIDDEN},
    [EM_BERT_OUT_NORM_BIAS] = {"out.norm.bias", ROWS, ONE, HIDDEN},
    [EM_BERT_UP] = {"up", PANELS, WIDE, HIDDEN},
    [EM_BERT_UP_BIAS] = {"up.bias", ROWS, ONE, WIDE},
    [EM_BERT_DOWN] = {"down", PANELS, HIDDEN, WIDE},
    [EM_BERT_DOWN_BIAS] = {"down.bias", ROWS, ONE, HIDDEN},
    [EM_BERT_DOWN_NORM] = {"down.norm", ROWS, ONE, HIDDEN},
    [EM_BERT_DOWN_NORM_BIAS] = {"down.norm.bias", ROWS, ONE, HIDDEN},
};

enum { PER_LAYER = EM_COUNT(tensors) - EM_BERT_QKV };

static uint32_t size_in(const em_model_shape *s, size_of what)
{
    switch (what) {
    case HIDDEN:
        return s->hidden;
    case QKV:
        return 3 * s->hidden;
    case WIDE:
        return s->intermediate;
    case VOCAB:
        return s->vocab;
    case POSITIONS:
        return s->positions;
    case TYPES:
        return s->types;
    case ONE:
        break;
    }
    return 1;
}

uint32_t em_bert_count(const em_model_shape *shape)
{
    return EM_BERT_QKV + PER_LAYER * shape->layers;
}

em_err em_bert_wanted(const em_model_shape *shape, uint32_t i, em_bert_want *ret_want)
{
    em_bert_want w = {0};
    em_out name = em_out_over(w.name, sizeof w.name - 1);

    EM_TRY(em_plan_check(shape));
    if (i >= em_bert_count(shape)) return EM_ERR_RANGE;
    w.role = (em_bert_role)i;
    if (i >= EM_BERT_QKV) {
        w.layer = (i - EM_BERT_QKV) / PER_LAYER;
        w.role = (em_bert_role)(EM_BERT_QKV + (i - EM_BERT_QKV) % PER_LAYER);
        em_write_decimal(&name, w.layer);
        em_write_u8(&name, '.');
    }
    const tensor_row *t = &tensors[w.role];
    em_write_bytes(&name, em_view(t->name, strlen(t->name)));
    EM_TRY(em_write_end(&name));

    w.layout = t->layout;
    w.rows = size_in(shape, t->rows);
    w.cols = size_in(shape, t->cols);
    size_t rows = w.rows;
    if (w.layout == PANELS) rows = (rows + EM_LANES - 1) / EM_LANES * EM_LANES;
    EM_TRY(em_mul(rows, w.cols, &w.len));
    EM_TRY(em_mul(w.len, sizeof(float), &w.len));
    *ret_want = w;
    return EM_OK;
}

/* Where the pointer to a tensor's floats is kept. */
static const float **place_of(em_bert *b, const em_bert_want *w)
{
    em_bert_layer *l = &b->layer[w->layer];

    switch (w->role) {
    case EM_BERT_WORD:
        return &b->word;
    case EM_BERT_POSITION:
        return &b->position;
    case EM_BERT_TYPE:
        return &b->type;
    case EM_BERT_NORM:
        return &b->norm.weight;
    case EM_BERT_NORM_BIAS:
        return &b->norm.bias;
    case EM_BERT_QKV:
        return &l->qkv.panels;
    case EM_BERT_QKV_BIAS:
        return &l->qkv.bias;
    case EM_BERT_OUT:
        return &l->out.panels;
    case EM_BERT_OUT_BIAS:
        return &l->out.bias;
    case EM_BERT_OUT_NORM:
        return &l->out_norm.weight;
    case EM_BERT_OUT_NORM_BIAS:
        return &l->out_norm.bias;
    case EM_BERT_UP:
        return &l->up.panels;
    case EM_BERT_UP_BIAS:
        return &l->up.bias;
    case EM_BERT_DOWN:
        return &l->down.panels;
    case EM_BERT_DOWN_BIAS:
        return &l->down.bias;
    case EM_BERT_DOWN_NORM:
        return &l->down_norm.weight;
    case EM_BERT_DOWN_NORM_BIAS:
        break;
    }
    return &l->down_norm.bias;
}

static em_err bind_one(const em_tensor *t, const em_bert_want *w, em_bytes image,
                       uint64_t *end, const float **ret_at)
{
    if (!em_same(t->name, em_view(w->name, strlen(w->name))) || t->layout != w->layout ||
        t->rows != w->rows || t->cols != w->cols || t->len != w->len)
        return EM_ERR_MODEL_SHAPE;
    if (t->offset % EM_IMAGE_ALIGN != 0 || t->offset < *end || t->offset > image.len ||
        t->len > image.len - t->offset)
        return EM_ERR_MODEL_MALFORMED;
    *end = t->offset + t->len;
    *ret_at = (const float *)(const void *)(image.at + t->offset);
    return EM_OK;
}

em_err em_bert_bind(const em_model *model, em_bytes image, em_bert *ret_bert)
{
    const em_model_shape *s = &model->shape;
    em_bert b = {.shape = *s};
    uint64_t end = 0;

    EM_TRY(em_plan_check(s));
    if ((uintptr_t)image.at % EM_IMAGE_ALIGN != 0) return EM_ERR_ARGUMENT;
    if (model->n != em_bert_count(s)) return EM_ERR_MODEL_SHAPE;
    for (uint32_t i = 0; i < model->n; i++) {
        em_bert_want w;

        EM_TRY(em_bert_wanted(s, i, &w));
        EM_TRY(bind_one(&model->tensor[i], &w, image, &end, place_of(&b, &w)));
    }
    for (uint32_t i = 0; i < s->layers; i++) {
        em_bert_layer *l = &b.layer[i];

        l->qkv.rows = 3 * s->hidden, l->qkv.cols = s->hidden;
        l->out.rows = s->hidden, l->out.cols = s->hidden;
        l->up.rows = s->intermediate, l->up.cols = s->hidden;
        l->down.rows = s->hidden, l->down.cols = s->intermediate;
    }
    memcpy(&b.eps, &s->norm_eps_bits, sizeof b.eps);
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
        for (uint32_t i = first; i < end; i++)
            if (batch->ids[i] >= bert->shape.vocab) return EM_ERR_REQUEST_MALFORMED;
    }
    return EM_OK;
}

/* side = word + type 0, state = position; their sum is normed like any other. */
static void look_up(const em_bert_run *run)
{
    const em_bert *b = run->bert;
    size_t hidden = b->shape.hidden, stride = run->plan->state_stride;

    for (uint32_t s = 0; s < run->batch->n; s++) {
        uint32_t first = run->batch->start[s], end = run->batch->start[s + 1];

        for (uint32_t i = first; i < end; i++) {
            const float *word = b->word + run->batch->ids[i] * hidden;
            float *side = run->side + i * stride;

            for (size_t j = 0; j < hidden; j++) side[j] = word[j] + b->type[j];
            memcpy(run->state + i * stride, b->position + (i - first) * hidden,
                   hidden * sizeof(float));
        }
    }
    em_bert_layers_norm(run, run->side, stride, &b->norm);
}

static void pool(const em_bert_run *run, float *out)
{
    const em_model_shape *shape = &run->bert->shape;
    size_t hidden = shape->hidden, stride = run->plan->state_stride;

    for (uint32_t s = 0; s < run->batch->n; s++, out += hidden) {
        uint32_t first = run->batch->start[s];
        size_t n =
            shape->pooling == EM_POOLING_CLS ? 1 : run->batch->start[s + 1] - first;

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
                       .worker = at + plan->worker};
    look_up(&run);
    for (uint32_t i = 0; i < bert->shape.layers; i++) {
        if (batch->cancel != NULL &&
            atomic_load_explicit(batch->cancel, memory_order_relaxed))
            return EM_ERR_CANCELLED;
        em_bert_layers_one(&run, &bert->layer[i],
                           &bert->layer[(i + 1) % bert->shape.layers].qkv);
    }
    pool(&run, ret_out);
    return EM_OK;
}
