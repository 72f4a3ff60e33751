#include "cmd/judge.h"

#include "cmd/group.h"
#include "cmd/lines.h"
#include "os/file.h"
#include "wire/text.h"

#include <stdio.h>

void em_judge_drop(em_judge *j)
{
    em_map_drop(&j->file);
    em_map_drop(&j->policy_file);
}

void em_judge_args(em_judge *j, em_arg ret_rows[EM_JUDGE_ARGS])
{
    const em_arg rows[EM_JUDGE_ARGS] = {
        {.name = "policy",
         .letter = 'p',
         .value = "FILE",
         .help = "judge by this policy instead of the one in the file",
         .text = &j->policy},
        {.name = "at",
         .value = "TIME",
         .help = "judge at this time (RFC 3339) instead of the document's own",
         .text = &j->at},
    };

    memcpy(ret_rows, rows, sizeof rows);
}

int em_judge_run(em_judge *j, const char *program, const char *path, em_err *ret_verdict)
{
    em_evidence_ask ask = {.signers = j->signers, .tensors = j->tensors};

    em_err err = em_file_load(path, EM_MAX_EVIDENCE, &j->file);
    if (err != EM_OK) return em_group_fail(program, path, err, NULL);
    err = em_home_signers(j->signers, &ask.n_signers);
    if (err != EM_OK) return em_group_fail(program, "pinned signers", err, NULL);
    if (j->policy != NULL) {
        err = em_file_load(j->policy, EM_MAX_POLICY, &j->policy_file);
        if (err != EM_OK) return em_group_fail(program, j->policy, err, NULL);
        ask.policy = em_map_view(&j->policy_file);
    }
    if (j->at != NULL) {
        ask.has_time = true;
        err = em_text_from_time(em_view(j->at, strlen(j->at)), &ask.at_ms);
        if (err != EM_OK)
            return em_group_fail(program, j->at, err,
                                 "A time looks like 2026-11-22T10:20:30Z.");
    }
    em_report_init(&j->report);
    *ret_verdict = em_evidence_verify(em_map_view(&j->file), &ask, &j->report, &j->facts);
    if (ask.n_signers == 0)
        fprintf(stderr,
                "No policy signer is pinned: em policy trust KEY.pub pins one.\n");
    return EM_EXIT_OK;
}

void em_judge_counts(const em_judge *j, char ret_text[EM_JUDGE_COUNTS])
{
    em_lines_count n = em_lines_of(&j->report);

    snprintf(ret_text, EM_JUDGE_COUNTS, "%u passed, %u failed, %u not checked", n.pass,
             n.fail, n.skip);
}
