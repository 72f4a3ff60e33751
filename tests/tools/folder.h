/* folder.h - a throw-away folder, files in it, and the real model where it is to be had.
 *
 * Trust:  test code only.
 * Memory: static storage; the folder is removed at exit.
 */
#ifndef EM_TESTS_TOOLS_FOLDER_H
#define EM_TESTS_TOOLS_FOLDER_H

#include "os/file.h"
#include "tests/support/test.h"
#include "tools/problem.h"

#include <sys/stat.h>
#include <unistd.h>

__attribute__((unused)) static char test_folder[256];
static em_problem problem;

__attribute__((unused)) static void folder_remove(void)
{
    if (em_file_remove_tree(test_folder) != EM_OK) printf("# %s stays\n", test_folder);
}

__attribute__((unused)) static void folder_begin(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(test_folder, sizeof test_folder, "%s/em-test.XXXXXX",
             tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(test_folder) == NULL) abort();
    atexit(folder_remove);
}

/* A path in the folder; a few live at once. */
__attribute__((unused, format(printf, 1, 2))) static const char *
folder_path(const char *format, ...)
{
    static char paths[4][600];
    static unsigned turn;
    char *path = paths[turn++ % 4], name[256];
    __builtin_va_list args;

    __builtin_va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    __builtin_va_end(args);
    snprintf(path, sizeof paths[0], "%s/%s", test_folder, name);
    return path;
}

__attribute__((unused)) static void folder_write(const char *path, em_bytes bytes)
{
    if (em_file_write(path, bytes, 0644) != EM_OK) abort();
}

/* Does the problem say this?  Prints it where it does not. */
__attribute__((unused)) static bool problem_says(const char *words)
{
    if (strstr(problem.text, words) != NULL) return true;
    printf("  \"%s\" does not say \"%s\"\n", problem.text, words);
    return false;
}

/* The call gives this error and a problem that says all of these words. */
#define CHECK_PROBLEM(call, want, ...)                                                   \
    do {                                                                                 \
        static const char *const says_[] = {__VA_ARGS__};                                \
        problem.text[0] = 0;                                                             \
        CHECK_ERR(call, want);                                                           \
        for (size_t i_ = 0; i_ < EM_COUNT(says_); i_++) CHECK(problem_says(says_[i_]));  \
    } while (0)

#endif
