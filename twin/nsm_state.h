/* nsm_state.h - a Nitro Secure Module in software: PCRs, locks, documents.
 *
 * Answers the requests of aws-nitro-enclaves-nsm-api as the device does: DescribeNSM,
 * DescribePCR, ExtendPCR, LockPCR, LockPCRs, GetRandom, Attestation.
 *
 * Trust:  requests are hostile; the PCRs are what the twin was told to measure.
 * Memory: the caller's; nothing is allocated but by libcrypto, freed before return.
 */
#ifndef EM_TWIN_NSM_STATE_H
#define EM_TWIN_NSM_STATE_H

#include "base/write.h"
#include "trust/measure.h"
#include "twin/ca.h"

enum { EM_NSM_STATE_PCRS = 32, EM_NSM_STATE_BOOT_PCRS = 16 };

typedef struct em_nsm_state {
    em_ca *ca;
    char module_id[EM_MAX_MODULE_ID];
    em_measure pcr[EM_NSM_STATE_PCRS];
    uint32_t locked;      /* a bit a PCR */
    int64_t skew_ms;      /* added to the clock in documents: the villain's */
    uint64_t documents;   /* made so far */
    uint64_t debug_after; /* so many, then debug ones; 0: never: the villain's */
    em_bytes
        replay; /* when not empty, given instead of a fresh document: the villain's */
} em_nsm_state;

/* At boot: PCR0 to 2 as measured, PCR3 of the role's ARN, PCR4 of the instance id, the
 * first sixteen locked.  `debug` zeroes PCR0 to 2, as debug mode does.  module_id is the
 * instance id with "-enc" and 16 hexadecimal digits of `serial` behind it. */
em_err em_nsm_state_boot(em_ca *ca, const em_measure pcr012[3], const char *role,
                         const char *instance, uint64_t serial, bool debug,
                         em_nsm_state *ret_state);

/* Answer one request; the answer is always written ({"Error": …} for bad ones).
 * EM_ERR_FULL where `o` has no room. */
em_err em_nsm_state_answer(em_nsm_state *state, em_bytes request, uint64_t now_ms,
                           em_out *o);

#endif
