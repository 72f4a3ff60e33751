#include "session/session_server.h"

#include "session/session_impl.h"

em_err em_session_server_start(em_session *s, const em_session_buffers *room,
                               em_bytes deployment, uint64_t now_ms)
{
    if (room->in == NULL || room->in_cap < EM_SESSION_SERVER_IN || room->out == NULL ||
        room->out_cap < EM_SESSION_SERVER_OUT)
        return EM_ERR_ARGUMENT;

    em_session_begin(s, EM_SESSION_SERVER, EM_SESSION_WAIT_HELLO, room,
                     now_ms + EM_HELLO_WAIT_MS);
    s->deployment = deployment;
    return EM_OK;
}

em_err em_session_server_attest(em_session *s, em_bytes e1_record,
                                const em_x25519_secret *secret,
                                const em_x25519_public *public, uint64_t now_ms)
{
    em_hello_e1 e1;

    EM_TRY(em_session_tick(s, now_ms));
    if (s->role != EM_SESSION_SERVER || s->state != EM_SESSION_ATTESTING)
        return EM_ERR_ARGUMENT;
    if (em_hello_parse_e1(e1_record, &e1) != EM_OK) return EM_ERR_ARGUMENT;
    EM_TRY(em_session_record_put(s, e1_record));

    em_hello_info(em_session_c1(s), e1_record, s->info);
    s->keys.secret = *secret;
    s->public = *public;
    s->state = EM_SESSION_WAIT_OPEN;
    s->wait_until_ms = now_ms + EM_OPEN_WAIT_MS;
    s->opened_ms = now_ms;
    s->life_until_ms = now_ms + EM_SESSION_LIFE_MS;
    return EM_OK;
}

/* ---- what the client sends
 * ------------------------------------------------------------- */

em_err em_session_server_may(const em_session *s, const em_record_head *head)
{
    bool may;

    switch (head->type) {
    case EM_RECORD_HELLO:
        may = s->state == EM_SESSION_WAIT_HELLO;
        break;
    case EM_RECORD_OPEN:
        may = s->state == EM_SESSION_WAIT_OPEN;
        break;
    case EM_RECORD_AUTH:
        may = s->state == EM_SESSION_WAIT_AUTH;
        break;
    case EM_RECORD_DATA:
        may = s->state == EM_SESSION_IDLE || s->state == EM_SESSION_REQUESTING;
        break;
    case EM_RECORD_CANCEL: /* once for each request, however late */
        may = s->may_cancel;
        break;
    case EM_RECORD_ATTEST:
    case EM_RECORD_END:
    case EM_RECORD_RECEIPT:
    case EM_RECORD_HOST:
    default:
        return EM_ERR_RECORD_TYPE;
    }
    return may ? EM_OK : EM_ERR_SESSION_STATE;
}

static em_err take_hello(em_session *s)
{
    em_bytes record = em_view(s->room.in, s->in_len);
    em_hello_c1 c1;

    EM_TRY(em_hello_parse_c1(record, &c1));
    if (!em_same(c1.deployment, s->deployment)) return EM_ERR_DEPLOYMENT;
    memcpy(s->c1, record.at, record.len);
    s->c1_len = record.len;
    s->state = EM_SESSION_ATTESTING;
    s->wait_until_ms = UINT64_MAX; /* the caller's turn */
    em_session_tell(s, EM_SESSION_HELLO, em_session_c1(s));
    return EM_OK;
}

/* One OPEN for a key, good or bad: the secret is gone either way. */
static em_err take_open(em_session *s, uint64_t now_ms)
{
    em_session_keys *k = &s->keys;
    em_err err =
        em_hpke_setup_recv_pair(EM_AEAD_CHACHA20_POLY1305, &k->secret, &s->public,
                                s->room.in + EM_RECORD_HEAD, EM_BYTES(s->info), &k->c2e);

    em_x25519_secret_drop(&k->secret);
    EM_TRY(err);
    EM_TRY(em_session_record_keys(k));
    s->state = EM_SESSION_WAIT_AUTH;
    s->wait_until_ms = now_ms + EM_AUTH_WAIT_MS;
    return EM_OK;
}

/* Clients are "anyone": a grant is more than this version reads, and not to be ignored.
 */
static em_err take_auth(em_session *s)
{
    em_bytes body;

    EM_TRY(em_session_record_open(s, &body));
    if (body.len > 0) return EM_ERR_AUTH_FAILED;
    s->state = EM_SESSION_IDLE;
    s->wait_until_ms = UINT64_MAX;
    em_session_tell(s, EM_SESSION_OPENED, body);
    return EM_OK;
}

static em_err take_data(em_session *s)
{
    em_bytes body;

    EM_TRY(em_session_record_open(s, &body));
    if (s->state == EM_SESSION_IDLE) EM_TRY(em_session_begin_request(s));
    if (body.len > EM_MAX_REQUEST - s->request_len) return EM_ERR_LIMIT;
    em_session_add_request(s, body, s->head.final);
    em_session_tell(s, EM_SESSION_REQUEST, body);
    return EM_OK;
}

static em_err take_cancel(em_session *s)
{
    em_bytes body;

    EM_TRY(em_session_record_open(s, &body));
    s->may_cancel = false;
    if (s->state == EM_SESSION_ANSWERING) em_session_tell(s, EM_SESSION_CANCEL, body);
    return EM_OK;
}

em_err em_session_server_take(em_session *s, uint64_t now_ms)
{
    switch (s->head.type) {
    case EM_RECORD_HELLO:
        return take_hello(s);
    case EM_RECORD_OPEN:
        return take_open(s, now_ms);
    case EM_RECORD_AUTH:
        return take_auth(s);
    case EM_RECORD_DATA:
        return take_data(s);
    case EM_RECORD_CANCEL:
        return take_cancel(s);
    case EM_RECORD_ATTEST:
    case EM_RECORD_END:
    case EM_RECORD_RECEIPT:
    case EM_RECORD_HOST:
    default:
        return EM_ERR_INTERNAL; /* em_session_server_may lets no other come */
    }
}

/* ---- what it answers
 * ------------------------------------------------------------------- */

static em_err check_turn(em_session *s, uint8_t state, uint64_t now_ms)
{
    EM_TRY(em_session_tick(s, now_ms));
    return s->role == EM_SESSION_SERVER && s->state == state ? EM_OK : EM_ERR_ARGUMENT;
}

em_err em_session_server_data(em_session *s, em_bytes body, uint64_t now_ms)
{
    EM_TRY(check_turn(s, EM_SESSION_ANSWERING, now_ms));
    /* END must still find room */
    if (body.len > EM_MAX_ANSWER - EM_MAX_END_BODY - s->answer_len) return EM_ERR_LIMIT;
    EM_TRY(em_session_record_seal(s, EM_RECORD_DATA, false, body));
    em_session_add_answer(s, body, false);
    return EM_OK;
}

em_err em_session_server_end(em_session *s, em_bytes body, bool final, uint64_t now_ms)
{
    EM_TRY(check_turn(s, EM_SESSION_ANSWERING, now_ms));
    EM_TRY(em_session_record_seal(s, EM_RECORD_END, final, body));
    em_session_add_answer(s, body, true);
    s->state = final ? EM_SESSION_IDLE : EM_SESSION_RECEIPT_DUE;
    return EM_OK;
}

em_err em_session_server_receipt(em_session *s, em_bytes body, uint64_t now_ms)
{
    EM_TRY(check_turn(s, EM_SESSION_RECEIPT_DUE, now_ms));
    EM_TRY(em_session_record_seal(s, EM_RECORD_RECEIPT, true, body));
    s->state = EM_SESSION_IDLE;
    return EM_OK;
}

bool em_session_server_owes(const em_session *s)
{
    return s->role == EM_SESSION_SERVER && s->state == EM_SESSION_ANSWERING;
}
