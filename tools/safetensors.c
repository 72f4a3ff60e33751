#include "tools/safetensors.h"

#include "base/read.h"
#include "tools/fields.h"

#include <stdlib.h>

static const struct {
    const char *name;
    em_safetensors_type type;
    uint32_t bytes;
} types[] = {{"F32", EM_SAFETENSORS_F32, 4},       {"F16", EM_SAFETENSORS_F16, 2},
             {"BF16", EM_SAFETENSORS_BF16, 2},     {"F64", EM_SAFETENSORS_OTHER, 8},
             {"I64", EM_SAFETENSORS_OTHER, 8},     {"U64", EM_SAFETENSORS_OTHER, 8},
             {"I32", EM_SAFETENSORS_OTHER, 4},     {"U32", EM_SAFETENSORS_OTHER, 4},
             {"I16", EM_SAFETENSORS_OTHER, 2},     {"U16", EM_SAFETENSORS_OTHER, 2},
             {"I8", EM_SAFETENSORS_OTHER, 1},      {"U8", EM_SAFETENSORS_OTHER, 1},
             {"BOOL", EM_SAFETENSORS_OTHER, 1},    {"F8_E4M3", EM_SAFETENSORS_OTHER, 1},
             {"F8_E5M2", EM_SAFETENSORS_OTHER, 1}, {"F8_E8M0", EM_SAFETENSORS_OTHER, 1}};

/* What the header's reader carries along. */
typedef struct header {
    em_fields json;
    em_bytes data; /* behind the header */
    const char *name;
    em_problem *problem;
} header;

static em_err bad(const header *h, const char *tensor, const char *what)
{
    return em_problem_set(h->problem, EM_ERR_MODEL_MALFORMED, h->name, "tensor %s: %s",
                          tensor, what);
}

/* A list of `most` non-negative integers at most. */
static em_err read_list(const header *h, const char *tensor, const json_t *list,
                        size_t most, uint64_t *ret_value, size_t *ret_n)
{
    size_t n = json_array_size(list);

    if (!json_is_array(list) || n > most)
        return bad(h, tensor, "shape or data_offsets is no list of the right length");
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);
        if (!json_is_integer(v) || json_integer_value(v) < 0)
            return bad(h, tensor, "shape or data_offsets holds no natural number");
        ret_value[i] = (uint64_t)json_integer_value(v);
    }
    *ret_n = n;
    return EM_OK;
}

static em_err read_type(const header *h, const json_t *v, em_safetensors_tensor *t,
                        uint32_t *ret_bytes)
{
    const char *name = json_string_value(json_object_get(v, "dtype"));

    if (name == NULL) return bad(h, t->name, "dtype is missing");
    for (size_t i = 0; i < EM_COUNT(types); i++) {
        if (strcmp(types[i].name, name) != 0) continue;
        t->type_name = types[i].name;
        t->type = types[i].type;
        *ret_bytes = types[i].bytes;
        return EM_OK;
    }
    return bad(h, t->name, "dtype is unknown");
}

static em_err read_tensor(const header *h, const json_t *v, em_safetensors_tensor *t)
{
    uint64_t at[2], len;
    size_t n_at = 0;
    uint32_t bytes = 0;

    if (!json_is_object(v) || json_object_size(v) != 3)
        return bad(h, t->name, "not an object of dtype, shape and data_offsets");
    EM_TRY(read_type(h, v, t, &bytes));
    EM_TRY(read_list(h, t->name, json_object_get(v, "shape"), EM_SAFETENSORS_MAX_DIMS,
                     t->dim, &t->n_dims));
    EM_TRY(read_list(h, t->name, json_object_get(v, "data_offsets"), 2, at, &n_at));
    if (n_at != 2 || at[0] > at[1] || at[1] > h->data.len)
        return bad(h, t->name, "data_offsets lie outside the file");

    t->n = 1;
    for (size_t i = 0; i < t->n_dims; i++)
        if (__builtin_mul_overflow(t->n, t->dim[i], &t->n))
            return bad(h, t->name, "its shape is too large");
    if (__builtin_mul_overflow(t->n, (uint64_t)bytes, &len) || len != at[1] - at[0])
        return bad(h, t->name, "data_offsets do not fit dtype and shape");
    t->data = em_view(h->data.at + at[0], (size_t)len);
    return EM_OK;
}

static em_err check_metadata(const header *h, const json_t *v)
{
    const char *key;
    json_t *text, *object = json_object_get(h->json.root, "__metadata__");

    if (!json_is_object(v)) return bad(h, "__metadata__", "not an object");
    json_object_foreach(object, key, text)
    {
        if (!json_is_string(text)) return bad(h, "__metadata__", "holds no texts");
    }
    return EM_OK;
}

static int by_place(const void *a, const void *b)
{
    const em_safetensors_tensor *x = a, *y = b;

    if (x->data.at != y->data.at) return x->data.at < y->data.at ? -1 : 1;
    /* empty tensors stand before the one that begins there */
    return x->data.len < y->data.len ? -1 : x->data.len > y->data.len;
}

/* The format wants the tensors side by side: no byte unnamed, none named twice. */
static em_err check_places(const header *h, em_safetensors *f)
{
    size_t at = 0;

    if (f->n > 0) qsort(f->tensor, f->n, sizeof *f->tensor, by_place);
    for (size_t i = 0; i < f->n; i++) {
        const em_safetensors_tensor *t = &f->tensor[i];
        if (t->data.at != h->data.at + at)
            return bad(h, t->name, "its bytes overlap another's or leave a gap");
        at += t->data.len;
    }
    if (at != h->data.len)
        return em_problem_set(h->problem, EM_ERR_MODEL_MALFORMED, h->name,
                              "%zu bytes behind the last tensor", h->data.len - at);
    return EM_OK;
}

static em_err read_tensors(const header *h, em_safetensors *f)
{
    size_t n = json_object_size(h->json.root);
    const char *name;
    json_t *v;

    if ((f->tensor = calloc(n > 0 ? n : 1, sizeof *f->tensor)) == NULL)
        return em_problem_err(h->problem, EM_ERR_MEMORY, h->name);
    json_object_foreach(h->json.root, name, v)
    {
        if (strcmp(name, "__metadata__") == 0) {
            EM_TRY(check_metadata(h, v));
            continue;
        }
        f->tensor[f->n].name = name;
        EM_TRY(read_tensor(h, v, &f->tensor[f->n]));
        f->n++;
    }
    return check_places(h, f);
}

em_err em_safetensors_open(em_bytes file, const char *name, em_problem *problem,
                           em_safetensors *ret_file)
{
    em_reader r = {.left = file};
    EM_DROP(em_safetensors) f = {0};

    uint64_t len = em_read_le64(&r);
    if (em_read_ok(&r) != EM_OK)
        return em_problem_set(problem, EM_ERR_SHORT, name, "no safetensors file: empty");
    if (len > EM_SAFETENSORS_MAX_HEADER)
        return em_problem_set(problem, EM_ERR_LIMIT, name,
                              "its header claims %llu bytes; at most %d are read",
                              (unsigned long long)len, EM_SAFETENSORS_MAX_HEADER);
    em_bytes text = em_read_bytes(&r, (size_t)len);
    if (em_read_ok(&r) != EM_OK)
        return em_problem_set(problem, EM_ERR_SHORT, name, "ends inside its header");
    if (text.len == 0 || text.at[0] != '{')
        return em_problem_set(problem, EM_ERR_JSON_SYNTAX, name,
                              "its header does not begin with {");

    header h = {.data = r.left, .name = name, .problem = problem};
    EM_TRY(em_fields_load(text, EM_SAFETENSORS_MAX_HEADER, JSON_OBJECT, name, problem,
                          &h.json));
    f.header = h.json.root;
    EM_TRY(read_tensors(&h, &f));
    *ret_file = EM_TAKE(f);
    return EM_OK;
}

void em_safetensors_drop(em_safetensors *file)
{
    free(file->tensor);
    json_decref(file->header);
    *file = (em_safetensors){0};
}

const em_safetensors_tensor *em_safetensors_find(const em_safetensors *file,
                                                 const char *name)
{
    for (size_t i = 0; i < file->n; i++)
        if (strcmp(file->tensor[i].name, name) == 0) return &file->tensor[i];
    return NULL;
}

/* ---- numbers ---- */

/* IEEE 754 half to single: exact. */
static uint32_t from_half(uint32_t h)
{
    uint32_t sign = (h & 0x8000) << 16, exponent = h >> 10 & 0x1F, part = h & 0x3FF;

    if (exponent == 0x1F) return sign | 0x7F800000 | part << 13;
    if (exponent != 0) return sign | (exponent + 112) << 23 | part << 13;
    if (part == 0) return sign;
    exponent = 113; /* subnormal: move the first one up to where it is implied */
    while (!(part & 0x400)) part <<= 1, exponent--;
    return sign | exponent << 23 | (part & 0x3FF) << 13;
}

static uint32_t bits_at(em_safetensors_type type, const uint8_t *data, size_t i)
{
    const uint8_t *at = data + i * (type == EM_SAFETENSORS_F32 ? 4 : 2);
    uint32_t low = (uint32_t)at[0] | (uint32_t)at[1] << 8;

    if (type == EM_SAFETENSORS_F16) return from_half(low);
    if (type == EM_SAFETENSORS_BF16) return low << 16;
    return low | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

em_err em_safetensors_floats(const em_safetensors_tensor *tensor, uint64_t first,
                             size_t n, float *ret_floats)
{
    uint32_t most = 0;

    if (tensor->type == EM_SAFETENSORS_OTHER) return EM_ERR_UNSUPPORTED;
    if (first > tensor->n || n > tensor->n - first) return EM_ERR_RANGE;
    size_t bytes = tensor->type == EM_SAFETENSORS_F32 ? 4 : 2;
    const uint8_t *data = tensor->data.at + first * bytes;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = bits_at(tensor->type, data, i);
        if ((bits & 0x7FFFFFFF) > most) most = bits & 0x7FFFFFFF;
        memcpy(&ret_floats[i], &bits, sizeof bits);
    }
    return most < 0x7F800000 ? EM_OK : EM_ERR_MODEL_MALFORMED;
}
