/* replay.h - an archived inference computed again, and compared byte for byte.
 *
 *   em_replay_take  what was asked and answered, out of verified evidence
 *   em_replay_open  the model: the very bundle that the receipt names, opened
 *   em_replay_run   every DATA and END again; may be called again, another way
 *
 * Trust:  the evidence has been verified (trust/evidence.h): hashes of a receipt whose
 *         enclave is believed bind request and answer.  Bundle and key file are hostile
 *         until manifest hash, publisher's signature, commitment, tags, count, length and
 *         root have held.
 * Memory: an em_replay owns pages of the model's size and more; it points into itself and
 *         is not to be copied or moved.  {0} is none; drop it.
 */
#ifndef EM_TOOLS_REPLAY_H
#define EM_TOOLS_REPLAY_H

#include "infer/task.h"
#include "os/jobs.h"
#include "tools/bundlefile.h"
#include "tools/problem.h"
#include "tools/replay_diff.h"
#include "trust/evidence.h"

typedef struct em_replay {
    const em_evidence_facts *facts;
    em_evidence file;
    em_map body, inputs; /* the request as one piece; em_bytes[EM_MAX_INPUTS] into it */
    em_request request;
    em_end end;
    size_t n_data; /* DATA records of the answer */

    em_bundlefile bundle;
    em_tensor tensors[EM_MAX_TENSORS];
    em_manifest manifest;
    em_map image;
    em_bert bert;
    em_wordpiece words;
} em_replay;
void em_replay_drop(em_replay *r);

/* `evidence` is the file that gave these facts; both must outlive the replay.
 * EM_ERR_REPLAY_PARTS where there is no request or answer in it, or no answer that ended
 * well: nothing could be computed again. */
em_err em_replay_take(em_bytes evidence, const em_evidence_facts *facts,
                      em_problem *problem, em_replay *ret_replay);

/* EM_ERR_MODEL_HASH_MISMATCH for another bundle than the receipt's, EM_ERR_UNSUPPORTED
 * for a numeric profile of another build, EM_ERR_KEY_COMMITMENT for another key, and the
 * errors of em_bundlefile_open, em_contentkey_read and em_bundlefile_unseal. */
em_err em_replay_open(em_replay *r, const char *bundle, const char *key,
                      em_problem *problem);

/* How to compute: none of it may show in the result. */
typedef struct em_replay_how {
    unsigned cpu;    /* EM_CPU_* that may be used */
    size_t threads;  /* 1 .. EM_JOBS_MAX_WORKERS */
    uint32_t texts;  /* in a batch; 0: 64 */
    uint32_t tokens; /* in a batch; 0: 1024; at least the longest sequence in any case */
    void (*tell)(void *arg, uint32_t done, uint32_t n); /* texts so far; or NULL */
    void *arg;
} em_replay_how;

/* What came of it. */
typedef struct em_replay_result {
    const char *level; /* of the kernels */
    uint32_t texts;
    uint64_t tokens;
    em_replay_diff diff;
    uint8_t response_hash[EM_SHA256_LEN]; /* over the records as computed again */
} em_replay_result;

/* EM_ERR_REPLAY_DIFFERS where a byte is not the same; *ret_result is then filled as well,
 * and diff.text says what differs first.  EM_ERR_UNSUPPORTED for an op that is not this
 * model's. */
em_err em_replay_run(em_replay *r, const em_replay_how *how, em_problem *problem,
                     em_replay_result *ret_result);

#endif
