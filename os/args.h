/* args.h - command lines of every program: one table gives parsing, --help and --version.
 *
 * Trust:  argv comes from the user; a bad line gives a message that says what to do next.
 * Memory: views into argv; nothing is allocated.
 */
#ifndef EM_OS_ARGS_H
#define EM_OS_ARGS_H

#include "base/em.h"

/* Exit codes of every program but `em check`. */
enum {
    EM_EXIT_OK = 0,            /* done, or verified */
    EM_EXIT_REFUSED = 1,       /* looked at and refused */
    EM_EXIT_CANNOT = 2,        /* could not run: usage, missing file, no network */
    EM_EXIT_TRUNCATED = 3,     /* a stream ended before its end */
    EM_EXIT_INTERRUPTED = 130, /* Ctrl-C */
};

/* One option.  Exactly one of flag, text, number and each is set. */
typedef struct em_arg {
    const char *name;  /* without "--" */
    char letter;       /* 0: none */
    const char *value; /* what --help calls the value, NULL for a flag */
    const char *help;  /* one or more lines, parted by '\n' */
    bool *flag;
    const char **text;        /* the last one given */
    uint64_t *number;         /* decimal, with an optional suffix K, M or G (1024) */
    struct em_arg_list *each; /* may be given many times */
} em_arg;

typedef struct em_arg_list {
    size_t n;
    const char *at[64];
} em_arg_list;

typedef struct em_args {
    const char *program; /* "em embed" */
    const char *summary; /* what it does, one sentence */
    const char *usage;   /* what follows the program's name, "[options] TEXT..." */
    const char *details; /* after the options in --help: examples, exit codes; or NULL */
    const em_arg *arg;
    size_t n;
    size_t min, max; /* positional arguments allowed */
} em_args;

/* What a caller does next. */
typedef enum em_args_next {
    EM_ARGS_RUN,  /* go on; *ret_rest and *ret_n are the positional arguments */
    EM_ARGS_DONE, /* --help or --version was printed: exit EM_EXIT_OK */
    EM_ARGS_BAD,  /* a message was printed to stderr: exit EM_EXIT_CANNOT */
} em_args_next;

/* Parse argv[1..argc-1]; argv is permuted so that positional arguments stand together.
 * "--" ends the options; "--name=value" and "--name value" are the same. */
em_args_next em_args_parse(const em_args *args, int argc, char **argv, char ***ret_rest,
                           size_t *ret_n);

/* Print the --help text to stdout. */
void em_args_help(const em_args *args);

/* The candidate nearest to `word` (at most two letters away), or NULL: "did you mean". */
const char *em_args_nearest(const char *word, const char *const *candidates, size_t n);

#endif
