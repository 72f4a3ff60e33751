/* A session's own cost, by its own calls and records: set-up of both sides, the drawing
 * of the enclave's key included, without making or verifying the document, and bodies
 * through records, both ways. */
#include "bench/bench.h"
#include "crypto/setup.h"
#include "session/session_server.h"
#include "tests/session/fixture.h"

enum { RUNS = 51, ROUNDS = 20, MIB = 1 << 20, OUT = 2 * EM_SESSION_RECORD };

static uint8_t in_room[2][EM_SESSION_CLIENT_IN], out_room[2][OUT], body[MIB];
static em_session client, enclave;
static em_peer peer;

/* All that is pending goes to the other side; gives the bytes that its events showed. */
static size_t carry(em_session *from, em_session *to)
{
    em_bytes in = em_session_pending(from);
    size_t len = in.len, shown = 0;
    em_session_event e;

    while (in.len > 0) {
        bench_must(em_session_feed(to, &in, FIXTURE_NOW_MS), "feed");
        while ((e = em_session_next(to)).what != EM_SESSION_NONE) {
            shown += e.bytes.len;
            if (e.what == EM_SESSION_ATTEST || e.what == EM_SESSION_HELLO) break;
        }
    }
    em_session_sent(from, len);
    return shown;
}

static void set_up(void)
{
    em_session_buffers a = {in_room[0], sizeof in_room[0], out_room[0], OUT};
    em_session_buffers b = {in_room[1], sizeof in_room[1], out_room[1], OUT};
    EM_DROP(em_x25519_secret) secret = fixture_secret();
    EM_DROP(em_x25519_secret) eph = fixture_eph();
    em_x25519_public public;

    em_session_drop(&client);
    em_session_drop(&enclave);
    bench_must(em_x25519_public_of(&secret, &public), "x25519"); /* the enclave's draw */
    bench_must(em_session_server_start(&enclave, &b, fixture_deployment, FIXTURE_NOW_MS),
               "start");
    bench_must(em_session_client_start(&client, &a, fixture_deployment, fixture_nonce,
                                       FIXTURE_NOW_MS),
               "start");
    (void)carry(&client, &enclave);
    bench_must(em_session_server_attest(&enclave, fixture_e1(), &secret, &public,
                                        FIXTURE_NOW_MS),
               "attest");
    (void)carry(&enclave, &client);
    bench_must(em_session_client_accept(&client, &peer, &eph, FIXTURE_NOW_MS), "accept");
    (void)carry(&client, &enclave);
}

static void bench_set_up(void)
{
    double took[RUNS];

    for (size_t r = 0; r < RUNS; r++) {
        double start = bench_now_us();
        for (size_t i = 0; i < ROUNDS; i++) set_up();
        took[r] = (bench_now_us() - start) / ROUNDS;
    }
    bench_line("session.records.setup", bench_median(took, RUNS) / 1000, "ms",
               "both sides, key drawn, C1 to AUTH; no document");
}

static void require_bytes(size_t got)
{
    if (got != MIB) bench_must(EM_ERR_INTERNAL, "not all bytes arrived");
}

/* A request of 1 MiB, then an answer of 1 MiB; each time from first seal to last open. */
static void bench_bodies(void)
{
    double there[RUNS], back[RUNS];

    for (size_t r = 0; r < RUNS; r++) {
        size_t shown = 0, at, n;
        set_up();
        double start = bench_now_us();
        for (at = 0; at < MIB; at += n) {
            n = MIB - at < EM_MAX_DATA_BODY ? MIB - at : EM_MAX_DATA_BODY;
            bench_must(em_session_client_request(&client, em_view(body + at, n),
                                                 at + n == MIB, FIXTURE_NOW_MS),
                       "request");
            shown += carry(&client, &enclave);
        }
        there[r] = bench_now_us() - start;
        require_bytes(shown);
        shown = 0;
        start = bench_now_us();
        for (at = 0; at < MIB; at += n) {
            n = MIB - at < EM_MAX_DATA_BODY ? MIB - at : EM_MAX_DATA_BODY;
            bench_must(
                em_session_server_data(&enclave, em_view(body + at, n), FIXTURE_NOW_MS),
                "data");
            shown += carry(&enclave, &client);
        }
        back[r] = bench_now_us() - start;
        require_bytes(shown);
    }
    bench_line("session.records.request.1MiB", bench_median(there, RUNS) / 1000, "ms",
               "sealed, moved, opened and hashed on both sides");
    bench_line("session.records.answer.1MiB", bench_median(back, RUNS) / 1000, "ms",
               "sealed, moved, opened and hashed on both sides");
}

/* What an embedding's request and answer cost beside the embedding. */
static void bench_small(void)
{
    static const uint8_t question[200], row[1700], end[200], receipt[1200];
    double took[RUNS];

    set_up();
    for (size_t r = 0; r < RUNS; r++) {
        double start = bench_now_us();
        for (size_t i = 0; i < ROUNDS; i++) {
            uint64_t now = FIXTURE_NOW_MS;
            bench_must(em_session_client_request(&client, EM_BYTES(question), true, now),
                       "request");
            (void)carry(&client, &enclave);
            bench_must(em_session_server_data(&enclave, EM_BYTES(row), now), "data");
            bench_must(em_session_server_end(&enclave, EM_BYTES(end), false, now), "end");
            bench_must(em_session_server_receipt(&enclave, EM_BYTES(receipt), now),
                       "receipt");
            (void)carry(&enclave, &client);
        }
        took[r] = (bench_now_us() - start) / ROUNDS;
    }
    bench_line("session.records.one", bench_median(took, RUNS) / 1000, "ms",
               "one text's request, row, END and RECEIPT: all records, both sides");
}

int main(void)
{
    uint8_t c1[EM_RECORD_HEAD + EM_MAX_HELLO];
    em_out o = EM_OUT(c1);

    bench_must(em_setup(), "setup");
    em_hello_put_c1(&o, fixture_nonce, fixture_deployment);
    bench_must(fixture_prove(em_write_view(&o), fixture_e1(), &peer), "proof");
    bench_set_up();
    bench_bodies();
    bench_small();
    return 0;
}
