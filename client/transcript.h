/* transcript.h - the opened records of one request and its answer, kept for evidence.
 *
 * Trust:  bodies as the session opened or sealed them.
 * Memory: owns its pages; wiped when dropped.
 */
#ifndef EM_CLIENT_TRANSCRIPT_H
#define EM_CLIENT_TRANSCRIPT_H

#include "os/map.h"
#include "trust/evidence.h"

typedef struct em_transcript {
    em_map bytes; /* bodies, one behind the other */
    size_t len;
    em_map index; /* em_evidence_record[]; bodies are told apart by length */
    size_t n;
} em_transcript;
void em_transcript_drop(em_transcript *t);

/* Forget all, keep the pages. */
void em_transcript_clear(em_transcript *t);

/* EM_ERR_LIMIT above EM_MAX_ANSWER bytes or EM_MAX_EVIDENCE_RECORDS. */
em_err em_transcript_add(em_transcript *t, em_record_type type, em_bytes body);

/* The records, valid until the next em_transcript_add. */
const em_evidence_record *em_transcript_records(em_transcript *t);

/* All bodies, one behind the other. */
em_bytes em_transcript_bytes(const em_transcript *t);

#endif
