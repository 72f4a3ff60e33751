#include "os/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

static volatile sig_atomic_t first_caught;
static unsigned count_caught;
static int event_fd = -1;

static void on_signal(int number)
{
    uint64_t one = 1;
    int before = errno;

    if (first_caught == 0) first_caught = number;
    (void)__atomic_add_fetch(&count_caught, 1, __ATOMIC_RELAXED);
    (void)!write(event_fd, &one, sizeof one);
    errno = before;
}

em_err em_signals_catch(void)
{
    static const int ours[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction act = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};

    if (event_fd < 0) event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0) return EM_ERR_BUSY;
    sigemptyset(&act.sa_mask);
    sigemptyset(&ignore.sa_mask);
    /* no SA_RESTART: a wait is interrupted, looks at the flag, and goes on or ends */
    for (size_t i = 0; i < EM_COUNT(ours); i++)
        if (sigaction(ours[i], &act, NULL) != 0) return EM_ERR_INTERNAL;
    return sigaction(SIGPIPE, &ignore, NULL) == 0 ? EM_OK : EM_ERR_INTERNAL;
}

int em_signals_caught(void)
{
    return first_caught;
}

unsigned em_signals_count(void)
{
    return __atomic_load_n(&count_caught, __ATOMIC_RELAXED);
}

int em_signals_fd(void)
{
    return event_fd;
}
