#include "engine/kernel/slots_impl.h"

void em_kernels_pick(em_kernels *ret_kernels, unsigned cpu)
{
    em_kernels *k = ret_kernels;

    *k = (em_kernels){.level = "scalar",
                      .gemm = em_gemm_c,
                      .gemm_bf16 = em_gemm_bf16_c,
                      .gemm_int8 = em_gemm_int8_c,
                      .quantize = em_quantize_c,
                      .norm = em_norm_c,
                      .gelu = em_gelu_c,
                      .softmax = em_softmax_c};
#if defined(__x86_64__)
    if (!(cpu & EM_CPU_AVX2)) return;
    k->level = "avx2";
    k->gemm = em_gemm_avx2;
    k->gemm_bf16 = em_gemm_bf16_avx2;
    k->gemm_int8 = em_gemm_int8_avx2;
    k->quantize = em_quantize_avx2;
    k->norm = em_norm_avx2;
    k->gelu = em_gelu_avx2;
    k->softmax = em_softmax_avx2;
    if (!(cpu & EM_CPU_AVX512)) return;
    k->level = "avx512";
    k->gemm = em_gemm_avx512;
    k->gemm_bf16 = em_gemm_bf16_avx512;
    k->gemm_int8 = em_gemm_int8_avx512;
    k->quantize = em_quantize_avx512;
    k->norm = em_norm_avx512;
    k->gelu = em_gelu_avx512;
    k->softmax = em_softmax_avx512;
#elif defined(__aarch64__)
    if (!(cpu & EM_CPU_NEON)) return;
    k->level = "neon";
    k->gemm = em_gemm_neon;
    k->gemm_bf16 = em_gemm_bf16_neon;
    k->gemm_int8 = em_gemm_int8_neon;
    k->quantize = em_quantize_neon;
    k->norm = em_norm_neon;
    k->gelu = em_gelu_neon;
    k->softmax = em_softmax_neon;
    if (!(cpu & EM_CPU_SDOT)) return;
    k->level = "sdot";
    k->gemm_int8 = em_gemm_int8_sdot;
#endif
    (void)cpu;
}
