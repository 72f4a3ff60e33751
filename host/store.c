#include "host/store.h"
#include "host/range.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool em_store_good_target(const char *target)
{
    size_t len = strlen(target);

    if (len < 2 || len > 1 + EM_STORE_NAME || target[0] != '/' || target[1] == '.')
        return false;
    for (size_t i = 1; i < len; i++) {
        char c = target[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        if (!good) return false;
    }
    return true;
}

/* A regular file right in the folder; not through a link, not waiting for a pipe. */
static int open_file(const em_store *s, const char *name, uint64_t *ret_size)
{
    struct stat info;
    int fd = openat(s->folder, name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) return -1;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)close(fd);
        return -1;
    }
    *ret_size = (uint64_t)info.st_size;
    return fd;
}

static unsigned unsatisfiable(const em_web_request *request, uint64_t size)
{
    char range[64];
    struct MHD_Response *r =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);

    if (r == NULL) return 0;
    (void)snprintf(range, sizeof range, "bytes */%llu", (unsigned long long)size);
    (void)MHD_add_response_header(r, "Content-Range", range);
    bool sent = MHD_queue_response(request->connection, MHD_HTTP_RANGE_NOT_SATISFIABLE,
                                   r) == MHD_YES;
    MHD_destroy_response(r);
    return sent ? MHD_HTTP_RANGE_NOT_SATISFIABLE : 0;
}

/* The server takes the descriptor over. */
static unsigned send_file(const em_web_request *request, int fd, uint64_t size,
                          const em_range *part)
{
    em_range whole = {.first = 0, .len = size};
    const em_range *what = part != NULL ? part : &whole;
    unsigned status = part != NULL ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK;
    char range[96];

    struct MHD_Response *r =
        MHD_create_response_from_fd_at_offset64(what->len, fd, what->first);
    if (r == NULL) {
        (void)close(fd);
        return 0;
    }
    (void)MHD_add_response_header(r, "Content-Type", "application/octet-stream");
    (void)MHD_add_response_header(r, "Accept-Ranges", "bytes");
    if (part != NULL) {
        (void)snprintf(
            range, sizeof range, "bytes %llu-%llu/%llu", (unsigned long long)part->first,
            (unsigned long long)(part->first + part->len - 1), (unsigned long long)size);
        (void)MHD_add_response_header(r, "Content-Range", range);
    }
    bool sent = MHD_queue_response(request->connection, status, r) == MHD_YES;
    MHD_destroy_response(r);
    return sent ? status : 0;
}

static unsigned answer(void *arg, const em_web_request *request)
{
    const em_store *s = arg;
    uint64_t size = 0;
    em_range part;

    if (!em_store_good_target(request->target))
        return em_web_status(request, MHD_HTTP_NOT_FOUND);
    int fd = open_file(s, request->target + 1, &size);
    if (fd < 0) return em_web_status(request, MHD_HTTP_NOT_FOUND);

    const char *range =
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Range");
    /* Range is for GET only (RFC 9110 §14.2) */
    if (range == NULL || request->head ||
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "If-Range") !=
            NULL)
        return send_file(request, fd, size, NULL);
    if (em_range_parse(em_view(range, strlen(range)), size, &part) != EM_OK) {
        (void)close(fd);
        return unsatisfiable(request, size);
    }
    return send_file(request, fd, size, &part);
}

static void count(void *arg, unsigned status)
{
    em_store *s = arg;

    em_metrics_add(s->metrics,
                   status == MHD_HTTP_OK                ? EM_METRIC_STORE_OK
                   : status == MHD_HTTP_PARTIAL_CONTENT ? EM_METRIC_STORE_PART
                   : status < 500                       ? EM_METRIC_STORE_REFUSED
                                                        : EM_METRIC_STORE_FAILED,
                   1);
}

em_err em_store_start(em_store *store, const char *folder,
                      const em_stream_listener *listener, uint32_t only_cid,
                      em_metrics *metrics)
{
    store->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->folder < 0) return EM_ERR_NOT_FOUND;
    store->metrics = metrics;
    store->web =
        (em_web){.answer = answer, .count = count, .arg = store, .only_cid = only_cid};
    em_err err = em_web_start(&store->web, listener);
    if (err != EM_OK) {
        (void)close(store->folder);
        store->folder = -1;
    }
    return err;
}

void em_store_drop(em_store *store)
{
    if (store->web.daemon == NULL) return;
    em_web_drop(&store->web);
    (void)close(store->folder);
}
