/* The event loop: readiness, timers, wake-ups, and callbacks that take things apart. */
#include "os/loop.h"
#include "os/stream.h"
#include "os/thread.h"
#include "tests/support/test.h"

#include <signal.h>

typedef struct state {
    em_loop loop;
    em_stream a, b;
    em_loop_watch watch, other;
    em_loop_timer timer[4];
    unsigned count, fired[4], order[8], n_order;
    unsigned events;
} state;

static void stop_after_three(void *arg, unsigned events)
{
    state *s = arg;
    uint8_t one;
    size_t n;

    s->events |= events;
    CHECK_OK(em_stream_read(&s->a, &one, 1, EM_NOW, &n));
    if (++s->count == 3) em_loop_stop(&s->loop);
}

static void a_watch_hears_of_bytes(void)
{
    state s = {0};

    CHECK_OK(em_loop_open(NULL, NULL, &s.loop));
    CHECK_OK(em_stream_pair(&s.a, &s.b));
    s.watch = (em_loop_watch){.fd = s.a.fd, .ready = stop_after_three, .arg = &s};
    CHECK_OK(em_loop_add(&s.loop, &s.watch, EM_LOOP_READ));
    CHECK_ERR(em_loop_add(&s.loop, &s.watch, EM_LOOP_READ), EM_ERR_ARGUMENT);
    CHECK_OK(em_stream_write_full(&s.b, EM_STR("abc"), EM_NEVER));
    CHECK_OK(em_loop_run(&s.loop));
    CHECK(s.count == 3 && s.events == EM_LOOP_READ);
    em_loop_remove(&s.loop, &s.watch);
    em_loop_remove(&s.loop, &s.watch);
    CHECK_ERR(em_loop_change(&s.loop, &s.watch, EM_LOOP_WRITE), EM_ERR_ARGUMENT);
    em_loop_watch bad = {.fd = 9999, .ready = stop_after_three, .arg = &s};
    CHECK_ERR(em_loop_add(&s.loop, &bad, EM_LOOP_READ), EM_ERR_ARGUMENT);
    em_stream_drop(&s.a);
    em_stream_drop(&s.b);
    em_loop_drop(&s.loop);
    em_loop_drop(&s.loop);
    CHECK_ERR(em_loop_run(&s.loop), EM_ERR_ARGUMENT);
}

static void note_and_stop(void *arg, unsigned events)
{
    state *s = arg;

    s->events |= events;
    em_loop_stop(&s->loop);
}

static void wishes_can_change_and_the_end_is_heard(void)
{
    state s = {0};

    CHECK_OK(em_loop_open(NULL, NULL, &s.loop));
    CHECK_OK(em_stream_pair(&s.a, &s.b));
    s.watch = (em_loop_watch){.fd = s.a.fd, .ready = note_and_stop, .arg = &s};
    CHECK_OK(em_loop_add(&s.loop, &s.watch, EM_LOOP_READ));
    CHECK_OK(em_loop_change(&s.loop, &s.watch, EM_LOOP_WRITE));
    CHECK_OK(em_loop_run(&s.loop));
    CHECK(s.events == EM_LOOP_WRITE);
    s.events = 0;
    CHECK_OK(em_loop_change(&s.loop, &s.watch, EM_LOOP_READ));
    CHECK_OK(em_stream_end(&s.b));
    CHECK_OK(em_loop_run(&s.loop));
    CHECK(s.events == EM_LOOP_READ);
    s.events = 0;
    CHECK_OK(em_loop_change(&s.loop, &s.watch, 0));
    em_stream_drop(&s.b);
    CHECK_OK(em_loop_run(&s.loop));
    CHECK(s.events == EM_LOOP_GONE);
    em_loop_remove(&s.loop, &s.watch);
    em_stream_drop(&s.a);
    em_loop_drop(&s.loop);
}

/* Both watches are ready in one batch; whichever comes first removes and frees the other.
 */
static void free_the_other(void *arg, unsigned events)
{
    em_loop_watch **pair = arg;
    (void)events;

    for (int i = 0; i < 2; i++) {
        if (pair[i] == NULL) continue;
        em_loop_remove((em_loop *)(void *)pair[2], pair[i]);
        free(pair[i]);
        pair[i] = NULL;
    }
    em_loop_stop((em_loop *)(void *)pair[2]);
}

static void a_removed_watch_is_never_called(void)
{
    for (int round = 0; round < 20; round++) {
        em_loop loop = {0};
        em_stream a, b, c, d;
        em_loop_watch *pair[3] = {calloc(1, sizeof(em_loop_watch)),
                                  calloc(1, sizeof(em_loop_watch)), (void *)&loop};

        CHECK_OK(em_loop_open(NULL, NULL, &loop));
        CHECK_OK(em_stream_pair(&a, &b));
        CHECK_OK(em_stream_pair(&c, &d));
        *pair[0] = (em_loop_watch){.fd = a.fd, .ready = free_the_other, .arg = pair};
        *pair[1] = (em_loop_watch){.fd = c.fd, .ready = free_the_other, .arg = pair};
        CHECK_OK(em_loop_add(&loop, pair[0], EM_LOOP_READ));
        CHECK_OK(em_loop_add(&loop, pair[1], EM_LOOP_READ));
        CHECK_OK(em_stream_write_full(&b, EM_STR("x"), EM_NEVER));
        CHECK_OK(em_stream_write_full(&d, EM_STR("x"), EM_NEVER));
        CHECK_OK(em_loop_run(&loop)); /* a second call would use freed memory */
        CHECK(pair[0] == NULL && pair[1] == NULL);
        em_stream_drop(&a);
        em_stream_drop(&b);
        em_stream_drop(&c);
        em_stream_drop(&d);
        em_loop_drop(&loop);
    }
}

/* ---- timers ---- */

static void fired(state *s, unsigned i)
{
    s->fired[i]++;
    if (s->n_order < 8) s->order[s->n_order++] = i;
}

static void fire_0(void *arg)
{
    fired(arg, 0);
}

static void fire_1(void *arg)
{
    state *s = arg;
    fired(s, 1);
    em_loop_unset(&s->loop, &s->timer[3]); /* due in this very round */
}

static void fire_2_again(void *arg)
{
    state *s = arg;

    fired(s, 2);
    /* already due: must wait for the next round, not spin in this one */
    if (s->fired[2] < 3)
        em_loop_set(&s->loop, &s->timer[2], em_clock_monotonic_ms());
    else
        em_loop_stop(&s->loop);
}

static void fire_3(void *arg)
{
    fired(arg, 3);
}

static void timers_fire_once_in_order(void)
{
    state s = {0};
    void (*due[4])(void *) = {fire_0, fire_1, fire_2_again, fire_3};
    uint64_t now = em_clock_monotonic_ms();

    CHECK_OK(em_loop_open(NULL, NULL, &s.loop));
    for (int i = 0; i < 4; i++) s.timer[i] = (em_loop_timer){.due = due[i], .arg = &s};
    em_loop_set(&s.loop, &s.timer[2], now + 60);
    em_loop_set(&s.loop, &s.timer[0], now + 1000000);
    em_loop_set(&s.loop, &s.timer[0], now + 5); /* moved */
    em_loop_set(&s.loop, &s.timer[1], now + 30);
    em_loop_set(&s.loop, &s.timer[3], now + 31);
    em_thread_sleep_ms(35); /* 0, 1 and 3 are due at once */
    CHECK_OK(em_loop_run(&s.loop));
    CHECK(em_clock_monotonic_ms() - now >= 60);
    CHECK(s.fired[0] == 1 && s.fired[1] == 1 && s.fired[2] == 3 && s.fired[3] == 0);
    CHECK(s.order[0] == 0 && s.order[1] == 1 && s.order[2] == 2);
    em_loop_unset(&s.loop, &s.timer[0]);
    em_loop_drop(&s.loop);
}

/* ---- other threads ---- */

static void count_wake(void *arg)
{
    state *s = arg;

    if (++s->count == 1) em_loop_stop(&s->loop);
}

static void wake_many(void *arg)
{
    state *s = arg;

    for (int i = 0; i < 100; i++) em_loop_wake(&s->loop);
}

static void another_thread_wakes_and_stops(void)
{
    state s = {0};
    EM_DROP(em_thread) t = {0};

    CHECK_OK(em_loop_open(count_wake, &s, &s.loop));
    CHECK_OK(em_thread_start(wake_many, &s, "wake", &t));
    CHECK_OK(em_loop_run(&s.loop));
    CHECK(s.count >= 1);
    em_thread_drop(&t);
    /* a stop from before is obeyed */
    em_loop_stop(&s.loop);
    CHECK_OK(em_loop_run(&s.loop));
    em_loop_drop(&s.loop);
}

int main(void)
{
    RUN(a_watch_hears_of_bytes);
    RUN(wishes_can_change_and_the_end_is_heard);
    RUN(a_removed_watch_is_never_called);
    RUN(timers_fire_once_in_order);
    RUN(another_thread_wakes_and_stops);
    return test_end();
}
