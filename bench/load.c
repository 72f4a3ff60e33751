/* load FOLDER [PRECISION [THREADS [LANES [BATCH [SECONDS [CROWD]]]]]]: what the runner
 * makes of many sessions, each with one request outstanding, without the sessions'
 * cryptography: requests and tokens a second, how long a lone request takes among them,
 * and how evenly they are served.  LANES 0: one a thread.  CROWD: only the one of this
 * name. */
#include "bench/bench.h"
#include "enclave/runner.h"
#include "os/cpu.h"
#include "os/entropy.h"
#include "tests/support/test.h"
#include "tools/pack.h"

enum { SESSIONS = 256, LATENCIES = 100000 };

/* Sessions that ask for the same again and again. */
typedef struct crowd {
    const char *name;
    size_t sessions, texts, words;
} crowd;

typedef struct session {
    em_work work;
    em_schedule_account account;
    uint8_t *small;
    em_bytes body;
    bool lone;
    double asked_us, next_us;
    uint64_t tokens, requests;
} session;

static em_served served;
static em_kernels kernels;
static em_runner runner;
static em_work_budget budget = {.left = (uint64_t)4 << 30};
static em_thread_mutex lock;
static em_thread_condition some_over;
static bool is_over;
static session all[SESSIONS];
static double latency[LATENCIES];
static size_t n_latency;
static em_map small[SESSIONS];
static double seconds = 2;

static void finished(void *arg)
{
    (void)arg;
    em_thread_lock(&lock);
    is_over = true;
    em_thread_wake_one(&some_over);
    em_thread_unlock(&lock);
}

/* A request of so many texts of so many one-token words. */
static em_bytes body_of(size_t texts, size_t words, unsigned seed)
{
    static const char *const word[] = {"time", "house", "water", "night", "people",
                                       "book", "music", "world", "city",  "paper"};
    size_t cap = texts * (words * 8 + 16) + 256;
    em_bytes *input = test_alloc(texts * sizeof *input);
    em_out o = em_out_over(test_alloc(cap), cap);

    for (size_t i = 0; i < texts; i++) {
        char *text = test_alloc(words * 8 + 1);
        size_t len = 0;
        for (size_t k = 0; k < words; k++)
            len += (size_t)sprintf(text + len, "%s%s", k > 0 ? " " : "",
                                   word[(seed + i * 7 + k * 3) % EM_COUNT(word)]);
        input[i] = em_view(text, len);
    }
    const em_request request = {.op = EM_OP_EMBED,
                                .model = EM_STR("m"),
                                .n_inputs = texts,
                                .input = input,
                                .truncate = true};
    em_message_put_request(&o, &request);
    bench_must(em_write_end(&o), "request");
    return em_write_view(&o);
}

static void ask(session *s)
{
    em_work *w = &s->work;

    w->budget = &budget;
    w->account = &s->account;
    w->small = s->small;
    bench_must(em_work_append(w, s->body), "request");
    bench_must(em_work_parse(w), "request");
    bench_must(em_work_reserve(w, &served, 0), "request");
    s->asked_us = bench_now_us();
    bench_must(em_runner_submit(&runner, w), "submit");
}

/* Takes what is over and asks again; a lone one after a pause. */
static void serve(size_t n, bool again)
{
    for (size_t i = 0; i < n; i++) {
        session *s = &all[i];
        if (s->work.body_len == 0) {
            if (again && bench_now_us() >= s->next_us) ask(s);
            continue;
        }
        if (!atomic_load(&s->work.over)) continue;
        bench_must(s->work.outcome, "outcome");
        double now = bench_now_us();
        s->tokens += s->work.task.n_tokens;
        s->requests++;
        if (s->lone && n_latency < LATENCIES) latency[n_latency++] = now - s->asked_us;
        em_work_drop(&s->work);
        s->next_us = s->lone ? now + 7000 : 0;
        if (again && !s->lone) ask(s);
    }
}

static void drive(size_t n, double until_us)
{
    for (;;) {
        bool again = bench_now_us() < until_us;
        size_t out = 0;
        serve(n, again);
        for (size_t i = 0; i < n; i++) out += all[i].work.body_len > 0;
        if (!again && out == 0) return;
        em_thread_lock(&lock);
        if (!is_over)
            (void)!em_thread_wait(&some_over, &lock, em_clock_monotonic_ms() + 1);
        is_over = false;
        em_thread_unlock(&lock);
    }
}

static double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void play(const crowd *c)
{
    uint64_t tokens = 0, requests = 0, least = UINT64_MAX, most = 0;
    size_t n = c->sessions + 1;
    char name[64];

    memset(all, 0, sizeof all);
    n_latency = 0;
    for (size_t i = 0; i < c->sessions; i++)
        all[i].body = body_of(c->texts, c->words, (unsigned)i);
    for (size_t i = 0; i < n; i++)
        bench_must(em_map_anonymous(EM_WORK_SMALL, 0, &small[i]), "pages");
    for (size_t i = 0; i < n; i++) all[i].small = small[i].at;
    all[c->sessions].lone = true;
    all[c->sessions].body = body_of(1, 7, 5);
    double from = bench_now_us(), from_cpu = cpu_us();
    drive(n, from + seconds * 1e6);
    double took = bench_now_us() - from, took_cpu = cpu_us() - from_cpu;
    for (size_t i = 0; i < n; i++) em_map_drop(&small[i]);
    for (size_t i = 0; i < c->sessions; i++) {
        tokens += all[i].tokens;
        requests += all[i].requests;
        if (all[i].tokens < least) least = all[i].tokens;
        if (all[i].tokens > most) most = all[i].tokens;
    }
    if (c->sessions > 0) {
        snprintf(name, sizeof name, "%s.requests", c->name);
        bench_line(name, (double)requests / took * 1e6, "/s", "");
        snprintf(name, sizeof name, "%s.tokens", c->name);
        bench_line(name, (double)tokens / took * 1e6, "/s", "");
        snprintf(name, sizeof name, "%s.cores", c->name);
        bench_line(name, took_cpu / took, "x", "processor time over time");
        snprintf(name, sizeof name, "%s.fairness", c->name);
        bench_line(name, (double)least / (double)most, "x",
                   "tokens of the session served least over most");
    }
    if (n_latency > 0) {
        double median = bench_median(latency, n_latency);
        snprintf(name, sizeof name, "%s.lone.p50", c->name);
        bench_line(name, median / 1000, "ms", "a text of nine tokens, beside the others");
        snprintf(name, sizeof name, "%s.lone.p99", c->name);
        bench_line(name, latency[n_latency * 99 / 100] / 1000, "ms", "");
    }
}

static void load_model(const char *folder, const char *precision, uint32_t batch,
                       uint32_t workers)
{
    static em_pack *pack;
    em_pack_options options = {.workers = 2};
    em_problem problem;
    em_plan_limits limits = {.tokens = batch, .workers = workers};

    bench_must(
        em_pack_precision(em_view(precision, strlen(precision)), &options.precision),
        precision);
    bench_must(em_pack_folder(folder, &options, &problem, &pack), folder);
    const em_model *model = em_pack_model(pack);
    bench_must(em_bert_bind(model, em_pack_image(pack), &served.bert), "bind");
    bench_must(em_wordpiece_open(em_pack_tokenizer(pack), &served.words), "tokenizer");
    if (limits.tokens < model->shape.max_tokens) limits.tokens = model->shape.max_tokens;
    limits.sequences =
        EM_SCHEDULE_SEQUENCES < limits.tokens ? EM_SCHEDULE_SEQUENCES : limits.tokens;
    bench_must(em_plan_bert(&model->shape, limits, &served.plan), "plan");
    limits.workers = 1;
    bench_must(em_plan_bert(&model->shape, limits, &served.alone), "plan");
}

int main(int argc, char **argv)
{
    static const crowd crowds[] = {
        {"none", 0, 0, 0},        {"64x1x9", 64, 1, 7},   {"64x1x32", 64, 1, 30},
        {"64x1x128", 64, 1, 126}, {"8x64x32", 8, 64, 30}, {"2x1024x128", 2, 1024, 126},
    };
    unsigned long option[4] = {em_cpu_count(), 0, 128, 2};
    EM_DROP(em_jobs_pool) pool = {0};

    if (argc < 2 || argc > 8) return 2;
    for (int i = 3; i < argc && i < 7; i++) option[i - 3] = strtoul(argv[i], NULL, 10);
    seconds = (double)option[3];
    load_model(argv[1], argc > 2 ? argv[2] : "f32", (uint32_t)option[2],
               (uint32_t)option[0]);
    bench_must(em_jobs_create_placed(option[0], &pool), "threads");
    em_kernels_pick(&kernels, em_cpu_detect());
    const em_runner_terms terms = {.served = &served,
                                   .n_served = 1,
                                   .kernels = &kernels,
                                   .jobs = em_jobs_of(&pool),
                                   .lanes = option[1],
                                   .tokens = option[2],
                                   .queue = 1024,
                                   .wait_ms = 600 * 1000,
                                   .finished = finished};
    bench_must(em_runner_open(&runner, &terms), "runner");
    bench_must(em_runner_start(&runner), "threads");
    for (size_t i = 0; i < EM_COUNT(crowds); i++)
        if (argc < 8 || strcmp(argv[7], crowds[i].name) == 0) play(&crowds[i]);
    em_runner_drop(&runner);
    return 0;
}
