#include "host/web.h"

#include <linux/vm_sockets.h>
#include <stdlib.h>
#include <unistd.h>

enum { CONNECTIONS = 64, MEMORY = 32 << 10, SILENCE_S = 30, THREADS = 2 };

/* Targets are compared as they came. */
static size_t leave_as_it_is(void *arg, struct MHD_Connection *c, char *text)
{
    (void)arg;
    (void)c;
    return strlen(text);
}

static enum MHD_Result may_connect(void *arg, const struct sockaddr *from, socklen_t len)
{
    const em_web *web = arg;
    struct sockaddr_vm vm = {0};

    if (web->only_cid == EM_ADDRESS_CID_ANY) return MHD_YES;
    if (from == NULL || len < sizeof vm || from->sa_family != AF_VSOCK) return MHD_YES;
    memcpy(&vm, from, sizeof vm);
    return vm.svm_cid == web->only_cid ? MHD_YES : MHD_NO;
}

static bool has_body(struct MHD_Connection *c)
{
    const char *length =
        MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length");

    if (MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Transfer-Encoding") != NULL)
        return true;
    return length != NULL && strcmp(length, "0") != 0;
}

static unsigned route(const em_web *web, struct MHD_Connection *c, const char *target,
                      const char *method)
{
    em_web_request r = {
        .connection = c, .target = target, .head = strcmp(method, "HEAD") == 0};

    if (!r.head && strcmp(method, "GET") != 0)
        return em_web_status(&r, MHD_HTTP_METHOD_NOT_ALLOWED);
    if (has_body(c) ||
        MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, NULL, NULL) > 0)
        return em_web_status(&r, MHD_HTTP_BAD_REQUEST);
    return web->answer(web->arg, &r);
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *c, const char *target,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_len, void **state)
{
    const em_web *web = arg;
    (void)version;
    (void)upload;
    (void)upload_len;
    static char seen;

    /* an answer at the first call would end the connection: right for what carries a body
     * or is refused anyway, wrong for the next of many ranges */
    if (*state == NULL && !has_body(c) && strcmp(method, "GET") == 0) {
        *state = &seen;
        return MHD_YES;
    }
    unsigned status = route(web, c, target, method);
    if (status == 0) return MHD_NO;
    web->count(web->arg, status);
    return MHD_YES;
}

em_err em_web_start(em_web *web, const em_stream_listener *listener)
{
    /* the server closes its own copy; the listener stays the caller's */
    int fd = dup(listener->fd);
    if (fd < 0) return EM_ERR_BUSY;

    web->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, may_connect, web, handle, web,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)THREADS, MHD_OPTION_UNESCAPE_CALLBACK, leave_as_it_is, NULL,
        MHD_OPTION_END);
    if (web->daemon != NULL) return EM_OK;
    (void)close(fd);
    return EM_ERR_IO;
}

void em_web_drop(em_web *web)
{
    if (web->daemon != NULL) MHD_stop_daemon(web->daemon);
    web->daemon = NULL;
}

unsigned em_web_text(const em_web_request *request, unsigned status, const char *type,
                     em_bytes body)
{
    void *at;

    memcpy(&at, &body.at, sizeof at); /* copied at once, const in all but type */
    struct MHD_Response *r =
        MHD_create_response_from_buffer(body.len, at, MHD_RESPMEM_MUST_COPY);
    if (r == NULL) return 0;
    (void)MHD_add_response_header(r, "Content-Type", type);
    (void)MHD_add_response_header(r, "Cache-Control", "no-store");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(r, "Allow", "GET, HEAD");
    bool sent = MHD_queue_response(request->connection, status, r) == MHD_YES;
    MHD_destroy_response(r);
    return sent ? status : 0;
}

unsigned em_web_status(const em_web_request *request, unsigned status)
{
    em_bytes text = EM_STR("500 internal error\n");

    switch (status) {
    case MHD_HTTP_BAD_REQUEST:
        text = EM_STR("400 bad request\n");
        break;
    case MHD_HTTP_NOT_FOUND:
        text = EM_STR("404 not found\n");
        break;
    case MHD_HTTP_METHOD_NOT_ALLOWED:
        text = EM_STR("405 method not allowed\n");
        break;
    case MHD_HTTP_RANGE_NOT_SATISFIABLE:
        text = EM_STR("416 range not satisfiable\n");
        break;
    case MHD_HTTP_BAD_GATEWAY:
        text = EM_STR("502 bad gateway\n");
        break;
    case MHD_HTTP_SERVICE_UNAVAILABLE:
        text = EM_STR("503 unavailable\n");
        break;
    default:
        break;
    }
    return em_web_text(request, status, "text/plain", text);
}
