/* covers: host/range.c
 *
 * The Range header: whatever is accepted lies inside the file. */
#include "host/range.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t sizes[] = {0, 1, 10, 1000, 1ull << 40, UINT64_MAX};

    for (size_t i = 0; i < EM_COUNT(sizes); i++) {
        em_range r;
        if (em_range_parse(em_view(data, size), sizes[i], &r) != EM_OK) continue;
        if (r.len == 0 || r.first >= sizes[i] || r.len > sizes[i] - r.first) abort();
    }
    return 0;
}
