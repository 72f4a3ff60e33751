/* Both roles against each other: an honest conversation in any fragmentation, hashes,
 * limits, deadlines, ends, and every call out of its place. */
#include "crypto/setup.h"
#include "session/session_impl.h"
#include "tests/session/rig.h"

#include <openssl/sha.h>

static rig honest, r;

static em_session *client(void)
{
    return &r.side[RIG_CLIENT].s;
}

static em_session *enclave(void)
{
    return &r.side[RIG_ENCLAVE].s;
}

/* Moves all that a side has pending to the other, whose scripts sleep. */
static em_err carry(int from)
{
    em_session *s = &r.side[from].s;
    em_bytes pending = em_session_pending(s);

    memcpy(rig_flight, pending.at, pending.len);
    em_session_sent(s, pending.len);
    return rig_feed(&r, 1 - from, em_view(rig_flight, pending.len));
}

static em_session_what last_event(int side)
{
    const rig_side *at = &r.side[side];
    return at->n_events == 0 ? EM_SESSION_NONE : at->event[at->n_events - 1].what;
}

/* Handshake by hand, up to the state asked for. */
static em_err attest(void)
{
    em_x25519_secret secret = fixture_secret();
    em_x25519_public public = fixture_public();
    return em_session_server_attest(enclave(), fixture_e1(), &secret, &public, r.now_ms);
}

static em_err accept(void)
{
    em_x25519_secret eph = fixture_eph();
    em_peer peer;

    EM_TRY(fixture_prove(em_session_c1(client()), fixture_e1(), &peer));
    return em_session_client_accept(client(), &peer, &eph, r.now_ms);
}

static void open_both(void)
{
    r.mute = true;
    rig_start(&r);
    CHECK_OK(carry(RIG_CLIENT));
    CHECK_OK(attest());
    CHECK_OK(carry(RIG_ENCLAVE));
    CHECK_OK(accept());
    CHECK_OK(carry(RIG_CLIENT));
    CHECK(last_event(RIG_ENCLAVE) == EM_SESSION_OPENED);
}

static void ask(em_bytes body)
{
    CHECK_OK(em_session_client_request(client(), body, true, r.now_ms));
    CHECK_OK(carry(RIG_CLIENT));
    CHECK(last_event(RIG_ENCLAVE) == EM_SESSION_REQUEST);
}

/* ---- what works
 * ------------------------------------------------------------------------ */

static void an_honest_conversation(void)
{
    static const em_session_what to_client[] = {
        EM_SESSION_ATTEST,  EM_SESSION_DATA, EM_SESSION_DATA,    EM_SESSION_END,
        EM_SESSION_RECEIPT, EM_SESSION_END,  EM_SESSION_RECEIPT, EM_SESSION_END};
    static const em_session_what to_enclave[] = {
        EM_SESSION_HELLO,   EM_SESSION_OPENED, EM_SESSION_REQUEST, EM_SESSION_REQUEST,
        EM_SESSION_REQUEST, EM_SESSION_CANCEL, EM_SESSION_REQUEST};
    static const size_t at[] = {2, 3, 4, 6};
    uint8_t digest[32];

    rig_run(&honest, NULL, NULL);
    const rig_side *c = &honest.side[RIG_CLIENT], *e = &honest.side[RIG_ENCLAVE];
    CHECK_OK(c->err);
    CHECK_OK(e->err);
    REQUIRE(c->n_events == EM_COUNT(to_client) && e->n_events == EM_COUNT(to_enclave));
    for (size_t i = 0; i < c->n_events; i++) CHECK(c->event[i].what == to_client[i]);
    for (size_t i = 0; i < e->n_events; i++) CHECK(e->event[i].what == to_enclave[i]);
    CHECK(!e->event[2].final && e->event[3].final && e->event[4].final);
    CHECK(!c->event[3].final && c->event[7].final);
    for (size_t i = 0; i < EM_COUNT(at); i++) {
        em_sha2_256(rig_request[i], digest);
        CHECK(em_same(EM_BYTES(digest), EM_BYTES(e->event[at[i]].sha256)));
        em_sha2_256(rig_answer[i], digest);
        CHECK(em_same(EM_BYTES(digest), EM_BYTES(c->event[i + 1].sha256)));
    }
}

static void any_fragmentation_says_the_same(void)
{
    static const size_t sizes[] = {1, 2, 3, 5, 6, 7, 64, 271, 278, 1000, 4096};

    for (size_t i = 0; i < EM_COUNT(sizes); i++) {
        test_note("%zu bytes at a time", sizes[i]);
        r.mute = false;
        r.fragment = sizes[i];
        rig_run(&r, NULL, NULL);
        CHECK(r.side[0].err == EM_OK && r.side[1].err == EM_OK);
        CHECK(r.side[0].n_events == honest.side[0].n_events);
        CHECK(r.side[1].n_events == honest.side[1].n_events);
        CHECK(rig_is_beginning(&r, &honest));
    }
    r.fragment = 0;
}

static void bodies_of_every_size_pass(void)
{
    static uint8_t body[EM_MAX_DATA_BODY];
    static const size_t sizes[] = {0,   1,   251, 252,  253,  379,   380,   381,   508,
                                   509, 764, 765, 1020, 4096, 49148, 49149, 65531, 65532};

    for (size_t i = 0; i < sizeof body; i++) body[i] = (uint8_t)(i * 31 + i / 251);
    open_both();
    for (size_t i = 0; i < EM_COUNT(sizes); i++) {
        em_bytes part = em_view(body, sizes[i]);
        rig_event *e;
        uint8_t digest[32];

        test_note("%zu", sizes[i]);
        r.side[0].n_events = r.side[1].n_events = 0;
        CHECK_OK(em_session_client_request(client(), part, true, r.now_ms));
        CHECK(em_session_pending(client()).len ==
              EM_RECORD_HEAD + em_hello_padded(sizes[i]) + EM_TAG_LEN);
        CHECK_OK(carry(RIG_CLIENT));
        em_sha2_256(part, digest);
        e = &r.side[RIG_ENCLAVE].event[0];
        CHECK(e->len == sizes[i] && em_same(EM_BYTES(digest), EM_BYTES(e->sha256)));
        CHECK_OK(em_session_server_data(enclave(), part, r.now_ms));
        CHECK_OK(em_session_server_end(enclave(), EM_STR("end"), true, r.now_ms));
        CHECK_OK(carry(RIG_ENCLAVE));
        e = &r.side[RIG_CLIENT].event[0];
        CHECK(e->len == sizes[i] && em_same(EM_BYTES(digest), EM_BYTES(e->sha256)));
    }
}

static void both_sides_hash_the_same_bodies(void)
{
    uint8_t of_client[32], of_enclave[32], want[32];

    open_both();
    CHECK_ERR(em_session_request_hash(client(), want), EM_ERR_SESSION_STATE);
    CHECK_OK(em_session_client_request(client(), EM_STR("one "), false, r.now_ms));
    CHECK_ERR(em_session_request_hash(client(), want), EM_ERR_SESSION_STATE);
    ask(EM_STR("request"));
    CHECK_OK(em_session_request_hash(client(), of_client));
    CHECK_OK(em_session_request_hash(enclave(), of_enclave));
    SHA256((const uint8_t *)"one request", 11, want);
    CHECK(em_same(EM_BYTES(of_client), EM_BYTES(want)));
    CHECK(em_same(EM_BYTES(of_enclave), EM_BYTES(want)));

    CHECK_OK(em_session_server_data(enclave(), EM_STR("an "), r.now_ms));
    CHECK_ERR(em_session_answer_hash(enclave(), want), EM_ERR_SESSION_STATE);
    CHECK_OK(em_session_server_end(enclave(), EM_STR("answer"), false, r.now_ms));
    CHECK_OK(em_session_server_receipt(enclave(), EM_STR("receipt"), r.now_ms));
    CHECK_OK(carry(RIG_ENCLAVE));
    CHECK_OK(em_session_answer_hash(client(), of_client));
    CHECK_OK(em_session_answer_hash(enclave(), of_enclave));
    SHA256((const uint8_t *)"an answer", 9, want);
    CHECK(em_same(EM_BYTES(of_client), EM_BYTES(want)));
    CHECK(em_same(EM_BYTES(of_enclave), EM_BYTES(want)));

    CHECK_OK(em_session_client_request(client(), EM_STR("next"), false, r.now_ms));
    CHECK_ERR(em_session_request_hash(client(), want), EM_ERR_SESSION_STATE);
    CHECK_ERR(em_session_answer_hash(client(), want), EM_ERR_SESSION_STATE);
    em_session_counts counts = em_session_count(enclave());
    CHECK(counts.messages == 1 && counts.opened_ms == FIXTURE_NOW_MS);
    CHECK(counts.life_until_ms == FIXTURE_NOW_MS + EM_SESSION_LIFE_MS);
    CHECK(counts.bytes_out == em_session_count(client()).bytes_in);
}

static void nothing_opened_stays(void)
{
    open_both();
    CHECK_OK(em_session_client_request(client(), EM_STR("a secret"), true, r.now_ms));
    em_bytes pending = em_session_pending(client());
    em_bytes in = pending;
    CHECK_OK(em_session_feed(enclave(), &in, r.now_ms));
    em_session_event e = em_session_next(enclave());
    CHECK(e.what == EM_SESSION_REQUEST && em_same(e.bytes, EM_STR("a secret")));
    CHECK(em_session_next(enclave()).what == EM_SESSION_NONE);
    CHECK(em_all_zero(em_view(rig_in[RIG_ENCLAVE], 512)));

    em_session_sent(client(), pending.len);
    CHECK_OK(em_session_server_data(enclave(), EM_STR("another"), r.now_ms));
    in = em_session_pending(enclave());
    CHECK_OK(em_session_feed(client(), &in, r.now_ms));
    CHECK(em_session_next(client()).what == EM_SESSION_DATA);
    em_session_drop(client());
    CHECK(em_all_zero(em_view(rig_in[RIG_CLIENT], 512)));
    CHECK(em_all_zero(em_view(client(), sizeof *client())));
    em_session_drop(client()); /* {0} may be dropped */
}

/* ---- calls out of place
 * ---------------------------------------------------------------- */

/* Which calls a session takes now, one bit each: attest, data, end, receipt, accept,
 * request, cancel.  Refused calls must change nothing; so each is tried on a copy. */
enum {
    ATTEST = 1,
    DATA = 2,
    END = 4,
    RECEIPT = 8,
    ACCEPT = 16,
    REQUEST = 32,
    CANCEL = 64
};

static unsigned takes(int side)
{
    em_session *s = &r.side[side].s, copy = *s;
    static uint8_t out[RIG_OUT];
    unsigned bits = 0;

    memcpy(out, rig_out[side], sizeof out);
    for (unsigned bit = ATTEST; bit <= CANCEL; bit *= 2) {
        em_x25519_secret key = fixture_secret();
        em_x25519_public public = fixture_public();
        em_peer peer;
        em_err err = fixture_prove(em_session_c1(client()), fixture_e1(), &peer);

        if (err != EM_OK) abort();
        switch (bit) {
        case ATTEST:
            err = em_session_server_attest(s, fixture_e1(), &key, &public, r.now_ms);
            break;
        case DATA:
            err = em_session_server_data(s, EM_STR("d"), r.now_ms);
            break;
        case END:
            err = em_session_server_end(s, EM_STR("e"), false, r.now_ms);
            break;
        case RECEIPT:
            err = em_session_server_receipt(s, EM_STR("r"), r.now_ms);
            break;
        case ACCEPT:
            err = em_session_client_accept(s, &peer, &key, r.now_ms);
            break;
        case REQUEST:
            err = em_session_client_request(s, EM_STR("q"), true, r.now_ms);
            break;
        default:
            err = em_session_client_cancel(s, r.now_ms);
            break;
        }
        if (err == EM_OK) bits |= bit;
        if (err != EM_OK && err != EM_ERR_ARGUMENT) CHECK_ERR(err, EM_ERR_ARGUMENT);
        if (err != EM_OK) CHECK(memcmp(s, &copy, sizeof copy) == 0);
        *s = copy;
        memcpy(rig_out[side], out, sizeof out);
        CHECK(em_same(em_view(rig_out[side], sizeof out), EM_BYTES(out)));
    }
    return bits;
}

static void each_call_has_its_place(void)
{
    r.mute = true;
    rig_start(&r);
    CHECK(takes(RIG_CLIENT) == 0 && takes(RIG_ENCLAVE) == 0);
    CHECK_OK(carry(RIG_CLIENT));
    CHECK(takes(RIG_ENCLAVE) == ATTEST);
    CHECK_OK(attest());
    CHECK(takes(RIG_ENCLAVE) == 0);
    em_bytes in = em_session_pending(enclave()); /* told, but not yet shown: */
    CHECK_OK(em_session_feed(client(), &in, r.now_ms));
    em_session_sent(enclave(), EM_SESSION_CLIENT_IN);
    em_session copy = *client();
    em_peer peer;
    em_x25519_secret eph = fixture_eph();
    CHECK_OK(fixture_prove(em_session_c1(client()), fixture_e1(), &peer));
    CHECK_ERR(em_session_client_accept(client(), &peer, &eph, r.now_ms), EM_ERR_ARGUMENT);
    CHECK(memcmp(client(), &copy, sizeof copy) == 0);
    CHECK(em_session_next(client()).what == EM_SESSION_ATTEST);
    CHECK(em_session_next(client()).what == EM_SESSION_NONE);
    CHECK_OK(accept());
    CHECK(takes(RIG_CLIENT) == REQUEST);
    CHECK_OK(carry(RIG_CLIENT));
    CHECK(takes(RIG_ENCLAVE) == 0);

    CHECK_OK(em_session_client_request(client(), EM_STR("1"), false, r.now_ms));
    CHECK(takes(RIG_CLIENT) == REQUEST);
    CHECK_OK(carry(RIG_CLIENT));
    CHECK(takes(RIG_ENCLAVE) == 0 && !em_session_server_owes(enclave()));
    ask(EM_STR("2"));
    CHECK(takes(RIG_CLIENT) == CANCEL && em_session_client_awaits(client()));
    CHECK(takes(RIG_ENCLAVE) == (DATA | END) && em_session_server_owes(enclave()));
    CHECK_OK(em_session_client_cancel(client(), r.now_ms));
    CHECK(takes(RIG_CLIENT) == 0);
    CHECK_OK(em_session_server_end(enclave(), EM_STR("e"), false, r.now_ms));
    CHECK(takes(RIG_ENCLAVE) == RECEIPT && !em_session_server_owes(enclave()));
    CHECK_OK(carry(RIG_ENCLAVE));
    CHECK(takes(RIG_CLIENT) == 0 && em_session_client_awaits(client()));
    CHECK_OK(em_session_server_receipt(enclave(), EM_STR("r"), r.now_ms));
    CHECK(takes(RIG_ENCLAVE) == 0);
    CHECK_OK(carry(RIG_ENCLAVE));
    CHECK(takes(RIG_CLIENT) == REQUEST && !em_session_client_awaits(client()));
}

static void a_start_needs_its_buffers(void)
{
    em_session s = {0}, zero = {0};
    em_session_buffers room = {rig_in[0], EM_SESSION_CLIENT_IN - 1, rig_out[0], RIG_OUT};

    CHECK_ERR(em_session_client_start(&s, &room, fixture_deployment, fixture_nonce, 0),
              EM_ERR_ARGUMENT);
    room.in_cap = EM_SESSION_CLIENT_IN;
    CHECK_ERR(em_session_client_start(&s, &room, (em_bytes){0}, fixture_nonce, 0),
              EM_ERR_ARGUMENT);
    room.out_cap = EM_SESSION_CLIENT_OUT - 1;
    CHECK_ERR(em_session_client_start(&s, &room, fixture_deployment, fixture_nonce, 0),
              EM_ERR_ARGUMENT);
    room.out_cap = EM_SESSION_SERVER_OUT - 1;
    CHECK_ERR(em_session_server_start(&s, &room, fixture_deployment, 0), EM_ERR_ARGUMENT);
    room.out_cap = EM_SESSION_SERVER_OUT;
    room.in = NULL;
    CHECK_ERR(em_session_server_start(&s, &room, fixture_deployment, 0), EM_ERR_ARGUMENT);
    CHECK(memcmp(&s, &zero, sizeof s) == 0);
    /* a session that never began is closed */
    em_bytes in = EM_STR("x");
    CHECK_ERR(em_session_feed(&s, &in, 0), EM_ERR_SESSION_CLOSED);
    CHECK_ERR(em_session_server_data(&s, in, 0), EM_ERR_SESSION_CLOSED);
}

static void feeding_waits_for_the_caller(void)
{
    uint8_t twice[2 * (EM_RECORD_HEAD + EM_MAX_HELLO)];

    r.mute = true;
    rig_start(&r);
    em_bytes c1 = em_session_pending(client());
    memcpy(twice, c1.at, c1.len);
    memcpy(twice + c1.len, c1.at, c1.len);
    em_bytes in = em_view(twice, 2 * c1.len);
    CHECK_OK(em_session_feed(enclave(), &in, r.now_ms));
    CHECK(in.len == c1.len);
    CHECK_OK(em_session_feed(enclave(), &in, r.now_ms)); /* the event waits */
    CHECK(in.len == c1.len);
    CHECK(em_session_next(enclave()).what == EM_SESSION_HELLO);
    CHECK_OK(em_session_feed(enclave(), &in, r.now_ms)); /* the document is awaited */
    CHECK(in.len == c1.len);
    CHECK_OK(attest());
    CHECK_ERR(em_session_feed(enclave(), &in, r.now_ms), EM_ERR_SESSION_STATE);
    CHECK(rig_is_closed(&r, RIG_ENCLAVE));
}

/* ---- the proof
 * ------------------------------------------------------------------------- */

static em_err accept_altered(void (*alter)(em_peer *peer))
{
    em_x25519_secret eph = fixture_eph();
    em_peer peer;

    r.mute = true;
    rig_start(&r);
    CHECK_OK(carry(RIG_CLIENT));
    CHECK_OK(attest());
    CHECK_OK(carry(RIG_ENCLAVE));
    CHECK_OK(fixture_prove(em_session_c1(client()), fixture_e1(), &peer));
    alter(&peer);
    return em_session_client_accept(client(), &peer, &eph, r.now_ms);
}

static void archived(em_peer *p)
{
    p->attested.when = EM_ATTEST_AT;
}
static void self_dated(em_peer *p)
{
    p->attested.when = EM_ATTEST_SELF_DATED;
}
static void of_another_document(em_peer *p)
{
    p->attested.document_sha256[31] ^= 1;
}
static void of_another_hello(em_peer *p)
{
    p->attested.nonce.b[0] ^= 1;
}
static void without_nonce(em_peer *p)
{
    p->attested.nonce_checked = false;
}
static void of_a_short_key(em_peer *p)
{
    p->attested.public_key.len = 31;
}
static void of_no_key(em_peer *p)
{
    p->attested.public_key = (em_attested_field){0};
}
static void of_a_zero_key(em_peer *p)
{
    memset(p->attested.public_key.b, 0, 32);
}

static void only_a_proof_of_this_session_opens_it(void)
{
    static const struct {
        void (*alter)(em_peer *peer);
        em_err want;
    } rows[] = {
        {archived, EM_ERR_ARGUMENT},
        {self_dated, EM_ERR_ARGUMENT},
        {of_another_document, EM_ERR_ATTESTATION_DOC_HASH_MISMATCH},
        {of_another_hello, EM_ERR_NONCE_MISMATCH},
        {without_nonce, EM_ERR_NONCE_MISMATCH},
        {of_a_short_key, EM_ERR_BAD_KEY},
        {of_no_key, EM_ERR_BAD_KEY},
        {of_a_zero_key, EM_ERR_ZERO_SHARED},
    };

    for (size_t i = 0; i < EM_COUNT(rows); i++) {
        test_note("row %zu", i);
        CHECK_ERR(accept_altered(rows[i].alter), rows[i].want);
        CHECK(em_session_pending(client()).len == 0);
        if (rows[i].want != EM_ERR_ARGUMENT) CHECK(rig_is_closed(&r, RIG_CLIENT));
    }
}

/* ---- limits
 * ---------------------------------------------------------------------------- */

static void a_full_buffer_is_no_end(void)
{
    static uint8_t body[EM_MAX_DATA_BODY + 1];
    size_t room, n = 0;

    open_both();
    CHECK(em_session_room(client()) == EM_MAX_DATA_BODY);
    CHECK_ERR(em_session_client_request(client(), EM_BYTES(body), false, r.now_ms),
              EM_ERR_LIMIT);
    while ((room = em_session_room(client())) > 0) {
        size_t pending = em_session_pending(client()).len;

        CHECK(room <= EM_MAX_DATA_BODY && n++ < 1000);
        if (room < EM_MAX_DATA_BODY) { /* a byte more has no room */
            CHECK_ERR(em_session_client_request(client(), em_view(body, room + 1), false,
                                                r.now_ms),
                      EM_ERR_FULL);
            CHECK(em_session_pending(client()).len == pending);
        }
        CHECK_OK(em_session_client_request(
            client(), em_view(body, room < 40000 ? room : 40000), false, r.now_ms));
    }
    CHECK(n > 3);
    CHECK_ERR(em_session_client_request(client(), em_view(body, 0), true, r.now_ms),
              EM_ERR_FULL);
    /* some bytes go, and what is left moves to the front */
    em_bytes pending = em_session_pending(client());
    memcpy(rig_flight, pending.at, 100000);
    em_session_sent(client(), 100000);
    CHECK_OK(rig_feed(&r, RIG_ENCLAVE, em_view(rig_flight, 100000)));
    CHECK(em_session_room(client()) > 40000);
    CHECK_OK(em_session_client_request(client(), em_view(body, 40000), true, r.now_ms));
    CHECK_OK(carry(RIG_CLIENT));
    CHECK(r.side[RIG_ENCLAVE].event[r.side[RIG_ENCLAVE].n_events - 1].final);
    uint8_t a[32], b[32];
    CHECK_OK(em_session_request_hash(client(), a));
    CHECK_OK(em_session_request_hash(enclave(), b));
    CHECK(em_same(EM_BYTES(a), EM_BYTES(b)));
}

static void e1_must_fit_the_buffer(void)
{
    em_x25519_secret secret = fixture_secret();
    em_x25519_public public = fixture_public();

    r.mute = true;
    rig_start(&r);
    enclave()->room.out_cap = fixture_e1().len - 1;
    CHECK_OK(carry(RIG_CLIENT));
    CHECK_ERR(attest(), EM_ERR_FULL);
    CHECK_ERR(em_session_server_attest(enclave(), EM_STR("no record"), &secret, &public,
                                       r.now_ms),
              EM_ERR_ARGUMENT);
    enclave()->room.out_cap = fixture_e1().len;
    CHECK_OK(attest());
}

static void a_request_is_bounded_on_both_sides(void)
{
    static uint8_t body[EM_MAX_DATA_BODY];
    size_t sent = 0;

    open_both();
    while (sent + sizeof body <= EM_MAX_REQUEST) {
        CHECK_OK(em_session_client_request(client(), EM_BYTES(body), false, r.now_ms));
        CHECK_OK(carry(RIG_CLIENT));
        r.side[RIG_ENCLAVE].n_events = 0;
        sent += sizeof body;
    }
    size_t left = EM_MAX_REQUEST - sent;
    CHECK_ERR(
        em_session_client_request(client(), em_view(body, left + 1), true, r.now_ms),
        EM_ERR_LIMIT);
    CHECK_OK(em_session_client_request(client(), em_view(body, left), false, r.now_ms));
    CHECK_OK(carry(RIG_CLIENT));
    client()->request_len = 0; /* a client that does not count */
    CHECK_OK(em_session_client_request(client(), em_view(body, 1), true, r.now_ms));
    CHECK_ERR(carry(RIG_CLIENT), EM_ERR_LIMIT);
    CHECK(rig_is_closed(&r, RIG_ENCLAVE));
}

static void an_answer_is_bounded_on_both_sides(void)
{
    static uint8_t body[EM_MAX_DATA_BODY];

    open_both();
    ask(EM_STR("q"));
    enclave()->answer_len = EM_MAX_ANSWER - EM_MAX_END_BODY - 10;
    CHECK_ERR(em_session_server_data(enclave(), em_view(body, 11), r.now_ms),
              EM_ERR_LIMIT);
    CHECK_OK(em_session_server_data(enclave(), em_view(body, 10), r.now_ms));
    CHECK_ERR(em_session_server_end(enclave(), em_view(body, EM_MAX_END_BODY + 1), false,
                                    r.now_ms),
              EM_ERR_LIMIT);
    CHECK_OK(em_session_server_end(enclave(), em_view(body, EM_MAX_END_BODY), false,
                                   r.now_ms));
    CHECK_ERR(em_session_server_receipt(enclave(), em_view(body, EM_MAX_RECEIPT_BODY + 1),
                                        r.now_ms),
              EM_ERR_LIMIT);
    client()->answer_len = EM_MAX_ANSWER - 9;
    CHECK_ERR(carry(RIG_ENCLAVE), EM_ERR_LIMIT);
    CHECK(rig_is_closed(&r, RIG_CLIENT));
}

static void messages_are_counted(void)
{
    open_both();
    client()->messages = enclave()->messages = EM_SESSION_MESSAGES - 1;
    ask(EM_STR("the last"));
    CHECK_OK(em_session_server_end(enclave(), EM_STR("e"), true, r.now_ms));
    CHECK_OK(carry(RIG_ENCLAVE));
    em_session copy = *client();
    CHECK_ERR(em_session_client_request(client(), EM_STR("one more"), true, r.now_ms),
              EM_ERR_SESSION_LIMIT);
    CHECK(rig_is_closed(&r, RIG_CLIENT));
    *client() = copy; /* a client that does not count */
    client()->messages = 0;
    CHECK_OK(em_session_client_request(client(), EM_STR("one more"), true, r.now_ms));
    CHECK_ERR(carry(RIG_CLIENT), EM_ERR_SESSION_LIMIT);
    CHECK(rig_is_closed(&r, RIG_ENCLAVE));
}

static void bytes_are_counted(void)
{
    open_both();
    enclave()->bytes_in = EM_SESSION_BYTES - enclave()->bytes_out - 277;
    CHECK_OK(em_session_client_request(client(), EM_STR("q"), true, r.now_ms));
    CHECK_ERR(carry(RIG_CLIENT), EM_ERR_SESSION_LIMIT);
    CHECK(rig_is_closed(&r, RIG_ENCLAVE));

    open_both();
    client()->bytes_in = EM_SESSION_BYTES - client()->bytes_out - 278;
    CHECK_OK(em_session_client_request(client(), EM_STR("q"), false, r.now_ms));
    CHECK_ERR(em_session_client_request(client(), EM_STR("q"), true, r.now_ms),
              EM_ERR_SESSION_LIMIT);
    CHECK(rig_is_closed(&r, RIG_CLIENT));
}

/* ---- time
 * ------------------------------------------------------------------------------ */

static void every_wait_ends(void)
{
    static const uint64_t t0 = FIXTURE_NOW_MS;

    r.mute = true;
    rig_start(&r);
    CHECK(em_session_deadline(client()) == t0 + EM_ATTEST_WAIT_MS);
    CHECK(em_session_deadline(enclave()) == t0 + EM_HELLO_WAIT_MS);
    CHECK_OK(em_session_tick(enclave(), t0 + EM_HELLO_WAIT_MS - 1));
    CHECK_ERR(em_session_tick(enclave(), t0 + EM_HELLO_WAIT_MS), EM_ERR_TIMEOUT);
    CHECK(rig_is_closed(&r, RIG_ENCLAVE) && em_session_deadline(enclave()) == UINT64_MAX);
    CHECK_ERR(em_session_tick(client(), t0 + EM_ATTEST_WAIT_MS), EM_ERR_TIMEOUT);

    rig_start(&r); /* OPEN is awaited from attest on, AUTH from OPEN on */
    CHECK_OK(carry(RIG_CLIENT));
    CHECK(em_session_deadline(enclave()) == UINT64_MAX);
    r.now_ms += 5000;
    CHECK_OK(attest());
    CHECK(em_session_deadline(enclave()) == t0 + 5000 + EM_OPEN_WAIT_MS);
    CHECK_OK(carry(RIG_ENCLAVE));
    CHECK(em_session_deadline(client()) == t0 + 5000 + EM_OPEN_WAIT_MS);
    CHECK_OK(accept());
    CHECK(em_session_deadline(client()) == t0 + 5000 + EM_SESSION_LIFE_MS);
    em_bytes c2 = em_session_pending(client());
    em_bytes in = em_view(c2.at, EM_RECORD_HEAD + EM_OPEN_LEN);
    em_session copy = *enclave();
    CHECK_ERR(em_session_feed(enclave(), &in, t0 + 5000 + EM_OPEN_WAIT_MS),
              EM_ERR_TIMEOUT);
    CHECK(rig_is_closed(&r, RIG_ENCLAVE)); /* and the key is gone: all zero */
    *enclave() = copy;
    CHECK_OK(em_session_feed(enclave(), &in, t0 + 6000));
    CHECK(em_session_deadline(enclave()) == t0 + 6000 + EM_AUTH_WAIT_MS);
    CHECK_ERR(em_session_tick(enclave(), t0 + 6000 + EM_AUTH_WAIT_MS), EM_ERR_TIMEOUT);
}

static void a_life_ends(void)
{
    uint64_t end = FIXTURE_NOW_MS + EM_SESSION_LIFE_MS;
    em_bytes in = EM_STR("x");

    open_both();
    CHECK_ERR(em_session_client_request(client(), in, true, end), EM_ERR_SESSION_EXPIRED);
    CHECK(rig_is_closed(&r, RIG_CLIENT));
    open_both();
    ask(EM_STR("q"));
    CHECK(em_session_deadline(enclave()) == end);
    CHECK_OK(em_session_server_data(enclave(), in, end - 1));
    CHECK_ERR(em_session_server_end(enclave(), in, true, end), EM_ERR_SESSION_EXPIRED);
    CHECK(rig_is_closed(&r, RIG_ENCLAVE));
    open_both();
    CHECK_ERR(em_session_feed(enclave(), &in, end), EM_ERR_SESSION_EXPIRED);
}

/* ---- ends
 * ------------------------------------------------------------------------------ */

static em_err eof(int side)
{
    em_session copy = r.side[side].s;
    em_err err = em_session_eof(&r.side[side].s);

    CHECK(rig_is_closed(&r, side));
    r.side[side].s = copy;
    return err;
}

static void a_stream_may_end_between_messages_only(void)
{
    em_bytes in;

    r.mute = true;
    rig_start(&r);
    CHECK_ERR(eof(RIG_CLIENT), EM_ERR_CLOSED);
    CHECK_OK(eof(RIG_ENCLAVE));
    in = em_view(em_session_pending(client()).at, 3);
    CHECK_OK(em_session_feed(enclave(), &in, r.now_ms));
    CHECK_ERR(eof(RIG_ENCLAVE), EM_ERR_TRUNCATED);
    rig_start(&r);
    CHECK_OK(carry(RIG_CLIENT));
    CHECK_ERR(eof(RIG_ENCLAVE), EM_ERR_CLOSED);
    CHECK_OK(attest());
    CHECK_ERR(eof(RIG_ENCLAVE), EM_ERR_CLOSED);

    open_both();
    CHECK_OK(eof(RIG_CLIENT));
    CHECK_OK(eof(RIG_ENCLAVE));
    CHECK_OK(em_session_client_request(client(), EM_STR("q"), false, r.now_ms));
    CHECK_ERR(eof(RIG_CLIENT), EM_ERR_TRUNCATED);
    CHECK_OK(carry(RIG_CLIENT));
    CHECK_ERR(eof(RIG_ENCLAVE), EM_ERR_TRUNCATED);
    ask(EM_STR("q"));
    CHECK_ERR(eof(RIG_CLIENT), EM_ERR_TRUNCATED);
    CHECK_ERR(eof(RIG_ENCLAVE), EM_ERR_CLOSED);
    CHECK_OK(em_session_server_data(enclave(), EM_STR("d"), r.now_ms));
    CHECK_OK(carry(RIG_ENCLAVE));
    CHECK_ERR(eof(RIG_CLIENT), EM_ERR_TRUNCATED);
    CHECK_OK(em_session_server_end(enclave(), EM_STR("e"), false, r.now_ms));
    CHECK_OK(carry(RIG_ENCLAVE));
    CHECK_ERR(eof(RIG_CLIENT), EM_ERR_TRUNCATED);
    CHECK_OK(em_session_server_receipt(enclave(), EM_STR("r"), r.now_ms));
    CHECK_OK(carry(RIG_ENCLAVE));
    CHECK_OK(eof(RIG_CLIENT));
    CHECK_OK(eof(RIG_ENCLAVE));
}

static void the_host_may_speak_in_place_of_e1_only(void)
{
    uint8_t buf[16];
    em_out o = EM_OUT(buf);

    em_hello_put_host(&o, EM_FACE_STARTING);
    r.mute = true;
    rig_start(&r);
    CHECK_OK(rig_feed(&r, RIG_CLIENT, em_write_view(&o)));
    CHECK(r.side[RIG_CLIENT].n_events == 1);
    CHECK(r.side[RIG_CLIENT].event[0].what == EM_SESSION_HOST);
    CHECK(r.side[RIG_CLIENT].event[0].code == EM_FACE_STARTING);
    CHECK(rig_is_closed(&r, RIG_CLIENT));

    rig_start(&r);
    CHECK_ERR(rig_feed(&r, RIG_ENCLAVE, em_write_view(&o)), EM_ERR_RECORD_TYPE);
    open_both();
    CHECK_ERR(rig_feed(&r, RIG_CLIENT, em_write_view(&o)), EM_ERR_SESSION_STATE);
    open_both();
    ask(EM_STR("q"));
    CHECK_ERR(rig_feed(&r, RIG_CLIENT, em_write_view(&o)), EM_ERR_SESSION_STATE);
    CHECK(rig_is_closed(&r, RIG_CLIENT));
}

/* ---- CANCEL, AUTH
 * ---------------------------------------------------------------------- */

static em_err cancel_anyhow(void)
{
    EM_TRY(em_session_record_seal(client(), EM_RECORD_CANCEL, true, (em_bytes){0}));
    return carry(RIG_CLIENT);
}

static void a_cancel_counts_once_and_may_be_late(void)
{
    open_both();
    CHECK_ERR(cancel_anyhow(), EM_ERR_SESSION_STATE); /* nothing was asked yet */

    open_both();
    ask(EM_STR("q"));
    CHECK_OK(cancel_anyhow());
    CHECK(last_event(RIG_ENCLAVE) == EM_SESSION_CANCEL);
    CHECK_ERR(cancel_anyhow(), EM_ERR_SESSION_STATE);

    open_both(); /* too late: END has gone */
    ask(EM_STR("q"));
    CHECK_OK(em_session_server_end(enclave(), EM_STR("e"), true, r.now_ms));
    size_t n = r.side[RIG_ENCLAVE].n_events;
    CHECK_OK(em_session_client_cancel(client(), r.now_ms));
    CHECK_OK(carry(RIG_CLIENT));
    CHECK(r.side[RIG_ENCLAVE].n_events == n);
    CHECK_OK(carry(RIG_ENCLAVE));
    ask(EM_STR("the next"));

    open_both(); /* inside a request */
    CHECK_OK(em_session_client_request(client(), EM_STR("q"), false, r.now_ms));
    CHECK_OK(carry(RIG_CLIENT));
    CHECK_ERR(cancel_anyhow(), EM_ERR_SESSION_STATE);
}

static void a_grant_is_refused_where_none_is_read(void)
{
    r.mute = true;
    rig_start(&r);
    CHECK_OK(carry(RIG_CLIENT));
    CHECK_OK(attest());
    CHECK_OK(carry(RIG_ENCLAVE));
    CHECK_OK(accept());
    em_bytes pending = em_session_pending(client());
    CHECK_OK(
        rig_feed(&r, RIG_ENCLAVE, em_view(pending.at, EM_RECORD_HEAD + EM_OPEN_LEN)));
    em_session_sent(client(), pending.len);
    client()->keys.c2e.seq = 0; /* another AUTH in the first one's place */
    CHECK_OK(em_session_record_seal(client(), EM_RECORD_AUTH, true, EM_STR("\xA0")));
    CHECK_ERR(carry(RIG_CLIENT), EM_ERR_AUTH_FAILED);
    CHECK(rig_is_closed(&r, RIG_ENCLAVE));
}

static void another_deployment_is_refused(void)
{
    r.mute = true;
    rig_start(&r);
    enclave()->deployment = EM_STR("another");
    CHECK_ERR(carry(RIG_CLIENT), EM_ERR_DEPLOYMENT);
    CHECK(rig_is_closed(&r, RIG_ENCLAVE) && r.side[RIG_ENCLAVE].n_events == 0);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    RUN(an_honest_conversation);
    RUN(any_fragmentation_says_the_same);
    RUN(bodies_of_every_size_pass);
    RUN(both_sides_hash_the_same_bodies);
    RUN(nothing_opened_stays);
    RUN(each_call_has_its_place);
    RUN(a_start_needs_its_buffers);
    RUN(feeding_waits_for_the_caller);
    RUN(only_a_proof_of_this_session_opens_it);
    RUN(a_full_buffer_is_no_end);
    RUN(e1_must_fit_the_buffer);
    RUN(a_request_is_bounded_on_both_sides);
    RUN(an_answer_is_bounded_on_both_sides);
    RUN(messages_are_counted);
    RUN(bytes_are_counted);
    RUN(every_wait_ends);
    RUN(a_life_ends);
    RUN(a_stream_may_end_between_messages_only);
    RUN(the_host_may_speak_in_place_of_e1_only);
    RUN(a_cancel_counts_once_and_may_be_late);
    RUN(a_grant_is_refused_where_none_is_read);
    RUN(another_deployment_is_refused);
    return test_end();
}
