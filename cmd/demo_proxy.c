#include "cmd/demo_proxy.h"

#include "os/clock.h"
#include "trust/hello.h"

enum { TICK_MS = 50, WAIT_MS = 5000, STEP = 16 << 10 };

/* Move what is there from one side to the other and keep a copy.  EM_ERR_AGAIN: nothing.
 */
static em_err pass(em_stream *from, em_stream *to, uint8_t *record, atomic_size_t *len,
                   uint64_t limit)
{
    uint8_t buffer[STEP];
    size_t got, room = EM_DEMO_PROXY_MAX - *len;

    EM_TRY(em_stream_read(from, buffer, sizeof buffer, EM_NOW, &got));
    if (limit != 0 && *len + got > limit) got = limit > *len ? (size_t)(limit - *len) : 0;
    if (got > room) return EM_ERR_LIMIT;
    memcpy(record + *len, buffer, got);
    *len += got;
    EM_TRY(em_stream_write_full(to, em_view(buffer, got), em_clock_deadline(WAIT_MS)));
    return limit != 0 && *len >= limit ? EM_ERR_CLOSED : EM_OK;
}

static bool over(em_err err)
{
    return err != EM_OK && err != EM_ERR_AGAIN;
}

static void one_connection(em_demo_proxy *p, em_stream *client)
{
    EM_DROP(em_stream) server = {0};

    if (em_stream_connect(&p->upstream, em_clock_deadline(WAIT_MS), &server) != EM_OK)
        return;
    p->up_len = p->down_len = 0;
    while (!__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE)) {
        em_err up = pass(client, &server, p->up, &p->up_len, 0);
        em_err down = pass(&server, client, p->down, &p->down_len, p->cut_after);
        if (over(up) || over(down)) return;
        if (up == EM_ERR_AGAIN && down == EM_ERR_AGAIN) em_thread_sleep_ms(1);
    }
}

static void run(void *arg)
{
    em_demo_proxy *p = arg;

    while (!__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE)) {
        EM_DROP(em_stream) client = {0};
        if (em_stream_accept(&p->listener, em_clock_deadline(TICK_MS), &client, NULL) ==
            EM_OK)
            one_connection(p, &client);
    }
}

em_err em_demo_proxy_start(em_demo_proxy *p, const em_address *upstream)
{
    em_address at;

    p->upstream = *upstream;
    p->stop = false;
    EM_TRY(em_address_parse(EM_STR("tcp:127.0.0.1:0"), &at));
    EM_TRY(em_stream_listen(&at, &p->listener));
    return em_thread_start(run, p, "proxy", &p->thread);
}

void em_demo_proxy_stop(em_demo_proxy *p)
{
    __atomic_store_n(&p->stop, true, __ATOMIC_RELEASE);
    em_thread_drop(&p->thread);
    em_stream_listener_drop(&p->listener);
}

static bool contains(const uint8_t *in, size_t len, em_bytes what)
{
    for (size_t i = 0; what.len > 0 && i + what.len <= len; i++)
        if (memcmp(in + i, what.at, what.len) == 0) return true;
    return false;
}

bool em_demo_proxy_saw(const em_demo_proxy *p, em_bytes what)
{
    return contains(p->up, p->up_len, what) || contains(p->down, p->down_len, what);
}

em_err em_demo_proxy_replay(const em_demo_proxy *p, const em_address *to, size_t *ret_got)
{
    EM_DROP(em_stream) s = {0};
    static uint8_t e1[EM_RECORD_HEAD + EM_MAX_ATTEST];
    uint8_t more[4096];
    em_record_head head;
    uint64_t deadline_ms = em_clock_deadline(WAIT_MS);
    size_t got, total = 0;

    if (p->up_len < EM_RECORD_HEAD) return EM_ERR_SHORT;
    EM_TRY(em_hello_read_head(p->up, &head));
    size_t c1 = EM_RECORD_HEAD + head.len;
    if (c1 > p->up_len) return EM_ERR_SHORT;
    EM_TRY(em_stream_connect(to, deadline_ms, &s));
    EM_TRY(em_stream_write_full(&s, em_view(p->up, c1), deadline_ms));
    EM_TRY(em_stream_read_full(&s, e1, EM_RECORD_HEAD, deadline_ms));
    EM_TRY(em_hello_read_head(e1, &head));
    EM_TRY(em_stream_read_full(&s, e1 + EM_RECORD_HEAD, head.len, deadline_ms));
    /* the enclave may hang up while this is being written */
    (void)(em_stream_write_full(&s, em_view(p->up + c1, p->up_len - c1), deadline_ms) ==
           EM_OK);
    while (em_stream_read(&s, more, sizeof more, deadline_ms, &got) == EM_OK)
        total += got;
    *ret_got = total;
    return EM_OK;
}
