#include "tools/quantize.h"

#include <stdlib.h>

enum {
    BLOCK = 512, /* rows of activations whose products are summed as floats */
    LANES = 8,   /* rows done side by side, each in its own order */
    MOST = 127,  /* of a byte */
};

static const double damping = 0.03; /* of the mean of the sums' diagonal */
static const double rounding = 0x1.8p52;

/* Eight numbers that go the same way; one rounding for every operation. */
typedef double two __attribute__((vector_size(16)));
typedef union eight {
    two pair[LANES / 2];
    double lane[LANES];
} eight;

/* ---- gathering ---- */

typedef struct gather {
    const em_kernels *kernels;
    const float *x, *share;
    size_t tokens, cols, wide; /* wide: cols up to a multiple of a panel */
    float *rows;               /* [wide][tokens] */
    float *panels;             /* [wide / 16][tokens][16] */
    float *products;           /* [wide][wide] */
    double *sums;
} gather;

/* One panel of columns: turned, and weighed. */
static void turn_piece(void *arg, size_t p, size_t w)
{
    const gather *g = arg;
    size_t first = p * EM_LANES,
           n = g->cols - first < EM_LANES ? g->cols - first : EM_LANES;

    (void)w;
    for (size_t t = 0; t < g->tokens; t++) {
        const float *from = g->x + t * g->cols + first;
        float *panel = g->panels + (p * g->tokens + t) * EM_LANES;

        for (size_t j = 0; j < EM_LANES; j++) {
            panel[j] = j < n ? from[j] : 0.0f;
            g->rows[(first + j) * g->tokens + t] = panel[j] * g->share[t];
        }
    }
}

static void product_piece(void *arg, size_t p, size_t w)
{
    const gather *g = arg;
    size_t first = p * EM_LANES;
    const em_gemm product = {.a = g->rows + first * g->tokens,
                             .a_stride = g->tokens,
                             .b = g->panels + first * g->tokens,
                             .c = g->products + first * g->wide + first,
                             .c_stride = g->wide,
                             .rows = g->wide - first,
                             .depth = g->tokens,
                             .panels = 1};

    (void)w;
    g->kernels->gemm(&product);
    for (size_t a = first; a < g->cols; a++) {
        size_t end = a + 1 < first + EM_LANES ? a + 1 : first + EM_LANES;
        for (size_t b = first; b < end; b++)
            g->sums[a * g->cols + b] += (double)g->products[a * g->wide + b];
    }
}

em_err em_quantize_gather(const em_kernels *kernels, em_jobs *jobs, const float *x,
                          const float *share, size_t tokens, size_t cols, double *sums)
{
    size_t panels = (cols + EM_LANES - 1) / EM_LANES, wide = panels * EM_LANES;
    size_t turned = wide * BLOCK;
    float *memory = calloc(2 * turned + wide * wide, sizeof *memory);

    if (memory == NULL) return EM_ERR_MEMORY;
    for (size_t t = 0; t < tokens; t += BLOCK) {
        gather g = {.kernels = kernels,
                    .x = x + t * cols,
                    .share = share + t,
                    .tokens = tokens - t < BLOCK ? tokens - t : BLOCK,
                    .cols = cols,
                    .wide = wide,
                    .rows = memory,
                    .panels = memory + turned,
                    .products = memory + 2 * turned,
                    .sums = sums};
        jobs->run(jobs, turn_piece, &g, panels);
        jobs->run(jobs, product_piece, &g, panels);
    }
    free(memory);
    return EM_OK;
}

/* ---- rounding ---- */

typedef struct weighed {
    double weight; /* the column's place on the diagonal */
    uint32_t col;
} weighed;

typedef struct rounding_work {
    const em_quantize_matrix *m;
    weighed *order; /* of columns: what matters least comes first, and is done last */
    double *factor; /* [cols][cols], lower, in that order */
    eight *scratch; /* 2 * cols for each worker */
    int8_t *bytes;
    float *scale;
    int32_t *sum;
} rounding_work;

static int by_weight(const void *a, const void *b)
{
    const weighed *x = a, *y = b;

    if (x->weight != y->weight) return x->weight < y->weight ? -1 : 1;
    return x->col < y->col ? -1 : 1;
}

/* The columns in order, and their sums in that order with a damped diagonal. */
static void arrange(const rounding_work *r)
{
    size_t n = r->m->cols;
    double trace = 0;

    for (size_t k = 0; k < n; k++) {
        r->order[k] = (weighed){r->m->sums[k * n + k], (uint32_t)k};
        trace += r->order[k].weight;
    }
    qsort(r->order, n, sizeof *r->order, by_weight);
    for (size_t a = 0; a < n; a++) {
        size_t i = r->order[a].col;
        for (size_t b = 0; b <= a; b++) {
            size_t k = r->order[b].col;
            r->factor[a * n + b] = i > k ? r->m->sums[i * n + k] : r->m->sums[k * n + i];
        }
        r->factor[a * n + a] += trace > 0 ? trace / (double)n * damping : 1.0;
    }
}

/* from - sum of line[k] * x[k], k < n; pairs have names so that they stay in registers.
 */
static eight less_products(eight from, const double *line, const eight *x, size_t n)
{
    two a = from.pair[0], b = from.pair[1], c = from.pair[2], d = from.pair[3];

    for (size_t k = 0; k < n; k++) {
        a -= line[k] * x[k].pair[0];
        b -= line[k] * x[k].pair[1];
        c -= line[k] * x[k].pair[2];
        d -= line[k] * x[k].pair[3];
    }
    return (eight){.pair = {a, b, c, d}};
}

/* Cholesky: h = C C', in place, eight rows at a time.  `x` is scratch of n. */
static void factorise(double *h, size_t n, eight *x)
{
    const double least = h[0] * 0x1p-20; /* a pivot that rounding made nothing of */

    for (size_t first = 0; first < n; first += LANES) {
        size_t rows = n - first < LANES ? n - first : LANES;

        for (size_t j = 0; j < first; j++) {
            eight s = {0};
            for (size_t r = 0; r < rows; r++) s.lane[r] = h[(first + r) * n + j];
            s = less_products(s, h + j * n, x, j);
            for (size_t r = 0; r < rows; r++) {
                s.lane[r] /= h[j * n + j];
                h[(first + r) * n + j] = s.lane[r];
            }
            x[j] = s;
        }
        for (size_t r = 0; r < rows; r++) {
            double *row = h + (first + r) * n;
            for (size_t j = first; j <= first + r; j++) {
                double s = row[j];
                for (size_t k = 0; k < j; k++) s -= row[k] * h[j * n + k];
                if (j < first + r)
                    row[j] = s / h[j * n + j];
                else
                    row[j] = __builtin_sqrt(s > least ? s : least);
            }
        }
    }
}

/* to[k] += line[k] * x, k < n. */
static void add_products(eight *to, const double *line, const eight *x, size_t n)
{
    two a = x->pair[0], b = x->pair[1], c = x->pair[2], d = x->pair[3];

    for (size_t k = 0; k < n; k++) {
        to[k].pair[0] += line[k] * a;
        to[k].pair[1] += line[k] * b;
        to[k].pair[2] += line[k] * c;
        to[k].pair[3] += line[k] * d;
    }
}

/* Weight k of row i as it meets the bytes of activations. */
static double weight_of(const em_quantize_matrix *m, size_t i, size_t k)
{
    return m->in[k] > 0 ? (double)m->w[i * m->cols + k] / (double)m->in[k] : 0;
}

static float scale_of(const em_quantize_matrix *m, size_t i)
{
    double most = 0;

    for (size_t k = 0; k < m->cols; k++) {
        double w = __builtin_fabs(weight_of(m, i, k));
        if (w > most) most = w;
    }
    most /= MOST;
    if (most > 0x1.fffffep127) return 0x1.fffffep127f;
    return most > 0x1p-126 ? (float)most : 1.0f;
}

/* Eight rows.  The errors e of what is done give every column i still to come the pull
 * sum of e[k] C[k][i], which its own rounding takes back. */
static void round_piece(void *arg, size_t i, size_t w)
{
    const rounding_work *r = arg;
    size_t n = r->m->cols, first = i * LANES;
    size_t rows = r->m->rows - first < LANES ? r->m->rows - first : LANES;
    eight *pull = r->scratch + w * 2 * n, *weight = pull + n;
    double scale[LANES];

    memset(pull, 0, 2 * n * sizeof *pull);
    for (size_t l = 0; l < rows; l++) {
        r->scale[first + l] = scale_of(r->m, first + l);
        scale[l] = (double)r->scale[first + l];
        r->sum[first + l] = 0;
        for (size_t k = 0; k < n; k++)
            weight[k].lane[l] = weight_of(r->m, first + l, r->order[k].col);
    }
    for (size_t k = n; k-- > 0;) {
        const double *line = r->factor + k * n;
        eight error = {0};

        for (size_t l = 0; l < rows; l++) {
            double want = weight[k].lane[l] - pull[k].lane[l] / line[k];
            double q = want / scale[l];
            q = q > MOST ? MOST : q < -MOST ? -MOST : (q + rounding) - rounding;
            if (!(r->m->in[r->order[k].col] > 0)) q = 0;
            error.lane[l] = q * scale[l] - weight[k].lane[l];
            r->bytes[(first + l) * n + r->order[k].col] = (int8_t)q;
            r->sum[first + l] += (int32_t)q;
        }
        add_products(pull, line, &error, k);
    }
}

em_err em_quantize_round(const em_quantize_matrix *m, em_jobs *jobs, int8_t *ret_bytes,
                         float *ret_scale, int32_t *ret_sum)
{
    rounding_work r = {.m = m, .bytes = ret_bytes, .scale = ret_scale, .sum = ret_sum};
    em_err err = EM_ERR_MEMORY;

    r.order = calloc(m->cols, sizeof *r.order);
    r.factor = calloc(m->cols * m->cols, sizeof *r.factor);
    r.scratch = calloc(jobs->workers * 2 * m->cols, sizeof *r.scratch);
    if (r.order != NULL && r.factor != NULL && r.scratch != NULL) {
        arrange(&r);
        factorise(r.factor, m->cols, r.scratch);
        jobs->run(jobs, round_piece, &r, (m->rows + LANES - 1) / LANES);
        err = EM_OK;
    }
    free(r.order);
    free(r.factor);
    free(r.scratch);
    return err;
}
