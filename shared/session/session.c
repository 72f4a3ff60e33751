#include "session/session_impl.h"

void em_session_begin(em_session *s, uint8_t role, uint8_t state,
                      const em_session_buffers *room, uint64_t wait_until_ms)
{
    *s = (em_session){.role = role,
                      .state = state,
                      .room = *room,
                      .wait_until_ms = wait_until_ms,
                      .life_until_ms = UINT64_MAX};
}

/* ---- its end
 * --------------------------------------------------------------------------- */

static void wipe_in(em_session *s)
{
    em_wipe(s->room.in, s->in_len);
    s->in_len = s->in_want = 0;
}

em_err em_session_close(em_session *s, em_err why)
{
    wipe_in(s);
    em_session_keys_drop(&s->keys);
    em_sha256_drop(&s->request);
    em_sha256_drop(&s->answer);
    em_wipe(s->request_hash, sizeof s->request_hash);
    em_wipe(s->answer_hash, sizeof s->answer_hash);
    s->has_request = s->has_answer = s->may_cancel = false;
    s->out_from = s->out_len = 0; /* only sealed bytes */
    s->event = (em_session_event){0};
    s->shown = false;
    s->state = EM_SESSION_CLOSED;
    return why;
}

void em_session_drop(em_session *s)
{
    wipe_in(s);
    em_wipe(s, sizeof *s);
}

em_err em_session_tick(em_session *s, uint64_t now_ms)
{
    if (s->state == EM_SESSION_CLOSED) return EM_ERR_SESSION_CLOSED;
    if (now_ms >= s->life_until_ms) return em_session_close(s, EM_ERR_SESSION_EXPIRED);
    if (now_ms >= s->wait_until_ms) return em_session_close(s, EM_ERR_TIMEOUT);
    return EM_OK;
}

uint64_t em_session_deadline(const em_session *s)
{
    if (s->state == EM_SESSION_CLOSED) return UINT64_MAX;
    return s->wait_until_ms < s->life_until_ms ? s->wait_until_ms : s->life_until_ms;
}

static em_err eof_verdict(const em_session *s)
{
    bool client = s->role == EM_SESSION_CLIENT;

    if (s->in_len > 0 && s->event.what == EM_SESSION_NONE) return EM_ERR_TRUNCATED;
    switch (s->state) {
    case EM_SESSION_WAIT_HELLO:
    case EM_SESSION_IDLE:
        return EM_OK;
    case EM_SESSION_REQUESTING:
        return EM_ERR_TRUNCATED;
    case EM_SESSION_ANSWERING:
    case EM_SESSION_RECEIPT_DUE:
        return client ? EM_ERR_TRUNCATED : EM_ERR_CLOSED;
    default:
        return EM_ERR_CLOSED;
    }
}

em_err em_session_eof(em_session *s)
{
    if (s->state == EM_SESSION_CLOSED) return EM_ERR_SESSION_CLOSED;
    return em_session_close(s, eof_verdict(s));
}

/* ---- bytes in
 * -------------------------------------------------------------------------- */

/* The caller has something to do before the peer's next byte is looked at. */
static bool waits_for_caller(const em_session *s)
{
    return s->state == EM_SESSION_ATTESTING || s->state == EM_SESSION_ATTESTED ||
           s->event.what != EM_SESSION_NONE;
}

void em_session_tell(em_session *s, em_session_what what, em_bytes bytes)
{
    s->event = (em_session_event){.what = what, .final = s->head.final, .bytes = bytes};
    s->shown = false;
}

void em_session_release(em_session *s)
{
    wipe_in(s);
    s->event = (em_session_event){0};
    s->shown = false;
}

static void release_shown(em_session *s)
{
    bool keep = s->state == EM_SESSION_ATTESTED; /* E1 is needed to accept */

    if (s->shown && !keep) em_session_release(s);
}

em_session_event em_session_next(em_session *s)
{
    release_shown(s);
    if (s->event.what == EM_SESSION_NONE || s->shown) return (em_session_event){0};
    s->shown = true;
    return s->event;
}

/* Moves bytes into the buffer until it holds `until`; the session's bytes are counted. */
static em_err collect(em_session *s, em_bytes *in, size_t until)
{
    size_t len = until - s->in_len < in->len ? until - s->in_len : in->len;

    if (s->bytes_in + s->bytes_out + len > EM_SESSION_BYTES) return EM_ERR_SESSION_LIMIT;
    if (len > 0) memcpy(s->room.in + s->in_len, in->at, len);
    s->in_len += len;
    s->bytes_in += len;
    in->at += len;
    in->len -= len;
    return EM_OK;
}

static em_err take_head(em_session *s)
{
    EM_TRY(em_hello_read_head(s->room.in, &s->head));
    EM_TRY(s->role == EM_SESSION_CLIENT ? em_session_client_may(s, &s->head)
                                        : em_session_server_may(s, &s->head));
    if (s->head.len > s->room.in_cap - EM_RECORD_HEAD) return EM_ERR_RECORD_SIZE;
    s->in_want = EM_RECORD_HEAD + s->head.len;
    return EM_OK;
}

/* Goes on with the record at hand. */
static em_err step(em_session *s, em_bytes *in, uint64_t now_ms)
{
    if (s->in_want == 0) {
        EM_TRY(collect(s, in, EM_RECORD_HEAD));
        if (s->in_len < EM_RECORD_HEAD) return EM_OK;
        EM_TRY(take_head(s));
    }
    EM_TRY(collect(s, in, s->in_want));
    if (s->in_len < s->in_want) return EM_OK;

    EM_TRY(s->role == EM_SESSION_CLIENT ? em_session_client_take(s, now_ms)
                                        : em_session_server_take(s, now_ms));
    if (s->event.what == EM_SESSION_NONE) wipe_in(s);
    return EM_OK;
}

em_err em_session_feed(em_session *s, em_bytes *in, uint64_t now_ms)
{
    EM_TRY(em_session_tick(s, now_ms));
    release_shown(s);
    while (in->len > 0 && !waits_for_caller(s) && s->state != EM_SESSION_CLOSED) {
        em_err err = step(s, in, now_ms);
        if (err != EM_OK) return em_session_close(s, err);
    }
    return EM_OK;
}

/* ---- bytes out
 * ------------------------------------------------------------------------- */

em_bytes em_session_pending(const em_session *s)
{
    return em_view(s->room.out + s->out_from, s->out_len - s->out_from);
}

void em_session_sent(em_session *s, size_t len)
{
    size_t used = s->out_len - s->out_from;

    s->out_from += len < used ? len : used;
    if (s->out_from == s->out_len) s->out_from = s->out_len = 0;
}

size_t em_session_room(const em_session *s)
{
    size_t overhead = EM_RECORD_HEAD + EM_TAG_LEN, best = 0;
    size_t free = s->room.out_cap - (s->out_len - s->out_from);

    if (s->state == EM_SESSION_CLOSED || free < overhead + EM_PAD_MIN) return 0;
    for (size_t b = EM_PAD_MIN; b <= EM_PAD_MAX && b <= free - overhead;
         b = em_hello_padded(b - 4 + 1))
        best = b - 4;
    return best;
}

/* ---- messages
 * -------------------------------------------------------------------------- */

em_err em_session_begin_request(em_session *s)
{
    if (s->messages == EM_SESSION_MESSAGES) return EM_ERR_SESSION_LIMIT;
    em_sha2_256_init(&s->request);
    em_sha2_256_init(&s->answer);
    s->has_request = s->has_answer = s->may_cancel = false;
    s->request_len = s->answer_len = 0;
    s->state = EM_SESSION_REQUESTING;
    return EM_OK;
}

void em_session_add_request(em_session *s, em_bytes body, bool final)
{
    em_sha2_256_add(&s->request, body);
    s->request_len += body.len;
    if (!final) return;
    em_sha2_256_end(&s->request, s->request_hash);
    s->has_request = s->may_cancel = true;
    s->messages++;
    s->state = EM_SESSION_ANSWERING;
}

void em_session_add_answer(em_session *s, em_bytes body, bool last)
{
    em_sha2_256_add(&s->answer, body);
    s->answer_len += body.len;
    if (!last) return;
    em_sha2_256_end(&s->answer, s->answer_hash);
    s->has_answer = true;
}

em_err em_session_request_hash(const em_session *s, uint8_t ret_hash[EM_SHA256_LEN])
{
    if (!s->has_request) return EM_ERR_SESSION_STATE;
    memcpy(ret_hash, s->request_hash, EM_SHA256_LEN);
    return EM_OK;
}

em_err em_session_answer_hash(const em_session *s, uint8_t ret_hash[EM_SHA256_LEN])
{
    if (!s->has_answer) return EM_ERR_SESSION_STATE;
    memcpy(ret_hash, s->answer_hash, EM_SHA256_LEN);
    return EM_OK;
}

em_bytes em_session_c1(const em_session *s)
{
    return em_view(s->c1, s->c1_len);
}

em_session_counts em_session_count(const em_session *s)
{
    return (em_session_counts){
        .messages = s->messages,
        .bytes_in = s->bytes_in,
        .bytes_out = s->bytes_out,
        .opened_ms = s->opened_ms,
        .life_until_ms = s->life_until_ms,
    };
}
