/* covers: shared/session/session_server.c shared/session/session.c
 *
 * The enclave's side of a session against a hostile client.  The first byte says how far
 * an honest handshake has gone before; then come orders, one byte and its operands each:
 * raw bytes, records that the client's true keys seal around any plaintext, and what the
 * enclave itself may do. */
#include "session/session_server.h"
#include "base/read.h"
#include "crypto/setup.h"
#include "tests/session/fixture.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STAGES = 6, OUT = 2 * EM_SESSION_RECORD };

static uint8_t in_room[EM_SESSION_SERVER_IN], out_room[OUT];
static em_session at_stage[STAGES];
static em_hpke client_at[STAGES]; /* the client's keys, at that stage */

static em_session s;
static em_x25519_public fixture_key;
static em_hpke client;
static uint64_t now_ms;

static void must(bool claim)
{
    if (!claim) abort();
}

static void drain(void)
{
    em_session_event e;

    while ((e = em_session_next(&s)).what != EM_SESSION_NONE) {
        (void)em_all_zero(e.bytes); /* all of it is readable */
    }
}

static void feed(em_bytes bytes)
{
    while (bytes.len > 0) {
        size_t before = bytes.len;
        em_err err = em_session_feed(&s, &bytes, now_ms);

        drain();
        if (err != EM_OK) {
            must(em_session_tick(&s, now_ms) == EM_ERR_SESSION_CLOSED);
            must(em_session_pending(&s).len == 0);
            return;
        }
        if (bytes.len == before) return; /* it waits for its caller */
    }
}

/* A record that the client seals: any type, flags and plaintext. */
static void feed_sealed(uint8_t type, uint8_t flags, em_bytes plain)
{
    static uint8_t record[EM_SESSION_RECORD + 512];
    uint8_t aad[11];
    em_out o = EM_OUT(record), a = EM_OUT(aad);

    if (plain.len > EM_PAD_MAX + 256) return;
    em_write_u8(&o, type);
    em_write_u8(&o, flags);
    em_write_be32(&o, (uint32_t)(plain.len + EM_TAG_LEN));
    em_write_u8(&a, type);
    em_write_u8(&a, flags);
    em_write_u8(&a, 0);
    em_write_be64(&a, client.seq);
    must(em_hpke_seal(&client, EM_BYTES(aad), plain, record + EM_RECORD_HEAD) == EM_OK);
    feed(em_view(record, EM_RECORD_HEAD + plain.len + EM_TAG_LEN));
}

/* An honest body in its bucket. */
static void feed_body(uint8_t type, uint8_t flags, em_bytes body)
{
    static uint8_t plain[EM_PAD_MAX];
    em_out o = EM_OUT(plain);

    if (body.len > EM_MAX_DATA_BODY) return;
    em_write_be32(&o, (uint32_t)body.len);
    em_write_bytes(&o, body);
    em_write_zeros(&o, em_hello_padded(body.len) - o.len);
    feed_sealed(type, flags, em_write_view(&o));
}

/* An honest client as far as stage `upto`. */
static void advance(unsigned upto)
{
    em_session_buffers room = {in_room, sizeof in_room, out_room, sizeof out_room};
    em_x25519_secret secret = fixture_secret(), eph = fixture_eph();
    uint8_t c1[EM_RECORD_HEAD + EM_MAX_HELLO], info[EM_HELLO_INFO_LEN];
    uint8_t open[EM_RECORD_HEAD + EM_OPEN_LEN] = {EM_RECORD_OPEN, 1, 0, 0, 0, 32};
    em_out o = EM_OUT(c1);

    now_ms = FIXTURE_NOW_MS;
    must(em_session_server_start(&s, &room, fixture_deployment, now_ms) == EM_OK);
    em_hello_put_c1(&o, fixture_nonce, fixture_deployment);
    em_hello_info(em_write_view(&o), fixture_e1(), info);
    must(em_x25519_public_of(&secret, &fixture_key) == EM_OK);
    must(em_hpke_setup_send(EM_AEAD_CHACHA20_POLY1305, &eph, &fixture_key, EM_BYTES(info),
                            open + 6, &client) == EM_OK);
    if (upto >= 1) feed(em_write_view(&o));
    if (upto >= 2)
        must(em_session_server_attest(&s, fixture_e1(), &secret, &fixture_key, now_ms) ==
             EM_OK);
    if (upto >= 3) feed(EM_BYTES(open));
    if (upto >= 4) feed_body(EM_RECORD_AUTH, 1, (em_bytes){0});
    if (upto >= 5) feed_body(EM_RECORD_DATA, 1, EM_STR("a request"));
    em_session_sent(&s, OUT);
}

static void order(em_reader *r)
{
    em_x25519_secret secret = fixture_secret();
    uint8_t what = em_read_u8(r);
    size_t len = em_read_be16(r);
    em_bytes bytes = em_read_bytes(r, len < r->left.len ? len : r->left.len);
    em_err err = EM_OK;

    switch (what % 12) {
    case 0:
        feed(bytes);
        break;
    case 1:
        for (size_t i = 0; i < bytes.len; i++) feed(em_view(bytes.at + i, 1));
        break;
    case 2:
        if (bytes.len >= 2)
            feed_sealed(bytes.at[0], bytes.at[1], em_view(bytes.at + 2, bytes.len - 2));
        break;
    case 3:
        feed_body(EM_RECORD_DATA, 0, bytes);
        break;
    case 4:
        feed_body(EM_RECORD_DATA, 1, bytes);
        break;
    case 5:
        feed_body(EM_RECORD_CANCEL, 1, bytes);
        break;
    case 6:
        feed_body(EM_RECORD_AUTH, 1, bytes);
        break;
    case 7:
        err = em_session_server_data(&s, bytes, now_ms);
        break;
    case 8:
        err = em_session_server_end(&s, bytes, len % 2 == 0, now_ms);
        break;
    case 9:
        err = em_session_server_receipt(&s, bytes, now_ms);
        break;
    case 10:
        err = em_session_server_attest(&s, fixture_e1(), &secret, &fixture_key, now_ms);
        break;
    default:
        now_ms += len * 1000;
        em_session_sent(&s, len);
        break;
    }
    must(err == EM_OK || em_session_tick(&s, now_ms) == EM_ERR_SESSION_CLOSED ||
         err == EM_ERR_ARGUMENT || err == EM_ERR_FULL || err == EM_ERR_LIMIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;

    if (!ready) {
        must(em_setup() == EM_OK);
        for (unsigned i = 0; i < STAGES; i++) {
            advance(i);
            at_stage[i] = s;
            client_at[i] = client;
        }
        ready = true;
    }
    if (size == 0) return 0;
    s = at_stage[data[0] % STAGES];
    client = client_at[data[0] % STAGES];
    now_ms = FIXTURE_NOW_MS;
    em_reader r = {.left = em_view(data + 1, size - 1)};
    for (unsigned n = 0; n < 64 && r.left.len > 0 && em_read_ok(&r) == EM_OK; n++)
        order(&r);
    (void)em_session_eof(&s);
    must(em_session_tick(&s, now_ms) == EM_ERR_SESSION_CLOSED);
    must(em_all_zero(em_view(&s.keys, sizeof s.keys)));
    em_session_drop(&s);
    return 0;
}
