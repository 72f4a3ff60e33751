#include "host/host.h"
#include "host/admin.h"
#include "host/metadata.h"
#include "host/options.h"
#include "host/store.h"
#include "os/entropy.h"
#include "os/harden.h"
#include "os/signals.h"

#include <curl/curl.h>
#include <stdio.h>

/* Threads of services and dialers may outlive em_host_run by a moment: none of this may
 * ever be freed. */
static struct state {
    em_options options;
    em_metrics metrics;
    em_loop loop;
    em_loop_watch signals;
    em_relay relay;
    em_store store;
    em_metadata metadata;
    em_admin admin;
    em_stream_listener store_door, credentials_door, admin_door;
} host;

static bool listen_at(const char *what, const em_address *at,
                      em_stream_listener *ret_listener)
{
    char text[EM_ADDRESS_TEXT];
    em_err err = em_stream_listen(at, ret_listener);

    if (err == EM_OK) return true;
    em_address_print(at, text);
    fprintf(stderr, "em-host: cannot listen on %s (%s): %s\n", text, what,
            err == EM_ERR_EXISTS
                ? "it is in use; stop the other program or choose another"
                : em_err_text(err));
    return false;
}

static bool cannot(const char *what, em_err err)
{
    fprintf(stderr, "em-host: %s: %s\n", what, em_err_text(err));
    return false;
}

/* Of vsock peers only the enclave may use what is there for the enclave. */
static uint32_t only_cid(void)
{
    return host.options.enclave.kind == EM_ADDRESS_VSOCK ? host.options.enclave.cid
                                                         : EM_ADDRESS_CID_ANY;
}

static bool open_doors(void)
{
    const em_options *o = &host.options;
    em_stream_listener l = {0};

    if (!listen_at("--listen", &o->listen, &l)) return false;
    em_err err = em_relay_add(&host.relay, &l, &o->enclave, EM_ADDRESS_CID_ANY,
                              (size_t)o->max_connections);
    if (err != EM_OK) return cannot("--listen", err);
    for (size_t i = 0; i < o->n_forward; i++) {
        if (!listen_at("--forward", &o->forward[i].listen, &l)) return false;
        err = em_relay_add(&host.relay, &l, &o->forward[i].to, only_cid(),
                           (size_t)o->max_forwards);
        if (err != EM_OK) return cannot("--forward", err);
    }
    return true;
}

static bool start_services(void)
{
    const em_options *o = &host.options;

    if (o->store != NULL) {
        if (!listen_at("--store-listen", &o->store_listen, &host.store_door))
            return false;
        em_err err = em_store_start(&host.store, o->store, &host.store_door, only_cid(),
                                    &host.metrics);
        if (err != EM_OK) return cannot("--store", err);
    }
    if (o->credentials) {
        if (!listen_at("--credentials-listen", &o->credentials_listen,
                       &host.credentials_door))
            return false;
        em_err err = em_metadata_start(
            &host.metadata, o->credentials_file,
            o->metadata_service.kind == EM_ADDRESS_NONE ? NULL : &o->metadata_service,
            &host.credentials_door, only_cid(), &host.metrics);
        if (err != EM_OK) return cannot("--credentials", err);
    }
    if (o->admin.kind != EM_ADDRESS_NONE) {
        if (!listen_at("--admin", &o->admin, &host.admin_door)) return false;
        em_err err = em_admin_start(&host.admin, &host.admin_door, &host.metrics);
        if (err != EM_OK) return cannot("--admin", err);
    }
    return true;
}

static void stop_services(void)
{
    em_store_drop(&host.store);
    em_metadata_drop(&host.metadata);
    em_admin_drop(&host.admin);
    em_stream_listener_drop(&host.store_door);
    em_stream_listener_drop(&host.credentials_door);
    em_stream_listener_drop(&host.admin_door);
}

static void print_address(const char *name, const em_address *address)
{
    char text[EM_ADDRESS_TEXT];

    if (address->kind == EM_ADDRESS_NONE) return;
    em_address_print(address, text);
    printf(" %s=%s", name, text);
}

/* For whoever started us: the addresses, with the ports that the kernel chose. */
static void say_ready(void)
{
    printf("ready");
    print_address("listen", &host.relay.door[0].listener.at);
    print_address("enclave", &host.options.enclave);
    print_address("store", &host.store_door.at);
    print_address("credentials", &host.credentials_door.at);
    for (size_t i = 1; i < host.relay.doors; i++)
        print_address("forward", &host.relay.door[i].listener.at);
    print_address("admin", &host.admin_door.at);
    printf("\n");
    (void)fflush(stdout);
    EM_LOG(EM_LOG_INFO, "host.ready",
           EM_LOG_ADDRESS("listen", &host.relay.door[0].listener.at),
           EM_LOG_ADDRESS("enclave", &host.options.enclave));
}

static void on_signal(void *arg, unsigned events)
{
    (void)arg;
    (void)events;
    em_loop_remove(&host.loop, &host.signals); /* it stays readable */
    EM_LOG(EM_LOG_INFO, "host.stop",
           EM_LOG_NUMBER("signal", (uint64_t)em_signals_caught()),
           EM_LOG_NUMBER("open", em_metrics_get(&host.metrics, EM_METRIC_OPEN)));
    em_relay_stop(&host.relay);
}

static bool prepare(void)
{
    const em_options *o = &host.options;
    uint64_t seed = 0, descriptors = 0, want = 0;

    em_log_setup(o->log, o->json);
    em_err err = em_signals_catch();
    if (err == EM_OK) err = em_harden_process();
    if (err == EM_OK) err = em_entropy_fill(&seed, sizeof seed);
    /* two for each connection, some for the services */
    want = 2 * (o->max_connections + EM_RELAY_REFUSALS + o->n_forward * o->max_forwards);
    if (err == EM_OK) err = em_harden_descriptors(want + 512, &descriptors);
    if (err == EM_OK && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        err = EM_ERR_INTERNAL;
    if (err == EM_OK) err = em_loop_open(em_relay_wake, &host.relay, &host.loop);
    if (err != EM_OK) return cannot("starting", err);
    if (descriptors < want + 512)
        EM_LOG(EM_LOG_WARN, "host.descriptors", EM_LOG_NUMBER("have", descriptors),
               EM_LOG_NUMBER("want", want + 512));

    host.metrics.started_ms = em_clock_wall_ms();
    host.relay.metrics = &host.metrics;
    host.relay.limits = o->limits;
    em_breaker_init(&host.relay.breaker, (unsigned)o->breaker, o->cool_ms,
                    32 * o->cool_ms);
    em_rate_init(&host.relay.rate, o->rate, o->burst, seed);
    err = em_relay_start(&host.relay, &host.loop);
    host.signals = (em_loop_watch){.fd = em_signals_fd(), .ready = on_signal};
    if (err == EM_OK) err = em_loop_add(&host.loop, &host.signals, EM_LOOP_READ);
    return err == EM_OK ? true : cannot("starting", err);
}

int em_host_run(int argc, char **argv)
{
    switch (em_options_read(argc, argv, &host.options)) {
    case EM_ARGS_RUN:
        break;
    case EM_ARGS_DONE:
        return EM_EXIT_OK;
    case EM_ARGS_BAD:
    default:
        return EM_EXIT_CANNOT;
    }
    bool started = prepare() && open_doors() && start_services();
    em_err err = EM_OK;
    if (started) {
        say_ready();
        err = em_loop_run(&host.loop);
    }
    stop_services();
    if (host.loop.open) em_relay_drop(&host.relay);
    if (!started) return EM_EXIT_CANNOT;
    EM_LOG(err == EM_OK ? EM_LOG_INFO : EM_LOG_ERROR, "host.end",
           EM_LOG_ERR("error", err));
    return err == EM_OK ? EM_EXIT_OK : EM_EXIT_REFUSED;
}
