/* time.h - what time it is inside: an attested floor plus the monotonic clock.
 *
 * The host can set the wall clock of an enclave's kernel; it cannot set the NSM's.
 *
 * Trust:  the timestamp of a document that the NSM signed for us.
 * Memory: a value.
 */
#ifndef EM_ENCLAVE_TIME_H
#define EM_ENCLAVE_TIME_H

#include "os/clock.h"

typedef struct em_time {
    uint64_t attested_ms;  /* Unix */
    uint64_t monotonic_ms; /* when that was */
} em_time;

/* An anchor: `attested_ms` is now. */
em_time em_time_anchor(uint64_t attested_ms);

/* Unix milliseconds; never before the anchor. */
uint64_t em_time_now_ms(const em_time *t);

#endif
