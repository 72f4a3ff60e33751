#include "engine/kernel/gemm_neon_impl.h"

#if defined(__aarch64__)
EM_GEMM_NEON_HEIGHTS(false)

void em_gemm_neon(const em_gemm *g)
{
    em_gemm_neon_all(by_height, sizeof(float) * EM_LANES, g);
}
#endif
