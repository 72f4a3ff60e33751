#include "os/stream.h"
#include "os/connect_impl.h"
#include "os/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void em_stream_drop(em_stream *s)
{
    if (s->open) (void)close(s->fd);
    *s = (em_stream){0};
}

/* Waits until one of `events` (or an error) is there. */
static em_err wait_for(int fd, short events, uint64_t deadline_ms)
{
    if (deadline_ms == EM_NOW) return EM_ERR_AGAIN;
    for (;;) {
        int wait_ms = -1;
        if (deadline_ms != EM_NEVER) {
            uint64_t now = em_clock_monotonic_ms();
            if (now >= deadline_ms) return EM_ERR_TIMEOUT;
            wait_ms = deadline_ms - now > 60000 ? 60000 : (int)(deadline_ms - now);
        }
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, wait_ms);
        if (n > 0) return EM_OK;
        if (n < 0 && errno != EINTR) return EM_ERR_IO;
    }
}

/* ---- reading and writing ---- */

em_err em_stream_read(em_stream *s, void *to, size_t cap, uint64_t deadline_ms,
                      size_t *ret_len)
{
    if (!s->open || cap == 0) return EM_ERR_ARGUMENT;
    for (;;) {
        ssize_t n = read(s->fd, to, cap);
        if (n > 0) {
            *ret_len = (size_t)n;
            return EM_OK;
        }
        if (n == 0) return EM_ERR_CLOSED;
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return EM_ERR_IO;
        EM_TRY(wait_for(s->fd, POLLIN, deadline_ms));
    }
}

em_err em_stream_write(em_stream *s, em_bytes from, uint64_t deadline_ms, size_t *ret_len)
{
    if (!s->open) return EM_ERR_ARGUMENT;
    if (from.len == 0) {
        *ret_len = 0;
        return EM_OK;
    }
    for (;;) {
        ssize_t n = send(s->fd, from.at, from.len, MSG_NOSIGNAL);
        if (n > 0) {
            *ret_len = (size_t)n;
            return EM_OK;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) return EM_ERR_CLOSED;
        /* vsock: no memory for a packet right now is a full buffer too */
        if (n < 0 && errno != EAGAIN) return EM_ERR_IO;
        EM_TRY(wait_for(s->fd, POLLOUT, deadline_ms));
    }
}

em_err em_stream_read_full(em_stream *s, void *to, size_t len, uint64_t deadline_ms)
{
    uint8_t *at = to;

    for (size_t have = 0; have < len;) {
        size_t got = 0;
        em_err err = em_stream_read(s, at + have, len - have, deadline_ms, &got);
        if (err == EM_ERR_CLOSED && have > 0) return EM_ERR_SHORT;
        EM_TRY(err);
        have += got;
    }
    return EM_OK;
}

em_err em_stream_write_full(em_stream *s, em_bytes from, uint64_t deadline_ms)
{
    while (from.len > 0) {
        size_t done = 0;
        EM_TRY(em_stream_write(s, from, deadline_ms, &done));
        from = em_view(from.at + done, from.len - done);
    }
    return EM_OK;
}

em_err em_stream_end(em_stream *s)
{
    if (!s->open) return EM_ERR_ARGUMENT;
    if (shutdown(s->fd, SHUT_WR) == 0 || errno == ENOTCONN) return EM_OK;
    return EM_ERR_IO;
}

void em_stream_abort(em_stream *s)
{
    struct linger now = {.l_onoff = 1};

    if (s->open) (void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

em_err em_stream_pair(em_stream *ret_a, em_stream *ret_b)
{
    int fd[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) != 0)
        return EM_ERR_BUSY;
    *ret_a = (em_stream){.fd = fd[0], .open = true};
    *ret_b = (em_stream){.fd = fd[1], .open = true};
    return EM_OK;
}

em_err em_stream_adopt(int fd, em_stream *ret_stream)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return EM_ERR_ARGUMENT;
    *ret_stream = (em_stream){.fd = fd, .open = true};
    return EM_OK;
}

em_err em_stream_wait(em_stream *s, bool writable, uint64_t deadline_ms)
{
    struct pollfd p = {.fd = s->fd, .events = writable ? POLLOUT : POLLIN};

    if (!s->open) return EM_ERR_ARGUMENT;
    if (deadline_ms != EM_NOW) return wait_for(s->fd, p.events, deadline_ms);
    return poll(&p, 1, 0) > 0 ? EM_OK : EM_ERR_AGAIN;
}

/* ---- connecting ---- */

static em_err finish(em_stream *s, uint64_t deadline_ms)
{
    int number = 0;
    socklen_t len = sizeof number;

    EM_TRY(em_stream_wait(s, true, deadline_ms));
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &number, &len) != 0) return EM_ERR_IO;
    return number == 0 ? EM_OK : EM_ERR_CONNECT;
}

static em_err connect_one(const em_connect_target *target, uint64_t deadline_ms,
                          em_stream *ret_stream)
{
    EM_DROP(em_stream) s = {0};

    EM_TRY(em_connect_socket(target, &s.fd));
    s.open = true;
    for (;;) {
        if (connect(s.fd, (const struct sockaddr *)&target->at, target->len) == 0) break;
        if (errno == EINTR) continue;
        if (errno == EISCONN) break;
        if (errno == EINPROGRESS || errno == EALREADY) {
            EM_TRY(finish(&s, deadline_ms));
            break;
        }
        if (errno == EACCES || errno == EPERM) return EM_ERR_DENIED;
        if (errno != EAGAIN) return EM_ERR_CONNECT;
        /* a Unix listener whose queue is full: poll() cannot wait for that */
        if (deadline_ms == EM_NOW) return EM_ERR_AGAIN;
        if (em_clock_monotonic_ms() >= deadline_ms) return EM_ERR_TIMEOUT;
        em_thread_sleep_ms(1);
    }
    *ret_stream = EM_TAKE(s);
    return EM_OK;
}

em_err em_stream_connect(const em_address *to, uint64_t deadline_ms,
                         em_stream *ret_stream)
{
    em_connect_target target[EM_CONNECT_TARGETS];
    size_t n = 0;
    em_err err = EM_ERR_CONNECT;

    EM_TRY(em_connect_resolve(to, false, target, &n));
    for (size_t i = 0; i < n; i++) {
        err = connect_one(&target[i], deadline_ms, ret_stream);
        if (err == EM_OK || err == EM_ERR_TIMEOUT) break;
    }
    return err;
}

/* ---- listening ---- */

void em_stream_listener_drop(em_stream_listener *l)
{
    struct stat now;

    if (l->open) {
        (void)close(l->fd);
        if (l->at.kind == EM_ADDRESS_UNIX && lstat(l->at.name, &now) == 0 &&
            now.st_dev == l->device && now.st_ino == l->node)
            (void)unlink(l->at.name);
    }
    *l = (em_stream_listener){0};
}

/* A socket file that nobody listens on is left over from a process that died. */
static em_err clear_path(const em_address *at)
{
    struct stat info;
    EM_DROP(em_stream) probe = {0};

    if (lstat(at->name, &info) != 0) return EM_OK; /* bind says what else is wrong */
    if (!S_ISSOCK(info.st_mode)) return EM_ERR_EXISTS;
    if (em_stream_connect(at, EM_NOW, &probe) != EM_ERR_CONNECT) return EM_ERR_EXISTS;
    return unlink(at->name) == 0 ? EM_OK : EM_ERR_DENIED;
}

static em_err bind_to(em_stream_listener *l, const em_connect_target *target)
{
    int one = 1;

    EM_TRY(em_connect_socket(target, &l->fd));
    l->open = true;
    if (target->at.ss_family == AF_UNIX)
        (void)fchmod(l->fd, 0600); /* before bind: the file is born with it */
    else
        (void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(l->fd, (const struct sockaddr *)&target->at, target->len) != 0) {
        switch (errno) {
        case EADDRINUSE:
            return EM_ERR_EXISTS;
        case EACCES:
        case EPERM:
            return EM_ERR_DENIED;
        case ENOENT:
        case ENOTDIR:
            return EM_ERR_NOT_FOUND;
        case EADDRNOTAVAIL:
            return EM_ERR_ADDRESS;
        default:
            return EM_ERR_IO;
        }
    }
    if (listen(l->fd, SOMAXCONN) == 0) return EM_OK;
    return errno == EADDRINUSE ? EM_ERR_EXISTS : EM_ERR_IO;
}

em_err em_stream_listen(const em_address *at, em_stream_listener *ret_listener)
{
    em_connect_target target[EM_CONNECT_TARGETS], bound = {.len = sizeof bound.at};
    size_t n = 0;
    EM_DROP(em_stream_listener) l = {0};
    struct stat info = {0};

    if (at->kind == EM_ADDRESS_UNIX) EM_TRY(clear_path(at));
    EM_TRY(em_connect_resolve(at, true, target, &n));
    EM_TRY(bind_to(&l, &target[0]));
    l.at = *at;
    if (at->kind == EM_ADDRESS_UNIX) {
        if (lstat(at->name, &info) != 0) return EM_ERR_IO;
        l.device = info.st_dev;
        l.node = info.st_ino;
    } else {
        if (getsockname(l.fd, (struct sockaddr *)&bound.at, &bound.len) != 0)
            return EM_ERR_IO;
        l.at.port = em_connect_describe(&bound).port;
    }
    *ret_listener = EM_TAKE(l);
    return EM_OK;
}

em_err em_stream_accept(em_stream_listener *l, uint64_t deadline_ms,
                        em_stream *ret_stream, em_address *ret_peer)
{
    if (!l->open) return EM_ERR_ARGUMENT;
    for (;;) {
        em_connect_target peer = {.len = sizeof peer.at};
        int fd = accept4(l->fd, (struct sockaddr *)&peer.at, &peer.len,
                         SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            em_connect_tune(fd, peer.at.ss_family);
            *ret_stream = (em_stream){.fd = fd, .open = true};
            if (ret_peer != NULL) *ret_peer = em_connect_describe(&peer);
            return EM_OK;
        }
        switch (errno) {
        case EAGAIN:
            EM_TRY(wait_for(l->fd, POLLIN, deadline_ms));
            break;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return EM_ERR_BUSY;
        case EBADF:
        case EINVAL:
            return EM_ERR_IO;
        default:
            break; /* a connection that died in the queue */
        }
    }
}
