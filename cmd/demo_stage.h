/* demo_stage.h - the demo's stage: a folder of its own, real programs in it, one line a
 * step.
 *
 * Trust:  everything is made by this run and removed with it.
 * Memory: one stage for the process.
 */
#ifndef EM_CMD_DEMO_STAGE_H
#define EM_CMD_DEMO_STAGE_H

#include "os/args.h"
#include "os/process.h"

enum { EM_STAGE_PATH = 512, EM_STAGE_WORDS = 64 };

typedef struct em_demo_stage {
    char folder[256]; /* everything lies here */
    char tools[256];  /* where em, em-host, em-enclave, em-twin lie */
    char state[300];  /* XDG_STATE_HOME=… */
    em_process twin, host, enclave, villain;
    unsigned step, shown, refused; /* counted for the last line */
    uint64_t started_ms;
} em_demo_stage;

em_err em_demo_stage_open(em_demo_stage *s);

/* Ends what still runs; removes the folder unless `keep`. */
void em_demo_stage_close(em_demo_stage *s, bool keep);

/* The path of a file in the folder (static storage, eight live at once). */
const char *em_demo_stage_path(const em_demo_stage *s, const char *name);

/* The path of one of our programs. */
const char *em_demo_stage_tool(const em_demo_stage *s, const char *name);

/* Run a program to its end: argv[0] is "em", "em-twin" …, NULL ends.  Its output goes to
 * the files NAME.out and NAME.err; input from `input` (a path) where not NULL is not
 * offered: texts are arguments.  Gives the exit code; EM_ERR_INTERRUPTED on Ctrl-C. */
em_err em_demo_stage_run(em_demo_stage *s, const char *name, const char *const *argv,
                         int *ret_code);

/* Like it, but must exit 0: else its messages are shown and EM_ERR_INTERNAL comes back.
 */
em_err em_demo_stage_must(em_demo_stage *s, const char *name, const char *const *argv);

/* Start a program that stays; waits until `ready` stands in NAME.out or NAME.err, or it
 * ends (EM_ERR_CLOSED; its code in *ret_code). */
em_err em_demo_stage_start(em_demo_stage *s, const char *name, const char *const *argv,
                           const char *ready, em_process *ret_process, int *ret_code);

/* What a program wrote, NUL-ended, at most cap - 1 bytes of it. */
void em_demo_stage_output(const em_demo_stage *s, const char *name, const char *stream,
                          char *text, size_t cap);

/* Does this text stand in what the program has written, within `wait_ms`? */
bool em_demo_stage_wrote(const em_demo_stage *s, const char *name, const char *stream,
                         const char *text, uint64_t wait_ms);

/* Headings, and lines under them. */
void em_demo_stage_title(em_demo_stage *s, const char *title);
__attribute__((format(printf, 2, 3))) void em_demo_stage_say(em_demo_stage *s,
                                                             const char *format, ...);

/* "  REFUSED by WHO: REASON  (what was tried)"; counts, and says so where it was not. */
void em_demo_stage_refused(em_demo_stage *s, const char *what, const char *who,
                           const char *reason, bool it_was);

#endif
