/* rig.h - a client and an enclave in one process, with everything between them in the
 * test's hands.
 *
 * rig_run plays one conversation: handshake, an embed request in two records with its
 * answer, one that is cancelled, and `models`.  Between the two stands a wire that may
 * change, drop, repeat or cut what passes.  All keys are fixed (tests/session/fixture.h),
 * so that an honest run always has the same bytes and a tampered one can be compared:
 * each side may only have been told less, never anything else.
 *
 * Trust:  test code only.
 * Memory: a rig is large: keep it static, and one in a program.
 */
#ifndef EM_TESTS_SESSION_RIG_H
#define EM_TESTS_SESSION_RIG_H

#include "session/session_client.h"
#include "session/session_server.h"
#include "tests/session/fixture.h"
#include "tests/support/test.h"

enum {
    RIG_CLIENT = 0,
    RIG_ENCLAVE = 1,
    RIG_EVENTS = 32,
    RIG_RECORDS = 32,
    RIG_OUT = 3 * EM_SESSION_RECORD,
};

/* What an event looked like. */
typedef struct rig_event {
    em_session_what what;
    bool final;
    unsigned code;
    size_t len;
    uint8_t sha256[32];
} rig_event;

typedef struct rig_side {
    em_session s;
    size_t n_events;
    rig_event event[RIG_EVENTS];
    em_err err; /* the first error of any call */
} rig_side;

typedef struct rig {
    rig_side side[2];
    uint64_t now_ms;
    bool mute;        /* no scripts: events are only written down */
    size_t fragment;  /* bytes given at a time; 0: all there are */
    size_t stage;     /* of the client's script */
    size_t passed[2]; /* records of each sender so far */
} rig;

/* The wire: called for every record that passes, with its sender and its number among the
 * sender's; puts what the other side gets into `o`. */
typedef void rig_wire(rig *r, int from, size_t number, em_bytes record, em_out *o,
                      void *arg);

static uint8_t rig_in[2][EM_SESSION_CLIENT_IN], rig_out[2][RIG_OUT];
static uint8_t rig_queue[2][4 * RIG_OUT]; /* what the wire holds for each side */
static uint8_t rig_flight[RIG_OUT];

__attribute__((unused)) static void rig_start(rig *r)
{
    em_session_buffers room[2];

    for (int i = 0; i < 2; i++) {
        em_session_drop(&r->side[i].s);
        room[i] = (em_session_buffers){rig_in[i], sizeof rig_in[i], rig_out[i],
                                       sizeof rig_out[i]};
    }
    *r = (rig){.now_ms = FIXTURE_NOW_MS, .fragment = r->fragment, .mute = r->mute};
    CHECK_OK(em_session_client_start(&r->side[RIG_CLIENT].s, &room[RIG_CLIENT],
                                     fixture_deployment, fixture_nonce, r->now_ms));
    CHECK_OK(em_session_server_start(&r->side[RIG_ENCLAVE].s, &room[RIG_ENCLAVE],
                                     fixture_deployment, r->now_ms));
}

static void rig_note(rig *r, int side, em_err err)
{
    if (r->side[side].err == EM_OK) r->side[side].err = err;
}

/* ---- the scripts
 * ----------------------------------------------------------------------- */

static const em_bytes rig_request[] = {
    EM_STR("the first half of a request, "), EM_STR("and the second"),
    EM_STR("a request that will be cancelled"), EM_STR("what models are there?")};
static const em_bytes rig_answer[] = {EM_STR("row one"), EM_STR("row two"),
                                      EM_STR("end of the first"), EM_STR("receipt one")};

static void rig_ask(rig *r)
{
    em_session *s = &r->side[RIG_CLIENT].s;
    em_err err = EM_OK;

    switch (r->stage++) {
    case 0:
        err = em_session_client_request(s, rig_request[0], false, r->now_ms);
        if (err == EM_OK)
            err = em_session_client_request(s, rig_request[1], true, r->now_ms);
        break;
    case 1:
        err = em_session_client_request(s, rig_request[2], true, r->now_ms);
        if (err == EM_OK) err = em_session_client_cancel(s, r->now_ms);
        break;
    case 2:
        err = em_session_client_request(s, rig_request[3], true, r->now_ms);
        break;
    default:
        break;
    }
    rig_note(r, RIG_CLIENT, err);
}

static void rig_client_does(rig *r, const em_session_event *e)
{
    em_session *s = &r->side[RIG_CLIENT].s;
    em_x25519_secret eph = fixture_eph();
    em_peer peer;

    if (e->what == EM_SESSION_ATTEST) {
        em_err err = fixture_prove(em_session_c1(s), e->bytes, &peer);
        if (err == EM_OK) err = em_session_client_accept(s, &peer, &eph, r->now_ms);
        rig_note(r, RIG_CLIENT, err);
        if (err == EM_OK) rig_ask(r);
    }
    bool last = e->what == EM_SESSION_RECEIPT || (e->what == EM_SESSION_END && e->final);
    if (last) rig_ask(r);
}

static void rig_enclave_answers(rig *r)
{
    em_session *s = &r->side[RIG_ENCLAVE].s;
    uint64_t message = em_session_count(s).messages;
    em_err err = EM_OK;

    if (message == 1) {
        err = em_session_server_data(s, rig_answer[0], r->now_ms);
        if (err == EM_OK) err = em_session_server_data(s, rig_answer[1], r->now_ms);
        if (err == EM_OK) err = em_session_server_end(s, rig_answer[2], false, r->now_ms);
        if (err == EM_OK) err = em_session_server_receipt(s, rig_answer[3], r->now_ms);
    } else if (message == 3) {
        err = em_session_server_end(s, EM_STR("models"), true, r->now_ms);
    }
    rig_note(r, RIG_ENCLAVE, err);
}

static void rig_enclave_does(rig *r, const em_session_event *e)
{
    em_session *s = &r->side[RIG_ENCLAVE].s;
    em_x25519_secret secret = fixture_secret();
    em_x25519_public public = fixture_public();
    em_err err = EM_OK;

    if (e->what == EM_SESSION_HELLO)
        err = em_session_server_attest(s, fixture_e1(), &secret, &public, r->now_ms);
    if (e->what == EM_SESSION_REQUEST && e->final) rig_enclave_answers(r);
    if (e->what == EM_SESSION_CANCEL) {
        err = em_session_server_end(s, EM_STR("cancelled"), false, r->now_ms);
        if (err == EM_OK) err = em_session_server_receipt(s, EM_STR("two"), r->now_ms);
    }
    rig_note(r, RIG_ENCLAVE, err);
}

/* ---- bytes
 * ----------------------------------------------------------------------------- */

static void rig_write_down(rig *r, int side, const em_session_event *e)
{
    rig_side *at = &r->side[side];
    rig_event *event = &at->event[at->n_events];

    if (at->n_events == RIG_EVENTS) abort();
    at->n_events++;
    *event = (rig_event){
        .what = e->what, .final = e->final, .code = e->code, .len = e->bytes.len};
    em_sha2_256(e->bytes, event->sha256);
}

/* Feeds bytes to a side and lets its script react; the error of feeding.  EM_ERR_AGAIN:
 * it waits for its caller and takes no more. */
__attribute__((unused)) static em_err rig_feed(rig *r, int side, em_bytes bytes)
{
    em_session *s = &r->side[side].s;

    while (bytes.len > 0) {
        size_t step =
            r->fragment > 0 && r->fragment < bytes.len ? r->fragment : bytes.len;
        em_bytes in = em_view(bytes.at, step);
        em_err err = em_session_feed(s, &in, r->now_ms);
        size_t taken = step - in.len, events = 0;
        em_session_event e;

        rig_note(r, side, err);
        while ((e = em_session_next(s)).what != EM_SESSION_NONE) {
            events++;
            rig_write_down(r, side, &e);
            if (!r->mute && side == RIG_CLIENT) rig_client_does(r, &e);
            if (!r->mute && side == RIG_ENCLAVE) rig_enclave_does(r, &e);
        }
        if (err != EM_OK) return err;
        if (taken == 0 && events == 0) return EM_ERR_AGAIN;
        bytes.at += taken;
        bytes.len -= taken;
    }
    return EM_OK;
}

/* Takes all that a side has pending, record by record, over the wire. */
static size_t rig_carry(rig *r, int from, rig_wire *wire, void *arg)
{
    em_session *s = &r->side[from].s;
    em_bytes pending = em_session_pending(s);
    em_out o = EM_OUT(rig_queue[1 - from]);
    size_t len = pending.len;

    if (len == 0) return 0;
    memcpy(rig_flight, pending.at, len);
    em_session_sent(s, len);
    for (size_t at = 0; at < len;) {
        const uint8_t *head = rig_flight + at;
        size_t body = (size_t)head[2] << 24 | (size_t)head[3] << 16 |
                      (size_t)head[4] << 8 | head[5];
        em_bytes record = em_view(head, EM_RECORD_HEAD + body);

        if (wire == NULL)
            em_write_bytes(&o, record);
        else
            wire(r, from, r->passed[from], record, &o, arg);
        r->passed[from]++;
        at += record.len;
    }
    if (em_write_end(&o) != EM_OK) abort();
    (void)rig_feed(r, 1 - from, em_write_view(&o)); /* noted at the side */
    return len;
}

/* Moves what is pending, both ways, until nothing is. */
__attribute__((unused)) static void rig_pump(rig *r, rig_wire *wire, void *arg)
{
    size_t moved = 1;

    while (moved > 0) {
        moved = rig_carry(r, RIG_CLIENT, wire, arg);
        moved += rig_carry(r, RIG_ENCLAVE, wire, arg);
    }
}

/* The whole conversation over this wire; then both streams end. */
__attribute__((unused)) static void rig_run(rig *r, rig_wire *wire, void *arg)
{
    rig_start(r);
    rig_pump(r, wire, arg);
    for (int i = 0; i < 2; i++) rig_note(r, i, em_session_eof(&r->side[i].s));
}

/* ---- what was said
 * --------------------------------------------------------------------- */

static bool rig_is_sealed(em_session_what what)
{
    return what != EM_SESSION_HELLO && what != EM_SESSION_ATTEST &&
           what != EM_SESSION_HOST;
}

static bool rig_same_event(const rig_event *a, const rig_event *b)
{
    return a->what == b->what && a->final == b->final && a->len == b->len &&
           em_same(EM_BYTES(a->sha256), EM_BYTES(b->sha256));
}

/* Was each side told a beginning of what it was told in the honest run, but for what
 * comes before there are keys? */
__attribute__((unused)) static bool rig_is_beginning(const rig *run, const rig *honest)
{
    for (int i = 0; i < 2; i++) {
        const rig_side *a = &run->side[i], *b = &honest->side[i];

        if (a->n_events > b->n_events) return false;
        for (size_t k = 0; k < a->n_events; k++) {
            if (a->event[k].what != b->event[k].what) return false;
            if (rig_is_sealed(a->event[k].what) &&
                !rig_same_event(&a->event[k], &b->event[k]))
                return false;
        }
    }
    return true;
}

/* Both sides closed, for good? */
__attribute__((unused)) static bool rig_is_closed(rig *r, int side)
{
    uint8_t byte = 0;
    em_bytes in = em_view(&byte, 1);
    em_session *s = &r->side[side].s;

    return em_session_feed(s, &in, r->now_ms) == EM_ERR_SESSION_CLOSED && in.len == 1 &&
           em_session_tick(s, r->now_ms) == EM_ERR_SESSION_CLOSED &&
           em_session_eof(s) == EM_ERR_SESSION_CLOSED && em_session_pending(s).len == 0 &&
           em_session_room(s) == 0 && em_session_next(s).what == EM_SESSION_NONE &&
           em_all_zero(em_view(&s->keys, sizeof s->keys));
}

/* Every record of a conversation. */
typedef struct rig_tape {
    size_t n[2];
    em_bytes record[2][RIG_RECORDS];
} rig_tape;

__attribute__((unused)) static void rig_tape_wire(rig *r, int from, size_t number,
                                                  em_bytes record, em_out *o, void *arg)
{
    rig_tape *tape = arg;
    uint8_t *kept = test_alloc(record.len);

    (void)r;
    if (number >= RIG_RECORDS) abort();
    memcpy(kept, record.at, record.len);
    tape->record[from][number] = em_view(kept, record.len);
    tape->n[from] = number + 1;
    em_write_bytes(o, record);
}

#endif
