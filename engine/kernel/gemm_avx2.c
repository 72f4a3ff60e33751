#include "engine/kernel/slots_impl.h"

#if defined(__AVX2__) && defined(__FMA__)
#define EM_GEMM_WEIGHT float

#include <immintrin.h>

static inline void line(const float *b, __m256 *low, __m256 *high)
{
    *low = _mm256_loadu_ps(b);
    *high = _mm256_loadu_ps(b + 8);
}

static inline void reorder(__m256 *low, __m256 *high)
{
    (void)low, (void)high;
}

#include "engine/kernel/gemm_avx2_impl.h"

void em_gemm_avx2(const em_gemm *g)
{
    whole(g);
}
#endif
