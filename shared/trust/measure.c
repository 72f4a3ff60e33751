#include "trust/measure.h"

void em_measure_extend(em_bytes value, em_measure *ret_pcr)
{
    static const uint8_t zero[EM_PCR_LEN];
    const em_bytes parts[] = {EM_BYTES(zero), value};

    em_sha2_384_of(parts, EM_COUNT(parts), ret_pcr->pcr);
}

void em_measure_local(em_bytes program, em_bytes config, em_measure ret_pcr012[3])
{
    const em_bytes both[] = {program, config};
    uint8_t digest[EM_SHA384_LEN];

    em_sha2_384(program, digest);
    em_measure_extend(EM_BYTES(digest), &ret_pcr012[0]);
    em_sha2_384(config, digest);
    em_measure_extend(EM_BYTES(digest), &ret_pcr012[1]);
    em_sha2_384_of(both, EM_COUNT(both), digest);
    em_measure_extend(EM_BYTES(digest), &ret_pcr012[2]);
}
