/* The real all-MiniLM-L6-v2 against float64 over the same weights, at every level.
 * `--time TOKENS SEQUENCES WORKERS` embeds a batch for each line read and prints how many
 * milliseconds that took (bench/onnx_minilm.py asks in turn with a peer). */
#include "tests/engine/fixture_minilm.h"

#include <math.h>

enum { TEXTS = 400, LONGEST = 256, BATCH = 512 };

typedef struct golden {
    uint32_t ids[LONGEST];
    uint32_t n;
    const float *want;
} golden;

static em_bert bert;
static golden text[TEXTS];
static uint32_t texts;
static float *fast; /* what the best level gave, [texts][hidden] */

static bool read_golden(const char *path)
{
    FILE *f = path == NULL ? NULL : fopen(path, "rb");
    char *line = test_alloc(1 << 20);

    if (f == NULL) return false;
    while (texts < TEXTS && fgets(line, 1 << 20, f) != NULL) {
        json_t *row = json_loads(line, JSON_ALLOW_NUL, NULL),
               *ids = json_object_get(row, "ids");
        golden *g = &text[texts++];

        g->n = (uint32_t)json_array_size(ids);
        if (g->n == 0 || g->n > LONGEST) abort();
        for (uint32_t i = 0; i < g->n; i++)
            g->ids[i] = (uint32_t)json_integer_value(json_array_get(ids, i));
        em_bytes want = test_base64(json_string_value(json_object_get(row, "f32le")));
        if (want.len != bert.shape.hidden * sizeof(float)) abort();
        g->want = (const float *)(const void *)want.at;
        json_decref(row);
    }
    fclose(f);
    return texts > 0;
}

/* Texts first .. end - 1 as one batch. */
static void embed(unsigned cpu, uint32_t first, uint32_t end, float *out)
{
    static uint32_t ids[BATCH], start[TEXTS + 1];
    em_plan plan;
    em_kernels kernels;
    em_jobs jobs = em_jobs_inline();
    em_plan_limits limits = {.tokens = BATCH, .sequences = TEXTS, .workers = 1};

    em_kernels_pick(&kernels, cpu);
    CHECK_OK(em_plan_bert(&bert.shape, limits, &plan));
    static uint8_t *scratch;
    if (scratch == NULL) scratch = fixture_aligned(plan.scratch);
    for (uint32_t s = first; s < end; s++) {
        uint32_t at = start[s - first];
        memcpy(ids + at, text[s].ids, text[s].n * sizeof *ids);
        start[s - first + 1] = at + text[s].n;
    }
    em_bert_batch batch = {.ids = ids, .start = start, .n = end - first};
    CHECK_OK(em_bert_embed(&bert, &kernels, &jobs, &plan, scratch, &batch, out));
}

static void every_text_is_within_2e_6_of_float64(void)
{
    size_t hidden = bert.shape.hidden;
    float worst = 0;
    double started = fixture_now();

    for (uint32_t first = 0, end; first < texts; first = end) {
        uint32_t tokens = 0;
        for (end = first; end < texts && tokens + text[end].n <= BATCH; end++)
            tokens += text[end].n;
        embed(fixture_cpu(), first, end, fast + first * hidden);
    }
    double took = fixture_now() - started;
    for (uint32_t s = 0; s < texts; s++) {
        float most = 0;
        for (size_t j = 0; j < hidden; j++)
            most = fmaxf(most, fabsf(fast[s * hidden + j] - text[s].want[j]));
        test_note("text %u differs by %g", s, (double)most);
        CHECK(most <= 2e-6f);
        worst = fmaxf(worst, most);
    }
    printf("%u texts, greatest difference %.3g, %.2f s\n", texts, (double)worst, took);
}

/* Plain C is slow: short texts only, and one at a time, unlike above. */
static void plain_c_gives_the_same_bits(void)
{
    uint32_t tokens = 0, done = 0;
    float out[384];

    for (uint32_t s = 0; s < texts && tokens < 250; s += 7) {
        if (text[s].n > 40) continue;
        embed(0, s, s + 1, out);
        test_note("text %u", s);
        CHECK(memcmp(out, fast + s * 384, sizeof out) == 0);
        tokens += text[s].n, done++;
    }
    printf("%u texts, %u tokens\n", done, tokens);
    CHECK(done >= 10);
}

static int timed(uint32_t tokens, uint32_t sequences, uint32_t workers)
{
    uint32_t all = tokens * sequences;
    uint32_t *ids = test_alloc(all * sizeof *ids);
    uint32_t *start = test_alloc((sequences + 1) * sizeof *start);
    float *out = test_alloc(sequences * bert.shape.hidden * sizeof *out);
    em_plan_limits limits = {all, sequences, workers};
    em_bert_batch batch = {.ids = ids, .start = start, .n = sequences};
    fixture_pool pool;
    em_plan plan;
    em_kernels kernels;

    for (uint32_t i = 0; i < all; i++) ids[i] = 1000 + i * 7919 % 28000;
    for (uint32_t s = 0; s <= sequences; s++) start[s] = s * tokens;
    em_kernels_pick(&kernels, fixture_cpu());
    if (em_plan_bert(&bert.shape, limits, &plan) != EM_OK) return 1;
    void *scratch = fixture_aligned(plan.scratch);

    for (int c = getchar(); c != EOF; c = getchar()) {
        fixture_start(&pool, workers); /* a waiting worker would slow down the peer */
        double began = fixture_now(), started, took;
        do { /* until the scheduler has given every worker a processor of its own */
            started = fixture_now();
            if (em_bert_embed(&bert, &kernels, &pool.jobs, &plan, scratch, &batch, out) !=
                EM_OK)
                return 1;
            took = fixture_now() - started;
        } while (started - began < 0.01);
        fixture_stop(&pool);
        printf("%.4f %.9g\n", took * 1e3, (double)out[0]);
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *dir = test_minilm();
    bool timing = argc == 5 && strcmp(argv[1], "--time") == 0;

    if (dir == NULL || test_shared("vectors/minilm/golden.jsonl") == NULL) {
        test_skip("every_text_is_within_2e_6_of_float64", "%s",
                  dir == NULL ? "all-MiniLM-L6-v2 is not in the cache"
                              : "no vectors/minilm/golden.jsonl");
        test_skip("plain_c_gives_the_same_bits", "as above");
        return test_end();
    }
    fixture_model m = fixture_load_minilm(dir);
    if (timing) m.model.shape.max_tokens = 512;
    em_err bound = em_bert_bind(&m.model, em_view(m.at, m.len), &bert);
    if (bound != EM_OK) {
        printf("bind: %s\n", em_err_name(bound));
        return 1;
    }
    if (timing)
        return timed((uint32_t)atoi(argv[2]), (uint32_t)atoi(argv[3]),
                     (uint32_t)atoi(argv[4]));
    if (!read_golden(test_shared("vectors/minilm/golden.jsonl"))) abort();
    fast = test_alloc(texts * 384 * sizeof *fast);
    RUN(every_text_is_within_2e_6_of_float64);
    RUN(plain_c_gives_the_same_bits);
    return test_end();
}
