/* em - the owner's command: client, publisher's and auditor's tools, and the demo. */
#include "cmd/group.h"
#include "crypto/setup.h"

#include <stdio.h>

static const em_subcommand table[] = {
#define EM_COMMAND(name, summary) {#name, summary, em_##name##_command},
#include "cmd/commands.def"
#undef EM_COMMAND
};

int main(int argc, char **argv)
{
    em_err err = em_setup();

    if (err != EM_OK)
        return em_group_fail("em", "the cryptographic libraries", err, NULL);
    int code =
        em_group_run("em", "confidential AI inference that you can check for yourself",
                     table, EM_COUNT(table), argc, argv);
    /* what could not be written was not said */
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EM_EXIT_OK)
        code = em_group_fail("em", "standard output", EM_ERR_IO, NULL);
    return code;
}
