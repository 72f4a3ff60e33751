/* problem.h - what was wrong with a publisher's file, in words.
 *
 * An em_err says which rule; a problem says which file and what in it, for the person who
 * has to mend it.  Written on failure only; NULL where nobody wants to know.
 *
 * Trust:  parts of the text come from the file: what is not printable ASCII is shown as
 *         '?'.
 * Memory: the caller's, of fixed size; longer texts are cut.
 */
#ifndef EM_TOOLS_PROBLEM_H
#define EM_TOOLS_PROBLEM_H

#include "base/em.h"

typedef struct em_problem {
    char text[512]; /* "config.json: hidden_size is missing" */
} em_problem;

/* Writes "FILE: TEXT" and gives `err` back, for `return em_problem_set(...)`.  `file` may
 * be NULL. */
__attribute__((format(printf, 4, 5))) em_err
em_problem_set(em_problem *problem, em_err err, const char *file, const char *text, ...);

/* The same with the error's own sentence as text. */
em_err em_problem_err(em_problem *problem, em_err err, const char *file);

#endif
