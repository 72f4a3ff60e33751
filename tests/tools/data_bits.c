/* The bytes of an answer's DATA and END, for models of every precision and every op: the
 * same at every level of this processor, with 1 to 4 threads, whatever else is in a batch
 * and in whatever order it was asked. */
#include "infer/task.h"

#include "infer/bind.h"
#include "os/cpu.h"
#include "os/jobs.h"
#include "os/map.h"
#include "tests/tools/folder.h"
#include "tools/pack.h"
#include "tools/synth.h"

enum { TEXTS = 37, THREADS = 4, SHUFFLES = 100, BYTES = 64 << 10 };

static em_jobs_pool pool[THREADS];
static test_random seed = {20261123};

static unsigned cpus[5];
static size_t n_cpus;

/* One request's answer, and the memory it was computed in. */
typedef struct run {
    em_task task;
    em_map ids, rows;
} run;

typedef struct model {
    em_pack *pack;
    em_bert bert;
    em_wordpiece words;
    em_map scratch;
} model;

static void must(em_err err, const char *what)
{
    if (err == EM_OK) return;
    fprintf(stderr, "  %s: %s: %s\n", what, em_err_name(err), problem.text);
    abort();
}

static void open_model(em_precision precision, uint32_t labels, model *m)
{
    const em_synth synth = {.hidden = 48,
                            .heads = 4,
                            .intermediate = 80,
                            .positions = 24,
                            .max_tokens = 24,
                            .labels = labels};
    const em_pack_options options = {.precision = precision};

    (void)em_file_remove_tree(folder_path("m"));
    must(em_synth_write(folder_path("m"), &synth, &problem), "synth");
    must(em_pack_folder(folder_path("m"), &options, &problem, &m->pack), "pack");
    must(em_bert_bind(em_pack_model(m->pack), em_pack_image(m->pack), &m->bert), "bind");
    must(em_wordpiece_open(em_pack_tokenizer(m->pack), &m->words), "tokenizer");
    CHECK(m->bert.shape.precision == precision && m->bert.shape.labels == labels);
    must(em_map_anonymous(4 << 20, 0, &m->scratch), "scratch");
}

static void close_model(model *m)
{
    em_map_drop(&m->scratch);
    em_pack_free(m->pack);
}

/* ---- requests ---- */

static em_request request_of(em_op op, em_bytes *input)
{
    static const char *const words[] = {"text", "item", "of", "speaks", "a", "number",
                                        "42",   "?",    "is", "not",    "w", "the"};

    for (size_t i = 0; i < TEXTS; i++) {
        char *at = test_alloc(512);
        size_t len = 0, n = i == 7 ? 60 : test_random_next(&seed) % (i % 5 == 0 ? 3 : 18);
        for (size_t k = 0; k < n; k++)
            len += (size_t)snprintf(at + len, 512 - len, "%s ",
                                    words[test_random_next(&seed) % EM_COUNT(words)]);
        input[i] = em_view(at, len);
    }
    input[20] = input[4]; /* the same text twice gives the same row twice */
    return (em_request){.op = op,
                        .model = EM_STR("m"),
                        .n_inputs = TEXTS,
                        .input = input,
                        .truncate = true,
                        .query =
                            op == EM_OP_RERANK ? EM_STR("what is the item") : EM_STR("")};
}

/* ---- computing ---- */

static void drop(run *r)
{
    em_map_drop(&r->ids);
    em_map_drop(&r->rows);
}

/* `sequences` and `tokens` at a time at most. */
static run compute(const model *m, const em_request *q, unsigned cpu, size_t threads,
                   uint32_t sequences, uint32_t tokens)
{
    em_plan_limits limits = {.tokens = tokens,
                             .sequences = sequences < tokens ? sequences : tokens,
                             .workers = (uint32_t)threads};
    em_kernels kernels;
    em_plan plan;
    size_t ids, rows;
    run r = {0};

    em_kernels_pick(&kernels, cpu);
    must(em_plan_bert(&m->bert.shape, limits, &plan), "plan");
    if (plan.scratch > m->scratch.len) abort();
    must(em_task_begin(&m->bert, &m->words, q, &r.task), "begin");
    must(em_task_need(&r.task, &ids, &rows), "need");
    must(em_map_anonymous(ids, 0, &r.ids), "ids");
    must(em_map_anonymous(rows, 0, &r.rows), "rows");
    em_task_lay(&r.task, r.ids.at, r.rows.at);
    must(em_task_tokenize(&r.task), "tokenize");
    const em_task_engine engine = {.kernels = &kernels,
                                   .jobs = em_jobs_of(&pool[threads - 1]),
                                   .plan = &plan,
                                   .scratch = m->scratch.at};
    must(em_task_run(&r.task, &engine), "run");
    return r;
}

/* Every record of the answer, one behind the other. */
static em_bytes bytes_of(const em_task *task, uint8_t *buf)
{
    static const uint8_t salt[EM_SALT_LEN] = {1, 2, 3};
    em_out o = em_out_over(buf, BYTES);

    for (uint32_t first = 0; first < task->n; first += em_task_rows(task, first))
        em_task_put_rows(task, first, &o);
    em_task_put_end(task, EM_OK, salt, &o);
    must(em_write_end(&o), "records");
    return em_write_view(&o);
}

static bool is_same(run r, em_bytes want)
{
    static uint8_t buf[BYTES];
    bool same = em_same(bytes_of(&r.task, buf), want);

    drop(&r);
    return same;
}

/* ---- the ways that must not show ---- */

static void every_way(const model *m, const em_request *q, em_bytes want)
{
    static const uint32_t sequences[] = {1, 3, TEXTS, 8};

    for (size_t c = 0; c < n_cpus; c++)
        for (size_t i = 0; i < 16; i++) {
            size_t threads = i % 4 + 1;
            uint32_t some = sequences[(i + i / 4) % 4], tokens = i % 3 == 0 ? 24 : 512;
            if (cpus[c] == 0 && i >= 4) break; /* plain C takes its time */
            test_note("cpu %x, %zu threads, %u sequences of %u tokens", cpus[c], threads,
                      some, tokens);
            CHECK(is_same(compute(m, q, cpus[c], threads, some, tokens), want));
        }
}

/* Asked in another order, and laid back: row i of `shuffled` is the original's to[i]. */
static run laid_back(const run *shuffled, const em_request *q, const size_t *to)
{
    run r = {.task = shuffled->task};
    uint32_t width = r.task.width;

    must(em_map_anonymous(shuffled->rows.len, 0, &r.rows), "rows");
    r.task.request = q;
    r.task.text = (em_embed_text *)(void *)r.rows.at;
    r.task.row = (float *)(void *)(r.rows.at + ((const uint8_t *)shuffled->task.row -
                                                shuffled->rows.at));
    for (size_t i = 0; i < TEXTS; i++) {
        r.task.text[to[i]] = shuffled->task.text[i];
        memcpy(r.task.row + to[i] * width, shuffled->task.row + i * width,
               width * sizeof(float));
    }
    return r;
}

static void every_order(const model *m, const em_request *q, em_bytes want)
{
    for (unsigned turn = 0; turn < SHUFFLES; turn++) {
        em_bytes input[TEXTS];
        size_t to[TEXTS];
        em_request other = *q;

        for (size_t i = 0; i < TEXTS; i++) to[i] = i;
        for (size_t i = TEXTS; i-- > 1;) {
            size_t k = test_random_next(&seed) % (i + 1), kept = to[i];
            to[i] = to[k], to[k] = kept;
        }
        for (size_t i = 0; i < TEXTS; i++) input[i] = q->input[to[i]];
        other.input = input;
        unsigned cpu = cpus[turn % 16 == 0 ? n_cpus - 1 : turn % n_cpus];
        if (cpu == 0 && turn % 16 != 0) cpu = cpus[0];
        run r = compute(m, &other, cpu, turn % THREADS + 1, turn % 9 + 1,
                        24 + (uint32_t)(test_random_next(&seed) % 200));
        test_note("shuffle %u, cpu %x", turn, cpu);
        CHECK(is_same(laid_back(&r, q, to), want));
        drop(&r);
    }
}

static void bits_of(em_precision precision, uint32_t labels, em_op op)
{
    static uint8_t buf[BYTES];
    em_bytes input[TEXTS];
    model m;

    open_model(precision, labels, &m);
    em_request q = request_of(op, input);
    run first = compute(&m, &q, 0, 1, 1, 24);
    em_bytes want = bytes_of(&first.task, buf);
    uint32_t width = first.task.width, distinct = 0, cut = 0;
    for (uint32_t i = 0; i < TEXTS; i++) {
        const float *row = first.task.row + (size_t)i * width;
        distinct += memcmp(row, first.task.row, width * sizeof(float)) != 0;
        cut += first.task.text[i].truncated;
    }
    CHECK(distinct > TEXTS / 2 && cut > 0 && cut < TEXTS);
    CHECK(memcmp(first.task.row + 4 * width, first.task.row + 20 * width,
                 width * sizeof(float)) == 0);
    every_way(&m, &q, want);
    every_order(&m, &q, want);
    drop(&first);
    close_model(&m);
}

static void embed_f32(void)
{
    bits_of(EM_PRECISION_F32, 0, EM_OP_EMBED);
}

static void embed_bf16(void)
{
    bits_of(EM_PRECISION_BF16, 0, EM_OP_EMBED);
}

static void embed_int8(void)
{
    bits_of(EM_PRECISION_INT8, 0, EM_OP_EMBED);
}

static void classify_f32(void)
{
    bits_of(EM_PRECISION_F32, 3, EM_OP_CLASSIFY);
}

static void classify_bf16(void)
{
    bits_of(EM_PRECISION_BF16, 3, EM_OP_CLASSIFY);
}

static void classify_int8(void)
{
    bits_of(EM_PRECISION_INT8, 3, EM_OP_CLASSIFY);
}

static void rerank_f32(void)
{
    bits_of(EM_PRECISION_F32, 1, EM_OP_RERANK);
}

static void rerank_bf16(void)
{
    bits_of(EM_PRECISION_BF16, 1, EM_OP_RERANK);
}

static void rerank_int8(void)
{
    bits_of(EM_PRECISION_INT8, 1, EM_OP_RERANK);
}

/* ---- what a model can be asked for ---- */

static void the_head_decides_what_is_served(void)
{
    em_model_shape s = {.labels = 0, .types = 2, .max_tokens = 24};

    CHECK(em_task_ops(&s) == 1u << EM_OP_EMBED);
    s.labels = 3;
    CHECK(em_task_ops(&s) == 1u << EM_OP_CLASSIFY);
    s.labels = 1;
    CHECK(em_task_ops(&s) == (1u << EM_OP_CLASSIFY | 1u << EM_OP_RERANK));
    s.types = 1; /* halves of a pair could not be told apart */
    CHECK(em_task_ops(&s) == 1u << EM_OP_CLASSIFY);
    s.types = 2, s.max_tokens = 2; /* [CLS] [SEP] [SEP] would not fit */
    CHECK(em_task_ops(&s) == 1u << EM_OP_CLASSIFY);
}

static void texts_that_are_too_long_are_refused_where_cutting_is(void)
{
    em_bytes input[TEXTS];
    model m;
    em_task task;
    size_t ids, rows;
    EM_DROP(em_map) a = {0};
    EM_DROP(em_map) b = {0};

    open_model(EM_PRECISION_F32, 1, &m);
    const em_op ops[] = {EM_OP_CLASSIFY, EM_OP_RERANK};
    for (size_t i = 0; i < EM_COUNT(ops); i++) {
        em_request q = request_of(ops[i], input);
        q.truncate = false;
        CHECK_OK(em_task_begin(&m.bert, &m.words, &q, &task));
        CHECK_OK(em_task_need(&task, &ids, &rows));
        em_map_drop(&a);
        em_map_drop(&b);
        CHECK_OK(em_map_anonymous(ids, 0, &a));
        CHECK_OK(em_map_anonymous(rows, 0, &b));
        em_task_lay(&task, a.at, b.at);
        CHECK_ERR(em_task_tokenize(&task), EM_ERR_REQUEST_MALFORMED);
        CHECK(task.n_tokens == 0);
    }
    em_request embed = request_of(EM_OP_EMBED, input);
    CHECK_ERR(em_task_begin(&m.bert, &m.words, &embed, &task), EM_ERR_UNSUPPORTED);
    close_model(&m);
}

int main(void)
{
    const unsigned all = em_cpu_detect();
    const unsigned want[] = {all, EM_CPU_AVX2, EM_CPU_NEON, 0};

    for (size_t i = 0; i < EM_COUNT(want); i++) {
        unsigned cpu = all & want[i];
        if (n_cpus == 0 || cpu != cpus[n_cpus - 1]) cpus[n_cpus++] = cpu;
    }
    for (size_t i = 0; i < THREADS; i++) must(em_jobs_create(i + 1, &pool[i]), "pool");
    folder_begin();
    RUN(embed_f32);
    RUN(embed_bf16);
    RUN(embed_int8);
    RUN(classify_f32);
    RUN(classify_bf16);
    RUN(classify_int8);
    RUN(rerank_f32);
    RUN(rerank_bf16);
    RUN(rerank_int8);
    RUN(the_head_decides_what_is_served);
    RUN(texts_that_are_too_long_are_refused_where_cutting_is);
    for (size_t i = 0; i < THREADS; i++) em_jobs_pool_drop(&pool[i]);
    return test_end();
}
