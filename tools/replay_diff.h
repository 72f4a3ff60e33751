/* replay_diff.h - two answers, record by record: are they the same bytes, and if not,
 * what differs?
 *
 * Trust:  `claimed` is out of an evidence file, well formed or not; `made` is our own.
 * Memory: fixed size; nothing is allocated.
 */
#ifndef EM_TOOLS_REPLAY_DIFF_H
#define EM_TOOLS_REPLAY_DIFF_H

#include "base/em.h"

typedef struct em_replay_diff {
    size_t records, bad_records;   /* compared: DATA and END */
    uint64_t numbers, bad_numbers; /* in the rows of DATA that could be compared */
    double most;                   /* the largest distance of two finite numbers */
    char text[400];                /* the first difference in words; empty: none */
} em_replay_diff;

/* The bodies of the index-th DATA record. */
void em_replay_diff_data(em_replay_diff *diff, size_t index, em_bytes claimed,
                         em_bytes made);
void em_replay_diff_end(em_replay_diff *diff, em_bytes claimed, em_bytes made);

/* How many DATA records there are: a difference where these are not the same. */
void em_replay_diff_count(em_replay_diff *diff, size_t claimed, size_t made);

/* Have all of them been the same bytes? */
bool em_replay_diff_is_same(const em_replay_diff *diff);

#endif
