#include "enclave/work.h"

#include "os/clock.h"

enum { FIRST_PAGES = 16 << 10 };

void em_work_drop(em_work *w)
{
    em_work_budget *budget = w->budget;

    em_map_drop(&w->body);
    em_map_drop(&w->inputs);
    em_map_drop(&w->tokens);
    em_map_drop(&w->result);
    if (budget != NULL) budget->left += w->charged;
    em_wipe(w, sizeof *w);
    w->budget = budget;
}

size_t em_work_memory(const em_work *w)
{
    return w->body.len + w->inputs.len + w->tokens.len + w->result.len;
}

/* Pages out of the budget. */
static em_err take(em_work *w, size_t len, em_map *ret_map)
{
    if (len > w->budget->left) return EM_ERR_BUSY;
    EM_TRY(em_map_anonymous(len, 0, ret_map));
    w->budget->left -= len;
    w->charged += len;
    return EM_OK;
}

static void give_back(em_work *w, em_map *map)
{
    w->budget->left += map->len;
    w->charged -= map->len;
    em_map_drop(map);
}

em_err em_work_append(em_work *w, em_bytes part)
{
    size_t len, cap = w->body.len > 0 ? w->body.len : FIRST_PAGES;

    EM_TRY(em_add(w->body_len, part.len, &len));
    if (len > EM_MAX_REQUEST) return EM_ERR_LIMIT;
    if (len > w->body.len) {
        em_map bigger = {0};
        while (cap < len) cap *= 2;
        EM_TRY(take(w, cap, &bigger));
        if (w->body_len > 0) memcpy(bigger.at, w->body.at, w->body_len);
        give_back(w, &w->body);
        w->body = bigger;
    }
    if (part.len > 0) memcpy(w->body.at + w->body_len, part.at, part.len);
    w->body_len = len;
    return EM_OK;
}

em_err em_work_parse(em_work *w)
{
    EM_TRY(take(w, EM_MAX_INPUTS * sizeof(em_bytes), &w->inputs));
    return em_message_parse_request(em_view(w->body.at, w->body_len),
                                    (em_bytes *)(void *)w->inputs.at, &w->request);
}

em_err em_work_reserve(em_work *w, const em_served *served)
{
    uint32_t longest = served->bert.shape.max_tokens;
    size_t n = w->request.n_inputs, most = 0, vectors;
    size_t texts = n * sizeof(em_embed_text);

    w->served = served;
    w->dim = served->bert.shape.hidden;
    for (size_t i = 0; i < n; i++) {
        size_t own = EM_WORDPIECE_MOST(w->request.input[i].len);
        most += own < longest ? own : longest;
    }
    texts += 64 - texts % 64;
    EM_TRY(em_mul(n * sizeof(float), w->dim, &vectors));
    EM_TRY(take(w, texts + vectors, &w->result));
    EM_TRY(take(w, (most + 2 * (n + 1)) * sizeof(uint32_t), &w->tokens));
    w->text = (em_embed_text *)(void *)w->result.at;
    w->vectors = (float *)(void *)(w->result.at + texts);
    w->start = (uint32_t *)(void *)w->tokens.at;
    w->batch_start = w->start + n + 1;
    w->id = w->batch_start + n + 1;
    return EM_OK;
}

em_used em_work_used(const em_work *w)
{
    return (em_used){.truncate = w->request.truncate,
                     .max_tokens = w->served->bert.shape.max_tokens};
}

/* The request's texts as ids, one behind the other. */
static em_err tokenize(em_work *w)
{
    uint32_t longest = w->served->bert.shape.max_tokens;
    size_t total = 0;

    for (size_t i = 0; i < w->request.n_inputs; i++) {
        size_t got, whole;
        EM_TRY(em_wordpiece_encode(&w->served->words, w->request.input[i], longest,
                                   w->id + total, &got, &whole));
        if (whole > got && !w->request.truncate) return EM_ERR_REQUEST_MALFORMED;
        w->text[i] = (em_embed_text){.tokens = (uint32_t)got, .truncated = whole > got};
        total += got;
        w->start[i + 1] = (uint32_t)total;
    }
    w->n_tokens = total;
    return EM_OK;
}

/* How many sequences from `first` on fit one batch: at least one does. */
static uint32_t batch_of(const em_plan *plan, const uint32_t *start, uint32_t first,
                         uint32_t n)
{
    uint32_t count = 1;

    while (first + count < n && count < plan->limits.sequences &&
           start[first + count + 1] - start[first] <= plan->limits.tokens)
        count++;
    return count;
}

static em_err embed(em_work *w, em_work_engine *engine)
{
    const em_served *s = w->served;
    uint32_t n = (uint32_t)w->request.n_inputs, most = 0;
    em_err err = EM_OK;

    for (uint32_t first = 0, count; err == EM_OK && first < n; first += count) {
        count = batch_of(&s->plan, w->start, first, n);
        for (uint32_t i = 0; i <= count; i++)
            w->batch_start[i] = w->start[first + i] - w->start[first];
        if (w->batch_start[count] > most) most = w->batch_start[count];
        const em_bert_batch batch = {.ids = w->id + w->start[first],
                                     .start = w->batch_start,
                                     .n = count,
                                     .cancel = &w->cancel};
        err = em_bert_embed(&s->bert, &engine->kernels, engine->jobs, &s->plan,
                            engine->scratch.at, &batch,
                            w->vectors + (size_t)first * w->dim);
    }
    em_plan_wipe(&s->plan, most, engine->scratch.at);
    return err;
}

static em_err run(em_work *w, em_work_engine *engine)
{
    if (atomic_load(&w->cancel)) return EM_ERR_CANCELLED;
    EM_TRY(tokenize(w));
    w->began = true;
    return embed(w, engine);
}

void em_work_run(em_work *w, em_work_engine *engine)
{
    uint64_t from_ns = em_clock_monotonic_ns();

    w->outcome = run(w, engine);
    w->run_ms = (em_clock_monotonic_ns() - from_ns) / 1000000;
}
