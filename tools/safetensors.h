/* safetensors.h - reads the safetensors format: u64 LE header length, a JSON header, then
 * the tensors' bytes.
 *
 * Trust:  the file is hostile.  Header and offsets are checked before a byte of a tensor
 *         is looked at: length limits, names once, shapes that multiply without overflow
 *         to the length that the offsets give, tensors side by side without gap or
 * overlap to the end of the file. Memory: tensors view the file, which must outlive the
 * result; names and the list are the result's own.
 */
#ifndef EM_TOOLS_SAFETENSORS_H
#define EM_TOOLS_SAFETENSORS_H

#include "tools/problem.h"

enum {
    EM_SAFETENSORS_MAX_HEADER = 4 << 20,
    EM_SAFETENSORS_MAX_DIMS = 8,
};

typedef enum em_safetensors_type {
    EM_SAFETENSORS_F32 = 1,
    EM_SAFETENSORS_F16,
    EM_SAFETENSORS_BF16,
    EM_SAFETENSORS_OTHER, /* a type of the format that we do not convert */
} em_safetensors_type;

typedef struct em_safetensors_tensor {
    const char *name;
    const char *type_name; /* "F32", "I64" */
    em_safetensors_type type;
    size_t n_dims;
    uint64_t dim[EM_SAFETENSORS_MAX_DIMS];
    uint64_t n; /* elements */
    em_bytes data;
} em_safetensors_tensor;

typedef struct em_safetensors {
    size_t n;
    em_safetensors_tensor *tensor; /* in the order of their data */
    void *header;                  /* owns the names */
} em_safetensors;

/* `file` is all of it; `name` stands in problems.  EM_ERR_SHORT, EM_ERR_LIMIT,
 * EM_ERR_JSON_SYNTAX, EM_ERR_MODEL_MALFORMED, EM_ERR_MEMORY. */
em_err em_safetensors_open(em_bytes file, const char *name, em_problem *problem,
                           em_safetensors *ret_file);
void em_safetensors_drop(em_safetensors *file);

/* NULL where there is none of this name. */
const em_safetensors_tensor *em_safetensors_find(const em_safetensors *file,
                                                 const char *name);

/* Elements first .. first + n - 1 as f32, converted exactly.  EM_ERR_RANGE outside the
 * tensor, EM_ERR_UNSUPPORTED for a type that is not F32, F16 or BF16,
 * EM_ERR_MODEL_MALFORMED where one is NaN or infinite. */
em_err em_safetensors_floats(const em_safetensors_tensor *tensor, uint64_t first,
                             size_t n, float *ret_floats);

#endif
