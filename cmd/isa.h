/* isa.h - which kernels to compute with, by name.
 *
 * Trust:  the name is the user's; only what the processor has is ever chosen.
 * Memory: none.
 */
#ifndef EM_CMD_ISA_H
#define EM_CMD_ISA_H

#include "base/em.h"

/* The EM_CPU_* bits that give the kernels of this name, or the best there are where
 * name.at is NULL; false where this build or this processor has none of that name. */
bool em_isa_choose(em_bytes name, unsigned *ret_cpu);

/* "scalar, avx2": every name that em_isa_choose takes here. */
enum { EM_ISA_NAMES = 64 };
void em_isa_names(char ret_text[EM_ISA_NAMES]);

#endif
