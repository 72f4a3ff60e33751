/* cpu.h - what this machine's processors can do.
 *
 * Trust:  the processor's word; in an enclave the instance type is the operator's choice
 *         and changes speed only (every level computes the same bits).
 * Memory: none.
 */
#ifndef EM_OS_CPU_H
#define EM_OS_CPU_H

#include "base/em.h"

/* The EM_CPU_* bits of base/cpu.h that processor and kernel both support. */
unsigned em_cpu_detect(void);

/* Processors this process may run on: 1 or more. */
size_t em_cpu_count(void);

#endif
