/* nsm.h - raw exchange with a Nitro Secure Module: request bytes out, response bytes in.
 *
 * Address "/dev/nsm" is the device: ioctl _IOWR(0x0A, 0, struct {iovec request,
 * response}). Address "unix:PATH" is a stand-in that speaks, over one connection, any
 * number of
 *
 *     request  = u32 BE length (1..0x1000) . CBOR bytes
 *     response = u32 BE length (1..0x3000) . CBOR bytes
 *
 * one response to each request, in order.  Nothing here reads or writes CBOR.
 *
 * Trust:  response bytes are hostile until their signature or meaning is checked.
 * Memory: an em_nsm_device owns a descriptor; {0} is none.  One thread at a time.
 */
#ifndef EM_OS_NSM_H
#define EM_OS_NSM_H

#include "os/stream.h"

enum {
    EM_NSM_MAX_REQUEST = 0x1000,
    EM_NSM_MAX_RESPONSE = 0x3000,
    EM_NSM_WAIT_MS =
        10 * 1000, /* for a stand-in; the device has the kernel's own limit */
};

typedef struct em_nsm_device {
    em_stream stream; /* or the device's descriptor */
    bool device;
    em_address address;
} em_nsm_device;

/* EM_ERR_ADDRESS for any other address, EM_ERR_NOT_FOUND, EM_ERR_CONNECT. */
em_err em_nsm_open(em_bytes address, em_nsm_device *ret_nsm);
void em_nsm_device_drop(em_nsm_device *nsm);

/* One exchange.  A failed exchange with a stand-in closes the connection; the next call
 * connects again.  EM_ERR_NSM: the module broke the frame or the ioctl failed. */
em_err em_nsm_call(em_nsm_device *nsm, em_bytes request,
                   uint8_t ret_response[EM_NSM_MAX_RESPONSE], size_t *ret_len);

/* The stand-in's side of the frame: reads a request, writes a response. */
em_err em_nsm_take(em_stream *s, uint64_t deadline_ms,
                   uint8_t ret_request[EM_NSM_MAX_REQUEST], size_t *ret_len);
em_err em_nsm_answer(em_stream *s, em_bytes response, uint64_t deadline_ms);

#endif
