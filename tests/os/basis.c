/* Clock, entropy, processor bits. */
#include "base/cpu.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/entropy.h"
#include "os/thread.h"
#include "tests/support/test.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void clocks_agree_with_the_c_library(void)
{
    uint64_t wall = em_clock_wall_ms(), a = em_clock_monotonic_ms();
    uint64_t b = em_clock_monotonic_ns();

    CHECK(wall / 1000 - (uint64_t)time(NULL) + 1 <= 2);
    CHECK(b / 1000000 >= a && b / 1000000 - a < 1000);
    em_thread_sleep_ms(20);
    uint64_t took = em_clock_monotonic_ms() - a;
    CHECK(took >= 19 && took < 2000);
}

static void deadlines_saturate(void)
{
    uint64_t now = em_clock_monotonic_ms(), d = em_clock_deadline(1000);

    CHECK(d >= now + 1000 && d < now + 3000);
    CHECK(em_clock_deadline(EM_NEVER) == EM_NEVER);
    CHECK(em_clock_deadline(EM_NEVER - 1) == EM_NEVER);
    CHECK(em_clock_deadline(0) != EM_NOW); /* a deadline that has passed, not "now" */
}

static void random_bytes_differ_and_fill_everything(void)
{
    static uint8_t a[1 << 20], b[1 << 20];
    size_t zero = 0, bits[256] = {0};

    CHECK_OK(em_entropy_fill(a, sizeof a));
    CHECK_OK(em_entropy_fill(b, sizeof b));
    CHECK(memcmp(a, b, 64) != 0);
    for (size_t i = 0; i < sizeof a; i++) bits[a[i]]++;
    for (size_t i = 0; i < 256; i++) zero += bits[i] < 3500 || bits[i] > 4700;
    CHECK(zero == 0); /* 4096 expected, 9 sigma */
    CHECK_OK(em_entropy_fill(a, 0));
    CHECK_OK(em_entropy_mix(EM_STR("some seed that the machine's owner gave")));
    CHECK_OK(em_entropy_mix(em_view(NULL, 0)));
}

/* /proc/cpuinfo says what the kernel thinks. */
static void bits_are_the_kernels(void)
{
    static char text[65536];
    FILE *f = fopen("/proc/cpuinfo", "r");
    unsigned bits = em_cpu_detect();

    CHECK(em_cpu_count() >= 1 && em_cpu_count() <= (size_t)sysconf(_SC_NPROCESSORS_CONF));
    if (f == NULL) {
        test_skip("bits_are_the_kernels", "no /proc/cpuinfo");
        return;
    }
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
#if defined(__x86_64__)
    bool avx2 = strstr(text, " avx2") && strstr(text, " fma") && strstr(text, " f16c");
    bool avx512 = avx2 && strstr(text, " avx512f") && strstr(text, " avx512bw") &&
                  strstr(text, " avx512vl") && strstr(text, " avx512dq") &&
                  strstr(text, " avx512_vnni");
    CHECK(((bits & EM_CPU_AVX2) != 0) == avx2);
    CHECK(((bits & EM_CPU_AVX512) != 0) == avx512);
    CHECK((bits & (EM_CPU_NEON | EM_CPU_SDOT)) == 0);
#elif defined(__aarch64__)
    CHECK((bits & EM_CPU_NEON) != 0 && (bits & (EM_CPU_AVX2 | EM_CPU_AVX512)) == 0);
    CHECK(((bits & EM_CPU_SDOT) != 0) == (strstr(text, " asimddp") != NULL));
#endif
}

int main(void)
{
    RUN(clocks_agree_with_the_c_library);
    RUN(deadlines_saturate);
    RUN(random_bytes_differ_and_fill_everything);
    RUN(bits_are_the_kernels);
    return test_end();
}
