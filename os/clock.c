#include "os/clock.h"

#include <time.h>

static uint64_t now_ns(clockid_t which)
{
    struct timespec t = {0};

    /* cannot fail for these two clocks on Linux; zero would read as 1970 */
    (void)clock_gettime(which, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t em_clock_wall_ms(void)
{
    return now_ns(CLOCK_REALTIME) / 1000000u;
}

uint64_t em_clock_monotonic_ms(void)
{
    return now_ns(CLOCK_MONOTONIC) / 1000000u;
}

uint64_t em_clock_monotonic_ns(void)
{
    return now_ns(CLOCK_MONOTONIC);
}

uint64_t em_clock_deadline(uint64_t wait_ms)
{
    uint64_t now = em_clock_monotonic_ms();

    return wait_ms > EM_NEVER - now ? EM_NEVER : now + wait_ms;
}
