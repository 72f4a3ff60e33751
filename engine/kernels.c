#include "engine/kernel/slots_impl.h"

void em_kernels_pick(em_kernels *ret_kernels, unsigned cpu)
{
    em_kernels k = {"scalar", em_gemm_c, em_norm_c, em_gelu_c, em_softmax_c};

#if defined(__x86_64__)
    if (cpu & EM_CPU_AVX2)
        k = (em_kernels){"avx2", em_gemm_avx2, em_norm_avx2, em_gelu_avx2,
                         em_softmax_avx2};
#endif
    (void)cpu;
    *ret_kernels = k;
}
