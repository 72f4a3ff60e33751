/* web.h - a small HTTP/1.1 server on a listening socket of os/: Unix, vsock or TCP.
 *
 * Trust:  requests are hostile; libmicrohttpd parses them, with 32 KiB a connection, 64
 *         connections, and 30 seconds of silence.
 * Memory: an em_web owns the server and a copy of the listening descriptor.
 */
#ifndef EM_HOST_WEB_H
#define EM_HOST_WEB_H

#include "os/stream.h"

#include <microhttpd.h>

typedef struct em_web_request {
    struct MHD_Connection *connection;
    const char *target; /* as it came, without a query */
    bool head;          /* HEAD, not GET */
} em_web_request;

typedef struct em_web {
    struct MHD_Daemon *daemon;
    /* Answers one GET or HEAD request and gives the status it sent. */
    unsigned (*answer)(void *arg, const em_web_request *request);
    void (*count)(void *arg, unsigned status);
    void *arg;
    uint32_t only_cid; /* or EM_ADDRESS_CID_ANY */
} em_web;

/* Fill answer, count, arg and only_cid before.  Other methods, queries and requests with
 * a body never reach `answer`.  A vsock peer of another CID than `only_cid` is hung up
 * on. EM_ERR_IO where the server does not start. */
em_err em_web_start(em_web *web, const em_stream_listener *listener);

/* Stops at once. */
void em_web_drop(em_web *web);

/* One answer with a short body; gives `status`. */
unsigned em_web_text(const em_web_request *request, unsigned status, const char *type,
                     em_bytes body);

/* The status with a line of its own meaning ("404 not found"). */
unsigned em_web_status(const em_web_request *request, unsigned status);

#endif
