#include "os/nsm.h"
#include "base/read.h"
#include "base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

/* linux/nsm.h */
typedef struct nsm_raw {
    struct iovec request, response;
} nsm_raw;
#define NSM_RAW _IOWR(0x0A, 0, nsm_raw)
_Static_assert(sizeof(void *) != 8 || NSM_RAW == 0xC0200A00, "the kernel's number");

static const char device_path[] = "/dev/nsm";

void em_nsm_device_drop(em_nsm_device *nsm)
{
    em_stream_drop(&nsm->stream);
    *nsm = (em_nsm_device){0};
}

em_err em_nsm_open(em_bytes address, em_nsm_device *ret_nsm)
{
    EM_DROP(em_nsm_device) n = {0};

    if (em_same(address, em_view(device_path, strlen(device_path)))) {
        int fd = open(device_path, O_RDWR | O_CLOEXEC);
        if (fd < 0) return errno == ENOENT ? EM_ERR_NOT_FOUND : EM_ERR_DENIED;
        n.stream = (em_stream){.fd = fd, .open = true};
        n.device = true;
    } else {
        EM_TRY(em_address_parse(address, &n.address));
        if (n.address.kind != EM_ADDRESS_UNIX) return EM_ERR_ADDRESS;
        EM_TRY(
            em_stream_connect(&n.address, em_clock_deadline(EM_NSM_WAIT_MS), &n.stream));
    }
    *ret_nsm = EM_TAKE(n);
    return EM_OK;
}

static em_err call_device(em_nsm_device *nsm, em_bytes request, uint8_t *response,
                          size_t *ret_len)
{
    uint8_t copy[EM_NSM_MAX_REQUEST]; /* the kernel's structure is not const */
    nsm_raw raw = {
        .request = {.iov_base = copy, .iov_len = request.len},
        .response = {.iov_base = response, .iov_len = EM_NSM_MAX_RESPONSE},
    };
    int failed;

    memcpy(copy, request.at, request.len);
    do {
        failed = ioctl(nsm->stream.fd, NSM_RAW, &raw);
    } while (failed != 0 && errno == EINTR);
    em_wipe(copy, sizeof copy);
    if (failed != 0 || raw.response.iov_len == 0 ||
        raw.response.iov_len > EM_NSM_MAX_RESPONSE)
        return EM_ERR_NSM;
    *ret_len = raw.response.iov_len;
    return EM_OK;
}

/* ---- the stand-in's frame ---- */

static em_err send_frame(em_stream *s, em_bytes body, uint64_t deadline_ms)
{
    uint8_t head[4];
    em_out o = EM_OUT(head);

    em_write_be32(&o, (uint32_t)body.len);
    EM_TRY(em_stream_write_full(s, em_write_view(&o), deadline_ms));
    return em_stream_write_full(s, body, deadline_ms);
}

static em_err take_frame(em_stream *s, size_t most, uint64_t deadline_ms, uint8_t *body,
                         size_t *ret_len)
{
    uint8_t head[4];

    EM_TRY(em_stream_read_full(s, head, sizeof head, deadline_ms));
    em_reader r = {.left = EM_BYTES(head)};
    uint32_t len = em_read_be32(&r);
    if (len == 0 || len > most) return EM_ERR_NSM;
    em_err err = em_stream_read_full(s, body, len, deadline_ms);
    if (err == EM_ERR_CLOSED) return EM_ERR_SHORT; /* the head came, the body did not */
    EM_TRY(err);
    *ret_len = len;
    return EM_OK;
}

em_err em_nsm_take(em_stream *s, uint64_t deadline_ms,
                   uint8_t ret_request[EM_NSM_MAX_REQUEST], size_t *ret_len)
{
    return take_frame(s, EM_NSM_MAX_REQUEST, deadline_ms, ret_request, ret_len);
}

em_err em_nsm_answer(em_stream *s, em_bytes response, uint64_t deadline_ms)
{
    if (response.len == 0 || response.len > EM_NSM_MAX_RESPONSE) return EM_ERR_ARGUMENT;
    return send_frame(s, response, deadline_ms);
}

static em_err call_stand_in(em_nsm_device *nsm, em_bytes request, uint8_t *response,
                            size_t *ret_len)
{
    uint64_t deadline_ms = em_clock_deadline(EM_NSM_WAIT_MS);

    if (!nsm->stream.open)
        EM_TRY(em_stream_connect(&nsm->address, deadline_ms, &nsm->stream));
    EM_TRY(send_frame(&nsm->stream, request, deadline_ms));
    return take_frame(&nsm->stream, EM_NSM_MAX_RESPONSE, deadline_ms, response, ret_len);
}

em_err em_nsm_call(em_nsm_device *nsm, em_bytes request,
                   uint8_t ret_response[EM_NSM_MAX_RESPONSE], size_t *ret_len)
{
    if (request.len == 0 || request.len > EM_NSM_MAX_REQUEST) return EM_ERR_ARGUMENT;
    if (nsm->device) return call_device(nsm, request, ret_response, ret_len);
    if (nsm->address.kind != EM_ADDRESS_UNIX) return EM_ERR_ARGUMENT;

    em_err err = call_stand_in(nsm, request, ret_response, ret_len);
    /* an answer that comes late must not be taken for the next one */
    if (err != EM_OK) em_stream_drop(&nsm->stream);
    return err;
}
