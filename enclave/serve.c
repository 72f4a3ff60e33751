#include "enclave/serve.h"

#include "enclave/note.h"

/* Threads ------------------------------------------------------------------------------
 */

static void run_nsm(void *arg)
{
    em_serve *serve = arg;
    void *item;

    while (em_thread_queue_pop(&serve->to_nsm, EM_NEVER, &item) == EM_OK) {
        em_guest *guest = item;
        /* the NSM is not asked for one who has left */
        if (atomic_load(&guest->work.cancel))
            guest->attest_err = EM_ERR_CANCELLED;
        else
            em_guest_attest(guest, serve->attestor);
        atomic_store(&guest->attesting, EM_GUEST_BACK);
        em_loop_wake(&serve->loop);
    }
}

/* The runner's word that something is over. */
static void wake(void *arg)
{
    em_serve *serve = arg;

    em_loop_wake(&serve->loop);
}

/* Slots --------------------------------------------------------------------------------
 */

static bool is_out(const em_guest *g)
{
    return atomic_load(&g->attesting) == EM_GUEST_OUT ||
           (g->working && !atomic_load(&g->work.over));
}

/* What the client or its going has cancelled is computed no further. */
static void pass_on_cancel(em_serve_slot *slot)
{
    em_guest *g = &slot->guest;

    if (g->working && atomic_load(&g->work.cancel))
        em_runner_cancel(&slot->serve->runner, &g->work);
}

/* Give the slot back, unless another thread still works for it: then when it is back. */
static void close_slot(em_serve_slot *slot, em_err why)
{
    em_serve *serve = slot->serve;

    if (!slot->closing) {
        em_loop_remove(&serve->loop, &slot->watch);
        em_loop_unset(&serve->loop, &slot->timer);
        em_stream_drop(&slot->stream);
        atomic_store(&slot->guest.work.cancel, true);
        pass_on_cancel(slot);
        slot->closing = true;
        serve->open--;
        em_note(EM_NOTE_SESSION_CLOSE, serve->open, why);
        if (why != EM_OK && why != EM_ERR_CLOSED) em_note(EM_NOTE_ERROR(why), 0, 0);
    }
    if (is_out(&slot->guest)) return;
    em_guest_end(&slot->guest);
    slot->used = slot->closing = false;
}

/* Send what is pending, seal more of the answer as room appears, and say what to wait
 * for. */
static em_err pump(em_serve_slot *slot)
{
    em_guest *g = &slot->guest;
    unsigned wants = 0;

    for (;;) {
        EM_TRY(em_guest_answer(g));
        em_bytes pending = em_session_pending(&g->session);
        size_t sent;
        if (pending.len == 0) break;
        em_err err = em_stream_write(&slot->stream, pending, EM_NOW, &sent);
        if (err == EM_ERR_AGAIN) {
            wants = EM_LOOP_WRITE;
            break;
        }
        EM_TRY(err);
        em_session_sent(&g->session, sent);
    }
    /* a client that does not read is not read from, and nobody may speak before E1 */
    if (wants == 0 && atomic_load(&g->attesting) == EM_GUEST_OURS) wants |= EM_LOOP_READ;
    EM_TRY(em_loop_change(&slot->serve->loop, &slot->watch, wants));
    uint64_t deadline_ms = em_session_deadline(&g->session);
    if (deadline_ms == UINT64_MAX)
        em_loop_unset(&slot->serve->loop, &slot->timer);
    else
        em_loop_set(&slot->serve->loop, &slot->timer, deadline_ms);
    return EM_OK;
}

static size_t handshakes(const em_serve *serve)
{
    size_t n = 0;

    for (size_t i = 0; i < serve->id->config->limits.sessions; i++)
        n += serve->slot[i].used && !serve->slot[i].guest.open;
    return n;
}

static em_err grant(em_serve_slot *slot, em_guest_wish wish)
{
    em_serve *serve = slot->serve;
    em_guest *g = &slot->guest;

    if (wish == EM_GUEST_ATTEST) {
        atomic_store(&g->attesting, EM_GUEST_OUT);
        em_err err = em_thread_queue_push(&serve->to_nsm, g, EM_NOW);
        if (err != EM_OK) {
            atomic_store(&g->attesting, EM_GUEST_OURS);
            return EM_ERR_BUSY;
        }
    }
    if (wish == EM_GUEST_WORK) {
        em_err err = em_runner_submit(&serve->runner, &g->work);
        g->working = err == EM_OK;
        if (err != EM_OK) em_guest_refuse(g, err);
    }
    pass_on_cancel(slot);
    return EM_OK;
}

static em_err read_slot(em_serve_slot *slot)
{
    em_serve *serve = slot->serve;
    em_guest_wish wish;
    size_t len;

    em_err err = em_stream_read(&slot->stream, serve->in, sizeof serve->in, EM_NOW, &len);
    if (err == EM_ERR_AGAIN) return EM_OK;
    if (err == EM_ERR_CLOSED) {
        EM_TRY(em_session_eof(&slot->guest.session));
        return EM_ERR_CLOSED;
    }
    EM_TRY(err);
    EM_TRY(em_guest_feed(&slot->guest, em_view(serve->in, len), &wish));
    return grant(slot, wish);
}

static void slot_ready(void *arg, unsigned events)
{
    em_serve_slot *slot = arg;
    em_err err = EM_OK;

    if (events & EM_LOOP_READ)
        err = read_slot(slot);
    else if (events & EM_LOOP_GONE)
        err = EM_ERR_CLOSED;
    if (err == EM_OK) err = pump(slot);
    if (err != EM_OK) close_slot(slot, err);
}

static void slot_due(void *arg)
{
    em_serve_slot *slot = arg;
    em_err err = em_session_tick(&slot->guest.session, em_clock_monotonic_ms());

    if (err == EM_OK) err = pump(slot);
    if (err != EM_OK) close_slot(slot, err);
}

/* Another thread has finished something. */
static void woken(void *arg)
{
    em_serve *serve = arg;

    for (size_t i = 0; i < serve->id->config->limits.sessions; i++) {
        em_serve_slot *slot = &serve->slot[i];
        em_guest *g = &slot->guest;
        em_err err = EM_OK;
        bool touched = false;

        if (!slot->used) continue;
        if (slot->closing) {
            close_slot(slot, EM_OK);
            continue;
        }
        if (atomic_load(&g->attesting) == EM_GUEST_BACK) {
            atomic_store(&g->attesting, EM_GUEST_OURS);
            err = em_guest_attested(g);
            touched = true;
        }
        if (err == EM_OK && g->working && atomic_load(&g->work.over)) {
            g->working = false;
            em_note(EM_NOTE_REQUEST_DONE, g->work.run_ns / 1000, g->work.outcome);
            em_guest_worked(g);
            touched = true;
        }
        if (err == EM_OK && touched) err = pump(slot);
        if (err != EM_OK) close_slot(slot, err);
    }
}

static em_serve_slot *free_slot(em_serve *serve)
{
    for (size_t i = 0; i < serve->id->config->limits.sessions; i++)
        if (!serve->slot[i].used) return &serve->slot[i];
    return NULL;
}

/* PROTOCOL 2: excess closes before the NSM is asked. */
static void accept_ready(void *arg, unsigned events)
{
    em_serve *serve = arg;
    EM_DROP(em_stream) stream = {0};
    em_serve_slot *slot = free_slot(serve);

    (void)events;
    if (em_stream_accept(serve->listener, EM_NOW, &stream, NULL) != EM_OK) return;
    if (slot == NULL || handshakes(serve) >= serve->id->config->limits.handshakes ||
        em_guest_start(&slot->guest, serve->id, serve->body, &serve->budget) != EM_OK) {
        em_note(EM_NOTE_SESSION_BUSY, serve->open, 0);
        return;
    }
    slot->serve = serve;
    slot->stream = EM_TAKE(stream);
    slot->watch =
        (em_loop_watch){.fd = slot->stream.fd, .ready = slot_ready, .arg = slot};
    slot->timer = (em_loop_timer){.due = slot_due, .arg = slot};
    slot->used = true;
    serve->open++;
    em_note(EM_NOTE_SESSION_OPEN, serve->open, 0);
    em_err err = em_loop_add(&serve->loop, &slot->watch, EM_LOOP_READ);
    if (err == EM_OK) err = pump(slot);
    if (err != EM_OK) close_slot(slot, err);
}

static void stop_ready(void *arg, unsigned events)
{
    em_serve *serve = arg;

    (void)events;
    em_loop_stop(&serve->loop);
}

/* The whole -----------------------------------------------------------------------------
 */

static em_err start(em_serve *serve)
{
    size_t sessions = (size_t)serve->id->config->limits.sessions;

    serve->budget.left = serve->id->config->limits.memory;
    EM_TRY(em_map_anonymous(sessions * sizeof(em_serve_slot), 0, &serve->slots));
    serve->slot = (em_serve_slot *)(void *)serve->slots.at;
    em_thread_queue_init(&serve->to_nsm, serve->nsm_items, EM_COUNT(serve->nsm_items));
    EM_TRY(em_loop_open(woken, serve, &serve->loop));
    EM_TRY(em_thread_start(run_nsm, serve, "nsm", &serve->nsm_thread));
    em_runner_terms terms = serve->computing;
    terms.tokens = serve->id->config->limits.batch_tokens;
    terms.queue = serve->id->config->limits.queue;
    terms.wait_ms = serve->id->config->limits.wait_ms;
    terms.finished = wake;
    terms.arg = serve;
    EM_TRY(em_runner_open(&serve->runner, &terms));
    EM_TRY(em_runner_start(&serve->runner));
    serve->accepting =
        (em_loop_watch){.fd = serve->listener->fd, .ready = accept_ready, .arg = serve};
    serve->stopping =
        (em_loop_watch){.fd = em_signals_fd(), .ready = stop_ready, .arg = serve};
    EM_TRY(em_loop_add(&serve->loop, &serve->stopping, EM_LOOP_READ));
    return em_loop_add(&serve->loop, &serve->accepting, EM_LOOP_READ);
}

static void stop(em_serve *serve)
{
    size_t sessions =
        serve->slot != NULL ? (size_t)serve->id->config->limits.sessions : 0;

    for (size_t i = 0; i < sessions; i++) {
        atomic_store(&serve->slot[i].guest.work.cancel, true);
        pass_on_cancel(&serve->slot[i]);
    }
    em_thread_queue_close(&serve->to_nsm);
    em_thread_drop(&serve->nsm_thread);
    em_runner_drop(&serve->runner);
    for (size_t i = 0; i < sessions; i++) {
        em_serve_slot *slot = &serve->slot[i];
        if (!slot->used) continue;
        atomic_store(&slot->guest.attesting, EM_GUEST_OURS);
        slot->guest.working = false;
        close_slot(slot, EM_ERR_INTERRUPTED);
    }
    em_loop_drop(&serve->loop);
    em_map_drop(&serve->slots);
}

em_err em_serve_run(em_serve *serve, em_err (*ready)(void))
{
    em_err err = start(serve);

    if (err == EM_OK) err = ready();
    if (err == EM_OK) err = em_loop_run(&serve->loop);
    stop(serve);
    return err;
}
