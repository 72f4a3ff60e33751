#include "tools/trial.h"

#include "engine/wordpiece_pair.h"
#include "tools/pack_impl.h"

void em_trial_drop(em_trial *trial)
{
    em_jobs_pool_drop(&trial->pool);
    em_map_drop(&trial->scratch);
    em_map_drop(&trial->ids);
}

static em_err prepare(em_trial *t, size_t workers)
{
    const em_model *m = em_pack_model(t->pack);
    uint32_t most = m->shape.max_tokens;
    em_plan_limits limits = {
        .tokens = most, .sequences = 1, .workers = (uint32_t)workers};

    EM_TRY(em_wordpiece_open(em_pack_tokenizer(t->pack), &t->words));
    EM_TRY(em_bert_bind(m, em_pack_image(t->pack), &t->bert));
    EM_TRY(em_plan_bert(&m->shape, limits, &t->plan));
    EM_TRY(em_map_anonymous(t->plan.scratch, 0, &t->scratch));
    EM_TRY(em_map_anonymous(2 * (size_t)most * sizeof(uint32_t), 0, &t->ids));
    return em_jobs_create(workers, &t->pool);
}

em_err em_trial_open(const em_pack *pack, size_t workers, unsigned cpu,
                     em_problem *problem, em_trial *ret_trial)
{
    em_trial *t = ret_trial;

    memset(t, 0, sizeof *t);
    t->pack = pack;
    em_kernels_pick(&t->kernels, cpu);
    em_err err = prepare(t, workers);
    if (err == EM_OK) return EM_OK;
    em_trial_drop(t);
    return em_problem_err(problem, err, pack->hf.folder);
}

static em_err check(const em_trial *t, const em_trial_ask *ask, em_problem *problem)
{
    const em_model_shape *s = &t->bert.shape;
    const char *why = NULL;

    if (!em_is_utf8(ask->text) || !em_is_utf8(ask->pair))
        return em_problem_err(problem, EM_ERR_CBOR_NOT_UTF8, "a text");
    if (ask->has_pair && (s->types < 2 || s->max_tokens < 3))
        why = "the model has one token type: it takes no pairs";
    if (ask->pad > 0 && (s->labels > 0 || ask->has_pair))
        why = "padding is compared for embeddings of single texts only";
    if (ask->pad > 0 && t->words.pad == EM_WORDPIECE_NONE)
        why = "the tokenizer has no [PAD]";
    if (why != NULL) return em_problem_set(problem, EM_ERR_UNSUPPORTED, NULL, "%s", why);
    if (ask->pad == 1 || ask->pad > s->max_tokens)
        return em_problem_set(problem, EM_ERR_RANGE, NULL,
                              "the model takes 2 to %u tokens, not %u", s->max_tokens,
                              ask->pad);
    return EM_OK;
}

/* The ids of a text or a pair; *ret_first of them have type 0. */
static em_err tokenize(const em_trial *t, const em_trial_ask *ask, uint32_t *ids,
                       em_trial_size *ret_size, uint32_t *ret_first)
{
    uint32_t most = t->bert.shape.max_tokens;
    em_wordpiece_pair pair;
    em_wordpiece_pair_size got;
    size_t n, all;

    if (!ask->has_pair) {
        if (ask->pad > 0) most = ask->pad;
        EM_TRY(em_wordpiece_encode(&t->words, ask->text, most, ids, &n, &all));
        *ret_size = (em_trial_size){(uint32_t)n, all > n};
        *ret_first = (uint32_t)n;
        return EM_OK;
    }
    EM_TRY(em_wordpiece_pair_first(&t->words, ask->text, most, ids + most, &pair));
    EM_TRY(em_wordpiece_pair_encode(&pair, ask->pair, ids, &got));
    *ret_size = (em_trial_size){(uint32_t)got.n, got.tokens > got.n};
    *ret_first = (uint32_t)got.first;
    return EM_OK;
}

em_err em_trial_run(em_trial *trial, const em_trial_ask *ask, em_problem *problem,
                    float *ret_row, em_trial_size *ret_size)
{
    uint32_t *ids = (uint32_t *)(void *)trial->ids.at;
    uint32_t start[2] = {0}, first, real;
    em_bert bert = trial->bert;
    em_trial_size size;

    EM_TRY(check(trial, ask, problem));
    em_err err = tokenize(trial, ask, ids, &size, &first);
    if (err != EM_OK) return em_problem_err(problem, err, "a text");
    em_bert_batch batch = {.ids = ids, .start = start, .n = 1};
    start[1] = real = size.tokens;
    if (ask->has_pair) batch.first_part = &first;
    if (ask->pad > 0) {
        while (start[1] < ask->pad) ids[start[1]++] = trial->words.pad;
        batch.pooled = &real;
        bert.shape.normalize = false;
    }
    err = em_bert_embed(&bert, &trial->kernels, em_jobs_of(&trial->pool), &trial->plan,
                        trial->scratch.at, &batch, ret_row);
    if (err != EM_OK) return em_problem_err(problem, err, "a text");
    *ret_size = size;
    return EM_OK;
}

const char *em_trial_label(const em_trial *trial, uint32_t i)
{
    return trial->pack->hf.head.label[i];
}
