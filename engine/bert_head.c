#include "engine/bert_head.h"
#include "engine/kernel/poly_impl.h"
#include "engine/pool.h"

/* exp(-|x|) decides both: neither overflows. */
static float tanh_of(float x)
{
    float t = em_poly_of_bits(em_poly_bits(x) & 0x7FFFFFFFu);
    float e = em_poly_exp_of(-2.0f * t, 0.0f);
    float y = (1.0f - e) / (1.0f + e);

    return x < 0.0f ? -y : y;
}

static float sigmoid_of(float x)
{
    float t = em_poly_of_bits(em_poly_bits(x) & 0x7FFFFFFFu);
    float e = em_poly_exp_of(-t, 0.0f);

    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

static void activate(const em_bert_run *run, float *row)
{
    const em_model_shape *shape = &run->bert->shape;
    size_t n = shape->labels;

    if (shape->activation == EM_ACTIVATION_SIGMOID)
        for (size_t j = 0; j < n; j++) row[j] = sigmoid_of(row[j]);
    if (shape->activation == EM_ACTIVATION_SOFTMAX) {
        float inverse;
        run->kernels->softmax(row, n, 1, n, 1.0f, &inverse);
        for (size_t j = 0; j < n; j++) row[j] *= inverse;
    }
    em_pool_finish(row, n, false);
}

/* out = in W + b for as many rows as there are sequences; out has room for whole panels.
 */
static void multiply(const em_bert_run *run, const em_bert_matrix *m, const float *in,
                     size_t in_stride, float *out, size_t out_stride)
{
    const float *panels = m->panels;

    for (size_t first = 0; first < m->rows; first += EM_LANES) {
        size_t n = m->rows - first < EM_LANES ? m->rows - first : EM_LANES;
        float bias[EM_LANES] = {0};

        memcpy(bias, m->bias + first, n * sizeof *bias);
        run->kernels->gemm(&(em_gemm){.a = in,
                                      .a_stride = in_stride,
                                      .b = panels + first * m->cols,
                                      .bias = bias,
                                      .c = out + first,
                                      .c_stride = out_stride,
                                      .rows = run->batch->n,
                                      .depth = m->cols,
                                      .panels = 1});
    }
}

void em_bert_head(const em_bert_run *run, float *out)
{
    const em_bert *b = run->bert;
    size_t hidden = b->shape.hidden, labels = b->shape.labels;
    size_t stride = run->plan->state_stride, wide = run->plan->wide_stride;

    for (uint32_t s = 0; s < run->batch->n; s++)
        memcpy(run->side + s * stride, run->state + run->batch->start[s] * stride,
               hidden * sizeof *out);
    multiply(run, &b->pooler, run->side, stride, run->state, stride);
    for (uint32_t s = 0; s < run->batch->n; s++)
        for (size_t j = 0; j < hidden; j++)
            run->state[s * stride + j] = tanh_of(run->state[s * stride + j]);
    multiply(run, &b->classifier, run->state, stride, run->wide, wide);
    for (uint32_t s = 0; s < run->batch->n; s++) {
        memcpy(out + s * labels, run->wide + s * wide, labels * sizeof *out);
        activate(run, out + s * labels);
    }
}
