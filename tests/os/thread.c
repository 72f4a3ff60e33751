/* Threads, conditions with deadlines, and the bounded queue. */
#include "os/thread.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

typedef struct shared {
    em_thread_mutex lock;
    em_thread_condition turned;
    int turn;
    size_t counter;
    char name[16];
    bool blocked;
} shared;

static void count_up(void *arg)
{
    shared *s = arg;

    for (int i = 0; i < 20000; i++) {
        EM_DROP(em_thread_held) held = em_thread_hold(&s->lock);
        s->counter++;
    }
}

static void a_mutex_excludes(void)
{
    shared s = {0};
    em_thread t[4] = {0};

    for (int i = 0; i < 4; i++) CHECK_OK(em_thread_start(count_up, &s, "count", &t[i]));
    for (int i = 0; i < 4; i++) em_thread_drop(&t[i]);
    CHECK(s.counter == 80000);
    em_thread_drop(&t[0]); /* again: nothing */
}

static void look_around(void *arg)
{
    shared *s = arg;
    sigset_t mask;

    (void)prctl(PR_GET_NAME, s->name);
    s->blocked = pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0 &&
                 sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1;
}

static void a_thread_has_its_name_and_takes_no_signals(void)
{
    shared s = {0};
    em_thread t = {0};

    CHECK_OK(em_thread_start(look_around, &s, "a-name-that-is-too-long", &t));
    em_thread_drop(&t);
    CHECK(strcmp(s.name, "a-name-that-is-") == 0);
    CHECK(s.blocked);
}

static void find_processors(void *arg)
{
    if (sched_getaffinity(0, sizeof(cpu_set_t), arg) != 0) CPU_ZERO((cpu_set_t *)arg);
}

static void a_thread_stays_where_it_was_put(void)
{
    cpu_set_t may, got, both;
    size_t n;

    CHECK(sched_getaffinity(0, sizeof may, &may) == 0);
    n = (size_t)CPU_COUNT(&may);
    for (size_t i = 0; i <= n; i++) { /* one more than there are */
        em_thread t = {0};

        CHECK_OK(em_thread_start_on(i, find_processors, &got, "placed", &t));
        em_thread_drop(&t);
        CPU_AND(&both, &got, &may);
        CHECK(CPU_EQUAL(&both, &got));
        CHECK((size_t)CPU_COUNT(&got) == (i < n ? 1 : n));
        for (size_t k = 0, before = 0; i < n && k < CPU_SETSIZE; k++)
            if (CPU_ISSET(k, &may) && before++ == i) CHECK(CPU_ISSET(k, &got));
    }
}

static void wait_for_turn(void *arg)
{
    shared *s = arg;

    EM_DROP(em_thread_held) held = em_thread_hold(&s->lock);
    while (s->turn != 1)
        if (em_thread_wait(&s->turned, &s->lock, EM_NEVER) != EM_OK) return;
    s->turn = 2;
    em_thread_wake_all(&s->turned);
}

static void conditions_wake_and_time_out(void)
{
    shared s = {0};
    em_thread t = {0};

    em_thread_lock(&s.lock);
    uint64_t start = em_clock_monotonic_ms();
    CHECK_ERR(em_thread_wait(&s.turned, &s.lock, em_clock_deadline(30)), EM_ERR_TIMEOUT);
    CHECK(em_clock_monotonic_ms() - start >= 29);
    CHECK_OK(em_thread_start(wait_for_turn, &s, "turn", &t));
    s.turn = 1;
    em_thread_wake_all(&s.turned);
    while (s.turn != 2)
        if (em_thread_wait(&s.turned, &s.lock, em_clock_deadline(5000)) != EM_OK) break;
    CHECK(s.turn == 2);
    em_thread_unlock(&s.lock);
    em_thread_drop(&t);
}

enum { ITEMS = 5000 };

typedef struct flow {
    em_thread_queue queue;
    void *slots[7];
    uint64_t sum;
    int refused;
} flow;

static void produce(void *arg)
{
    flow *f = arg;

    for (uintptr_t i = 1; i <= ITEMS; i++)
        if (em_thread_queue_push(&f->queue, (void *)i, EM_NEVER) != EM_OK) f->refused++;
}

static void consume(void *arg)
{
    flow *f = arg;
    void *item = NULL;

    while (em_thread_queue_pop(&f->queue, EM_NEVER, &item) == EM_OK)
        __atomic_add_fetch(&f->sum, (uintptr_t)item, __ATOMIC_RELAXED);
}

static void a_queue_loses_nothing(void)
{
    flow f = {0};
    em_thread p[2] = {0}, c[3] = {0};

    em_thread_queue_init(&f.queue, f.slots, EM_COUNT(f.slots));
    for (int i = 0; i < 3; i++) CHECK_OK(em_thread_start(consume, &f, "consume", &c[i]));
    for (int i = 0; i < 2; i++) CHECK_OK(em_thread_start(produce, &f, "produce", &p[i]));
    for (int i = 0; i < 2; i++) em_thread_drop(&p[i]);
    em_thread_queue_close(&f.queue);
    for (int i = 0; i < 3; i++) em_thread_drop(&c[i]);
    CHECK(f.sum == 2ull * ITEMS * (ITEMS + 1) / 2 && f.refused == 0);
}

static void a_queue_is_bounded_ordered_and_closes(void)
{
    em_thread_queue q;
    void *slots[2], *item = NULL;

    em_thread_queue_init(&q, slots, 2);
    CHECK_ERR(em_thread_queue_pop(&q, EM_NOW, &item), EM_ERR_AGAIN);
    CHECK_ERR(em_thread_queue_pop(&q, em_clock_deadline(10), &item), EM_ERR_TIMEOUT);
    CHECK_OK(em_thread_queue_push(&q, "a", EM_NOW));
    CHECK_OK(em_thread_queue_push(&q, "b", EM_NOW));
    CHECK_ERR(em_thread_queue_push(&q, "c", EM_NOW), EM_ERR_AGAIN);
    CHECK_ERR(em_thread_queue_push(&q, "c", em_clock_deadline(10)), EM_ERR_TIMEOUT);
    CHECK_OK(em_thread_queue_pop(&q, EM_NOW, &item));
    CHECK(strcmp(item, "a") == 0);
    em_thread_queue_close(&q);
    CHECK_ERR(em_thread_queue_push(&q, "d", EM_NEVER), EM_ERR_CLOSED);
    CHECK_OK(em_thread_queue_pop(&q, EM_NOW, &item));
    CHECK(strcmp(item, "b") == 0);
    CHECK_ERR(em_thread_queue_pop(&q, EM_NEVER, &item), EM_ERR_CLOSED);
}

int main(void)
{
    RUN(a_mutex_excludes);
    RUN(a_thread_has_its_name_and_takes_no_signals);
    RUN(a_thread_stays_where_it_was_put);
    RUN(conditions_wake_and_time_out);
    RUN(a_queue_loses_nothing);
    RUN(a_queue_is_bounded_ordered_and_closes);
    return test_end();
}
