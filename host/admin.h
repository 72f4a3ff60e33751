/* admin.h - /metrics and /healthz, for whoever runs the host.
 *
 *     GET /metrics   200, Prometheus' text format 0.0.4
 *     GET /healthz   200 "ok", or 503 "no enclave" while the breaker is not closed
 *
 * Trust:  tells numbers to whoever reaches the address; takes nothing.
 * Memory: a thread or two of libmicrohttpd's.
 */
#ifndef EM_HOST_ADMIN_H
#define EM_HOST_ADMIN_H

#include "host/metrics.h"
#include "host/web.h"

typedef struct em_admin {
    em_web web;
    em_metrics *metrics;
} em_admin;

/* `admin` must stay in place. */
em_err em_admin_start(em_admin *admin, const em_stream_listener *listener,
                      em_metrics *metrics);
void em_admin_drop(em_admin *admin);

#endif
