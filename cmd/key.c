#include "cmd/group.h"
#include "cmd/lines.h"
#include "tools/keys.h"

#include <jansson.h>
#include <stdio.h>

static void tell(const char *path, const em_ed25519_public *key, bool json)
{
    char text[65];

    em_lines_put_hex(EM_BYTES(key->b), text);
    if (json)
        printf("{\"public_key\":\"%s\"}\n", text);
    else
        printf("%s  %s\n", text, path);
}

static int run_new(int argc, char **argv)
{
    bool json = false;
    const em_arg table[] = {{.name = "json", .help = "one JSON object", .flag = &json}};
    const em_args args = {.program = "em key new",
                          .summary = "make an Ed25519 signing key",
                          .usage = "PATH [--json]",
                          .details =
                              "Writes PATH (private, mode 0600) and PATH.pub, both PEM, "
                              "and prints the public\nkey in hexadecimal.  Nothing is "
                              "overwritten.\n",
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

    em_err err = em_keys_make(rest[0], &problem, &key);
    if (err != EM_OK) return em_group_fail("em key new", problem.text, err, NULL);
    tell(rest[0], &key, json);
    return EM_EXIT_OK;
}

static int run_show(int argc, char **argv)
{
    bool json = false;
    const em_arg table[] = {{.name = "json", .help = "one JSON object", .flag = &json}};
    const em_args args = {.program = "em key show",
                          .summary = "print a public key in hexadecimal",
                          .usage = "PATH.pub [--json]",
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
    if (err != EM_OK) return em_group_fail("em key show", problem.text, err, NULL);
    tell(rest[0], &key, json);
    return EM_EXIT_OK;
}

int em_key_command(int argc, char **argv)
{
    static const em_subcommand table[] = {
        {"new", "make an Ed25519 signing key", run_new},
        {"show", "print a public key in hexadecimal", run_show},
    };

    return em_group_run("em key", "make signing keys (publishers', policy signers')",
                        table, EM_COUNT(table), argc, argv);
}
