/* Child processes and signals. */
#include "os/process.h"
#include "os/file.h"
#include "os/signals.h"
#include "os/thread.h"
#include "tests/support/test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t soon(void)
{
    return em_clock_deadline(10000);
}

static size_t read_all(em_stream *s, char *to, size_t cap)
{
    size_t len = 0, n = 0;

    while (len + 1 < cap &&
           em_stream_read(s, to + len, cap - 1 - len, soon(), &n) == EM_OK)
        len += n;
    to[len] = 0;
    return len;
}

static em_err run(const char *script, em_process_plan plan, em_process *ret)
{
    const char *argv[] = {"sh", "-c", script, NULL};

    plan.path = "/bin/sh";
    plan.argv = argv;
    return em_process_start(&plan, ret);
}

/* The shell's own signal masks, without 32 and 33, which libc keeps to itself. */
#define MASKS                                                                            \
    "while read l; do case $l in SigBlk*|SigIgn*|SigCgt*) echo $l;; esac; done "         \
    "</proc/$$/status"

static uint64_t mask(const char *out, const char *name)
{
    const char *at = strstr(out, name);

    if (at == NULL) return UINT64_MAX;
    return strtoull(at + strlen(name) + 1, NULL, 16) & ~(uint64_t)0x180000000;
}

static void output_and_exit_code_come_back(void)
{
    EM_DROP(em_process) p = {0};
    em_process_end end = {0};
    char out[256], err[256];
    em_process_plan plan = {
        .in = EM_PROCESS_PIPE, .out = EM_PROCESS_PIPE, .err = EM_PROCESS_PIPE};

    CHECK_OK(run("read line; echo got $line; echo oops >&2; exit 7", plan, &p));
    CHECK_ERR(em_process_wait(&p, EM_NOW, &end), EM_ERR_AGAIN);
    CHECK_ERR(em_process_wait(&p, em_clock_deadline(20), &end), EM_ERR_TIMEOUT);
    CHECK_OK(em_stream_write_full(&p.in, EM_STR("words\n"), soon()));
    read_all(&p.out, out, sizeof out);
    read_all(&p.err, err, sizeof err);
    CHECK(strcmp(out, "got words\n") == 0);
    CHECK(strcmp(err, "oops\n") == 0);
    CHECK_OK(em_process_wait(&p, soon(), &end));
    CHECK(!end.signalled && end.code == 7 && p.pid == 0);
    CHECK_ERR(em_process_wait(&p, soon(), &end), EM_ERR_ARGUMENT);
    CHECK_ERR(em_process_signal(&p, SIGTERM), EM_ERR_CLOSED);
    CHECK_ERR(em_process_stop(&p, 10, &end), EM_ERR_CLOSED);
}

static void what_cannot_run_is_a_named_error(void)
{
    EM_DROP(em_process) p = {0};
    const char *argv[] = {"x", NULL};
    em_process_plan plan = {.path = "/nonexistent/program", .argv = argv};

    CHECK_ERR(em_process_start(&plan, &p), EM_ERR_NOT_FOUND);
    plan.path = "/etc/passwd";
    CHECK_ERR(em_process_start(&plan, &p), EM_ERR_DENIED);
    plan.path = "/bin/true";
    plan.folder = "/nonexistent";
    CHECK_ERR(em_process_start(&plan, &p), EM_ERR_NOT_FOUND);
    plan.folder = NULL;
    plan.out = EM_PROCESS_FILE;
    CHECK_ERR(em_process_start(&plan, &p), EM_ERR_ARGUMENT);
    plan.in = EM_PROCESS_FILE;
    CHECK_ERR(em_process_start(&plan, &p), EM_ERR_ARGUMENT);
    CHECK(p.pid == 0);
    CHECK(waitpid(-1, NULL, WNOHANG) < 0); /* no zombie is left */
}

static void a_child_inherits_nothing_but_what_is_given(void)
{
    EM_DROP(em_process) p = {0};
    em_process_end end = {0};
    char out[4096];
    const char *env[] = {"ONLY=this", NULL};
    em_process_plan plan = {.out = EM_PROCESS_PIPE, .env = env, .folder = "/"};
    int leak = dup(1); /* not close-on-exec */

    setenv("SECRET_OF_OURS", "1", 1);
    CHECK_OK(run("env; pwd; ls /proc/$$/fd | tr '\\n' ' '; " MASKS, plan, &p));
    read_all(&p.out, out, sizeof out);
    CHECK_OK(em_process_wait(&p, soon(), &end));
    close(leak);
    test_note("%s", out);
    CHECK(strstr(out, "ONLY=this") != NULL && strstr(out, "SECRET_OF_OURS") == NULL);
    CHECK(strstr(out, "\n/\n") != NULL);
    CHECK(strstr(out, "\n0 1 2 ") != NULL && strstr(out, "3 4") == NULL);
    CHECK(mask(out, "SigBlk:") == 0 && mask(out, "SigIgn:") == 0);
}

static void stopping_is_polite_then_certain(void)
{
    EM_DROP(em_process) kind = {0};
    EM_DROP(em_process) stubborn = {0};
    em_process_end end = {0};
    char out[16];
    em_process_plan plan = {.out = EM_PROCESS_PIPE};
    size_t n;

    CHECK_OK(run("trap 'exit 5' TERM; echo; while :; do sleep 0.02; done", plan, &kind));
    CHECK_OK(em_stream_read(&kind.out, out, 1, soon(), &n)); /* the trap is set */
    CHECK_OK(em_process_stop(&kind, 10000, &end));
    CHECK(!end.signalled && end.code == 5);
    CHECK_OK(run("trap '' TERM; echo; while :; do sleep 0.02; done", plan, &stubborn));
    CHECK_OK(em_stream_read(&stubborn.out, out, 1, soon(), &n));
    uint64_t start = em_clock_monotonic_ms();
    CHECK_OK(em_process_stop(&stubborn, 100, &end));
    CHECK(end.signalled && end.code == SIGKILL);
    CHECK(em_clock_monotonic_ms() - start >= 99);
}

static void a_drop_leaves_no_child(void)
{
    em_process p = {0};
    em_process_plan plan = {.own_group = true};

    CHECK_OK(run("sleep 100", plan, &p));
    int pid = p.pid;
    CHECK(getpgid(pid) == pid);
    em_process_drop(&p);
    CHECK(kill(pid, 0) != 0 && p.pid == 0);
    em_process_drop(&p);
}

static void output_is_appended_to_a_file(void)
{
    char path[] = "/tmp/em-test-out-XXXXXX", text[64] = {0};
    em_process_end end = {0};
    size_t n = 0;
    int fd = mkstemp(path);
    em_process_plan plan = {.out = EM_PROCESS_FILE,
                            .out_path = path,
                            .err = EM_PROCESS_FILE,
                            .err_path = path};

    close(fd);
    for (int i = 0; i < 2; i++) {
        EM_DROP(em_process) p = {0};
        CHECK_OK(run("echo out; echo err >&2", plan, &p));
        CHECK_OK(em_process_wait(&p, soon(), &end));
    }
    CHECK_OK(em_file_read(path, text, sizeof text - 1, &n));
    CHECK(strcmp(text, "out\nerr\nout\nerr\n") == 0);
    unlink(path);
}

/* A parent that is killed takes its children along. */
static void a_child_dies_with_its_parent(void)
{
    int pipe_fd[2];
    pid_t child = 0;

    REQUIRE(pipe(pipe_fd) == 0);
    pid_t parent = fork();
    if (parent == 0) {
        em_process p = {0};
        em_process_plan plan = {.dies_with_us = true};
        if (run("sleep 100", plan, &p) != EM_OK) _exit(1);
        (void)!write(pipe_fd[1], &p.pid, sizeof p.pid);
        pause();
        _exit(0);
    }
    /* as the orphan's new parent we can wait for its end */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    REQUIRE(read(pipe_fd[0], &child, sizeof child) == sizeof child && child > 0);
    kill(parent, SIGKILL);
    CHECK(waitpid(parent, NULL, 0) == parent);
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 0);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
}

static void signals_become_a_flag_and_a_descriptor(void)
{
    em_stream s = {0};

    CHECK(em_signals_fd() == -1 && em_signals_caught() == 0);
    CHECK_OK(em_signals_catch());
    s = (em_stream){.fd = em_signals_fd(), .open = true};
    CHECK_ERR(em_stream_wait(&s, false, em_clock_deadline(10)), EM_ERR_TIMEOUT);
    raise(SIGTERM);
    CHECK_OK(em_stream_wait(&s, false, EM_NEVER));
    CHECK(em_signals_caught() == SIGTERM && em_signals_count() == 1);
    raise(SIGINT);
    raise(SIGHUP);
    raise(SIGPIPE); /* ignored */
    CHECK(em_signals_caught() == SIGTERM && em_signals_count() == 3);
    CHECK_OK(em_stream_wait(&s, false, EM_NEVER)); /* and stays readable */
}

/* Our handlers and ignored signals are not the child's. */
static void a_child_of_a_catcher_has_default_signals(void)
{
    EM_DROP(em_process) p = {0};
    em_process_end end = {0};
    char out[256];
    em_process_plan plan = {.out = EM_PROCESS_PIPE};

    CHECK_OK(run(MASKS, plan, &p));
    read_all(&p.out, out, sizeof out);
    CHECK_OK(em_process_wait(&p, soon(), &end));
    test_note("%s", out);
    CHECK(mask(out, "SigIgn:") == 0 && mask(out, "SigBlk:") == 0);
    CHECK_OK(run("sleep 100", plan, &p));
    CHECK_OK(em_process_stop(&p, 10000, &end));
    CHECK(end.signalled && end.code == SIGTERM);
}

int main(void)
{
    RUN(output_and_exit_code_come_back);
    RUN(what_cannot_run_is_a_named_error);
    RUN(a_child_inherits_nothing_but_what_is_given);
    RUN(stopping_is_polite_then_certain);
    RUN(a_drop_leaves_no_child);
    RUN(output_is_appended_to_a_file);
    RUN(a_child_dies_with_its_parent);
    RUN(signals_become_a_flag_and_a_descriptor);
    RUN(a_child_of_a_catcher_has_default_signals);
    return test_end();
}
