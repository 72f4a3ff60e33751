#include "os/args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_WORD = 40 };

/* Levenshtein's distance, for words short enough to be options. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    size_t row[MAX_WORD + 1];

    if (n > MAX_WORD || m > MAX_WORD) return MAX_WORD;
    for (size_t j = 0; j <= m; j++) row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[m];
}

const char *em_args_nearest(const char *word, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    size_t least = 3;

    for (size_t i = 0; i < n; i++) {
        size_t d = distance(word, candidates[i]);
        if (d < least) {
            least = d;
            best = candidates[i];
        }
    }
    return best;
}

static void print_help_text(const char *help, int column)
{
    for (; *help != 0; help++) {
        putchar(*help);
        if (*help == '\n') printf("%*s", column, "");
    }
    putchar('\n');
}

void em_args_help(const em_args *args)
{
    enum { COLUMN = 30 };

    printf("%s - %s\n\nusage: %s %s\n", args->program, args->summary, args->program,
           args->usage);
    printf("\noptions:\n");
    for (size_t i = 0; i < args->n; i++) {
        const em_arg *a = &args->arg[i];
        char head[64];
        int len;

        len = snprintf(head, sizeof head, "  %c%c%s--%s%s%s", a->letter ? '-' : ' ',
                       a->letter ? a->letter : ' ', a->letter ? ", " : "  ", a->name,
                       a->value ? " " : "", a->value ? a->value : "");
        printf("%s%*s", head, len < COLUMN ? COLUMN - len : 1, "");
        print_help_text(a->help, COLUMN);
    }
    printf("  -h, --help                  show this text\n");
    printf("      --version               show the version\n");
    if (args->details != NULL) printf("\n%s", args->details);
}

static em_args_next bad(const em_args *args, const char *format, const char *what)
{
    fprintf(stderr, "%s: ", args->program);
    fprintf(stderr, format, what); /* the formats are this file's own */
    fprintf(stderr, "\ntry: %s --help\n", args->program);
    return EM_ARGS_BAD;
}

static bool parse_number(const char *text, uint64_t *ret_number)
{
    char *end;
    uint64_t value, scale = 1;

    if (*text < '0' || *text > '9') return false;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0) return false;
    if (*end == 'K')
        scale = 1 << 10, end++;
    else if (*end == 'M')
        scale = 1 << 20, end++;
    else if (*end == 'G')
        scale = 1 << 30, end++;
    return *end == 0 && !__builtin_mul_overflow(value, scale, ret_number);
}

static em_args_next store(const em_args *args, const em_arg *a, const char *value)
{
    if (a->text != NULL) *a->text = value;
    if (a->number != NULL && !parse_number(value, a->number))
        return bad(args, "'%s' is not a number", value);
    if (a->each != NULL) {
        if (a->each->n == EM_COUNT(a->each->at))
            return bad(args, "--%s is given too often", a->name);
        a->each->at[a->each->n++] = value;
    }
    return EM_ARGS_RUN;
}

static const em_arg *find(const em_args *args, const char *word, size_t len, char letter)
{
    for (size_t i = 0; i < args->n; i++) {
        const em_arg *a = &args->arg[i];
        if (letter != 0 && a->letter == letter) return a;
        if (letter == 0 && strlen(a->name) == len && memcmp(a->name, word, len) == 0)
            return a;
    }
    return NULL;
}

static em_args_next unknown(const em_args *args, const char *word)
{
    const char *names[64];
    size_t n = 0;

    for (; n < args->n && n < EM_COUNT(names); n++) names[n] = args->arg[n].name;
    const char *near = word[1] == '-' ? em_args_nearest(word + 2, names, n) : NULL;
    if (near != NULL) fprintf(stderr, "%s: did you mean --%s?\n", args->program, near);
    return bad(args, "unknown option '%s'", word);
}

/* One option word; *i moves on when its value is the next word. */
static em_args_next option(const em_args *args, int argc, char **argv, int *i)
{
    const char *word = argv[*i];
    bool is_long = word[1] == '-';
    const char *equals = is_long ? strchr(word, '=') : NULL;
    size_t len = equals != NULL ? (size_t)(equals - word) - 2 : strlen(word) - 2;
    const em_arg *a = is_long           ? find(args, word + 2, len, 0)
                      : word[2] == '\0' ? find(args, NULL, 0, word[1])
                                        : NULL;

    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        em_args_help(args);
        return EM_ARGS_DONE;
    }
    if (strcmp(word, "--version") == 0) {
        printf("%s %s\n", args->program, EM_VERSION);
        return EM_ARGS_DONE;
    }
    if (a == NULL) return unknown(args, word);
    if (a->value == NULL) {
        if (equals != NULL) return bad(args, "--%s takes no value", a->name);
        *a->flag = true;
        return EM_ARGS_RUN;
    }
    if (equals != NULL) return store(args, a, equals + 1);
    if (*i + 1 >= argc) return bad(args, "%s needs a value", word);
    return store(args, a, argv[++*i]);
}

em_args_next em_args_parse(const em_args *args, int argc, char **argv, char ***ret_rest,
                           size_t *ret_n)
{
    int kept = 1;
    bool options = true;

    for (int i = 1; i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && argv[i][0] == '-' && argv[i][1] != 0) {
            em_args_next next = option(args, argc, argv, &i);
            if (next != EM_ARGS_RUN) return next;
        } else {
            argv[kept++] = argv[i];
        }
    }
    size_t n = (size_t)kept - 1;
    if (n < args->min) return bad(args, "an argument is missing: %s", args->usage);
    if (n > args->max) return bad(args, "unexpected argument '%s'", argv[args->max + 1]);
    *ret_rest = argv + 1;
    *ret_n = n;
    return EM_ARGS_RUN;
}
