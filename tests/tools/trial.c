/* Models run outside an enclave: what a publisher sees, the comparison with systems that
 * pad, and what is refused. */
#include "tools/trial.h"

#include "crypto/setup.h"
#include "os/cpu.h"
#include "tests/tools/folder.h"
#include "tools/synth.h"

#include <math.h>

enum { MOST = 512 };

static em_pack *pack;
static em_trial trial;

static void open_folder(const char *folder, size_t workers, unsigned cpu)
{
    if (em_pack_folder(folder, NULL, &problem, &pack) != EM_OK ||
        em_trial_open(pack, workers, cpu, &problem, &trial) != EM_OK) {
        printf("  %s\n", problem.text);
        abort();
    }
}

static void open_synth(const em_synth *options)
{
    const char *path = folder_path("m");

    if (em_file_exists(path) && em_file_remove_tree(path) != EM_OK) abort();
    if (em_synth_write(path, options, &problem) != EM_OK) abort();
    open_folder(path, 2, em_cpu_detect());
}

static void close_model(void)
{
    em_trial_drop(&trial);
    em_pack_free(pack);
    pack = NULL;
}

static em_trial_ask text(const char *at, uint32_t pad)
{
    return (em_trial_ask){.text = em_view(at, strlen(at)), .pad = pad};
}

static em_trial_ask both(const char *first, const char *second)
{
    return (em_trial_ask){.text = em_view(first, strlen(first)),
                          .has_pair = true,
                          .pair = em_view(second, strlen(second))};
}

static double norm_of(const float *row, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) sum += (double)row[i] * (double)row[i];
    return sqrt(sum);
}

static void embeddings_are_normalised(void)
{
    float a[MOST], b[MOST];
    em_trial_size size;
    em_trial_ask ask = text("the quick brown fox", 0), cut = ask;
    char many[500];

    open_synth(&(em_synth){0});
    CHECK_OK(em_trial_run(&trial, &ask, &problem, a, &size));
    CHECK(size.tokens == 6 && !size.truncated && fabs(norm_of(a, 64) - 1) < 1e-6);
    ask = text("the lazy fox", 0);
    CHECK_OK(em_trial_run(&trial, &ask, &problem, b, &size));
    CHECK(size.tokens == 5 && memcmp(a, b, 64 * sizeof *a) != 0);
    memset(many, 'a', sizeof many);
    for (size_t i = 1; i < sizeof many; i += 2) many[i] = ' ';
    cut.text = em_view(many, sizeof many);
    CHECK_OK(em_trial_run(&trial, &cut, &problem, a, &size));
    CHECK(size.tokens == 64 && size.truncated);
    close_model();
}

/* The same text in a batch of its own with padding that attention sees. */
static void padding_without_a_mask(void)
{
    float plain[MOST], exact[MOST], padded[MOST], more[MOST];
    em_trial_size size;
    em_trial_ask ask = text("the quick brown fox", 0);

    open_synth(&(em_synth){0});
    CHECK_OK(em_trial_run(&trial, &ask, &problem, plain, &size));
    ask.pad = size.tokens; /* nothing is padded: the right vector, not normalised */
    CHECK_OK(em_trial_run(&trial, &ask, &problem, exact, &size));
    double norm = norm_of(exact, 64), worst = 0;
    for (size_t i = 0; i < 64; i++)
        worst = fmax(worst, fabs((double)exact[i] / norm - (double)plain[i]));
    CHECK(worst < 1e-6 && fabs(norm - 1) > 0.01);
    ask.pad = 32;
    CHECK_OK(em_trial_run(&trial, &ask, &problem, padded, &size));
    CHECK(size.tokens == 6 && memcmp(padded, exact, 64 * sizeof *exact) != 0);
    ask.pad = 64;
    CHECK_OK(em_trial_run(&trial, &ask, &problem, more, &size));
    CHECK(memcmp(padded, more, 64 * sizeof *more) != 0);
    ask.pad = 3; /* and what is longer is cut there */
    CHECK_OK(em_trial_run(&trial, &ask, &problem, more, &size));
    CHECK(size.tokens == 3 && size.truncated);
    ask.pad = 0; /* it leaves nothing behind */
    CHECK_OK(em_trial_run(&trial, &ask, &problem, more, &size));
    CHECK(memcmp(plain, more, 64 * sizeof *more) == 0);
    close_model();
}

static void scores_and_pairs(void)
{
    float one[3], pair[3], swapped[3];
    em_trial_size size;
    em_trial_ask ask = text("the quick brown fox", 0);

    open_synth(&(em_synth){.labels = 3});
    CHECK_OK(em_trial_run(&trial, &ask, &problem, one, &size));
    CHECK(fabsf(one[0] + one[1] + one[2] - 1) < 1e-6f && size.tokens == 6);
    CHECK(strcmp(em_trial_label(&trial, 2), "kind 2") == 0);
    ask = both("the quick brown fox", "the lazy fox");
    CHECK_OK(em_trial_run(&trial, &ask, &problem, pair, &size));
    CHECK(size.tokens == 10 && !size.truncated && memcmp(one, pair, sizeof one) != 0);
    ask = both("the lazy fox", "the quick brown fox");
    CHECK_OK(em_trial_run(&trial, &ask, &problem, swapped, &size));
    CHECK(memcmp(swapped, pair, sizeof pair) != 0);
    close_model();
}

/* The head stays f32, whatever the layers are. */
static void scores_in_every_precision(void)
{
    float f32[3], row[3];
    em_trial_size size;
    em_trial_ask ask = both("the quick brown fox", "the lazy fox");

    open_synth(&(em_synth){.labels = 3, .activation = "Identity"});
    CHECK_OK(em_trial_run(&trial, &ask, &problem, f32, &size));
    close_model();
    for (em_precision p = EM_PRECISION_BF16; p <= EM_PRECISION_INT8; p++) {
        const em_pack_options options = {.precision = p};
        double most = 0;
        CHECK_OK(em_pack_folder(folder_path("m"), &options, &problem, &pack));
        CHECK_OK(em_trial_open(pack, 1, em_cpu_detect(), &problem, &trial));
        CHECK_OK(em_trial_run(&trial, &ask, &problem, row, &size));
        for (size_t i = 0; i < 3; i++)
            most = fmax(most, fabs((double)row[i] - (double)f32[i]));
        test_note("precision %d: %g", (int)p, most);
        CHECK(most < 0.01);
        close_model();
    }
}

static void what_is_refused(void)
{
    float row[MOST];
    em_trial_size size;
    em_trial_ask ask = text("x", 65), bad = text("\xFF", 0), pair = both("x", "y");

    open_synth(&(em_synth){0});
    CHECK_PROBLEM(em_trial_run(&trial, &ask, &problem, row, &size), EM_ERR_RANGE,
                  "2 to 64 tokens, not 65");
    ask.pad = 1;
    CHECK_ERR(em_trial_run(&trial, &ask, &problem, row, &size), EM_ERR_RANGE);
    CHECK_ERR(em_trial_run(&trial, &bad, &problem, row, &size), EM_ERR_CBOR_NOT_UTF8);
    bad = both("x", "\xFF");
    CHECK_ERR(em_trial_run(&trial, &bad, &problem, row, &size), EM_ERR_CBOR_NOT_UTF8);
    pair.pad = 32;
    CHECK_PROBLEM(em_trial_run(&trial, &pair, &problem, row, &size), EM_ERR_UNSUPPORTED,
                  "single texts");
    close_model();
    open_synth(&(em_synth){.labels = 1});
    ask.pad = 32;
    CHECK_PROBLEM(em_trial_run(&trial, &ask, &problem, row, &size), EM_ERR_UNSUPPORTED,
                  "embeddings of single texts");
    close_model();
}

/* What the reference system published for this text, and what is right. */
static void the_references_vector(void)
{
    static const float theirs[] = {.65851f,  .39070f,  -.05510f, .03667f,
                                   -.43576f, -.25200f, -.09158f, -.90036f},
                       right[] = {.08205f, .03606f, -.00389f, -.00488f, .02565f};
    const char *folder = test_minilm();
    const unsigned levels[] = {0, em_cpu_detect()};
    float row[MOST], first[MOST];
    em_trial_size size;

    if (folder == NULL) {
        test_skip("the_references_vector", "no all-MiniLM-L6-v2 here (mk/model.sh)");
        return;
    }
    for (size_t l = 0; l < EM_COUNT(levels); l++) {
        em_trial_ask ask = text("What is the capital of France?", 128);
        open_folder(folder, l + 1, levels[l]);
        CHECK_OK(em_trial_run(&trial, &ask, &problem, row, &size));
        CHECK(size.tokens == 9 && fabs(norm_of(row, 384) - 7.866780) < 2e-5);
        for (size_t i = 0; i < EM_COUNT(theirs); i++)
            CHECK(fabsf(row[i] - theirs[i]) < 2e-5f);
        if (l > 0) CHECK(memcmp(row, first, 384 * sizeof *row) == 0);
        memcpy(first, row, sizeof first);
        ask.pad = 0;
        CHECK_OK(em_trial_run(&trial, &ask, &problem, row, &size));
        CHECK(size.tokens == 9 && fabs(norm_of(row, 384) - 1) < 1e-6);
        for (size_t i = 0; i < EM_COUNT(right); i++)
            CHECK(fabsf(row[i] - right[i]) < 2e-5f);
        close_model();
    }
}

int main(void)
{
    if (em_setup() != EM_OK) abort();
    folder_begin();
    RUN(embeddings_are_normalised);
    RUN(padding_without_a_mask);
    RUN(scores_and_pairs);
    RUN(scores_in_every_precision);
    RUN(what_is_refused);
    RUN(the_references_vector);
    return test_end();
}
