#include "os/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#if defined(EM_SANITIZED)
enum { STACK = 8 << 20 }; /* redzones make frames larger */
#else
enum { STACK = 1 << 20 };
#endif

#define ANYWHERE SIZE_MAX

typedef struct start {
    void (*run)(void *arg);
    void *arg;
    char name[16];
} start;

static void *entry(void *arg)
{
    start s = *(start *)arg;

    free(arg);
    /* from inside: pthread_setname_np writes a file, which a filter may forbid */
    (void)prctl(PR_SET_NAME, s.name);
    s.run(s.arg);
    return NULL;
}

/* A thread that is made on its processor asks nobody to move it, which a filter might
 * forbid. */
static void place(pthread_attr_t *attr, size_t which)
{
    cpu_set_t may, one;
    size_t seen = 0;

    if (sched_getaffinity(0, sizeof may, &may) != 0) return;
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &may) || seen++ != which) continue;
        CPU_ZERO(&one);
        CPU_SET(i, &one);
        (void)pthread_attr_setaffinity_np(attr, sizeof one, &one);
        return;
    }
}

em_err em_thread_start(void (*run)(void *arg), void *arg, const char *name,
                       em_thread *ret_thread)
{
    return em_thread_start_on(ANYWHERE, run, arg, name, ret_thread);
}

em_err em_thread_start_on(size_t which, void (*run)(void *arg), void *arg,
                          const char *name, em_thread *ret_thread)
{
    pthread_attr_t attr;
    sigset_t all, before;
    pthread_t id;
    start *s = malloc(sizeof *s);

    if (s == NULL) return EM_ERR_MEMORY;
    *s = (start){.run = run, .arg = arg};
    memcpy(s->name, name, strnlen(name, sizeof s->name - 1));
    if (pthread_attr_init(&attr) != 0) {
        free(s);
        return EM_ERR_MEMORY;
    }
    (void)pthread_attr_setstacksize(&attr, STACK);
    if (which != ANYWHERE) place(&attr, which);
    /* signals go to the main thread, which waits for them */
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&id, &attr, entry, s);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    if (failed != 0) {
        free(s);
        return EM_ERR_MEMORY;
    }
    *ret_thread = (em_thread){.id = id, .started = true};
    return EM_OK;
}

void em_thread_drop(em_thread *t)
{
    if (t->started) (void)pthread_join(t->id, NULL);
    *t = (em_thread){0};
}

static struct timespec timespec_of(uint64_t ms)
{
    return (struct timespec){.tv_sec = (time_t)(ms / 1000),
                             .tv_nsec = (long)(ms % 1000) * 1000000};
}

void em_thread_sleep_ms(uint64_t ms)
{
    struct timespec left = timespec_of(ms);

    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

/* ---- mutex and condition ---- */

void em_thread_lock(em_thread_mutex *m)
{
    /* fails only when the contract is broken: going on would hide it */
    if (pthread_mutex_lock(&m->m) != 0) abort();
}

void em_thread_unlock(em_thread_mutex *m)
{
    if (pthread_mutex_unlock(&m->m) != 0) abort();
}

em_thread_held em_thread_hold(em_thread_mutex *m)
{
    em_thread_lock(m);
    return (em_thread_held){m};
}

void em_thread_held_drop(em_thread_held *held)
{
    if (held->m != NULL) em_thread_unlock(held->m);
    held->m = NULL;
}

em_err em_thread_wait(em_thread_condition *c, em_thread_mutex *m, uint64_t deadline_ms)
{
    int failed;

    if (deadline_ms == EM_NEVER) {
        failed = pthread_cond_wait(&c->c, &m->m);
    } else {
        struct timespec until = timespec_of(deadline_ms);
        failed = pthread_cond_clockwait(&c->c, &m->m, CLOCK_MONOTONIC, &until);
    }
    if (failed == ETIMEDOUT) return EM_ERR_TIMEOUT;
    if (failed != 0) abort();
    return EM_OK;
}

void em_thread_wake_one(em_thread_condition *c)
{
    (void)pthread_cond_signal(&c->c);
}

void em_thread_wake_all(em_thread_condition *c)
{
    (void)pthread_cond_broadcast(&c->c);
}

/* ---- queue ---- */

void em_thread_queue_init(em_thread_queue *q, void **slots, size_t cap)
{
    *q = (em_thread_queue){.slots = slots, .cap = cap};
}

em_err em_thread_queue_push(em_thread_queue *q, void *item, uint64_t deadline_ms)
{
    EM_DROP(em_thread_held) held = em_thread_hold(&q->lock);

    while (!q->closed && q->n == q->cap) {
        if (deadline_ms == EM_NOW) return EM_ERR_AGAIN;
        EM_TRY(em_thread_wait(&q->not_full, &q->lock, deadline_ms));
    }
    if (q->closed) return EM_ERR_CLOSED;
    q->slots[(q->first + q->n++) % q->cap] = item;
    em_thread_wake_one(&q->not_empty);
    return EM_OK;
}

em_err em_thread_queue_pop(em_thread_queue *q, uint64_t deadline_ms, void **ret_item)
{
    EM_DROP(em_thread_held) held = em_thread_hold(&q->lock);

    while (!q->closed && q->n == 0) {
        if (deadline_ms == EM_NOW) return EM_ERR_AGAIN;
        EM_TRY(em_thread_wait(&q->not_empty, &q->lock, deadline_ms));
    }
    if (q->n == 0) return EM_ERR_CLOSED;
    *ret_item = q->slots[q->first];
    q->first = (q->first + 1) % q->cap;
    q->n--;
    em_thread_wake_one(&q->not_full);
    return EM_OK;
}

void em_thread_queue_close(em_thread_queue *q)
{
    EM_DROP(em_thread_held) held = em_thread_hold(&q->lock);

    q->closed = true;
    em_thread_wake_all(&q->not_empty);
    em_thread_wake_all(&q->not_full);
}
