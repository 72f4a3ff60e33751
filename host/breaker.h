/* breaker.h - a circuit breaker: after some failures in a row it refuses at once, and
 * lets one probe through from time to time.
 *
 *     CLOSED     everything may try
 *     OPEN       nothing may, until the cool-down is over
 *     HALF_OPEN  one probe is out; its result decides
 *
 * Trust:  none.
 * Memory: the caller's; one thread.
 */
#ifndef EM_HOST_BREAKER_H
#define EM_HOST_BREAKER_H

#include "base/em.h"

typedef enum em_breaker_state {
    EM_BREAKER_CLOSED = 0,
    EM_BREAKER_HALF_OPEN = 1,
    EM_BREAKER_OPEN = 2,
} em_breaker_state;

typedef struct em_breaker {
    unsigned threshold;            /* failures in a row that open it */
    uint64_t first_ms, longest_ms; /* cool-down: doubled with each failed probe */
    em_breaker_state state;
    unsigned failures;
    uint64_t cool_ms, until_ms;
} em_breaker;

void em_breaker_init(em_breaker *b, unsigned threshold, uint64_t first_ms,
                     uint64_t longest_ms);

/* May a try begin now?  After true, em_breaker_report must follow. */
bool em_breaker_may(em_breaker *b, uint64_t now_ms);

/* How a try ended; true where the state changed. */
bool em_breaker_report(em_breaker *b, bool worked, uint64_t now_ms);

#endif
