#include "os/cpu.h"
#include "base/cpu.h"

#include <sched.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* Which registers the kernel saves: XCR0. */
static uint64_t xcr0(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

unsigned em_cpu_detect(void)
{
    unsigned a, b, c, d, found = 0;
    const unsigned avx2 = bit_AVX2;
    const unsigned avx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ;

    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    const unsigned first = bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C;
    if ((c & first) != first) return 0;
    uint64_t saved = xcr0();
    if ((saved & 0x6) != 0x6) return 0; /* XMM, YMM */

    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    if ((b & avx2) != avx2) return 0;
    found |= EM_CPU_AVX2;
    /* opmask, ZMM 0-15 upper halves, ZMM 16-31 */
    if ((saved & 0xE0) == 0xE0 && (b & avx512) == avx512 && (c & bit_AVX512VNNI) != 0)
        found |= EM_CPU_AVX512;
    return found;
}
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>

unsigned em_cpu_detect(void)
{
    unsigned found = EM_CPU_NEON;

    if ((getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0) found |= EM_CPU_SDOT;
    return found;
}
#else
unsigned em_cpu_detect(void)
{
    return 0;
}
#endif

size_t em_cpu_count(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? (size_t)n : 1;
}
