/* thread.h - threads, locks, conditions and a bounded queue for rooms without libc.
 *
 * Trust:  none.
 * Memory: all types are the caller's and must stay in place while in use; {0} is a valid
 *         unlocked mutex, an unsignalled condition, and no thread.
 */
#ifndef EM_OS_THREAD_H
#define EM_OS_THREAD_H

#include "os/clock.h"

#include <pthread.h>

typedef struct em_thread {
    pthread_t id;
    bool started;
} em_thread;

/* Runs run(arg) on a new thread (1 MiB of stack; all signals blocked).  `name` is at most
 * 15 bytes. */
em_err em_thread_start(void (*run)(void *arg), void *arg, const char *name,
                       em_thread *ret_thread);

/* The same, on one processor: the `which`-th, from 0, of those that this process may use;
 * anywhere where it may use no more than `which`. */
em_err em_thread_start_on(size_t which, void (*run)(void *arg), void *arg,
                          const char *name, em_thread *ret_thread);

/* Waits for its end; {0} is allowed. */
void em_thread_drop(em_thread *t);

void em_thread_sleep_ms(uint64_t ms);

/* ---- mutex ---- */

typedef struct em_thread_mutex {
    pthread_mutex_t m;
} em_thread_mutex;

void em_thread_lock(em_thread_mutex *m);
void em_thread_unlock(em_thread_mutex *m);

/* EM_DROP(em_thread_held) held = em_thread_hold(&m);  unlocks at the scope's end. */
typedef struct __attribute__((unused)) em_thread_held {
    em_thread_mutex *m;
} em_thread_held;

em_thread_held em_thread_hold(em_thread_mutex *m);
void em_thread_held_drop(em_thread_held *held);

/* ---- condition ---- */

typedef struct em_thread_condition {
    pthread_cond_t c;
} em_thread_condition;

/* Waits with `m` locked; EM_ERR_TIMEOUT after the deadline.  May wake without cause. */
em_err em_thread_wait(em_thread_condition *c, em_thread_mutex *m, uint64_t deadline_ms);
void em_thread_wake_one(em_thread_condition *c);
void em_thread_wake_all(em_thread_condition *c);

/* ---- bounded queue of pointers, any number of producers and consumers ---- */

typedef struct em_thread_queue {
    em_thread_mutex lock;
    em_thread_condition not_empty, not_full;
    void **slots;
    size_t cap, n, first;
    bool closed;
} em_thread_queue;

/* `slots` has room for `cap` pointers and outlives the queue. */
void em_thread_queue_init(em_thread_queue *q, void **slots, size_t cap);

/* EM_ERR_AGAIN (EM_NOW and no room), EM_ERR_TIMEOUT, EM_ERR_CLOSED. */
em_err em_thread_queue_push(em_thread_queue *q, void *item, uint64_t deadline_ms);

/* EM_ERR_AGAIN, EM_ERR_TIMEOUT; EM_ERR_CLOSED once closed and empty. */
em_err em_thread_queue_pop(em_thread_queue *q, uint64_t deadline_ms, void **ret_item);

/* No more pushes; what is inside can still be popped. */
void em_thread_queue_close(em_thread_queue *q);

#endif
