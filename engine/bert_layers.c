/* The stages of a layer, each cut into pieces whose results do not depend on the cut:
 *
 *   wide  = state Wqkv + b         by blocks of rows and groups of panels
 *   side  = attention(wide)        by sequence and head
 *   wide  = side Wout + b
 *   state = norm(state + wide)     by rows
 *   wide  = gelu(state Wup + b)
 *   side  = wide Wdown + b
 *   state = norm(state + side)
 */
#include "engine/attention.h"
#include "engine/bert_impl.h"

enum {
    BLOCK = 48, /* rows that stay in the second cache while panels pass: eight tiles */
    GROUP = 4,  /* panels done at a time, so that GELU finds them in cache */
    PIECES = 4, /* a worker, so that a late one holds up nobody for long */
    SMALL = 16 << 10, /* floats that are normed sooner than other workers are woken */
};

typedef struct product {
    const em_bert_run *run;
    const em_bert_matrix *m, *then; /* the product after this one */
    const float *a;
    size_t a_stride;
    float *c;
    size_t c_stride;
    bool gelu;
    size_t block, blocks; /* rows of a block, how many there are */
    size_t across;        /* pieces that a block's panels are cut into */
} product;

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t panels_of(const em_bert_matrix *m)
{
    return ((size_t)m->rows + EM_LANES - 1) / EM_LANES;
}

/* How many pieces the panels of a matrix are cut into, for each block of rows: so many
 * that all pieces together are PIECES a worker or more, and as many for each worker. */
static size_t pieces_across(const em_bert_matrix *m, size_t workers, size_t blocks)
{
    if (workers == 1) return 1;
    size_t across = (PIECES * workers + blocks - 1) / blocks;
    if (blocks % workers != 0) across = (across + workers - 1) / workers * workers;
    return least(panels_of(m), across);
}

static const float *panel_at(const em_bert_matrix *m, size_t p)
{
    return m->panels + p * EM_LANES * m->cols;
}

/* The panel that whoever does piece i will want next: workers take pieces in turn, so it
 * is that of piece i + workers, here or in the product that follows. */
static const float *panel_after(const product *t, size_t i)
{
    size_t pieces = t->blocks * t->across, workers = t->run->jobs->workers;
    const em_bert_matrix *m = t->m;
    size_t across = t->across;

    i += workers;
    if (i >= pieces) {
        m = t->then;
        across = pieces_across(m, workers, t->blocks);
        i -= pieces;
    }
    return panel_at(m, panels_of(m) * (i % across) / across);
}

/* Rows first .. first + n - 1 by panels p .. p + count - 1. */
static void part(const product *t, size_t first, size_t n, size_t p, size_t count,
                 const float *next)
{
    float last[EM_LANES] = {0};
    size_t cols = least(count * EM_LANES, t->m->rows - p * EM_LANES);
    em_gemm g = {.a = t->a + first * t->a_stride,
                 .a_stride = t->a_stride,
                 .b = panel_at(t->m, p),
                 .bias = t->m->bias + p * EM_LANES,
                 .c = t->c + first * t->c_stride + p * EM_LANES,
                 .c_stride = t->c_stride,
                 .rows = n,
                 .depth = t->m->cols,
                 .panels = count,
                 .next = next};

    if (cols < count * EM_LANES) { /* the image has no bias for rows that only pad */
        memcpy(last, g.bias, cols * sizeof *last);
        g.bias = last;
    }
    t->run->kernels->gemm(&g);
    if (t->gelu) t->run->kernels->gelu(g.c, g.c_stride, n, cols);
}

static void product_piece(void *arg, size_t i, size_t w)
{
    const product *t = arg;
    size_t panels = panels_of(t->m), whole = t->m->rows / EM_LANES;
    size_t first = i / t->across * t->block, turn = i % t->across;
    size_t p = panels * turn / t->across, end = panels * (turn + 1) / t->across;
    size_t n = least(t->block, t->run->tokens - first);

    (void)w;
    while (p < end) {
        size_t count = p < whole ? least(least(GROUP, end - p), whole - p) : 1;
        part(t, first, n, p, count,
             p + count < end ? panel_at(t->m, p + count) : panel_after(t, i));
        p += count;
    }
}

static void multiply(product t)
{
    size_t tokens = t.run->tokens;

    t.blocks = (tokens + BLOCK - 1) / BLOCK;
    t.block = (tokens + t.blocks - 1) / t.blocks;
    t.blocks = (tokens + t.block - 1) / t.block;
    t.across = pieces_across(t.m, t.run->jobs->workers, t.blocks);
    t.run->jobs->run(t.run->jobs, product_piece, &t, t.blocks * t.across);
}

static void attention_piece(void *arg, size_t i, size_t w)
{
    const em_bert_run *run = arg;
    size_t heads = run->bert->shape.heads, hidden = run->bert->shape.hidden;
    size_t s = i / heads, size = hidden / heads, at = i % heads * size;
    size_t first = run->batch->start[s], stride = run->plan->wide_stride;
    const float *q = run->wide + first * stride + at;
    float *scratch = (float *)(void *)(run->worker + w * run->plan->worker_len);

    em_attention_head(
        run->kernels,
        &(em_attention){.q = q,
                        .k = q + hidden,
                        .v = q + 2 * hidden,
                        .stride = stride,
                        .tokens = run->batch->start[s + 1] - first,
                        .size = size,
                        .out = run->side + first * run->plan->state_stride + at,
                        .out_stride = run->plan->state_stride},
        scratch);
}

typedef struct norming {
    const em_bert_run *run;
    const float *add;
    size_t add_stride;
    const em_bert_scale *scale;
    size_t rows; /* of a piece */
} norming;

static void norm_piece(void *arg, size_t i, size_t w)
{
    const norming *t = arg;
    const em_bert *bert = t->run->bert;
    size_t first = i * t->rows, end = least(first + t->rows, t->run->tokens);

    (void)w;
    for (size_t row = first; row < end; row++) {
        float *state = t->run->state + row * t->run->plan->state_stride;
        t->run->kernels->norm(&(em_norm){.x = state,
                                         .add = t->add + row * t->add_stride,
                                         .weight = t->scale->weight,
                                         .bias = t->scale->bias,
                                         .out = state,
                                         .n = bert->shape.hidden,
                                         .eps = bert->eps});
    }
}

void em_bert_layers_norm(const em_bert_run *run, const float *add, size_t add_stride,
                         const em_bert_scale *scale)
{
    norming t = {run, add, add_stride, scale, run->tokens};
    size_t pieces = run->jobs->workers * PIECES;

    if (run->jobs->workers == 1 || run->tokens * run->bert->shape.hidden <= SMALL) {
        norm_piece(&t, 0, 0);
        return;
    }
    t.rows = (run->tokens + pieces - 1) / pieces;
    run->jobs->run(run->jobs, norm_piece, &t, (run->tokens + t.rows - 1) / t.rows);
}

void em_bert_layers_one(const em_bert_run *run, const em_bert_layer *layer,
                        const em_bert_matrix *then)
{
    size_t state = run->plan->state_stride, wide = run->plan->wide_stride;
    em_bert_run shared = *run; /* what pieces get as their argument is not const */

    multiply((product){.run = run,
                       .m = &layer->qkv,
                       .then = &layer->out,
                       .a = run->state,
                       .a_stride = state,
                       .c = run->wide,
                       .c_stride = wide});
    run->jobs->run(run->jobs, attention_piece, &shared,
                   (size_t)run->batch->n * run->bert->shape.heads);
    multiply((product){.run = run,
                       .m = &layer->out,
                       .then = &layer->up,
                       .a = run->side,
                       .a_stride = state,
                       .c = run->wide,
                       .c_stride = wide});
    em_bert_layers_norm(run, run->wide, wide, &layer->out_norm);
    multiply((product){.run = run,
                       .m = &layer->up,
                       .then = &layer->down,
                       .a = run->state,
                       .a_stride = state,
                       .c = run->wide,
                       .c_stride = wide,
                       .gelu = true});
    multiply((product){.run = run,
                       .m = &layer->down,
                       .then = then,
                       .a = run->wide,
                       .a_stride = wide,
                       .c = run->side,
                       .c_stride = state});
    em_bert_layers_norm(run, run->side, state, &layer->down_norm);
}
