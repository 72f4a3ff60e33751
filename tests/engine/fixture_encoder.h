/* fixture_encoder.h - small random encoders and ragged texts for them.
 *
 * Trust:  test code only.
 * Memory: from test_alloc, freed at exit.
 */
#ifndef EM_TESTS_ENGINE_FIXTURE_ENCODER_H
#define EM_TESTS_ENGINE_FIXTURE_ENCODER_H

#include "tests/engine/fixture.h"

typedef struct small {
    uint32_t layers, hidden, heads, intermediate, vocab;
    em_pooling pooling;
    bool normalize;
} small;

static const small shapes[] = {
    {2, 32, 4, 64, 50, EM_POOLING_MEAN, true},   /* all whole panels but the head */
    {2, 64, 4, 128, 97, EM_POOLING_CLS, true},   /* heads of one panel */
    {1, 36, 3, 50, 33, EM_POOLING_MEAN, false},  /* nothing is a multiple of 16 */
    {3, 40, 1, 70, 64, EM_POOLING_MEAN, true},   /* one head wider than two panels */
    {1, 33, 11, 17, 7, EM_POOLING_CLS, false},   /* heads of 3 */
    {1, 128, 1, 512, 20, EM_POOLING_MEAN, true}, /* the widest head; rows 2 KiB apart */
};

enum { POSITIONS = 80, MOST = 400, MOST_SEQUENCES = 24 };

static inline em_model_shape shape_of(const small *s, em_precision precision)
{
    return (em_model_shape){.arch = EM_ARCH_BERT,
                            .precision = precision,
                            .activation = EM_ACTIVATION_NONE,
                            .pooling = s->pooling,
                            .normalize = s->normalize,
                            .layers = s->layers,
                            .hidden = s->hidden,
                            .heads = s->heads,
                            .intermediate = s->intermediate,
                            .vocab = s->vocab,
                            .positions = POSITIONS,
                            .types = 2,
                            .max_tokens = POSITIONS - 3,
                            .norm_eps_bits = 0x3727C5AC /* 1e-5 */};
}

typedef struct encoder {
    fixture_model m;
    em_bert *bert;
    em_plan plan;
    void *scratch;
} encoder;

static inline encoder make(const em_model_shape *shape, uint64_t seed, uint32_t workers)
{
    encoder e = {.m = fixture_layout(shape), .bert = test_alloc(sizeof(em_bert))};
    em_plan_limits limits = {MOST, MOST_SEQUENCES, workers};

    fixture_randomise(&e.m, seed);
    if (em_bert_bind(&e.m.model, em_view(e.m.at, e.m.len), e.bert) != EM_OK) abort();
    if (em_plan_bert(shape, limits, &e.plan) != EM_OK) abort();
    e.scratch = fixture_aligned(e.plan.scratch);
    memset(e.scratch, 0xFF, e.plan.scratch); /* NaNs: nothing may come from there */
    return e;
}

typedef struct texts {
    uint32_t ids[MOST], start[MOST_SEQUENCES + 1], n;
} texts;

/* Ragged: one token, the longest there may be, and whatever comes. */
static inline texts some_texts(const em_model_shape *shape, uint64_t seed)
{
    texts t = {0};
    test_random r = {seed};

    while (t.n < MOST_SEQUENCES) {
        uint32_t at = t.start[t.n], len = 1 + (uint32_t)(test_random_next(&r) % 40);
        if (t.n == 1) len = 1;
        if (t.n == 3) len = shape->max_tokens;
        if (at + len > MOST) break;
        for (uint32_t i = 0; i < len; i++)
            t.ids[at + i] = (uint32_t)(test_random_next(&r) % shape->vocab);
        t.start[++t.n] = at + len;
    }
    return t;
}

#endif
