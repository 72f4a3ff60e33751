#include "engine/kernel/slots_impl.h"

#if defined(__AVX512F__)
#define EM_GEMM_WEIGHT float
#define EM_GEMM_LINE(p) _mm512_loadu_ps(p)
#define EM_GEMM_FEW 9 /* these wait for memory, and one stream is faster than two */
#include "engine/kernel/gemm_avx512_impl.h"

void em_gemm_avx512(const em_gemm *g)
{
    whole(g);
}
#endif
