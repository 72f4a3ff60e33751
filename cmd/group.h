/* group.h - a command that has commands: finds the one that is meant, or says what there
 * is.
 *
 * Trust:  argv is the user's.
 * Memory: none.
 */
#ifndef EM_CMD_GROUP_H
#define EM_CMD_GROUP_H

#include "cmd/commands.h"

/* Runs argv[1] of the table with argv[1..]; prints help, or which name was nearest. */
int em_group_run(const char *group, const char *summary, const em_subcommand *table,
                 size_t n, int argc, char **argv);

/* "em embed: cannot read FILE: there is no such file (NOT_FOUND)" on stderr; returns
 * EM_EXIT_CANNOT.  `what` may be NULL; `hint`, when given, says on a second line what to
 * do. */
int em_group_fail(const char *program, const char *what, em_err err, const char *hint);

#endif
