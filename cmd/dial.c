#include "cmd/dial.h"

#include "cmd/group.h"
#include "os/file.h"
#include "os/signals.h"

#include <jansson.h>
#include <stdio.h>

void em_dial_drop(em_dial *dial)
{
    em_client_close(dial->client);
    em_map_drop(&dial->policy_bytes);
    dial->client = NULL;
}

void em_dial_args(em_dial *dial, em_arg ret_rows[EM_DIAL_ARGS])
{
    const em_arg rows[EM_DIAL_ARGS] = {
        {.name = "to",
         .letter = 't',
         .value = "ADDR",
         .help = "the host's address: tcp:HOST:PORT or unix:PATH (needed)",
         .text = &dial->to},
        {.name = "deployment",
         .letter = 'd',
         .value = "NAME",
         .help = "the deployment that is expected there (needed)",
         .text = &dial->deployment},
        {.name = "policy",
         .letter = 'p',
         .value = "FILE",
         .help = "the signed policy to judge the enclave by (needed)",
         .text = &dial->policy},
        {.name = "wait",
         .value = "SECONDS",
         .help = "how long the other end may be silent (60)",
         .number = &dial->wait_s},
    };

    memcpy(ret_rows, rows, sizeof rows);
}

static int interrupted(void *arg)
{
    (void)arg;
    return em_signals_caught() != 0;
}

int em_dial_fail(const char *program, const em_client_error *error, bool json)
{
    fprintf(stderr, "%s: %s (%s", program, error->text, error->name);
    if (error->check[0] != 0)
        fprintf(stderr, "; check %s, clause %s", error->check, error->clause);
    fprintf(stderr, ")\n");
    if (strcmp(error->name, em_err_name(EM_ERR_MODEL_OP)) == 0 ||
        strcmp(error->name, em_err_name(EM_ERR_PROMPT_UNKNOWN)) == 0)
        fprintf(stderr, "em embed, em classify and em rerank ask for different things; "
                        "em status says what\neach model does, and its prompts.\n");
    if (json) {
        json_t *out =
            json_pack("{s:s,s:s,s:s,s:s}", "error", error->name, "text", error->text,
                      "check", error->check, "clause", error->clause);
        json_dumpf(out, stdout, JSON_COMPACT);
        printf("\n");
        json_decref(out);
    }
    return error->code;
}

int em_dial_open(em_dial *dial, const char *program, bool json)
{
    em_ed25519_public pinned[EM_MAX_SIGNERS];
    unsigned char signers[EM_MAX_SIGNERS][32];
    char seen[EM_HOME_PATH];
    em_client_error error;
    size_t n;

    if (dial->to == NULL || dial->deployment == NULL || dial->policy == NULL) {
        fprintf(stderr,
                "%s: --to, --deployment and --policy are needed\ntry: %s --help\n",
                program, program);
        return EM_EXIT_CANNOT;
    }
    em_err err = em_file_load(dial->policy, EM_MAX_POLICY, &dial->policy_bytes);
    if (err != EM_OK) return em_group_fail(program, dial->policy, err, NULL);
    err = em_home_signers(pinned, &n);
    if (err == EM_OK) err = em_home_path("policies.seen", seen);
    if (err == EM_OK) err = em_signals_catch();
    if (err != EM_OK) return em_group_fail(program, "the state folder", err, NULL);
    for (size_t i = 0; i < n; i++) memcpy(signers[i], pinned[i].b, 32);
    const em_client_options options = {
        .address = dial->to,
        .deployment = dial->deployment,
        .policy = dial->policy_bytes.at,
        .policy_len = dial->policy_bytes.len,
        .signers = (const unsigned char(*)[32])signers,
        .n_signers = n,
        .state = seen,
        .timeout_ms = dial->wait_s * 1000,
        .stop = interrupted,
    };
    if (em_client_open(&options, &dial->client, &error) == EM_CLIENT_OK)
        return EM_EXIT_OK;
    int code = em_dial_fail(program, &error, json);
    if (n == 0)
        fprintf(stderr,
                "No policy signer is pinned: em policy trust KEY.pub pins one.\n");
    return code;
}

void em_dial_tell(const em_dial *dial)
{
    em_client_peer peer;

    em_client_describe(dial->client, &peer);
    fprintf(stderr, "verified %s, %s (policy version %llu%s%s)\n", peer.module_id,
            peer.mode, (unsigned long long)peer.policy_version,
            peer.first_use ? ", first use" : "",
            peer.any_account ? ", any AWS account" : "");
}
