#include "trust/measure.h"
#include "cmd/group.h"
#include "cmd/lines.h"
#include "os/file.h"

#include <stdio.h>

enum { MAX_PROGRAM = 256 << 20, MAX_CONFIG = 1 << 20 };

static const char program[] = "em measure";

static em_err load(const char *path, size_t limit, em_map *ret_file)
{
    em_err err = em_file_load(path, limit, ret_file);

    if (err != EM_OK) (void)em_group_fail(program, path, err, NULL);
    return err;
}

static void print(unsigned pcr, const em_measure *m, bool json, bool first)
{
    char text[2 * EM_PCR_LEN + 1];

    em_lines_put_hex(EM_BYTES(m->pcr), text);
    if (json)
        printf("%s\"pcr%u\":\"%s\"", first ? "" : ",", pcr, text);
    else
        printf("pcr%u  %s\n", pcr, text);
}

int em_measure_command(int argc, char **argv)
{
    const char *role = NULL, *instance = NULL;
    bool json = false;
    const em_arg table[] = {
        {.name = "role",
         .value = "ARN",
         .help = "the instance's role: PCR3",
         .text = &role},
        {.name = "instance",
         .value = "ID",
         .help = "the instance's id: PCR4",
         .text = &instance},
        {.name = "json", .help = "one JSON object", .flag = &json},
    };
    const em_args args = {
        .program = program,
        .summary = "compute the PCRs of a local run",
        .usage = "PROGRAM CONFIG [--role ARN] [--instance ID] [--json]",
        .details = "PCR0 is the program's measurement, PCR1 its configuration's, PCR2 "
                   "both together's.\nAn enclave image is measured otherwise.\n",
        .arg = table,
        .n = EM_COUNT(table),
        .min = 2,
        .max = 2};
    EM_DROP(em_map) file = {0};
    EM_DROP(em_map) config = {0};
    em_measure pcr[3], other;
    char **rest;
    size_t n;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;

    if (load(rest[0], MAX_PROGRAM, &file) != EM_OK ||
        load(rest[1], MAX_CONFIG, &config) != EM_OK)
        return EM_EXIT_CANNOT;
    em_measure_local(em_map_view(&file), em_map_view(&config), pcr);
    if (json) printf("{");
    for (unsigned i = 0; i < 3; i++) print(i, &pcr[i], json, i == 0);
    if (role != NULL) {
        em_measure_extend(em_view(role, strlen(role)), &other);
        print(3, &other, json, false);
    }
    if (instance != NULL) {
        em_measure_extend(em_view(instance, strlen(instance)), &other);
        print(4, &other, json, false);
    }
    if (json) printf("}\n");
    return EM_EXIT_OK;
}
