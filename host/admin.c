#include "host/admin.h"
#include "host/breaker.h"

static unsigned answer(void *arg, const em_web_request *request)
{
    em_admin *a = arg;
    uint8_t page[EM_METRICS_PAGE];
    em_out o = EM_OUT(page);

    if (strcmp(request->target, "/healthz") == 0) {
        if (em_metrics_get(a->metrics, EM_METRIC_BREAKER) != EM_BREAKER_CLOSED)
            return em_web_text(request, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain",
                               EM_STR("no enclave\n"));
        return em_web_text(request, MHD_HTTP_OK, "text/plain", EM_STR("ok\n"));
    }
    if (strcmp(request->target, "/metrics") != 0)
        return em_web_status(request, MHD_HTTP_NOT_FOUND);
    em_metrics_put(a->metrics, &o);
    if (em_write_end(&o) != EM_OK)
        return em_web_status(request, MHD_HTTP_INTERNAL_SERVER_ERROR);
    return em_web_text(request, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
                       em_write_view(&o));
}

static void count(void *arg, unsigned status)
{
    (void)arg;
    (void)status;
}

em_err em_admin_start(em_admin *admin, const em_stream_listener *listener,
                      em_metrics *metrics)
{
    admin->metrics = metrics;
    admin->web = (em_web){
        .answer = answer, .count = count, .arg = admin, .only_cid = EM_ADDRESS_CID_ANY};
    return em_web_start(&admin->web, listener);
}

void em_admin_drop(em_admin *admin)
{
    em_web_drop(&admin->web);
}
