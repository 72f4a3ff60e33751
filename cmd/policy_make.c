#include "cmd/policy_make.h"

#include "cmd/group.h"
#include "crypto/x509.h"
#include "os/clock.h"
#include "os/file.h"
#include "tools/keys.h"
#include "trust/measure.h"
#include "trust/policy.h"
#include "wire/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char program[] = "em policy make";

enum { DAY_MS = 24 * 3600 * 1000, MAX_FILE = 64 << 10, MAX_TUPLE_DAYS = 36500 };

typedef struct make_options {
    const char *id, *key, *out;
    uint64_t version, days, tuple_days, freshness_s;
    em_arg_list roots, pcrs, roles, instances, publishers;
    em_arg_list revoked_keys, revoked_manifests, revoked_measurements;
    bool production, any_account;
} make_options;

/* Where decoded bytes of the options live until the body is written. */
typedef struct store {
    em_measure pcr[EM_MAX_TUPLES][9];
    uint8_t revoked[3][64][EM_PCR_LEN];
} store;

static em_err say(em_err err, const char *what, const char *hint)
{
    (void)em_group_fail(program, what, err, hint);
    return err;
}

/* A root: 64 hexadecimal digits, or a certificate's PEM file. */
static em_err take_root(const char *word, em_root *ret_root)
{
    uint8_t file[MAX_FILE], der[EM_MAX_CERT];
    size_t len, der_len;

    if (em_text_from_hex(em_view(word, strlen(word)), ret_root->sha256,
                         sizeof ret_root->sha256, &len) == EM_OK &&
        len == sizeof ret_root->sha256)
        return EM_OK;
    EM_TRY(em_file_read(word, file, sizeof file, &len));
    EM_TRY(em_text_from_pem(em_view(file, len), "CERTIFICATE", der, sizeof der, &der_len,
                            NULL));
    em_x509_fingerprint(em_view(der, der_len), ret_root->sha256);
    return EM_OK;
}

static em_err take_roots(const make_options *o, em_policy_body *body)
{
    size_t n;
    const em_root *aws = em_roots_aws(&n);

    body->mode = o->production ? EM_MODE_PRODUCTION : EM_MODE_EVALUATION;
    if (o->production) {
        memcpy(body->root, aws, n * sizeof *aws);
        body->n_roots = n;
    }
    if (o->roots.n > EM_MAX_ROOTS - body->n_roots)
        return say(EM_ERR_LIMIT, "--root", "A policy names at most 8 roots.");
    for (size_t i = 0; i < o->roots.n; i++) {
        em_err err = take_root(o->roots.at[i], &body->root[body->n_roots++]);
        if (err != EM_OK)
            return say(err, o->roots.at[i],
                       "--root takes a PEM file or 64 hexadecimal digits.");
    }
    return EM_OK;
}

/* What `em measure --json` printed: {"pcr0": hex, …}. */
static em_err take_pcrs(const char *path, em_measure pcr[9], em_policy_tuple *tuple)
{
    em_bytes *const want[9] = {
        [0] = &tuple->pcr0, [1] = &tuple->pcr1, [2] = &tuple->pcr2,
        [3] = &tuple->pcr3, [4] = &tuple->pcr4, [8] = &tuple->pcr8};
    if (!em_file_exists(path)) return EM_ERR_NOT_FOUND;
    json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    em_err err = json_is_object(json) ? EM_OK : EM_ERR_JSON_SYNTAX;
    const char *key;
    json_t *value;

    if (json != NULL && !json_is_object(json)) err = EM_ERR_JSON_TYPE;
    json_object_foreach(json, key, value)
    {
        const char *text = json_string_value(value);
        unsigned i =
            strncmp(key, "pcr", 3) == 0 && key[3] >= '0' && key[3] <= '8' && key[4] == 0
                ? (unsigned)(key[3] - '0')
                : 5;
        size_t len;
        if (want[i] == NULL || text == NULL)
            err = EM_ERR_JSON_MEMBER;
        else if (em_text_from_hex(em_view(text, strlen(text)), pcr[i].pcr, EM_PCR_LEN,
                                  &len) != EM_OK ||
                 len != EM_PCR_LEN)
            err = EM_ERR_HEX;
        else
            *want[i] = EM_BYTES(pcr[i].pcr);
    }
    json_decref(json);
    return err;
}

static em_err take_tuples(const make_options *o, uint64_t now_ms, store *s,
                          em_policy_body *body)
{
    if (o->pcrs.n > EM_MAX_TUPLES)
        return say(EM_ERR_LIMIT, "--pcrs", "A policy has at most 32 tuples.");
    if (o->roles.n > o->pcrs.n || o->instances.n > o->pcrs.n)
        return say(EM_ERR_ARGUMENT, "--role or --instance",
                   "Each goes with a --pcrs: the first with the first, and so on.");
    for (size_t i = 0; i < o->pcrs.n; i++) {
        em_policy_tuple *t = &body->tuple[i];
        em_err err = take_pcrs(o->pcrs.at[i], s->pcr[i], t);
        if (err != EM_OK)
            return say(err, o->pcrs.at[i], "--pcrs takes what em measure --json prints.");
        if (i < o->roles.n) {
            em_measure_extend(em_view(o->roles.at[i], strlen(o->roles.at[i])),
                              &s->pcr[i][3]);
            t->pcr3 = EM_BYTES(s->pcr[i][3].pcr);
        }
        if (i < o->instances.n) {
            em_measure_extend(em_view(o->instances.at[i], strlen(o->instances.at[i])),
                              &s->pcr[i][4]);
            t->pcr4 = EM_BYTES(s->pcr[i][4].pcr);
        }
        t->any_account = o->any_account;
        t->protocol = 1;
        t->not_after_ms = now_ms + o->tuple_days * DAY_MS;
        body->n_tuples = i + 1;
    }
    return EM_OK;
}

/* MODEL=KEY.pub or MODEL=KEY.pub:FLOOR */
static em_err take_publisher(const char *word, em_publisher *ret_publisher)
{
    const char *equals = strchr(word, '='), *colon = strrchr(word, ':');
    em_publisher p = {.floor = 1};
    em_problem problem = {0};
    char path[1024];

    if (equals == NULL || equals == word) return EM_ERR_FORMAT;
    size_t len = strlen(equals + 1);
    if (colon != NULL && colon > equals && colon[1] >= '0' && colon[1] <= '9') {
        char *end;
        uint64_t floor = strtoull(colon + 1, &end, 10);
        if (floor > INT64_MAX) return EM_ERR_RANGE;
        if (*end == 0) { /* else the colon is the path's own */
            p.floor = floor;
            len = (size_t)(colon - equals) - 1;
        }
    }
    if (len >= sizeof path) return EM_ERR_LIMIT;
    memcpy(path, equals + 1, len);
    path[len] = 0;
    p.model = em_view(word, (size_t)(equals - word));
    em_err err = em_keys_read_public(path, &problem, &p.key);
    if (err != EM_OK) return say(err, problem.text, NULL);
    *ret_publisher = p;
    return EM_OK;
}

static em_err take_revoked(const em_arg_list *words, size_t want,
                           uint8_t (*to)[EM_PCR_LEN], const uint8_t **list, size_t *ret_n)
{
    for (size_t i = 0; i < words->n; i++) {
        size_t len = 0;
        em_err err = em_text_from_hex(em_view(words->at[i], strlen(words->at[i])), to[i],
                                      EM_PCR_LEN, &len);
        if (err == EM_OK && len != want) err = EM_ERR_HEX;
        if (err != EM_OK) return say(err, words->at[i], NULL);
        list[i] = to[i];
    }
    *ret_n = words->n;
    return EM_OK;
}

static em_err fill(const make_options *o, store *s, em_policy_body *body)
{
    uint64_t now_ms = em_clock_wall_ms();

    if (o->days == 0 || o->days > EM_MAX_POLICY_DAYS || o->tuple_days > MAX_TUPLE_DAYS ||
        o->freshness_s > EM_FRESH_MAX_MS / 1000)
        return say(EM_ERR_RANGE, "--days, --tuple-days or --freshness",
                   "At most 90 days, 36500 days, 900 seconds.");
    body->id = em_view(o->id, strlen(o->id));
    body->version = o->version;
    body->not_before_ms = now_ms - EM_CLOCK_LEEWAY_MS;
    body->not_after_ms = now_ms + o->days * DAY_MS - EM_CLOCK_LEEWAY_MS;
    body->freshness_ms = o->freshness_s * 1000;
    EM_TRY(take_roots(o, body));
    EM_TRY(take_tuples(o, now_ms, s, body));
    if (o->publishers.n > EM_MAX_PUBLISHERS)
        return say(EM_ERR_LIMIT, "--publisher", "A policy names at most 32 publishers.");
    for (size_t i = 0; i < o->publishers.n; i++) {
        em_err err = take_publisher(o->publishers.at[i], &body->publisher[i]);
        if (err != EM_OK)
            return say(err, o->publishers.at[i],
                       "--publisher takes MODEL=KEY.pub[:FLOOR].");
        body->n_publishers = i + 1;
    }
    EM_TRY(take_revoked(&o->revoked_keys, 32, s->revoked[0], body->revoked_key,
                        &body->n_revoked_keys));
    EM_TRY(take_revoked(&o->revoked_manifests, 32, s->revoked[1], body->revoked_manifest,
                        &body->n_revoked_manifests));
    return take_revoked(&o->revoked_measurements, EM_PCR_LEN, s->revoked[2],
                        body->revoked_measurement, &body->n_revoked_measurements);
}

static int make(const make_options *o)
{
    static em_policy_body body;
    static store s;
    static uint8_t encoded[EM_MAX_POLICY], policy[EM_MAX_POLICY];
    EM_DROP(em_ed25519_secret) secret = {0};
    em_ed25519_public public;
    em_problem problem = {0};
    em_out b = EM_OUT(encoded), p = EM_OUT(policy);

    em_err err = em_keys_read_private(o->key, &problem, &secret, &public);
    if (err != EM_OK) return em_group_fail(program, problem.text, err, NULL);
    if (fill(o, &s, &body) != EM_OK) return EM_EXIT_CANNOT; /* said already */
    err = em_policy_encode(&body, &b);
    if (err == EM_OK) err = em_policy_sign(em_write_view(&b), &secret, &p);
    if (err != EM_OK)
        return em_group_fail(
            program, "no such policy can be made", err,
            "A policy needs roots that fit its mode, and tuples with --role or "
            "--instance\n(or --any-account); it lives at most 90 days.");
    err = em_file_write(o->out, em_write_view(&p), 0644);
    if (err != EM_OK) return em_group_fail(program, o->out, err, NULL);
    printf("%s: policy %s version %llu, %s, %zu tuples, %zu publishers\n", o->out, o->id,
           (unsigned long long)o->version, em_roots_mode_name(body.mode), body.n_tuples,
           body.n_publishers);
    return EM_EXIT_OK;
}

int em_policy_make_command(int argc, char **argv)
{
    static make_options o = {
        .version = 1, .days = 30, .tuple_days = 90, .freshness_s = 300};
    const em_arg table[] = {
        {.name = "id",
         .value = "TEXT",
         .help = "the policy's name (needed)",
         .text = &o.id},
        {.name = "key",
         .letter = 'k',
         .value = "FILE",
         .help = "the signer's private key (needed)",
         .text = &o.key},
        {.name = "out",
         .letter = 'o',
         .value = "FILE",
         .help = "where to write it (needed)",
         .text = &o.out},
        {.name = "number",
         .value = "N",
         .help = "version number; must grow (1)",
         .number = &o.version},
        {.name = "days",
         .value = "N",
         .help = "valid for so long, at most 90 (30)",
         .number = &o.days},
        {.name = "production",
         .help = "AWS's own root, and no other",
         .flag = &o.production},
        {.name = "root",
         .value = "PEM",
         .help = "a root for evaluation: a PEM file or its SHA-256",
         .each = &o.roots},
        {.name = "pcrs",
         .value = "FILE",
         .help = "measurements as em measure --json prints them;\none tuple each",
         .each = &o.pcrs},
        {.name = "role",
         .value = "ARN",
         .help = "of the first, second … tuple: PCR3",
         .each = &o.roles},
        {.name = "instance",
         .value = "ID",
         .help = "of the first, second … tuple: PCR4",
         .each = &o.instances},
        {.name = "any-account",
         .help = "the same image in anybody's account will do",
         .flag = &o.any_account},
        {.name = "tuple-days",
         .value = "N",
         .help = "tuples count for so long (90)",
         .number = &o.tuple_days},
        {.name = "freshness",
         .value = "SECONDS",
         .help = "documents may be so old (300)",
         .number = &o.freshness_s},
        {.name = "publisher",
         .value = "M=KEY[:F]",
         .help = "model M is published under KEY.pub; floor F (1)",
         .each = &o.publishers},
        {.name = "revoke-key",
         .value = "HEX",
         .help = "a publisher's or receipt key",
         .each = &o.revoked_keys},
        {.name = "revoke-manifest",
         .value = "HEX",
         .help = "a manifest hash",
         .each = &o.revoked_manifests},
        {.name = "revoke-measurement",
         .value = "HEX",
         .help = "any PCR",
         .each = &o.revoked_measurements},
    };
    const em_args args = {
        .program = program,
        .summary = "make and sign a policy",
        .usage = "--id TEXT --key FILE --out FILE --pcrs FILE --role ARN ...",
        .details = "example:\n"
                   "  em measure em-enclave enclave.json --json > pcrs.json\n"
                   "  em policy make --id clinic --key signer --out clinic.policy \\\n"
                   "     --production --pcrs pcrs.json --role arn:aws:iam::... \\\n"
                   "     --publisher minilm=publisher.pub:3\n",
        .arg = table,
        .n = EM_COUNT(table)};
    char **rest;
    size_t n;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;
    if (o.id == NULL || o.key == NULL || o.out == NULL) {
        fprintf(stderr, "%s: --id, --key and --out are needed\ntry: %s --help\n", program,
                program);
        return EM_EXIT_CANNOT;
    }
    return make(&o);
}
