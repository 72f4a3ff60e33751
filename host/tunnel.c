#include "host/tunnel.h"
#include "base/limits.h"

#include <stdlib.h>

enum { TURNS = 8, WORDS = 64 };

static void ready_0(void *arg, unsigned events);
static void ready_1(void *arg, unsigned events);
static void due(void *arg);

em_err em_tunnel_open(em_tunnel *t, em_loop *loop, const em_tunnel_limits *limits,
                      em_stream *side0)
{
    t->loop = loop;
    t->limits = limits;
    t->side[0] = EM_TAKE(*side0);
    t->started_ms = t->moved_ms = em_clock_monotonic_ms();
    t->timer = (em_loop_timer){.due = due, .arg = t};
    t->watch[0] = (em_loop_watch){.fd = t->side[0].fd, .ready = ready_0, .arg = t};
    for (int i = 0; i < 2; i++) {
        t->way[i].buffer = malloc(EM_RELAY_BUFFER);
        if (t->way[i].buffer == NULL) {
            free(t->way[0].buffer);
            em_stream_drop(&t->side[0]);
            return EM_ERR_MEMORY;
        }
    }
    /* no wishes yet: only hears when side 0 goes away */
    em_err err = em_loop_add(loop, &t->watch[0], 0);
    if (err == EM_OK) return EM_OK;
    free(t->way[0].buffer);
    free(t->way[1].buffer);
    em_stream_drop(&t->side[0]);
    return err;
}

static void finish(em_tunnel *t, em_tunnel_why why)
{
    em_loop_unset(t->loop, &t->timer);
    for (int i = 0; i < 2; i++) {
        em_loop_remove(t->loop, &t->watch[i]);
        if (why != EM_TUNNEL_ENDED && why != EM_TUNNEL_REFUSED)
            em_stream_abort(&t->side[i]);
        em_stream_drop(&t->side[i]);
        free(t->way[i].buffer);
        t->way[i].buffer = NULL;
    }
    t->over(t->owner, why);
}

/* From here on side 1 is silent and side 0 hears `words`. */
static void begin_refusal(em_tunnel *t, em_bytes words)
{
    em_loop_remove(t->loop, &t->watch[1]);
    em_stream_drop(&t->side[1]);
    t->gone[1] = true;
    t->way[0].dead = true;
    t->way[0].len = 0;
    t->way[1] = (em_tunnel_way){
        .buffer = t->way[1].buffer, .len = words.len, .ended = true, .dead = t->gone[0]};
    memcpy(t->way[1].buffer, words.at, words.len);
    t->refused = true;
    t->linger_until_ms = em_clock_deadline(t->limits->linger_ms);
}

/* ---- moving bytes ---- */

/* Writes what the buffer holds; false where no more can be written now. */
static bool flush(em_tunnel *t, int i)
{
    em_tunnel_way *w = &t->way[i];

    while (w->len > 0 && !w->dead) {
        size_t n = 0;
        em_err err = em_stream_write(&t->side[1 - i],
                                     em_view(w->buffer + w->from, w->len), EM_NOW, &n);
        if (err == EM_ERR_AGAIN) return false;
        if (err != EM_OK) {
            w->dead = w->unread = true;
            break;
        }
        w->from += n;
        w->len -= n;
        w->moved += n;
        t->moved_ms = em_clock_monotonic_ms();
        if (t->counter[i] != NULL) __atomic_add_fetch(t->counter[i], n, __ATOMIC_RELAXED);
    }
    if (w->dead) w->len = 0;
    return true;
}

/* Reads until the source has nothing, the far side is full, or it is another's turn;
 * false where the source was torn. */
static bool pump(em_tunnel *t, int i)
{
    em_tunnel_way *w = &t->way[i];

    /* nothing will tell us to go on with a source that is gone: all of it comes now */
    for (int turn = 0; turn < TURNS || t->gone[i]; turn++) {
        if (!flush(t, i) || w->ended) return true;
        size_t n = 0;
        em_err err = em_stream_read(&t->side[i], w->buffer, EM_RELAY_BUFFER, EM_NOW, &n);
        if (err == EM_OK) {
            w->from = 0;
            w->len = n;
        } else if (err == EM_ERR_CLOSED || (err == EM_ERR_AGAIN && t->gone[i]) ||
                   (err != EM_ERR_AGAIN && t->way[1 - i].unread)) {
            /* a peer that closed before it read everything resets: for it that is an end
             */
            w->ended = true;
        } else {
            return err == EM_ERR_AGAIN;
        }
    }
    (void)flush(t, i);
    return true;
}

static void pass_on_the_end(em_tunnel *t, int i)
{
    em_tunnel_way *w = &t->way[i];

    if (!w->ended || w->len > 0 || w->passed_on || w->dead) return;
    if (em_stream_end(&t->side[1 - i]) != EM_OK) w->dead = true;
    w->passed_on = true;
}

static bool is_done(const em_tunnel_way *w)
{
    return w->ended && w->len == 0 && (w->passed_on || w->dead);
}

/* Side 1 ended, or was torn, without a word: perhaps the owner has one. */
static bool answered_instead(em_tunnel *t, em_tunnel_event event)
{
    if (t->refused || t->way[1].moved > 0 || t->way[1].len > 0 || t->instead == NULL)
        return false;
    em_bytes words = t->instead(t->owner, event);
    if (words.len == 0 || words.len > WORDS) return false;
    begin_refusal(t, words);
    return true;
}

/* ---- deciding ---- */

static void wish(em_tunnel *t)
{
    for (int i = 0; i < 2; i++) {
        if (!t->watch[i].added) continue;
        unsigned wants = (t->way[i].len == 0 && !t->way[i].ended ? EM_LOOP_READ : 0) |
                         (t->way[1 - i].len > 0 ? EM_LOOP_WRITE : 0);
        if (em_loop_change(t->loop, &t->watch[i], wants) != EM_OK) t->gone[i] = true;
    }
}

static uint64_t later(uint64_t from, uint64_t by)
{
    return by > EM_NEVER - from ? EM_NEVER : from + by;
}

static uint64_t idle_until(const em_tunnel *t)
{
    bool half = is_done(&t->way[0]) || is_done(&t->way[1]);

    return later(t->moved_ms, half ? t->limits->half_ms : t->limits->idle_ms);
}

static void set_timer(em_tunnel *t)
{
    uint64_t at = t->linger_until_ms;

    if (at == 0) {
        uint64_t life = later(t->started_ms, t->limits->life_ms);
        uint64_t first = later(t->started_ms, t->limits->first_ms);
        at = idle_until(t);
        if (life < at) at = life;
        if (t->way[1].moved == 0 && first < at) at = first;
    }
    em_loop_set(t->loop, &t->timer, at);
}

/* Moves what can be moved; then the tunnel goes on, or is over (and may be freed). */
static void advance(em_tunnel *t)
{
    bool whole = pump(t, 0);

    if (t->joined && !pump(t, 1) && !answered_instead(t, EM_TUNNEL_SILENT_END))
        whole = false;
    if (t->joined && t->way[1].ended) (void)answered_instead(t, EM_TUNNEL_SILENT_END);
    if (t->refused) {
        /* side 0 may be torn while it is being refused: nothing is lost */
        if (!whole) t->way[0].ended = true;
        whole = true;
        (void)flush(t, 1);
    }
    if (!whole) {
        finish(t, EM_TUNNEL_TORN);
        return;
    }
    pass_on_the_end(t, 0);
    pass_on_the_end(t, 1);
    bool done_0 = is_done(&t->way[0]), done_1 = is_done(&t->way[1]);
    if (done_0 && done_1) {
        finish(t, t->refused ? EM_TUNNEL_REFUSED : EM_TUNNEL_ENDED);
        return;
    }
    /* one way is over and the other leads nowhere: its source is drained for a while */
    bool nowhere = (done_1 && t->way[0].dead) || (done_0 && t->way[1].dead);
    if (nowhere && t->linger_until_ms == 0)
        t->linger_until_ms = em_clock_deadline(t->limits->linger_ms);
    wish(t);
    set_timer(t);
}

static void ready(em_tunnel *t, int i, unsigned events)
{
    if ((events & EM_LOOP_GONE) != 0) {
        em_loop_remove(t->loop, &t->watch[i]);
        t->gone[i] = true;
        t->way[1 - i].dead = true;
        t->way[1 - i].len = 0;
        if (!t->joined && !t->refused) {
            finish(t, EM_TUNNEL_TORN);
            return;
        }
    }
    advance(t);
}

static void ready_0(void *arg, unsigned events)
{
    ready(arg, 0, events);
}

static void ready_1(void *arg, unsigned events)
{
    ready(arg, 1, events);
}

static void due(void *arg)
{
    em_tunnel *t = arg;
    uint64_t now = em_clock_monotonic_ms();

    if (t->linger_until_ms != 0) {
        if (now < t->linger_until_ms)
            set_timer(t);
        else
            finish(t, t->refused ? EM_TUNNEL_REFUSED : EM_TUNNEL_ENDED);
        return;
    }
    if (now >= later(t->started_ms, t->limits->life_ms)) {
        finish(t, EM_TUNNEL_LIFE);
        return;
    }
    bool slow = t->way[1].moved == 0 && now >= later(t->started_ms, t->limits->first_ms);
    if (slow && answered_instead(t, EM_TUNNEL_SLOW)) {
        advance(t);
        return;
    }
    if (slow || now >= idle_until(t)) {
        finish(t, EM_TUNNEL_IDLE);
        return;
    }
    set_timer(t);
}

/* ---- what the owner asks for ---- */

void em_tunnel_join(em_tunnel *t, em_stream *side1)
{
    t->side[1] = EM_TAKE(*side1);
    t->joined = true;
    t->watch[1] = (em_loop_watch){.fd = t->side[1].fd, .ready = ready_1, .arg = t};
    if (em_loop_add(t->loop, &t->watch[1], EM_LOOP_READ) != EM_OK) {
        finish(t, EM_TUNNEL_TORN);
        return;
    }
    advance(t);
}

void em_tunnel_refuse(em_tunnel *t, em_bytes bytes)
{
    if (bytes.len == 0 || bytes.len > WORDS || t->way[1].moved > 0) {
        finish(t, EM_TUNNEL_STOPPED);
        return;
    }
    begin_refusal(t, bytes);
    advance(t);
}

void em_tunnel_stop(em_tunnel *t)
{
    finish(t, EM_TUNNEL_STOPPED);
}
