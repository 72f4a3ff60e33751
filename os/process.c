#include "os/process.h"
#include "os/fail_impl.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* One of the child's three descriptors while it is being started. */
typedef struct em_process_end_of {
    int child; /* -1: as ours */
    em_stream ours;
} em_process_end_of;

static void em_process_end_of_drop(em_process_end_of *e)
{
    if (e->child > 0) (void)close(e->child);
    e->child = 0;
    em_stream_drop(&e->ours);
}

/* The child's ends are above 2, so that putting one in place never overwrites another. */
static em_err raise_fd(int fd, int *ret_fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    (void)close(fd);
    if (high < 0) return EM_ERR_BUSY;
    *ret_fd = high;
    return EM_OK;
}

static em_err open_end(em_process_io io, const char *path, em_process_end_of *ret_end)
{
    int pair[2], fd;

    switch (io) {
    case EM_PROCESS_INHERIT:
        ret_end->child = -1;
        return EM_OK;
    case EM_PROCESS_PIPE:
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
            return EM_ERR_BUSY;
        ret_end->ours = (em_stream){.fd = pair[0], .open = true};
        EM_TRY(raise_fd(pair[1], &ret_end->child));
        return em_stream_adopt(pair[0], &ret_end->ours);
    case EM_PROCESS_FILE:
        if (path == NULL) return EM_ERR_ARGUMENT;
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
        break;
    case EM_PROCESS_NULL:
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        break;
    default:
        return EM_ERR_ARGUMENT;
    }
    if (fd < 0) return em_fail_errno(errno);
    return raise_fd(fd, &ret_end->child);
}

/* ---- in the child, where only async-signal-safe calls are allowed ---- */

static void reset_signals(void)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;

    sigemptyset(&plain.sa_mask);
    sigemptyset(&none);
    for (int i = 1; i < NSIG; i++) (void)sigaction(i, &plain, NULL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void child(const em_process_plan *plan, const em_process_end_of end[3],
                            int report, pid_t parent)
{
    static char *const nothing[] = {NULL};
    char *const *argv, *const *env = nothing;
    int number = 0;

    /* execve's arguments are const in all but type */
    memcpy(&argv, &plan->argv, sizeof argv);
    if (plan->env != NULL) memcpy(&env, &plan->env, sizeof env);
    reset_signals();
    if (plan->dies_with_us) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(127); /* it is too late for the signal */
    }
    if (plan->own_group) (void)setpgid(0, 0);
    for (int i = 0; i < 3 && number == 0; i++)
        if (end[i].child > 0 && dup2(end[i].child, i) < 0) number = errno;
    (void)close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
    if (number == 0 && plan->folder != NULL && chdir(plan->folder) != 0) number = errno;
    if (number == 0) {
        (void)execve(plan->path, argv, env);
        number = errno;
    }
    (void)!write(report, &number, sizeof number);
    _exit(127);
}

/* ---- in the parent ---- */

/* The child's errno, or the end of file that a successful exec makes. */
static em_err hear(int fd)
{
    int number = 0;
    ssize_t n;

    do {
        n = read(fd, &number, sizeof number);
    } while (n < 0 && errno == EINTR);
    return n == 0 ? EM_OK : n == sizeof number ? em_fail_errno(number) : EM_ERR_IO;
}

static em_err start(const em_process_plan *plan, em_process_end_of end[3], em_process *p)
{
    int report[2];
    sigset_t all, before;
    pid_t parent = getpid();

    if (pipe2(report, O_CLOEXEC) != 0) return EM_ERR_BUSY;
    if (raise_fd(report[1], &report[1]) != EM_OK) {
        (void)close(report[0]);
        return EM_ERR_BUSY;
    }
    /* our handlers must not run in the child: they know our descriptors */
    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) child(plan, end, report[1], parent);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    (void)close(report[1]);
    em_err err = EM_ERR_MEMORY;
    if (pid > 0) {
        p->pid = pid;
        p->fd = pidfd_open(pid, 0);
        err = p->fd < 0 ? EM_ERR_UNSUPPORTED : hear(report[0]);
    }
    (void)close(report[0]);
    return err;
}

em_err em_process_start(const em_process_plan *plan, em_process *ret_process)
{
    EM_DROP(em_process) p = {.fd = -1};
    EM_DROP(em_process_end_of) in = {0};
    EM_DROP(em_process_end_of) out = {0};
    EM_DROP(em_process_end_of) err = {0};

    if (plan->in == EM_PROCESS_FILE) return EM_ERR_ARGUMENT;
    EM_TRY(open_end(plan->in, NULL, &in));
    EM_TRY(open_end(plan->out, plan->out_path, &out));
    EM_TRY(open_end(plan->err, plan->err_path, &err));
    em_process_end_of end[3] = {in, out, err};
    EM_TRY(start(plan, end, &p));
    p.in = EM_TAKE(in.ours);
    p.out = EM_TAKE(out.ours);
    p.err = EM_TAKE(err.ours);
    *ret_process = EM_TAKE(p);
    return EM_OK;
}

em_err em_process_wait(em_process *p, uint64_t deadline_ms, em_process_end *ret_end)
{
    int status = 0;

    if (p->pid == 0) return EM_ERR_ARGUMENT;
    for (;;) {
        pid_t got = waitpid(p->pid, &status, WNOHANG);
        if (got == p->pid) break;
        if (got < 0 && errno != EINTR) return EM_ERR_IO;
        em_stream ended = {.fd = p->fd, .open = true};
        EM_TRY(em_stream_wait(&ended, false, deadline_ms));
    }
    (void)close(p->fd);
    p->pid = 0;
    p->fd = -1;
    *ret_end = WIFSIGNALED(status) ? (em_process_end){true, WTERMSIG(status)}
                                   : (em_process_end){false, WEXITSTATUS(status)};
    return EM_OK;
}

em_err em_process_signal(em_process *p, int number)
{
    if (p->pid == 0) return EM_ERR_CLOSED;
    /* the pid is ours until we have waited for it */
    if (kill(p->pid, number) == 0) return EM_OK;
    return errno == ESRCH ? EM_ERR_CLOSED : EM_ERR_ARGUMENT;
}

em_err em_process_stop(em_process *p, uint64_t patience_ms, em_process_end *ret_end)
{
    if (p->pid == 0) return EM_ERR_CLOSED;
    (void)em_process_signal(p, SIGTERM);
    em_err err = em_process_wait(p, em_clock_deadline(patience_ms), ret_end);
    if (err != EM_ERR_TIMEOUT && err != EM_ERR_AGAIN) return err;
    (void)em_process_signal(p, SIGKILL);
    return em_process_wait(p, EM_NEVER, ret_end);
}

void em_process_drop(em_process *p)
{
    if (p->pid != 0) {
        (void)kill(p->pid, SIGKILL);
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR) continue;
        if (p->fd >= 0) (void)close(p->fd);
    }
    em_stream_drop(&p->in);
    em_stream_drop(&p->out);
    em_stream_drop(&p->err);
    *p = (em_process){0};
}
