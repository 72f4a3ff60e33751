/* A random walk: both ends do at random what they may, bytes arrive in random pieces, and
 * in every other session something on the wire goes wrong.  Nothing may be told that was
 * not said, in the order in which it was said; an honest session may not fail; a broken
 * one ends by an error.  Seeded: the same walk everywhere. */
#include "crypto/setup.h"
#include "tests/session/rig.h"

enum { STEPS = 200000, SAID = 64, WIRE = 1 << 20, STALL = 200 };

/* What one side said and the other has not been told yet. */
typedef struct said {
    size_t from, n;
    rig_event event[SAID];
} said;

typedef struct walk {
    test_random random;
    em_session s[2];
    uint64_t now_ms;
    said to[2];
    uint8_t *wire[2]; /* bytes on their way to each side */
    size_t len[2];
    bool hostile, harmed; /* something may go wrong, or has */
    size_t quiet;         /* steps since anything moved */
    uint8_t last[2][EM_SESSION_RECORD];
    size_t last_len[2]; /* what went to each side before: to come again */
    size_t sessions, told, refused, closed[EM_ERR_COUNT_];
} walk;

static walk w;
static uint8_t body[EM_MAX_DATA_BODY];

static size_t below(size_t n)
{
    return (size_t)(test_random_next(&w.random) % n);
}

static void begin(void)
{
    em_session_buffers room[2];

    for (int i = 0; i < 2; i++) {
        em_session_drop(&w.s[i]);
        room[i] = (em_session_buffers){rig_in[i], sizeof rig_in[i], rig_out[i],
                                       sizeof rig_out[i]};
        w.to[i].from = w.to[i].n = w.len[i] = w.last_len[i] = 0;
    }
    w.now_ms = FIXTURE_NOW_MS;
    w.hostile = ++w.sessions % 2 == 0;
    w.harmed = false;
    w.quiet = 0;
    CHECK_OK(em_session_client_start(&w.s[RIG_CLIENT], &room[RIG_CLIENT],
                                     fixture_deployment, fixture_nonce, w.now_ms));
    CHECK_OK(em_session_server_start(&w.s[RIG_ENCLAVE], &room[RIG_ENCLAVE],
                                     fixture_deployment, w.now_ms));
}

/* A call that sends gave `err`; when it worked, the other side is to be told. */
static void say(int to, em_err err, em_session_what what, bool final, em_bytes bytes)
{
    said *q = &w.to[to];

    if (err == EM_ERR_FULL || err == EM_ERR_ARGUMENT || err == EM_ERR_LIMIT) return;
    if (err != EM_OK) {
        CHECK(err == EM_ERR_SESSION_CLOSED || err == EM_ERR_SESSION_EXPIRED);
        return;
    }
    if (q->n == SAID) abort();
    rig_event *e = &q->event[(q->from + q->n++) % SAID];
    *e = (rig_event){.what = what, .final = final, .len = bytes.len};
    em_sha2_256(bytes, e->sha256);
}

/* ---- what the ends do
 * ------------------------------------------------------------------ */

static em_bytes some_body(void)
{
    size_t max = below(20) == 0 ? sizeof body : 600;

    test_random_fill(&w.random, body, 16);
    return em_view(body, below(max + 1));
}

static void client_acts(void)
{
    em_session *s = &w.s[RIG_CLIENT];
    bool final = below(2) == 0;
    em_bytes bytes = some_body();

    if (w.to[RIG_ENCLAVE].n > SAID - 4) return;
    if (em_session_client_awaits(s)) {
        if (below(8) > 0) return;
        em_err err = em_session_client_cancel(s, w.now_ms);
        CHECK(err == EM_OK || err == EM_ERR_ARGUMENT || err == EM_ERR_FULL);
        return;
    }
    say(RIG_ENCLAVE, em_session_client_request(s, bytes, final, w.now_ms),
        EM_SESSION_REQUEST, final, bytes);
}

static void enclave_acts(void)
{
    em_session *s = &w.s[RIG_ENCLAVE];
    em_bytes bytes = some_body();
    bool final = below(2) == 0;

    if (w.to[RIG_CLIENT].n > SAID - 4) return;
    switch (below(3)) {
    case 0:
        say(RIG_CLIENT, em_session_server_data(s, bytes, w.now_ms), EM_SESSION_DATA,
            false, bytes);
        break;
    case 1:
        if (bytes.len > EM_MAX_END_BODY) bytes.len = EM_MAX_END_BODY;
        say(RIG_CLIENT, em_session_server_end(s, bytes, final, w.now_ms), EM_SESSION_END,
            final, bytes);
        break;
    default:
        if (bytes.len > EM_MAX_RECEIPT_BODY) bytes.len = EM_MAX_RECEIPT_BODY;
        say(RIG_CLIENT, em_session_server_receipt(s, bytes, w.now_ms), EM_SESSION_RECEIPT,
            true, bytes);
        break;
    }
}

/* ---- the wire
 * -------------------------------------------------------------------------- */

/* Something goes wrong with the `n` bytes at the end of what is on its way to `to`. */
static void harm(int to, size_t n)
{
    uint8_t *at = w.wire[to] + w.len[to] - n;

    w.harmed = true;
    switch (below(6)) {
    case 0:
        at[below(n)] ^= (uint8_t)(1u << below(8));
        break;
    case 1: /* some bytes are lost */
        w.len[to] -= 1 + below(n);
        break;
    case 2: /* some come from nowhere */
        test_random_fill(&w.random, at, 1 + below(n));
        break;
    case 3: /* what came before comes again */
        if (w.len[to] + w.last_len[to] > WIRE) return;
        memcpy(w.wire[to] + w.len[to], w.last[to], w.last_len[to]);
        w.len[to] += w.last_len[to];
        break;
    case 4: /* what the other side sent comes back */
        if (w.len[to] + w.last_len[1 - to] > WIRE) return;
        memcpy(w.wire[to] + w.len[to], w.last[1 - to], w.last_len[1 - to]);
        w.len[to] += w.last_len[1 - to];
        break;
    default: /* two bytes change places */
        if (n < 2) return;
        size_t i = below(n - 1);
        uint8_t b = at[i];
        at[i] = at[i + 1];
        at[i + 1] = b;
        break;
    }
}

static void carry(int from)
{
    em_bytes pending = em_session_pending(&w.s[from]);
    size_t n = pending.len == 0 ? 0 : 1 + below(pending.len);
    int to = 1 - from;

    if (n == 0 || n > WIRE - w.len[to]) return;
    memcpy(w.wire[to] + w.len[to], pending.at, n);
    w.len[to] += n;
    if (w.hostile && below(12) == 0) harm(to, n);
    w.last_len[to] = n < sizeof w.last[to] ? n : sizeof w.last[to];
    memcpy(w.last[to], pending.at, w.last_len[to]);
    em_session_sent(&w.s[from], n);
    w.quiet = 0;
}

/* ---- what the ends are told
 * ------------------------------------------------------------ */

static void handshake(int side, const em_session_event *e)
{
    em_session *s = &w.s[side];
    EM_DROP(em_x25519_secret) key = fixture_secret();
    em_x25519_public public = fixture_public();
    em_peer peer;
    em_err err;

    if (e->what == EM_SESSION_HELLO) {
        CHECK_OK(em_session_server_attest(s, fixture_e1(), &key, &public, w.now_ms));
        return;
    }
    err = fixture_prove(em_session_c1(s), e->bytes, &peer);
    if (err == EM_OK) {
        test_random_fill(&w.random, key.b, sizeof key.b); /* the ephemeral one */
        err = em_session_client_accept(s, &peer, &key, w.now_ms);
    }
    CHECK(err == EM_OK || w.harmed);
    if (err != EM_OK) em_session_drop(s);
}

static void told(int side, const em_session_event *e)
{
    said *q = &w.to[side];

    if (e->what == EM_SESSION_HELLO || e->what == EM_SESSION_ATTEST) {
        handshake(side, e);
        return;
    }
    if (e->what == EM_SESSION_OPENED || e->what == EM_SESSION_CANCEL) return;
    if (e->what == EM_SESSION_HOST) {
        CHECK(w.harmed);
        return;
    }
    rig_event got = {.what = e->what, .final = e->final, .len = e->bytes.len};
    em_sha2_256(e->bytes, got.sha256);
    w.told++;
    if (q->n == 0) {
        CHECK(q->n > 0);
        return;
    }
    CHECK(rig_same_event(&got, &q->event[q->from]));
    q->from = (q->from + 1) % SAID;
    q->n--;
}

static void deliver(int side)
{
    size_t n = w.len[side] == 0 ? 0 : 1 + below(w.len[side]);
    em_bytes in = em_view(w.wire[side], n);
    em_session_event e;

    if (n == 0) return;
    em_err err = em_session_feed(&w.s[side], &in, w.now_ms);
    while ((e = em_session_next(&w.s[side])).what != EM_SESSION_NONE) told(side, &e);
    if (n != in.len) w.quiet = 0;
    w.len[side] -= n - in.len;
    memmove(w.wire[side], w.wire[side] + (n - in.len), w.len[side]);
    if (err == EM_OK || err == EM_ERR_SESSION_CLOSED) return;
    w.closed[err]++;
    w.refused++;
    test_note("session %zu: %s", w.sessions, em_err_name(err));
    CHECK(w.harmed || err == EM_ERR_SESSION_EXPIRED || err == EM_ERR_TIMEOUT);
    test_note("session %zu", w.sessions);
    for (int i = 0; i < 2; i++) em_session_drop(&w.s[i]); /* the connection ends */
}

static void step(void)
{
    int side = (int)below(2);

    switch (below(8)) {
    case 0:
    case 1:
        carry(side);
        break;
    case 2:
    case 3:
    case 4:
        deliver(side);
        break;
    case 5:
        client_acts();
        break;
    case 6:
        enclave_acts();
        break;
    default:
        w.now_ms += below(200);
        break;
    }
    bool over = em_session_deadline(&w.s[RIG_CLIENT]) == UINT64_MAX;
    if (over || ++w.quiet > STALL || (!w.hostile && below(800) == 0)) begin();
}

static void walk_from(uint64_t seed)
{
    w = (walk){.random = {seed}};
    for (int i = 0; i < 2; i++) w.wire[i] = test_alloc(WIRE);
    begin();
    test_note("seed %llu", (unsigned long long)seed);
    for (size_t i = 0; i < STEPS; i++) step();
    CHECK(w.sessions > 50 && w.told > 500 && w.refused > 20);
    CHECK(w.closed[EM_ERR_RECORD_SEALED] > 5);
}

static void a_walk(void)
{
    walk_from(1);
}

static void another_walk(void)
{
    walk_from(20261122);
}

static void a_third_walk(void)
{
    walk_from(0x9E3779B97F4A7C15);
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    RUN(a_walk);
    RUN(another_walk);
    RUN(a_third_walk);
    return test_end();
}
