#include "cmd/isa.h"

#include "engine/kernels.h"
#include "os/cpu.h"

#include <stdio.h>

/* From the most that a processor may have down to plain C; a level takes what is below
 * it. */
static const unsigned levels[] = {
    EM_CPU_AVX2 | EM_CPU_AVX512, EM_CPU_AVX2, EM_CPU_NEON | EM_CPU_SDOT, EM_CPU_NEON, 0,
};

bool em_isa_choose(em_bytes name, unsigned *ret_cpu)
{
    const unsigned all = em_cpu_detect();
    em_kernels k;

    if (name.at == NULL) {
        *ret_cpu = all;
        return true;
    }
    for (size_t i = 0; i < EM_COUNT(levels); i++) {
        em_kernels_pick(&k, all & levels[i]);
        if (!em_same(name, em_view(k.level, strlen(k.level)))) continue;
        *ret_cpu = all & levels[i];
        return true;
    }
    return false;
}

void em_isa_names(char ret_text[EM_ISA_NAMES])
{
    const unsigned all = em_cpu_detect();
    const char *last = NULL;
    size_t len = 0;
    em_kernels k;

    ret_text[0] = 0;
    for (size_t i = EM_COUNT(levels); i-- > 0;) {
        em_kernels_pick(&k, all & levels[i]);
        if (last != NULL && strcmp(last, k.level) == 0) continue;
        if (last != NULL && len < EM_ISA_NAMES)
            len += (size_t)snprintf(ret_text + len, EM_ISA_NAMES - len, ", ");
        if (len < EM_ISA_NAMES)
            len += (size_t)snprintf(ret_text + len, EM_ISA_NAMES - len, "%s", k.level);
        last = k.level;
    }
}
