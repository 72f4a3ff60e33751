#include "client/link.h"

#include "os/entropy.h"

enum { TICK_MS = 200, IN_LEN = 64 << 10 };

void em_link_drop(em_link *link)
{
    em_session_drop(&link->session);
    em_stream_drop(&link->stream);
    em_map_drop(&link->pages);
    em_map_drop(&link->in);
    *link = (em_link){0};
}

em_err em_link_open(em_link *link, const em_address *to, em_bytes deployment)
{
    uint8_t nonce[EM_HELLO_NONCE_LEN];
    size_t len = EM_SESSION_CLIENT_IN + EM_SESSION_CLIENT_OUT;

    EM_TRY(em_map_anonymous(len, 0, &link->pages));
    EM_TRY(em_map_anonymous(IN_LEN, 0, &link->in));
    EM_TRY(em_stream_connect(to, em_clock_deadline(link->silence_ms), &link->stream));
    EM_TRY(em_entropy_fill(nonce, sizeof nonce));
    const em_session_buffers room = {.in = link->pages.at,
                                     .in_cap = EM_SESSION_CLIENT_IN,
                                     .out = link->pages.at + EM_SESSION_CLIENT_IN,
                                     .out_cap = EM_SESSION_CLIENT_OUT};
    EM_TRY(em_session_client_start(&link->session, &room, deployment, nonce,
                                   em_clock_monotonic_ms()));
    em_bytes c1 = em_session_pending(&link->session);
    if (c1.len > sizeof link->c1) return EM_ERR_INTERNAL;
    memcpy(link->c1, c1.at, c1.len);
    link->c1_len = c1.len;
    return EM_OK;
}

static bool is_stopped(const em_link *link)
{
    return link->stop != NULL && link->stop(link->stop_arg);
}

/* Sends what is pending; `stop` is asked where `may_stop`. */
static em_err push(em_link *link, bool may_stop)
{
    uint64_t deadline_ms = em_clock_deadline(link->silence_ms);

    for (;;) {
        em_bytes pending = em_session_pending(&link->session);
        uint64_t tick_ms = em_clock_deadline(TICK_MS);
        size_t sent;
        if (pending.len == 0) return EM_OK;
        if (may_stop && is_stopped(link)) return EM_ERR_INTERRUPTED;
        em_err err = em_stream_write(
            &link->stream, pending, tick_ms < deadline_ms ? tick_ms : deadline_ms, &sent);
        if (err == EM_ERR_TIMEOUT && em_clock_monotonic_ms() < deadline_ms) continue;
        EM_TRY(err);
        em_session_sent(&link->session, sent);
        deadline_ms = em_clock_deadline(link->silence_ms);
    }
}

static bool is_broken(em_err err)
{
    return err == EM_ERR_CLOSED || err == EM_ERR_IO;
}

em_err em_link_flush(em_link *link)
{
    em_err err = push(link, true);

    if (is_broken(err)) EM_TRY(em_session_eof(&link->session));
    return err;
}

em_err em_link_say(em_link *link)
{
    return push(link, false);
}

/* Bytes into link->left; asks `stop` while it waits. */
static em_err fill(em_link *link)
{
    uint64_t deadline_ms = em_clock_deadline(link->silence_ms);
    size_t len;

    for (;;) {
        uint64_t tick_ms = em_clock_deadline(TICK_MS);
        if (is_stopped(link)) return EM_ERR_INTERRUPTED;
        em_err err = em_stream_read(&link->stream, link->in.at, link->in.len,
                                    tick_ms < deadline_ms ? tick_ms : deadline_ms, &len);
        if (err == EM_ERR_TIMEOUT && em_clock_monotonic_ms() < deadline_ms) {
            EM_TRY(em_session_tick(&link->session, em_clock_monotonic_ms()));
            continue;
        }
        if (is_broken(err)) {
            EM_TRY(em_session_eof(&link->session));
            return err;
        }
        EM_TRY(err);
        link->left = em_view(link->in.at, len);
        return EM_OK;
    }
}

em_err em_link_next(em_link *link, em_session_event *ret_event)
{
    for (;;) {
        em_session_event event = em_session_next(&link->session);
        if (event.what == EM_SESSION_HOST) {
            *ret_event = event;
            return EM_ERR_HOST_REFUSED;
        }
        if (event.what != EM_SESSION_NONE) {
            *ret_event = event;
            return EM_OK;
        }
        em_err err = push(link, true);
        /* a peer that takes no more may have said why: what it sent is still read */
        if (!is_broken(err)) EM_TRY(err);
        if (link->left.len == 0) EM_TRY(fill(link));
        EM_TRY(em_session_feed(&link->session, &link->left, em_clock_monotonic_ms()));
    }
}
