/* peak [avx2]: what this machine's arithmetic and memory can do, for make bench-encoder
 * to hold the encoder against; the best of several short turns, on one and on two
 * processors.
 *
 * An operation is one multiplication or one addition.  `avx2` leaves AVX-512 out, as a
 * machine without it would.  Where an instruction is missing its line is. */
#include "base/cpu.h"
#include "bench/bench.h"
#include "os/cpu.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

enum { TURNS = 25, MOST_THREADS = 2 };

typedef struct share {
    double (*work)(const struct share *share); /* does it, says how many units */
    const uint8_t *at;                         /* what a reading worker reads */
    size_t len;
    size_t times;
    double units;
    size_t processor;
    pthread_barrier_t *together;
    double started, ended;
} share;

#if defined(__x86_64__)
#include <immintrin.h>

/* Twelve independent accumulators hide the latency of `one`. */
#define TWELVE(one)                                                                      \
    one("%0") one("%1") one("%2") one("%3") one("%4") one("%5") one("%6") one("%7")      \
        one("%8") one("%9") one("%10") one("%11")
#define ACCUMULATORS                                                                     \
    "+v"(c0), "+v"(c1), "+v"(c2), "+v"(c3), "+v"(c4), "+v"(c5), "+v"(c6), "+v"(c7),      \
        "+v"(c8), "+v"(c9), "+v"(c10), "+v"(c11)
#define LOOP(name, features, type, zero, one, products)                                  \
    __attribute__((target(features))) static double name(const share *s)                 \
    {                                                                                    \
        type a = zero, t = zero, c0 = a, c1 = a, c2 = a, c3 = a, c4 = a, c5 = a, c6 = a, \
             c7 = a, c8 = a, c9 = a, c10 = a, c11 = a;                                   \
        for (size_t i = 0; i < s->times; i++)                                            \
            __asm__ volatile(TWELVE(one) : ACCUMULATORS, "+v"(t) : "v"(a));              \
        return 12.0 * 2 * (products) * (double)s->times;                                 \
    }
#define FMA(c) "vfmadd231ps %13, %13, " c "\n\t"
#define DOT(c) "vpdpbusd %13, %13, " c "\n\t"
#define MADD(c) "vpmaddwd %13, %13, %12\n\tvpaddd %12, " c ", " c "\n\t"

LOOP(fma_avx2, "avx2,fma", __m256, _mm256_setzero_ps(), FMA, 8)
LOOP(fma_avx512, "avx512f", __m512, _mm512_setzero_ps(), FMA, 16)
LOOP(madd_avx2, "avx2", __m256i, _mm256_setzero_si256(), MADD, 16)
LOOP(madd_avx512, "avx512bw", __m512i, _mm512_setzero_si512(), MADD, 32)
LOOP(dot_avx512, "avx512f", __m512i, _mm512_setzero_si512(), DOT, 64)

/* Reads whole lines of 64 bytes, eight a turn, into registers nobody looks at. */
__attribute__((target("avx2"))) static double read_avx2(const share *s)
{
    for (size_t i = 0; i < s->times; i++)
        for (size_t at = 0; at < s->len; at += 512)
            for (size_t line = 0; line < 512; line += 128)
                __asm__ volatile("vmovaps (%0), %%ymm0\n\tvmovaps 32(%0), %%ymm1\n\t"
                                 "vmovaps 64(%0), %%ymm2\n\tvmovaps 96(%0), %%ymm3"
                                 :
                                 : "r"(s->at + at + line)
                                 : "xmm0", "xmm1", "xmm2", "xmm3");
    return (double)s->len * (double)s->times;
}

__attribute__((target("avx512f"))) static double read_avx512(const share *s)
{
    for (size_t i = 0; i < s->times; i++)
        for (size_t at = 0; at < s->len; at += 512)
            for (size_t line = 0; line < 512; line += 256)
                __asm__ volatile("vmovaps (%0), %%zmm0\n\tvmovaps 64(%0), %%zmm1\n\t"
                                 "vmovaps 128(%0), %%zmm2\n\tvmovaps 192(%0), %%zmm3"
                                 :
                                 : "r"(s->at + at + line)
                                 : "xmm0", "xmm1", "xmm2", "xmm3");
    return (double)s->len * (double)s->times;
}
#else
static double read_plain(const share *s)
{
    for (size_t i = 0; i < s->times; i++)
        for (size_t at = 0; at < s->len; at += 64)
            for (size_t word = 0; word < 64; word += 8)
                (void)*(const volatile uint64_t *)(const void *)(s->at + at + word);
    return (double)s->len * (double)s->times;
}
#endif

static void *work(void *arg)
{
    share *s = arg;
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(s->processor, &one);
    (void)sched_setaffinity(0, sizeof one, &one); /* where it may not, it floats */
    pthread_barrier_wait(s->together);
    s->started = bench_now_us();
    s->units = s->work(s);
    s->ended = bench_now_us();
    return NULL;
}

/* The n-th processor that this process may use. */
static size_t processor(size_t n)
{
    cpu_set_t may;

    if (sched_getaffinity(0, sizeof may, &may) != 0) return n;
    for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &may) && n-- == 0) return i;
    return 0;
}

/* Units a nanosecond (thousand millions a second) of `threads` shares at once. */
static double rate(share *shares, size_t threads)
{
    pthread_t thread[MOST_THREADS];
    pthread_barrier_t together;
    double started = 0, ended = 0, units = 0;

    pthread_barrier_init(&together, NULL, (unsigned)threads);
    for (size_t i = 0; i < threads; i++) {
        shares[i].together = &together;
        shares[i].processor = processor(i);
        if (pthread_create(&thread[i], NULL, work, &shares[i]) != 0) exit(1);
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
        if (i == 0 || shares[i].started < started) started = shares[i].started;
        if (i == 0 || shares[i].ended > ended) ended = shares[i].ended;
        units += shares[i].units;
    }
    pthread_barrier_destroy(&together);
    return units / (ended - started) / 1e3;
}

/* The best of the turns: a peak is what can be had, not what was had while others ran. */
static void report(const char *name, const char *unit, double (*one)(const share *),
                   const uint8_t *at, size_t len, size_t times)
{
    for (size_t threads = 1; threads <= MOST_THREADS && threads <= em_cpu_count();
         threads++) {
        share shares[MOST_THREADS];
        double best = 0;
        char line[64];

        for (size_t i = 0; i < threads; i++)
            shares[i] = (share){.work = one,
                                .at = at + i * (len / threads),
                                .len = len / threads,
                                .times = times};
        for (size_t turn = 0; turn < TURNS; turn++) {
            double got = rate(shares, threads);
            if (got > best) best = got;
        }
        snprintf(line, sizeof line, "%s.%zu", name, threads);
        bench_line(line, best, unit, "");
    }
}

static void arithmetic(unsigned cpu)
{
    enum { TIMES = 400000 };
#if defined(__x86_64__)
    if (cpu & EM_CPU_AVX2) {
        report("fma.avx2", "GFLOP/s", fma_avx2, NULL, 0, TIMES);
        report("madd.avx2", "GOP/s", madd_avx2, NULL, 0, TIMES);
    }
    if (cpu & EM_CPU_AVX512) {
        report("fma.avx512", "GFLOP/s", fma_avx512, NULL, 0, TIMES);
        report("madd.avx512", "GOP/s", madd_avx512, NULL, 0, TIMES);
        report("vnni.avx512", "GOP/s", dot_avx512, NULL, 0, TIMES);
    }
#else
    (void)cpu;
#endif
}

static void reading(unsigned cpu)
{
    static const struct {
        const char *name;
        size_t len;
    } sizes[] = {{"read.256KiB", 256 << 10}, {"read.2MiB", 2 << 20},
                 {"read.10MiB", 10 << 20}, /* the weights in int8, bf16 and f32 */
                 {"read.20MiB", 20 << 20},   {"read.24MiB", 24 << 20},
                 {"read.40MiB", 40 << 20},   {"read.512MiB", 512 << 20}};
    double (*one)(const share *) = NULL;
    size_t most = 512 << 20, page = 2 << 20;

#if defined(__x86_64__)
    if (cpu & EM_CPU_AVX2) one = read_avx2;
    if (cpu & EM_CPU_AVX512) one = read_avx512;
#else
    (void)cpu;
    one = read_plain;
#endif
    if (one == NULL) return;
    uint8_t *at = mmap(NULL, most + page, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return;
    uint8_t *from = at + (page - (uintptr_t)at % page) % page;
    (void)madvise(from, most, MADV_HUGEPAGE); /* as the loader takes a model's memory */
    memset(from, 1, most);
    for (size_t i = 0; i < EM_COUNT(sizes); i++)
        report(sizes[i].name, "GB/s", one, from, sizes[i].len,
               1 + (64u << 20) / sizes[i].len);
    munmap(at, most + page);
}

int main(int argc, char **argv)
{
    unsigned cpu = em_cpu_detect();

    if (argc > 1 && strcmp(argv[1], "avx2") == 0) cpu &= EM_CPU_AVX2;
    arithmetic(cpu);
    reading(cpu);
    return 0;
}
