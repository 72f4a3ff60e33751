/* oracle.h - the textbook's encoder, row by row, in double precision.
 *
 * Trust:  test code only.
 * Memory: static storage.
 */
#ifndef EM_TESTS_ENGINE_ORACLE_H
#define EM_TESTS_ENGINE_ORACLE_H

#include "tests/engine/fixture_encoder.h"

#include <math.h>

static inline double half(const void *at, size_t i)
{
    uint32_t bits = (uint32_t)((const uint16_t *)at)[i] << 16;
    float f;

    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

static inline double weight(const fixture_model *m, uint32_t i, size_t row, size_t col)
{
    const float *at = (const float *)(const void *)(m->at + m->tensor[i].offset);
    size_t cols = m->want[i].cols;

    size_t panel = (row / 16 * cols + col) * 16 + row % 16;
    double w;
    size_t four = ((row / 16 * ((cols + 3) / 4) + col / 4) * 16 + row % 16) * 4 + col % 4;

    switch (m->want[i].layout) {
    case EM_LAYOUT_ROWS:
        return (double)at[row * cols + col];
    case EM_LAYOUT_ROWS_BF16:
        return half(at, row * cols + col);
    case EM_LAYOUT_PANEL16_BF16:
        return half(at, panel);
    case EM_LAYOUT_ROWS_I32:
        return ((const int32_t *)(const void *)at)[row * cols + col];
    case EM_LAYOUT_PANEL16_INT8: /* behind it: bias, scale, sum, in, loose, its weights */
        w = ((const int8_t *)at)[four] * weight(m, i + 2, 0, row) *
            weight(m, i + 4, 0, col);
        for (size_t r = 0; r < EM_LOOSE; r++)
            if (weight(m, i + 5, 0, r) == (double)col) w += weight(m, i + 6, row, r);
        return w;
    default:
        return (double)at[panel];
    }
}

static inline void oracle_norm(const fixture_model *m, uint32_t i, double *x, size_t n)
{
    double mean = 0, var = 0;

    for (size_t j = 0; j < n; j++) mean += x[j] / (double)n;
    for (size_t j = 0; j < n; j++) var += (x[j] - mean) * (x[j] - mean) / (double)n;
    for (size_t j = 0; j < n; j++)
        x[j] = (x[j] - mean) / sqrt(var + (double)1e-5f) * weight(m, i, 0, j) +
               weight(m, i + 1, 0, j);
}

static inline void oracle_dense(const fixture_model *m, uint32_t i, const double *x,
                                double *out)
{
    for (size_t r = 0; r < m->want[i].rows; r++) {
        out[r] = weight(m, i + 1, 0, r);
        for (size_t c = 0; c < m->want[i].cols; c++) out[r] += weight(m, i, r, c) * x[c];
    }
}

enum { WIDEST = 3072 };
static double state[POSITIONS][WIDEST];
static double qkv[POSITIONS][WIDEST], ctx[POSITIONS][WIDEST];

static inline void oracle_attention(const em_model_shape *s, size_t n)
{
    size_t d = s->hidden / s->heads;

    for (size_t h = 0; h < s->heads; h++)
        for (size_t i = 0; i < n; i++) {
            double p[POSITIONS], sum = 0;
            for (size_t j = 0; j < n; j++) {
                p[j] = 0;
                for (size_t k = h * d; k < (h + 1) * d; k++)
                    p[j] += qkv[i][k] * qkv[j][s->hidden + k];
                p[j] = exp(p[j] / sqrt((double)d));
                sum += p[j];
            }
            for (size_t k = h * d; k < (h + 1) * d; k++) {
                ctx[i][k] = 0;
                for (size_t j = 0; j < n; j++)
                    ctx[i][k] += p[j] / sum * qkv[j][2 * s->hidden + k];
            }
        }
}

/* state[token], after all layers; tokens from `part` on have type 1. */
static inline void oracle_states(const fixture_model *m, const uint32_t *ids, size_t n,
                                 size_t part)
{
    const em_model_shape *s = &m->model.shape;
    double wide[WIDEST], side[WIDEST];

    for (size_t t = 0; t < n; t++) {
        for (size_t j = 0; j < s->hidden; j++)
            state[t][j] = weight(m, EM_BERT_WORD, ids[t], j) +
                          weight(m, EM_BERT_TYPE, t < part ? 0 : 1, j) +
                          weight(m, EM_BERT_POSITION, t, j);
        oracle_norm(m, EM_BERT_NORM, state[t], s->hidden);
    }
    uint32_t step = s->precision == EM_PRECISION_INT8 ? 7 : 2; /* from matrix to next */
    for (uint32_t at = EM_BERT_QKV, l = 0; l < s->layers; l++, at += 4 * step + 4) {
        uint32_t out_norm = at + 2 * step, up = out_norm + 2;
        for (size_t t = 0; t < n; t++) oracle_dense(m, at, state[t], qkv[t]);
        oracle_attention(s, n);
        for (size_t t = 0; t < n; t++) {
            oracle_dense(m, at + step, ctx[t], side);
            for (size_t j = 0; j < s->hidden; j++) state[t][j] += side[j];
            oracle_norm(m, out_norm, state[t], s->hidden);
            oracle_dense(m, up, state[t], wide);
            for (size_t j = 0; j < s->intermediate; j++)
                wide[j] *= erfc(-wide[j] * sqrt(0.5)) / 2;
            oracle_dense(m, up + step, wide, side);
            for (size_t j = 0; j < s->hidden; j++) state[t][j] += side[j];
            oracle_norm(m, up + 2 * step, state[t], s->hidden);
        }
    }
}

/* The mean of the first tokens, or the first. */
static inline void oracle_pool(const em_model_shape *s, size_t pooled, double *out)
{
    double norm = 0;

    if (s->pooling == EM_POOLING_CLS) pooled = 1;
    for (size_t j = 0; j < s->hidden; j++) {
        out[j] = 0;
        for (size_t t = 0; t < pooled; t++) out[j] += state[t][j] / (double)pooled;
        norm += out[j] * out[j];
    }
    for (size_t j = 0; s->normalize && j < s->hidden; j++) out[j] /= sqrt(norm);
}

/* activation(C tanh(P state[0] + p) + c), of a model with a head. */
static inline void oracle_head(const fixture_model *m, double *out)
{
    const em_model_shape *s = &m->model.shape;
    uint32_t pooler = m->model.n - 4;
    double pooled[WIDEST], sum = 0;

    oracle_dense(m, pooler, state[0], pooled);
    for (size_t j = 0; j < s->hidden; j++) pooled[j] = tanh(pooled[j]);
    oracle_dense(m, pooler + 2, pooled, out);
    for (size_t j = 0; j < s->labels; j++) sum += exp(out[j]);
    for (size_t j = 0; j < s->labels; j++) {
        if (s->activation == EM_ACTIVATION_SIGMOID) out[j] = 1 / (1 + exp(-out[j]));
        if (s->activation == EM_ACTIVATION_SOFTMAX) out[j] = exp(out[j]) / sum;
    }
}

#endif
