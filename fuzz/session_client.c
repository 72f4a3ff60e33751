/* covers: shared/session/session_client.c shared/session/session_record.c
 *
 * The client's side of a session against a hostile enclave and host.  The first byte says
 * how far an honest handshake has gone before; then come orders, one byte and its
 * operands each: raw bytes, records that the enclave's true keys seal around any
 * plaintext, and what the client itself may do. */
#include "session/session_client.h"
#include "base/read.h"
#include "crypto/setup.h"
#include "tests/session/fixture.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STAGES = 4, OUT = EM_SESSION_CLIENT_OUT };

static uint8_t in_room[EM_SESSION_CLIENT_IN], out_room[OUT];
static em_session at_stage[STAGES];

static em_session s;
static em_peer peer;
static uint64_t now_ms, e2c_seq;
static em_session_keys keys; /* as the enclave has them */

static void must(bool claim)
{
    if (!claim) abort();
}

static em_err accept(void)
{
    em_x25519_secret eph = fixture_eph();
    return em_session_client_accept(&s, &peer, &eph, now_ms);
}

/* Takes what there is; an E1 is accepted only where the proof is about it. */
static void drain(void)
{
    em_session_event e;

    while ((e = em_session_next(&s)).what != EM_SESSION_NONE) {
        (void)em_all_zero(e.bytes); /* all of it is readable */
        if (e.what != EM_SESSION_ATTEST) continue;
        em_hello_e1 e1;
        uint8_t digest[32];
        must(em_hello_parse_e1(e.bytes, &e1) == EM_OK);
        em_sha2_256(e1.document, digest);
        bool same = em_same(EM_BYTES(digest), EM_BYTES(peer.attested.document_sha256));
        must((accept() == EM_OK) == same);
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
        if (bytes.len == before) return;
    }
}

/* A record that the enclave seals: any type, flags and plaintext. */
static void feed_sealed(uint8_t type, uint8_t flags, em_bytes plain)
{
    static uint8_t record[EM_SESSION_RECORD + 512];
    uint8_t aad[11], nonce[EM_AEAD_NONCE_LEN];
    em_out o = EM_OUT(record), a = EM_OUT(aad);

    if (plain.len > EM_PAD_MAX + 256) return;
    em_write_u8(&o, type);
    em_write_u8(&o, flags);
    em_write_be32(&o, (uint32_t)(plain.len + EM_TAG_LEN));
    em_write_u8(&a, type);
    em_write_u8(&a, flags);
    em_write_u8(&a, 1);
    em_write_be64(&a, e2c_seq);
    em_hpke_nonce(keys.e2c_nonce, e2c_seq++, nonce);
    must(em_aead_seal(EM_AEAD_CHACHA20_POLY1305, &keys.e2c, nonce, EM_BYTES(aad), plain,
                      record + EM_RECORD_HEAD) == EM_OK);
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

/* An honest enclave as far as stage `upto`. */
static void advance(unsigned upto)
{
    em_session_buffers room = {in_room, sizeof in_room, out_room, sizeof out_room};

    now_ms = FIXTURE_NOW_MS;
    must(em_session_client_start(&s, &room, fixture_deployment, fixture_nonce, now_ms) ==
         EM_OK);
    must(fixture_prove(em_session_c1(&s), fixture_e1(), &peer) == EM_OK);
    if (upto >= 1) feed(fixture_e1());
    if (upto >= 2)
        must(em_session_client_request(&s, EM_STR("q"), true, now_ms) == EM_OK);
    if (upto == 1 || upto == 2) keys = s.keys;
    if (upto >= 3) feed_body(EM_RECORD_END, 0, EM_STR("end"));
    em_session_sent(&s, OUT);
}

static void order(em_reader *r)
{
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
        feed_body(EM_RECORD_END, 0, bytes);
        break;
    case 5:
        feed_body(EM_RECORD_END, 1, bytes);
        break;
    case 6:
        feed_body(EM_RECORD_RECEIPT, 1, bytes);
        break;
    case 7:
        err = em_session_client_request(&s, bytes, false, now_ms);
        break;
    case 8:
        err = em_session_client_request(&s, bytes, true, now_ms);
        break;
    case 9:
        err = em_session_client_cancel(&s, now_ms);
        break;
    case 10:
        feed(fixture_e1());
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
            e2c_seq = 0;
            advance(i);
            at_stage[i] = s;
        }
        ready = true;
    }
    if (size == 0) return 0;
    unsigned stage = data[0] % STAGES;
    s = at_stage[stage];
    e2c_seq = stage == 3 ? 1 : 0;
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
