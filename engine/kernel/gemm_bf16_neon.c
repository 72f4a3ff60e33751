#include "engine/kernel/gemm_neon_impl.h"

#if defined(__aarch64__)
EM_GEMM_NEON_HEIGHTS(true)

void em_gemm_bf16_neon(const em_gemm *g)
{
    em_gemm_neon_all(by_height, sizeof(uint16_t) * EM_LANES, g);
}
#endif
