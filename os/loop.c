#include "os/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BATCH = 64 };

static uint32_t epoll_events(unsigned wants)
{
    return ((wants & EM_LOOP_READ) != 0 ? (uint32_t)EPOLLIN | (uint32_t)EPOLLRDHUP : 0) |
           ((wants & EM_LOOP_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0);
}

em_err em_loop_open(void (*on_wake)(void *arg), void *wake_arg, em_loop *ret_loop)
{
    EM_DROP(em_loop) l = {.poll_fd = -1, .wake_fd = -1, .open = true};

    l.poll_fd = epoll_create1(EPOLL_CLOEXEC);
    l.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l.poll_fd < 0 || l.wake_fd < 0) return EM_ERR_BUSY;
    /* no watch: the loop's own wake-up */
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(l.poll_fd, EPOLL_CTL_ADD, l.wake_fd, &e) != 0) return EM_ERR_IO;
    l.on_wake = on_wake;
    l.wake_arg = wake_arg;
    l.next_ms = EM_NEVER;
    *ret_loop = EM_TAKE(l);
    return EM_OK;
}

void em_loop_drop(em_loop *loop)
{
    if (loop->open && loop->poll_fd >= 0) (void)close(loop->poll_fd);
    if (loop->open && loop->wake_fd >= 0) (void)close(loop->wake_fd);
    *loop = (em_loop){0};
}

/* ---- watches ---- */

em_err em_loop_add(em_loop *loop, em_loop_watch *watch, unsigned wants)
{
    struct epoll_event e = {.events = epoll_events(wants), .data.ptr = watch};

    if (watch->added) return EM_ERR_ARGUMENT;
    if (epoll_ctl(loop->poll_fd, EPOLL_CTL_ADD, watch->fd, &e) != 0)
        return errno == ENOSPC || errno == ENOMEM ? EM_ERR_BUSY : EM_ERR_ARGUMENT;
    watch->added = true;
    watch->wants = wants;
    return EM_OK;
}

em_err em_loop_change(em_loop *loop, em_loop_watch *watch, unsigned wants)
{
    struct epoll_event e = {.events = epoll_events(wants), .data.ptr = watch};

    if (!watch->added) return EM_ERR_ARGUMENT;
    if (watch->wants == wants) return EM_OK;
    if (epoll_ctl(loop->poll_fd, EPOLL_CTL_MOD, watch->fd, &e) != 0) return EM_ERR_IO;
    watch->wants = wants;
    return EM_OK;
}

void em_loop_remove(em_loop *loop, em_loop_watch *watch)
{
    struct epoll_event none = {0};

    if (!watch->added) return;
    (void)epoll_ctl(loop->poll_fd, EPOLL_CTL_DEL, watch->fd, &none);
    watch->added = false;
    /* its memory may be gone when the rest of this batch is looked at */
    for (int i = loop->batch_at; i < loop->batch_n; i++)
        if (loop->batch[i].data.ptr == watch) loop->batch[i].events = 0;
}

/* ---- timers: a list and a lower bound of the next; thousands at most ---- */

void em_loop_unset(em_loop *loop, em_loop_timer *timer)
{
    if (!timer->set) return;
    if (timer->before != NULL)
        timer->before->next = timer->next;
    else
        loop->timers = timer->next;
    if (timer->next != NULL) timer->next->before = timer->before;
    timer->next = timer->before = NULL;
    timer->set = false;
}

void em_loop_set(em_loop *loop, em_loop_timer *timer, uint64_t deadline_ms)
{
    timer->at_ms = deadline_ms;
    timer->round = loop->round;
    if (deadline_ms < loop->next_ms) loop->next_ms = deadline_ms;
    if (timer->set) return;
    timer->before = NULL;
    timer->next = loop->timers;
    if (loop->timers != NULL) loop->timers->before = timer;
    loop->timers = timer;
    timer->set = true;
}

/* Fires what is due.  A timer set by a callback of this round waits for the next one, so
 * that no round is endless; the list is searched anew each time, since callbacks change
 * it. */
static void fire(em_loop *loop)
{
    uint64_t now = em_clock_monotonic_ms();

    if (loop->next_ms > now) return;
    loop->round++;
    for (;;) {
        em_loop_timer *due = NULL;
        uint64_t next_ms = EM_NEVER;
        for (em_loop_timer *t = loop->timers; t != NULL; t = t->next) {
            if (t->at_ms <= now && t->round != loop->round &&
                (due == NULL || t->at_ms < due->at_ms))
                due = t;
            if (t->at_ms < next_ms) next_ms = t->at_ms;
        }
        loop->next_ms = next_ms;
        if (due == NULL) return;
        em_loop_unset(loop, due);
        due->due(due->arg);
    }
}

/* ---- running ---- */

static void notify(em_loop *loop)
{
    uint64_t one = 1;
    int before = errno; /* also called from signal handlers */

    while (write(loop->wake_fd, &one, sizeof one) < 0 && errno == EINTR) continue;
    errno = before;
}

void em_loop_wake(em_loop *loop)
{
    __atomic_store_n(&loop->woken, true, __ATOMIC_SEQ_CST);
    notify(loop);
}

void em_loop_stop(em_loop *loop)
{
    __atomic_store_n(&loop->stopping, true, __ATOMIC_SEQ_CST);
    notify(loop);
}

static void take_wake(em_loop *loop)
{
    uint64_t count;

    (void)!read(loop->wake_fd, &count, sizeof count);
    if (__atomic_exchange_n(&loop->woken, false, __ATOMIC_SEQ_CST) &&
        loop->on_wake != NULL)
        loop->on_wake(loop->wake_arg);
}

static int wait_ms(const em_loop *loop)
{
    if (loop->next_ms == EM_NEVER) return -1;
    uint64_t now = em_clock_monotonic_ms();
    if (loop->next_ms <= now) return 0;
    return loop->next_ms - now > 60000 ? 60000 : (int)(loop->next_ms - now);
}

static void dispatch(em_loop *loop, const struct epoll_event *e)
{
    em_loop_watch *w = e->data.ptr;
    unsigned events = 0;

    if (e->events == 0) return; /* removed meanwhile */
    if (w == NULL) {
        take_wake(loop);
        return;
    }
    if ((e->events & ((uint32_t)EPOLLIN | (uint32_t)EPOLLRDHUP)) != 0)
        events |= EM_LOOP_READ;
    if ((e->events & (uint32_t)EPOLLOUT) != 0) events |= EM_LOOP_WRITE;
    if ((e->events & ((uint32_t)EPOLLERR | (uint32_t)EPOLLHUP)) != 0)
        events |= EM_LOOP_GONE;
    w->ready(w->arg, events);
}

em_err em_loop_run(em_loop *loop)
{
    struct epoll_event batch[BATCH];

    if (!loop->open) return EM_ERR_ARGUMENT;
    loop->batch = batch;
    while (!__atomic_load_n(&loop->stopping, __ATOMIC_SEQ_CST)) {
        int n = epoll_wait(loop->poll_fd, batch, BATCH, wait_ms(loop));
        if (n < 0 && errno != EINTR) return EM_ERR_IO;
        loop->batch_n = n < 0 ? 0 : n;
        for (int i = 0; i < loop->batch_n; i++) {
            loop->batch_at = i + 1;
            dispatch(loop, &batch[i]);
        }
        loop->batch_n = 0;
        fire(loop);
    }
    loop->batch = NULL;
    __atomic_store_n(&loop->stopping, false, __ATOMIC_SEQ_CST);
    return EM_OK;
}
