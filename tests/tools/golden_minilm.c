/* The real MiniLM from its folder to its vectors, through the publisher's tool and the
 * engine: ids equal to the tokenizers package's, vectors within 2e-6 of float64. */
#include "engine/bert.h"
#include "engine/wordpiece.h"
#include "os/cpu.h"
#include "os/map.h"
#include "tests/support/test.h"
#include "tools/pack.h"

#include <jansson.h>
#include <math.h>

enum { MAX_IDS = 512, WORST_AT_MOST_E7 = 20 };

static em_pack *pack;
static em_bert bert;
static em_wordpiece words;
static em_plan plan;
static em_kernels kernels;
static em_map scratch;
static const char *golden_path;

static void the_folder_packs(void)
{
    em_problem problem = {0};
    const em_plan_limits limits = {.tokens = MAX_IDS, .sequences = 4, .workers = 1};

    CHECK_OK(em_pack_folder(test_minilm(), NULL, &problem, &pack));
    test_note("%s", problem.text);
    REQUIRE(pack != NULL);
    const em_model *model = em_pack_model(pack);
    CHECK(model->shape.layers == 6 && model->shape.hidden == 384 &&
          model->shape.heads == 12);
    CHECK(model->shape.max_tokens == 256); /* not tokenizer.json's 128 */
    CHECK(model->shape.pooling == EM_POOLING_MEAN && model->shape.normalize);
    CHECK_OK(em_bert_bind(model, em_pack_image(pack), &bert));
    CHECK_OK(em_wordpiece_open(em_pack_tokenizer(pack), &words));
    CHECK_OK(em_plan_bert(&model->shape, limits, &plan));
    CHECK_OK(em_map_anonymous(plan.scratch, 0, &scratch));
    em_kernels_pick(&kernels, em_cpu_detect());
}

/* One line of a golden file; the greatest difference of its vector. */
static double check_line(const json_t *line)
{
    const json_t *text = json_object_get(line, "text"),
                 *want = json_object_get(line, "ids");
    em_bytes vector = test_base64(json_string_value(json_object_get(line, "f32le")));
    uint32_t ids[MAX_IDS], start[2] = {0};
    float got[384], exact[384];
    em_jobs jobs = em_jobs_inline();
    size_t n, tokens;
    double worst = 0;

    test_note("%.60s", json_string_value(text));
    CHECK_OK(em_wordpiece_encode(
        &words, em_view(json_string_value(text), json_string_length(text)), 256, ids, &n,
        &tokens));
    CHECK(tokens == (size_t)json_integer_value(json_object_get(line, "tokens")));
    CHECK(n == json_array_size(want));
    for (size_t i = 0; i < n && i < json_array_size(want); i++)
        CHECK(ids[i] == (uint32_t)json_integer_value(json_array_get(want, i)));
    start[1] = (uint32_t)n;
    const em_bert_batch batch = {.ids = ids, .start = start, .n = 1};
    CHECK_OK(em_bert_embed(&bert, &kernels, &jobs, &plan, scratch.at, &batch, got));
    CHECK(vector.len == sizeof exact);
    memcpy(exact, vector.at, sizeof exact);
    for (size_t i = 0; i < EM_COUNT(got); i++)
        worst = fmax(worst, fabs((double)got[i] - (double)exact[i]));
    return worst;
}

static void ids_and_vectors_are_golden(void)
{
    FILE *f = fopen(golden_path, "r");
    double worst = 0;
    size_t n = 0;

    REQUIRE(f != NULL && pack != NULL);
    for (;;) {
        json_t *line = json_loadf(f, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL);
        if (line == NULL) break;
        worst = fmax(worst, check_line(line));
        json_decref(line);
        n++;
    }
    fclose(f);
    test_note("worst %g over %zu texts", worst, n);
    CHECK(n >= 30 && worst <= WORST_AT_MOST_E7 * 1e-7);
    printf("  %zu texts of %s: greatest difference %.2g\n", n, golden_path, worst);
}

int main(void)
{
    if (test_minilm() == NULL) {
        test_skip("golden MiniLM", "the real model is not in the cache (mk/model.sh)");
        return test_end();
    }
    RUN(the_folder_packs);
    golden_path = "tests/tools/golden_minilm.jsonl";
    RUN(ids_and_vectors_are_golden);
    golden_path = test_shared("vectors/minilm/golden.jsonl");
    if (golden_path != NULL)
        RUN(ids_and_vectors_are_golden);
    else
        test_skip("300 more golden texts", "no vectors/minilm");
    em_map_drop(&scratch);
    em_pack_free(pack);
    return test_end();
}
