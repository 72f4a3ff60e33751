/* Everything that somebody between the two can do to a session: change, cut, drop,
 * repeat, reorder, reflect, replay; and everything that a dishonest end can send.  It
 * ends the session by a named error, and neither side is told anything that was not said.
 */
#include "crypto/setup.h"
#include "session/session_impl.h"
#include "tests/session/rig.h"

static rig honest, r;
static rig_tape tape;

static em_session *client(void)
{
    return &r.side[RIG_CLIENT].s;
}

static em_session *enclave(void)
{
    return &r.side[RIG_ENCLAVE].s;
}

static void the_honest_run(void)
{
    rig_run(&honest, rig_tape_wire, &tape);
    CHECK(honest.side[0].err == EM_OK && honest.side[1].err == EM_OK);
    CHECK(tape.n[RIG_CLIENT] == 8 && tape.n[RIG_ENCLAVE] == 8);
}

/* ---- on the wire
 * ----------------------------------------------------------------------- */

typedef enum what {
    FLIP,    /* bit `bit` of byte `at` */
    CUT,     /* everything from byte `at` on is lost, for good */
    DROP,    /* the record is lost */
    REPEAT,  /* it comes twice */
    SWAP,    /* it comes behind the next of its sender */
    REFLECT, /* before it, the receiver gets back its own last record */
    REPLACE, /* an older record of the sender comes in its place */
} what;

typedef struct tamper {
    what what;
    int from;
    size_t number, at, bit;
    bool cut;
    em_bytes held; /* swapped */
    uint8_t room[RIG_OUT];
} tamper;

static tamper t;

static void set(what w, int from, size_t number, size_t at, size_t bit)
{
    t.what = w;
    t.from = from;
    t.number = number;
    t.at = at;
    t.bit = bit;
    t.cut = false;
    t.held = (em_bytes){0};
}

static void write_flipped(em_out *o, em_bytes record, size_t at, size_t bit)
{
    em_write_bytes(o, em_view(record.at, at));
    em_write_u8(o, (uint8_t)(record.at[at] ^ 1u << bit));
    em_write_bytes(o, em_view(record.at + at + 1, record.len - at - 1));
}

static void wire(rig *rr, int from, size_t number, em_bytes record, em_out *o, void *arg)
{
    (void)rr, (void)arg;
    if (t.cut && from == t.from) return;
    bool here = from == t.from && number == t.number;
    size_t own = tape.n[1 - from] < number ? tape.n[1 - from] : number;

    if (from == t.from && number == t.number + 1 && t.held.len > 0) {
        em_write_bytes(o, record);
        em_write_bytes(o, t.held);
        return;
    }
    if (!here) {
        em_write_bytes(o, record);
        return;
    }
    switch (t.what) {
    case FLIP:
        write_flipped(o, record, t.at, t.bit);
        break;
    case CUT:
        em_write_bytes(o, em_view(record.at, t.at));
        t.cut = true;
        break;
    case DROP:
        break;
    case REPEAT:
        em_write_bytes(o, record);
        em_write_bytes(o, record);
        break;
    case SWAP:
        memcpy(t.room, record.at, record.len);
        t.held = em_view(t.room, record.len);
        break;
    case REFLECT:
        em_write_bytes(o, tape.record[1 - from][own]);
        em_write_bytes(o, record);
        break;
    case REPLACE:
        em_write_bytes(o, tape.record[from][t.at]);
        break;
    }
}

/* Runs one; true where the session was broken without harm. */
static bool harmless(void)
{
    t.cut = false;
    t.held = (em_bytes){0};
    rig_run(&r, wire, NULL);
    bool all = r.side[0].n_events == honest.side[0].n_events &&
               r.side[1].n_events == honest.side[1].n_events;
    bool error = r.side[0].err != EM_OK || r.side[1].err != EM_OK;

    return rig_is_beginning(&r, &honest) && error && !all &&
           rig_is_closed(&r, RIG_CLIENT) && rig_is_closed(&r, RIG_ENCLAVE);
}

static void every_flipped_byte_is_refused(void)
{
    for (int from = 0; from < 2; from++) {
        for (size_t i = 0; i < tape.n[from]; i++) {
            size_t len = tape.record[from][i].len;
            size_t step = len > 1000 ? 37 : 1; /* E1's own tests take every byte */

            for (size_t at = 0; at < len; at += at < 64 ? 1 : step) {
                set(FLIP, from, i, at, at % 8);
                test_note("record %zu of %d, byte %zu", i, from, at);
                CHECK(harmless());
            }
        }
    }
}

static void every_cut_is_an_end(void)
{
    for (int from = 0; from < 2; from++) {
        for (size_t i = 0; i < tape.n[from]; i++) {
            size_t len = tape.record[from][i].len, step = len > 1000 ? 97 : 3;

            for (size_t at = 0; at < len; at += step) {
                set(CUT, from, i, at, 0);
                test_note("record %zu of %d, cut at %zu", i, from, at);
                CHECK(harmless());
                em_err err = r.side[1 - from].err;
                CHECK(at == 0 || err == EM_ERR_TRUNCATED);
                CHECK(at > 0 || err == EM_OK || err == EM_ERR_TRUNCATED ||
                      err == EM_ERR_CLOSED);
            }
        }
    }
}

static void every_record_dropped_repeated_or_moved_is_refused(void)
{
    for (int from = 0; from < 2; from++) {
        for (size_t i = 0; i < tape.n[from]; i++) {
            bool last = i + 1 == tape.n[from];

            test_note("record %zu of %d", i, from);
            set(DROP, from, i, 0, 0);
            CHECK(harmless());
            set(REFLECT, from, i, 0, 0);
            CHECK(harmless());
            set(SWAP, from, i, 0, 0);
            if (!last) CHECK(harmless());
            for (size_t old = 0; old < i; old++) {
                set(REPLACE, from, i, old, 0);
                CHECK(harmless());
            }
            set(REPEAT, from, i, 0, 0);
            if (!last) CHECK(harmless());
            /* the last one twice: all was said, and the copy is refused */
            set(REPEAT, from, i, 0, 0);
            rig_run(&r, wire, NULL);
            CHECK(rig_is_beginning(&r, &honest));
            CHECK(r.side[1 - from].err != EM_OK);
        }
    }
}

static em_err tampered(what w, int from, size_t number, size_t at, size_t bit)
{
    set(w, from, number, at, bit);
    rig_run(&r, wire, NULL);
    return r.side[1 - from].err;
}

static void what_is_refused_has_a_name(void)
{
    /* the client's: HELLO OPEN AUTH DATA DATA DATA CANCEL DATA */
    CHECK_ERR(tampered(FLIP, RIG_CLIENT, 0, 0, 7), EM_ERR_RECORD_TYPE);
    CHECK_ERR(tampered(FLIP, RIG_CLIENT, 0, 1, 1), EM_ERR_RECORD_FLAGS);
    CHECK_ERR(tampered(FLIP, RIG_CLIENT, 0, 2, 0), EM_ERR_RECORD_SIZE);
    CHECK_ERR(tampered(FLIP, RIG_CLIENT, 0, 6, 0), EM_ERR_HELLO_MALFORMED);
    CHECK_ERR(tampered(FLIP, RIG_CLIENT, 1, 0, 2), EM_ERR_RECORD_PADDING); /* AUTH */
    CHECK_ERR(tampered(FLIP, RIG_CLIENT, 1, 20, 0), EM_ERR_RECORD_SEALED);
    CHECK_ERR(tampered(FLIP, RIG_CLIENT, 2, 50, 0), EM_ERR_RECORD_SEALED);
    CHECK_ERR(tampered(FLIP, RIG_CLIENT, 3, 1, 0), EM_ERR_RECORD_SEALED); /* final */
    CHECK_ERR(tampered(FLIP, RIG_CLIENT, 3, 5, 0), EM_ERR_RECORD_PADDING);
    CHECK_ERR(tampered(DROP, RIG_CLIENT, 3, 0, 0), EM_ERR_RECORD_SEALED);
    CHECK_ERR(tampered(REPEAT, RIG_CLIENT, 0, 0, 0), EM_ERR_SESSION_STATE);
    CHECK_ERR(tampered(REPEAT, RIG_CLIENT, 1, 0, 0), EM_ERR_SESSION_STATE); /* OPEN */
    CHECK_ERR(tampered(REPEAT, RIG_CLIENT, 2, 0, 0), EM_ERR_SESSION_STATE); /* AUTH */
    CHECK_ERR(tampered(REPEAT, RIG_CLIENT, 3, 0, 0), EM_ERR_RECORD_SEALED);
    CHECK_ERR(tampered(REPEAT, RIG_CLIENT, 6, 0, 0), EM_ERR_SESSION_STATE); /* CANCEL */
    CHECK_ERR(tampered(SWAP, RIG_CLIENT, 3, 0, 0), EM_ERR_RECORD_SEALED);
    CHECK_ERR(tampered(REPLACE, RIG_CLIENT, 5, 3, 0), EM_ERR_RECORD_SEALED);
    CHECK_ERR(tampered(REFLECT, RIG_CLIENT, 4, 0, 0), EM_ERR_RECORD_TYPE);
    /* the enclave's: ATTEST DATA DATA END RECEIPT END RECEIPT END */
    CHECK_ERR(tampered(FLIP, RIG_ENCLAVE, 0, 6, 0), EM_ERR_HELLO_MALFORMED);
    CHECK_ERR(tampered(FLIP, RIG_ENCLAVE, 1, 0, 0), EM_ERR_RECORD_SEALED); /* END */
    CHECK_ERR(tampered(FLIP, RIG_ENCLAVE, 1, 1, 0), EM_ERR_RECORD_FLAGS);
    CHECK_ERR(tampered(FLIP, RIG_ENCLAVE, 3, 1, 0), EM_ERR_RECORD_SEALED);
    CHECK_ERR(tampered(FLIP, RIG_ENCLAVE, 2, 277, 3), EM_ERR_RECORD_SEALED);
    CHECK_ERR(tampered(DROP, RIG_ENCLAVE, 1, 0, 0), EM_ERR_RECORD_SEALED);
    CHECK_ERR(tampered(DROP, RIG_ENCLAVE, 4, 0, 0), EM_ERR_TRUNCATED);
    CHECK_ERR(tampered(DROP, RIG_ENCLAVE, 7, 0, 0), EM_ERR_TRUNCATED);
    CHECK_ERR(tampered(SWAP, RIG_ENCLAVE, 1, 0, 0), EM_ERR_RECORD_SEALED);
    CHECK_ERR(tampered(REPEAT, RIG_ENCLAVE, 0, 0, 0), EM_ERR_SESSION_STATE);
    CHECK_ERR(tampered(REPEAT, RIG_ENCLAVE, 2, 0, 0), EM_ERR_RECORD_SEALED);
    CHECK_ERR(tampered(REPEAT, RIG_ENCLAVE, 3, 0, 0), EM_ERR_SESSION_STATE);
    CHECK_ERR(tampered(REPLACE, RIG_ENCLAVE, 5, 3, 0), EM_ERR_RECORD_SEALED);
    CHECK_ERR(tampered(REPLACE, RIG_ENCLAVE, 6, 4, 0), EM_ERR_RECORD_SEALED);
}

/* ---- replays
 * --------------------------------------------------------------------------- */

/* An enclave that has answered the recorded C1 with this E1, and then gets the rest of
 * what the client once sent. */
static em_err replay(const em_x25519_secret *secret, em_bytes e1)
{
    em_x25519_public public;

    EM_TRY(em_x25519_public_of(secret, &public));
    r.mute = true;
    rig_start(&r);
    EM_TRY(rig_feed(&r, RIG_ENCLAVE, tape.record[RIG_CLIENT][0]));
    EM_TRY(em_session_server_attest(enclave(), e1, secret, &public, r.now_ms));
    em_session_sent(enclave(), e1.len);
    for (size_t i = 1; i < 5; i++)
        EM_TRY(rig_feed(&r, RIG_ENCLAVE, tape.record[RIG_CLIENT][i]));
    return EM_OK;
}

static void a_replay_needs_a_key_that_is_gone(void)
{
    em_x25519_secret once = fixture_secret(), fresh = fixture_secret();
    em_hello_e1 e1 = {0}, *other = &e1;
    static uint8_t buf[EM_SESSION_CLIENT_IN];
    em_out o = EM_OUT(buf);

    fresh.b[7] ^= 1;
    CHECK_ERR(replay(&fresh, fixture_e1()), EM_ERR_RECORD_SEALED);
    CHECK(r.side[RIG_ENCLAVE].n_events == 1); /* HELLO */
    CHECK(rig_is_closed(&r, RIG_ENCLAVE));

    /* the same key behind another E1: info binds it */
    CHECK_OK(em_hello_parse_e1(fixture_e1(), &e1));
    other->n_manifests = 0;
    em_hello_put_e1(&o, other);
    CHECK_ERR(replay(&once, em_write_view(&o)), EM_ERR_RECORD_SEALED);
    CHECK(r.side[RIG_ENCLAVE].n_events == 1);

    /* that this can fail at all: with the key and E1 of then it would run, which is why a
     * key is drawn for each HELLO and serves one OPEN */
    CHECK_OK(replay(&once, fixture_e1()));
    CHECK(r.side[RIG_ENCLAVE].n_events == 4);
}

static void a_key_serves_one_open(void)
{
    em_x25519_secret secret = fixture_secret();
    em_x25519_public public = fixture_public();
    uint8_t zero[EM_RECORD_HEAD + EM_OPEN_LEN] = {EM_RECORD_OPEN, 1, 0, 0, 0, 32};
    em_bytes good = tape.record[RIG_CLIENT][1];

    for (int bad = 0; bad < 2; bad++) {
        r.mute = true;
        rig_start(&r);
        CHECK_OK(rig_feed(&r, RIG_ENCLAVE, tape.record[RIG_CLIENT][0]));
        CHECK_OK(em_session_server_attest(enclave(), fixture_e1(), &secret, &public,
                                          r.now_ms));
        CHECK(!em_all_zero(EM_BYTES(enclave()->keys.secret.b)));
        if (bad) {
            uint8_t altered[EM_RECORD_HEAD + EM_OPEN_LEN];
            memcpy(altered, good.at, good.len);
            altered[10] ^= 4;
            CHECK_OK(rig_feed(&r, RIG_ENCLAVE, EM_BYTES(altered)));
        } else {
            CHECK_OK(rig_feed(&r, RIG_ENCLAVE, good));
        }
        CHECK(em_all_zero(EM_BYTES(enclave()->keys.secret.b)));
        CHECK_ERR(rig_feed(&r, RIG_ENCLAVE, good), EM_ERR_SESSION_STATE);
        CHECK(rig_is_closed(&r, RIG_ENCLAVE));
    }
    /* points of small order make a shared secret of zeros */
    for (uint8_t point = 0; point < 2; point++) {
        rig_start(&r);
        CHECK_OK(rig_feed(&r, RIG_ENCLAVE, tape.record[RIG_CLIENT][0]));
        CHECK_OK(em_session_server_attest(enclave(), fixture_e1(), &secret, &public,
                                          r.now_ms));
        zero[EM_RECORD_HEAD] = point;
        CHECK_ERR(rig_feed(&r, RIG_ENCLAVE, EM_BYTES(zero)), EM_ERR_ZERO_SHARED);
        CHECK(rig_is_closed(&r, RIG_ENCLAVE));
    }
}

/* ---- a dishonest end
 * ------------------------------------------------------------------- */

/* Both open, by the script of the handshake alone. */
static void stop_after_auth(rig *rr, int from, size_t number, em_bytes record, em_out *o,
                            void *arg)
{
    (void)rr, (void)arg;
    if (from == RIG_CLIENT && number > 2) return;
    em_write_bytes(o, record);
}

static void open_both(void)
{
    r.mute = false;
    rig_start(&r);
    rig_pump(&r, stop_after_auth, NULL);
    r.mute = true;
    client()->keys.c2e.seq = 1; /* what the script sealed since never came */
}

/* A record sealed by the client's keys around any plaintext at all. */
static em_bytes seal_raw(em_record_type type, bool final, em_bytes plain)
{
    size_t len = EM_RECORD_HEAD + plain.len + EM_TAG_LEN;
    uint8_t *at = test_alloc(len), aad[11];
    em_out o = em_out_over(at, len), a = EM_OUT(aad);

    em_hello_put_head(&o, type, final, plain.len + EM_TAG_LEN);
    em_write_u8(&a, (uint8_t)type);
    em_write_u8(&a, final);
    em_write_u8(&a, 0);
    em_write_be64(&a, client()->keys.c2e.seq);
    if (em_hpke_seal(&client()->keys.c2e, EM_BYTES(aad), plain, at + EM_RECORD_HEAD) !=
        EM_OK)
        abort();
    return em_view(at, len);
}

/* u32 length, then `body`, in `total` bytes. */
static uint8_t *plain_of(uint32_t len, em_bytes body, size_t total)
{
    uint8_t *plain = test_alloc(total);
    em_out o = em_out_over(plain, total);

    memset(plain, 0, total);
    em_write_be32(&o, len);
    em_write_bytes(&o, body);
    return plain;
}

static em_err send_raw(em_record_type type, bool final, const uint8_t *plain, size_t len)
{
    return rig_feed(&r, RIG_ENCLAVE, seal_raw(type, final, em_view(plain, len)));
}

static void padding_has_one_form(void)
{
    em_bytes body = EM_STR("body");

    open_both();
    CHECK_OK(send_raw(EM_RECORD_DATA, false, plain_of(4, body, 256), 256));
    CHECK_ERR(send_raw(EM_RECORD_DATA, true, plain_of(4, body, 384), 384),
              EM_ERR_RECORD_PADDING);
    CHECK(rig_is_closed(&r, RIG_ENCLAVE));
    for (size_t at = 8; at < 256; at++) {
        uint8_t *plain = plain_of(4, body, 256);
        open_both();
        plain[at] = 0x80;
        CHECK_ERR(send_raw(EM_RECORD_DATA, true, plain, 256), EM_ERR_RECORD_PADDING);
        CHECK(r.side[RIG_ENCLAVE].event[r.side[RIG_ENCLAVE].n_events - 1].what ==
              EM_SESSION_OPENED);
    }
    static const uint32_t lengths[] = {253, 256, 65535, 0x7FFFFFFF, 0xFFFFFFFF};
    for (size_t i = 0; i < EM_COUNT(lengths); i++) {
        open_both();
        CHECK_ERR(send_raw(EM_RECORD_DATA, true, plain_of(lengths[i], body, 256), 256),
                  EM_ERR_RECORD_PADDING);
    }
    open_both();
    CHECK_OK(send_raw(EM_RECORD_DATA, true, plain_of(252, body, 256), 256));
    static const size_t odd[] = {0, 1, 255, 257, 300, 511, 65535};
    for (size_t i = 0; i < EM_COUNT(odd); i++) {
        open_both();
        CHECK_ERR(
            send_raw(EM_RECORD_DATA, true, plain_of(0, (em_bytes){0}, odd[i]), odd[i]),
            EM_ERR_RECORD_PADDING);
    }
    open_both();
    CHECK_ERR(send_raw(EM_RECORD_DATA, true, plain_of(0, (em_bytes){0}, 98304), 98304),
              EM_ERR_RECORD_SIZE);
}

static void a_cancel_says_nothing(void)
{
    open_both();
    CHECK_OK(send_raw(EM_RECORD_DATA, true, plain_of(0, (em_bytes){0}, 256), 256));
    CHECK_ERR(send_raw(EM_RECORD_CANCEL, true, plain_of(1, EM_STR("x"), 256), 256),
              EM_ERR_RECORD_SIZE);
    CHECK(rig_is_closed(&r, RIG_ENCLAVE));
}

/* A head of this type and a length that it may have. */
static em_bytes head_of(int type)
{
    static uint8_t head[EM_RECORD_HEAD];
    bool sealed = type >= EM_RECORD_DATA && type <= EM_RECORD_CANCEL;
    size_t len = type == EM_RECORD_OPEN ? 32 : sealed ? EM_PAD_MIN + EM_TAG_LEN : 7;
    em_out o = EM_OUT(head);

    em_hello_put_head(&o, (em_record_type)type, type != EM_RECORD_DATA, len);
    return em_write_view(&o);
}

/* What each state takes, one bit a type. */
static void check_types(int side, unsigned may, unsigned other_state)
{
    em_session *s = &r.side[side].s, copy = *s;

    for (int type = 0; type < 12; type++) {
        em_bytes in = head_of(type);
        unsigned bit = 1u << type;
        em_err want = may & bit           ? EM_OK
                      : other_state & bit ? EM_ERR_SESSION_STATE
                                          : EM_ERR_RECORD_TYPE;

        test_note("side %d, state %d, type %d", side, s->state, type);
        CHECK_ERR(em_session_feed(s, &in, r.now_ms), want);
        if (want != EM_OK) CHECK(rig_is_closed(&r, side));
        *s = copy;
    }
}

static void each_state_takes_its_types(void)
{
    enum {
        HELLO = 1 << 1,
        ATTEST = 1 << 2,
        OPEN = 1 << 3,
        DATA = 1 << 4,
        END = 1 << 5,
        RECEIPT = 1 << 6,
        AUTH = 1 << 7,
        CANCEL = 1 << 8,
        HOST = 1 << 9,
        TO_ENCLAVE = HELLO | OPEN | AUTH | DATA | CANCEL,
        TO_CLIENT = ATTEST | HOST | DATA | END | RECEIPT,
    };
    em_x25519_secret secret = fixture_secret();
    em_x25519_public public = fixture_public();

    r.mute = true;
    rig_start(&r);
    check_types(RIG_ENCLAVE, HELLO, TO_ENCLAVE);
    check_types(RIG_CLIENT, ATTEST | HOST, TO_CLIENT);
    CHECK_OK(rig_feed(&r, RIG_ENCLAVE, tape.record[RIG_CLIENT][0]));
    CHECK_OK(
        em_session_server_attest(enclave(), fixture_e1(), &secret, &public, r.now_ms));
    check_types(RIG_ENCLAVE, OPEN, TO_ENCLAVE);
    CHECK_OK(rig_feed(&r, RIG_ENCLAVE, tape.record[RIG_CLIENT][1]));
    check_types(RIG_ENCLAVE, AUTH, TO_ENCLAVE);
    CHECK_OK(rig_feed(&r, RIG_ENCLAVE, tape.record[RIG_CLIENT][2]));
    check_types(RIG_ENCLAVE, DATA, TO_ENCLAVE);
    CHECK_OK(rig_feed(&r, RIG_ENCLAVE, tape.record[RIG_CLIENT][3]));
    check_types(RIG_ENCLAVE, DATA, TO_ENCLAVE);
    CHECK_OK(rig_feed(&r, RIG_ENCLAVE, tape.record[RIG_CLIENT][4]));
    check_types(RIG_ENCLAVE, CANCEL, TO_ENCLAVE);
    CHECK_OK(em_session_server_end(enclave(), EM_STR("e"), false, r.now_ms));
    check_types(RIG_ENCLAVE, CANCEL, TO_ENCLAVE);
    CHECK_OK(em_session_server_receipt(enclave(), EM_STR("r"), r.now_ms));
    check_types(RIG_ENCLAVE, CANCEL | DATA, TO_ENCLAVE);

    open_both(); /* the client's script has sealed a whole request by now */
    check_types(RIG_CLIENT, DATA | END, TO_CLIENT);
    client()->state = EM_SESSION_IDLE;
    check_types(RIG_CLIENT, 0, TO_CLIENT);
    client()->state = EM_SESSION_REQUESTING;
    check_types(RIG_CLIENT, 0, TO_CLIENT);
    client()->state = EM_SESSION_RECEIPT_DUE;
    check_types(RIG_CLIENT, RECEIPT, TO_CLIENT);
}

static void sequences_never_wrap(void)
{
    open_both();
    enclave()->state = EM_SESSION_ANSWERING;
    enclave()->keys.e2c_seq = UINT64_MAX;
    CHECK_ERR(em_session_server_data(enclave(), EM_STR("x"), r.now_ms), EM_ERR_SEQUENCE);
    CHECK(rig_is_closed(&r, RIG_ENCLAVE));
    open_both();
    client()->state = EM_SESSION_IDLE;
    client()->keys.c2e.seq = UINT64_MAX;
    CHECK_ERR(em_session_client_request(client(), EM_STR("x"), true, r.now_ms),
              EM_ERR_SEQUENCE);
    CHECK(rig_is_closed(&r, RIG_CLIENT));
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    RUN(the_honest_run);
    RUN(every_flipped_byte_is_refused);
    RUN(every_cut_is_an_end);
    RUN(every_record_dropped_repeated_or_moved_is_refused);
    RUN(what_is_refused_has_a_name);
    RUN(a_replay_needs_a_key_that_is_gone);
    RUN(a_key_serves_one_open);
    RUN(padding_has_one_form);
    RUN(a_cancel_says_nothing);
    RUN(each_state_takes_its_types);
    RUN(sequences_never_wrap);
    return test_end();
}
