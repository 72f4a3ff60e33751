#include "engine/kernel/slots_impl.h"

#if defined(__AVX2__) && defined(__FMA__)
#define EM_GEMM_WEIGHT uint16_t

#include <immintrin.h>

/* Zeros below the halves, by one instruction for eight of them: columns 0-3 and 8-11,
 * then 4-7 and 12-15. */
static inline void line(const uint16_t *b, __m256 *low, __m256 *high)
{
    __m256i x = _mm256_loadu_si256((const void *)b), zero = _mm256_setzero_si256();
    *low = _mm256_castsi256_ps(_mm256_unpacklo_epi16(zero, x));
    *high = _mm256_castsi256_ps(_mm256_unpackhi_epi16(zero, x));
}

static inline void reorder(__m256 *low, __m256 *high)
{
    __m256 l = *low;
    *low = _mm256_permute2f128_ps(l, *high, 0x20);
    *high = _mm256_permute2f128_ps(l, *high, 0x31);
}

#include "engine/kernel/gemm_avx2_impl.h"

void em_gemm_bf16_avx2(const em_gemm *g)
{
    whole(g);
}
#endif
