/* A session's own cost, by its own calls and records: set-up of both sides, the drawing
 * of the enclave's key included, without making or verifying the document, and bodies
 * through records, both ways. */
#include "bench/bench.h"
#include "crypto/setup.h"
#include "session/session_server.h"
#include "tests/session/fixture.h"

enum { RUNS = 201, OUT = 2 * EM_SESSION_RECORD };

static uint8_t in_room[2][EM_SESSION_CLIENT_IN], out_room[2][OUT], body[EM_MAX_DATA_BODY];
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
        set_up();
        took[r] = bench_now_us() - start;
    }
    bench_line("session.records.setup", bench_median(took, RUNS) / 1000, "ms",
               "both sides, key drawn, C1 to AUTH; no document");
}

/* One full DATA record each time, first the client's, then the enclave's: sealing and
 * hashing here, opening and hashing there.  A MiB is 16 of them, to a few bytes. */
static void bench_bodies(void)
{
    double seal[RUNS], open[RUNS];
    uint64_t now = FIXTURE_NOW_MS;

    for (int way = 0; way < 2; way++) {
        em_session *from = way == 0 ? &client : &enclave;
        em_session *to = way == 0 ? &enclave : &client;

        for (size_t r = 0; r < RUNS; r++) {
            if (r % 100 == 0) { /* a message has its limit */
                set_up();
                if (way == 1)
                    bench_must(em_session_client_request(&client, EM_STR("q"), true, now),
                               "request");
                (void)carry(&client, &enclave);
            }
            double start = bench_now_us();
            bench_must(way == 0
                           ? em_session_client_request(from, EM_BYTES(body), false, now)
                           : em_session_server_data(from, EM_BYTES(body), now),
                       "seal");
            seal[r] = bench_now_us() - start;
            start = bench_now_us();
            if (carry(from, to) != sizeof body) bench_must(EM_ERR_INTERNAL, "open");
            open[r] = bench_now_us() - start;
        }
        bench_line(way == 0 ? "session.records.seal.request.MiB"
                            : "session.records.seal.answer.MiB",
                   16 * bench_median(seal, RUNS) / 1000, "ms", "padded, sealed, hashed");
        bench_line(way == 0 ? "session.records.open.request.MiB"
                            : "session.records.open.answer.MiB",
                   16 * bench_median(open, RUNS) / 1000, "ms",
                   "copied, opened, checked, hashed, wiped");
    }
}

/* What an embedding's request and answer cost beside the embedding. */
static void bench_small(void)
{
    static const uint8_t question[200], row[1700], end[200], receipt[1200];
    double took[RUNS];

    set_up();
    for (size_t r = 0; r < RUNS; r++) {
        double start = bench_now_us();
        uint64_t now = FIXTURE_NOW_MS;
        bench_must(em_session_client_request(&client, EM_BYTES(question), true, now),
                   "request");
        (void)carry(&client, &enclave);
        bench_must(em_session_server_data(&enclave, EM_BYTES(row), now), "data");
        bench_must(em_session_server_end(&enclave, EM_BYTES(end), false, now), "end");
        bench_must(em_session_server_receipt(&enclave, EM_BYTES(receipt), now),
                   "receipt");
        (void)carry(&enclave, &client);
        took[r] = bench_now_us() - start;
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
