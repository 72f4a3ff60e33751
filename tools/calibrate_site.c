#include "tools/calibrate_site.h"

#include "engine/panel.h"
#include "tools/hf_tensors.h"
#include "tools/quantize.h"
#include "tools/smooth.h"

#include <stdlib.h>

enum {
    ROWS = 32,     /* tokens in one piece of work */
    LOOK_AT = 800, /* tokens by which multipliers are found, at most twice as many */
};

/* The tensors of a matrix are listed one behind the other. */
enum part { PANELS, BIAS, SCALE, SUM, IN, LOOSE, LOOSE_WEIGHT };

typedef struct matrix {
    const em_calibrate_site *site;
    uint32_t first;          /* the number of its panels among the model's tensors */
    size_t rows, cols, wide; /* wide: rows up to whole panels */
    const float *x, *bias;
    float *out;

    float *w;                   /* [rows][cols] as published */
    int8_t *bytes;              /* [rows][cols] */
    float *scale, *in, *padded; /* padded: [wide] of scales, and of the bias */
    int32_t *sum;               /* [wide] */
    float *columns;             /* [rows][EM_LOOSE] */
    int32_t loose[EM_LOOSE];
    float *y;         /* [tokens][cols] what bytes make of x */
    double *sums;     /* [cols][cols] */
    uint8_t *q;       /* ROWS rows for each worker */
    float *c;         /* the same, of results */
    bool *overflowed; /* of each worker */
} matrix;

static size_t up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static void *part_of(const matrix *m, enum part part)
{
    return m->site->image->at + m->site->model->tensor[m->first + part].offset;
}

static void matrix_drop(matrix *m)
{
    free(m->w);
    free(m->bytes);
    free(m->scale);
    free(m->in);
    free(m->padded);
    free(m->sum);
    free(m->columns);
    free(m->y);
    free(m->sums);
    free(m->q);
    free(m->c);
    free(m->overflowed);
}

static em_err take_memory(matrix *m)
{
    size_t workers = m->site->jobs->workers, size = m->rows * m->cols;

    m->w = calloc(size, sizeof *m->w);
    m->bytes = calloc(size, sizeof *m->bytes);
    m->scale = calloc(m->wide, sizeof *m->scale);
    m->in = calloc(m->cols, sizeof *m->in);
    m->padded = calloc(m->wide, sizeof *m->padded);
    m->sum = calloc(m->wide, sizeof *m->sum);
    m->columns = calloc(m->rows * EM_LOOSE, sizeof *m->columns);
    m->y = calloc(m->site->tokens * m->cols, sizeof *m->y);
    m->sums = calloc(m->cols * m->cols, sizeof *m->sums);
    m->q = calloc(workers * ROWS * up(m->cols, EM_FOURS), sizeof *m->q);
    m->c = calloc(workers * ROWS * m->wide, sizeof *m->c);
    m->overflowed = calloc(workers, sizeof *m->overflowed);
    if (m->w == NULL || m->bytes == NULL || m->scale == NULL || m->in == NULL ||
        m->padded == NULL || m->sum == NULL || m->columns == NULL || m->y == NULL ||
        m->sums == NULL || m->q == NULL || m->c == NULL || m->overflowed == NULL)
        return EM_ERR_MEMORY;
    return EM_OK;
}

/* The weights as published. */
static em_err read_weights(matrix *m)
{
    em_bert_want want;

    EM_TRY(em_bert_tensors_wanted(&m->site->model->shape, m->first, &want));
    want.layout = EM_LAYOUT_ROWS;
    want.len = m->rows * m->cols * sizeof *m->w;
    return em_hf_tensors_write(m->site->hf, &want, m->site->problem, m->w);
}

/* Multipliers and loose columns, by every few tokens. */
static em_err smooth(matrix *m)
{
    size_t every = m->site->tokens / LOOK_AT + 1,
           n = (m->site->tokens + every - 1) / every;
    float *share = calloc(n, sizeof *share);

    if (share == NULL) return EM_ERR_MEMORY;
    for (size_t t = 0; t < n; t++) share[t] = m->site->share[t * every];
    em_err err = em_smooth_find(&(em_smooth){.w = m->w,
                                             .rows = m->rows,
                                             .cols = m->cols,
                                             .x = m->x,
                                             .x_stride = m->cols * every,
                                             .tokens = n,
                                             .share = share,
                                             .loose = EM_LOOSE},
                                m->site->jobs, m->in, m->loose);
    free(share);
    return err;
}

/* ---- rows of activations ---- */

/* A row's bytes and what goes with them, as the engine makes them. */
static em_quant quantized(const matrix *m, const float *x, uint8_t *q)
{
    em_quant quant = m->site->kernels.quantize(
        &(em_quantize){.x = x, .by = m->in, .out = q, .n = m->cols});

    for (size_t r = 0; r < EM_LOOSE; r++) quant.loose[r] = x[m->loose[r]];
    return quant;
}

static void measure_piece(void *arg, size_t i, size_t w)
{
    const matrix *m = arg;
    uint8_t *q = m->q + w * ROWS * up(m->cols, EM_FOURS);
    size_t end = (i + 1) * ROWS;

    if (end > m->site->tokens) end = m->site->tokens;
    for (size_t t = i * ROWS; t < end; t++) {
        em_quant quant = quantized(m, m->x + t * m->cols, q);
        if (!(quant.scale < 0x1p127f)) m->overflowed[w] = true;
        for (size_t k = 0; k < m->cols; k++)
            m->y[t * m->cols + k] = (float)((int32_t)q[k] - quant.zero) * quant.scale;
    }
}

static void multiply_piece(void *arg, size_t i, size_t w)
{
    const matrix *m = arg;
    size_t stride = up(m->cols, EM_FOURS), first = i * ROWS;
    size_t n = m->site->tokens - first < ROWS ? m->site->tokens - first : ROWS;
    uint8_t *q = m->q + w * ROWS * stride;
    float *c = m->c + w * ROWS * m->wide;
    em_quant quant[ROWS];

    for (size_t t = 0; t < n; t++)
        quant[t] = quantized(m, m->x + (first + t) * m->cols, q + t * stride);
    m->site->kernels.gemm_int8(&(em_gemm_int8){.a = q,
                                               .a_stride = stride,
                                               .row = quant,
                                               .b = part_of(m, PANELS),
                                               .scale = m->scale,
                                               .bias = m->padded,
                                               .sum = m->sum,
                                               .loose = part_of(m, LOOSE_WEIGHT),
                                               .c = c,
                                               .c_stride = m->wide,
                                               .rows = n,
                                               .depth = m->cols,
                                               .panels = m->wide / EM_LANES});
    for (size_t t = 0; t < n; t++)
        memcpy(m->out + (first + t) * m->rows, c + t * m->wide, m->rows * sizeof *m->out);
}

/* ---- the matrix ---- */

static em_err quantize(matrix *m)
{
    const em_calibrate_site *s = m->site;

    s->jobs->run(s->jobs, measure_piece, m, (s->tokens + ROWS - 1) / ROWS);
    for (size_t w = 0; w < s->jobs->workers; w++)
        if (m->overflowed[w])
            return em_problem_set(s->problem, EM_ERR_MODEL_MALFORMED, s->hf->folder,
                                  "the model's arithmetic overflows on a calibration "
                                  "text");
    EM_TRY(em_quantize_gather(&s->kernels, s->jobs, m->y, s->share, s->tokens, m->cols,
                              m->sums));
    return em_quantize_round(
        &(em_quantize_matrix){
            .w = m->w, .rows = m->rows, .cols = m->cols, .in = m->in, .sums = m->sums},
        s->jobs, m->bytes, m->scale, m->sum);
}

/* All its tensors into the image. */
static void lay_out(matrix *m)
{
    for (size_t i = 0; i < m->rows; i++)
        for (size_t r = 0; r < EM_LOOSE; r++)
            m->columns[i * EM_LOOSE + r] = m->w[i * m->cols + (size_t)m->loose[r]];
    memset(part_of(m, PANELS), 0, m->wide * up(m->cols, EM_FOURS));
    memset(part_of(m, LOOSE_WEIGHT), 0, m->wide * EM_LOOSE * sizeof(float));
    em_panel_pack_int8(m->bytes, m->cols, m->rows, m->cols, 0, part_of(m, PANELS));
    em_panel_pack(m->columns, EM_LOOSE, m->rows, EM_LOOSE, 0, part_of(m, LOOSE_WEIGHT));
    memcpy(part_of(m, SCALE), m->scale, m->rows * sizeof *m->scale);
    memcpy(part_of(m, SUM), m->sum, m->rows * sizeof *m->sum);
    memcpy(part_of(m, IN), m->in, m->cols * sizeof *m->in);
    memcpy(part_of(m, LOOSE), m->loose, sizeof m->loose);
    memcpy(m->padded, m->bias, m->rows * sizeof *m->padded);
}

static em_err fill(matrix *m)
{
    EM_TRY(take_memory(m));
    EM_TRY(read_weights(m));
    EM_TRY(smooth(m));
    EM_TRY(quantize(m));
    lay_out(m);
    m->site->jobs->run(m->site->jobs, multiply_piece, m,
                       (m->site->tokens + ROWS - 1) / ROWS);
    return EM_OK;
}

/* Which of the model's tensors a matrix's panels are. */
static em_err find(const em_calibrate_site *site, em_bert_role role, uint32_t layer,
                   uint32_t *ret_i)
{
    em_bert_want want;

    for (uint32_t i = 0; i < site->model->n; i++) {
        EM_TRY(em_bert_tensors_wanted(&site->model->shape, i, &want));
        if (want.role != role || want.layer != layer) continue;
        *ret_i = i;
        return EM_OK;
    }
    return EM_ERR_RANGE;
}

em_err em_calibrate_site_fill(const em_calibrate_site *site, em_bert_role role,
                              uint32_t layer, const float *bias, const float *x,
                              float *ret_out)
{
    matrix m = {.site = site, .x = x, .bias = bias, .out = ret_out};

    EM_TRY(find(site, role, layer, &m.first));
    m.rows = site->model->tensor[m.first].rows;
    m.cols = site->model->tensor[m.first].cols;
    m.wide = up(m.rows, EM_LANES);
    em_err err = fill(&m);
    matrix_drop(&m);
    return err;
}
