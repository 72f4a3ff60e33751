/* em-twin - the local stand-in for the cloud: an NSM with its own CA, and a KMS. */
#include "crypto/setup.h"
#include "os/args.h"
#include "os/entropy.h"
#include "os/file.h"
#include "os/log.h"
#include "os/signals.h"
#include "twin/serve.h"
#include "twin/state.h"
#include "wire/text.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_PROGRAM = 256 << 20, MAX_CONFIG = 1 << 20 };

static int fail(const char *what, em_err err)
{
    fprintf(stderr, "em-twin: %s: %s (%s)\n", what, em_err_text(err), em_err_name(err));
    return EM_EXIT_CANNOT;
}

static bool copy(char *to, size_t cap, const char *text)
{
    if (strlen(text) >= cap) return false;
    memcpy(to, text, strlen(text) + 1);
    return true;
}

/* init ----------------------------------------------------------------------------------
 */

static int run_init(int argc, char **argv)
{
    const char *folder = NULL, *region = "eu-central-1", *account = "111122223333";
    const char *role = "arn:aws:iam::111122223333:role/ephemeralml";
    const char *instance = "i-0123456789abcdef0";
    const em_arg table[] = {
        {.name = "state",
         .value = "DIR",
         .help = "the folder to make (needed)",
         .text = &folder},
        {.name = "region", .value = "R", .help = "AWS region to play", .text = &region},
        {.name = "account",
         .value = "N",
         .help = "AWS account to play",
         .text = &account},
        {.name = "role",
         .value = "ARN",
         .help = "the instance's role: PCR3",
         .text = &role},
        {.name = "instance",
         .value = "ID",
         .help = "instance id: PCR4",
         .text = &instance},
    };
    const em_args args = {.program = "em-twin init",
                          .summary = "make a twin's keys and state",
                          .usage = "--state DIR [options]",
                          .arg = table,
                          .n = EM_COUNT(table)};
    char **rest;
    size_t n;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;

    em_state s = {0};
    if (folder == NULL || !copy(s.folder, sizeof s.folder, folder) ||
        !copy(s.region, sizeof s.region, region) ||
        !copy(s.account, sizeof s.account, account) ||
        !copy(s.role, sizeof s.role, role) ||
        !copy(s.instance, sizeof s.instance, instance)) {
        fprintf(stderr,
                "em-twin init: --state DIR is needed, and texts of sane length\n");
        return EM_EXIT_CANNOT;
    }
    em_err err = em_state_create(&s);
    if (err != EM_OK) return fail(folder, err);
    printf("made a twin in %s\n", folder);
    return EM_EXIT_OK;
}

/* key
 * ------------------------------------------------------------------------------------ */

static int run_key(int argc, char **argv)
{
    const char *folder = NULL, *policy_path = NULL, *arn = NULL;
    const em_arg table[] = {
        {.name = "state",
         .value = "DIR",
         .help = "the twin's folder (needed)",
         .text = &folder},
        {.name = "policy",
         .value = "FILE",
         .help = "an AWS key-policy document",
         .text = &policy_path},
        {.name = "key",
         .value = "ARN",
         .help = "replace the policy of this key",
         .text = &arn},
    };
    const em_args args = {.program = "em-twin key",
                          .summary =
                              "make a KMS key and print its ARN, or change its policy",
                          .usage = "--state DIR [--policy FILE] [--key ARN]",
                          .arg = table,
                          .n = EM_COUNT(table)};
    char **rest;
    size_t n;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;

    em_state state;
    em_kms_state kms;
    char made[EM_KMS_STATE_ARN];
    json_t *policy = NULL;
    if (folder == NULL || (arn != NULL && policy_path == NULL)) {
        fprintf(stderr,
                "em-twin key: --state DIR is needed, and --policy FILE with --key\n");
        return EM_EXIT_CANNOT;
    }
    em_err err = em_state_open(folder, &state);
    if (err == EM_OK) err = em_state_kms(&state, &kms);
    if (err != EM_OK) return fail(folder, err);
    if (policy_path != NULL && (policy = json_load_file(policy_path, 0, NULL)) == NULL)
        return fail(policy_path, EM_ERR_FORMAT);
    if (arn != NULL) {
        err = em_kms_state_set_policy(&kms, arn, policy);
    } else {
        err = em_kms_state_create(&kms, policy, made);
        if (err == EM_OK) printf("%s\n", made);
    }
    json_decref(policy);
    return err == EM_OK ? EM_EXIT_OK : fail("key", err);
}

/* run
 * ------------------------------------------------------------------------------------ */

typedef struct run_options {
    const char *folder, *program, *config, *nsm, *kms;
    bool debug;
    em_arg_list hostile;
} run_options;

/* "pcrs=HEX,HEX,HEX": the measurements of somebody else's enclave. */
static em_err take_pcrs(const char *text, em_measure pcr[3])
{
    for (size_t i = 0; i < 3; i++) {
        size_t len, hex = strcspn(text, ",");
        EM_TRY(em_text_from_hex(em_view(text, hex), pcr[i].pcr, sizeof pcr[i].pcr, &len));
        if (len != EM_PCR_LEN || (text[hex] == ',') != (i < 2)) return EM_ERR_FORMAT;
        text += hex + 1;
    }
    return EM_OK;
}

static em_err take_hostile(const em_arg_list *words, em_serve *serve, em_measure pcr[3],
                           int64_t *ret_skew_ms, uint64_t *ret_debug_after)
{
    for (size_t i = 0; i < words->n; i++) {
        const char *w = words->at[i];
        if (strncmp(w, "pcrs=", 5) == 0)
            EM_TRY(take_pcrs(w + 5, pcr));
        else if (strncmp(w, "skew=", 5) == 0)
            *ret_skew_ms = strtoll(w + 5, NULL, 10);
        else if (strncmp(w, "debug-after=", 12) == 0)
            *ret_debug_after = strtoull(w + 12, NULL, 10);
        else if (strcmp(w, "replay") == 0)
            serve->replay = true;
        else if (strcmp(w, "kms-trusts-anyone") == 0)
            serve->kms.villain.trusts_anyone = true;
        else if (strcmp(w, "kms-plaintext") == 0)
            serve->kms.villain.plaintext = true;
        else if (strcmp(w, "kms-key-id") == 0)
            serve->kms.villain.key_id = true;
        else if (strcmp(w, "kms-other-key") == 0)
            serve->kms.villain.other_key = true;
        else if (strcmp(w, "kms-definite") == 0)
            serve->kms.definite = true;
        else if (strcmp(w, "kms-cut") == 0)
            serve->cut = true;
        else
            return EM_ERR_FORMAT;
    }
    return EM_OK;
}

static em_err measure(const run_options *o, em_measure pcr[3])
{
    EM_DROP(em_map) program = {0};
    EM_DROP(em_map) config = {0};

    EM_TRY(em_file_load(o->program, MAX_PROGRAM, &program));
    EM_TRY(em_file_load(o->config, MAX_CONFIG, &config));
    em_measure_local(em_map_view(&program), em_map_view(&config), pcr);
    return EM_OK;
}

static em_err listen_at(const char *text, em_stream_listener *ret_listener)
{
    em_address at;

    EM_TRY(em_address_parse(em_view(text, strlen(text)), &at));
    return em_stream_listen(&at, ret_listener);
}

static em_err setup_tls(const em_state *state, em_serve *serve)
{
    char host[96];
    EVP_PKEY *key = NULL;
    X509 *cert = NULL;
    const char *hosts[] = {host, "localhost"};

    snprintf(host, sizeof host, "kms.%s.amazonaws.com", state->region);
    EM_TRY(em_ca_tls(state->folder, hosts, EM_COUNT(hosts), &key, &cert));
    serve->tls = SSL_CTX_new(TLS_server_method());
    bool good = serve->tls != NULL &&
                SSL_CTX_set_min_proto_version(serve->tls, TLS1_2_VERSION) == 1 &&
                SSL_CTX_use_certificate(serve->tls, cert) == 1 &&
                SSL_CTX_use_PrivateKey(serve->tls, key) == 1;
    EVP_PKEY_free(key);
    X509_free(cert);
    return good ? EM_OK : EM_ERR_TLS;
}

static em_err prepare(const run_options *o, em_ca *ca, em_serve *serve)
{
    em_state state;
    em_measure pcr[3] = {0};
    int64_t skew_ms = 0;
    uint64_t serial, debug_after = 0;

    EM_TRY(em_state_open(o->folder, &state));
    EM_TRY(em_ca_open(o->folder, ca));
    EM_TRY(em_state_kms(&state, &serve->kms));
    serve->access = state.access;
    if (o->program != NULL) EM_TRY(measure(o, pcr));
    EM_TRY(take_hostile(&o->hostile, serve, pcr, &skew_ms, &debug_after));
    EM_TRY(em_entropy_fill(&serial, sizeof serial));
    EM_TRY(em_nsm_state_boot(ca, pcr, state.role, state.instance, serial, o->debug,
                             &serve->nsm));
    serve->nsm.skew_ms = skew_ms;
    serve->nsm.debug_after = debug_after;
    EM_TRY(setup_tls(&state, serve));
    if (o->nsm != NULL) EM_TRY(listen_at(o->nsm, &serve->nsm_at));
    if (o->kms != NULL) EM_TRY(listen_at(o->kms, &serve->kms_at));
    return EM_OK;
}

static void say_ready(const em_serve *serve)
{
    char nsm[EM_ADDRESS_TEXT], kms[EM_ADDRESS_TEXT];

    em_address_print(&serve->nsm_at.at, nsm);
    em_address_print(&serve->kms_at.at, kms);
    printf("ready nsm=%s kms=%s\n", nsm, kms);
    fflush(stdout);
}

static int run_run(int argc, char **argv)
{
    static em_serve serve;
    EM_DROP(em_ca) ca = {0};
    run_options o = {0};
    const em_arg table[] = {
        {.name = "state",
         .value = "DIR",
         .help = "the twin's folder (needed)",
         .text = &o.folder},
        {.name = "program",
         .value = "FILE",
         .help = "measured as PCR0",
         .text = &o.program},
        {.name = "config",
         .value = "FILE",
         .help = "measured as PCR1",
         .text = &o.config},
        {.name = "nsm",
         .value = "ADDR",
         .help = "serve the NSM here (unix:PATH)",
         .text = &o.nsm},
        {.name = "kms",
         .value = "ADDR",
         .help = "serve KMS here (tcp:127.0.0.1:PORT or unix:PATH)",
         .text = &o.kms},
        {.name = "debug",
         .help = "an enclave in debug mode: PCR0 to 2 are zero",
         .flag = &o.debug},
        {.name = "hostile",
         .value = "WORD",
         .help = "play the villain (may be repeated):\n"
                 "pcrs=HEX,HEX,HEX   attest somebody else's measurements\n"
                 "skew=MS            a clock that is wrong by so much\n"
                 "debug-after=N      after N documents, those of a debug enclave\n"
                 "replay             the first document again and again\n"
                 "kms-trusts-anyone  release keys to any document\n"
                 "kms-plaintext      answer with Plaintext too\n"
                 "kms-key-id         name another key in answers\n"
                 "kms-other-key      release other bytes\n"
                 "kms-cut            end answers half-way\n"
                 "kms-definite       CMS with definite lengths (legal)",
         .each = &o.hostile},
    };
    const em_args args = {
        .program = "em-twin run",
        .summary = "serve the NSM and KMS until SIGTERM or Ctrl-C",
        .usage = "--state DIR --program FILE --config FILE --nsm ADDR --kms ADDR",
        .details = "Prints \"ready nsm=ADDR kms=ADDR\" once it serves.\n",
        .arg = table,
        .n = EM_COUNT(table)};
    char **rest;
    size_t n;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;
    if (o.folder == NULL || (o.program == NULL) != (o.config == NULL)) {
        fprintf(stderr,
                "em-twin run: --state DIR is needed; --program and --config together\n");
        return EM_EXIT_CANNOT;
    }

    em_err err = em_signals_catch();
    if (err == EM_OK) err = prepare(&o, &ca, &serve);
    if (err != EM_OK) return fail("cannot start", err);
    say_ready(&serve);
    err = em_serve_run(&serve);
    em_stream_listener_drop(&serve.nsm_at);
    em_stream_listener_drop(&serve.kms_at);
    /* connections still open hold nothing that outlives the process */
    fflush(NULL);
    _Exit(err == EM_OK ? EM_EXIT_OK : EM_EXIT_CANNOT);
}

/* ---------------------------------------------------------------------------------------
 */

static int usage(int code)
{
    fputs("em-twin - the local stand-in for the cloud, for evaluation only\n\n"
          "usage: em-twin COMMAND [options]\n\n"
          "  init   make a twin's keys and state in a folder\n"
          "  key    make a KMS key, or change a key's policy\n"
          "  run    serve the NSM and KMS\n\n"
          "em-twin COMMAND --help says more.\n",
          code == EM_EXIT_OK ? stdout : stderr);
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 2) return usage(EM_EXIT_CANNOT);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return usage(EM_EXIT_OK);
    if (strcmp(argv[1], "--version") == 0) {
        printf("em-twin %s\n", EM_VERSION);
        return EM_EXIT_OK;
    }
    em_err err = em_setup();
    if (err != EM_OK) return fail("the cryptographic libraries", err);
    if (strcmp(argv[1], "init") == 0) return run_init(argc - 1, argv + 1);
    if (strcmp(argv[1], "key") == 0) return run_key(argc - 1, argv + 1);
    if (strcmp(argv[1], "run") == 0) return run_run(argc - 1, argv + 1);
    fprintf(stderr, "em-twin: there is no command '%s'\n", argv[1]);
    return usage(EM_EXIT_CANNOT);
}
