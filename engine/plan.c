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
    if (s->arch != EM_ARCH_BERT || s->precision < EM_PRECISION_F32 ||
        s->precision > EM_PRECISION_INT8)
        return EM_ERR_UNSUPPORTED;
    if (!within(s->layers, EM_MAX_LAYERS) || !within(s->hidden, EM_MAX_HIDDEN) ||
        !within(s->intermediate, EM_MAX_INTERMEDIATE) ||
        !within(s->vocab, EM_MAX_VOCAB) || !within(s->positions, EM_MAX_POSITIONS) ||
        !within(s->types, EM_MAX_TYPES) || !within(s->labels, EM_MAX_LABELS))
        return EM_ERR_LIMIT;
    if (s->layers == 0 || s->hidden == 0 || s->heads == 0 || s->intermediate == 0 ||
        s->vocab == 0 || s->positions == 0 || s->types == 0 || s->max_tokens == 0)
        return EM_ERR_MODEL_MALFORMED;
    if (s->hidden % s->heads != 0 || s->max_tokens > s->positions ||
        !is_epsilon(s->norm_eps_bits) ||
        (s->pooling != EM_POOLING_MEAN && s->pooling != EM_POOLING_CLS) ||
        s->activation < EM_ACTIVATION_NONE || s->activation > EM_ACTIVATION_SOFTMAX)
        return EM_ERR_MODEL_MALFORMED;
    return s->hidden / s->heads > EM_MAX_HEAD ? EM_ERR_LIMIT : EM_OK;
}

/* n arrays of `size` things of so many bytes behind *at. */
static em_err place(size_t *at, size_t n, size_t size, size_t bytes, size_t *ret_offset,
                    size_t *ret_len)
{
    size_t len, all, end;

    EM_TRY(em_mul(size, bytes, &len));
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
    size_t widest = wide > hidden ? wide : hidden; /* that is multiplied by a matrix */
    if (wide < 3 * hidden) wide = 3 * hidden;
    if (wide < shape->labels) wide = shape->labels;
    p.state_stride = stride_of(hidden);
    p.wide_stride = stride_of(wide);
    if (shape->precision == EM_PRECISION_INT8)
        p.bytes_stride = (widest + ALIGN - 1) / ALIGN * ALIGN;

    size_t longest = shape->max_tokens;
    if (longest > limits.tokens) longest = limits.tokens;
    p.head = hidden / shape->heads;
    size_t attention = em_attention_floats(longest, p.head);

    size_t n = limits.tokens, f = sizeof(float), quants = p.bytes_stride > 0 ? n : 0;
    EM_TRY(place(&p.scratch, n, p.state_stride, f, &p.state, &len));
    EM_TRY(place(&p.scratch, n, p.state_stride, f, &p.side, &len));
    EM_TRY(place(&p.scratch, n, p.wide_stride, f, &p.wide, &len));
    EM_TRY(place(&p.scratch, n, p.bytes_stride, 1, &p.bytes, &len));
    EM_TRY(place(&p.scratch, 1, quants, sizeof(em_quant), &p.quant, &len));
    EM_TRY(place(&p.scratch, limits.workers, attention, f, &p.worker, &p.worker_len));
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
    em_wipe(at + plan->bytes, n * plan->bytes_stride);
    if (plan->bytes_stride > 0) em_wipe(at + plan->quant, n * sizeof(em_quant));
    for (size_t w = 0; w < plan->limits.workers; w++)
        em_wipe(at + plan->worker + w * plan->worker_len, attention);
}
