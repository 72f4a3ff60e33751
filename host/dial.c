#include "host/dial.h"

enum { PATIENCE_MS = 100 };

static void serve(void *arg)
{
    em_dialer *d = arg;
    void *item = NULL;

    while (em_thread_queue_pop(&d->asked, EM_NEVER, &item) == EM_OK) {
        em_dial *dial = item;
        dial->err =
            em_stream_connect(&dial->to, em_clock_deadline(dial->wait_ms), &dial->stream);
        /* as long as the other queue: there is always room */
        if (em_thread_queue_push(&d->answered, dial, EM_NEVER) == EM_OK)
            em_loop_wake(d->loop);
    }
    EM_DROP(em_thread_held) held = em_thread_hold(&d->lock);
    d->alive--;
    em_thread_wake_all(&d->left);
}

em_err em_dial_start(em_dialer *d, em_loop *loop)
{
    d->loop = loop;
    em_thread_queue_init(&d->asked, d->asked_slots, EM_DIAL_QUEUE);
    em_thread_queue_init(&d->answered, d->answered_slots, EM_DIAL_QUEUE);
    EM_DROP(em_thread_held) held = em_thread_hold(&d->lock);
    for (int i = 0; i < EM_DIAL_THREADS; i++) {
        EM_TRY(em_thread_start(serve, d, "em-dial", &d->thread[i]));
        d->alive++;
    }
    return EM_OK;
}

void em_dial_stop(em_dialer *d)
{
    uint64_t deadline_ms = em_clock_deadline(PATIENCE_MS);

    em_thread_queue_close(&d->asked);
    em_thread_lock(&d->lock);
    while (d->alive > 0)
        if (em_thread_wait(&d->left, &d->lock, deadline_ms) != EM_OK) break;
    bool all_left = d->alive == 0;
    em_thread_unlock(&d->lock);
    for (int i = 0; all_left && i < EM_DIAL_THREADS; i++) em_thread_drop(&d->thread[i]);
}

em_err em_dial_ask(em_dialer *d, em_dial *dial)
{
    dial->err = EM_ERR_CONNECT;
    return em_thread_queue_push(&d->asked, dial, EM_NOW) == EM_OK ? EM_OK : EM_ERR_BUSY;
}

em_dial *em_dial_next(em_dialer *d)
{
    void *item = NULL;

    return em_thread_queue_pop(&d->answered, EM_NOW, &item) == EM_OK ? item : NULL;
}
