#include "engine/plan.h"
#include "engine/attention.h"
#include "engine/kernels.h"

enum { ALIGN = EM_IMAGE_ALIGN };

static size_t whole_panels(size_t n)
{
    return (n + EM_LANES - 1) / EM_LANES * EM_LANES;
}

/* Rows a multiple of 2 KiB apart would share few sets of the first cache. */
static size_t stride_of(size_t floats)
{
    size_t stride = whole_panels(floats);
    return stride % 512 == 0 ? stride + EM_LANES : stride;
}

/* A positive, normal number below 1. */
static bool is_epsilon(uint32_t bits)
{
    return bits >= 0x00800000u && bits < 0x3F800000u;
}

static bool within(uint32_t n, uint32_t most)
{
    return n <= most;
}

em_err em_plan_check(const em_model_shape *s)
{
    if (s->arch != EM_ARCH_BERT || s->precision != EM_PRECISION_F32)
        return EM_ERR_UNSUPPORTED;
    if (!within(s->layers, EM_MAX_LAYERS) || !within(s->hidden, EM_MAX_HIDDEN) ||
        !within(s->intermediate, EM_MAX_INTERMEDIATE) ||
        !within(s->vocab, EM_MAX_VOCAB) || !within(s->positions, EM_MAX_POSITIONS) ||
        !within(s->types, EM_MAX_TYPES))
        return EM_ERR_LIMIT;
    if (s->layers == 0 || s->hidden == 0 || s->heads == 0 || s->intermediate == 0 ||
        s->vocab == 0 || s->positions == 0 || s->types == 0 || s->max_tokens == 0)
        return EM_ERR_MODEL_MALFORMED;
    if (s->hidden % s->heads != 0 || s->max_tokens > s->positions ||
        !is_epsilon(s->norm_eps_bits) ||
        (s->pooling != EM_POOLING_MEAN && s->pooling != EM_POOLING_CLS))
        return EM_ERR_MODEL_MALFORMED;
    return s->hidden / s->heads > EM_MAX_HEAD ? EM_ERR_LIMIT : EM_OK;
}

/* n arrays of `floats` floats behind *at. */
static em_err place(size_t *at, size_t n, size_t floats, size_t *ret_offset,
                    size_t *ret_len)
{
    size_t len, all, end;

    EM_TRY(em_mul(floats, sizeof(float), &len));
    EM_TRY(em_add(len, ALIGN - 1, &len));
    len -= len % ALIGN;
    EM_TRY(em_mul(len, n, &all));
    EM_TRY(em_add(*at, all, &end));
    *ret_offset = *at;
    *ret_len = len;
    *at = end;
    return EM_OK;
}

em_err em_plan_bert(const em_model_shape *shape, em_plan_limits limits, em_plan *ret_plan)
{
    em_plan p = {.limits = limits};
    size_t len;

    EM_TRY(em_plan_check(shape));
    if (limits.tokens == 0 || limits.tokens > EM_MAX_BATCH_TOKENS ||
        limits.sequences == 0 || limits.sequences > limits.tokens ||
        limits.workers == 0 || limits.workers > EM_MAX_WORKERS)
        return EM_ERR_LIMIT;

    size_t hidden = shape->hidden, wide = shape->intermediate;
    if (wide < 3 * hidden) wide = 3 * hidden;
    p.state_stride = stride_of(hidden);
    p.wide_stride = stride_of(wide);

    size_t longest = shape->max_tokens;
    if (longest > limits.tokens) longest = limits.tokens;
    p.head = hidden / shape->heads;
    size_t attention = em_attention_floats(longest, p.head);

    EM_TRY(place(&p.scratch, limits.tokens, p.state_stride, &p.state, &len));
    EM_TRY(place(&p.scratch, limits.tokens, p.state_stride, &p.side, &len));
    EM_TRY(place(&p.scratch, limits.tokens, p.wide_stride, &p.wide, &len));
    EM_TRY(place(&p.scratch, limits.workers, attention, &p.worker, &p.worker_len));
    *ret_plan = p;
    return EM_OK;
}

void em_plan_wipe(const em_plan *plan, uint32_t tokens, void *scratch)
{
    size_t n = tokens < plan->limits.tokens ? tokens : plan->limits.tokens;
    size_t attention = em_attention_floats(n, plan->head) * sizeof(float);
    uint8_t *at = scratch;

    if (attention > plan->worker_len) attention = plan->worker_len;
    em_wipe(at + plan->state, n * plan->state_stride * sizeof(float));
    em_wipe(at + plan->side, n * plan->state_stride * sizeof(float));
    em_wipe(at + plan->wide, n * plan->wide_stride * sizeof(float));
    for (size_t w = 0; w < plan->limits.workers; w++)
        em_wipe(at + plan->worker + w * plan->worker_len, attention);
}
