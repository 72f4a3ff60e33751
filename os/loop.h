/* loop.h - a small event loop: descriptors, timers, a wake-up from other threads.
 *
 * Callbacks run on the thread that calls em_loop_run, one at a time.  A callback may add,
 * change and remove any watch or timer, its own included, and may free its memory after
 * removing it.  Readiness is level-triggered.
 *
 * Trust:  none: it moves readiness, not bytes.
 * Memory: watches and timers are the caller's (intrusive) and must stay in place while
 *         they are added; the loop owns two descriptors.  {0} is a dropped loop.
 */
#ifndef EM_OS_LOOP_H
#define EM_OS_LOOP_H

#include "os/clock.h"

enum {
    EM_LOOP_READ = 1,  /* readable, or the peer ended */
    EM_LOOP_WRITE = 2, /* writable */
    EM_LOOP_GONE = 4,  /* error or hang-up of both directions; always reported */
};

struct epoll_event;

typedef struct em_loop_watch {
    int fd;
    unsigned wants; /* EM_LOOP_READ | EM_LOOP_WRITE; set by add and change */
    void (*ready)(void *arg, unsigned events);
    void *arg;
    bool added;
} em_loop_watch;

typedef struct em_loop_timer {
    void (*due)(void *arg);
    void *arg;
    uint64_t at_ms; /* monotonic */
    uint64_t round;
    bool set;
    struct em_loop_timer *next, *before;
} em_loop_timer;

typedef struct em_loop {
    int poll_fd, wake_fd;
    bool open;
    bool stopping; /* touched atomically */
    bool woken;    /* touched atomically */
    void (*on_wake)(void *arg);
    void *wake_arg;
    em_loop_timer *timers;
    uint64_t next_ms, round;
    struct epoll_event *batch; /* of the running em_loop_run */
    int batch_at, batch_n;
} em_loop;

/* `on_wake` (may be NULL) runs on the loop's thread after em_loop_wake. */
em_err em_loop_open(void (*on_wake)(void *arg), void *wake_arg, em_loop *ret_loop);
void em_loop_drop(em_loop *loop);

/* Fill fd, ready and arg before.  A descriptor is added once; remove before closing. */
em_err em_loop_add(em_loop *loop, em_loop_watch *watch, unsigned wants);
em_err em_loop_change(em_loop *loop, em_loop_watch *watch, unsigned wants);
void em_loop_remove(em_loop *loop, em_loop_watch *watch);

/* Fill due and arg before.  Setting a set timer moves it; it fires once. */
void em_loop_set(em_loop *loop, em_loop_timer *timer, uint64_t deadline_ms);
void em_loop_unset(em_loop *loop, em_loop_timer *timer);

/* Runs callbacks until em_loop_stop (a stop from before is obeyed at once). */
em_err em_loop_run(em_loop *loop);

/* From any thread, and from signal handlers. */
void em_loop_wake(em_loop *loop);
void em_loop_stop(em_loop *loop);

#endif
