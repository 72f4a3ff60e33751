/* Command lines: what is taken, what is refused. */
#include "os/args.h"
#include "tests/support/test.h"

static bool loud;
static const char *out;
static uint64_t size;
static em_arg_list peers;
static const em_arg table[] = {
    {.name = "loud", .letter = 'l', .help = "say more", .flag = &loud},
    {.name = "out", .letter = 'o', .value = "FILE", .help = "where to", .text = &out},
    {.name = "size", .value = "N", .help = "how much", .number = &size},
    {.name = "peer", .value = "P", .help = "whom", .each = &peers},
};
static const em_args args = {.program = "prog",
                             .summary = "does",
                             .usage = "[options] A [B]",
                             .arg = table,
                             .n = EM_COUNT(table),
                             .min = 1,
                             .max = 2};

static em_args_next parse(char **argv, char ***rest, size_t *n)
{
    int argc = 0;

    loud = false, out = NULL, size = 0, peers.n = 0;
    while (argv[argc] != NULL) argc++;
    return em_args_parse(&args, argc, argv, rest, n);
}

static void options_and_arguments_mix(void)
{
    char *argv[] = {"prog", "a",      "--loud", "-o", "f",   "--size=3K", "--peer",
                    "x",    "--peer", "y",      "--", "--b", NULL};
    char **rest = NULL;
    size_t n = 0;

    REQUIRE(parse(argv, &rest, &n) == EM_ARGS_RUN);
    CHECK(n == 2 && strcmp(rest[0], "a") == 0 && strcmp(rest[1], "--b") == 0);
    CHECK(loud && strcmp(out, "f") == 0 && size == 3072 && peers.n == 2);
}

static void bad_lines_are_refused(void)
{
    char *lines[][4] = {{"prog", NULL},
                        {"prog", "a", "--lout", NULL},
                        {"prog", "a", "--out", NULL},
                        {"prog", "--size=x", "a", NULL},
                        {"prog", "--size=-1", "a", NULL},
                        {"prog", "--size=99999999999999999999", "a", NULL},
                        {"prog", "--size=18446744073709551615K", "a", NULL},
                        {"prog", "--loud=1", "a", NULL},
                        {"prog", "-lo", "a", NULL}};
    char **rest;
    size_t n;

    for (size_t i = 0; i < EM_COUNT(lines); i++) {
        test_note("line %zu", i);
        CHECK(parse(lines[i], &rest, &n) == EM_ARGS_BAD);
    }
    char *many[] = {"prog", "a", "b", "c", NULL};
    CHECK(parse(many, &rest, &n) == EM_ARGS_BAD);
}

static void the_nearest_word_is_found(void)
{
    static const char *const words[] = {"embed", "verify", "policy"};

    CHECK(strcmp(em_args_nearest("embd", words, 3), "embed") == 0);
    CHECK(em_args_nearest("zzz", words, 3) == NULL);
}

int main(void)
{
    RUN(options_and_arguments_mix);
    RUN(bad_lines_are_refused);
    RUN(the_nearest_word_is_found);
    return test_end();
}
