/* entropy.h - random bytes from the kernel.
 *
 * Trust:  the kernel's generator; bytes mixed in can make it better, never worse.
 * Memory: the caller's.
 */
#ifndef EM_OS_ENTROPY_H
#define EM_OS_ENTROPY_H

#include "base/em.h"

/* Fills all `len` bytes; waits until the kernel's generator is seeded.  EM_ERR_ENTROPY
 * leaves `to` zero. */
em_err em_entropy_fill(void *to, size_t len);

/* Mixes `seed` into the kernel's pool (it is not credited as entropy). */
em_err em_entropy_mix(em_bytes seed);

#endif
