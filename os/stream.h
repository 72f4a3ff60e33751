/* stream.h - connected byte streams over TCP, Unix and vsock sockets, with deadlines.
 *
 * Every descriptor is non-blocking and close-on-exec; waiting is poll().  Deadlines are
 * absolute, see os/clock.h; with EM_NOW a call that would wait gives EM_ERR_AGAIN.
 *
 *     EM_ERR_CLOSED   the peer ended its direction (read), or takes no more (write)
 *     EM_ERR_TIMEOUT  the deadline passed
 *     EM_ERR_CONNECT  nobody answers at that address
 *     EM_ERR_IO       the connection was torn down, or the kernel failed
 *
 * No call raises SIGPIPE or stops at EINTR.
 *
 * Trust:  bytes are the peer's, nothing is believed.
 * Memory: an em_stream owns its descriptor; {0} is none.  One thread reads and another
 *         may write at the same time; otherwise a stream belongs to one thread.
 */
#ifndef EM_OS_STREAM_H
#define EM_OS_STREAM_H

#include "os/address.h"
#include "os/clock.h"

typedef struct em_stream {
    int fd;
    bool open;
} em_stream;

/* Closes it; {0} is allowed. */
void em_stream_drop(em_stream *s);

/* Connects; a TCP name is resolved first (which may outlast the deadline). */
em_err em_stream_connect(const em_address *to, uint64_t deadline_ms,
                         em_stream *ret_stream);

/* At least one byte, at most `cap`. */
em_err em_stream_read(em_stream *s, void *to, size_t cap, uint64_t deadline_ms,
                      size_t *ret_len);

/* At least one byte of `from` (none when it is empty). */
em_err em_stream_write(em_stream *s, em_bytes from, uint64_t deadline_ms,
                       size_t *ret_len);

/* Exactly `len` bytes, or an error: EM_ERR_CLOSED when the stream ended before the first,
 * EM_ERR_SHORT when it ended later.  `to` may then hold a part. */
em_err em_stream_read_full(em_stream *s, void *to, size_t len, uint64_t deadline_ms);

/* All of `from`. */
em_err em_stream_write_full(em_stream *s, em_bytes from, uint64_t deadline_ms);

/* Until there is something to read (or, `writable`, room to write), or the stream broke.
 */
em_err em_stream_wait(em_stream *s, bool writable, uint64_t deadline_ms);

/* Ends our direction; the peer reads EM_ERR_CLOSED after what was written. */
em_err em_stream_end(em_stream *s);

/* Makes a close tear the connection down (TCP: RST), so that the peer cannot take what it
 * got for a whole.  Call before the drop. */
void em_stream_abort(em_stream *s);

/* Two connected streams in this process. */
em_err em_stream_pair(em_stream *ret_a, em_stream *ret_b);

/* Takes over a connected socket. */
em_err em_stream_adopt(int fd, em_stream *ret_stream);

/* ---- listening ---- */

typedef struct em_stream_listener {
    int fd;
    bool open;
    em_address at;         /* with the port that the kernel chose */
    uint64_t device, node; /* the socket file's, so that only ours is removed */
} em_stream_listener;

/* Closes it and removes its socket file. */
void em_stream_listener_drop(em_stream_listener *l);

/* A Unix socket file gets mode 0600; one that nobody listens on any more is replaced,
 * anything else at that path is EM_ERR_EXISTS (as is a TCP or vsock port in use). */
em_err em_stream_listen(const em_address *at, em_stream_listener *ret_listener);

/* `ret_peer` (may be NULL) has the peer's numeric host or CID, and port; a Unix peer has
 * an empty name. */
em_err em_stream_accept(em_stream_listener *l, uint64_t deadline_ms,
                        em_stream *ret_stream, em_address *ret_peer);

#endif
