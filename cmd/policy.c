#include "trust/policy.h"
#include "cmd/group.h"
#include "cmd/home.h"
#include "cmd/lines.h"
#include "cmd/policy_make.h"
#include "os/clock.h"
#include "os/file.h"
#include "tools/keys.h"

#include <stdio.h>

static em_err load(const char *program, const char *path, em_map *ret_file)
{
    em_err err = em_file_load(path, EM_MAX_POLICY, ret_file);

    if (err != EM_OK) (void)em_group_fail(program, path, err, NULL);
    return err;
}

static json_t *tuple_json(const em_policy_tuple *t)
{
    const em_bytes *const pcr[] = {&t->pcr0, &t->pcr1, &t->pcr2,
                                   &t->pcr3, &t->pcr4, &t->pcr8};
    static const char *const name[] = {"pcr0", "pcr1", "pcr2", "pcr3", "pcr4", "pcr8"};
    char until[EM_LINES_TIME];

    em_lines_time(t->not_after_ms, until);
    json_t *out = json_pack("{s:s,s:b,s:I}", "not_after", until, "any_account",
                            t->any_account, "protocol", (json_int_t)t->protocol);
    for (size_t i = 0; i < EM_COUNT(pcr); i++)
        if (pcr[i]->len > 0) json_object_set_new(out, name[i], em_lines_hex(*pcr[i]));
    return out;
}

static json_t *body_json(const em_policy_body *b)
{
    json_t *roots = json_array(), *tuples = json_array(), *publishers = json_array();
    char from[EM_LINES_TIME], until[EM_LINES_TIME], id[EM_MAX_DEPLOYMENT * 4 + 1];

    em_lines_time(b->not_before_ms, from);
    em_lines_time(b->not_after_ms, until);
    em_lines_escape(b->id, id, sizeof id);
    for (size_t i = 0; i < b->n_roots; i++)
        json_array_append_new(roots, em_lines_hex(EM_BYTES(b->root[i].sha256)));
    for (size_t i = 0; i < b->n_tuples; i++)
        json_array_append_new(tuples, tuple_json(&b->tuple[i]));
    for (size_t i = 0; i < b->n_publishers; i++) {
        const em_publisher *p = &b->publisher[i];
        char model[EM_MAX_MODEL_ID * 4 + 1];
        em_lines_escape(p->model, model, sizeof model);
        json_array_append_new(publishers,
                              json_pack("{s:s,s:o,s:I}", "model", model, "key",
                                        em_lines_hex(EM_BYTES(p->key.b)), "floor",
                                        (json_int_t)p->floor));
    }
    return json_pack("{s:s,s:I,s:s,s:s,s:s,s:I,s:o,s:o,s:o,s:{s:i,s:i,s:i}}", "id", id,
                     "version", (json_int_t)b->version, "mode",
                     em_roots_mode_name(b->mode), "not_before", from, "not_after", until,
                     "freshness_ms", (json_int_t)b->freshness_ms, "roots", roots,
                     "tuples", tuples, "publishers", publishers, "revoked", "keys",
                     (int)b->n_revoked_keys, "manifests", (int)b->n_revoked_manifests,
                     "measurements", (int)b->n_revoked_measurements);
}

static void print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(json);
}

static int run_show(int argc, char **argv)
{
    static em_policy_body body;
    const em_args args = {.program = "em policy show",
                          .summary =
                              "print what a policy says (its signature is not checked)",
                          .usage = "FILE",
                          .min = 1,
                          .max = 1};
    EM_DROP(em_map) file = {0};
    char **rest;
    size_t n;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;

    if (load(args.program, rest[0], &file) != EM_OK) return EM_EXIT_CANNOT;
    em_err err = em_policy_parse(em_map_view(&file), &body);
    if (err != EM_OK) {
        (void)em_group_fail(args.program, rest[0], err, NULL);
        return EM_EXIT_REFUSED;
    }
    print_json(body_json(&body));
    return EM_EXIT_OK;
}

static int run_verify(int argc, char **argv)
{
    static em_policy policy;
    static em_report report;
    bool json = false;
    const em_arg table[] = {{.name = "json", .help = "one JSON object", .flag = &json}};
    const em_args args = {.program = "em policy verify",
                          .summary = "verify a policy under the pinned signers, now",
                          .usage = "FILE [--json]",
                          .arg = table,
                          .n = EM_COUNT(table),
                          .min = 1,
                          .max = 1};
    EM_DROP(em_map) file = {0};
    em_ed25519_public signers[EM_MAX_SIGNERS];
    size_t n_signers, n;
    char **rest;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;

    if (load(args.program, rest[0], &file) != EM_OK) return EM_EXIT_CANNOT;
    em_err err = em_home_signers(signers, &n_signers);
    if (err != EM_OK) return em_group_fail(args.program, "pinned signers", err, NULL);
    em_report_init(&report);
    err = em_policy_verify(em_map_view(&file), signers, n_signers, em_clock_wall_ms(),
                           &report, &policy);
    if (json) {
        json_t *out = json_pack("{s:b,s:s,s:o}", "verified", err == EM_OK, "code",
                                em_err_name(err), "checks", em_lines_json(&report));
        if (err == EM_OK) json_object_set_new(out, "policy", body_json(&policy.body));
        print_json(out);
    } else {
        em_lines_print(&report);
        printf("%s\n", err == EM_OK ? "VERIFIED" : em_err_name(err));
    }
    if (n_signers == 0)
        fprintf(stderr,
                "No policy signer is pinned: em policy trust KEY.pub pins one.\n");
    return err == EM_OK ? EM_EXIT_OK : EM_EXIT_REFUSED;
}

static int run_trust(int argc, char **argv)
{
    const char *name = "";
    const em_arg table[] = {{.name = "name",
                             .value = "TEXT",
                             .help = "a note to remember it by",
                             .text = &name}};
    const em_args args = {
        .program = "em policy trust",
        .summary = "pin a policy signer",
        .usage = "KEY.pub [--name TEXT]",
        .details = "Policies count only under a pinned signer.  Pinned keys lie "
                   "in\n$XDG_STATE_HOME/ephemeralml/signers.\n",
        .arg = table,
        .n = EM_COUNT(table),
        .min = 1,
        .max = 1};
    em_ed25519_public key;
    em_problem problem = {0};
    char **rest;
    size_t n;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;

    em_err err = em_keys_read_public(rest[0], &problem, &key);
    if (err != EM_OK) return em_group_fail(args.program, problem.text, err, NULL);
    err = em_home_pin(&key, name);
    if (err == EM_ERR_EXISTS) {
        printf("%s is pinned already\n", rest[0]);
        return EM_EXIT_OK;
    }
    if (err != EM_OK) return em_group_fail(args.program, "the state folder", err, NULL);
    printf("%s is pinned as a policy signer\n", rest[0]);
    return EM_EXIT_OK;
}

int em_policy_command(int argc, char **argv)
{
    static const em_subcommand table[] = {
        {"make", "make and sign a policy", em_policy_make_command},
        {"show", "print what a policy says", run_show},
        {"verify", "verify a policy under the pinned signers", run_verify},
        {"trust", "pin a policy signer", run_trust},
    };

    return em_group_run("em policy",
                        "what enclaves you are willing to talk to, as signed data", table,
                        EM_COUNT(table), argc, argv);
}
