#include "cmd/demo_play.h"

#include "base/write.h"
#include "os/file.h"
#include "os/map.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_DIM = 4096 };

#define PATH(name) em_demo_stage_path(&p->stage, name)
#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

em_err em_demo_play_word(const em_demo_play *p, const char *name, char *to, size_t cap)
{
    em_demo_stage_output(&p->stage, name, "out", to, cap);
    to[strcspn(to, " \n")] = 0;
    return to[0] != 0 ? EM_OK : EM_ERR_INTERNAL;
}

static em_err write_json(const char *path, json_t *json)
{
    char *text = json != NULL ? json_dumps(json, JSON_INDENT(2)) : NULL;
    em_err err = EM_ERR_MEMORY;

    json_decref(json);
    if (text != NULL) err = em_file_write(path, em_view(text, strlen(text)), 0644);
    free(text);
    return err;
}

static json_t *file_text(const char *path)
{
    EM_DROP(em_map) file = {0};

    if (em_file_load(path, 64 << 10, &file) != EM_OK) return NULL;
    return json_stringn((const char *)file.at, file.len);
}

static json_t *address_of(const em_demo_play *p, const char *name)
{
    return json_sprintf("unix:%s", PATH(name));
}

/* The enclave's measured configuration. */
em_err em_demo_play_config(const em_demo_play *p, const em_demo_side *side)
{
    char name[64];
    json_t *config = json_pack("{s:s,s:s,s:s}", "version", "demo-1", "deployment", "demo",
                               "clients", "anyone");
    static const char *const sockets[] = {"nsm", "listen", "store", "credentials"};

    for (size_t i = 0; i < EM_COUNT(sockets); i++) {
        snprintf(name, sizeof name, "%s%s.sock", side->prefix, sockets[i]);
        json_object_set_new(config, sockets[i], address_of(p, name));
    }
    snprintf(name, sizeof name, "%skms-forward.sock", side->prefix);
    char root[EM_STAGE_PATH];
    snprintf(root, sizeof root, "%.400s/tls-root.pem", PATH(side->state));
    json_object_set_new(config, "kms",
                        json_pack("{s:o,s:[o]}", "connect", address_of(p, name), "roots",
                                  file_text(root)));
    json_object_set_new(config, "models",
                        json_pack("[{s:s,s:s,s:s,s:[{s:s,s:i}]}]", "id", "minilm",
                                  "object", "minilm.emb", "kms_key", side->arn,
                                  "publishers", "key", side->publisher, "floor", 2));
    return write_json(PATH(side->config), config);
}

/* Decrypt for this enclave only; Encrypt for the account. */
static em_err write_key_policy(const em_demo_play *p, const char *path)
{
    json_t *condition = json_pack("{s:{s:s,s:s}}", "StringEqualsIgnoreCase",
                                  "kms:RecipientAttestation:PCR0", p->pcrs[0],
                                  "kms:RecipientAttestation:PCR1", p->pcrs[1]);
    json_t *allow = json_pack("{s:s,s:s,s:s,s:o}", "Effect", "Allow", "Principal", "*",
                              "Action", "kms:Decrypt", "Condition", condition);
    json_t *encrypt = json_pack("{s:s,s:s,s:s}", "Effect", "Allow", "Principal", "*",
                                "Action", "kms:Encrypt");

    return write_json(path, json_pack("{s:s,s:[o,o]}", "Version", "2012-10-17",
                                      "Statement", encrypt, allow));
}

/* {"pcr0": …} from em measure, into p->pcrs. */
static em_err take_pcrs(em_demo_play *p)
{
    json_t *json = json_load_file(PATH("measure.out"), 0, NULL);
    em_err err = EM_OK;

    for (unsigned i = 0; i < 3; i++) {
        char name[8];
        snprintf(name, sizeof name, "pcr%u", i);
        const char *hex = json_string_value(json_object_get(json, name));
        if (hex == NULL || strlen(hex) != 96)
            err = EM_ERR_INTERNAL;
        else
            memcpy(p->pcrs[i], hex, 97);
    }
    json_decref(json);
    return err;
}

static em_err make_keys(em_demo_play *p)
{
    em_demo_stage *s = &p->stage;

    EM_TRY(em_demo_stage_must(s, "publisher-key",
                              ARGV("em", "key", "new", PATH("publisher"))));
    EM_TRY(em_demo_stage_must(s, "signer-key", ARGV("em", "key", "new", PATH("signer"))));
    EM_TRY(em_demo_play_word(p, "publisher-key", p->honest.publisher,
                             sizeof p->honest.publisher));
    EM_TRY(em_demo_play_word(p, "signer-key", p->signer_hex, sizeof p->signer_hex));
    EM_TRY(em_demo_stage_must(s, "twin-init",
                              ARGV("em-twin", "init", "--state", PATH("twin"))));
    EM_TRY(em_demo_stage_must(s, "twin-key",
                              ARGV("em-twin", "key", "--state", PATH("twin"))));
    return em_demo_play_word(p, "twin-key", p->honest.arn, sizeof p->honest.arn);
}

em_err em_demo_play_prepare(em_demo_play *p)
{
    em_demo_stage *s = &p->stage;

    em_demo_stage_title(
        s, "The owner prepares: keys, measurements, key policy, client policy");
    EM_TRY(make_keys(p));
    EM_TRY(em_demo_play_config(p, &p->honest));
    EM_TRY(em_demo_stage_must(s, "measure",
                              ARGV("em", "measure", em_demo_stage_tool(s, "em-enclave"),
                                   PATH("enclave.json"), "--json")));
    EM_TRY(take_pcrs(p));
    EM_TRY(write_key_policy(p, PATH("key-policy.json")));
    EM_TRY(em_demo_stage_must(s, "twin-policy",
                              ARGV("em-twin", "key", "--state", PATH("twin"), "--key",
                                   p->honest.arn, "--policy", PATH("key-policy.json"))));
    em_demo_stage_say(s, "em measure em-enclave enclave.json");
    em_demo_stage_say(s, "   pcr0 %.16s...  pcr1 %.16s...", p->pcrs[0], p->pcrs[1]);
    em_demo_stage_say(s, "KMS key %s", p->honest.arn);
    em_demo_stage_say(
        s, "   its policy: Decrypt only for an enclave with this PCR0 and PCR1");

    char publisher[EM_STAGE_PATH + 16];
    snprintf(publisher, sizeof publisher, "minilm=%s:2", PATH("publisher.pub"));
    EM_TRY(em_demo_stage_must(
        s, "policy",
        ARGV("em", "policy", "make", "--id", "demo", "--key", PATH("signer"), "--out",
             PATH("demo.policy"), "--root", PATH("twin/nsm-root.pem"), "--pcrs",
             PATH("measure.out"), "--role", "arn:aws:iam::111122223333:role/ephemeralml",
             "--publisher", publisher)));
    EM_TRY(em_demo_stage_must(s, "trust",
                              ARGV("em", "policy", "trust", PATH("signer.pub"))));
    em_demo_stage_say(s, "em policy make ... && em policy trust signer.pub");
    return EM_OK;
}

em_err em_demo_play_pack(em_demo_play *p, const em_demo_side *side, const char *folder,
                         uint64_t number, const char *path, const char *key_out)
{
    char n[24], version[32], at[EM_STAGE_PATH + 24], root[EM_STAGE_PATH],
        cred[EM_STAGE_PATH];

    snprintf(n, sizeof n, "%llu", (unsigned long long)number);
    snprintf(version, sizeof version, "%llu.0", (unsigned long long)number);
    snprintf(at, sizeof at, "unix:%s/%skms.sock", p->stage.folder, side->prefix);
    snprintf(root, sizeof root, "%.400s/tls-root.pem", PATH(side->state));
    snprintf(cred, sizeof cred, "%.400s/credentials.json", PATH(side->state));
    return em_demo_stage_must(
        &p->stage, "pack",
        ARGV("em", "model", "pack", folder, "--id", "minilm", "--model-version", version,
             "--number", n, "--licence", "Apache-2.0", "--key", PATH(side->key), "--out",
             path, "--chunk", p->synthetic ? "16K" : "1M", "--kms-key", side->arn,
             "--kms", at, "--kms-roots", root, "--credentials", cred,
             key_out != NULL ? "--key-out" : NULL, key_out));
}

/* "unix:FOLDER/PREFIXname" into one of a few buffers. */
static const char *socket_at(const em_demo_play *p, const em_demo_side *side,
                             const char *name)
{
    static char text[8][EM_STAGE_PATH];
    static unsigned turn;
    char *out = text[turn++ % EM_COUNT(text)];

    snprintf(out, EM_STAGE_PATH, "unix:%s/%s%s.sock", p->stage.folder, side->prefix,
             name);
    return out;
}

em_err em_demo_play_twin(em_demo_play *p, const em_demo_side *side,
                         const char *const *hostile)
{
    em_demo_stage *s = &p->stage;
    const char *argv[EM_STAGE_WORDS] = {"em-twin",   "run",
                                        "--state",   PATH(side->state),
                                        "--program", em_demo_stage_tool(s, "em-enclave"),
                                        "--config",  PATH(side->config),
                                        "--nsm",     socket_at(p, side, "nsm"),
                                        "--kms",     socket_at(p, side, "kms")};
    em_process_end end;
    size_t n = 12;
    int code;

    if (s->twin.pid != 0) EM_TRY(em_process_stop(&s->twin, 2000, &end));
    em_process_drop(&s->twin);
    for (; hostile != NULL && *hostile != NULL; hostile++) argv[n++] = *hostile;
    return em_demo_stage_start(s, "twin-run", argv, "ready ", &s->twin, &code);
}

static em_err start_host(em_demo_play *p, const em_demo_side *side, const char *store)
{
    em_demo_stage *s = &p->stage;
    char forward[2 * EM_STAGE_PATH], credentials[EM_STAGE_PATH], text[2048];
    int code;

    snprintf(forward, sizeof forward, "%s=%s", socket_at(p, side, "kms-forward"),
             socket_at(p, side, "kms"));
    snprintf(credentials, sizeof credentials, "%.400s/credentials.json",
             PATH(side->state));
    EM_TRY(
        em_demo_stage_start(s, "host",
                            ARGV("em-host", "--listen", "tcp:127.0.0.1:0", "--enclave",
                                 socket_at(p, side, "listen"), "--store", PATH(store),
                                 "--store-listen", socket_at(p, side, "store"),
                                 "--credentials", credentials, "--credentials-listen",
                                 socket_at(p, side, "credentials"), "--forward", forward),
                            "ready ", &s->host, &code));
    em_demo_stage_output(s, "host", "out", text, sizeof text);
    const char *at = strstr(text, "listen=");
    if (at == NULL) return EM_ERR_INTERNAL;
    at += 7;
    return em_address_parse(em_view(at, strcspn(at, " \n")), &p->host);
}

em_err em_demo_play_up(em_demo_play *p, const em_demo_side *side, const char *store)
{
    em_demo_stage *s = &p->stage;
    int code = 0;

    EM_TRY(start_host(p, side, store));
    return em_demo_stage_start(s, "enclave", ARGV("em-enclave", PATH(side->config)),
                               "READY", &s->enclave, &code);
}

void em_demo_play_down(em_demo_play *p)
{
    em_process *both[] = {&p->stage.enclave, &p->stage.host};
    em_process_end end;

    for (size_t i = 0; i < EM_COUNT(both); i++) {
        if (both[i]->pid != 0) (void)(em_process_stop(both[i], 2000, &end) == EM_OK);
        em_process_drop(both[i]);
        *both[i] = (em_process){0};
    }
}

/* Rows of {"vector": […]} lines; gives how many and their length. */
static size_t read_vectors(const em_demo_play *p, double (*row)[MAX_DIM], size_t most,
                           size_t *ret_dim)
{
    FILE *f = fopen(PATH("embed.out"), "r");
    size_t n = 0;

    if (f == NULL) return 0;
    while (n < most) {
        json_t *line = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL);
        json_t *vector = json_object_get(line, "vector"), *number;
        size_t k;
        if (line == NULL) break;
        *ret_dim = json_array_size(vector) < MAX_DIM ? json_array_size(vector) : MAX_DIM;
        json_array_foreach(vector, k, number)
        {
            if (k < MAX_DIM) row[n][k] = json_number_value(number);
        }
        json_decref(line);
        n++;
    }
    fclose(f);
    return n;
}

static void print_matrix(em_demo_play *p, double (*row)[MAX_DIM], size_t n, size_t dim)
{
    for (size_t i = 0; i < n; i++) {
        char line[128] = "";
        size_t at = 0;
        for (size_t j = 0; j < n; j++) {
            double dot = 0;
            for (size_t k = 0; k < dim; k++) dot += row[i][k] * row[j][k];
            at += (size_t)snprintf(line + at, sizeof line - at, "%6.2f", dot);
        }
        em_demo_stage_say(&p->stage, "%s   %s", line, p->text[i]);
    }
}

/* em embed of all texts, through the proxy. */
static em_err embed(em_demo_play *p, const char *evidence)
{
    const char *argv[EM_STAGE_WORDS] = {"em", "embed", "--to"};
    char to[EM_ADDRESS_TEXT];
    size_t n = 3;

    em_address_print(&p->proxy.listener.at, to);
    argv[n++] = to, argv[n++] = "--deployment", argv[n++] = "demo";
    argv[n++] = "--policy", argv[n++] = PATH("demo.policy");
    argv[n++] = "--evidence", argv[n++] = PATH(evidence), argv[n++] = "--json",
    argv[n++] = "--";
    for (size_t i = 0; i < p->n_texts; i++) argv[n++] = p->text[i];
    return em_demo_stage_must(&p->stage, "embed", argv);
}

em_err em_demo_play_quiet(em_demo_play *p, const char *evidence)
{
    return embed(p, evidence);
}

em_err em_demo_play_embed(em_demo_play *p, const char *evidence)
{
    static double row[EM_DEMO_TEXTS][MAX_DIM];
    size_t dim = 0;

    EM_TRY(embed(p, evidence));
    size_t rows = read_vectors(p, row, p->n_texts, &dim);
    if (rows != p->n_texts || dim == 0) return EM_ERR_INTERNAL;
    print_matrix(p, row, rows, dim);

    /* what went over the wire must hold neither a text nor a vector */
    float first[4];
    bool seen = false;
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = 0; k < 4; k++) first[k] = (float)row[i][k];
        seen |= em_demo_proxy_saw(&p->proxy, em_view(first, sizeof first));
        seen |= em_demo_proxy_saw(&p->proxy, em_view(p->text[i], strlen(p->text[i])));
    }
    em_demo_stage_say(
        &p->stage,
        "recorded between client and host: %zu bytes up, %zu down; no text and no "
        "vector among them: %s",
        (size_t)p->proxy.up_len, (size_t)p->proxy.down_len,
        seen ? "NO, PLAINTEXT SEEN" : "true");
    return seen || p->proxy.up_len == 0 ? EM_ERR_INTERNAL : EM_OK;
}

em_err em_demo_play_try(em_demo_play *p, const em_address *to, const char *policy,
                        int *ret_code, char *text, size_t cap)
{
    char at[EM_ADDRESS_TEXT];

    em_address_print(to, at);
    EM_TRY(em_demo_stage_run(&p->stage, "try",
                             ARGV("em", "embed", "--to", at, "--deployment", "demo",
                                  "--policy", PATH(policy), "--wait", "20", "--",
                                  p->text[0]),
                             ret_code));
    em_demo_stage_output(&p->stage, "try", "err", text, cap);
    return EM_OK;
}
