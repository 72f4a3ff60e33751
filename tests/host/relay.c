/* The relay with real sockets: em-host runs as a process of its own, the enclave and its
 * clients are threads of this one. */
#include "host/relay.h"
#include "tests/host/run.h"

#include <sys/resource.h>

/* ---- a stand-in for the enclave ---- */

typedef enum how {
    ECHO,      /* sends everything back, in odd pieces, until the end */
    GREET,     /* says one byte, then reads to the end and stops */
    SILENT,    /* reads nothing and says nothing */
    HANG_UP,   /* closes at once */
    TEAR,      /* says one byte, then breaks off */
    LAST_WORD, /* says "last words" and closes while more may be coming */
} how;

typedef struct enclave {
    em_stream_listener l;
    how how;
    bool stop;
    unsigned served;
    em_thread thread;
} enclave;

typedef struct guest {
    em_stream s;
    enclave *e;
} guest;

static void echo(em_stream *s)
{
    test_random random = {.state = 5};
    uint8_t buffer[9000];

    for (;;) {
        size_t n = 0, cap = 1 + test_random_next(&random) % sizeof buffer;
        if (em_stream_read(s, buffer, cap, soon(), &n) != EM_OK) break;
        for (size_t from = 0; from < n;) {
            size_t part = 1 + test_random_next(&random) % (n - from);
            if (em_stream_write_full(s, em_view(buffer + from, part), soon()) != EM_OK)
                return;
            from += part;
        }
    }
    (void)!em_stream_end(s);
}

static void serve_guest(void *arg)
{
    guest *g = arg;
    em_stream s = EM_TAKE(g->s);
    uint8_t buffer[4096];
    size_t n = 0;

    switch (g->e->how) {
    case ECHO:
        echo(&s);
        break;
    case GREET:
        (void)!em_stream_write_full(&s, EM_STR("!"), soon());
        while (em_stream_read(&s, buffer, sizeof buffer, soon(), &n) == EM_OK) continue;
        break;
    case SILENT:
        while (!__atomic_load_n(&g->e->stop, __ATOMIC_RELAXED)) em_thread_sleep_ms(5);
        break;
    case TEAR:
        (void)!em_stream_write_full(&s, EM_STR("!"), soon());
        em_thread_sleep_ms(100);
        em_stream_abort(&s);
        break;
    case LAST_WORD:
        (void)!em_stream_read(&s, buffer, 1, soon(), &n);
        (void)!em_stream_write_full(&s, EM_STR("last words"), soon());
        break;
    case HANG_UP:
        break;
    }
    em_stream_drop(&s);
    free(g);
}

static void serve(void *arg)
{
    enclave *e = arg;
    enum { MOST = 400 };
    em_thread *t = calloc(MOST, sizeof *t);

    if (t == NULL) abort();
    while (!__atomic_load_n(&e->stop, __ATOMIC_RELAXED) && e->served < MOST) {
        guest *g = calloc(1, sizeof *g);
        if (g == NULL) abort();
        g->e = e;
        if (em_stream_accept(&e->l, em_clock_deadline(20), &g->s, NULL) != EM_OK) {
            free(g);
            continue;
        }
        if (em_thread_start(serve_guest, g, "guest", &t[e->served]) != EM_OK) abort();
        e->served++;
    }
    for (int i = 0; i < MOST; i++) em_thread_drop(&t[i]);
    free(t);
}

static void enclave_start(enclave *e, const char *at, how way)
{
    em_address a = address_of(at);

    *e = (enclave){.how = way};
    if (em_stream_listen(&a, &e->l) != EM_OK) abort();
    if (em_thread_start(serve, e, "enclave", &e->thread) != EM_OK) abort();
}

static void enclave_stop(enclave *e)
{
    __atomic_store_n(&e->stop, true, __ATOMIC_RELAXED);
    em_thread_drop(&e->thread);
    em_stream_listener_drop(&e->l);
}

/* ---- clients ---- */

static em_stream client(const host *h)
{
    em_address at = host_address(h, "listen", 0);
    em_stream s = {0};

    if (em_stream_connect(&at, soon(), &s) != EM_OK) abort();
    return s;
}

/* The code of the HOST record that this stream says, and nothing else; -1 otherwise. */
static int host_code(em_stream *s)
{
    uint8_t b[13], more;
    size_t n = 0;

    if (em_stream_read_full(s, b, sizeof b, soon()) != EM_OK) return -1;
    if (em_stream_read(s, &more, 1, soon(), &n) != EM_ERR_CLOSED) return -2;
    for (int code = EM_RELAY_BUSY; code <= (int)EM_RELAY_STARTING; code++)
        if (em_same(EM_BYTES(b), em_relay_words((em_relay_code)code))) return code;
    return -3;
}

typedef struct sender {
    em_stream *s;
    uint64_t seed;
    size_t total;
} sender;

static void send_fragments(void *arg)
{
    sender *d = arg;
    test_random data = {.state = d->seed}, random = {.state = d->seed + 1};
    uint8_t buffer[20000];

    for (size_t left = d->total; left > 0;) {
        size_t n = 1 + test_random_next(&random) % sizeof buffer;
        if (n > left) n = left;
        test_random_fill(&data, buffer, n);
        if (em_stream_write_full(d->s, em_view(buffer, n), soon()) != EM_OK) break;
        left -= n;
        if (test_random_next(&random) % 16 == 0) em_thread_sleep_ms(1);
    }
    (void)!em_stream_end(d->s);
}

/* Reads back what send_fragments sent, at most `piece` bytes a read; how many were right.
 */
static size_t receive(em_stream *s, uint64_t seed, size_t piece, unsigned pause_every)
{
    test_random data = {.state = seed};
    uint8_t buffer[4096];
    size_t good = 0, n = 0;
    unsigned reads = 0;

    while (em_stream_read(s, buffer, piece, soon(), &n) == EM_OK) {
        for (size_t i = 0; i < n; i++, good++)
            if (buffer[i] != (uint8_t)test_random_next(&data)) return good;
        if (pause_every != 0 && ++reads % pause_every == 0) em_thread_sleep_ms(1);
    }
    return good;
}

static void bytes_pass_both_ways_unchanged(void)
{
    const char *at = unix_address("e");
    enclave e;
    host h;

    enclave_start(&e, at, ECHO);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        EM_DROP(em_stream) s = client(&h);
        EM_DROP(em_thread) t = {0};
        sender d = {&s, seed, 3 << 20};
        CHECK_OK(em_thread_start(send_fragments, &d, "send", &t));
        /* a fast reader, a slow one, and one that takes bytes singly for a while */
        size_t got = seed == 1   ? receive(&s, seed, 4096, 0)
                     : seed == 2 ? receive(&s, seed, 1000, 8)
                                 : receive(&s, seed, 97, 0);
        CHECK(got == 3 << 20);
        em_thread_drop(&t);
    }
    CHECK(host_stop(&h) == 0);
    enclave_stop(&e);
}

static void tcp_enclaves_work_too_and_unix_clients(void)
{
    const char *door = unix_address("door");
    enclave e;
    host h;
    char at[EM_ADDRESS_TEXT];

    enclave_start(&e, "tcp:127.0.0.1:0", ECHO);
    em_address_print(&e.l.at, at);
    HOST_START(&h, "--listen", door, "--enclave", at);
    EM_DROP(em_stream) s = client(&h);
    EM_DROP(em_thread) t = {0};
    sender d = {&s, 11, 1 << 20};
    CHECK_OK(em_thread_start(send_fragments, &d, "send", &t));
    CHECK(receive(&s, 11, 4096, 0) == 1 << 20);
    em_thread_drop(&t);
    CHECK(host_stop(&h) == 0);
    enclave_stop(&e);
}

static void an_end_passes_while_the_other_way_goes_on(void)
{
    const char *at = unix_address("e");
    enclave e;
    host h;
    uint8_t one;
    size_t n = 0;

    enclave_start(&e, at, GREET);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at);
    EM_DROP(em_stream) s = client(&h);
    CHECK_OK(em_stream_read_full(&s, &one, 1, soon()));
    CHECK_ERR(em_stream_read(&s, &one, 1, em_clock_deadline(50), &n), EM_ERR_TIMEOUT);
    CHECK_OK(em_stream_end(&s)); /* the enclave reads our end, then ends */
    CHECK_ERR(em_stream_read(&s, &one, 1, soon(), &n), EM_ERR_CLOSED);
    CHECK(host_stop(&h) == 0);
    enclave_stop(&e);
}

/* What the enclave said before it closed arrives, although we keep sending. */
static void last_words_are_not_lost_to_a_reset(void)
{
    const char *at = unix_address("e");
    enclave e;
    host h;
    char words[11] = {0};
    static uint8_t much[1 << 20];

    enclave_start(&e, at, LAST_WORD);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at);
    for (int i = 0; i < 10; i++) {
        EM_DROP(em_stream) s = client(&h);
        (void)!em_stream_write_full(&s, EM_BYTES(much), em_clock_deadline(200));
        em_thread_sleep_ms(20);
        CHECK_OK(em_stream_read_full(&s, words, 10, soon()));
        CHECK(strcmp(words, "last words") == 0);
    }
    CHECK(host_stop(&h) == 0);
    enclave_stop(&e);
}

static void a_torn_connection_is_torn_on_the_other_side(void)
{
    enclave e;
    host h;
    char at[EM_ADDRESS_TEXT];
    uint8_t one;
    size_t n = 0;

    enclave_start(&e, "tcp:127.0.0.1:0", TEAR);
    em_address_print(&e.l.at, at);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at);
    EM_DROP(em_stream) s = client(&h);
    CHECK_OK(em_stream_read_full(&s, &one, 1, soon()));
    CHECK_ERR(em_stream_read(&s, &one, 1, soon(), &n),
              EM_ERR_IO); /* not an orderly end */
    CHECK(host_stop(&h) == 0);
    enclave_stop(&e);
}

/* A client that is faster than the enclave is slowed down, not buffered. */
static void a_slow_enclave_slows_the_client(void)
{
    const char *at = unix_address("e");
    static uint8_t piece[64 << 10];
    enclave e;
    host h;
    size_t taken = 0, n = 0;

    enclave_start(&e, at, SILENT);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at, "--admin",
               "tcp:127.0.0.1:0");
    EM_DROP(em_stream) s = client(&h);
    while (taken < 256u << 20 &&
           em_stream_write(&s, EM_BYTES(piece), em_clock_deadline(300), &n) == EM_OK)
        taken += n;
    CHECK(taken < 64u << 20); /* kernel buffers and one of ours */
    em_address admin = host_address(&h, "admin", 0);
    CHECK(host_metric(&admin, "em_host_connections_open") == 1);
    CHECK(host_metric(&admin, "em_host_bytes_total{direction=\"to_enclave\"}") <
          4u << 20);
    CHECK(host_stop(&h) == 0);
    enclave_stop(&e);
}

/* ---- refusals ---- */

static void too_many_are_told_busy(void)
{
    const char *at = unix_address("e");
    enclave e;
    host h;
    uint8_t b[5];

    enclave_start(&e, at, ECHO);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at, "--max-connections",
               "2", "--admin", "tcp:127.0.0.1:0");
    em_address admin = host_address(&h, "admin", 0);
    {
        EM_DROP(em_stream) a = client(&h);
        EM_DROP(em_stream) b1 = client(&h);
        CHECK_OK(em_stream_write_full(&a, EM_STR("hello"), soon()));
        CHECK_OK(em_stream_write_full(&b1, EM_STR("hello"), soon()));
        CHECK_OK(em_stream_read_full(&a, b, 5, soon()));
        CHECK_OK(em_stream_read_full(&b1, b, 5, soon()));
        for (int i = 0; i < 5; i++) {
            EM_DROP(em_stream) c = client(&h);
            (void)!em_stream_write_full(&c, EM_STR("a hello that is not read"), soon());
            CHECK(host_code(&c) == (int)EM_RELAY_BUSY);
        }
        /* those that are in do not suffer */
        CHECK_OK(em_stream_write_full(&a, EM_STR("again"), soon()));
        CHECK_OK(em_stream_read_full(&a, b, 5, soon()));
        CHECK(memcmp(b, "again", 5) == 0);
        CHECK(host_metric(&admin, "em_host_refused_total{reason=\"busy\"}") == 5);
    }
    /* and there is room again once they are gone */
    for (int i = 0; i < 200; i++) {
        if (host_metric(&admin, "em_host_connections_open") == 0) break;
        em_thread_sleep_ms(5);
    }
    EM_DROP(em_stream) d = client(&h);
    CHECK_OK(em_stream_write_full(&d, EM_STR("hello"), soon()));
    CHECK_OK(em_stream_read_full(&d, b, 5, soon()));
    CHECK(memcmp(b, "hello", 5) == 0);
    CHECK(host_stop(&h) == 0);
    enclave_stop(&e);
}

static void who_connects_too_often_is_told_busy(void)
{
    const char *at = unix_address("e");
    enclave e;
    host h;
    int busy = 0;

    enclave_start(&e, at, GREET);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at, "--rate", "1",
               "--burst", "3");
    for (int i = 0; i < 6; i++) {
        EM_DROP(em_stream) s = client(&h);
        uint8_t b = 0;
        size_t n;
        CHECK_OK(em_stream_read(&s, &b, 1, soon(), &n));
        busy += b == 9;
    }
    CHECK(busy >= 2 && busy <= 3); /* a token may have come meanwhile */
    CHECK(host_stop(&h) == 0);
    enclave_stop(&e);
}

static void no_enclave_yet_no_enclave_any_more(void)
{
    const char *at = unix_address("e");
    enclave e;
    host h;

    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at, "--breaker", "100");
    for (int i = 0; i < 3; i++) {
        EM_DROP(em_stream) s = client(&h);
        CHECK(host_code(&s) == (int)EM_RELAY_STARTING);
    }
    enclave_start(&e, at, GREET);
    {
        EM_DROP(em_stream) s = client(&h);
        uint8_t b = 0;
        CHECK_OK(em_stream_read_full(&s, &b, 1, soon()));
        CHECK(b == '!');
    }
    enclave_stop(&e);
    EM_DROP(em_stream) s = client(&h);
    CHECK(host_code(&s) == (int)EM_RELAY_NO_ENCLAVE);
    CHECK(host_stop(&h) == 0);
}

static void an_enclave_that_hangs_up_is_said_to_have(void)
{
    const char *at = unix_address("e");
    enclave e;
    host h;

    enclave_start(&e, at, HANG_UP);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at);
    for (int i = 0; i < 20; i++) {
        EM_DROP(em_stream) s = client(&h);
        (void)!em_stream_write_full(&s, EM_STR("C1 that nobody reads"), soon());
        CHECK(host_code(&s) == (int)EM_RELAY_HUNG_UP);
    }
    CHECK(host_stop(&h) == 0);
    enclave_stop(&e);
}

/* The breaker: fails fast when open, probes once, closes when the enclave is back. */
static void the_breaker_opens_probes_and_closes(void)
{
    const char *at = unix_address("e");
    enclave e;
    host h;
    static char answer[4096];

    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at, "--breaker", "3",
               "--cool-down-s", "1", "--admin", "tcp:127.0.0.1:0");
    em_address admin = host_address(&h, "admin", 0);
    CHECK(http_get(&admin, "GET", "/healthz", "", answer, sizeof answer, NULL, NULL) ==
          200);
    for (int i = 0; i < 10; i++) {
        EM_DROP(em_stream) s = client(&h);
        CHECK(host_code(&s) == (int)EM_RELAY_STARTING);
    }
    CHECK(host_metric(&admin, "em_host_breaker_state") == 2);
    CHECK(host_metric(&admin, "em_host_dials_total{result=\"failed\"}") == 3);
    CHECK(host_metric(&admin, "em_host_refused_total{reason=\"breaker\"}") == 7);
    CHECK(http_get(&admin, "GET", "/healthz", "", answer, sizeof answer, NULL, NULL) ==
          503);

    /* after the cool-down one probe goes out, fails, and doubles it */
    em_thread_sleep_ms(1050);
    for (int i = 0; i < 4; i++) {
        EM_DROP(em_stream) s = client(&h);
        CHECK(host_code(&s) == (int)EM_RELAY_STARTING);
    }
    CHECK(host_metric(&admin, "em_host_dials_total{result=\"failed\"}") == 4);
    CHECK(host_metric(&admin, "em_host_breaker_opened_total") == 2);

    enclave_start(&e, at, GREET);
    {
        EM_DROP(em_stream) s = client(&h); /* still refused: it is not tried */
        CHECK(host_code(&s) == (int)EM_RELAY_STARTING);
    }
    em_thread_sleep_ms(2050);
    for (int i = 0; i < 3; i++) {
        EM_DROP(em_stream) s = client(&h);
        uint8_t b = 0;
        CHECK_OK(em_stream_read_full(&s, &b, 1, soon()));
        CHECK(b == '!');
    }
    CHECK(host_metric(&admin, "em_host_breaker_state") == 0);
    CHECK(http_get(&admin, "GET", "/healthz", "", answer, sizeof answer, NULL, NULL) ==
          200);
    CHECK(host_stop(&h) == 0);
    enclave_stop(&e);
}

/* ---- deadlines ---- */

static void a_slow_loris_does_not_stay(void)
{
    const char *at = unix_address("e");
    enclave e;
    host h;
    uint8_t b[13] = {0};
    size_t n = 0;

    enclave_start(&e, at, SILENT);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at, "--first-byte-s", "1",
               "--idle-s", "100");
    EM_DROP(em_stream) s = client(&h);
    uint64_t start = em_clock_monotonic_ms();
    em_err err = EM_ERR_AGAIN;
    while (err == EM_ERR_AGAIN && em_clock_monotonic_ms() - start < 10000) {
        (void)!em_stream_write_full(&s, EM_STR("."), soon()); /* never idle */
        em_thread_sleep_ms(20);
        err = em_stream_read(&s, b, sizeof b, EM_NOW, &n);
    }
    uint64_t took = em_clock_monotonic_ms() - start;
    CHECK(err == EM_OK && n == 13 && b[12] == EM_RELAY_BUSY);
    CHECK(took >= 990 && took < 5000);
    CHECK(host_stop(&h) == 0);
    enclave_stop(&e);
}

static void silence_and_age_end_a_connection(void)
{
    const char *at = unix_address("e");
    enclave e;
    host h;
    uint8_t b[4];
    size_t n = 0;

    enclave_start(&e, at, ECHO);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at, "--idle-s", "1",
               "--life-s", "3", "--admin", "tcp:127.0.0.1:0");
    em_address admin = host_address(&h, "admin", 0);
    EM_DROP(em_stream) quiet = client(&h);
    EM_DROP(em_stream) busy = client(&h);
    uint64_t start = em_clock_monotonic_ms(), quiet_ms = 0, busy_ms = 0;
    CHECK_OK(em_stream_write_full(&quiet, EM_STR("ping"), soon()));
    CHECK_OK(em_stream_read_full(&quiet, b, 4, soon()));
    while (busy_ms == 0 && em_clock_monotonic_ms() - start < 10000) {
        if (em_stream_write_full(&busy, EM_STR("ping"), soon()) != EM_OK ||
            em_stream_read_full(&busy, b, 4, soon()) != EM_OK)
            busy_ms = em_clock_monotonic_ms() - start;
        if (quiet_ms == 0 && em_stream_read(&quiet, b, 1, EM_NOW, &n) != EM_ERR_AGAIN)
            quiet_ms = em_clock_monotonic_ms() - start;
        em_thread_sleep_ms(10);
    }
    CHECK(quiet_ms >= 990 && quiet_ms < 2500);
    CHECK(busy_ms >= 2900 && busy_ms < 6000);
    CHECK(host_metric(&admin, "em_host_closed_total{why=\"idle\"}") == 1);
    CHECK(host_metric(&admin, "em_host_closed_total{why=\"life\"}") == 1);
    CHECK(host_stop(&h) == 0);
    enclave_stop(&e);
}

/* ---- many, and the end ---- */

enum { MANY = 300 };

static void three_hundred_at_once_each_hear_their_own(void)
{
    const char *at = unix_address("e");
    static em_stream s[MANY];
    enclave e;
    host h;
    char text[32], back[32];
    size_t right = 0;
    struct rlimit files = {2048, 4096};

    (void)setrlimit(RLIMIT_NOFILE, &files);
    enclave_start(&e, at, ECHO);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at, "--admin",
               "tcp:127.0.0.1:0");
    for (int i = 0; i < MANY; i++) s[i] = client(&h);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++) {
            snprintf(text, sizeof text, "client %03d round %d........", i, round);
            CHECK_OK(em_stream_write_full(&s[i], em_view(text, 24), soon()));
        }
        for (int i = MANY; i-- > 0;) {
            snprintf(text, sizeof text, "client %03d round %d........", i, round);
            CHECK_OK(em_stream_read_full(&s[i], back, 24, soon()));
            right += memcmp(text, back, 24) == 0;
        }
    }
    CHECK(right == 3 * MANY);
    em_address admin = host_address(&h, "admin", 0);
    CHECK(host_metric(&admin, "em_host_connections_open") == MANY);
    CHECK(host_metric(&admin, "em_host_connections_total") == MANY);
    for (int i = 0; i < MANY; i++) em_stream_drop(&s[i]);
    CHECK(host_stop(&h) == 0);
    enclave_stop(&e);
}

/* Out of descriptors it pauses, and is there again when some are free. */
static void running_out_of_descriptors_is_survived(void)
{
    const char *at = unix_address("e");
    em_stream s[40];
    enclave e;
    host h;
    uint8_t b = 0;
    struct rlimit before, few;

    enclave_start(&e, at, GREET);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at);
    CHECK(prlimit(h.process.pid, RLIMIT_NOFILE, NULL, &before) == 0);
    few = (struct rlimit){.rlim_cur = 30, .rlim_max = before.rlim_max};
    CHECK(prlimit(h.process.pid, RLIMIT_NOFILE, &few, NULL) == 0);
    for (int i = 0; i < 40; i++) s[i] = client(&h); /* the kernel's queue takes them */
    CHECK_OK(em_stream_read_full(&s[0], &b, 1, soon()));
    CHECK(b == '!');
    em_thread_sleep_ms(250);
    for (int i = 0; i < 40; i++) em_stream_drop(&s[i]);
    CHECK(prlimit(h.process.pid, RLIMIT_NOFILE, &before, NULL) == 0);
    bool served = false;
    uint64_t start = em_clock_monotonic_ms();
    while (!served && em_clock_monotonic_ms() - start < 10000) {
        EM_DROP(em_stream) again = client(&h);
        served = em_stream_read_full(&again, &b, 1, soon()) == EM_OK && b == '!';
    }
    CHECK(served);
    CHECK(host_stop(&h) == 0);
    enclave_stop(&e);
}

static void sigterm_ends_it_within_a_second(void)
{
    const char *at = unix_address("e"), *door = unix_address("store");
    enclave e;
    host h;
    uint8_t b;
    size_t n = 0;

    enclave_start(&e, at, SILENT);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at, "--store", "/tmp",
               "--store-listen", door, "--admin", "tcp:127.0.0.1:0");
    EM_DROP(em_stream) s = client(&h);
    CHECK_OK(em_stream_write_full(&s, EM_STR("x"), soon()));
    em_thread_sleep_ms(50);
    uint64_t start = em_clock_monotonic_ms();
    CHECK(host_stop(&h) == 0);
    CHECK(em_clock_monotonic_ms() - start < 1000);
    CHECK(em_stream_read(&s, &b, 1, soon(), &n) != EM_OK); /* torn, not served on */
    CHECK(!em_file_exists(address_of(door).name));         /* the socket file is gone */
    enclave_stop(&e);

    /* with nobody connected there is nothing to wait for */
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at, "--drain-ms", "60000");
    start = em_clock_monotonic_ms();
    CHECK(host_stop(&h) == 0);
    CHECK(em_clock_monotonic_ms() - start < 1000);
}

static void a_connection_may_end_well_after_sigterm(void)
{
    const char *at = unix_address("e");
    enclave e;
    host h;
    uint8_t b[4];
    em_process_end end = {0};

    enclave_start(&e, at, ECHO);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at, "--drain-ms", "10000");
    em_address listen = host_address(&h, "listen", 0);
    EM_DROP(em_stream) s = client(&h);
    EM_DROP(em_stream) late = {0};
    CHECK_OK(em_stream_write_full(&s, EM_STR("ping"), soon()));
    CHECK_OK(em_stream_read_full(&s, b, 4, soon()));
    CHECK_OK(em_process_signal(&h.process, SIGTERM));
    em_thread_sleep_ms(100);
    CHECK_ERR(em_stream_connect(&listen, soon(), &late), EM_ERR_CONNECT);
    CHECK_OK(em_stream_write_full(&s, EM_STR("pong"), soon()));
    CHECK_OK(em_stream_read_full(&s, b, 4, soon()));
    CHECK(memcmp(b, "pong", 4) == 0);
    em_stream_drop(&s);
    uint64_t start = em_clock_monotonic_ms();
    CHECK_OK(em_process_wait(&h.process, soon(), &end));
    CHECK(!end.signalled && end.code == 0 && em_clock_monotonic_ms() - start < 2000);
    em_process_drop(&h.process);
    unlink(h.log);
    enclave_stop(&e);
}

static void logs_carry_no_payload(void)
{
    const char *at = unix_address("e");
    static uint8_t log[1 << 20];
    enclave e;
    host h;
    uint8_t b[24];
    size_t n = 0;

    enclave_start(&e, at, ECHO);
    HOST_START(&h, "--listen", "tcp:127.0.0.1:0", "--enclave", at, "--log", "debug",
               "--json");
    {
        EM_DROP(em_stream) s = client(&h);
        CHECK_OK(em_stream_write_full(&s, EM_STR("PAYLOAD-THAT-MUST-NOT-BE"), soon()));
        CHECK_OK(em_stream_read_full(&s, b, 24, soon()));
        CHECK_OK(em_stream_end(&s));
        CHECK_ERR(em_stream_read(&s, b, 1, soon(), &n), EM_ERR_CLOSED);
    }
    char path[64];
    strcpy(path, h.log);
    em_process_end end;
    CHECK_OK(em_process_stop(&h.process, 10000, &end));
    CHECK_OK(em_file_read(path, log, sizeof log - 1, &n));
    log[n] = 0;
    CHECK(strstr((char *)log, "\"event\":\"relay.close\"") != NULL);
    CHECK(strstr((char *)log, "\"in\":24,\"out\":24") != NULL);
    CHECK(strstr((char *)log, "PAYLOAD") == NULL);
    em_process_drop(&h.process);
    unlink(path);
    enclave_stop(&e);
}

int main(int argc, char **argv)
{
    RUN_AS_HOST(argc, argv);
    RUN(bytes_pass_both_ways_unchanged);
    RUN(tcp_enclaves_work_too_and_unix_clients);
    RUN(an_end_passes_while_the_other_way_goes_on);
    RUN(last_words_are_not_lost_to_a_reset);
    RUN(a_torn_connection_is_torn_on_the_other_side);
    RUN(a_slow_enclave_slows_the_client);
    RUN(too_many_are_told_busy);
    RUN(who_connects_too_often_is_told_busy);
    RUN(no_enclave_yet_no_enclave_any_more);
    RUN(an_enclave_that_hangs_up_is_said_to_have);
    RUN(the_breaker_opens_probes_and_closes);
    RUN(a_slow_loris_does_not_stay);
    RUN(silence_and_age_end_a_connection);
    RUN(three_hundred_at_once_each_hear_their_own);
    RUN(running_out_of_descriptors_is_survived);
    RUN(sigterm_ends_it_within_a_second);
    RUN(a_connection_may_end_well_after_sigterm);
    RUN(logs_carry_no_payload);
    return test_end();
}
