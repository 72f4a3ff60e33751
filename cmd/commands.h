/* commands.h - what every subcommand of em is: a main of its own.
 *
 * Trust:  argv is the user's.
 * Memory: none.
 */
#ifndef EM_CMD_COMMANDS_H
#define EM_CMD_COMMANDS_H

#include "os/args.h"

#define EM_COMMAND(name, summary) int em_##name##_command(int argc, char **argv);
#include "cmd/commands.def"
#undef EM_COMMAND

/* One level below: "em key new".  `group` is "em key"; the table says the rest. */
typedef struct em_subcommand {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} em_subcommand;

#endif
