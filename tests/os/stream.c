/* Streams: TCP and Unix sockets, deadlines, half-close, errors by name. */
#include "os/stream.h"
#include "os/thread.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static em_address address(const char *text)
{
    em_address a = {0};

    if (em_address_parse(em_view(text, strlen(text)), &a) != EM_OK) abort();
    return a;
}

static const char *socket_path(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "unix:/tmp/em-test-%d-%s", (int)getpid(), name);
    return path;
}

static uint64_t soon(void)
{
    return em_clock_deadline(5000);
}

static void both_ends(const em_address *at)
{
    EM_DROP(em_stream_listener) l = {0};
    EM_DROP(em_stream) client = {0};
    EM_DROP(em_stream) server = {0};
    em_address peer = {0};
    char text[4] = {0};
    size_t n = 0;

    CHECK_OK(em_stream_listen(at, &l));
    CHECK_ERR(em_stream_accept(&l, EM_NOW, &server, NULL), EM_ERR_AGAIN);
    CHECK_ERR(em_stream_accept(&l, em_clock_deadline(20), &server, NULL), EM_ERR_TIMEOUT);
    CHECK(l.at.kind == at->kind && (at->kind != EM_ADDRESS_TCP || l.at.port != 0));
    CHECK_OK(em_stream_connect(&l.at, soon(), &client));
    CHECK_OK(em_stream_accept(&l, soon(), &server, &peer));
    CHECK(peer.kind == at->kind);
    if (at->kind == EM_ADDRESS_TCP) CHECK(strcmp(peer.name, l.at.name) == 0);
    CHECK((fcntl(server.fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((fcntl(server.fd, F_GETFL) & O_NONBLOCK) != 0);

    CHECK_ERR(em_stream_read(&server, text, 4, EM_NOW, &n), EM_ERR_AGAIN);
    CHECK_OK(em_stream_write_full(&client, EM_STR("ping"), soon()));
    CHECK_OK(em_stream_read_full(&server, text, 4, soon()));
    CHECK(memcmp(text, "ping", 4) == 0);
    CHECK_OK(em_stream_write(&server, em_view(NULL, 0), EM_NOW, &n));
    CHECK(n == 0);

    /* half-close: one direction ends, the other goes on */
    CHECK_OK(em_stream_end(&client));
    CHECK_ERR(em_stream_read(&server, text, 4, soon(), &n), EM_ERR_CLOSED);
    CHECK_ERR(em_stream_read_full(&server, text, 4, soon()), EM_ERR_CLOSED);
    CHECK_OK(em_stream_write_full(&server, EM_STR("po"), soon()));
    em_stream_drop(&server);
    CHECK_ERR(em_stream_read_full(&client, text, 4, soon()), EM_ERR_SHORT);
    CHECK(text[0] == 'p');
}

static void tcp_both_ends(void)
{
    em_address at = address("tcp:127.0.0.1:0");
    both_ends(&at);
}

static void tcp6_both_ends(void)
{
    em_address at = address("tcp:[::1]:0");
    EM_DROP(em_stream_listener) l = {0};

    if (em_stream_listen(&at, &l) != EM_OK) {
        test_skip("tcp6", "no IPv6 on this machine");
        return;
    }
    em_stream_listener_drop(&l);
    both_ends(&at);
}

static void tcp_by_name(void)
{
    em_address at = address("tcp:localhost:0");
    EM_DROP(em_stream_listener) l = {0};
    EM_DROP(em_stream) client = {0};

    CHECK_OK(em_stream_listen(&at, &l));
    CHECK_OK(em_stream_connect(&l.at, soon(), &client));
}

static void unix_both_ends(void)
{
    em_address at = address(socket_path("both"));
    struct stat info;

    both_ends(&at);
    CHECK(stat(at.name, &info) != 0); /* the drop removed it */
}

static void a_socket_file_is_private_and_a_stale_one_is_replaced(void)
{
    em_address at = address(socket_path("stale"));
    EM_DROP(em_stream_listener) l = {0};
    EM_DROP(em_stream_listener) second = {0};
    struct stat info;
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    /* left over from a process that died */
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy(un.sun_path, at.name, strlen(at.name) + 1);
    CHECK(bind(fd, (struct sockaddr *)&un, sizeof un) == 0);
    close(fd);
    CHECK_OK(em_stream_listen(&at, &l));
    CHECK(stat(at.name, &info) == 0 && (info.st_mode & 0777) == 0600);
    CHECK_ERR(em_stream_listen(&at, &second), EM_ERR_EXISTS);

    /* what another listener put there meanwhile is not ours to remove */
    unlink(at.name);
    CHECK_OK(em_stream_listen(&at, &second));
    em_stream_listener_drop(&l);
    CHECK(stat(at.name, &info) == 0);
    em_stream_listener_drop(&second);
    CHECK(stat(at.name, &info) != 0);

    /* an ordinary file stays */
    fd = open(at.name, O_CREAT | O_WRONLY, 0600);
    close(fd);
    CHECK_ERR(em_stream_listen(&at, &l), EM_ERR_EXISTS);
    CHECK(stat(at.name, &info) == 0 && S_ISREG(info.st_mode));
    unlink(at.name);
    at = address("unix:/nonexistent/folder/socket");
    CHECK_ERR(em_stream_listen(&at, &l), EM_ERR_NOT_FOUND);
}

static void nobody_there_is_a_named_error(void)
{
    em_address tcp = address("tcp:127.0.0.1:0"), none = address("unix:/nonexistent/s");
    EM_DROP(em_stream_listener) l = {0};
    EM_DROP(em_stream) s = {0};

    CHECK_OK(em_stream_listen(&tcp, &l));
    tcp = l.at;
    em_stream_listener_drop(&l);
    uint64_t start = em_clock_monotonic_ms();
    CHECK_ERR(em_stream_connect(&tcp, soon(), &s), EM_ERR_CONNECT);
    CHECK_ERR(em_stream_connect(&none, soon(), &s), EM_ERR_CONNECT);
    CHECK_ERR(em_stream_connect(&(em_address){0}, soon(), &s), EM_ERR_ADDRESS);
    CHECK(!s.open && em_clock_monotonic_ms() - start < 2000);
}

/* CID 2 and 3 are somebody on some machines: only this machine's own is ever dialled. */
static void vsock_that_is_not_there_is_a_named_error(void)
{
    em_address own = address("vsock:1:9"), any = address("vsock:any:9");
    EM_DROP(em_stream) s = {0};

    uint64_t start = em_clock_monotonic_ms();
    em_err err = em_stream_connect(&own, em_clock_deadline(500), &s);
    CHECK(err == EM_ERR_CONNECT || err == EM_ERR_UNSUPPORTED || err == EM_ERR_TIMEOUT);
    CHECK(!s.open && em_clock_monotonic_ms() - start < 2000);
    CHECK_ERR(em_stream_connect(&any, em_clock_deadline(500), &s), EM_ERR_ADDRESS);
}

static void a_port_in_use_is_a_named_error(void)
{
    em_address at = address("tcp:127.0.0.1:0");
    EM_DROP(em_stream_listener) a = {0};
    EM_DROP(em_stream_listener) b = {0};

    CHECK_OK(em_stream_listen(&at, &a));
    CHECK_ERR(em_stream_listen(&a.at, &b), EM_ERR_EXISTS);
    at = address("tcp:198.51.100.1:0"); /* TEST-NET-2: nobody's */
    CHECK_ERR(em_stream_listen(&at, &b), EM_ERR_ADDRESS);
}

static void deadlines_hold_in_both_directions(void)
{
    EM_DROP(em_stream) a = {0};
    EM_DROP(em_stream) b = {0};
    static uint8_t much[1 << 20];
    size_t n = 0;

    CHECK_OK(em_stream_pair(&a, &b));
    uint64_t start = em_clock_monotonic_ms();
    CHECK_ERR(em_stream_read(&a, much, 1, em_clock_deadline(50), &n), EM_ERR_TIMEOUT);
    CHECK_ERR(em_stream_write_full(&a, EM_BYTES(much), em_clock_deadline(50)),
              EM_ERR_TIMEOUT);
    uint64_t took = em_clock_monotonic_ms() - start;
    CHECK(took >= 98 && took < 2000);
    CHECK_ERR(em_stream_write(&a, EM_BYTES(much), EM_NOW, &n), EM_ERR_AGAIN);
    CHECK_ERR(em_stream_wait(&a, true, em_clock_deadline(10)), EM_ERR_TIMEOUT);
    CHECK_ERR(em_stream_wait(&a, true, EM_NOW), EM_ERR_AGAIN);
    CHECK_OK(em_stream_wait(&b, false, EM_NEVER));
    CHECK_OK(em_stream_wait(&b, false, EM_NOW));
    /* a deadline in the past is a deadline, not "now" */
    CHECK_ERR(em_stream_read(&a, much, 1, 1, &n), EM_ERR_TIMEOUT);
}

static void writing_to_nobody_is_closed_and_no_signal(void)
{
    EM_DROP(em_stream) a = {0};
    EM_DROP(em_stream) b = {0};
    uint8_t one = 1;
    size_t n = 0;

    CHECK_OK(em_stream_pair(&a, &b));
    em_stream_drop(&b);
    CHECK_ERR(em_stream_write(&a, em_view(&one, 1), soon(), &n), EM_ERR_CLOSED);
    CHECK_ERR(em_stream_read(&a, &one, 1, soon(), &n), EM_ERR_CLOSED);
    CHECK_ERR(em_stream_read(&b, &one, 1, soon(), &n), EM_ERR_ARGUMENT);
    CHECK_ERR(em_stream_write(&b, em_view(&one, 1), soon(), &n), EM_ERR_ARGUMENT);
}

static void an_abort_is_seen_as_torn_not_as_ended(void)
{
    em_address at = address("tcp:127.0.0.1:0");
    EM_DROP(em_stream_listener) l = {0};
    EM_DROP(em_stream) client = {0};
    EM_DROP(em_stream) server = {0};
    uint8_t one;
    size_t n = 0;

    CHECK_OK(em_stream_listen(&at, &l));
    CHECK_OK(em_stream_connect(&l.at, soon(), &client));
    CHECK_OK(em_stream_accept(&l, soon(), &server, NULL));
    em_stream_abort(&server);
    em_stream_drop(&server);
    CHECK_ERR(em_stream_read(&client, &one, 1, soon(), &n), EM_ERR_IO);
}

typedef struct echo {
    em_stream s;
    size_t total;
} echo;

static void echo_in_odd_pieces(void *arg)
{
    echo *e = arg;
    test_random random = {.state = 7};
    static uint8_t buffer[5000];

    for (;;) {
        size_t n = 0, cap = 1 + test_random_next(&random) % sizeof buffer;
        if (em_stream_read(&e->s, buffer, cap, EM_NEVER, &n) != EM_OK) break;
        if (em_stream_write_full(&e->s, em_view(buffer, n), EM_NEVER) != EM_OK) break;
        e->total += n;
    }
    (void)em_stream_end(&e->s);
}

static void send_all(void *arg)
{
    em_stream *s = arg;
    test_random random = {.state = 1};
    static uint8_t data[1 << 20];

    for (int i = 0; i < 8; i++) {
        test_random_fill(&random, data, sizeof data);
        if (em_stream_write_full(s, EM_BYTES(data), EM_NEVER) != EM_OK) break;
    }
    (void)em_stream_end(s);
}

/* One thread writes while another reads the same stream. */
static void megabytes_come_back_unchanged(void)
{
    em_address at = address("tcp:127.0.0.1:0");
    EM_DROP(em_stream_listener) l = {0};
    EM_DROP(em_stream) client = {0};
    echo e = {0};
    test_random random = {.state = 1};
    static uint8_t want[1 << 20], got[1 << 20];
    size_t n = 0;

    CHECK_OK(em_stream_listen(&at, &l));
    CHECK_OK(em_stream_connect(&l.at, soon(), &client));
    CHECK_OK(em_stream_accept(&l, soon(), &e.s, NULL));
    EM_DROP(em_thread) echoer = {0};
    EM_DROP(em_thread) sender = {0};
    CHECK_OK(em_thread_start(echo_in_odd_pieces, &e, "echo", &echoer));
    CHECK_OK(em_thread_start(send_all, &client, "send", &sender));
    for (int i = 0; i < 8; i++) {
        test_random_fill(&random, want, sizeof want);
        CHECK_OK(em_stream_read_full(&client, got, sizeof got, soon()));
        CHECK(memcmp(got, want, sizeof got) == 0);
    }
    CHECK_ERR(em_stream_read(&client, got, 1, soon(), &n), EM_ERR_CLOSED);
    em_thread_drop(&sender);
    em_thread_drop(&echoer);
    CHECK(e.total == 8u << 20);
    em_stream_drop(&e.s);
}

int main(void)
{
    RUN(tcp_both_ends);
    RUN(tcp6_both_ends);
    RUN(tcp_by_name);
    RUN(unix_both_ends);
    RUN(a_socket_file_is_private_and_a_stale_one_is_replaced);
    RUN(nobody_there_is_a_named_error);
    RUN(vsock_that_is_not_there_is_a_named_error);
    RUN(a_port_in_use_is_a_named_error);
    RUN(deadlines_hold_in_both_directions);
    RUN(writing_to_nobody_is_closed_and_no_signal);
    RUN(an_abort_is_seen_as_torn_not_as_ended);
    RUN(megabytes_come_back_unchanged);
    return test_end();
}
