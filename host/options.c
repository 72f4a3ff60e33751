#include "host/options.h"
#include "base/limits.h"
#include "os/file.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX = 64 << 10, WORDS = 512 };

/* Everything as text, before it means anything. */
typedef struct raw {
    const char *listen, *enclave, *store, *store_listen, *credentials,
        *credentials_listen;
    const char *metadata_service, *admin, *log, *config;
    em_arg_list forward;
    uint64_t max_connections, max_forwards, rate, burst, breaker, cool_s;
    uint64_t dial_ms, first_s, idle_s, life_s, drain_ms;
    bool json;
} raw;

static const raw defaults = {
    .log = "info",
    .max_connections = EM_MAX_RELAY_CONNECTIONS,
    .max_forwards = 64,
    .rate = 256,
    .burst = 1024,
    .breaker = 3,
    .cool_s = 1,
    .dial_ms = 3000,
    .first_s = 30,
    .idle_s = 600,
    .life_s = 2 * 60 * 60,
    .drain_ms = 500,
};

static const char details[] =
    "Addresses are tcp:HOST:PORT (port 0: any free one), unix:PATH or vsock:CID:PORT.\n"
    "Numbers take the suffixes K, M and G (of 1024).\n"
    "\n"
    "When it serves, one line goes to standard output:\n"
    "  ready listen=ADDR enclave=ADDR [store=ADDR] [credentials=ADDR]\n"
    "        [forward=ADDR]... [admin=ADDR]\n"
    "Logs go to standard error.  SIGTERM or Ctrl-C stops it.\n"
    "\n"
    "A file given with --config has one option a line, without the dashes, '#' begins a\n"
    "comment; the command line comes after it:\n"
    "  listen tcp:0.0.0.0:7443\n"
    "  enclave vsock:16:5000\n"
    "  store /srv/models\n"
    "  store-listen vsock:3:5001\n"
    "  forward vsock:3:5002=tcp:kms.eu-central-1.amazonaws.com:443\n"
    "  credentials imds\n"
    "  credentials-listen vsock:3:5003\n"
    "\n"
    "examples:\n"
    "  em-host --listen tcp:127.0.0.1:7443 --enclave unix:/run/em/enclave.sock\n"
    "  em-host --config /etc/em/host.conf --admin tcp:127.0.0.1:9090 --json\n"
    "\n"
    "exit codes: 0 stopped by a signal, 1 failed while serving, 2 could not start\n";

static em_args_next parse(raw *r, int argc, char **argv)
{
    const em_arg arg[] = {
        {.name = "listen",
         .letter = 'l',
         .value = "ADDR",
         .text = &r->listen,
         .help = "where clients connect (needed)"},
        {.name = "enclave",
         .letter = 'e',
         .value = "ADDR",
         .text = &r->enclave,
         .help = "where the enclave listens (needed)"},
        {.name = "store",
         .value = "DIR",
         .text = &r->store,
         .help = "serve the model bundles of this folder"},
        {.name = "store-listen",
         .value = "ADDR",
         .text = &r->store_listen,
         .help = "where the enclave fetches bundles"},
        {.name = "credentials",
         .value = "FILE|imds",
         .text = &r->credentials,
         .help = "serve AWS credentials from a file (mode 0600) or\n"
                 "from the instance metadata service"},
        {.name = "credentials-listen",
         .value = "ADDR",
         .text = &r->credentials_listen,
         .help = "where the enclave fetches them; not a network address"},
        {.name = "metadata-service",
         .value = "ADDR",
         .text = &r->metadata_service,
         .help = "another one than tcp:169.254.169.254:80"},
        {.name = "forward",
         .letter = 'f',
         .value = "FROM=TO",
         .each = &r->forward,
         .help = "carry the bytes of connections to FROM (not a network\n"
                 "address) to TO; may be given 32 times; nothing else\n"
                 "can be reached"},
        {.name = "admin",
         .value = "ADDR",
         .text = &r->admin,
         .help = "serve /metrics and /healthz"},
        {.name = "max-connections",
         .value = "N",
         .number = &r->max_connections,
         .help = "clients at once, at most 1024 (1024)"},
        {.name = "max-forwards",
         .value = "N",
         .number = &r->max_forwards,
         .help = "connections at once a forwarder (64)"},
        {.name = "rate",
         .value = "N",
         .number = &r->rate,
         .help = "connections a second an address, 0: no limit (256)"},
        {.name = "burst",
         .value = "N",
         .number = &r->burst,
         .help = "connections an address may save up (1024)"},
        {.name = "dial-ms",
         .value = "MS",
         .number = &r->dial_ms,
         .help = "until a connection must stand (3000)"},
        {.name = "first-byte-s",
         .value = "S",
         .number = &r->first_s,
         .help = "from accept to the enclave's first byte (30)"},
        {.name = "idle-s",
         .value = "S",
         .number = &r->idle_s,
         .help = "of silence that end a connection (600)"},
        {.name = "life-s",
         .value = "S",
         .number = &r->life_s,
         .help = "that a connection lives at most (7200)"},
        {.name = "drain-ms",
         .value = "MS",
         .number = &r->drain_ms,
         .help = "that connections may go on after SIGTERM (500)"},
        {.name = "breaker",
         .value = "N",
         .number = &r->breaker,
         .help = "failures in a row after which clients are refused\n"
                 "without trying (3)"},
        {.name = "cool-down-s",
         .value = "S",
         .number = &r->cool_s,
         .help = "until the next try; doubles up to 32 times (1)"},
        {.name = "log",
         .value = "LEVEL",
         .text = &r->log,
         .help = "debug, info, warn, error or quiet (info)"},
        {.name = "json", .flag = &r->json, .help = "log lines are JSON objects"},
        {.name = "config",
         .letter = 'c',
         .value = "FILE",
         .text = &r->config,
         .help = "read options from a file first"},
    };
    const em_args args = {
        .program = "em-host",
        .summary = "the blind relay between clients and an enclave",
        .usage = "--listen ADDR --enclave ADDR [options]",
        .details = details,
        .arg = arg,
        .n = EM_COUNT(arg),
    };
    char **rest = NULL;
    size_t n = 0;

    return em_args_parse(&args, argc, argv, &rest, &n);
}

static em_args_next bad(const char *what, const char *value, const char *why)
{
    fprintf(stderr, "em-host: %s%s%s: %s\ntry: em-host --help\n", what,
            value != NULL ? " " : "", value != NULL ? value : "", why);
    return EM_ARGS_BAD;
}

/* ---- the configuration file: lines become words of a command line ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\r';
}

/* "name value" becomes "--name=value" in `to`; false for a line without words. */
static bool line_to_word(const char *line, size_t len, char *to)
{
    while (len > 0 && is_space(line[len - 1])) len--;
    while (len > 0 && is_space(*line)) line++, len--;
    if (len == 0 || *line == '#') return false;
    *to++ = '-';
    *to++ = '-';
    size_t i = 0;
    while (i < len && !is_space(line[i])) *to++ = line[i++];
    while (i < len && is_space(line[i])) i++;
    if (i < len) *to++ = '=';
    while (i < len) *to++ = line[i++];
    *to = 0;
    return true;
}

/* The file's words and then the command line's; lives as long as the process. */
static em_err join(const char *path, int argc, char **argv, int *ret_argc,
                   char ***ret_argv)
{
    static char text[FILE_MAX + 1], words[2 * FILE_MAX + 4];
    static char *all[WORDS];
    size_t len = 0, used = 0;
    int n = 0;

    EM_TRY(em_file_read(path, text, FILE_MAX, &len));
    if (memchr(text, 0, len) != NULL) return EM_ERR_FORMAT;
    all[n++] = argv[0];
    for (size_t from = 0; from < len;) {
        size_t to = from;
        while (to < len && text[to] != '\n') to++;
        if (line_to_word(text + from, to - from, words + used)) {
            if (n == WORDS / 2) return EM_ERR_LIMIT;
            all[n++] = words + used;
            used += strlen(words + used) + 1;
        }
        from = to + 1;
    }
    if (argc > WORDS / 2 - 1) return EM_ERR_LIMIT;
    for (int i = 1; i < argc; i++) all[n++] = argv[i];
    all[n] = NULL;
    *ret_argc = n;
    *ret_argv = all;
    return EM_OK;
}

/* ---- meaning ---- */

bool em_options_is_local(const em_address *address)
{
    struct in_addr v4;

    if (address->kind == EM_ADDRESS_UNIX || address->kind == EM_ADDRESS_VSOCK)
        return true;
    if (inet_pton(AF_INET, address->name, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    return strcmp(address->name, "::1") == 0;
}

em_err em_options_forward_parse(em_bytes text, em_options_forward *ret_forward)
{
    em_options_forward f = {0}, got;
    unsigned ways = 0;

    /* a path may have '=' in it: every cut is tried */
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != '=') continue;
        if (em_address_parse(em_view(text.at, i), &got.listen) != EM_OK) continue;
        if (em_address_parse(em_view(text.at + i + 1, text.len - i - 1), &got.to) !=
            EM_OK)
            continue;
        f = got;
        ways++;
    }
    if (ways != 1) return EM_ERR_ADDRESS;
    *ret_forward = f;
    return EM_OK;
}

static bool address(const char *name, const char *text, em_address *ret_address)
{
    if (em_address_parse(em_view(text, strlen(text)), ret_address) == EM_OK) return true;
    bad(name, text, "not tcp:HOST:PORT, unix:PATH or vsock:CID:PORT");
    return false;
}

static bool read_credentials(const raw *r, em_options *o)
{
    em_file_info info;

    if (r->credentials == NULL) return true;
    o->credentials = true;
    if (strcmp(r->credentials, "imds") == 0) return true;
    o->credentials_file = r->credentials;
    if (em_file_stat(r->credentials, &info) != EM_OK || info.kind != EM_FILE_REGULAR) {
        bad("--credentials", r->credentials, "there is no such file");
        return false;
    }
    if ((info.mode & 077) != 0) {
        bad("--credentials", r->credentials, "others may read it; type: chmod 600 FILE");
        return false;
    }
    return true;
}

static bool read_addresses(const raw *r, em_options *o)
{
    if (r->listen == NULL || r->enclave == NULL) {
        bad("--listen and --enclave", NULL, "both are needed");
        return false;
    }
    if (!address("--listen", r->listen, &o->listen)) return false;
    if (!address("--enclave", r->enclave, &o->enclave)) return false;
    if (r->admin != NULL && !address("--admin", r->admin, &o->admin)) return false;
    if ((r->store == NULL) != (r->store_listen == NULL)) {
        bad("--store and --store-listen", NULL, "one needs the other");
        return false;
    }
    o->store = r->store;
    if (r->store != NULL && !address("--store-listen", r->store_listen, &o->store_listen))
        return false;
    if ((r->credentials == NULL) != (r->credentials_listen == NULL)) {
        bad("--credentials and --credentials-listen", NULL, "one needs the other");
        return false;
    }
    if (!read_credentials(r, o)) return false;
    if (o->credentials &&
        !address("--credentials-listen", r->credentials_listen, &o->credentials_listen))
        return false;
    if (o->credentials && !em_options_is_local(&o->credentials_listen)) {
        bad("--credentials-listen", r->credentials_listen,
            "a network could read the credentials; use unix:, vsock: or tcp:127.0.0.1:");
        return false;
    }
    if (r->metadata_service != NULL &&
        !address("--metadata-service", r->metadata_service, &o->metadata_service))
        return false;
    return true;
}

static bool read_forwards(const raw *r, em_options *o)
{
    for (size_t i = 0; i < r->forward.n; i++) {
        const char *text = r->forward.at[i];
        em_options_forward *f = &o->forward[o->n_forward];
        if (o->n_forward == EM_COUNT(o->forward)) {
            bad("--forward", text, "there are 32 already");
            return false;
        }
        if (em_options_forward_parse(em_view(text, strlen(text)), f) != EM_OK) {
            bad("--forward", text, "not FROM=TO, two addresses");
            return false;
        }
        if (!em_options_is_local(&f->listen)) {
            bad("--forward", text,
                "a network could use it; listen on unix:, vsock: or tcp:127.0.0.1:");
            return false;
        }
        o->n_forward++;
    }
    return true;
}

static bool in_range(const char *name, uint64_t value, uint64_t least, uint64_t most)
{
    char why[80];

    if (value >= least && value <= most) return true;
    (void)snprintf(why, sizeof why, "must be from %llu to %llu",
                   (unsigned long long)least, (unsigned long long)most);
    bad(name, NULL, why);
    return false;
}

static bool read_numbers(const raw *r, em_options *o)
{
    const uint64_t year_s = 366 * 24 * 60 * 60;

    if (!in_range("--max-connections", r->max_connections, 1, EM_MAX_RELAY_CONNECTIONS) ||
        !in_range("--max-forwards", r->max_forwards, 1, EM_MAX_RELAY_CONNECTIONS) ||
        !in_range("--rate", r->rate, 0, 1 << 20) ||
        !in_range("--burst", r->burst, 1, 1 << 20) ||
        !in_range("--breaker", r->breaker, 1, 1000) ||
        !in_range("--cool-down-s", r->cool_s, 1, 3600) ||
        !in_range("--dial-ms", r->dial_ms, 1, 60 * 1000) ||
        !in_range("--first-byte-s", r->first_s, 1, 3600) ||
        !in_range("--idle-s", r->idle_s, 1, year_s) ||
        !in_range("--life-s", r->life_s, 1, year_s) ||
        !in_range("--drain-ms", r->drain_ms, 0, 600 * 1000))
        return false;
    const em_tunnel_limits session = {.first_ms = r->first_s * 1000,
                                      .idle_ms = r->idle_s * 1000,
                                      .half_ms = 30 * 1000,
                                      .life_ms = r->life_s * 1000,
                                      .linger_ms = 1000};
    o->limits = (em_relay_limits){.session = session,
                                  .forward = session,
                                  .dial_ms = r->dial_ms,
                                  .drain_ms = r->drain_ms};
    o->max_connections = r->max_connections;
    o->max_forwards = r->max_forwards;
    o->rate = r->rate;
    o->burst = r->burst;
    o->breaker = r->breaker;
    o->cool_ms = r->cool_s * 1000;
    o->json = r->json;
    if (em_log_level_parse(em_view(r->log, strlen(r->log)), &o->log) == EM_OK)
        return true;
    bad("--log", r->log, "not debug, info, warn, error or quiet");
    return false;
}

em_args_next em_options_read(int argc, char **argv, em_options *ret_options)
{
    static char *copy[WORDS];
    raw r = defaults;
    em_options o = {0};

    /* parsing permutes: what is parsed a second time is a copy */
    if (argc >= WORDS) return bad("command line", NULL, "too many words");
    for (int i = 0; i < argc; i++) copy[i] = argv[i];
    em_args_next next = parse(&r, argc, copy);
    if (next != EM_ARGS_RUN) return next;
    if (r.config != NULL) {
        const char *path = r.config;
        em_err err = join(path, argc, argv, &argc, &argv);
        if (err != EM_OK) return bad("--config", path, em_err_text(err));
        r = defaults;
        next = parse(&r, argc, argv);
        if (next != EM_ARGS_RUN) return next;
        if (r.config != path)
            return bad("--config", r.config, "a file cannot name another");
    }
    if (!read_addresses(&r, &o) || !read_forwards(&r, &o) || !read_numbers(&r, &o))
        return EM_ARGS_BAD;
    *ret_options = o;
    return EM_ARGS_RUN;
}
