#include "engine/kernel/slots_impl.h"

#if defined(__AVX512F__)
#define EM_GEMM_WEIGHT uint16_t
#define EM_GEMM_LINE(p) widened(p)
#define EM_GEMM_FEW 0 /* a line is half as long, the chain's latency is the same */

#include <immintrin.h>

static inline __m512 widened(const uint16_t *p)
{
    __m512i x = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(x, 16));
}

#include "engine/kernel/gemm_avx512_impl.h"

void em_gemm_bf16_avx512(const em_gemm *g)
{
    whole(g);
}
#endif
