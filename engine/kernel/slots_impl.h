/* slots_impl.h - every function that may fill a slot of em_kernels, by level.
 *
 * Trust:  as kernels.h says; those of an instruction set need its bit.
 * Memory: as kernels.h says.
 */
#ifndef EM_ENGINE_KERNEL_SLOTS_IMPL_H
#define EM_ENGINE_KERNEL_SLOTS_IMPL_H

#include "engine/kernels.h"

void em_gemm_c(const em_gemm *g);
void em_gemm_bf16_c(const em_gemm *g);
void em_gemm_int8_c(const em_gemm_int8 *g);
em_quant em_quantize_c(const em_quantize *q);
void em_norm_c(const em_norm *r);
void em_gelu_c(float *x, size_t stride, size_t rows, size_t cols);
void em_softmax_c(float *x, size_t stride, size_t rows, size_t n, float scale,
                  float *ret_inverse);

void em_gemm_avx2(const em_gemm *g);
void em_gemm_bf16_avx2(const em_gemm *g);
void em_gemm_int8_avx2(const em_gemm_int8 *g);
em_quant em_quantize_avx2(const em_quantize *q);
void em_norm_avx2(const em_norm *r);
void em_gelu_avx2(float *x, size_t stride, size_t rows, size_t cols);
void em_softmax_avx2(float *x, size_t stride, size_t rows, size_t n, float scale,
                     float *ret_inverse);

void em_gemm_avx512(const em_gemm *g);
void em_gemm_bf16_avx512(const em_gemm *g);
void em_gemm_int8_avx512(const em_gemm_int8 *g);
em_quant em_quantize_avx512(const em_quantize *q);
void em_norm_avx512(const em_norm *r);
void em_gelu_avx512(float *x, size_t stride, size_t rows, size_t cols);
void em_softmax_avx512(float *x, size_t stride, size_t rows, size_t n, float scale,
                       float *ret_inverse);

void em_gemm_neon(const em_gemm *g);
void em_gemm_bf16_neon(const em_gemm *g);
void em_gemm_int8_neon(const em_gemm_int8 *g);
em_quant em_quantize_neon(const em_quantize *q);
void em_norm_neon(const em_norm *r);
void em_gelu_neon(float *x, size_t stride, size_t rows, size_t cols);
void em_softmax_neon(float *x, size_t stride, size_t rows, size_t n, float scale,
                     float *ret_inverse);

void em_gemm_int8_sdot(const em_gemm_int8 *g);

#endif
