/* fixture_minilm.h - the real model out of its published file.
 *
 * Trust:  test code only.
 * Memory: from test_alloc, freed at exit.
 */
#ifndef EM_TESTS_ENGINE_FIXTURE_MINILM_H
#define EM_TESTS_ENGINE_FIXTURE_MINILM_H

#include "tests/engine/fixture.h"

#include <jansson.h>

static inline const float *fixture_find(json_t *head, em_bytes data, const char *name,
                                        size_t floats)
{
    json_t *offsets = json_object_get(json_object_get(head, name), "data_offsets");
    size_t first = (size_t)json_integer_value(json_array_get(offsets, 0));
    size_t end = (size_t)json_integer_value(json_array_get(offsets, 1));

    if (end > data.len || first > end || end - first != floats * sizeof(float)) {
        printf("no tensor %s of %zu floats\n", name, floats);
        abort();
    }
    return (const float *)(const void *)(data.at + first);
}

/* Reads model.safetensors with as little care as a trusted file needs. */
static inline fixture_model fixture_load_minilm(const char *dir)
{
    static const char *names[] = {
        [EM_BERT_WORD] = "embeddings.word_embeddings.weight",
        [EM_BERT_POSITION] = "embeddings.position_embeddings.weight",
        [EM_BERT_TYPE] = "embeddings.token_type_embeddings.weight",
        [EM_BERT_NORM] = "embeddings.LayerNorm.weight",
        [EM_BERT_NORM_BIAS] = "embeddings.LayerNorm.bias",
        [EM_BERT_QKV] = "attention.self.query.weight",
        [EM_BERT_QKV_BIAS] = "attention.self.query.bias",
        [EM_BERT_OUT] = "attention.output.dense.weight",
        [EM_BERT_OUT_BIAS] = "attention.output.dense.bias",
        [EM_BERT_OUT_NORM] = "attention.output.LayerNorm.weight",
        [EM_BERT_OUT_NORM_BIAS] = "attention.output.LayerNorm.bias",
        [EM_BERT_UP] = "intermediate.dense.weight",
        [EM_BERT_UP_BIAS] = "intermediate.dense.bias",
        [EM_BERT_DOWN] = "output.dense.weight",
        [EM_BERT_DOWN_BIAS] = "output.dense.bias",
        [EM_BERT_DOWN_NORM] = "output.LayerNorm.weight",
        [EM_BERT_DOWN_NORM_BIAS] = "output.LayerNorm.bias",
    };
    static const char *thirds[] = {"query", "key", "value"};
    fixture_model m = fixture_layout(&fixture_minilm_shape);
    char name[1200];
    snprintf(name, sizeof name, "%s/model.safetensors", dir);
    em_bytes file = test_file(name);
    uint64_t head_len;

    memcpy(&head_len, file.at, 8);
    json_t *head = json_loadb((const char *)file.at + 8, head_len, 0, NULL);
    em_bytes data = {file.at + 8 + head_len, file.len - 8 - head_len};

    for (uint32_t i = 0; i < m.model.n; i++) {
        const em_bert_want *w = &m.want[i];
        size_t n = (size_t)w->rows * w->cols;

        if (w->role == EM_BERT_QKV || w->role == EM_BERT_QKV_BIAS) {
            bool bias = w->role == EM_BERT_QKV_BIAS;
            for (size_t t = 0; t < 3; t++) {
                snprintf(name, sizeof name, "encoder.layer.%u.attention.self.%s.%s",
                         w->layer, thirds[t], bias ? "bias" : "weight");
                const float *rows = fixture_find(head, data, name, n / 3);
                if (bias)
                    memcpy(m.at + m.tensor[i].offset + t * (n / 3) * sizeof(float), rows,
                           n / 3 * sizeof(float));
                else
                    fixture_put(&m, i, rows, w->rows / 3, t * (w->rows / 3));
            }
            continue;
        }
        if (w->role < EM_BERT_QKV)
            snprintf(name, sizeof name, "%s", names[w->role]);
        else
            snprintf(name, sizeof name, "encoder.layer.%u.%s", w->layer, names[w->role]);
        fixture_put(&m, i, fixture_find(head, data, name, n), w->rows, 0);
    }
    json_decref(head);
    return m;
}

#endif
