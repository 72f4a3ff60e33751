/* The stages of a layer, each cut into pieces whose results do not depend on the cut:
 *
 *   wide  = state Wqkv + b         by blocks of rows and groups of panels
 *   side  = attention(wide)        by sequence and head
 *   wide  = side Wout + b
 *   state = norm(state + wide)     by rows
 *   wide  = gelu(state Wup + b)
 *   side  = wide Wdown + b
 *   state = norm(state + side)
 *
 * What follows attention needs no other rows: with rows enough for all workers, each
 * takes blocks of them through all these stages, which then stay in its cache and wait
 * for nobody.  Few rows are cut by panels instead, stage after stage.
 *
 * In an int8 model what a product reads is turned into bytes first, row by row: with the
 * norm where there is one before it, else by a stage of its own.
 */
#include "engine/attention.h"
#include "engine/bert_impl.h"

enum {
    BLOCK = 48, /* rows that stay in the second cache while panels pass: eight tiles */
    GROUP = 4,  /* panels done at a time, so that GELU finds them in cache */
    PIECES = 2, /* a worker: a late one holds up nobody for long, and few are begun */
    FEW = 24,   /* rows of a block below which blocks are not worth their own reading */
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
    bool straight;        /* whoever does a block does it by `then` as well */
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

static bool is_int8(const em_bert_matrix *m)
{
    return m->layout == EM_LAYOUT_PANEL16_INT8;
}

static const void *panel_at(const em_bert_matrix *m, size_t p)
{
    size_t columns = m->cols, bytes = sizeof(float);

    if (m->layout == EM_LAYOUT_PANEL16_BF16) bytes = sizeof(uint16_t);
    if (is_int8(m)) bytes = 1, columns = (columns + EM_FOURS - 1) / EM_FOURS * EM_FOURS;
    return (const uint8_t *)m->panels + p * EM_LANES * columns * bytes;
}

/* The panel that whoever does piece i will want next: workers take pieces in turn, so it
 * is that of piece i + workers, here or in the product that follows. */
static const void *panel_after(const product *t, size_t i)
{
    size_t pieces = t->blocks * t->across, workers = t->run->jobs->workers;
    const em_bert_matrix *m = t->m;
    size_t across = t->across;

    if (t->straight) return panel_at(t->then, 0);
    i += workers;
    if (i >= pieces) {
        m = t->then;
        across = pieces_across(m, workers, t->blocks);
        i -= pieces;
    }
    return panel_at(m, panels_of(m) * (i % across) / across);
}

/* What a matrix's last panel needs and the image does not have, since it only pads. */
typedef struct padding {
    float bias[EM_LANES], scale[EM_LANES];
    int32_t sum[EM_LANES];
} padding;

static void multiply_int8(const product *t, size_t first, size_t n, size_t p,
                          size_t count, size_t cols, const void *next)
{
    const em_bert_run *run = t->run;
    const em_bert_matrix *m = t->m;
    padding last = {0};
    em_gemm_int8 g = {.a = run->bytes + first * run->plan->bytes_stride,
                      .a_stride = run->plan->bytes_stride,
                      .row = run->quant + first,
                      .b = panel_at(m, p),
                      .scale = m->scale + p * EM_LANES,
                      .bias = m->bias + p * EM_LANES,
                      .sum = m->sum + p * EM_LANES,
                      .loose = m->loose_weight + p * EM_LANES * EM_LOOSE,
                      .c = t->c + first * t->c_stride + p * EM_LANES,
                      .c_stride = t->c_stride,
                      .rows = n,
                      .depth = m->cols,
                      .panels = count,
                      .next = next};

    if (cols < count * EM_LANES) {
        memcpy(last.bias, g.bias, cols * sizeof *last.bias);
        memcpy(last.scale, g.scale, cols * sizeof *last.scale);
        memcpy(last.sum, g.sum, cols * sizeof *last.sum);
        g.bias = last.bias, g.scale = last.scale, g.sum = last.sum;
    }
    run->kernels->gemm_int8(&g);
}

static void multiply_float(const product *t, size_t first, size_t n, size_t p,
                           size_t count, size_t cols, const void *next)
{
    const em_bert_matrix *m = t->m;
    padding last = {0};
    em_gemm g = {.a = t->a + first * t->a_stride,
                 .a_stride = t->a_stride,
                 .b = panel_at(m, p),
                 .bias = m->bias + p * EM_LANES,
                 .c = t->c + first * t->c_stride + p * EM_LANES,
                 .c_stride = t->c_stride,
                 .rows = n,
                 .depth = m->cols,
                 .panels = count,
                 .next = next};

    if (cols < count * EM_LANES) {
        memcpy(last.bias, g.bias, cols * sizeof *last.bias);
        g.bias = last.bias;
    }
    if (m->layout == EM_LAYOUT_PANEL16_BF16)
        t->run->kernels->gemm_bf16(&g);
    else
        t->run->kernels->gemm(&g);
}

/* Rows first .. first + n - 1 by panels p .. p + count - 1. */
static void part(const product *t, size_t first, size_t n, size_t p, size_t count,
                 const void *next)
{
    size_t cols = least(count * EM_LANES, t->m->rows - p * EM_LANES);

    if (is_int8(t->m))
        multiply_int8(t, first, n, p, count, cols, next);
    else
        multiply_float(t, first, n, p, count, cols, next);
    if (t->gelu)
        t->run->kernels->gelu(t->c + first * t->c_stride + p * EM_LANES, t->c_stride, n,
                              cols);
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

/* Piece i: sequence i / heads, head i % heads; this is where its queries are. */
static const float *queries(const em_bert_run *run, size_t i)
{
    size_t heads = run->bert->shape.heads, size = run->bert->shape.hidden / heads;

    return run->wide + run->batch->start[i / heads] * run->plan->wide_stride +
           i % heads * size;
}

static void attention_piece(void *arg, size_t i, size_t w)
{
    const em_bert_run *run = arg;
    size_t heads = run->bert->shape.heads, hidden = run->bert->shape.hidden;
    size_t s = i / heads, size = hidden / heads, at = i % heads * size;
    size_t next = i + run->jobs->workers, then = next / heads;
    const uint32_t *start = run->batch->start;
    bool more = then < run->batch->n;
    const float *q = queries(run, i);
    float *scratch = (float *)(void *)(run->worker + w * run->plan->worker_len);

    em_attention_head(
        run->kernels,
        &(em_attention){.q = q,
                        .k = q + hidden,
                        .v = q + 2 * hidden,
                        .stride = run->plan->wide_stride,
                        .tokens = start[s + 1] - start[s],
                        .size = size,
                        .out = run->side + start[s] * run->plan->state_stride + at,
                        .out_stride = run->plan->state_stride,
                        .next = more ? queries(run, next) : NULL,
                        .next_tokens = more ? start[then + 1] - start[then] : 0},
        scratch);
}

/* Work on rows of tokens that needs nothing of other rows. */
typedef struct by_rows {
    const em_bert_run *run;
    const float *x; /* what is added to state and normed, or what is quantised */
    size_t stride;
    const em_bert_scale *scale;  /* NULL: no norm */
    const em_bert_matrix *bytes; /* the int8 matrix whose input the result is, or NULL */
    size_t rows;                 /* of a piece */
} by_rows;

static void one_row(const by_rows *t, size_t row)
{
    const em_bert_run *run = t->run;
    const float *x = t->x + row * t->stride;

    if (t->scale != NULL) {
        float *state = run->state + row * run->plan->state_stride;
        run->kernels->norm(&(em_norm){.x = state,
                                      .add = x,
                                      .weight = t->scale->weight,
                                      .bias = t->scale->bias,
                                      .out = state,
                                      .n = run->bert->shape.hidden,
                                      .eps = run->bert->eps});
        x = state;
    }
    if (t->bytes == NULL) return;
    em_quant *quant = &run->quant[row];
    *quant = run->kernels->quantize(
        &(em_quantize){.x = x,
                       .by = t->bytes->in,
                       .out = run->bytes + row * run->plan->bytes_stride,
                       .n = t->bytes->cols});
    for (size_t r = 0; r < EM_LOOSE; r++) quant->loose[r] = x[t->bytes->loose[r]];
}

static void rows_piece(void *arg, size_t i, size_t w)
{
    const by_rows *t = arg;
    size_t first = i * t->rows, end = least(first + t->rows, t->run->tokens);

    (void)w;
    if (t->scale == NULL && t->bytes == NULL) return;
    for (size_t row = first; row < end; row++) one_row(t, row);
}

/* `width`: numbers of a row. */
static void each_row(by_rows t, size_t width)
{
    const em_bert_run *run = t.run;
    size_t pieces = run->jobs->workers * PIECES;

    if (t.scale == NULL && t.bytes == NULL) return;
    t.rows = run->tokens;
    if (run->jobs->workers == 1 || run->tokens * width <= SMALL) {
        rows_piece(&t, 0, 0);
        return;
    }
    t.rows = (run->tokens + pieces - 1) / pieces;
    run->jobs->run(run->jobs, rows_piece, &t, (run->tokens + t.rows - 1) / t.rows);
}

/* state = norm(state + x), and the bytes of it that `then` wants. */
static by_rows normed(const em_bert_run *run, const float *x, size_t stride,
                      const em_bert_scale *scale, const em_bert_matrix *then)
{
    return (by_rows){.run = run,
                     .x = x,
                     .stride = stride,
                     .scale = scale,
                     .bytes = is_int8(then) ? then : NULL};
}

/* x as the bytes that int8 matrix m multiplies; nothing for others. */
static by_rows quantized(const em_bert_run *run, const float *x, size_t stride,
                         const em_bert_matrix *m)
{
    return (by_rows){
        .run = run, .x = x, .stride = stride, .bytes = is_int8(m) ? m : NULL};
}

void em_bert_layers_norm(const em_bert_run *run, const float *add, size_t add_stride,
                         const em_bert_scale *scale, const em_bert_matrix *then)
{
    each_row(normed(run, add, add_stride, scale, then), run->bert->shape.hidden);
}

enum { BEHIND = 3 };

/* What a layer does behind attention: rows before each product, and after the last. */
typedef struct behind {
    by_rows rows[BEHIND + 1];
    product product[BEHIND];
} behind;

static behind behind_of(const em_bert_run *run, const em_bert_layer *layer,
                        const em_bert_matrix *then)
{
    size_t state = run->plan->state_stride, wide = run->plan->wide_stride;

    return (behind){.rows = {quantized(run, run->side, state, &layer->out),
                             normed(run, run->wide, wide, &layer->out_norm, &layer->up),
                             quantized(run, run->wide, wide, &layer->down),
                             normed(run, run->side, state, &layer->down_norm, then)},
                    .product = {
                        {.run = run,
                         .m = &layer->out,
                         .then = &layer->up,
                         .a = run->side,
                         .a_stride = state,
                         .c = run->wide,
                         .c_stride = wide},
                        {.run = run,
                         .m = &layer->up,
                         .then = &layer->down,
                         .a = run->state,
                         .a_stride = state,
                         .c = run->wide,
                         .c_stride = wide,
                         .gelu = true},
                        {.run = run,
                         .m = &layer->down,
                         .then = then,
                         .a = run->wide,
                         .a_stride = wide,
                         .c = run->side,
                         .c_stride = state},
                    }};
}

/* One block of rows from attention to the layer's end. */
static void behind_piece(void *arg, size_t i, size_t w)
{
    behind *t = arg;

    for (size_t s = 0; s < BEHIND; s++) {
        rows_piece(&t->rows[s], i, w);
        product_piece(&t->product[s], i, w);
    }
    rows_piece(&t->rows[BEHIND], i, w);
}

/* Rows of a block when each is taken straight through; 0 where there are too few. */
static size_t straight_block(const em_bert_run *run)
{
    size_t turns = run->jobs->workers == 1 ? 1 : 2 * run->jobs->workers;
    size_t blocks = (run->tokens + BLOCK - 1) / BLOCK;

    blocks = (blocks + turns - 1) / turns * turns;
    size_t rows = (run->tokens + blocks - 1) / blocks;
    return run->jobs->workers > 1 && rows < FEW ? 0 : rows;
}

void em_bert_layers_one(const em_bert_run *run, const em_bert_layer *layer,
                        const em_bert_matrix *then)
{
    em_bert_run shared = *run; /* what pieces get as their argument is not const */
    behind t = behind_of(run, layer, then);
    size_t block = straight_block(run);

    multiply((product){.run = run,
                       .m = &layer->qkv,
                       .then = &layer->out,
                       .a = run->state,
                       .a_stride = run->plan->state_stride,
                       .c = run->wide,
                       .c_stride = run->plan->wide_stride});
    run->jobs->run(run->jobs, attention_piece, &shared,
                   (size_t)run->batch->n * run->bert->shape.heads);

    if (block > 0) {
        size_t blocks = (run->tokens + block - 1) / block;

        for (size_t s = 0; s <= BEHIND; s++) t.rows[s].rows = block;
        for (size_t s = 0; s < BEHIND; s++) {
            t.product[s].block = block, t.product[s].blocks = blocks;
            t.product[s].across = 1, t.product[s].straight = true;
        }
        run->jobs->run(run->jobs, behind_piece, &t, blocks);
        return;
    }
    for (size_t s = 0; s < BEHIND; s++) {
        each_row(t.rows[s], t.product[s].m->cols);
        multiply(t.product[s]);
    }
    each_row(t.rows[BEHIND], run->bert->shape.hidden);
}
