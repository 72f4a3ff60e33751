/* local.h - a whole deployment in one process: the twin's NSM behind a socket, a small
 * model sealed and opened, an identity as em-enclave makes it, and a client's policy that
 * believes it.
 *
 * Trust:  test code only.
 * Memory: static storage; local_stop frees what it can, the folder goes at exit.
 */
#ifndef EM_TESTS_SYSTEM_LOCAL_H
#define EM_TESTS_SYSTEM_LOCAL_H

#include "crypto/setup.h"
#include "enclave/guest.h"
#include "enclave/runner.h"
#include "os/entropy.h"
#include "os/thread.h"
#include "tests/support/test.h"
#include "tests/tools/folder.h"
#include "tools/bundlefile.h"
#include "tools/pack_bundle.h"
#include "tools/synth.h"
#include "trust/policy.h"
#include "twin/nsm_state.h"

#define LOCAL_ROLE "arn:aws:iam::111122223333:role/test"
#define LOCAL_INSTANCE "i-0123456789abcdef0"

enum { LOCAL_DAY_MS = 24 * 3600 * 1000 };

typedef struct local {
    em_ca ca;
    em_nsm_state nsm;
    em_stream_listener nsm_at;
    em_stream nsm_open; /* the connection being served */
    em_thread nsm_thread;
    atomic_bool stopping;
    atomic_uint documents;

    em_measure pcr[3], role;
    em_root root;
    em_ed25519_secret publisher_secret, signer_secret;
    em_publisher publisher;
    em_ed25519_public signer;
    em_content_key key;
    em_bundlefile bundle;

    em_config config;
    em_attestor attestor;
    em_identity identity;
    em_kernels kernels;
    em_runner runner;
    em_jobs jobs;
    em_bytes policy;
} local;

static local here;
static em_synth local_model; /* what it is like; to be set before local_start */

/* ---- the NSM: a thread, a connection at a time ---- */

static void local_nsm(void *arg)
{
    static uint8_t request[EM_NSM_MAX_REQUEST], answer[EM_NSM_MAX_RESPONSE];
    size_t len;

    (void)arg;
    while (!atomic_load(&here.stopping)) {
        if (em_stream_accept(&here.nsm_at, em_clock_deadline(100), &here.nsm_open,
                             NULL) != EM_OK)
            continue;
        for (;;) {
            em_err err = em_stream_wait(&here.nsm_open, false, em_clock_deadline(100));
            if (atomic_load(&here.stopping)) break;
            if (err == EM_ERR_TIMEOUT) continue;
            em_out o = EM_OUT(answer);
            if (em_nsm_take(&here.nsm_open, em_clock_deadline(1000), request, &len) !=
                    EM_OK ||
                em_nsm_state_answer(&here.nsm, em_view(request, len), em_clock_wall_ms(),
                                    &o) != EM_OK ||
                em_nsm_answer(&here.nsm_open, em_write_view(&o),
                              em_clock_deadline(1000)) != EM_OK)
                break;
            atomic_store(&here.documents, (unsigned)here.nsm.documents);
        }
        em_stream_drop(&here.nsm_open);
    }
}

static void local_must(em_err err, const char *what)
{
    if (err == EM_OK) return;
    printf("  %s: %s\n", what, em_err_name(err));
    abort();
}

static void local_start_nsm(em_config_text *ret_address)
{
    em_address at;

    for (size_t i = 0; i < 3; i++) memset(here.pcr[i].pcr, 0x40 + (int)i, EM_PCR_LEN);
    em_measure_extend(EM_STR(LOCAL_ROLE), &here.role);
    local_must(em_ca_open(test_folder, &here.ca), "ca");
    em_x509_fingerprint(em_view(here.ca.chain.der[0], here.ca.chain.len[0]),
                        here.root.sha256);
    local_must(em_nsm_state_boot(&here.ca, here.pcr, LOCAL_ROLE, LOCAL_INSTANCE, 7, false,
                                 &here.nsm),
               "nsm");
    int len = snprintf(ret_address->at, sizeof ret_address->at, "unix:%s/nsm.sock",
                       test_folder);
    ret_address->len = (size_t)len;
    local_must(em_address_parse(em_view(ret_address->at, ret_address->len), &at),
               "address");
    local_must(em_stream_listen(&at, &here.nsm_at), "listen");
    local_must(em_thread_start(local_nsm, NULL, "nsm", &here.nsm_thread), "thread");
}

/* ---- the model ---- */

static em_err local_wrap(void *arg, const em_content_key *key,
                         const em_manifest_body *body, const uint8_t *hash,
                         em_out *wrapped)
{
    (void)arg, (void)body, (void)hash;
    here.key = *key;
    em_write_bytes(wrapped, EM_STR("wrapped"));
    return EM_OK;
}

static em_ed25519_secret local_key(uint8_t seed, em_ed25519_public *ret_public)
{
    uint8_t bytes[EM_ED25519_SEED_LEN];
    em_ed25519_secret secret;

    memset(bytes, seed, sizeof bytes);
    local_must(em_ed25519_from_seed(bytes, &secret, ret_public), "key");
    return secret;
}

static void local_make_model(em_served *s)
{
    uint64_t now_ms = em_clock_wall_ms();
    const em_pack_terms terms = {.id = EM_STR("small"),
                                 .version = EM_STR("1.0"),
                                 .number = 3,
                                 .not_after_ms = now_ms + LOCAL_DAY_MS,
                                 .licence = EM_STR("CC0-1.0"),
                                 .kms_key = EM_STR("arn:aws:kms:x:1:key/2"),
                                 .chunk_len = EM_CHUNK_MIN};
    em_pack *pack;
    uint8_t hash[32];

    here.publisher_secret = local_key(1, &here.publisher.key);
    here.publisher.model = EM_STR("small");
    here.publisher.floor = 1;
    local_must(em_synth_write(folder_path("model"), &local_model, &problem), "synth");
    local_must(em_pack_folder(folder_path("model"), NULL, &problem, &pack), "pack");
    local_must(em_pack_bundle(pack, &terms, &here.publisher_secret, local_wrap, NULL,
                              folder_path("small.emb"), NULL, &problem, hash),
               "seal");
    em_pack_free(pack);

    local_must(em_bundlefile_open(folder_path("small.emb"), &problem, &here.bundle),
               "open");
    local_must(em_bundlefile_unseal(&here.bundle, &here.publisher, 1, now_ms, &here.key,
                                    &problem, &s->image),
               "unseal");
    local_must(em_map_anonymous(EM_MAX_TENSORS * sizeof(em_tensor), 0, &s->tensors),
               "pages");
    s->signed_manifest = here.bundle.head.manifest;
    local_must(em_manifest_verify(s->signed_manifest, &here.publisher, 1, now_ms,
                                  (em_tensor *)(void *)s->tensors.at, &s->manifest),
               "manifest");
    const em_bundle_image image = {.manifest = &s->manifest,
                                   .bytes = em_map_view(&s->image)};
    local_must(
        em_served_bind(s, &image,
                       (em_plan_limits){.tokens = 128, .sequences = 64, .workers = 1}),
        "bind");
}

/* ---- the client's policy ---- */

static void local_make_policy(void)
{
    uint64_t now_ms = em_clock_wall_ms();
    em_out body = em_out_over(test_alloc(EM_MAX_POLICY), EM_MAX_POLICY);
    em_out o = em_out_over(test_alloc(EM_MAX_POLICY), EM_MAX_POLICY);

    here.signer_secret = local_key(2, &here.signer);
    em_policy_body b = {.id = EM_STR("local policy"),
                        .version = 5,
                        .mode = EM_MODE_EVALUATION,
                        .not_before_ms = now_ms - LOCAL_DAY_MS,
                        .not_after_ms = now_ms + LOCAL_DAY_MS,
                        .freshness_ms = EM_FRESH_DEFAULT_MS,
                        .n_roots = 1,
                        .n_tuples = 1,
                        .n_publishers = 1,
                        .root = {here.root},
                        .tuple = {{.pcr0 = EM_BYTES(here.pcr[0].pcr),
                                   .pcr1 = EM_BYTES(here.pcr[1].pcr),
                                   .pcr2 = EM_BYTES(here.pcr[2].pcr),
                                   .pcr3 = EM_BYTES(here.role.pcr),
                                   .protocol = 1,
                                   .not_after_ms = now_ms + LOCAL_DAY_MS}},
                        .publisher = {here.publisher}};
    local_must(em_policy_encode(&b, &body), "policy");
    local_must(em_policy_sign(em_write_view(&body), &here.signer_secret, &o), "policy");
    here.policy = em_write_view(&o);
}

static void local_text(em_config_text *t, const char *text)
{
    t->len = strlen(text);
    memcpy(t->at, text, t->len + 1);
}

/* Everything up to where em-enclave would begin to serve. */
__attribute__((unused)) static void local_start(void)
{
    em_config *c = &here.config;

    local_must(em_setup(), "setup");
    folder_begin();
    local_text(&c->version, "cfg-1");
    local_text(&c->deployment, "here");
    c->limits.sessions = 128;
    c->limits.handshakes = 64;
    c->limits.queue = 256;
    c->limits.memory = EM_CONFIG_MEMORY;
    local_start_nsm(&c->nsm);
    local_must(em_attestor_open(em_view(c->nsm.at, c->nsm.len), &here.attestor),
               "attestor");
    local_must(em_identity_make(&here.identity, c, &here.attestor), "identity");
    local_make_model(&here.identity.served[0]);
    here.identity.n_served = 1;
    em_kernels_pick(&here.kernels, 0);
    here.jobs = em_jobs_inline();
    const em_runner_terms terms = {.served = here.identity.served,
                                   .n_served = 1,
                                   .kernels = &here.kernels,
                                   .jobs = &here.jobs,
                                   .queue = 256,
                                   .wait_ms = 60 * 1000};
    local_must(em_runner_open(&here.runner, &terms), "runner");
    local_make_policy();
}

__attribute__((unused)) static void local_stop(void)
{
    em_attestor_drop(&here.attestor);
    atomic_store(&here.stopping, true);
    em_thread_drop(&here.nsm_thread);
    em_stream_listener_drop(&here.nsm_at);
    em_identity_drop(&here.identity);
    em_runner_drop(&here.runner);
    em_bundlefile_drop(&here.bundle);
    em_ca_drop(&here.ca);
}

#endif
