#include "enclave/work.h"

#include "os/clock.h"

enum { FIRST_PAGES = 16 << 10 };

void em_work_drop(em_work *w)
{
    em_map_drop(&w->body);
    em_map_drop(&w->scratch);
    em_map_drop(&w->result);
    em_wipe(w, sizeof *w);
}

size_t em_work_memory(const em_work *w)
{
    return w->body.len + w->scratch.len + w->result.len;
}

em_err em_work_append(em_work *w, em_bytes part)
{
    size_t len, cap = w->body.len > 0 ? w->body.len : FIRST_PAGES;

    EM_TRY(em_add(w->body_len, part.len, &len));
    if (len > EM_MAX_REQUEST) return EM_ERR_LIMIT;
    if (len > w->body.len) {
        EM_DROP(em_map) bigger = {0};
        while (cap < len) cap *= 2;
        EM_TRY(em_map_anonymous(cap, 0, &bigger));
        if (w->body_len > 0) memcpy(bigger.at, w->body.at, w->body_len);
        em_map_drop(&w->body);
        w->body = EM_TAKE(bigger);
    }
    if (part.len > 0) memcpy(w->body.at + w->body_len, part.at, part.len);
    w->body_len = len;
    return EM_OK;
}

em_err em_work_parse(em_work *w)
{
    EM_TRY(em_map_anonymous(EM_MAX_INPUTS * sizeof(em_bytes), 0, &w->scratch));
    return em_message_parse_request(em_view(w->body.at, w->body_len),
                                    (em_bytes *)(void *)w->scratch.at, &w->request);
}

/* The request's texts as ids, one behind the other. */
typedef struct tokens {
    em_map pages;
    uint32_t *ids;
    uint32_t *start; /* n + 1 */
} tokens;
static void tokens_drop(tokens *t)
{
    em_map_drop(&t->pages);
}

static em_err tokenize(em_work *w, tokens *ret_tokens)
{
    EM_DROP(tokens) t = {0};
    uint32_t longest = w->served->bert.shape.max_tokens;
    size_t n = w->request.n_inputs, most = 0, total = 0;

    for (size_t i = 0; i < n; i++) {
        size_t own = EM_WORDPIECE_MOST(w->request.input[i].len);
        most += own < longest ? own : longest;
    }
    EM_TRY(em_map_anonymous((most + n + 1) * sizeof(uint32_t), 0, &t.pages));
    t.start = (uint32_t *)(void *)t.pages.at;
    t.ids = t.start + n + 1;
    for (size_t i = 0; i < n; i++) {
        size_t got, whole;
        EM_TRY(em_wordpiece_encode(&w->served->words, w->request.input[i], longest,
                                   t.ids + total, &got, &whole));
        if (whole > got && !w->request.truncate) return EM_ERR_REQUEST_MALFORMED;
        w->text[i] = (em_embed_text){.tokens = (uint32_t)got, .truncated = whole > got};
        total += got;
        t.start[i + 1] = (uint32_t)total;
    }
    w->tokens = total;
    *ret_tokens = EM_TAKE(t);
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

static em_err embed(em_work *w, em_work_engine *engine, const tokens *t)
{
    const em_served *s = w->served;
    uint32_t n = (uint32_t)w->request.n_inputs;
    em_map starts = {0};
    em_err err = em_map_anonymous((n + 1) * sizeof(uint32_t), 0, &starts);
    uint32_t *start = (uint32_t *)(void *)starts.at;

    for (uint32_t first = 0, count; err == EM_OK && first < n; first += count) {
        count = batch_of(&s->plan, t->start, first, n);
        for (uint32_t i = 0; i <= count; i++)
            start[i] = t->start[first + i] - t->start[first];
        const em_bert_batch batch = {.ids = t->ids + t->start[first],
                                     .start = start,
                                     .n = count,
                                     .cancel = &w->cancel};
        err = em_bert_embed(&s->bert, &engine->kernels, engine->jobs, &s->plan,
                            engine->scratch.at, &batch,
                            w->vectors + (size_t)first * w->dim);
    }
    em_wipe(engine->scratch.at, s->plan.scratch);
    em_map_drop(&starts);
    return err;
}

static em_err run(em_work *w, em_work_engine *engine)
{
    EM_DROP(tokens) t = {0};
    size_t n = w->request.n_inputs, texts = n * sizeof(em_embed_text), vectors;

    w->dim = w->served->bert.shape.hidden;
    EM_TRY(em_mul(n * sizeof(float), w->dim, &vectors));
    texts += 64 - texts % 64;
    EM_TRY(em_map_anonymous(texts + vectors, 0, &w->result));
    w->text = (em_embed_text *)(void *)w->result.at;
    w->vectors = (float *)(void *)(w->result.at + texts);
    EM_TRY(tokenize(w, &t));
    w->began = true;
    return embed(w, engine, &t);
}

void em_work_run(em_work *w, em_work_engine *engine)
{
    uint64_t from_ns = em_clock_monotonic_ns();

    w->outcome = atomic_load(&w->cancel) ? EM_ERR_CANCELLED : run(w, engine);
    w->run_ms = (em_clock_monotonic_ns() - from_ns) / 1000000;
}
