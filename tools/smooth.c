#include "tools/smooth.h"

#include <stdlib.h>

enum {
    PIECE = 32, /* rows looked at in one piece of work */
    BLOCK = 16, /* columns looked at together */
    FIRST_STEPS = 32,
    DROP_STEPS = 12, /* between two columns that become loose */
    LAST_STEPS = 48,
};

static const double share_of_weights = 0.65; /* of their error, after clever rounding */

/* Where a row has its ends. */
typedef struct ends {
    float low, high; /* low <= 0 <= high */
    uint32_t low_at, high_at;
} ends;

typedef struct column {
    double least, most;    /* what its multiplier is kept within */
    double power;          /* of its activations: mean square */
    double gain;           /* of its weights: sum of squares */
    double x_part, w_part; /* how much of all ranges is its doing */
    double mean, square;   /* of the slope, over steps */
} column;

typedef struct search {
    const em_smooth *s;
    em_jobs *jobs;
    float *in, *best; /* [cols]; 0 for loose columns */
    column *col;
    ends *x_ends, *w_ends;   /* [tokens], [rows] */
    double x_error, w_error; /* of the last look */
    double least;            /* error of `best` */
} search;

static double root(double x)
{
    return __builtin_sqrt(x);
}

/* ---- one look: both errors, and whose doing they are ---- */

/* Four floats at once, which no compiler makes of a loop at -O2. */
typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t quad_bits __attribute__((vector_size(16)));

/* Is one of BLOCK products outside the ends? */
static bool goes_beyond(const float *x, const float *in, const ends *e)
{
    const quad *a = (const quad *)x, *b = (const quad *)in;
    quad_bits out = {0};

    for (size_t i = 0; i < BLOCK / 4; i++) {
        quad y = a[i] * b[i];
        out |= (quad_bits)(y > e->high) | (quad_bits)(y < e->low);
    }
    return (out[0] | out[1] | out[2] | out[3]) != 0;
}

/* Columns first .. first + n - 1 one by one. */
static void widen(const float *x, const float *in, uint32_t first, uint32_t n, ends *e)
{
    for (uint32_t k = first; k < first + n; k++) {
        float y = x[k] * in[k];
        if (y > e->high) e->high = y, e->high_at = k;
        if (y < e->low) e->low = y, e->low_at = k;
    }
}

static void x_piece(void *arg, size_t i, size_t w)
{
    const search *c = arg;
    size_t end = (i + 1) * PIECE < c->s->tokens ? (i + 1) * PIECE : c->s->tokens;

    (void)w;
    for (size_t t = i * PIECE; t < end; t++) {
        const float *x = c->s->x + t * c->s->x_stride;
        ends e = {0};
        for (uint32_t k = 0; k < c->s->cols; k += BLOCK) {
            uint32_t n = (uint32_t)c->s->cols - k;
            if (n < BLOCK || goes_beyond(x + k, c->in + k, &e))
                widen(x, c->in, k, n < BLOCK ? n : BLOCK, &e);
        }
        c->x_ends[t] = e;
    }
}

static void w_piece(void *arg, size_t i, size_t w)
{
    const search *c = arg;
    size_t end = (i + 1) * PIECE < c->s->rows ? (i + 1) * PIECE : c->s->rows;
    size_t cols = c->s->cols;

    (void)w;
    for (size_t r = i * PIECE; r < end; r++) {
        ends e = {0};
        for (uint32_t k = 0; k < cols; k++) {
            float y =
                c->in[k] > 0 ? __builtin_fabsf(c->s->w[r * cols + k]) / c->in[k] : 0;
            if (y > e.high) e.high = y, e.high_at = k;
        }
        c->w_ends[r] = e;
    }
}

/* The noise that bytes bring into the products, summed over rows of the matrix:
 *   activations  mean of range^2 / 255^2  times  sum of gain / in^2
 *   weights      sum of range^2 / 127^2   times  sum of power * in^2
 * (both twelve times too much). */
static void look(search *c, double *ret_gains, double *ret_powers)
{
    size_t cols = c->s->cols;
    double x_ranges = 0, w_ranges = 0, gains = 0, powers = 0;

    c->jobs->run(c->jobs, x_piece, c, (c->s->tokens + PIECE - 1) / PIECE);
    c->jobs->run(c->jobs, w_piece, c, (c->s->rows + PIECE - 1) / PIECE);
    for (size_t k = 0; k < cols; k++) c->col[k].x_part = c->col[k].w_part = 0;
    for (size_t t = 0; t < c->s->tokens; t++) {
        const ends *e = &c->x_ends[t];
        double high = (double)e->high, low = (double)e->low;
        double heavy = (double)c->s->share[t] * (high - low);
        x_ranges += heavy * (high - low);
        c->col[e->high_at].x_part += heavy * high;
        c->col[e->low_at].x_part -= heavy * low;
    }
    for (size_t r = 0; r < c->s->rows; r++) {
        double high = (double)c->w_ends[r].high;
        w_ranges += high * high;
        c->col[c->w_ends[r].high_at].w_part += high * high;
    }
    for (size_t k = 0; k < cols; k++) {
        column *col = &c->col[k];
        double m = (double)c->in[k];
        if (m > 0) gains += col->gain / (m * m);
        powers += col->power * m * m;
        if (x_ranges > 0) col->x_part /= x_ranges;
        if (w_ranges > 0) col->w_part /= w_ranges;
    }
    c->x_error = x_ranges / (255.0 * 255.0) * gains;
    c->w_error = w_ranges / (127.0 * 127.0) * powers * share_of_weights;
    *ret_gains = gains;
    *ret_powers = powers;
}

/* ---- going downhill ---- */

/* One step of every multiplier's logarithm against its slope, all of about the same
 * length (Adam's rule). */
static void step(search *c, size_t i, double length, double gains, double powers)
{
    double old_mean = 1, old_square = 1, all = c->x_error + c->w_error;

    for (size_t k = 0; k <= i; k++) old_mean *= 0.9, old_square *= 0.99;
    for (size_t k = 0; k < c->s->cols; k++) {
        column *col = &c->col[k];
        double m = (double)c->in[k];
        if (!(m > 0)) continue;
        double x_slope = col->x_part - col->gain / (m * m) / gains;
        double w_slope = col->power * m * m / powers - col->w_part;
        double slope = 2 * (x_slope * c->x_error + w_slope * c->w_error) / all;
        col->mean = 0.9 * col->mean + 0.1 * slope;
        col->square = 0.99 * col->square + 0.01 * slope * slope;
        double d = length * (col->mean / (1 - old_mean)) /
                   (root(col->square / (1 - old_square)) + 1e-8);
        m *= (1 - d / 2) / (1 + d / 2); /* exp(-d), nearly */
        m = m < col->least ? col->least : m > col->most ? col->most : m;
        c->in[k] = (float)m;
    }
}

/* Some steps, ever shorter; `in` becomes the best that was seen. */
static void descend(search *c, size_t steps, double length)
{
    double gains, powers;

    c->least = 0x1p1000;
    for (size_t k = 0; k < c->s->cols; k++) c->col[k].mean = c->col[k].square = 0;
    for (size_t i = 0; i <= steps; i++) {
        look(c, &gains, &powers);
        double error = c->x_error + c->w_error;
        if (!(error > 0 && error < 0x1p1000)) break; /* nothing to weigh up */
        if (error < c->least) {
            c->least = error;
            memcpy(c->best, c->in, c->s->cols * sizeof *c->in);
        }
        double left = (double)(steps - i) / (double)steps;
        if (i < steps) step(c, i, length * left, gains, powers);
    }
    if (c->least < 0x1p1000) memcpy(c->in, c->best, c->s->cols * sizeof *c->in);
}

/* The column whose doing the errors are most. */
static size_t worst(search *c)
{
    double gains, powers, most = -1;
    size_t at = 0;

    look(c, &gains, &powers);
    while (!(c->in[at] > 0)) at++; /* there are more columns than loose ones */
    for (size_t k = at; k < c->s->cols; k++) {
        double part = c->col[k].x_part * c->x_error + c->col[k].w_part * c->w_error;
        if (c->in[k] > 0 && part > most) most = part, at = k;
    }
    return at;
}

/* ---- the start ---- */

/* Largest numbers of every column, kept away from zero by their mean. */
static void largest(const float *rows, size_t stride, size_t n, size_t cols, float *ret)
{
    double sum = 0;

    memset(ret, 0, cols * sizeof *ret);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < cols; k++) {
            float y = __builtin_fabsf(rows[i * stride + k]);
            if (y > ret[k]) ret[k] = y;
        }
    }
    for (size_t k = 0; k < cols; k++) sum += (double)ret[k];
    float least = (float)(sum / (double)cols) * 0x1p-10f;
    for (size_t k = 0; k < cols; k++) {
        if (ret[k] < least) ret[k] = least;
        if (!(ret[k] > 0x1p-100f)) ret[k] = sum > 0 ? 0x1p-100f : 1.0f;
    }
}

/* in = w^(1/4) / x^(3/4), which is near enough to begin with. */
static void start(search *c, const float *x, const float *w)
{
    size_t cols = c->s->cols;
    double sum = 0;

    for (size_t k = 0; k < cols; k++) {
        double x_root = root(root((double)x[k]));
        c->col[k].most = root(root((double)w[k])) / (x_root * x_root * x_root);
        sum += c->col[k].most / (double)cols;
    }
    for (size_t k = 0; k < cols; k++) {
        double m = c->col[k].most / sum;
        if (m < 0x1p-60) m = 0x1p-60;
        c->in[k] = (float)m;
        c->col[k].least = m * 0x1p-10;
        c->col[k].most = m * 0x1p4;
    }
    for (size_t r = 0; r < c->s->rows; r++) {
        for (size_t k = 0; k < cols; k++) {
            double y = (double)c->s->w[r * cols + k];
            c->col[k].gain += y * y;
        }
    }
    for (size_t t = 0; t < c->s->tokens; t++) {
        for (size_t k = 0; k < cols; k++) {
            double y = (double)c->s->x[t * c->s->x_stride + k];
            c->col[k].power += (double)c->s->share[t] * y * y;
        }
    }
}

static void find(search *c, int32_t *ret_loose)
{
    size_t n = 0;

    for (size_t i = 0; i < c->s->loose; i++) {
        descend(c, i == 0 ? FIRST_STEPS : DROP_STEPS, i == 0 ? 0.06 : 0.03);
        c->in[worst(c)] = 0;
    }
    descend(c, LAST_STEPS, 0.06);
    for (size_t k = 0; k < c->s->cols; k++)
        if (!(c->in[k] > 0)) ret_loose[n++] = (int32_t)k;
}

em_err em_smooth_find(const em_smooth *s, em_jobs *jobs, float *ret_in,
                      int32_t *ret_loose)
{
    search c = {.s = s, .jobs = jobs};
    float *floats = calloc(4 * s->cols, sizeof *floats);
    int32_t loose[EM_SMOOTH_MAX_LOOSE];
    em_err err = EM_ERR_MEMORY;

    if (s->loose > EM_SMOOTH_MAX_LOOSE || s->loose >= s->cols) {
        free(floats);
        return EM_ERR_ARGUMENT;
    }
    c.col = calloc(s->cols, sizeof *c.col);
    c.x_ends = calloc(s->tokens + s->rows, sizeof *c.x_ends);
    if (floats != NULL && c.col != NULL && c.x_ends != NULL) {
        c.in = floats, c.best = floats + s->cols;
        c.w_ends = c.x_ends + s->tokens;
        largest(s->x, s->x_stride, s->tokens, s->cols, floats + 2 * s->cols);
        largest(s->w, s->cols, s->rows, s->cols, floats + 3 * s->cols);
        start(&c, floats + 2 * s->cols, floats + 3 * s->cols);
        find(&c, loose);
        memcpy(ret_in, c.in, s->cols * sizeof *ret_in);
        memcpy(ret_loose, loose, s->loose * sizeof *ret_loose);
        err = EM_OK;
    }
    free(floats);
    free(c.col);
    free(c.x_ends);
    return err;
}
