#include "cmd/demo_stage.h"

#include "os/clock.h"
#include "os/file.h"
#include "os/signals.h"
#include "os/thread.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READY_MS = 60 * 1000, TICK_MS = 10, OUTPUT = 64 << 10 };

em_err em_demo_stage_open(em_demo_stage *s)
{
    const char *tmp = getenv("TMPDIR");
    ssize_t len = readlink("/proc/self/exe", s->tools, sizeof s->tools - 1);

    if (len <= 0) return EM_ERR_NOT_FOUND;
    s->tools[len] = 0;
    char *slash = strrchr(s->tools, '/');
    if (slash != NULL) *slash = 0;
    /* socket paths are short: a long TMPDIR would not do */
    if (tmp == NULL || tmp[0] != '/' || strlen(tmp) > 60) tmp = "/tmp";
    snprintf(s->folder, sizeof s->folder, "%s/em-demo-XXXXXX", tmp);
    if (mkdtemp(s->folder) == NULL) return EM_ERR_IO;
    snprintf(s->state, sizeof s->state, "XDG_STATE_HOME=%s/state", s->folder);
    s->started_ms = em_clock_monotonic_ms();
    return EM_OK;
}

static void stop(em_process *p)
{
    em_process_end end;

    if (p->pid != 0) (void)(em_process_stop(p, 2000, &end) == EM_OK);
    em_process_drop(p);
    *p = (em_process){0};
}

void em_demo_stage_close(em_demo_stage *s, bool keep)
{
    stop(&s->enclave);
    stop(&s->host);
    stop(&s->villain);
    stop(&s->twin);
    if (s->folder[0] == 0) return;
    if (keep)
        printf("\nkept: %s\n", s->folder);
    else
        (void)(em_file_remove_tree(s->folder) == EM_OK);
}

const char *em_demo_stage_path(const em_demo_stage *s, const char *name)
{
    static char path[8][EM_STAGE_PATH];
    static unsigned turn;
    char *out = path[turn++ % EM_COUNT(path)];

    snprintf(out, EM_STAGE_PATH, "%s/%s", s->folder, name);
    return out;
}

const char *em_demo_stage_tool(const em_demo_stage *s, const char *name)
{
    static char path[4][EM_STAGE_PATH];
    static unsigned turn;
    char *out = path[turn++ % EM_COUNT(path)];

    snprintf(out, EM_STAGE_PATH, "%s/%s", s->tools, name);
    return out;
}

/* The two output files of a program, emptied. */
static em_err launch(em_demo_stage *s, const char *name, const char *const *argv,
                     em_process *ret_process)
{
    char out[EM_STAGE_PATH], err[EM_STAGE_PATH];
    const char *env[] = {s->state, NULL};

    snprintf(out, sizeof out, "%.250s/%.80s.out", s->folder, name);
    snprintf(err, sizeof err, "%.250s/%.80s.err", s->folder, name);
    EM_TRY(em_file_write(out, (em_bytes){0}, 0600));
    EM_TRY(em_file_write(err, (em_bytes){0}, 0600));
    const em_process_plan plan = {.path = em_demo_stage_tool(s, argv[0]),
                                  .argv = argv,
                                  .env = env,
                                  .folder = s->folder,
                                  .out = EM_PROCESS_FILE,
                                  .err = EM_PROCESS_FILE,
                                  .out_path = out,
                                  .err_path = err,
                                  .dies_with_us = true};
    return em_process_start(&plan, ret_process);
}

em_err em_demo_stage_run(em_demo_stage *s, const char *name, const char *const *argv,
                         int *ret_code)
{
    EM_DROP(em_process) p = {0};
    em_process_end end;

    EM_TRY(launch(s, name, argv, &p));
    for (;;) {
        em_err err = em_process_wait(&p, em_clock_deadline(100), &end);
        if (err == EM_OK) break;
        if (err != EM_ERR_TIMEOUT) return err;
        if (em_signals_caught() != 0) return EM_ERR_INTERRUPTED;
    }
    *ret_code = end.signalled ? 128 + end.code : end.code;
    return EM_OK;
}

static void show_output(const em_demo_stage *s, const char *name)
{
    static const char *const streams[] = {"out", "err"};
    static char text[OUTPUT];

    for (size_t i = 0; i < EM_COUNT(streams); i++) {
        em_demo_stage_output(s, name, streams[i], text, sizeof text);
        if (text[0] != 0) fprintf(stderr, "--- %s (%s)\n%s", name, streams[i], text);
    }
}

em_err em_demo_stage_must(em_demo_stage *s, const char *name, const char *const *argv)
{
    int code = 0;

    EM_TRY(em_demo_stage_run(s, name, argv, &code));
    if (code == EM_EXIT_OK) return EM_OK;
    fprintf(stderr, "em demo: %s %s ended with %d\n", argv[0], argv[1], code);
    show_output(s, name);
    return EM_ERR_INTERNAL;
}

em_err em_demo_stage_start(em_demo_stage *s, const char *name, const char *const *argv,
                           const char *ready, em_process *ret_process, int *ret_code)
{
    uint64_t deadline_ms = em_clock_deadline(READY_MS);
    em_process_end end;

    *ret_process = (em_process){0};
    EM_TRY(launch(s, name, argv, ret_process));
    while (em_clock_monotonic_ms() < deadline_ms) {
        if (em_demo_stage_wrote(s, name, "out", ready, 0) ||
            em_demo_stage_wrote(s, name, "err", ready, 0))
            return EM_OK;
        if (em_signals_caught() != 0) return EM_ERR_INTERRUPTED;
        if (em_process_wait(ret_process, em_clock_deadline(TICK_MS), &end) == EM_OK) {
            *ret_code = end.signalled ? 128 + end.code : end.code;
            em_process_drop(ret_process);
            *ret_process = (em_process){0};
            return EM_ERR_CLOSED;
        }
    }
    return EM_ERR_TIMEOUT;
}

void em_demo_stage_output(const em_demo_stage *s, const char *name, const char *stream,
                          char *text, size_t cap)
{
    char path[EM_STAGE_PATH];
    size_t len = 0;

    snprintf(path, sizeof path, "%.250s/%.80s.%.8s", s->folder, name, stream);
    FILE *f = fopen(path, "rb");
    if (f != NULL) {
        len = fread(text, 1, cap - 1, f);
        fclose(f);
    }
    text[len] = 0;
}

bool em_demo_stage_wrote(const em_demo_stage *s, const char *name, const char *stream,
                         const char *text, uint64_t wait_ms)
{
    uint64_t deadline_ms = em_clock_deadline(wait_ms);
    static char output[OUTPUT];

    for (;;) {
        em_demo_stage_output(s, name, stream, output, sizeof output);
        if (strstr(output, text) != NULL) return true;
        if (em_clock_monotonic_ms() >= deadline_ms) return false;
        em_thread_sleep_ms(TICK_MS);
    }
}

void em_demo_stage_title(em_demo_stage *s, const char *title)
{
    printf("\n%u. %s\n", ++s->step, title);
    fflush(stdout);
}

void em_demo_stage_say(em_demo_stage *s, const char *format, ...)
{
    va_list args;

    (void)s;
    printf("   ");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
}

void em_demo_stage_refused(em_demo_stage *s, const char *what, const char *who,
                           const char *reason, bool it_was)
{
    s->shown++;
    s->refused += it_was;
    printf("   %-48s %s by %s: %s\n", what, it_was ? "REFUSED" : "NOT REFUSED", who,
           reason);
    fflush(stdout);
}
