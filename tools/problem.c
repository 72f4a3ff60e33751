#include "tools/problem.h"

#include <stdarg.h>
#include <stdio.h>

em_err em_problem_set(em_problem *problem, em_err err, const char *file, const char *text,
                      ...)
{
    va_list args;
    int at = 0;

    if (problem == NULL) return err;
    if (file != NULL) at = snprintf(problem->text, sizeof problem->text, "%s: ", file);
    if (at < 0 || (size_t)at >= sizeof problem->text) at = 0;
    va_start(args, text);
    vsnprintf(problem->text + at, sizeof problem->text - (size_t)at, text, args);
    va_end(args);
    for (char *c = problem->text; *c != 0; c++)
        if (*c < ' ' || *c > '~') *c = '?';
    return err;
}

em_err em_problem_err(em_problem *problem, em_err err, const char *file)
{
    return em_problem_set(problem, err, file, "%s", em_err_text(err));
}
