#include "cmd/group.h"

#include <stdio.h>

static void help(FILE *to, const char *group, const char *summary,
                 const em_subcommand *table, size_t n)
{
    fprintf(to, "%s - %s\n\nusage: %s COMMAND [options]\n\n", group, summary, group);
    for (size_t i = 0; i < n; i++)
        fprintf(to, "  %-10s %s\n", table[i].name, table[i].summary);
    fprintf(to, "\n%s COMMAND --help says more.\n", group);
}

static int unknown(const char *group, const em_subcommand *table, size_t n,
                   const char *word)
{
    const char *names[32];
    size_t k = 0;

    for (; k < n && k < EM_COUNT(names); k++) names[k] = table[k].name;
    const char *near = em_args_nearest(word, names, k);
    fprintf(stderr, "%s: there is no command '%s'", group, word);
    if (near != NULL) fprintf(stderr, "; did you mean '%s'?", near);
    fprintf(stderr, "\ntry: %s --help\n", group);
    return EM_EXIT_CANNOT;
}

int em_group_run(const char *group, const char *summary, const em_subcommand *table,
                 size_t n, int argc, char **argv)
{
    if (argc < 2) {
        help(stderr, group, summary, table, n);
        return EM_EXIT_CANNOT;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("%s %s\n", group, EM_VERSION);
        return EM_EXIT_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help(stdout, group, summary, table, n);
        return EM_EXIT_OK;
    }
    if (strcmp(argv[1], "help") == 0) {
        if (argc < 3) {
            help(stdout, group, summary, table, n);
            return EM_EXIT_OK;
        }
        char ask[] = "--help", *words[] = {argv[2], ask, NULL};
        for (size_t i = 0; i < n; i++)
            if (strcmp(argv[2], table[i].name) == 0) return table[i].run(2, words);
        return unknown(group, table, n, argv[2]);
    }
    for (size_t i = 0; i < n; i++)
        if (strcmp(argv[1], table[i].name) == 0) return table[i].run(argc - 1, argv + 1);
    return unknown(group, table, n, argv[1]);
}

int em_group_fail(const char *program, const char *what, em_err err, const char *hint)
{
    fprintf(stderr, "%s: %s%s%s (%s)\n", program, what != NULL ? what : "",
            what != NULL ? ": " : "", em_err_text(err), em_err_name(err));
    if (hint != NULL) fprintf(stderr, "%s\n", hint);
    return EM_EXIT_CANNOT;
}
