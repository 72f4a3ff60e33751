#include "host/relay.h"
#include "os/log.h"

#include <stdlib.h>

enum { ACCEPTS = 64, PAUSE_MS = 100 };

/* One connection: from accept to the end of its tunnel and of its dial. */
typedef struct em_relay_link {
    em_relay *relay;
    em_relay_door *door;
    em_address peer;
    em_tunnel tunnel;
    em_dial dial;
    uint64_t opened_ms;
    bool dialling, over, refused;
    struct em_relay_link *next, *before;
} link;

em_bytes em_relay_words(em_relay_code code)
{
    static const uint8_t words[][13] = {
#define WORDS(code) {9, 1, 0, 0, 0, 7, 0xA1, 0x64, 'c', 'o', 'd', 'e', code}
        WORDS(EM_RELAY_BUSY),
        WORDS(EM_RELAY_NO_ENCLAVE),
        WORDS(EM_RELAY_HUNG_UP),
        WORDS(EM_RELAY_STARTING),
#undef WORDS
    };
    return EM_BYTES(words[code - EM_RELAY_BUSY]);
}

/* ---- the life of a link ---- */

static void unlink_and_free(link *l)
{
    em_relay *r = l->relay;

    if (l->before != NULL)
        l->before->next = l->next;
    else
        r->first = l->next;
    if (l->next != NULL) l->next->before = l->before;
    free(l);
    r->links--;
    if (r->stopping && r->links == 0) em_loop_stop(r->loop);
}

static void log_end(const link *l, em_tunnel_why why)
{
    static const char *const names[] = {"ended", "torn",    "idle",
                                        "life",  "refused", "stop"};
    uint64_t now = em_clock_monotonic_ms();

    EM_LOG(l->refused ? EM_LOG_DEBUG : EM_LOG_INFO, "relay.close",
           EM_LOG_ADDRESS("peer", &l->peer), EM_LOG_ADDRESS("to", &l->door->to),
           EM_LOG_NUMBER("in", l->tunnel.way[0].moved),
           EM_LOG_NUMBER("out", l->tunnel.way[1].moved),
           EM_LOG_NUMBER("ms", now - l->opened_ms),
           ((em_log_field){.name = "why", .text = names[why]}));
}

static void on_over(void *owner, em_tunnel_why why)
{
    static const em_metric closed[] = {EM_METRIC_CLOSED_ENDED,   EM_METRIC_CLOSED_TORN,
                                       EM_METRIC_CLOSED_IDLE,    EM_METRIC_CLOSED_LIFE,
                                       EM_METRIC_CLOSED_REFUSED, EM_METRIC_CLOSED_STOP};
    link *l = owner;
    em_metrics *m = l->relay->metrics;

    if (!l->door->is_forward) em_metrics_add(m, closed[why], 1);
    if (l->refused) {
        l->relay->refusals--;
    } else {
        l->door->open--;
        em_metrics_lower(m,
                         l->door->is_forward ? EM_METRIC_FORWARD_OPEN : EM_METRIC_OPEN);
    }
    log_end(l, why);
    l->over = true;
    if (!l->dialling) unlink_and_free(l);
}

/* From the connections into the refusals; false where those are too many. */
static bool count_as_refused(link *l, em_metric reason)
{
    em_relay *r = l->relay;

    if (r->refusals >= EM_RELAY_REFUSALS) return false;
    em_metrics_add(r->metrics, reason, 1);
    em_metrics_lower(r->metrics, EM_METRIC_OPEN);
    l->door->open--;
    l->refused = true;
    r->refusals++;
    return true;
}

static void refuse(link *l, em_metric reason, em_relay_code code)
{
    if (l->door->is_forward) {
        em_metrics_add(l->relay->metrics, EM_METRIC_FORWARD_REFUSED, 1);
        em_tunnel_stop(&l->tunnel);
    } else if (count_as_refused(l, reason)) {
        em_tunnel_refuse(&l->tunnel, em_relay_words(code));
    } else {
        em_metrics_add(l->relay->metrics, EM_METRIC_OVERFLOW, 1);
        em_tunnel_stop(&l->tunnel);
    }
}

static em_bytes instead(void *owner, em_tunnel_event event)
{
    link *l = owner;
    bool slow = event == EM_TUNNEL_SLOW;

    if (!count_as_refused(l, slow ? EM_METRIC_REFUSED_SLOW : EM_METRIC_REFUSED_HUNG_UP))
        return (em_bytes){0};
    return em_relay_words(slow ? EM_RELAY_BUSY : EM_RELAY_HUNG_UP);
}

/* ---- dialling ---- */

static void report(em_relay *r, bool worked, uint64_t now)
{
    em_metrics_add(r->metrics, worked ? EM_METRIC_DIALS : EM_METRIC_DIALS_FAILED, 1);
    if (worked) r->worked = true;
    if (em_breaker_report(&r->breaker, worked, now)) {
        bool opened = r->breaker.state == EM_BREAKER_OPEN;
        if (opened) em_metrics_add(r->metrics, EM_METRIC_BREAKER_OPENED, 1);
        if (opened)
            EM_LOG(EM_LOG_WARN, "breaker.open", EM_LOG_ADDRESS("to", &r->door[0].to),
                   EM_LOG_NUMBER("cool_ms", r->breaker.cool_ms));
        else
            EM_LOG(EM_LOG_INFO, "breaker.closed", EM_LOG_ADDRESS("to", &r->door[0].to));
    }
    em_metrics_set(r->metrics, EM_METRIC_BREAKER, r->breaker.state);
}

static void refuse_no_enclave(link *l, em_metric reason)
{
    if (l->relay->worked)
        refuse(l, reason, EM_RELAY_NO_ENCLAVE);
    else
        refuse(l,
               reason == EM_METRIC_REFUSED_BREAKER ? reason : EM_METRIC_REFUSED_STARTING,
               EM_RELAY_STARTING);
}

/* The dial of a link has its result. */
static void dialled(link *l)
{
    bool worked = l->dial.err == EM_OK;

    l->dialling = false;
    if (!l->door->is_forward) report(l->relay, worked, em_clock_monotonic_ms());
    if (l->over) {
        em_stream_drop(&l->dial.stream);
        unlink_and_free(l);
    } else if (worked) {
        em_tunnel_join(&l->tunnel, &l->dial.stream);
    } else {
        EM_LOG(EM_LOG_WARN, "relay.dial", EM_LOG_ADDRESS("to", &l->door->to),
               EM_LOG_ERR("error", l->dial.err));
        refuse_no_enclave(l, EM_METRIC_REFUSED_NO_ENCLAVE);
    }
}

static void dial(link *l)
{
    em_relay *r = l->relay;

    l->dialling = true;
    l->dial = (em_dial){.to = l->door->to, .wait_ms = r->limits.dial_ms, .owner = l};
    if (l->door->to.kind == EM_ADDRESS_UNIX) {
        /* answers at once, unless its queue is full: then a thread waits */
        l->dial.err = em_stream_connect(&l->dial.to, EM_NOW, &l->dial.stream);
        if (l->dial.err != EM_ERR_AGAIN) {
            dialled(l);
            return;
        }
    }
    /* once asked, the dial is a thread's: nothing of it may be touched here */
    if (em_dial_ask(&r->dialer, &l->dial) != EM_OK) dialled(l);
}

void em_relay_wake(void *relay)
{
    em_relay *r = relay;

    for (em_dial *d = em_dial_next(&r->dialer); d != NULL; d = em_dial_next(&r->dialer))
        dialled(d->owner);
}

/* ---- accepting ---- */

static em_err new_link(em_relay_door *door, em_stream *stream, const em_address *peer,
                       link **ret_link)
{
    em_relay *r = door->relay;
    link *l = calloc(1, sizeof *l);

    if (l == NULL) return EM_ERR_MEMORY;
    l->relay = r;
    l->door = door;
    l->peer = *peer;
    l->opened_ms = em_clock_monotonic_ms();
    l->tunnel.owner = l;
    l->tunnel.over = on_over;
    l->tunnel.instead = door->is_forward ? NULL : instead;
    l->tunnel.counter[0] =
        &r->metrics->cell[door->is_forward ? EM_METRIC_FORWARD_UP : EM_METRIC_BYTES_IN];
    l->tunnel.counter[1] =
        &r->metrics
             ->cell[door->is_forward ? EM_METRIC_FORWARD_DOWN : EM_METRIC_BYTES_OUT];
    em_err err = em_tunnel_open(
        &l->tunnel, r->loop, door->is_forward ? &r->limits.forward : &r->limits.session,
        stream);
    if (err != EM_OK) {
        free(l);
        return err;
    }
    l->next = r->first;
    if (r->first != NULL) r->first->before = l;
    r->first = l;
    r->links++;
    door->open++;
    em_metrics_add(r->metrics, door->is_forward ? EM_METRIC_FORWARD_OPEN : EM_METRIC_OPEN,
                   1);
    *ret_link = l;
    return EM_OK;
}

static void welcome(em_relay_door *door, em_stream *stream, const em_address *peer)
{
    em_relay *r = door->relay;
    uint64_t now = em_clock_monotonic_ms();
    bool full = door->open >= door->most;
    link *l = NULL;

    em_metrics_add(r->metrics,
                   door->is_forward ? EM_METRIC_FORWARDED : EM_METRIC_ACCEPTED, 1);
    bool stranger = peer->kind == EM_ADDRESS_VSOCK &&
                    door->only_cid != EM_ADDRESS_CID_ANY && peer->cid != door->only_cid;
    if (door->is_forward && (full || stranger)) {
        em_metrics_add(r->metrics, EM_METRIC_FORWARD_REFUSED, 1);
        em_stream_abort(stream);
        return;
    }
    bool rated = !door->is_forward && !em_rate_allow(&r->rate, peer, now);
    if (((full || rated) && r->refusals >= EM_RELAY_REFUSALS) ||
        new_link(door, stream, peer, &l) != EM_OK) {
        em_metrics_add(r->metrics, EM_METRIC_OVERFLOW, 1);
        em_stream_abort(stream);
        return;
    }
    if (full || rated)
        refuse(l, full ? EM_METRIC_REFUSED_BUSY : EM_METRIC_REFUSED_RATE, EM_RELAY_BUSY);
    else if (!door->is_forward && !em_breaker_may(&r->breaker, now))
        refuse_no_enclave(l, EM_METRIC_REFUSED_BREAKER);
    else
        dial(l);
}

static void go_on(void *arg)
{
    em_relay_door *door = arg;

    if (!door->relay->stopping)
        (void)!em_loop_change(door->relay->loop, &door->watch, EM_LOOP_READ);
}

static void on_door(void *arg, unsigned events)
{
    em_relay_door *door = arg;
    (void)events;

    for (int i = 0; i < ACCEPTS; i++) {
        EM_DROP(em_stream) stream = {0};
        em_address peer = {0};
        em_err err = em_stream_accept(&door->listener, EM_NOW, &stream, &peer);
        if (err == EM_ERR_AGAIN) return;
        if (err != EM_OK) {
            EM_LOG(EM_LOG_ERROR, "relay.accept", EM_LOG_ERR("error", err));
            (void)!em_loop_change(door->relay->loop, &door->watch, 0);
            em_loop_set(door->relay->loop, &door->pause, em_clock_deadline(PAUSE_MS));
            return;
        }
        welcome(door, &stream, &peer);
    }
}

em_err em_relay_start(em_relay *relay, em_loop *loop)
{
    relay->loop = loop;
    return em_dial_start(&relay->dialer, loop);
}

em_err em_relay_add(em_relay *relay, em_stream_listener *listener, const em_address *to,
                    uint32_t only_cid, size_t most)
{
    if (relay->doors == EM_RELAY_DOORS) return EM_ERR_LIMIT;
    em_relay_door *door = &relay->door[relay->doors];
    *door = (em_relay_door){.relay = relay,
                            .listener = EM_TAKE(*listener),
                            .to = *to,
                            .is_forward = relay->doors > 0,
                            .only_cid = only_cid,
                            .most = most};
    door->watch = (em_loop_watch){.fd = door->listener.fd, .ready = on_door, .arg = door};
    door->pause = (em_loop_timer){.due = go_on, .arg = door};
    relay->doors++;
    return em_loop_add(relay->loop, &door->watch, EM_LOOP_READ);
}

/* ---- stopping ---- */

static void patience_is_over(void *arg)
{
    em_relay *r = arg;

    em_loop_stop(r->loop);
}

void em_relay_stop(em_relay *relay)
{
    if (relay->stopping) return;
    relay->stopping = true;
    for (size_t i = 0; i < relay->doors; i++) {
        em_loop_unset(relay->loop, &relay->door[i].pause);
        em_loop_remove(relay->loop, &relay->door[i].watch);
        em_stream_listener_drop(&relay->door[i].listener);
    }
    relay->drain = (em_loop_timer){.due = patience_is_over, .arg = relay};
    em_loop_set(relay->loop, &relay->drain, em_clock_deadline(relay->limits.drain_ms));
    if (relay->links == 0) em_loop_stop(relay->loop);
}

void em_relay_drop(em_relay *relay)
{
    em_relay_stop(relay);
    em_loop_unset(relay->loop, &relay->drain);
    em_dial_stop(&relay->dialer);
    em_relay_wake(relay); /* what was being dialled for */
    for (link *l = relay->first; l != NULL;) {
        link *next = l->next;
        /* one that a thread still dials for stays; it is freed with the process */
        if (!l->over) em_tunnel_stop(&l->tunnel);
        l = next;
    }
}
