/* clock.h - what time it is, and deadlines.
 *
 * Trust:  the kernel's clocks.  In an enclave the host can skew the wall clock: what must
 *         be right takes its floor from an attested time and adds the monotonic clock.
 * Memory: none.
 *
 * A deadline is a point on the monotonic clock in milliseconds.  EM_NOW asks for no wait
 * at all (EM_ERR_AGAIN where one would be needed), EM_NEVER for no limit.  Clock and
 * entropy are objects of their own: a test may link others in their place.
 */
#ifndef EM_OS_CLOCK_H
#define EM_OS_CLOCK_H

#include "base/em.h"

#define EM_NOW ((uint64_t)0)
#define EM_NEVER UINT64_MAX

/* Milliseconds since 1970 (UTC), and since some fixed point that never goes back. */
uint64_t em_clock_wall_ms(void);
uint64_t em_clock_monotonic_ms(void);
uint64_t em_clock_monotonic_ns(void);

/* The deadline `wait_ms` from now; EM_NEVER stays EM_NEVER. */
uint64_t em_clock_deadline(uint64_t wait_ms);

#endif
