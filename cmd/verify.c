#include "cmd/commands.h"
#include "cmd/judge.h"
#include "cmd/lines.h"

#include <stdio.h>

static const char program[] = "em verify";

static void put_text(json_t *object, const char *name, em_bytes text)
{
    json_object_set_new(object, name, json_stringn((const char *)text.at, text.len));
}

static json_t *facts_json(const em_evidence_facts *f)
{
    char at[EM_LINES_TIME], document[EM_LINES_TIME];
    const em_receipt_claims *c = &f->receipt.claims;

    em_lines_time(f->judged_at_ms, at);
    em_lines_time(f->peer.attested.timestamp_ms, document);
    json_t *out = json_pack("{s:s,s:b,s:s,s:s,s:s,s:I,s:b,s:b}", "mode",
                            em_roots_mode_name(f->peer.attested.mode), "self_dated",
                            f->self_dated, "judged_at", at, "document_time", document,
                            "module_id", f->peer.attested.module_id, "policy_version",
                            (json_int_t)f->policy_version, "policy_given",
                            f->policy_given, "any_account", f->peer.any_account);
    put_text(out, "deployment", c->iss);
    put_text(out, "model_id", c->model_id);
    put_text(out, "model_version", c->model_version);
    json_object_set_new(out, "model_hash", em_lines_hex(c->model_hash));
    json_object_set_new(out, "iat", json_integer((json_int_t)c->iat));
    json_object_set_new(out, "sequence_number",
                        json_integer((json_int_t)c->sequence_number));
    return out;
}

static void print_facts(const em_evidence_facts *f)
{
    const em_receipt_claims *c = &f->receipt.claims;
    char at[EM_LINES_TIME], issued[EM_LINES_TIME], model[4 * EM_MAX_CLAIM_TEXT + 1];
    char version[4 * EM_MAX_CLAIM_TEXT + 1], deployment[4 * EM_MAX_CLAIM_TEXT + 1];

    /* signed, but still somebody else's text */
    em_lines_escape(c->model_id, model, sizeof model);
    em_lines_escape(c->model_version, version, sizeof version);
    em_lines_escape(c->iss, deployment, sizeof deployment);
    em_lines_time(f->judged_at_ms, at);
    em_lines_time(c->iat * 1000, issued);
    printf("\n%s %s answered request %llu of a session with %s\n", model, version,
           (unsigned long long)c->sequence_number, f->peer.attested.module_id);
    printf("deployment %s, issued %s, judged at %s%s\n", deployment, issued, at,
           f->self_dated ? " (self-dated: the document's own word)" : "");
    printf("mode: %s%s\n", em_roots_mode_name(f->peer.attested.mode),
           f->peer.attested.mode == EM_MODE_EVALUATION ? " (the root is not AWS's)" : "");
    if (f->peer.any_account) printf("the policy binds no AWS account\n");
}

static int tell(const em_judge *j, em_err err, bool json)
{
    char counts[EM_JUDGE_COUNTS];

    if (json) {
        json_t *out = json_pack("{s:b,s:s,s:o}", "verified", err == EM_OK, "code",
                                em_err_name(err), "checks", em_lines_json(&j->report));
        if (err == EM_OK) json_object_set_new(out, "facts", facts_json(&j->facts));
        json_dumpf(out, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(out);
    } else {
        em_lines_print(&j->report);
        if (err == EM_OK) print_facts(&j->facts);
        em_judge_counts(j, counts);
        printf("%s: %s%s%s\n", err == EM_OK ? "VERIFIED" : "REFUSED", counts,
               err == EM_OK ? "" : ": ", err == EM_OK ? "" : em_err_name(err));
    }
    return err == EM_OK ? EM_EXIT_OK : EM_EXIT_REFUSED;
}

int em_verify_command(int argc, char **argv)
{
    static em_judge judge;
    bool json = false;
    em_arg table[EM_JUDGE_ARGS + 1] = {
        [EM_JUDGE_ARGS] = {.name = "json", .help = "one JSON object", .flag = &json},
    };
    const em_args args = {
        .program = program,
        .summary = "verify an evidence file, check by check",
        .usage = "EVIDENCE [--policy FILE] [--at TIME] [--json]",
        .details =
            "Needs no network.  A policy counts only under a signer that was pinned "
            "with\n"
            "em policy trust.  A check that is not made reads SKIP and is not a pass.\n\n"
            "exit codes: 0 verified, 1 refused, 2 could not run\n",
        .arg = table,
        .n = EM_COUNT(table),
        .min = 1,
        .max = 1};
    em_err verdict;
    char **rest;
    size_t n;

    em_judge_args(&judge, table);
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;
    int code = em_judge_run(&judge, program, rest[0], &verdict);
    if (code == EM_EXIT_OK) code = tell(&judge, verdict, json);
    em_judge_drop(&judge);
    return code;
}
