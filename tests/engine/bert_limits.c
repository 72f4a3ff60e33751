/* What the encoder refuses, plans, pools and packs. */
#include "engine/pool.h"
#include "tests/engine/fixture_encoder.h"

#include <math.h>

/* ---- refusals ---- */

static void hostile_tensors_are_refused(void)
{
    em_model_shape shape = shape_of(&shapes[2], EM_PRECISION_F32);
    encoder e = make(&shape, 14, 1);
    em_bytes image = em_view(e.m.at, e.m.len);
    em_bert *b = test_alloc(sizeof *b);
    em_model m = e.m.model;

    memset(b, 0x77, sizeof *b);
    for (uint32_t i = 0; i < m.n; i++) {
        em_tensor *t = &e.m.tensor[i], kept = *t;
        test_note("tensor %u", i);
#define REFUSED(change, error)                                                           \
    do {                                                                                 \
        change;                                                                          \
        CHECK_ERR(em_bert_bind(&m, image, b), error);                                    \
        *t = kept;                                                                       \
    } while (0)
        REFUSED(t->name.len--, EM_ERR_MODEL_SHAPE);
        REFUSED(t->name = EM_STR("wrod"), EM_ERR_MODEL_SHAPE);
        REFUSED(t->rows++, EM_ERR_MODEL_SHAPE);
        REFUSED(t->cols--, EM_ERR_MODEL_SHAPE);
        REFUSED((t->rows = kept.cols, t->cols = kept.rows, t->rows += t->rows == t->cols),
                EM_ERR_MODEL_SHAPE);
        REFUSED(t->layout = (em_layout)(3 - (int)t->layout), EM_ERR_MODEL_SHAPE);
        REFUSED(t->len -= 4, EM_ERR_MODEL_SHAPE);
        REFUSED(t->len += (uint64_t)1 << 32, EM_ERR_MODEL_SHAPE);
        REFUSED(t->offset += 4, EM_ERR_MODEL_MALFORMED);
        REFUSED(t->offset = image.len, EM_ERR_MODEL_MALFORMED);
        REFUSED(t->offset = image.len - t->len / 64 * 64 + 64, EM_ERR_MODEL_MALFORMED);
        REFUSED(t->offset = UINT64_MAX - 63, EM_ERR_MODEL_MALFORMED);
        if (i > 0) REFUSED(t->offset -= 64, EM_ERR_MODEL_MALFORMED);
#undef REFUSED
    }
    for (size_t len = 0; len < image.len; len += 64)
        CHECK_ERR(em_bert_bind(&m, em_view(image.at, len), b), EM_ERR_MODEL_MALFORMED);
    m.n--;
    CHECK_ERR(em_bert_bind(&m, image, b), EM_ERR_MODEL_SHAPE);
    m.n = 0;
    CHECK_ERR(em_bert_bind(&m, image, b), EM_ERR_MODEL_SHAPE);
    m.n = e.m.model.n;
    CHECK_ERR(em_bert_bind(&m, em_view(image.at + 4, image.len - 4), b), EM_ERR_ARGUMENT);
    for (size_t i = 0; i < sizeof *b; i++) CHECK(((uint8_t *)b)[i] == 0x77);
}

static void hostile_shapes_are_refused(void)
{
    em_model_shape good = shape_of(&shapes[0], EM_PRECISION_F32), s = good;
    em_bert_want want;

#define REFUSED(change, error)                                                           \
    do {                                                                                 \
        s = good;                                                                        \
        change;                                                                          \
        CHECK_ERR(em_plan_check(&s), error);                                             \
        CHECK_ERR(em_bert_tensors_wanted(&s, 0, &want), error);                          \
    } while (0)
    REFUSED(s.arch = (em_arch)9, EM_ERR_UNSUPPORTED);
    REFUSED(s.precision = (em_precision)4, EM_ERR_UNSUPPORTED);
    REFUSED(s.precision = (em_precision)0, EM_ERR_UNSUPPORTED);
    REFUSED(s.labels = EM_MAX_LABELS + 1, EM_ERR_LIMIT);
    REFUSED(s.activation = (em_activation)0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.activation = (em_activation)4, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.pooling = (em_pooling)0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.layers = 0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.layers = EM_MAX_LAYERS + 1, EM_ERR_LIMIT);
    REFUSED(s.hidden = 0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.hidden = EM_MAX_HIDDEN + 4, EM_ERR_LIMIT);
    REFUSED(s.hidden = UINT32_MAX, EM_ERR_LIMIT);
    REFUSED(s.heads = 0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.heads = 5, EM_ERR_MODEL_MALFORMED);
    REFUSED((s.hidden = 258, s.heads = 2), EM_ERR_LIMIT);
    REFUSED(s.intermediate = EM_MAX_INTERMEDIATE + 1, EM_ERR_LIMIT);
    REFUSED(s.vocab = EM_MAX_VOCAB + 1, EM_ERR_LIMIT);
    REFUSED(s.vocab = 0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.positions = EM_MAX_POSITIONS + 1, EM_ERR_LIMIT);
    REFUSED(s.types = 0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.types = EM_MAX_TYPES + 1, EM_ERR_LIMIT);
    REFUSED(s.max_tokens = 0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.max_tokens = s.positions + 1, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.norm_eps_bits = 0, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.norm_eps_bits = 0x3F800000, EM_ERR_MODEL_MALFORMED);
    REFUSED(s.norm_eps_bits = 0xB727C5AC, EM_ERR_MODEL_MALFORMED);
#undef REFUSED
    CHECK_ERR(em_bert_tensors_wanted(&good, em_bert_tensors_count(&good), &want),
              EM_ERR_RANGE);
    CHECK_OK(em_bert_tensors_wanted(&good, 5 + 12 + 11, &want));
    CHECK(strcmp(want.name, "1.down.norm.bias") == 0 && want.layer == 1);
    good.layers = EM_MAX_LAYERS;
    CHECK(em_bert_tensors_count(&good) <= EM_MAX_TENSORS);
}

static void bad_batches_are_refused(void)
{
    em_model_shape shape = shape_of(&shapes[0], EM_PRECISION_F32);
    encoder e = make(&shape, 15, 2);
    em_jobs jobs = em_jobs_inline();
    em_kernels k;
    uint32_t ids[MOST + 1] = {0}, start[MOST_SEQUENCES + 2] = {0, 3, 5};
    float out[64];
    em_bert_batch batch = {.ids = ids, .start = start, .n = 2};

    em_kernels_pick(&k, fixture_cpu());
    memset(out, 0x55, sizeof out);
#define EMBED() em_bert_embed(e.bert, &k, &jobs, &e.plan, e.scratch, &batch, out)
    ids[4] = shape.vocab;
    CHECK_ERR(EMBED(), EM_ERR_REQUEST_MALFORMED);
    ids[4] = UINT32_MAX;
    CHECK_ERR(EMBED(), EM_ERR_REQUEST_MALFORMED);
    ids[4] = 0;
    start[2] = 3; /* empty */
    CHECK_ERR(EMBED(), EM_ERR_REQUEST_MALFORMED);
    start[2] = 1; /* backwards */
    CHECK_ERR(EMBED(), EM_ERR_REQUEST_MALFORMED);
    start[2] = 3 + shape.max_tokens + 1;
    CHECK_ERR(EMBED(), EM_ERR_REQUEST_MALFORMED);
    start[2] = 5, start[0] = 1;
    CHECK_ERR(EMBED(), EM_ERR_ARGUMENT);
    start[0] = 0;
    for (uint32_t i = 0; i < 6; i++) start[i + 1] = (i + 1) * 70;
    batch.n = 6; /* 420 tokens */
    CHECK_ERR(EMBED(), EM_ERR_LIMIT);
    for (uint32_t i = 0; i <= MOST_SEQUENCES; i++) start[i + 1] = i + 1;
    batch.n = MOST_SEQUENCES + 1;
    CHECK_ERR(EMBED(), EM_ERR_LIMIT);
    batch.n = 2, jobs.workers = 3;
    CHECK_ERR(EMBED(), EM_ERR_ARGUMENT);
    jobs.workers = 1, e.plan.scratch -= 64;
    CHECK_ERR(EMBED(), EM_ERR_ARGUMENT);
    e.plan.scratch += 64, batch.n = 0;
    CHECK_OK(EMBED());
    for (size_t i = 0; i < sizeof out; i++) CHECK(((uint8_t *)out)[i] == 0x55);
#undef EMBED
}

static void a_plan_is_bounded(void)
{
    em_plan p;
    em_model_shape s = fixture_minilm_shape;

    CHECK_OK(em_plan_bert(&s, (em_plan_limits){512, 32, 2}, &p));
    CHECK(p.scratch < 6 << 20);
    printf("MiniLM, 512 tokens, 2 workers: %zu bytes of scratch\n", p.scratch);
    CHECK_ERR(em_plan_bert(&s, (em_plan_limits){0, 1, 1}, &p), EM_ERR_LIMIT);
    CHECK_ERR(em_plan_bert(&s, (em_plan_limits){8, 0, 1}, &p), EM_ERR_LIMIT);
    CHECK_ERR(em_plan_bert(&s, (em_plan_limits){8, 9, 1}, &p), EM_ERR_LIMIT);
    CHECK_ERR(em_plan_bert(&s, (em_plan_limits){8, 1, 0}, &p), EM_ERR_LIMIT);
    CHECK_ERR(em_plan_bert(&s, (em_plan_limits){UINT32_MAX, 1, 1}, &p), EM_ERR_LIMIT);
    CHECK_ERR(em_plan_bert(&s, (em_plan_limits){8, 1, EM_MAX_WORKERS + 1}, &p),
              EM_ERR_LIMIT);
    s.heads = 7;
    CHECK_ERR(em_plan_bert(&s, (em_plan_limits){8, 1, 1}, &p), EM_ERR_MODEL_MALFORMED);
}

static void rows_are_pooled_and_normalised(void)
{
    float rows[3][20], out[20], sum = 0;

    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 20; j++) rows[i][j] = (float)(i * j) - 7.0f;
    em_pool_mean(rows[0], 20, 3, 20, out);
    for (size_t j = 0; j < 20; j++) CHECK(out[j] == (float)j - 7.0f);
    em_pool_finish(out, 20, false);
    for (size_t j = 0; j < 20; j++) CHECK(out[j] == (float)j - 7.0f);
    em_pool_finish(out, 20, true);
    for (size_t j = 0; j < 20; j++) sum += out[j] * out[j];
    CHECK(fabsf(sum - 1) < 1e-6f);

    float zero[3] = {0}, tiny[3] = {0, 3e-13f, -4e-13f}, small_[3] = {3e-5f, 0, 4e-5f};
    em_pool_finish(zero, 3, true);
    CHECK(zero[0] == 0 && zero[1] == 0 && zero[2] == 0);
    em_pool_finish(tiny, 3, true); /* divided by 1e-12, not by its length */
    CHECK(tiny[0] == 0 && fabsf(tiny[1] - 0.3f) < 1e-6f && fabsf(tiny[2] + 0.4f) < 1e-6f);
    em_pool_finish(small_, 3, true);
    CHECK(fabsf(small_[0] - 0.6f) < 1e-6f && fabsf(small_[2] - 0.8f) < 1e-6f);

    static const float bad[] = {INFINITY, -INFINITY, NAN, 2e19f};
    for (size_t i = 0; i < EM_COUNT(bad); i++)
        for (int normalize = 0; normalize < 2; normalize++) {
            float row[3] = {1, bad[i], 2};
            em_pool_finish(row, 3, normalize != 0);
            for (size_t j = 0; j < 3; j++) {
                uint32_t bits;
                memcpy(&bits, &row[j], sizeof bits);
                CHECK(bits == 0x7FC00000u);
            }
        }
}

static void panels_hold_every_row(void)
{
    float rows[21 * 5], out[32 * 5] = {0};
    uint16_t half[32 * 5] = {0};
    int8_t small_rows[21 * 5], bytes[32 * 8] = {0};

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        rows[i] = (float)(i + 1);
        small_rows[i] = (int8_t)(i + 1);
    }
    em_panel_pack(rows, 5, 10, 5, 0, out);
    em_panel_pack(rows + 50, 5, 11, 5, 10, out);
    em_panel_pack_bf16(rows, 5, 10, 5, 0, half);
    em_panel_pack_bf16(rows + 50, 5, 11, 5, 10, half);
    em_panel_pack_int8(small_rows, 5, 10, 5, 0, bytes);
    em_panel_pack_int8(small_rows + 50, 5, 11, 5, 10, bytes);
    for (size_t r = 0; r < 32; r++)
        for (size_t c = 0; c < 8; c++) {
            float want = r < 21 && c < 5 ? rows[r * 5 + c] : 0;
            size_t at = (r / 16 * 5 + c) * 16 + r % 16;

            CHECK((float)bytes[((r / 16 * 2 + c / 4) * 16 + r % 16) * 4 + c % 4] == want);
            if (c >= 5) continue;
            CHECK(out[at] == want);
            CHECK(half[at] == em_panel_bf16(want)); /* 1 .. 105 are bf16 */
        }
}

static void bf16_is_the_nearest(void)
{
    static const struct {
        uint32_t from;
        uint16_t to;
    } rows[] = {{0x3F800000, 0x3F80}, {0x3F808000, 0x3F80}, {0x3F808001, 0x3F81},
                {0x3F818000, 0x3F82}, {0x80000000, 0x8000}, {0x00008001, 0x0001},
                {0x7F7FFFFF, 0x7F80}, {0xFF800000, 0xFF80}, {0x7F800001, 0x7FC0},
                {0xFFC12345, 0xFFC1}};

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        float f;
        memcpy(&f, &rows[i].from, sizeof f);
        test_note("%08x", rows[i].from);
        CHECK(em_panel_bf16(f) == rows[i].to);
    }
}

int main(void)
{
    RUN(hostile_tensors_are_refused);
    RUN(hostile_shapes_are_refused);
    RUN(bad_batches_are_refused);
    RUN(a_plan_is_bounded);
    RUN(rows_are_pooled_and_normalised);
    RUN(panels_hold_every_row);
    RUN(bf16_is_the_nearest);
    return test_end();
}
