/* covers: tools/safetensors.c
 *
 * safetensors files: whatever opens has its tensors inside the file, side by side. */
#include "tools/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EM_DROP(em_safetensors) f = {0};
    em_problem problem;
    float some[64];
    size_t bytes = 0;

    if (em_safetensors_open(em_view(data, size), "f", &problem, &f) != EM_OK) return 0;
    for (size_t i = 0; i < f.n; i++) {
        const em_safetensors_tensor *t = &f.tensor[i];
        size_t n = t->n < 64 ? (size_t)t->n : 64;

        if (em_safetensors_find(&f, t->name) != t) abort();
        if (t->data.len > 0 &&
            (t->data.at < data || t->data.at + t->data.len > data + size))
            abort();
        bytes += t->data.len;
        em_err err = em_safetensors_floats(t, t->n - n, n, some);
        if (err == EM_ERR_RANGE) abort();
        if (t->n < UINT64_MAX && t->type != EM_SAFETENSORS_OTHER &&
            em_safetensors_floats(t, t->n, 1, some) != EM_ERR_RANGE)
            abort();
    }
    if (bytes > size - 8) abort();
    return 0;
}
