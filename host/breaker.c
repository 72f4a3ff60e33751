#include "host/breaker.h"

void em_breaker_init(em_breaker *b, unsigned threshold, uint64_t first_ms,
                     uint64_t longest_ms)
{
    *b = (em_breaker){
        .threshold = threshold, .first_ms = first_ms, .longest_ms = longest_ms};
}

bool em_breaker_may(em_breaker *b, uint64_t now_ms)
{
    switch (b->state) {
    case EM_BREAKER_CLOSED:
        return true;
    case EM_BREAKER_OPEN:
        if (now_ms < b->until_ms) return false;
        b->state = EM_BREAKER_HALF_OPEN; /* this one is the probe */
        return true;
    case EM_BREAKER_HALF_OPEN:
    default:
        return false;
    }
}

static void open_until(em_breaker *b, uint64_t now_ms, uint64_t cool_ms)
{
    b->cool_ms = cool_ms < b->longest_ms ? cool_ms : b->longest_ms;
    b->until_ms = now_ms + b->cool_ms;
    b->state = EM_BREAKER_OPEN;
}

bool em_breaker_report(em_breaker *b, bool worked, uint64_t now_ms)
{
    em_breaker_state before = b->state;

    if (worked) {
        /* also a try from before it opened: the other end is there */
        b->state = EM_BREAKER_CLOSED;
        b->failures = 0;
        return b->state != before;
    }
    if (b->state == EM_BREAKER_HALF_OPEN)
        open_until(b, now_ms, b->cool_ms * 2);
    else if (b->state == EM_BREAKER_CLOSED && ++b->failures >= b->threshold)
        open_until(b, now_ms, b->first_ms);
    return b->state != before;
}
