/* Requests of many sizes, ops and models on the runner's threads at once, some cancelled:
 * each gets the bits that it gets alone, and nothing of what went wrong for another. */
#include "enclave/runner.h"
#include "os/cpu.h"
#include "tests/support/test.h"
#include "tests/tools/folder.h"
#include "tools/pack.h"
#include "tools/synth.h"

enum { MODELS = 2, MANY = 60, BATCH = 128 };

typedef struct one {
    em_work work;
    em_schedule_account account;
    em_map small;
    em_bytes body;
    float *truth; /* of the whole answer */
    size_t floats;
    uint64_t tokens;
    bool cancelled;
} one;

static em_served served[MODELS];
static em_pack *packs[MODELS];
static em_kernels kernels;
static em_work_budget budget;
static one all[MANY];

static void must(em_err err, const char *what)
{
    if (err == EM_OK) return;
    printf("  %s: %s\n", what, em_err_name(err));
    abort();
}

static void make_model(size_t i, const char *name, uint32_t labels)
{
    em_served *s = &served[i];
    const em_synth options = {.labels = labels, .activation = labels ? "Sigmoid" : NULL};
    em_plan_limits limits = {.tokens = BATCH, .sequences = 32, .workers = 4};
    em_pack *pack;

    must(em_synth_write(folder_path("%s", name), &options, &problem), "synth");
    must(em_pack_folder(folder_path("%s", name), NULL, &problem, &pack), "pack");
    packs[i] = pack;
    must(em_bert_bind(em_pack_model(pack), em_pack_image(pack), &s->bert), "bind");
    must(em_wordpiece_open(em_pack_tokenizer(pack), &s->words), "tokenizer");
    must(em_plan_bert(&s->bert.shape, limits, &s->plan), "plan");
    limits.workers = 1;
    must(em_plan_bert(&s->bert.shape, limits, &s->alone), "plan");
}

/* ---- requests ---- */

static size_t below(test_random *r, size_t n)
{
    return (size_t)(test_random_next(r) % n);
}

static em_bytes words_of(test_random *r, size_t n)
{
    static const char *const word[] = {"a", "time", "house", "the", "of", "7", ",", "i"};
    char *text = test_alloc(n * 8 + 1);
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        len += (size_t)sprintf(text + len, "%s ", word[below(r, EM_COUNT(word))]);
    return em_view(text, len);
}

static em_bytes body_of(em_op op, const em_bytes *input, size_t n, em_bytes query,
                        bool truncate)
{
    size_t len = 256 + query.len;

    for (size_t i = 0; i < n; i++) len += input[i].len + 8;
    em_out o = em_out_over(test_alloc(len), len);
    const em_request request = {.op = op,
                                .model = EM_STR("m"),
                                .n_inputs = n,
                                .input = input,
                                .query = query,
                                .truncate = truncate};
    em_message_put_request(&o, &request);
    must(em_write_end(&o), "request");
    return em_write_view(&o);
}

/* Of every op, with texts of every length. */
static em_bytes some_body(test_random *r, size_t i)
{
    static const em_op ops[] = {EM_OP_EMBED, EM_OP_RERANK, EM_OP_EMBED, EM_OP_CLASSIFY};
    static const size_t sizes[] = {1, 1, 2, 5, 12, 40};
    em_op op = ops[i % EM_COUNT(ops)];
    size_t n = sizes[below(r, EM_COUNT(sizes))];
    em_bytes *input = test_alloc(n * sizeof *input);

    for (size_t k = 0; k < n; k++) input[k] = words_of(r, below(r, i % 3 == 0 ? 90 : 9));
    return body_of(op, input, n,
                   op == EM_OP_RERANK ? words_of(r, 1 + below(r, 50)) : (em_bytes){0},
                   true);
}

static void prepare(one *o)
{
    em_work *w = &o->work;

    w->budget = &budget;
    w->account = &o->account;
    w->small = o->small.at;
    must(em_work_append(w, o->body), "append");
    must(em_work_parse(w), "parse");
    unsigned model = w->request.op == EM_OP_EMBED ? 0 : 1;
    must(em_work_reserve(w, &served[model], model), "reserve");
}

/* The answer as the publisher's tools compute it: one request alone, on this thread. */
static void compute_alone(one *o)
{
    EM_DROP(em_map) scratch = {0};
    em_jobs jobs = em_jobs_inline();

    prepare(o);
    em_task *task = &o->work.task;
    const em_plan *plan = &o->work.served->alone;
    must(em_map_anonymous(plan->scratch, 0, &scratch), "scratch");
    must(em_task_tokenize(task), "tokenize");
    const em_task_engine engine = {
        .kernels = &kernels, .jobs = &jobs, .plan = plan, .scratch = scratch.at};
    must(em_task_run(task, &engine), "run");
    o->floats = (size_t)task->n * task->width;
    o->truth = test_alloc(o->floats * sizeof *o->truth);
    memcpy(o->truth, task->row, o->floats * sizeof *o->truth);
    o->tokens = task->n_tokens;
    em_work_drop(&o->work);
}

static void make_requests(void)
{
    test_random r = {20};

    for (size_t i = 0; i < MANY; i++) {
        must(em_map_anonymous(EM_WORK_SMALL, 0, &all[i].small), "pages");
        all[i].body = some_body(&r, i);
        compute_alone(&all[i]);
    }
}

static em_runner_terms terms_of(em_jobs *jobs, size_t lanes)
{
    return (em_runner_terms){.served = served,
                             .n_served = MODELS,
                             .kernels = &kernels,
                             .jobs = jobs,
                             .lanes = lanes,
                             .queue = MANY,
                             .wait_ms = 600 * 1000};
}

static void wait_for(const one *o)
{
    while (!atomic_load(&o->work.over)) em_thread_sleep_ms(1);
}

/* Whole, or cancelled with what had been computed by then. */
static void check_answer(const one *o)
{
    const em_task *task = &o->work.task;

    if (o->work.outcome == EM_ERR_CANCELLED) {
        CHECK(o->cancelled && task->n_tokens <= o->tokens);
        CHECK(o->work.began || task->n_tokens == 0);
        return;
    }
    CHECK_OK(o->work.outcome);
    CHECK(o->work.began && task->n_tokens == o->tokens);
    CHECK(memcmp(task->row, o->truth, o->floats * sizeof *o->truth) == 0);
}

/* ---- what is tested ---- */

static void play(size_t workers, size_t lanes, unsigned cancel_each)
{
    EM_DROP(em_jobs_pool) pool = {0};
    static em_runner runner;
    test_random r = {workers * 10 + lanes};

    must(em_jobs_create(workers, &pool), "threads");
    const em_runner_terms terms = terms_of(em_jobs_of(&pool), lanes);
    must(em_runner_open(&runner, &terms), "runner");
    must(em_runner_start(&runner), "threads");
    for (unsigned round = 0; round < 8; round++) {
        test_note("%zu workers, %zu lanes, round %u", workers, lanes, round);
        for (size_t i = 0; i < MANY; i++) {
            one *o = &all[(i * 37 + round) % MANY];
            prepare(o);
            o->cancelled = false;
            CHECK_OK(em_runner_submit(&runner, &o->work));
            if (cancel_each == 0 || i % cancel_each != 0) continue;
            one *other = &all[(below(&r, i + 1) * 37 + round) % MANY];
            other->cancelled = true;
            em_runner_cancel(&runner, &other->work);
        }
        for (size_t i = 0; i < MANY; i++) {
            wait_for(&all[i]);
            check_answer(&all[i]);
            em_work_drop(&all[i].work);
            CHECK(em_all_zero(em_map_view(&all[i].small)));
        }
    }
    em_runner_drop(&runner);
    test_note("%s", "");
    CHECK(budget.left == 64 << 20);
}

static void the_same_bits_in_any_company(void)
{
    play(1, 0, 0);
    play(2, 0, 0);
    play(2, 1, 0);
    play(4, 3, 0);
}

static void cancels_touch_nobody_else(void)
{
    play(1, 0, 3);
    play(2, 0, 2);
    play(4, 0, 2);
}

/* On this thread, step by step. */
static em_runner still;
static em_jobs inline_jobs;

static void open_still(uint64_t queue, uint64_t wait_ms)
{
    inline_jobs = em_jobs_inline();
    em_runner_terms terms = terms_of(&inline_jobs, 0);
    terms.queue = queue;
    terms.wait_ms = wait_ms;
    must(em_runner_open(&still, &terms), "runner");
}

static void close_still(size_t n)
{
    while (em_runner_step(&still)) continue;
    CHECK(em_all_zero(em_map_view(&still.lane[0].batch.pages)));
    em_runner_drop(&still);
    for (size_t i = 0; i < n; i++) em_work_drop(&all[i].work);
    CHECK(budget.left == 64 << 20);
}

static void a_full_queue_takes_no_more(void)
{
    open_still(2, 600 * 1000);
    for (size_t i = 0; i < 4; i++) prepare(&all[i]);
    CHECK_OK(em_runner_submit(&still, &all[0].work));
    CHECK_OK(em_runner_submit(&still, &all[1].work));
    CHECK_ERR(em_runner_submit(&still, &all[2].work), EM_ERR_BUSY);
    /* one that goes makes room, and so does one that has begun */
    em_runner_cancel(&still, &all[0].work);
    CHECK(atomic_load(&all[0].work.over) && !all[0].work.began);
    CHECK_OK(em_runner_submit(&still, &all[2].work));
    CHECK_ERR(em_runner_submit(&still, &all[3].work), EM_ERR_BUSY);
    while (em_runner_step(&still)) continue;
    CHECK_OK(em_runner_submit(&still, &all[3].work));
    while (em_runner_step(&still)) continue;
    for (size_t i = 1; i < 4; i++) {
        CHECK(atomic_load(&all[i].work.over));
        check_answer(&all[i]);
    }
    close_still(4);
}

static void who_waited_too_long_is_told(void)
{
    open_still(MANY, 20);
    prepare(&all[0]);
    prepare(&all[1]);
    CHECK_OK(em_runner_submit(&still, &all[0].work));
    em_thread_sleep_ms(40);
    CHECK_OK(em_runner_submit(&still, &all[1].work));
    while (em_runner_step(&still)) continue;
    CHECK(atomic_load(&all[0].work.over) && atomic_load(&all[1].work.over));
    CHECK_ERR(all[0].work.outcome, EM_ERR_BUSY);
    CHECK(!all[0].work.began && all[0].work.task.n_tokens == 0);
    check_answer(&all[1]);
    close_still(2);
}

/* Too long where truncation is forbidden: told without a model touched, and nobody else
 * is. */
static void one_that_is_refused_leaves_the_others_alone(void)
{
    test_random r = {3};
    em_bytes kept = all[0].body, input[3];

    for (size_t i = 0; i < 3; i++) input[i] = words_of(&r, i == 2 ? 500 : 5);
    all[0].body = body_of(EM_OP_EMBED, input, 3, (em_bytes){0}, false);
    open_still(MANY, 600 * 1000);
    for (size_t i = 0; i < 3; i++) {
        prepare(&all[i]);
        CHECK_OK(em_runner_submit(&still, &all[i].work));
    }
    while (em_runner_step(&still)) continue;
    CHECK(atomic_load(&all[0].work.over) && !all[0].work.began);
    CHECK_ERR(all[0].work.outcome, EM_ERR_REQUEST_MALFORMED);
    check_answer(&all[1]);
    check_answer(&all[2]);
    all[0].body = kept;
    close_still(3);
}

/* A long request and a short one that comes later: it goes into the next batch but one at
 * the latest, and a cancel between two batches ends the long one at once. */
static void a_short_one_does_not_wait_for_a_long_one(void)
{
    test_random r = {4};
    em_bytes kept[2] = {all[0].body, all[1].body}, input[400];
    unsigned steps = 0;

    for (size_t i = 0; i < 400; i++) input[i] = words_of(&r, 60);
    all[0].body = body_of(EM_OP_EMBED, input, 400, (em_bytes){0}, true);
    input[0] = words_of(&r, 5);
    all[1].body = body_of(EM_OP_EMBED, input, 1, (em_bytes){0}, true);
    open_still(MANY, 600 * 1000);
    prepare(&all[0]);
    prepare(&all[1]);
    CHECK_OK(em_runner_submit(&still, &all[0].work));
    for (unsigned i = 0; i < 5; i++) CHECK(em_runner_step(&still));
    CHECK_OK(em_runner_submit(&still, &all[1].work));
    for (; !atomic_load(&all[1].work.over); steps++) CHECK(em_runner_step(&still));
    CHECK(steps <= 2 && !atomic_load(&all[0].work.over));
    CHECK_OK(all[1].work.outcome);
    em_runner_cancel(&still, &all[0].work);
    CHECK(atomic_load(&all[0].work.over) && all[0].work.began);
    CHECK_ERR(all[0].work.outcome, EM_ERR_CANCELLED);
    CHECK(all[0].work.task.n_tokens > 0 && !em_runner_step(&still));
    for (size_t i = 0; i < 2; i++) all[i].body = kept[i];
    close_still(2);
}

int main(void)
{
    folder_begin();
    em_kernels_pick(&kernels, em_cpu_detect());
    budget.left = 64 << 20;
    make_model(0, "embedder", 0);
    make_model(1, "ranker", 1);
    make_requests();
    RUN(the_same_bits_in_any_company);
    RUN(cancels_touch_nobody_else);
    RUN(a_full_queue_takes_no_more);
    RUN(who_waited_too_long_is_told);
    RUN(one_that_is_refused_leaves_the_others_alone);
    RUN(a_short_one_does_not_wait_for_a_long_one);
    for (size_t i = 0; i < MANY; i++) em_map_drop(&all[i].small);
    for (size_t i = 0; i < MODELS; i++) em_pack_free(packs[i]);
    return test_end();
}
