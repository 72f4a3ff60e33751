#include "trust/attest.h"
#include "cmd/group.h"
#include "cmd/lines.h"
#include "os/file.h"
#include "wire/text.h"

#include <stdio.h>

typedef struct show_options {
    const char *at;
    em_arg_list roots;
    bool json;
} show_options;

static void print_field(const char *name, const em_attested_field *field)
{
    enum { SHOWN = 64 };
    static const char *const word[] = {[EM_ABSENT] = "absent", [EM_NULL] = "null"};
    char text[2 * SHOWN + 1];

    if (field->is != EM_PRESENT) {
        printf("%-11s %s\n", name, word[field->is]);
        return;
    }
    em_lines_put_hex(em_view(field->b, field->len < SHOWN ? field->len : SHOWN), text);
    printf("%-11s %zu bytes %s%s\n", name, field->len, text,
           field->len > SHOWN ? "..." : "");
}

static void print_facts(const em_attested *f)
{
    char signed_at[EM_LINES_TIME], until[EM_LINES_TIME];

    em_lines_time(f->timestamp_ms, signed_at);
    em_lines_time(f->not_after_ms, until);
    printf("\nmodule_id   %s\nsigned at   %s\nchain until %s\nmode        %s\n",
           f->module_id, signed_at, until, em_roots_mode_name(f->mode));
    for (unsigned i = 0; i < EM_MAX_PCRS; i++) {
        char text[2 * EM_PCR_LEN + 1];
        em_bytes pcr = em_attest_pcr(f, i);
        if (pcr.len == 0 || em_all_zero(pcr)) continue;
        em_lines_put_hex(pcr, text);
        printf("pcr%-8u %s\n", i, text);
    }
    print_field("public_key", &f->public_key);
    print_field("user_data", &f->user_data);
    print_field("nonce", &f->nonce);
}

static json_t *field_json(const em_attested_field *field)
{
    return field->is == EM_PRESENT ? em_lines_hex(em_attest_bytes(field)) : json_null();
}

static json_t *facts_json(const em_attested *f)
{
    json_t *pcrs = json_object();

    for (unsigned i = 0; i < EM_MAX_PCRS; i++) {
        char name[16];
        em_bytes pcr = em_attest_pcr(f, i);
        if (pcr.len == 0) continue;
        snprintf(name, sizeof name, "%u", i);
        json_object_set_new(pcrs, name, em_lines_hex(pcr));
    }
    return json_pack("{s:s,s:I,s:s,s:o,s:o,s:o,s:o,s:o}", "module_id", f->module_id,
                     "timestamp_ms", (json_int_t)f->timestamp_ms, "mode",
                     em_roots_mode_name(f->mode), "pcrs", pcrs, "root",
                     em_lines_hex(EM_BYTES(f->root.sha256)), "public_key",
                     field_json(&f->public_key), "user_data", field_json(&f->user_data),
                     "nonce", field_json(&f->nonce));
}

/* AWS's roots, unless others are named. */
static em_err take_roots(const em_arg_list *words, em_root roots[EM_MAX_ROOTS],
                         size_t *ret_n)
{
    const em_root *aws = em_roots_aws(ret_n);

    if (words->n == 0) {
        memcpy(roots, aws, *ret_n * sizeof *roots);
        return EM_OK;
    }
    if (words->n > EM_MAX_ROOTS) return EM_ERR_LIMIT;
    for (size_t i = 0; i < words->n; i++) {
        size_t len;
        EM_TRY(em_text_from_hex(em_view(words->at[i], strlen(words->at[i])),
                                roots[i].sha256, sizeof roots[i].sha256, &len));
        if (len != sizeof roots[i].sha256) return EM_ERR_HEX;
    }
    *ret_n = words->n;
    return EM_OK;
}

static int show(const show_options *o, const char *path)
{
    static em_attested facts;
    static em_report report;
    EM_DROP(em_map) file = {0};
    em_root roots[EM_MAX_ROOTS];
    em_attest_ask ask = {.roots = roots, .when = EM_ATTEST_SELF_DATED};

    em_err err = em_file_load(path, EM_MAX_DOCUMENT + 1, &file);
    if (err != EM_OK) return em_group_fail("em attest show", path, err, NULL);
    if (o->at != NULL && strcmp(o->at, "document") != 0) {
        ask.when = EM_ATTEST_AT;
        err = em_text_from_time(em_view(o->at, strlen(o->at)), &ask.at_ms);
    }
    if (err == EM_OK) err = take_roots(&o->roots, roots, &ask.roots_n);
    if (err != EM_OK)
        return em_group_fail(
            "em attest show", "--at or --root", err,
            "--at is \"document\" or like 2026-11-22T10:20:30Z; --root is 64 "
            "hexadecimal digits.");
    em_report_init(&report);
    err = em_attest_verify(em_map_view(&file), &ask, &report, &facts);
    if (o->json) {
        json_t *out = json_pack("{s:b,s:s,s:o}", "verified", err == EM_OK, "code",
                                em_err_name(err), "checks", em_lines_json(&report));
        if (err == EM_OK) json_object_set_new(out, "facts", facts_json(&facts));
        json_dumpf(out, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(out);
    } else {
        em_lines_print(&report);
        if (err == EM_OK)
            print_facts(&facts);
        else
            printf("REFUSED: %s\n", em_err_name(err));
    }
    return err == EM_OK ? EM_EXIT_OK : EM_EXIT_REFUSED;
}

static int run_show(int argc, char **argv)
{
    show_options o = {0};
    const em_arg table[] = {
        {.name = "at",
         .value = "TIME",
         .help = "judge certificates at this time: \"document\" (its own, the\n"
                 "default) or RFC 3339",
         .text = &o.at},
        {.name = "root",
         .value = "HEX",
         .help = "believe this root certificate (SHA-256 of its DER) instead of\n"
                 "AWS's; may be repeated",
         .each = &o.roots},
        {.name = "json", .help = "one JSON object", .flag = &o.json},
    };
    const em_args args = {.program = "em attest show",
                          .summary = "show what an attestation document says and proves",
                          .usage = "FILE [--at document|TIME] [--root HEX] [--json]",
                          .details =
                              "It is archived evidence: no freshness and no nonce are "
                              "asked for, and no policy.\n\nexit codes: 0 verified, 1 "
                              "refused, 2 could not run\n",
                          .arg = table,
                          .n = EM_COUNT(table),
                          .min = 1,
                          .max = 1};
    char **rest;
    size_t n;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;
    return show(&o, rest[0]);
}

int em_attest_command(int argc, char **argv)
{
    static const em_subcommand table[] = {
        {"show", "verify a document and show its facts", run_show}};

    return em_group_run("em attest", "attestation documents", table, EM_COUNT(table),
                        argc, argv);
}
