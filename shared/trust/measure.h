/* measure.h - what the PCRs of an enclave are, computed from the files it is made of.
 *
 * Trust:  the files are the caller's own; nothing hostile is parsed.
 * Memory: nothing is allocated.
 */
#ifndef EM_TRUST_MEASURE_H
#define EM_TRUST_MEASURE_H

#include "base/limits.h"
#include "crypto/sha2.h"

typedef struct em_measure {
    uint8_t pcr[EM_PCR_LEN];
} em_measure;

/* The first extension of a PCR: SHA-384(48 zero bytes || value).  PCR3 of a role's ARN
 * and PCR4 of an instance id extend the text itself; PCR0 to 2 and 8 extend a SHA-384
 * digest. */
void em_measure_extend(em_bytes value, em_measure *ret_pcr);

/* What a local run (no image file) is measured as: PCR0 by the program's bytes, PCR1 by
 * its configuration's, PCR2 by both, one after the other. */
void em_measure_local(em_bytes program, em_bytes config, em_measure ret_pcr012[3]);

#endif
