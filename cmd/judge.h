/* judge.h - an evidence file judged as em verify judges it: the same options, the same
 * pinned signers, the same checks, for every command that needs a verified one.
 *
 * Trust:  the file is hostile; `facts` are facts where the verdict is EM_OK.
 * Memory: about 130 KiB, one a command: static.  em_judge_drop gives the files back.
 */
#ifndef EM_CMD_JUDGE_H
#define EM_CMD_JUDGE_H

#include "cmd/home.h"
#include "os/args.h"
#include "os/map.h"
#include "trust/evidence.h"

typedef struct em_judge {
    const char *policy, *at; /* options */
    em_map file, policy_file;
    em_ed25519_public signers[EM_MAX_SIGNERS];
    em_tensor tensors[EM_MAX_TENSORS];
    em_report report;
    em_evidence_facts facts;
} em_judge;
void em_judge_drop(em_judge *j);

/* The table rows of these options: --policy, --at. */
enum { EM_JUDGE_ARGS = 2 };
void em_judge_args(em_judge *j, em_arg ret_rows[EM_JUDGE_ARGS]);

/* Loads the file and judges it: EM_EXIT_OK and the verdict, or EM_EXIT_CANNOT after it
 * has said why on stderr. */
int em_judge_run(em_judge *j, const char *program, const char *path, em_err *ret_verdict);

/* "12 passed, 1 failed, 3 not checked": what every verdict is told with. */
enum { EM_JUDGE_COUNTS = 96 };
void em_judge_counts(const em_judge *j, char ret_text[EM_JUDGE_COUNTS]);

#endif
