/* Folders packed to bf16 and int8: what the image holds, by which texts, and what is
 * refused.  (What it costs in quality: precision_minilm.c, on real weights.) */
#include "tools/calibrate.h"
#include "engine/bert.h"
#include "engine/panel.h"
#include "engine/wordpiece.h"
#include "tests/tools/folder.h"
#include "tools/hf_tensors.h"
#include "tools/synth.h"

#include <math.h>

enum { WIDE = 64, LONGEST = 64 };

static void make(const em_synth *options)
{
    const char *path = folder_path("m");

    if (em_file_exists(path) && em_file_remove_tree(path) != EM_OK) abort();
    if (em_synth_write(path, options, &problem) != EM_OK) abort();
}

static em_pack *packed(em_precision precision, const em_bytes *texts, size_t n)
{
    const em_pack_options options = {
        .precision = precision, .texts = texts, .n_texts = n, .workers = 2};
    em_pack *p = NULL;

    CHECK_OK(em_pack_folder(folder_path("m"), &options, &problem, &p));
    test_note("%s", problem.text);
    if (p == NULL) abort();
    return p;
}

/* One text through a packed model. */
static void embed(em_pack *p, const char *text, float *ret)
{
    const em_plan_limits limits = {.tokens = LONGEST, .sequences = 1, .workers = 1};
    uint32_t ids[LONGEST], start[2] = {0};
    em_jobs jobs = em_jobs_inline();
    em_kernels kernels;
    em_wordpiece words;
    em_plan plan;
    em_bert bert;
    size_t n, whole;

    em_kernels_pick(&kernels, 0);
    CHECK_OK(em_bert_bind(em_pack_model(p), em_pack_image(p), &bert));
    CHECK_OK(em_wordpiece_open(em_pack_tokenizer(p), &words));
    CHECK_OK(em_plan_bert(&bert.shape, limits, &plan));
    void *scratch = aligned_alloc(64, (plan.scratch + 63) / 64 * 64);
    CHECK_OK(em_wordpiece_encode(&words, em_view(text, strlen(text)), LONGEST, ids, &n,
                                 &whole));
    start[1] = (uint32_t)n;
    const em_bert_batch batch = {.ids = ids, .start = start, .n = 1};
    CHECK_OK(em_bert_embed(&bert, &kernels, &jobs, &plan, scratch, &batch, ret));
    free(scratch);
}

static double cosine_of(em_pack *a, em_pack *b, const char *text)
{
    float x[WIDE], y[WIDE];
    double xy = 0, xx = 0, yy = 0;

    embed(a, text, x);
    embed(b, text, y);
    for (size_t i = 0; i < WIDE; i++) {
        xy += (double)x[i] * (double)y[i];
        xx += (double)x[i] * (double)x[i];
        yy += (double)y[i] * (double)y[i];
    }
    return xy / sqrt(xx * yy);
}

static void smaller_weights_give_nearly_the_same(void)
{
    static const char *const texts[] = {"the bank of the river", "a cat", "",
                                        "The cat sat on the mat."};

    make(&(em_synth){.intermediate = 100, .hidden = 64, .heads = 4});
    em_pack *f32 = packed(EM_PRECISION_F32, NULL, 0);
    em_pack *bf16 = packed(EM_PRECISION_BF16, NULL, 0);
    em_pack *int8 = packed(EM_PRECISION_INT8, NULL, 0);
    CHECK(em_pack_image(bf16).len < em_pack_image(f32).len);
    CHECK(em_pack_model(int8)->shape.precision == EM_PRECISION_INT8);
    for (size_t i = 0; i < EM_COUNT(texts); i++) {
        double half = cosine_of(f32, bf16, texts[i]);
        double quarter = cosine_of(f32, int8, texts[i]);
        test_note("%s: bf16 %.6f, int8 %.6f", texts[i], half, quarter);
        CHECK(half > 0.9999 && quarter > 0.998);
    }
    em_pack_free(f32);
    em_pack_free(bf16);
    em_pack_free(int8);
}

static void every_quantised_matrix_stands_for_its_weights(void)
{
    static em_hf hf;
    em_bert bert;
    em_bert_want want;
    double worst = 0;

    make(&(em_synth){0});
    em_pack *p = packed(EM_PRECISION_INT8, NULL, 0);
    CHECK_OK(em_hf_open(folder_path("m"), &problem, &hf));
    CHECK_OK(em_bert_bind(em_pack_model(p), em_pack_image(p), &bert));
    CHECK_OK(em_bert_tensors_wanted(&hf.shape, EM_BERT_QKV, &want));
    const em_bert_matrix *m = &bert.layer[0].qkv;
    float *w = test_alloc(want.len);
    want.layout = EM_LAYOUT_ROWS;
    CHECK_OK(em_hf_tensors_write(&hf, &want, &problem, w));
    for (size_t i = 0; i < m->rows; i++) {
        double off = 0, all = 0;
        for (size_t k = 0; k < m->cols; k++) {
            const int8_t *panel = (const int8_t *)m->panels + i / 16 * 16 * m->cols;
            double byte = (double)panel[k / 4 * 64 + i % 16 * 4 + k % 4];
            double want_w = (double)w[i * m->cols + k], got = 0;
            if (m->in[k] > 0) got = byte * (double)m->scale[i] / (double)m->in[k];
            for (size_t r = 0; r < EM_LOOSE; r++)
                if ((size_t)m->loose[r] == k)
                    got += (double)m->loose_weight[i / 16 * 64 + r * 16 + i % 16];
            off += (got - want_w) * (got - want_w), all += want_w * want_w;
        }
        worst = fmax(worst, off / all);
    }
    test_note("%g of a row's squares", worst);
    CHECK(worst < 0.01);
    em_hf_drop(&hf);
    em_pack_free(p);
}

static void a_publishers_own_texts_decide_the_bytes(void)
{
    const em_bytes own[] = {EM_STR("only this"), EM_STR("and \xff not this"),
                            EM_STR("or that, perhaps")};
    const em_bytes none[] = {EM_STR("\xc3("), EM_STR("\xff")};
    const em_pack_options hopeless = {
        .precision = EM_PRECISION_INT8, .texts = none, .n_texts = EM_COUNT(none)};
    em_pack *p = NULL;

    make(&(em_synth){0});
    em_pack *a = packed(EM_PRECISION_INT8, NULL, 0);
    em_pack *b = packed(EM_PRECISION_INT8, own, EM_COUNT(own));
    em_pack *c = packed(EM_PRECISION_INT8, own, EM_COUNT(own));
    CHECK(!em_same(em_pack_image(a), em_pack_image(b)));
    CHECK(em_same(em_pack_image(b), em_pack_image(c)));
    CHECK_PROBLEM(em_pack_folder(folder_path("m"), &hopeless, &problem, &p),
                  EM_ERR_ARGUMENT, "calibration texts", "one a line");
    CHECK(p == NULL);
    em_pack_free(a);
    em_pack_free(b);
    em_pack_free(c);
}

static void a_classifier_packs_too(void)
{
    em_bert bert;

    make(&(em_synth){.labels = 3});
    em_pack *p = packed(EM_PRECISION_INT8, NULL, 0);
    CHECK_OK(em_bert_bind(em_pack_model(p), em_pack_image(p), &bert));
    CHECK(bert.classifier.layout == EM_LAYOUT_PANEL16 && bert.classifier.rows == 3);
    em_pack_free(p);
}

/* Puts the bits of a float into the first number of a tensor. */
static void spoil(const char *name, uint32_t bits)
{
    const char *path = folder_path("m/model.safetensors");
    EM_DROP(em_safetensors) tensors = {0};
    em_bytes file = test_file(path);
    uint8_t *copy = test_alloc(file.len);

    if (em_safetensors_open(file, path, &problem, &tensors) != EM_OK) abort();
    const uint8_t *at = em_safetensors_find(&tensors, name)->data.at;
    memcpy(copy, file.at, file.len);
    memcpy(copy + (at - file.at), &bits, sizeof bits);
    folder_write(path, em_view(copy, file.len));
}

static void numbers_that_do_not_fit_are_named(void)
{
    static const char up[] = "encoder.layer.0.intermediate.dense.weight";
    const em_pack_options bf16 = {.precision = EM_PRECISION_BF16};
    const em_pack_options int8 = {.precision = EM_PRECISION_INT8};
    em_pack *p = NULL;

    make(&(em_synth){0});
    spoil(up, 0x7F7FFFFFu); /* the greatest f32 */
    CHECK_PROBLEM(em_pack_folder(folder_path("m"), &bf16, &problem, &p),
                  EM_ERR_MODEL_MALFORMED, "intermediate.dense.weight", "too large");
    CHECK_PROBLEM(em_pack_folder(folder_path("m"), &int8, &problem, &p),
                  EM_ERR_MODEL_MALFORMED, "overflows");
    spoil(up, 0x7FC00000u);
    CHECK_PROBLEM(em_pack_folder(folder_path("m"), &int8, &problem, &p),
                  EM_ERR_MODEL_MALFORMED, "intermediate.dense.weight", "not finite");
    CHECK(p == NULL);
}

int main(void)
{
    folder_begin();
    RUN(smaller_weights_give_nearly_the_same);
    RUN(every_quantised_matrix_stands_for_its_weights);
    RUN(a_publishers_own_texts_decide_the_bytes);
    RUN(a_classifier_packs_too);
    RUN(numbers_that_do_not_fit_are_named);
    return test_end();
}
