#include "cmd/check_op.h"
#include "cmd/isa.h"
#include "engine/bert.h"
#include "engine/wordpiece.h"
#include "os/jobs.h"
#include "os/map.h"
#include "tools/pack.h"
#include "wire/text.h"

#include <stdlib.h>

/* How much goes through the encoder at once: results do not depend on it. */
enum { BATCH_TOKENS = 4096, BATCH_TEXTS = 64 };

typedef struct request {
    const char *folder;
    em_precision precision;
    const em_bytes *texts;
    size_t n;
    unsigned cpu;
    uint64_t threads;
} request;

/* What a run works with. */
typedef struct run {
    em_pack *pack;
    em_wordpiece tokenizer;
    em_bert bert;
    em_kernels kernels;
    em_jobs_pool pool;
    em_plan plan;
    em_map scratch, ids, out; /* ids: max_tokens for each text of a batch */
} run;

static void run_drop(run *r)
{
    em_map_drop(&r->out);
    em_map_drop(&r->ids);
    em_map_drop(&r->scratch);
    em_jobs_pool_drop(&r->pool);
    em_pack_free(r->pack);
}

static em_err start(const request *q, em_problem *problem, run *r)
{
    const em_pack_options options = {.precision = q->precision,
                                     .workers = (size_t)q->threads};

    EM_TRY(em_pack_folder(q->folder, &options, problem, &r->pack));
    EM_TRY(em_wordpiece_open(em_pack_tokenizer(r->pack), &r->tokenizer));
    EM_TRY(em_bert_bind(em_pack_model(r->pack), em_pack_image(r->pack), &r->bert));

    uint32_t longest = r->bert.shape.max_tokens;
    const em_plan_limits limits = {
        .tokens = longest > BATCH_TOKENS ? longest : BATCH_TOKENS,
        .sequences = BATCH_TEXTS,
        .workers = (uint32_t)q->threads,
    };
    em_kernels_pick(&r->kernels, q->cpu);
    EM_TRY(em_plan_bert(&r->bert.shape, limits, &r->plan));
    EM_TRY(em_map_anonymous(r->plan.scratch, 0, &r->scratch));
    EM_TRY(em_map_anonymous((limits.tokens + longest) * sizeof(uint32_t), 0, &r->ids));
    EM_TRY(em_map_anonymous(BATCH_TEXTS * (size_t)r->bert.shape.hidden * sizeof(float), 0,
                            &r->out));
    return em_jobs_create((size_t)q->threads, &r->pool);
}

/* Texts that go together: as many as fit. */
typedef struct batch {
    size_t n;
    uint32_t start[BATCH_TEXTS + 1];
    size_t tokens[BATCH_TEXTS]; /* before truncation */
} batch;

static em_err gather(const request *q, run *r, size_t first, batch *b)
{
    uint32_t *ids = (uint32_t *)(void *)r->ids.at;

    *b = (batch){0};
    while (b->n < BATCH_TEXTS && first + b->n < q->n) {
        size_t n, tokens, at = b->start[b->n];
        EM_TRY(em_wordpiece_encode(&r->tokenizer, q->texts[first + b->n],
                                   r->bert.shape.max_tokens, ids + at, &n, &tokens));
        if (at + n > r->plan.limits.tokens) break; /* the next batch's */
        b->tokens[b->n++] = tokens;
        b->start[b->n] = (uint32_t)(at + n);
    }
    return EM_OK;
}

/* Little-endian f32, whatever this machine is. */
static json_t *vector_json(const float *row, size_t n)
{
    size_t raw = n * sizeof(float), cap = (raw + 2) / 3 * 4;
    uint8_t *bytes = malloc(raw);
    char *text = malloc(cap + 1);
    json_t *json = NULL;

    if (bytes != NULL && text != NULL) {
        em_out o = em_out_over(bytes, raw), t = em_out_over(text, cap);
        for (size_t i = 0; i < n; i++) {
            uint32_t bits;
            memcpy(&bits, &row[i], sizeof bits);
            em_write_le32(&o, bits);
        }
        em_text_put_base64(&t, em_write_view(&o));
        if (em_write_end(&t) == EM_OK) json = json_stringn(text, t.len);
    }
    free(bytes);
    free(text);
    return json;
}

static em_err embed_batch(run *r, const batch *b, json_t *items)
{
    const uint32_t *ids = (const uint32_t *)(const void *)r->ids.at;
    float *out = (float *)(void *)r->out.at;
    size_t hidden = r->bert.shape.hidden;
    const em_bert_batch in = {.ids = ids, .start = b->start, .n = (uint32_t)b->n};

    EM_TRY(em_bert_embed(&r->bert, &r->kernels, em_jobs_of(&r->pool), &r->plan,
                         r->scratch.at, &in, out));
    for (size_t i = 0; i < b->n; i++) {
        json_t *item = em_check_tokenize_item(b->tokens[i], ids + b->start[i],
                                              b->start[i + 1] - b->start[i]);
        if (json_object_set_new(item, "f32le", vector_json(out + i * hidden, hidden)) ||
            json_array_append_new(items, item))
            return EM_ERR_MEMORY;
    }
    return EM_OK;
}

static em_err embed(const request *q, em_problem *problem, json_t *items,
                    const char **ret_level)
{
    EM_DROP(run) r = {0};
    batch b;

    EM_TRY(start(q, problem, &r));
    for (size_t first = 0; first < q->n; first += b.n) {
        EM_TRY(gather(q, &r, first, &b));
        EM_TRY(embed_batch(&r, &b, items));
    }
    *ret_level = r.kernels.level;
    return EM_OK;
}

void em_check_embed(em_check_ask *ask, em_check_answer *answer)
{
    request q = {.threads = 1};
    em_problem problem = {0};
    const char *level = NULL;
    em_bytes folder = em_check_ask_text(ask, "model", EM_CHECK_NEEDED);

    q.texts = em_check_ask_texts(ask, "texts", &q.n);
    em_bytes precision = em_check_ask_text(ask, "precision", EM_CHECK_OPTIONAL);
    em_bytes isa = em_check_ask_text(ask, "isa", EM_CHECK_OPTIONAL);
    if (em_check_ask_uint(ask, "threads", EM_CHECK_OPTIONAL, &q.threads) &&
        (q.threads < 1 || q.threads > EM_JOBS_MAX_WORKERS))
        em_check_ask_fail(ask, "threads", EM_ERR_RANGE);
    if (!em_check_ask_end(ask)) return;
    if (precision.at != NULL && em_pack_precision(precision, &q.precision) != EM_OK) {
        em_check_answer_refuse(answer, EM_ERR_UNSUPPORTED,
                               "precision: f32, bf16 or int8");
        return;
    }
    if (!em_isa_choose(isa, &q.cpu)) {
        em_check_answer_refuse(answer, EM_ERR_UNSUPPORTED,
                               "isa: not of this build and processor");
        return;
    }
    q.folder = em_check_tokenize_path(folder, answer);
    if (q.folder == NULL) return;
    json_t *items = json_array();
    em_err err = embed(&q, &problem, items, &level);
    if (err == EM_OK) {
        em_check_answer_accept(answer,
                               json_pack("{s:s,s:o}", "isa", level, "items", items));
        return;
    }
    json_decref(items);
    em_check_answer_file(answer, err, problem.text);
}
