/* Which tensors a model of some shape has, and where they are kept once found: one table.
 */
#include "engine/bert_tensors.h"
#include "base/write.h"
#include "engine/bert.h"

#include <stddef.h>

/* The sizes that tensors are made of. */
typedef enum size_of {
    ONE,
    HIDDEN,
    QKV,
    WIDE,
    VOCAB,
    POSITIONS,
    TYPES,
    LABELS,
    FEW
} size_of;

typedef enum group { ALWAYS, LAYER, HEAD } group;

/* What decides a tensor's layout, and whether it is there at all. */
typedef enum kind {
    FLOATS,   /* f32 rows */
    WORDS,    /* rows, in the model's precision or bf16 */
    MATRIX,   /* panels, in the model's precision */
    EXACT,    /* panels, f32 */
    QUANT,    /* f32 rows that only int8 has */
    INTEGERS, /* i32 rows that only int8 has */
    COLUMNS   /* f32 panels that only int8 has */
} kind;

typedef struct tensor_row {
    const char *name;
    group group;
    kind kind;
    size_of rows, cols;
    size_t at; /* of the pointer, in em_bert or em_bert_layer */
} tensor_row;

#define IN_BERT(field) offsetof(em_bert, field)
#define IN_LAYER(field) offsetof(em_bert_layer, field)
#define MATRIX_ROWS(ROLE, name, field, rows, cols)                                       \
    [ROLE] = {name, LAYER, MATRIX, rows, cols, IN_LAYER(field.panels)},                  \
    [ROLE##_BIAS] = {name ".bias", LAYER, FLOATS, ONE, rows, IN_LAYER(field.bias)},      \
    [ROLE##_SCALE] = {name ".scale", LAYER, QUANT, ONE, rows, IN_LAYER(field.scale)},    \
    [ROLE##_SUM] = {name ".sum", LAYER, INTEGERS, ONE, rows, IN_LAYER(field.sum)},       \
    [ROLE##_IN] = {name ".in", LAYER, QUANT, ONE, cols, IN_LAYER(field.in)},             \
    [ROLE##_LOOSE] = {name ".loose", LAYER, INTEGERS, ONE, FEW, IN_LAYER(field.loose)},  \
    [ROLE##_LOOSE_WEIGHT] = {name ".loose.weight",        LAYER, COLUMNS, rows, FEW,     \
                             IN_LAYER(field.loose_weight)}
#define NORM_ROWS(ROLE, name, field)                                                     \
    [ROLE] = {name, LAYER, FLOATS, ONE, HIDDEN, IN_LAYER(field.weight)},                 \
    [ROLE##_BIAS] = {name ".bias", LAYER, FLOATS, ONE, HIDDEN, IN_LAYER(field.bias)}

static const tensor_row tensors[EM_BERT_ROLES] = {
    [EM_BERT_WORD] = {"word", ALWAYS, WORDS, VOCAB, HIDDEN, IN_BERT(word)},
    [EM_BERT_POSITION] = {"position", ALWAYS, FLOATS, POSITIONS, HIDDEN,
                          IN_BERT(position)},
    [EM_BERT_TYPE] = {"type", ALWAYS, FLOATS, TYPES, HIDDEN, IN_BERT(type)},
    [EM_BERT_NORM] = {"norm", ALWAYS, FLOATS, ONE, HIDDEN, IN_BERT(norm.weight)},
    [EM_BERT_NORM_BIAS] = {"norm.bias", ALWAYS, FLOATS, ONE, HIDDEN, IN_BERT(norm.bias)},
    MATRIX_ROWS(EM_BERT_QKV, "qkv", qkv, QKV, HIDDEN),
    MATRIX_ROWS(EM_BERT_OUT, "out", out, HIDDEN, HIDDEN),
    NORM_ROWS(EM_BERT_OUT_NORM, "out.norm", out_norm),
    MATRIX_ROWS(EM_BERT_UP, "up", up, WIDE, HIDDEN),
    MATRIX_ROWS(EM_BERT_DOWN, "down", down, HIDDEN, WIDE),
    NORM_ROWS(EM_BERT_DOWN_NORM, "down.norm", down_norm),
    [EM_BERT_POOLER] = {"pooler", HEAD, EXACT, HIDDEN, HIDDEN, IN_BERT(pooler.panels)},
    [EM_BERT_POOLER_BIAS] = {"pooler.bias", HEAD, FLOATS, ONE, HIDDEN,
                             IN_BERT(pooler.bias)},
    [EM_BERT_CLASSIFIER] = {"classifier", HEAD, EXACT, LABELS, HIDDEN,
                            IN_BERT(classifier.panels)},
    [EM_BERT_CLASSIFIER_BIAS] = {"classifier.bias", HEAD, FLOATS, ONE, LABELS,
                                 IN_BERT(classifier.bias)},
};

static uint32_t size_in(const em_model_shape *s, size_of what)
{
    const uint32_t size[] = {[ONE] = 1,
                             [HIDDEN] = s->hidden,
                             [QKV] = 3 * s->hidden,
                             [WIDE] = s->intermediate,
                             [VOCAB] = s->vocab,
                             [POSITIONS] = s->positions,
                             [TYPES] = s->types,
                             [LABELS] = s->labels,
                             [FEW] = EM_LOOSE};
    return size[what];
}

static bool has(const em_model_shape *s, const tensor_row *t)
{
    if (t->group == HEAD && s->labels == 0) return false;
    return t->kind < QUANT || s->precision == EM_PRECISION_INT8;
}

static em_layout layout_of(em_precision precision, kind of)
{
    bool f32 = precision == EM_PRECISION_F32;

    switch (of) {
    case WORDS:
        return f32 ? EM_LAYOUT_ROWS : EM_LAYOUT_ROWS_BF16;
    case MATRIX:
        if (precision == EM_PRECISION_INT8) return EM_LAYOUT_PANEL16_INT8;
        return f32 ? EM_LAYOUT_PANEL16 : EM_LAYOUT_PANEL16_BF16;
    case EXACT:
    case COLUMNS:
        return EM_LAYOUT_PANEL16;
    case INTEGERS:
        return EM_LAYOUT_ROWS_I32;
    case FLOATS:
    case QUANT:
        break;
    }
    return EM_LAYOUT_ROWS;
}

/* How many of a group's tensors such a model has, once. */
static uint32_t count_of(const em_model_shape *s, group of)
{
    uint32_t n = 0;

    for (size_t i = 0; i < EM_COUNT(tensors); i++)
        n += tensors[i].group == of && has(s, &tensors[i]);
    return n;
}

uint32_t em_bert_tensors_count(const em_model_shape *shape)
{
    return count_of(shape, ALWAYS) + count_of(shape, LAYER) * shape->layers +
           count_of(shape, HEAD);
}

/* The role of the n-th of a group. */
static em_bert_role role_of(const em_model_shape *s, group of, uint32_t n)
{
    size_t i = 0;

    while (tensors[i].group != of || !has(s, &tensors[i]) || n-- > 0) i++;
    return (em_bert_role)i;
}

static em_bert_role role_at(const em_model_shape *s, uint32_t i, uint32_t *ret_layer)
{
    uint32_t always = count_of(s, ALWAYS), layer = count_of(s, LAYER);

    if (i < always) return role_of(s, ALWAYS, i);
    i -= always;
    if (i >= layer * s->layers) return role_of(s, HEAD, i - layer * s->layers);
    *ret_layer = i / layer;
    return role_of(s, LAYER, i % layer);
}

em_err em_bert_tensors_wanted(const em_model_shape *shape, uint32_t i,
                              em_bert_want *ret_want)
{
    em_bert_want w = {0};
    em_out name = em_out_over(w.name, sizeof w.name - 1);
    uint64_t len;

    EM_TRY(em_plan_check(shape));
    if (i >= em_bert_tensors_count(shape)) return EM_ERR_RANGE;
    w.role = role_at(shape, i, &w.layer);
    const tensor_row *t = &tensors[w.role];
    if (t->group == LAYER) {
        em_write_decimal(&name, w.layer);
        em_write_u8(&name, '.');
    }
    em_write_bytes(&name, em_view(t->name, strlen(t->name)));
    EM_TRY(em_write_end(&name));

    w.layout = layout_of(shape->precision, t->kind);
    w.rows = size_in(shape, t->rows);
    w.cols = size_in(shape, t->cols);
    EM_TRY(em_model_tensor_len(w.layout, w.rows, w.cols, &len));
    if (len > SIZE_MAX) return EM_ERR_LIMIT;
    w.len = (size_t)len;
    *ret_want = w;
    return EM_OK;
}

static em_err find(const em_tensor *t, const em_bert_want *w, em_bytes image,
                   uint64_t *end)
{
    if (!em_same(t->name, em_view(w->name, strlen(w->name))) || t->layout != w->layout ||
        t->rows != w->rows || t->cols != w->cols || t->len != w->len)
        return EM_ERR_MODEL_SHAPE;
    if (t->offset % EM_IMAGE_ALIGN != 0 || t->offset < *end || t->offset > image.len ||
        t->len > image.len - t->offset)
        return EM_ERR_MODEL_MALFORMED;
    *end = t->offset + t->len;
    return EM_OK;
}

/* Pointers to objects have one representation here, whatever they point to. */
static void keep(em_bert *b, const em_bert_want *w, const void *at)
{
    const tensor_row *t = &tensors[w->role];
    void *in = t->group == LAYER ? (void *)&b->layer[w->layer] : (void *)b;

    memcpy((uint8_t *)in + t->at, &at, sizeof at);
}

/* Which numbers of a row are read beside its bytes is for the model to say. */
static em_err check_loose(const em_bert_matrix *m)
{
    if (m->layout != EM_LAYOUT_PANEL16_INT8) return EM_OK;
    for (size_t r = 0; r < EM_LOOSE; r++)
        if (m->loose[r] < 0 || (uint32_t)m->loose[r] >= m->cols)
            return EM_ERR_MODEL_MALFORMED;
    return EM_OK;
}

static void size_matrix(const em_model_shape *s, em_bert_role role, em_bert_matrix *m)
{
    m->layout = layout_of(s->precision, tensors[role].kind);
    m->rows = size_in(s, tensors[role].rows);
    m->cols = size_in(s, tensors[role].cols);
}

em_err em_bert_tensors_bind(const em_model *model, em_bytes image, em_bert *ret_bert)
{
    const em_model_shape *s = &model->shape;
    em_bert b = {.shape = *s};
    uint64_t end = 0;

    EM_TRY(em_plan_check(s));
    if ((uintptr_t)image.at % EM_IMAGE_ALIGN != 0) return EM_ERR_ARGUMENT;
    if (model->n != em_bert_tensors_count(s)) return EM_ERR_MODEL_SHAPE;
    for (uint32_t i = 0; i < model->n; i++) {
        const em_tensor *t = &model->tensor[i];
        em_bert_want w;

        EM_TRY(em_bert_tensors_wanted(s, i, &w));
        EM_TRY(find(t, &w, image, &end));
        keep(&b, &w, image.at + t->offset);
    }
    for (uint32_t i = 0; i < s->layers; i++) {
        size_matrix(s, EM_BERT_QKV, &b.layer[i].qkv);
        size_matrix(s, EM_BERT_OUT, &b.layer[i].out);
        size_matrix(s, EM_BERT_UP, &b.layer[i].up);
        size_matrix(s, EM_BERT_DOWN, &b.layer[i].down);
        EM_TRY(check_loose(&b.layer[i].qkv));
        EM_TRY(check_loose(&b.layer[i].out));
        EM_TRY(check_loose(&b.layer[i].up));
        EM_TRY(check_loose(&b.layer[i].down));
    }
    size_matrix(s, EM_BERT_POOLER, &b.pooler);
    size_matrix(s, EM_BERT_CLASSIFIER, &b.classifier);
    *ret_bert = b;
    return EM_OK;
}
