#include "tools/replay.h"

#include "cmd/group.h"
#include "cmd/isa.h"
#include "cmd/judge.h"
#include "cmd/lines.h"
#include "os/cpu.h"

#include <stdio.h>
#include <unistd.h>

static const char program[] = "em replay";

typedef struct replay_options {
    const char *bundle, *key, *isa;
    uint64_t threads, batch;
    bool json;
} replay_options;

/* What could not be looked at is not refused. */
static int exit_of(em_err err)
{
    switch (err) {
    case EM_OK:
        return EM_EXIT_OK;
    case EM_ERR_REPLAY_PARTS:
    case EM_ERR_UNSUPPORTED:
    case EM_ERR_NOT_FOUND:
    case EM_ERR_DENIED:
    case EM_ERR_IO:
    case EM_ERR_MEMORY:
        return EM_EXIT_CANNOT;
    default:
        return EM_EXIT_REFUSED;
    }
}

/* ---- what came of it ---- */

static json_t *diff_json(const em_replay_diff *d)
{
    return json_pack("{s:s,s:I,s:I,s:I,s:I,s:f}", "first", d->text, "records",
                     (json_int_t)d->records, "bad_records", (json_int_t)d->bad_records,
                     "numbers", (json_int_t)d->numbers, "bad_numbers",
                     (json_int_t)d->bad_numbers, "most", d->most);
}

static json_t *result_json(const em_replay *r, const replay_options *o,
                           const em_replay_result *got)
{
    em_bytes id = r->manifest.body.id, profile = r->manifest.body.profile;
    json_t *out = json_pack(
        "{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:s%,s:s%}", "isa", got->level, "op",
        em_message_op_name(r->request.op), "threads", (json_int_t)o->threads, "texts",
        (json_int_t)got->texts, "tokens", (json_int_t)got->tokens, "records",
        (json_int_t)got->diff.records, "numbers", (json_int_t)got->diff.numbers, "model",
        (const char *)id.at, id.len, "profile", (const char *)profile.at, profile.len);

    json_object_set_new(out, "manifest", em_lines_hex(EM_BYTES(r->manifest.hash)));
    json_object_set_new(out, "response_hash", em_lines_hex(EM_BYTES(got->response_hash)));
    return out;
}

static void print_result(const em_replay *r, const replay_options *o,
                         const em_replay_result *got)
{
    em_bytes id = r->manifest.body.id, profile = r->manifest.body.profile;
    char hash[2 * EM_SHA256_LEN + 1];

    em_lines_put_hex(EM_BYTES(r->manifest.hash), hash);
    printf("bundle: %.*s, manifest %s, opened and whole\n", (int)id.len,
           (const char *)id.at, hash);
    printf(
        "computed again: %s of %u texts, %llu tokens, %.*s, on %s with %llu thread%s\n",
        em_message_op_name(r->request.op), got->texts, (unsigned long long)got->tokens,
        (int)profile.len, (const char *)profile.at, got->level,
        (unsigned long long)o->threads, o->threads == 1 ? "" : "s");
    em_lines_put_hex(EM_BYTES(got->response_hash), hash);
    printf("response_hash: %s\n", hash);
}

static void print_verdict(em_err err, const char *problem, const em_replay_diff *d)
{
    if (err == EM_OK) {
        printf("REPLAYED: %zu DATA and END, %llu numbers: the same bytes\n",
               d->records - 1, (unsigned long long)d->numbers);
        return;
    }
    if (d->records > 0)
        printf("%zu of %zu records differ; %llu of %llu numbers, by %.3g at most\n",
               d->bad_records, d->records, (unsigned long long)d->bad_numbers,
               (unsigned long long)d->numbers, d->most);
    printf("REFUSED: %s: %s\n", em_err_name(err), problem);
}

/* `got` is NULL where nothing was computed. */
static int tell(const replay_options *o, const em_replay *r, em_err err,
                const char *problem, const em_replay_result *got)
{
    int code = exit_of(err);

    if (o->json) {
        json_t *out = json_pack("{s:b,s:s,s:b}", "replayed", err == EM_OK, "code",
                                em_err_name(err), "verified", true);
        if (err != EM_OK) json_object_set_new(out, "problem", json_string(problem));
        if (got != NULL) json_object_update_new(out, result_json(r, o, got));
        if (got != NULL && err != EM_OK)
            json_object_set_new(out, "difference", diff_json(&got->diff));
        json_dumpf(out, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(out);
        return code;
    }
    if (code == EM_EXIT_CANNOT) return em_group_fail(program, problem, err, NULL);
    if (got != NULL) print_result(r, o, got);
    print_verdict(err, problem, got != NULL ? &got->diff : &(em_replay_diff){0});
    return code;
}

/* The evidence itself is refused: which check it was. */
static int tell_unverified(const replay_options *o, const em_judge *j, em_err err)
{
    const em_report *report = &j->report;
    char counts[EM_JUDGE_COUNTS];

    if (o->json) {
        json_t *out =
            json_pack("{s:b,s:s,s:b,s:o}", "replayed", false, "code", em_err_name(err),
                      "verified", false, "checks", em_lines_json(report));
        json_dumpf(out, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(out);
        return EM_EXIT_REFUSED;
    }
    em_judge_counts(j, counts);
    printf("evidence: %s\n", counts);
    printf("REFUSED: the evidence does not verify: %s: %s (%s); em verify says more\n",
           em_report_name(report->failed), em_err_text(err), em_err_name(err));
    return EM_EXIT_REFUSED;
}

/* ---- doing it ---- */

static void progress(void *arg, uint32_t done, uint32_t n)
{
    (void)arg;
    fprintf(stderr, "\r%s: %u of %u texts%s", program, done, n, done == n ? "\n" : "");
}

static int replay(const replay_options *o, unsigned cpu, const em_judge *j)
{
    static em_replay r; /* points into itself */
    const em_replay_how how = {.cpu = cpu,
                               .threads = (size_t)o->threads,
                               .texts = (uint32_t)o->batch,
                               .tell = isatty(STDERR_FILENO) ? progress : NULL};
    em_replay_result result = {0};
    em_problem problem = {0};
    bool computed = false;

    em_err err = em_replay_take(em_map_view(&j->file), &j->facts, &problem, &r);
    if (err == EM_OK) err = em_replay_open(&r, o->bundle, o->key, &problem);
    if (err == EM_OK) {
        err = em_replay_run(&r, &how, &problem, &result);
        computed = err == EM_OK || result.diff.records > 0;
    }
    int code = tell(o, &r, err, problem.text, computed ? &result : NULL);
    em_replay_drop(&r);
    return code;
}

static int judge_and_replay(const replay_options *o, em_judge *j, const char *path)
{
    char names[EM_ISA_NAMES], counts[EM_JUDGE_COUNTS];
    em_err verdict;
    unsigned cpu;

    em_isa_names(names);
    if (!em_isa_choose(em_view(o->isa, o->isa != NULL ? strlen(o->isa) : 0), &cpu)) {
        fprintf(stderr, "%s: --isa %s: here there are %s\n", program, o->isa, names);
        return EM_EXIT_CANNOT;
    }
    int code = em_judge_run(j, program, path, &verdict);
    if (code != EM_EXIT_OK) return code;
    if (verdict != EM_OK) return tell_unverified(o, j, verdict);
    em_judge_counts(j, counts);
    if (!o->json) printf("evidence: VERIFIED: %s\n", counts);
    return replay(o, cpu, j);
}

static int check_options(const replay_options *o)
{
    if (o->bundle == NULL || o->key == NULL) {
        fprintf(stderr, "%s: --bundle and --key are needed\ntry: %s --help\n", program,
                program);
        return EM_EXIT_CANNOT;
    }
    if (o->threads < 1 || o->threads > EM_JOBS_MAX_WORKERS) {
        fprintf(stderr, "%s: --threads: 1 to %d\n", program, EM_JOBS_MAX_WORKERS);
        return EM_EXIT_CANNOT;
    }
    if (o->batch > EM_MAX_INPUTS) {
        fprintf(stderr, "%s: --batch: at most %d\n", program, EM_MAX_INPUTS);
        return EM_EXIT_CANNOT;
    }
    return EM_EXIT_OK;
}

int em_replay_command(int argc, char **argv)
{
    static em_judge judge;
    size_t cpus = em_cpu_count();
    replay_options o = {.threads =
                            cpus < EM_JOBS_MAX_WORKERS ? cpus : EM_JOBS_MAX_WORKERS};
    em_arg table[EM_JUDGE_ARGS + 6] = {
        [EM_JUDGE_ARGS] = {.name = "bundle",
                           .letter = 'b',
                           .value = "FILE",
                           .help = "the bundle that was served (needed)",
                           .text = &o.bundle},
        {.name = "key",
         .letter = 'k',
         .value = "FILE",
         .help = "its content key, kept by em model pack --key-out (needed)",
         .text = &o.key},
        {.name = "isa",
         .value = "NAME",
         .help = "which kernels: scalar, avx2, avx512, neon, sdot (the best\nthere are)",
         .text = &o.isa},
        {.name = "threads",
         .value = "N",
         .help = "how many threads (one a processor)",
         .number = &o.threads},
        {.name = "batch",
         .value = "N",
         .help = "texts at a time (64)",
         .number = &o.batch},
        {.name = "json", .help = "one JSON object", .flag = &o.json},
    };
    const em_args args = {
        .program = program,
        .summary = "compute an archived answer again and compare it to the bit",
        .usage = "EVIDENCE --bundle FILE --key FILE [options]",
        .details =
            "Verifies the evidence as em verify does, opens the bundle that its receipt\n"
            "names, computes every record of the answer again from the request, and\n"
            "compares bytes.  Processor, threads and batches do not show in the "
            "result.\n\n"
            "exit codes: 0 the same bytes, 1 refused or different, 2 could not run\n",
        .arg = table,
        .n = EM_COUNT(table),
        .min = 1,
        .max = 1};
    char **rest;
    size_t n;

    em_judge_args(&judge, table);
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;
    int code = check_options(&o);
    if (code == EM_EXIT_OK) code = judge_and_replay(&o, &judge, rest[0]);
    em_judge_drop(&judge);
    return code;
}
