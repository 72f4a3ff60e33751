#include "tools/synth_impl.h"

#include "base/write.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_NAME = 96, MAX_SHARDS = 32 };

/* How a tensor's numbers are made. */
typedef enum kind { WEIGHT, TABLE, BIAS, SCALE, IDS } kind;

typedef struct piece {
    char name[MAX_NAME]; /* as the file has it */
    uint32_t rows, cols; /* rows 0: one dimension */
    kind kind;
    uint64_t seed; /* of the usual name: no option changes a number */
} piece;

typedef struct list {
    const em_synth_maker *m;
    piece *piece;
    size_t n;
} list;

/* FNV-1a */
static uint64_t seed_of(const char *name)
{
    uint64_t h = 0xCBF29CE484222325u;

    for (; *name != 0; name++) h = (h ^ (uint8_t)*name) * 0x100000001B3u;
    return h;
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* ---- which tensors there are ---- */

static void add(list *l, const char *name, uint32_t rows, uint32_t cols, kind k)
{
    const em_synth *o = l->m->options;
    const char *end = strrchr(name, '.') + 1;
    piece *p = &l->piece[l->n++];

    *p = (piece){.rows = rows, .cols = cols, .kind = k, .seed = seed_of(name)};
    int keep = (int)strlen(name);
    const char *renamed = "";
    if (o->gamma_beta && strstr(name, "LayerNorm") != NULL) {
        keep = (int)(end - name);
        renamed = strcmp(end, "weight") == 0 ? "gamma" : "beta";
    }
    bool beside = strncmp(name, "classifier.", 11) == 0; /* the encoder, not in it */
    snprintf(p->name, sizeof p->name, "%s%.*s%s",
             o->bert_prefix && !beside ? "bert." : "", keep, name, renamed);
}

static void add_linear(list *l, const char *prefix, uint32_t rows, uint32_t cols)
{
    char name[MAX_NAME];

    snprintf(name, sizeof name, "%s.weight", prefix);
    add(l, name, rows, cols, WEIGHT);
    snprintf(name, sizeof name, "%s.bias", prefix);
    add(l, name, 0, rows, BIAS);
}

static void add_norm(list *l, const char *prefix)
{
    char name[MAX_NAME];

    snprintf(name, sizeof name, "%s.weight", prefix);
    add(l, name, 0, l->m->hidden, SCALE);
    snprintf(name, sizeof name, "%s.bias", prefix);
    add(l, name, 0, l->m->hidden, BIAS);
}

static void add_layer(list *l, uint32_t i)
{
    static const char *const square[] = {"attention.self.query", "attention.self.key",
                                         "attention.self.value",
                                         "attention.output.dense"};
    char name[MAX_NAME];
    const em_synth_maker *m = l->m;

    for (size_t k = 0; k < EM_COUNT(square); k++) {
        snprintf(name, sizeof name, "encoder.layer.%u.%s", i, square[k]);
        add_linear(l, name, m->hidden, m->hidden);
    }
    snprintf(name, sizeof name, "encoder.layer.%u.attention.output.LayerNorm", i);
    add_norm(l, name);
    snprintf(name, sizeof name, "encoder.layer.%u.intermediate.dense", i);
    add_linear(l, name, m->intermediate, m->hidden);
    snprintf(name, sizeof name, "encoder.layer.%u.output.dense", i);
    add_linear(l, name, m->hidden, m->intermediate);
    snprintf(name, sizeof name, "encoder.layer.%u.output.LayerNorm", i);
    add_norm(l, name);
}

static void add_all(list *l)
{
    const em_synth_maker *m = l->m;

    if (m->options->pooler) add(l, "embeddings.position_ids", 1, m->positions, IDS);
    add(l, "embeddings.word_embeddings.weight", m->vocab, m->hidden, TABLE);
    add(l, "embeddings.position_embeddings.weight", m->positions, m->hidden, WEIGHT);
    add(l, "embeddings.token_type_embeddings.weight", 2, m->hidden, WEIGHT);
    add_norm(l, "embeddings.LayerNorm");
    for (uint32_t i = 0; i < m->layers; i++) add_layer(l, i);
    if (m->options->pooler || m->options->labels > 0)
        add_linear(l, "pooler.dense", m->hidden, m->hidden);
    if (m->options->labels > 0)
        add_linear(l, "classifier", m->options->labels, m->hidden);
}

/* ---- bytes ---- */

static uint64_t count_of(const piece *p)
{
    return (uint64_t)(p->rows == 0 ? 1 : p->rows) * p->cols;
}

static const char *type_of(const list *l, const piece *p)
{
    if (p->kind == IDS) return "I64";
    return l->m->options->type != NULL ? l->m->options->type : "F32";
}

static uint64_t len_of(const list *l, const piece *p)
{
    const char *type = type_of(l, p);

    return count_of(p) * (p->kind == IDS ? 8 : strcmp(type, "F32") == 0 ? 4 : 2);
}

/* Eight significant bits and small exponents: F32, F16 and BF16 hold the same numbers. */
static float number(kind k, uint64_t *state)
{
    int32_t step = (int32_t)(next_random(state) >> 56) - 128; /* -128 .. 127 */

    if (k == TABLE) return (float)step / 128;
    if (k == SCALE) return 1 + (float)(step >> 4) / 128;
    return (float)step / 1024; /* small, so that the words themselves weigh most */
}

static void put_number(em_out *o, float value, const char *type)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 31, exponent = bits >> 23 & 0xFF, part = bits & 0x7FFFFF;
    if (strcmp(type, "F32") == 0) {
        em_write_le32(o, bits);
        return;
    }
    if (strcmp(type, "BF16") == 0) bits >>= 16;
    /* of the numbers above only zero has no place among the normal halves */
    else
        bits = sign << 15 | (exponent == 0 ? 0 : (exponent - 112) << 10) | part >> 13;
    em_write_u8(o, (uint8_t)bits);
    em_write_u8(o, (uint8_t)(bits >> 8));
}

static void put_piece(const list *l, const piece *p, em_out *o)
{
    uint64_t state = p->seed, n = count_of(p);

    for (uint64_t i = 0; i < n; i++) {
        if (p->kind == IDS)
            em_write_le64(o, i);
        else
            put_number(o, number(p->kind, &state), type_of(l, p));
    }
}

/* ---- files ---- */

static size_t put_header(const list *l, uint32_t shard, uint32_t shards, em_out *o)
{
    uint64_t at = 0;
    char entry[2 * MAX_NAME + 160];

    em_write_bytes(o, EM_STR("{\"__metadata__\":{\"format\":\"pt\"}"));
    for (size_t i = shard; i < l->n; i += shards) {
        const piece *p = &l->piece[i];
        int n = snprintf(entry, sizeof entry, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[",
                         p->name, type_of(l, p));
        em_write_bytes(o, em_view(entry, (size_t)n));
        if (p->rows != 0) {
            em_write_decimal(o, p->rows);
            em_write_u8(o, ',');
        }
        em_write_decimal(o, p->cols);
        em_write_bytes(o, EM_STR("],\"data_offsets\":["));
        em_write_decimal(o, at);
        em_write_u8(o, ',');
        em_write_decimal(o, at += len_of(l, p));
        em_write_bytes(o, EM_STR("]}"));
    }
    em_write_u8(o, '}');
    while (o->len % 8 != 0) em_write_u8(o, ' ');
    return (size_t)at;
}

static em_err write_shard(const list *l, uint32_t shard, uint32_t shards,
                          const char *name)
{
    size_t cap = 64 + l->n * (2 * MAX_NAME + 160), data;

    uint8_t *header = malloc(cap);
    if (header == NULL) return em_problem_err(l->m->problem, EM_ERR_MEMORY, name);
    em_out h = em_out_over(header, cap);
    data = put_header(l, shard, shards, &h);
    uint8_t *all = malloc(8 + h.len + data);
    em_err err = all != NULL ? em_write_end(&h) : EM_ERR_MEMORY;
    if (err == EM_OK) {
        em_out o = em_out_over(all, 8 + h.len + data);
        em_write_le64(&o, h.len);
        em_write_bytes(&o, em_write_view(&h));
        for (size_t i = shard; i < l->n; i += shards) put_piece(l, &l->piece[i], &o);
        err = em_write_end(&o);
        if (err == EM_OK) err = em_synth_put(l->m, name, em_write_view(&o));
    }
    free(all);
    free(header);
    return err;
}

static em_err write_shards(const list *l)
{
    uint32_t shards = l->m->options->shards;
    size_t cap = 128 + l->n * (2 * MAX_NAME + 64);
    em_err err = EM_OK;
    char name[64];

    if (shards == 0) return write_shard(l, 0, 1, "model.safetensors");
    if (shards > MAX_SHARDS)
        return em_problem_err(l->m->problem, EM_ERR_LIMIT, l->m->folder);
    char *index = malloc(cap);
    if (index == NULL) return em_problem_err(l->m->problem, EM_ERR_MEMORY, l->m->folder);
    em_out o = em_out_over(index, cap);
    em_write_bytes(&o, EM_STR("{\"metadata\": {}, \"weight_map\": {"));
    for (size_t i = 0; i < l->n; i++) {
        char entry[2 * MAX_NAME + 64];
        int n = snprintf(
            entry, sizeof entry, "%s\n  \"%s\": \"model-%05u-of-%05u.safetensors\"",
            i == 0 ? "" : ",", l->piece[i].name, (unsigned)(i % shards) + 1, shards);
        em_write_bytes(&o, em_view(entry, (size_t)n));
    }
    em_write_bytes(&o, EM_STR("\n}}\n"));
    err = em_write_end(&o);
    if (err == EM_OK)
        err = em_synth_put(l->m, "model.safetensors.index.json", em_write_view(&o));
    for (uint32_t s = 0; err == EM_OK && s < shards; s++) {
        snprintf(name, sizeof name, "model-%05u-of-%05u.safetensors", s + 1, shards);
        err = write_shard(l, s, shards, name);
    }
    free(index);
    return err;
}

em_err em_synth_weights_write(const em_synth_maker *m)
{
    list l = {.m = m};

    l.piece = calloc(10 + 16 * (size_t)m->layers, sizeof *l.piece);
    if (l.piece == NULL) return em_problem_err(m->problem, EM_ERR_MEMORY, m->folder);
    add_all(&l);
    em_err err = write_shards(&l);
    free(l.piece);
    return err;
}
