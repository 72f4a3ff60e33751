/* process.h - child processes: started with exactly what is given, ended for sure.
 *
 * A child inherits no descriptor but its three, no blocked or ignored signal, and no
 * environment but the one given.
 *
 * Trust:  none; path and arguments are the caller's own.
 * Memory: an em_process owns the child and the pipes to it; {0} is none.
 */
#ifndef EM_OS_PROCESS_H
#define EM_OS_PROCESS_H

#include "os/stream.h"

typedef enum em_process_io {
    EM_PROCESS_NULL = 0, /* /dev/null */
    EM_PROCESS_INHERIT,  /* ours */
    EM_PROCESS_PIPE,     /* a stream: em_process.in, .out or .err */
    EM_PROCESS_FILE,     /* out and err: appended to the path given */
} em_process_io;

typedef struct em_process_plan {
    const char *path;        /* of the program; no search */
    const char *const *argv; /* argv[0] first, NULL last */
    const char *const *env;  /* "NAME=value", NULL last; NULL: empty */
    const char *folder;      /* to run in; NULL: ours */
    em_process_io in, out, err;
    const char *out_path, *err_path; /* for EM_PROCESS_FILE */
    /* The child is killed when the *thread* that started it ends, however it ends. */
    bool dies_with_us;
    bool own_group; /* Ctrl-C at our terminal does not reach it */
} em_process_plan;

typedef struct em_process {
    int pid; /* 0: none, or waited for */
    int fd;  /* a pidfd: readable once the child ended */
    em_stream in, out, err;
} em_process;

typedef struct em_process_end {
    bool signalled;
    int code; /* exit code, or the signal's number */
} em_process_end;

/* EM_ERR_NOT_FOUND or EM_ERR_DENIED when the program cannot be executed. */
em_err em_process_start(const em_process_plan *plan, em_process *ret_process);

/* Kills it if it still runs, waits for it, closes the pipes. */
void em_process_drop(em_process *p);

/* EM_ERR_TIMEOUT (EM_ERR_AGAIN with EM_NOW) while it runs.  After EM_OK the child is no
 * more; the pipes stay until the drop. */
em_err em_process_wait(em_process *p, uint64_t deadline_ms, em_process_end *ret_end);

/* Sends a signal; EM_ERR_CLOSED when the child is no more. */
em_err em_process_signal(em_process *p, int number);

/* SIGTERM, then SIGKILL after `patience_ms`, and waits. */
em_err em_process_stop(em_process *p, uint64_t patience_ms, em_process_end *ret_end);

#endif
