#include "enclave/time.h"

em_time em_time_anchor(uint64_t attested_ms)
{
    return (em_time){.attested_ms = attested_ms, .monotonic_ms = em_clock_monotonic_ms()};
}

uint64_t em_time_now_ms(const em_time *t)
{
    return t->attested_ms + (em_clock_monotonic_ms() - t->monotonic_ms);
}
