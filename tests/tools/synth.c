/* The model of our own making: the same bytes everywhere, and a working model. */
#include "tools/synth.h"

#include "base/write.h"
#include "crypto/setup.h"
#include "crypto/sha2.h"
#include "engine/bert.h"
#include "engine/wordpiece.h"
#include "tests/tools/folder.h"
#include "tools/pack.h"

static const em_synth plain = {0};

/* Pinned: another machine, compiler or year gives this model too. */
static void the_same_bytes_everywhere(void)
{
    static const struct {
        const char *name, *sha256;
    } files[] = {{"model.safetensors",
                  "69ed09bbbbb0bfd79fcd4f328241b1f51163bce6dd64ca0846208ce296d1aafb"},
                 {"tokenizer.json",
                  "004d987e4e99ceb090ce34e3ddde3e53ff21dab00503bd1effcd37ee7eb61b6f"},
                 {"config.json",
                  "6d0b9d052ba1a00c7d1c9f28df5a9357e709f62b448f2696b586358fee10fb8e"}};
    uint8_t hash[32];

    CHECK_OK(em_synth_write(folder_path("m"), &plain, &problem));
    for (size_t i = 0; i < EM_COUNT(files); i++) {
        em_sha2_256(test_file(folder_path("m/%s", files[i].name)), hash);
        char hex[65] = {0};
        em_out o = em_out_over(hex, 64);
        em_write_hex(&o, EM_BYTES(hash));
        test_note("%s %s", files[i].name, hex);
        CHECK(strcmp(hex, files[i].sha256) == 0);
    }
    CHECK_OK(em_synth_write(folder_path("m"), &plain, &problem)); /* again: replaced */
}

static void options_have_limits(void)
{
    em_synth deep = {.layers = 49}, wide = {.hidden = 4097}, thin = {.heads = 65},
             many = {.shards = 33};

    CHECK_PROBLEM(em_synth_write(folder_path("x"), &deep, &problem), EM_ERR_LIMIT, "x");
    CHECK_PROBLEM(em_synth_write(folder_path("x"), &wide, &problem), EM_ERR_LIMIT, "x");
    CHECK_PROBLEM(em_synth_write(folder_path("x"), &thin, &problem), EM_ERR_LIMIT, "x");
    CHECK_PROBLEM(em_synth_write(folder_path("x"), &many, &problem), EM_ERR_LIMIT, "x");
    folder_write(folder_path("file"), EM_STR("x"));
    CHECK(em_synth_write(folder_path("file"), &plain, &problem) != EM_OK);
}

/* ---- it works ---- */

enum { DIM = 64 };

typedef struct model {
    em_pack *pack;
    em_wordpiece tokenizer;
    em_bert bert;
    em_plan plan;
    em_kernels kernels;
    void *scratch;
} model;

static void load(model *m)
{
    em_plan_limits limits = {.tokens = 64, .sequences = 1, .workers = 1};

    if (em_pack_folder(folder_path("m"), NULL, &problem, &m->pack) != EM_OK ||
        em_wordpiece_open(em_pack_tokenizer(m->pack), &m->tokenizer) != EM_OK ||
        em_bert_bind(em_pack_model(m->pack), em_pack_image(m->pack), &m->bert) != EM_OK ||
        em_plan_bert(&em_pack_model(m->pack)->shape, limits, &m->plan) != EM_OK)
        abort();
    em_kernels_pick(&m->kernels, 0);
    m->scratch = aligned_alloc(64, (m->plan.scratch + 63) / 64 * 64);
}

static uint32_t embed(model *m, const char *text, float out[DIM])
{
    uint32_t ids[64], start[2] = {0}, unknown = 0;
    size_t n, all;
    em_jobs jobs = em_jobs_inline();

    if (em_wordpiece_encode(&m->tokenizer, em_view(text, strlen(text)), 64, ids, &n,
                            &all) != EM_OK)
        abort();
    for (size_t i = 0; i < n; i++) unknown += ids[i] == m->tokenizer.unk;
    start[1] = (uint32_t)n;
    em_bert_batch batch = {.ids = ids, .start = start, .n = 1};
    if (em_bert_embed(&m->bert, &m->kernels, &jobs, &m->plan, m->scratch, &batch, out) !=
        EM_OK)
        abort();
    return unknown;
}

static float dot(const float *a, const float *b)
{
    float sum = 0;

    for (size_t i = 0; i < DIM; i++) sum += a[i] * b[i];
    return sum;
}

static void texts_that_share_words_lie_nearer(void)
{
    static model m;
    float cat[DIM], again[DIM], cat2[DIM], bank[DIM];

    load(&m);
    CHECK(embed(&m, "The cat sat on the mat.", cat) == 0);
    CHECK(embed(&m, "The cat sat on the mat.", again) == 0);
    CHECK(embed(&m, "A cat is on the mat!", cat2) == 0);
    CHECK(embed(&m, "Contract law and court data", bank) == 0);
    CHECK(memcmp(cat, again, sizeof cat) == 0);
    CHECK(dot(cat, cat) > 0.9999f && dot(cat, cat) < 1.0001f);
    CHECK(dot(cat, cat2) > dot(cat, bank) + 0.1f);
    free(m.scratch);
    em_pack_free(m.pack);
}

static void nothing_in_ascii_is_unknown(void)
{
    static model m;
    float out[DIM];
    char text[2] = {0};

    load(&m);
    for (char c = ' '; c <= '~'; c++) {
        text[0] = c;
        test_note("'%c'", c);
        CHECK(embed(&m, text, out) == 0);
    }
    CHECK(embed(&m, "Zyxw 98%~", out) == 0);
    CHECK(embed(&m, "\xE2\x82\xAC", out) == 1);
    free(m.scratch);
    em_pack_free(m.pack);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    folder_begin();
    RUN(the_same_bytes_everywhere);
    RUN(options_have_limits);
    RUN(texts_that_share_words_lie_nearer);
    RUN(nothing_in_ascii_is_unknown);
    return test_end();
}
