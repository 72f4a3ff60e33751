/* metadata.h - AWS credentials for the enclave, as the instance metadata service has
 * them, over HTTP/1.1.
 *
 *     GET /latest/meta-data/iam/security-credentials/       the role's name
 *     GET /latest/meta-data/iam/security-credentials/ROLE   its JSON document
 *     GET /credentials                                      the same document
 *
 * From a file, the role is called "file" and the file is read for every request, so that
 * it may be replaced.  From the instance metadata service (version 2: a token by PUT,
 * then the role, then the document) an answer is kept for a minute; the service itself
 * renews credentials minutes before they expire.
 *
 *     200  the document             502  the metadata service did not give one
 *     404  another path             405  another method
 *
 * Trust:  credentials prove nothing to the enclave and say nothing about a model; but
 *         they are secrets of the account, so they are served only on Unix sockets,
 *         vsock and loopback addresses, never logged, and wiped after use.
 * Memory: a thread of libmicrohttpd's; one document of at most 16 KiB.
 */
#ifndef EM_HOST_METADATA_H
#define EM_HOST_METADATA_H

#include "host/metrics.h"
#include "host/web.h"
#include "os/thread.h"

enum { EM_METADATA_MAX = 16 << 10, EM_METADATA_ROLE = 128 };

typedef struct em_metadata {
    em_web web;
    const char *file;  /* or NULL: */
    char base_url[96]; /* of the metadata service */
    em_metrics *metrics;
    em_thread_mutex lock; /* of what follows */
    uint64_t fetched_ms;  /* 0: never */
    char role[EM_METADATA_ROLE + 1];
    size_t len;
    uint8_t document[EM_METADATA_MAX];
} em_metadata;

/* `file` is a path, or NULL for the metadata service at `service` (the usual one when
 * NULL).  `metadata` must stay in place. */
em_err em_metadata_start(em_metadata *metadata, const char *file,
                         const em_address *service, const em_stream_listener *listener,
                         uint32_t only_cid, em_metrics *metrics);
void em_metadata_drop(em_metadata *metadata);

#endif
