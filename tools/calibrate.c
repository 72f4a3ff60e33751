#include "tools/calibrate.h"

#include "engine/attention.h"
#include "engine/bert.h"
#include "engine/panel.h"
#include "engine/wordpiece.h"
#include "os/cpu.h"
#include "tools/calibrate_site.h"
#include "tools/pack_impl.h"

#include <stdlib.h>

enum { ROWS = 32 /* tokens normed in one piece of work */ };

/* Texts on their way through the model. */
typedef struct forward {
    em_calibrate_site site; /* what all matrices share */
    em_bert bert;
    const em_model *model;
    size_t texts;
    uint32_t *ids, *start;      /* of all texts; texts + 1 starts */
    float *state, *side, *wide; /* [tokens][hidden], same, [tokens][the widest] */
    float *share;               /* [tokens] */
    float *attention;           /* attention_len floats for each worker */
    size_t attention_len;
} forward;

static void forward_drop(forward *f)
{
    free(f->ids);
    free(f->start);
    free(f->state);
    free(f->side);
    free(f->wide);
    free(f->share);
    free(f->attention);
}

/* Ids of as many texts as there is room for.  Every text counts as much as any other. */
static em_err encode(forward *f, em_bytes section, const em_bytes *texts, size_t n)
{
    uint32_t longest = f->model->shape.max_tokens;
    em_wordpiece words;
    size_t got, whole;

    if (longest > EM_CALIBRATE_LONGEST) longest = EM_CALIBRATE_LONGEST;
    EM_TRY(em_wordpiece_open(section, &words));
    f->ids = calloc(EM_CALIBRATE_TOKENS + EM_CALIBRATE_LONGEST, sizeof *f->ids);
    f->start = calloc(n + 1, sizeof *f->start);
    f->share = calloc(EM_CALIBRATE_TOKENS, sizeof *f->share);
    if (f->ids == NULL || f->start == NULL || f->share == NULL) return EM_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        uint32_t at = f->start[f->texts];
        em_err err =
            em_wordpiece_encode(&words, texts[i], longest, f->ids + at, &got, &whole);
        if (err == EM_ERR_FORMAT) continue;
        EM_TRY(err);
        if (at + got > EM_CALIBRATE_TOKENS) break;
        for (size_t t = 0; t < got; t++) f->share[at + t] = 1.0f / (float)got;
        f->start[++f->texts] = at + (uint32_t)got;
    }
    f->site.tokens = f->start[f->texts];
    return f->texts > 0 ? EM_OK : EM_ERR_ARGUMENT;
}

/* ---- what lies between two matrices ---- */

typedef struct norming {
    const forward *f;
    const float *add;
    const em_bert_scale *scale;
} norming;

static void norm_piece(void *arg, size_t i, size_t w)
{
    const norming *n = arg;
    size_t hidden = n->f->bert.shape.hidden, end = (i + 1) * ROWS;

    (void)w;
    if (end > n->f->site.tokens) end = n->f->site.tokens;
    for (size_t t = i * ROWS; t < end; t++) {
        float *state = n->f->state + t * hidden;
        n->f->site.kernels.norm(&(em_norm){.x = state,
                                           .add = n->add + t * hidden,
                                           .weight = n->scale->weight,
                                           .bias = n->scale->bias,
                                           .out = state,
                                           .n = hidden,
                                           .eps = n->f->bert.eps});
    }
}

static void norm(forward *f, const float *add, const em_bert_scale *scale)
{
    norming n = {f, add, scale};
    f->site.jobs->run(f->site.jobs, norm_piece, &n, (f->site.tokens + ROWS - 1) / ROWS);
}

static void gelu_piece(void *arg, size_t i, size_t w)
{
    const forward *f = arg;
    size_t wide = f->bert.shape.intermediate, first = i * ROWS;
    size_t n = f->site.tokens - first < ROWS ? f->site.tokens - first : ROWS;

    (void)w;
    f->site.kernels.gelu(f->wide + first * wide, wide, n, wide);
}

static void attention_piece(void *arg, size_t i, size_t w)
{
    const forward *f = arg;
    size_t heads = f->bert.shape.heads, hidden = f->bert.shape.hidden;
    size_t first = f->start[i / heads], size = hidden / heads, at = i % heads * size;
    const float *q = f->wide + first * 3 * hidden + at;

    em_attention_head(&f->site.kernels,
                      &(em_attention){.q = q,
                                      .k = q + hidden,
                                      .v = q + 2 * hidden,
                                      .stride = 3 * hidden,
                                      .tokens = f->start[i / heads + 1] - first,
                                      .size = size,
                                      .out = f->side + first * hidden + at,
                                      .out_stride = hidden},
                      f->attention + w * f->attention_len);
}

static void look_up(forward *f)
{
    size_t hidden = f->bert.shape.hidden;
    const uint16_t *words = f->bert.word; /* an int8 model's are bf16 */

    for (size_t s = 0; s < f->texts; s++) {
        for (uint32_t t = f->start[s]; t < f->start[s + 1]; t++) {
            const uint16_t *word = words + f->ids[t] * hidden;
            float *side = f->side + t * hidden;
            for (size_t j = 0; j < hidden; j++) {
                uint32_t bits = (uint32_t)word[j] << 16;
                memcpy(&side[j], &bits, sizeof bits);
                side[j] += f->bert.type[j];
            }
            memcpy(f->state + t * hidden, f->bert.position + (t - f->start[s]) * hidden,
                   hidden * sizeof(float));
        }
    }
    norm(f, f->side, &f->bert.norm);
}

/* ---- the model ---- */

static em_err take_memory(forward *f)
{
    const em_model_shape *s = &f->bert.shape;
    size_t widest = 3 * s->hidden > s->intermediate ? 3 * s->hidden : s->intermediate;

    f->attention_len = em_attention_floats(EM_CALIBRATE_LONGEST, s->hidden / s->heads);
    f->state = calloc(f->site.tokens * s->hidden, sizeof *f->state);
    f->side = calloc(f->site.tokens * s->hidden, sizeof *f->side);
    f->wide = calloc(f->site.tokens * widest, sizeof *f->wide);
    f->attention = calloc(f->site.jobs->workers * f->attention_len, sizeof *f->attention);
    if (f->state == NULL || f->side == NULL || f->wide == NULL || f->attention == NULL)
        return EM_ERR_MEMORY;
    return EM_OK;
}

static em_err layer(forward *f, uint32_t i)
{
    const em_bert_layer *l = &f->bert.layer[i];
    em_calibrate_site *s = &f->site;
    size_t pieces = (s->tokens + ROWS - 1) / ROWS;

    EM_TRY(em_calibrate_site_fill(s, EM_BERT_QKV, i, l->qkv.bias, f->state, f->wide));
    s->jobs->run(s->jobs, attention_piece, f, f->texts * f->bert.shape.heads);
    EM_TRY(em_calibrate_site_fill(s, EM_BERT_OUT, i, l->out.bias, f->side, f->wide));
    norm(f, f->wide, &l->out_norm);
    EM_TRY(em_calibrate_site_fill(s, EM_BERT_UP, i, l->up.bias, f->state, f->wide));
    s->jobs->run(s->jobs, gelu_piece, f, pieces);
    EM_TRY(em_calibrate_site_fill(s, EM_BERT_DOWN, i, l->down.bias, f->wide, f->side));
    norm(f, f->side, &l->down_norm);
    return EM_OK;
}

static em_err run(forward *f, em_bytes section, const em_bytes *texts, size_t n,
                  const em_pack_progress *progress)
{
    EM_TRY(em_bert_bind(f->model, em_map_view(f->site.image), &f->bert));
    EM_TRY(encode(f, section, texts, n));
    EM_TRY(take_memory(f));
    f->site.share = f->share;
    look_up(f);
    for (uint32_t i = 0; i < f->bert.shape.layers; i++) {
        EM_TRY(layer(f, i));
        pack_tell(progress, "quantize", i + 1, f->bert.shape.layers);
    }
    return EM_OK;
}

em_err em_calibrate_fill(const em_hf *hf, const em_model *model, const em_map *image,
                         const em_bytes *texts, size_t n, em_jobs *jobs,
                         const em_pack_progress *progress, em_problem *problem)
{
    forward f = {
        .model = model,
        .site = {
            .hf = hf, .model = model, .image = image, .jobs = jobs, .problem = problem}};

    em_kernels_pick(&f.site.kernels, em_cpu_detect());
    em_bytes section = {image->at, (size_t)model->tokenizer_len};
    em_err err = run(&f, section, texts, n, progress);
    forward_drop(&f);
    if (err == EM_ERR_ARGUMENT)
        return em_problem_set(problem, err, hf->folder,
                              "none of the calibration texts can be used: they are to be "
                              "UTF-8, one a line");
    return err;
}
