#include "session/session_client.h"

#include "session/session_impl.h"

em_err em_session_client_start(em_session *s, const em_session_buffers *room,
                               em_bytes deployment,
                               const uint8_t nonce[EM_HELLO_NONCE_LEN], uint64_t now_ms)
{
    uint8_t c1[EM_RECORD_HEAD + EM_MAX_HELLO];
    em_out o = EM_OUT(c1);

    if (room->in == NULL || room->in_cap < EM_SESSION_CLIENT_IN || room->out == NULL ||
        room->out_cap < EM_SESSION_CLIENT_OUT)
        return EM_ERR_ARGUMENT;
    em_hello_put_c1(&o, nonce, deployment);
    EM_TRY(em_write_end(&o));

    em_session_begin(s, EM_SESSION_CLIENT, EM_SESSION_WAIT_ATTEST, room,
                     now_ms + EM_ATTEST_WAIT_MS);
    memcpy(s->c1, o.at, o.len);
    s->c1_len = o.len;
    return em_session_record_put(s, em_session_c1(s));
}

/* Is the fact about this session's own E1, and made for this C1? */
static em_err check_peer(const em_session *s, const em_peer *peer)
{
    em_bytes e1_record = em_view(s->room.in, s->in_len);
    em_bytes nonce = em_attest_bytes(&peer->attested.nonce);
    uint8_t digest[EM_SHA256_LEN];
    em_hello_e1 e1;

    EM_TRY(em_hello_parse_e1(e1_record, &e1));
    em_sha2_256(e1.document, digest);
    if (!em_same(EM_BYTES(digest), EM_BYTES(peer->attested.document_sha256)))
        return EM_ERR_ATTESTATION_DOC_HASH_MISMATCH;
    em_hello_nonce(em_session_c1(s), digest);
    if (!peer->attested.nonce_checked || !em_same(EM_BYTES(digest), nonce))
        return EM_ERR_NONCE_MISMATCH;
    return EM_OK;
}

/* C2: OPEN, and AUTH as the first sealed record. */
static em_err open(em_session *s, const em_peer *peer, const em_x25519_secret *eph)
{
    em_bytes e1_record = em_view(s->room.in, s->in_len);
    em_bytes key = em_attest_bytes(&peer->attested.public_key);
    uint8_t info[EM_HELLO_INFO_LEN], record[EM_RECORD_HEAD + EM_OPEN_LEN];
    em_out o = EM_OUT(record);
    em_x25519_public receiver;

    EM_TRY(check_peer(s, peer));
    if (key.len != sizeof receiver.b) return EM_ERR_BAD_KEY;
    memcpy(receiver.b, key.at, key.len);
    em_hello_info(em_session_c1(s), e1_record, info);

    em_hello_put_head(&o, EM_RECORD_OPEN, true, EM_OPEN_LEN);
    EM_TRY(em_hpke_setup_send(EM_AEAD_CHACHA20_POLY1305, eph, &receiver, EM_BYTES(info),
                              record + EM_RECORD_HEAD, &s->keys.c2e));
    EM_TRY(em_session_record_keys(&s->keys));
    EM_TRY(em_session_record_put(s, EM_BYTES(record)));
    return em_session_record_seal(s, EM_RECORD_AUTH, true, (em_bytes){0});
}

em_err em_session_client_accept(em_session *s, const em_peer *peer,
                                const em_x25519_secret *eph, uint64_t now_ms)
{
    EM_TRY(em_session_tick(s, now_ms));
    if (s->role != EM_SESSION_CLIENT || s->state != EM_SESSION_ATTESTED || !s->shown)
        return EM_ERR_ARGUMENT;
    if (peer->attested.when != EM_ATTEST_LIVE) return EM_ERR_ARGUMENT;

    em_err err = open(s, peer, eph);
    if (err != EM_OK) return em_session_close(s, err);
    em_session_release(s);
    s->state = EM_SESSION_IDLE;
    s->wait_until_ms = UINT64_MAX;
    return EM_OK;
}

/* ---- what it asks
 * ---------------------------------------------------------------------- */

em_err em_session_client_request(em_session *s, em_bytes body, bool final,
                                 uint64_t now_ms)
{
    EM_TRY(em_session_tick(s, now_ms));
    bool begins = s->state == EM_SESSION_IDLE;

    if (s->role != EM_SESSION_CLIENT || (!begins && s->state != EM_SESSION_REQUESTING))
        return EM_ERR_ARGUMENT;
    if (body.len > EM_MAX_REQUEST - (begins ? 0 : s->request_len)) return EM_ERR_LIMIT;
    if (begins && s->messages == EM_SESSION_MESSAGES)
        return em_session_close(s, EM_ERR_SESSION_LIMIT);

    EM_TRY(em_session_record_seal(s, EM_RECORD_DATA, final, body));
    if (begins) EM_TRY(em_session_begin_request(s));
    em_session_add_request(s, body, final);
    return EM_OK;
}

em_err em_session_client_cancel(em_session *s, uint64_t now_ms)
{
    EM_TRY(em_session_tick(s, now_ms));
    if (s->role != EM_SESSION_CLIENT || s->state != EM_SESSION_ANSWERING ||
        !s->may_cancel)
        return EM_ERR_ARGUMENT;
    EM_TRY(em_session_record_seal(s, EM_RECORD_CANCEL, true, (em_bytes){0}));
    s->may_cancel = false;
    return EM_OK;
}

bool em_session_client_awaits(const em_session *s)
{
    return s->role == EM_SESSION_CLIENT &&
           (s->state == EM_SESSION_ANSWERING || s->state == EM_SESSION_RECEIPT_DUE);
}

/* ---- what the enclave sends
 * ------------------------------------------------------------ */

em_err em_session_client_may(const em_session *s, const em_record_head *head)
{
    bool may;

    switch (head->type) {
    case EM_RECORD_ATTEST:
    case EM_RECORD_HOST: /* only in place of E1 */
        may = s->state == EM_SESSION_WAIT_ATTEST;
        break;
    case EM_RECORD_DATA:
        if (head->final) return EM_ERR_RECORD_FLAGS; /* an answer ends with END */
        may = s->state == EM_SESSION_ANSWERING;
        break;
    case EM_RECORD_END:
        may = s->state == EM_SESSION_ANSWERING;
        break;
    case EM_RECORD_RECEIPT:
        may = s->state == EM_SESSION_RECEIPT_DUE;
        break;
    case EM_RECORD_HELLO:
    case EM_RECORD_OPEN:
    case EM_RECORD_AUTH:
    case EM_RECORD_CANCEL:
    default:
        return EM_ERR_RECORD_TYPE;
    }
    return may ? EM_OK : EM_ERR_SESSION_STATE;
}

static em_err take_attest(em_session *s, uint64_t now_ms)
{
    em_bytes record = em_view(s->room.in, s->in_len);
    em_hello_e1 e1;

    EM_TRY(em_hello_parse_e1(record, &e1));
    s->state = EM_SESSION_ATTESTED;
    s->wait_until_ms = now_ms + EM_OPEN_WAIT_MS; /* the enclave waits no longer */
    s->opened_ms = now_ms;
    s->life_until_ms = now_ms + EM_SESSION_LIFE_MS;
    em_session_tell(s, EM_SESSION_ATTEST, record);
    return EM_OK;
}

static em_err take_host(em_session *s)
{
    em_bytes record = em_view(s->room.in, s->in_len);
    unsigned code;

    EM_TRY(em_hello_parse_host(record, &code));
    em_err over = em_session_close(s, EM_OK); /* there is no session to be had */
    s->event = (em_session_event){.what = EM_SESSION_HOST, .final = true, .code = code};
    return over;
}

static em_err take_answer(em_session *s)
{
    bool end = s->head.type == EM_RECORD_END;
    em_bytes body;

    EM_TRY(em_session_record_open(s, &body));
    if (body.len > EM_MAX_ANSWER - s->answer_len) return EM_ERR_LIMIT;
    em_session_add_answer(s, body, end);
    if (end) s->state = s->head.final ? EM_SESSION_IDLE : EM_SESSION_RECEIPT_DUE;
    em_session_tell(s, end ? EM_SESSION_END : EM_SESSION_DATA, body);
    return EM_OK;
}

static em_err take_receipt(em_session *s)
{
    em_bytes body;

    EM_TRY(em_session_record_open(s, &body));
    s->state = EM_SESSION_IDLE;
    em_session_tell(s, EM_SESSION_RECEIPT, body);
    return EM_OK;
}

em_err em_session_client_take(em_session *s, uint64_t now_ms)
{
    switch (s->head.type) {
    case EM_RECORD_ATTEST:
        return take_attest(s, now_ms);
    case EM_RECORD_HOST:
        return take_host(s);
    case EM_RECORD_DATA:
    case EM_RECORD_END:
        return take_answer(s);
    case EM_RECORD_RECEIPT:
        return take_receipt(s);
    case EM_RECORD_HELLO:
    case EM_RECORD_OPEN:
    case EM_RECORD_AUTH:
    case EM_RECORD_CANCEL:
    default:
        return EM_ERR_INTERNAL; /* em_session_client_may lets no other come */
    }
}
