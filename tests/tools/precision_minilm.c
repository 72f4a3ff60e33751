/* What bf16 and int8 lose on the real MiniLM: the model packed in three precisions, real
 * sentences through each, and how near the vectors stay to those in f32. */
#include "engine/bert.h"
#include "engine/wordpiece.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/jobs.h"
#include "os/map.h"
#include "tests/support/test.h"
#include "tools/calibration_texts.h"
#include "tools/pack.h"

#include <math.h>

enum { WIDE = 384, MAX_TEXTS = 1400, LONGEST = 256, TOGETHER = 16 };

#if defined(__SANITIZE_ADDRESS__)
enum { EVERY = 8 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { EVERY = 8 };
#else
enum { EVERY = 1 };
#endif
#else
enum { EVERY = 1 };
#endif

/* Sentences, then the queries (first sentences) and passages (what follows them). */
static em_bytes texts[MAX_TEXTS];
static size_t n_texts, n_queries; /* passages: as many, behind the queries */
static float exact[MAX_TEXTS][WIDE], vectors[MAX_TEXTS][WIDE];

/* Every EVERY-th line that is no remark. */
static void read_sentences(void)
{
    em_bytes file = test_file("tests/golden/sentences.txt");
    size_t line = 0, at = 0;

    while (at < file.len) {
        const uint8_t *end = memchr(file.at + at, '\n', file.len - at);
        size_t len = end != NULL ? (size_t)(end - file.at) - at : file.len - at;
        if (file.at[at] != '#' && line++ % EVERY == 0)
            texts[n_texts++] = em_view(file.at + at, len);
        at += len + 1;
    }
}

/* Where a text of several sentences has its first end; 0: it has none. */
static size_t first_sentence(em_bytes text)
{
    for (size_t i = 40; i + 42 < text.len; i++)
        if (text.at[i] == '.' && text.at[i + 1] == ' ') return i + 1;
    return 0;
}

static void make_queries(void)
{
    size_t many[MAX_TEXTS], first = n_texts;

    for (size_t i = 0; i < first; i++) many[i] = first_sentence(texts[i]);
    for (size_t i = 0; i < first; i++)
        if (many[i] > 0) texts[first + n_queries++] = em_view(texts[i].at, many[i]);
    size_t at = first + n_queries;
    for (size_t i = 0; i < first; i++)
        if (many[i] > 0)
            texts[at++] = em_view(texts[i].at + many[i] + 1, texts[i].len - many[i] - 1);
}

/* A packed model and what it takes to run it. */
typedef struct model {
    em_pack *pack;
    em_bert bert;
    em_wordpiece words;
    em_kernels kernels;
    em_jobs_pool pool;
    em_plan plan;
    em_map scratch;
} model;

static void model_drop(model *m)
{
    em_map_drop(&m->scratch);
    em_jobs_pool_drop(&m->pool);
    em_pack_free(m->pack);
}

/* Slow builds are calibrated by fewer texts. */
static size_t some_calibration_texts(em_bytes ret[MAX_TEXTS])
{
    size_t n, few = 0;
    const char *const *all = em_calibration_texts_all(&n);

    for (size_t i = 0; i < n; i += EVERY) ret[few++] = em_view(all[i], strlen(all[i]));
    return few;
}

static bool open_model(model *m, em_precision precision, size_t workers)
{
    const em_plan_limits limits = {
        .tokens = TOGETHER * LONGEST, .sequences = TOGETHER, .workers = 2};
    em_pack_options options = {.precision = precision, .workers = workers};
    em_problem problem = {0};
    em_bytes few[MAX_TEXTS];
    if (EVERY > 1) options.texts = few, options.n_texts = some_calibration_texts(few);
    uint64_t begun = em_clock_monotonic_ms();

    CHECK_OK(em_pack_folder(test_minilm(), &options, &problem, &m->pack));
    test_note("%s", problem.text);
    if (m->pack == NULL) return false;
    printf("  packed in %.1f s into %.1f MB\n",
           (double)(em_clock_monotonic_ms() - begun) / 1e3,
           (double)em_pack_image(m->pack).len / 1e6);
    em_kernels_pick(&m->kernels, em_cpu_detect());
    CHECK_OK(em_bert_bind(em_pack_model(m->pack), em_pack_image(m->pack), &m->bert));
    CHECK_OK(em_wordpiece_open(em_pack_tokenizer(m->pack), &m->words));
    CHECK_OK(em_plan_bert(&m->bert.shape, limits, &m->plan));
    CHECK_OK(em_map_anonymous(m->plan.scratch, 0, &m->scratch));
    CHECK_OK(em_jobs_create(2, &m->pool));
    return true;
}

static void embed(model *m, size_t n, float (*ret)[WIDE])
{
    static uint32_t ids[TOGETHER * LONGEST];
    uint32_t start[TOGETHER + 1] = {0};
    size_t got, whole;

    for (size_t first = 0; first < n; first += TOGETHER) {
        em_bert_batch batch = {.ids = ids, .start = start};
        for (; batch.n < TOGETHER && first + batch.n < n; batch.n++) {
            CHECK_OK(em_wordpiece_encode(&m->words, texts[first + batch.n], LONGEST,
                                         ids + start[batch.n], &got, &whole));
            start[batch.n + 1] = start[batch.n] + (uint32_t)got;
        }
        CHECK_OK(em_bert_embed(&m->bert, &m->kernels, em_jobs_of(&m->pool), &m->plan,
                               m->scratch.at, &batch, ret[first]));
    }
}

static double cosine(const float *a, const float *b)
{
    double ab = 0, aa = 0, bb = 0;

    for (size_t i = 0; i < WIDE; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

/* Which of v[first] .. v[first + n - 1] is nearest to v[of], itself left out. */
static size_t nearest(float (*v)[WIDE], size_t of, size_t first, size_t n)
{
    double best = -2;
    size_t at = 0;

    for (size_t i = first; i < first + n; i++) {
        double c = i == of ? -2 : cosine(v[of], v[i]);
        if (c > best) best = c, at = i;
    }
    return at;
}

typedef struct quality {
    double least, mean; /* cosine to f32 */
    double same;        /* of sentences: the nearest other one is the same as in f32 */
    double found;       /* of queries: the nearest passage is what follows in the text */
    double kept;        /* of queries whose passage f32 finds so: found here too */
} quality;

static quality compare(void)
{
    quality q = {.least = 1};

    for (size_t i = 0; i < n_texts; i++) {
        double c = cosine(exact[i], vectors[i]);
        q.mean += c / (double)n_texts;
        if (c < q.least) q.least = c;
        q.same += nearest(exact, i, 0, n_texts) == nearest(vectors, i, 0, n_texts);
    }
    size_t passages = n_texts + n_queries;
    double by_f32 = 0;
    for (size_t i = n_texts; i < passages; i++) {
        bool right = nearest(exact, i, passages, n_queries) == i + n_queries;
        bool found = nearest(vectors, i, passages, n_queries) == i + n_queries;
        by_f32 += right, q.found += found, q.kept += right && found;
    }
    q.same /= (double)n_texts;
    q.found /= (double)n_queries;
    q.kept /= by_f32;
    return q;
}

/* FNV-1a of a packed image. */
static uint64_t image_digest(const model *m)
{
    em_bytes image = em_pack_image(m->pack);
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < image.len; i++) h = (h ^ image.at[i]) * 0x100000001b3u;
    return h;
}

static uint64_t int8_digest;

static quality measure(em_precision precision, const char *name)
{
    model m = {0};
    quality q = {0};

    if (open_model(&m, precision, 2)) {
        embed(&m, n_texts + 2 * n_queries, vectors);
        q = compare();
        if (precision == EM_PRECISION_INT8) int8_digest = image_digest(&m);
        printf("  %s, %zu sentences%s: cosine to f32 least %.6f, mean %.6f\n", name,
               n_texts, EVERY > 1 ? " (of all, one in eight)" : "", q.least, q.mean);
        printf("  the nearest other sentence is the same as in f32 for %.1f %%\n",
               100 * q.same);
        printf(
            "  of %zu passages %.1f %% are found by the sentence before them; of those "
            "that f32 finds so, %.1f %%\n",
            n_queries, 100 * q.found, 100 * q.kept);
    }
    model_drop(&m);
    return q;
}

static void f32_is_what_is_compared_with(void)
{
    model m = {0};

    if (open_model(&m, EM_PRECISION_F32, 1)) embed(&m, n_texts + 2 * n_queries, exact);
    model_drop(&m);
}

static void bf16_stays_within_one_in_ten_thousand(void)
{
    quality q = measure(EM_PRECISION_BF16, "bf16");

    CHECK(q.least >= 0.9999 && q.mean >= 0.99998);
    CHECK(q.same >= 0.98 && q.kept >= 0.99);
}

static void int8_stays_within_one_in_a_thousand(void)
{
    quality q = measure(EM_PRECISION_INT8, "int8");

    if (EVERY > 1) {
        CHECK(q.least >= 0.998 && q.mean >= 0.9995);
        return;
    }
    CHECK(q.least >= 0.999 && q.mean >= 0.9997);
    CHECK(q.same >= 0.95 && q.kept >= 0.99);
}

static void int8_packs_to_the_same_bytes_with_one_worker_as_with_two(void)
{
    model m = {0};

    if (open_model(&m, EM_PRECISION_INT8, 1))
        CHECK(image_digest(&m) == int8_digest && int8_digest != 0);
    model_drop(&m);
}

int main(void)
{
    if (test_minilm() == NULL) {
        test_skip("bf16 and int8 of MiniLM",
                  "the real model is not in the cache (mk/model.sh)");
        return test_end();
    }
    read_sentences();
    make_queries();
    RUN(f32_is_what_is_compared_with);
    RUN(bf16_stays_within_one_in_ten_thousand);
    RUN(int8_stays_within_one_in_a_thousand);
    if (EVERY == 1)
        RUN(int8_packs_to_the_same_bytes_with_one_worker_as_with_two);
    else
        test_skip("int8 packed by one worker", "too slow in this build");
    return test_end();
}
