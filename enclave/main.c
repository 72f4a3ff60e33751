/* em-enclave - the measured program: boots, proves itself, gets its models' keys, serves.
 */
#include "crypto/setup.h"
#include "enclave/loader.h"
#include "enclave/note.h"
#include "enclave/serve.h"
#include "os/args.h"
#include "os/cpu.h"
#include "os/entropy.h"
#include "os/file.h"
#include "os/harden.h"

static const char *const event_names[] = {
#define EM_EVENT(name) #name,
#include "enclave/events.def"
#undef EM_EVENT
    "OK",
#define EM_ERROR(name, face, text) #name,
#include "base/errors.def"
#undef EM_ERROR
};

/* Everything lives as long as the process. */
static em_config config;
static em_identity identity;
static em_serve serve;
/* never dropped: its socket file may not be removed behind the filter; the next start
 * replaces a file that nobody listens on */
static em_stream_listener listener;

static int refuse(em_event what, uint64_t a, em_err err)
{
    em_note(what, a, (uint64_t)err);
    em_note(EM_NOTE_ERROR(err), 0, 0);
    return EM_EXIT_REFUSED;
}

/* What must be true before a secret exists. */
static em_err prepare(void)
{
    uint64_t descriptors;

    EM_TRY(em_harden_process());
    EM_TRY(em_harden_descriptors(2 * EM_MAX_SESSIONS + 64, &descriptors));
    em_err locked = em_harden_lock_memory(); /* as far as the limits allow */
    if (locked != EM_OK && locked != EM_ERR_DENIED && locked != EM_ERR_MEMORY)
        return locked;
    return em_signals_catch();
}

static em_err read_config(const char *path)
{
    EM_DROP(em_map) file = {0};
    const char *where;

    EM_TRY(em_file_load(path, EM_CONFIG_MAX, &file));
    return em_config_read(em_map_view(&file), &config, &where);
}

/* The NSM's randomness goes into the kernel's pool and libcrypto's generator. */
static em_err seed(em_attestor *attestor)
{
    uint8_t random[128];

    EM_TRY(em_attestor_random(attestor, random, sizeof random));
    em_err err = em_entropy_mix(EM_BYTES(random));
    em_setup_seed(EM_BYTES(random));
    em_wipe(random, sizeof random);
    /* where the pool's device is not to be had, libcrypto's generator still got it */
    return err == EM_ERR_DENIED || err == EM_ERR_NOT_FOUND ? EM_OK : err;
}

static int load_models(em_attestor *attestor, em_plan_limits limits)
{
    const em_loader loader = {.config = &config,
                              .attestor = attestor,
                              .time = &identity.time,
                              .limits = limits};

    for (size_t i = 0; i < config.n_models; i++) {
        uint64_t from_ms = em_clock_monotonic_ms();
        bool key = false;
        em_err err = em_loader_load(&loader, i, &identity.served[i], &key);
        if (err != EM_OK)
            return refuse(key ? EM_NOTE_KEY_REFUSED : EM_NOTE_MODEL_REFUSED, i, err);
        identity.n_served = i + 1;
        em_note(EM_NOTE_MODEL_LOADED, i, em_clock_monotonic_ms() - from_ms);
    }
    return EM_EXIT_OK;
}

/* From here on: sessions, the NSM, computation, and nothing else. */
static em_err ready(void)
{
#ifndef EM_SANITIZED
    EM_TRY(em_harden_filter(EM_HARDEN_THREADS | EM_HARDEN_STREAMS | EM_HARDEN_LISTEN |
                            EM_HARDEN_CONNECT | EM_HARDEN_NSM));
#endif
    em_note(EM_NOTE_READY, identity.n_served,
            em_clock_monotonic_ms() - identity.started_ms);
    return EM_OK;
}

static int run(const char *path)
{
    EM_DROP(em_attestor) attestor = {0};
    EM_DROP(em_jobs_pool) pool = {0};
    static em_kernels kernels;
    em_err err;

    if ((err = prepare()) != EM_OK) return refuse(EM_NOTE_FAILED, 0, err);
    if ((err = read_config(path)) != EM_OK) return refuse(EM_NOTE_CONFIG_REFUSED, 0, err);
    em_bytes nsm = em_view(config.nsm.at, config.nsm.len);
    if ((err = em_attestor_open(nsm, &attestor)) != EM_OK ||
        (err = seed(&attestor)) != EM_OK ||
        (err = em_identity_make(&identity, &config, &attestor)) != EM_OK)
        return refuse(EM_NOTE_NSM_REFUSED, 0, err);
    em_note(EM_NOTE_ATTESTED, identity.mode, 0);

    size_t threads =
        config.limits.threads != 0 ? (size_t)config.limits.threads : em_cpu_count();
    if (threads > EM_JOBS_MAX_WORKERS) threads = EM_JOBS_MAX_WORKERS;
    const em_plan_limits limits = {.tokens = (uint32_t)config.limits.batch_tokens,
                                   .sequences = EM_SCHEDULE_SEQUENCES,
                                   .workers = (uint32_t)threads};
    int code = load_models(&attestor, limits);
    if (code != EM_EXIT_OK) return code;
    if ((err = em_jobs_create_placed(threads, &pool)) != EM_OK ||
        (err = em_stream_listen(&config.listen, &listener)) != EM_OK)
        return refuse(EM_NOTE_FAILED, 0, err);

    serve.id = &identity;
    serve.attestor = &attestor;
    em_kernels_pick(&kernels, em_cpu_detect());
    serve.computing = (em_runner_terms){.served = identity.served,
                                        .n_served = identity.n_served,
                                        .kernels = &kernels,
                                        .jobs = em_jobs_of(&pool)};
    serve.listener = &listener;
    err = em_serve_run(&serve, ready);
    em_note(EM_NOTE_STOP, (uint64_t)em_signals_caught(), 0);
    return err == EM_OK ? EM_EXIT_OK : refuse(EM_NOTE_FAILED, 0, err);
}

int main(int argc, char **argv)
{
    const em_args args = {
        .program = "em-enclave",
        .summary = "the enclave's program: attests, loads models, serves sessions",
        .usage = "CONFIG",
        .details =
            "CONFIG is one strict JSON file, measured with this program "
            "(docs/FORMATS.md).\nIt reads no environment variable and writes event "
            "numbers only.\nExit codes: 0 stopped, 1 refused, 2 could not run.\n",
        .min = 1,
        .max = 1};
    char **rest;
    size_t n;

    /* first of all: no environment and no configuration file of libcrypto's */
    if (em_harden_environment() != EM_OK || em_setup() != EM_OK) return EM_EXIT_CANNOT;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;
    em_note_names(event_names, EM_COUNT(event_names));
    em_note(EM_NOTE_START, 1, 0);
    int code = run(rest[0]);
    em_identity_drop(&identity);
    return code;
}
