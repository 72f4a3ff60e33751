/* cpu.h - what a processor can do, as bits; os/ finds them out, engine/ is told.
 *
 * A bit says that everything a file of that suffix is compiled for may be executed: the
 * instructions are there and the kernel saves the registers they use.
 *
 * Trust:  none: numbers.  A wrong bit ends in SIGILL, never in another result.
 * Memory: none.
 */
#ifndef EM_BASE_CPU_H
#define EM_BASE_CPU_H

enum {
    EM_CPU_AVX2 = 1 << 0,   /* *_avx2.c: AVX2, FMA, F16C; XCR0 has XMM and YMM */
    EM_CPU_AVX512 = 1 << 1, /* *_avx512.c: AVX-512 F, BW, VL, DQ, VNNI too; XCR0 has
                             * opmask and ZMM; implies EM_CPU_AVX2 */
    EM_CPU_NEON = 1 << 2,   /* *_neon.c: aarch64's baseline */
    EM_CPU_SDOT = 1 << 3,   /* *_sdot.c: FEAT_DotProd; implies EM_CPU_NEON */
};

#endif
