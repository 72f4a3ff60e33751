#include "cmd/model_pack.h"

#include "cmd/group.h"
#include "cmd/lines.h"
#include "cmd/wrap.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/file.h"
#include "os/jobs.h"
#include "tools/calibrate.h"
#include "tools/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char program[] = "em model pack";

enum {
    DAY_MS = 24 * 3600 * 1000,
    MAX_LINES = EM_CALIBRATE_TOKENS / 2, /* no line has fewer than two tokens */
    MAX_CALIBRATION = 64 << 20,
};

typedef struct pack_options {
    const char *id, *version, *key, *out, *key_out, *licence;
    const char *precision, *calibrate, *as, *activation;
    uint64_t number, days, chunk;
    em_arg_list prompt; /* NAME=TEXT */
    em_wrap wrap;
    bool json;
} pack_options;

/* A line that is written over, where a person watches. */
static void tell(void *arg, const char *step, uint64_t done, uint64_t all)
{
    (void)arg;
    if (!isatty(STDERR_FILENO)) return;
    fprintf(stderr, "\r%s: %s %3llu %%%s", program, step,
            (unsigned long long)(all > 0 ? done * 100 / all : 100),
            done == all ? "\n" : "");
}

static void say_done(const pack_options *o, em_pack *pack, const uint8_t hash[32])
{
    const em_model *m = em_pack_model(pack);
    json_t *hex = em_lines_hex(em_view(hash, EM_MANIFEST_HASH_LEN));

    if (o->json) {
        json_t *out = json_pack("{s:s,s:s,s:s,s:I,s:O,s:I}", "bundle", o->out, "model",
                                o->id, "precision", o->precision, "number",
                                (json_int_t)o->number, "manifest", hex, "image_bytes",
                                (json_int_t)em_pack_image(pack).len);
        json_dumpf(out, stdout, JSON_COMPACT);
        printf("\n");
        json_decref(out);
    } else {
        printf(
            "%s: %s %s (number %llu), %u layers of %u, %zu MiB in memory\nmanifest %s\n",
            o->out, o->id, o->version, (unsigned long long)o->number, m->shape.layers,
            m->shape.hidden, em_pack_image(pack).len >> 20, json_string_value(hex));
    }
    json_decref(hex);
}

/* The lines of a file, as far as they are used: texts view `file`. */
static em_err read_lines(const char *path, em_problem *problem, em_map *file,
                         em_bytes *texts, size_t *ret_n)
{
    em_err err = em_file_load(path, MAX_CALIBRATION, file);
    size_t n = 0, at = 0;

    if (err != EM_OK) return em_problem_err(problem, err, path);
    while (at < file->len && n < MAX_LINES) {
        const uint8_t *end = memchr(file->at + at, '\n', file->len - at);
        size_t len = end != NULL ? (size_t)(end - file->at) - at : file->len - at;
        texts[n++] = em_view(file->at + at, len);
        at += len + 1;
    }
    if (n == 0) return em_problem_set(problem, EM_ERR_ARGUMENT, path, "has no line");
    *ret_n = n;
    return EM_OK;
}

static em_err make_image(const pack_options *o, const char *folder, em_problem *problem,
                         em_pack **ret_pack)
{
    EM_DROP(em_map) file = {0};
    size_t cpus = em_cpu_count();
    em_pack_options options = {
        .workers = cpus < EM_JOBS_MAX_WORKERS ? cpus : EM_JOBS_MAX_WORKERS,
        .progress = {.tell = tell}};
    em_bytes *texts = NULL;

    em_err err = em_pack_precision(em_view(o->precision, strlen(o->precision)),
                                   &options.precision);
    if (err != EM_OK)
        return em_problem_set(problem, err, "--precision", "f32, bf16 or int8");
    EM_TRY(em_hf_head_choose(o->as, o->activation, problem, &options.choice));
    if (o->calibrate != NULL) {
        if (options.precision != EM_PRECISION_INT8)
            return em_problem_set(problem, EM_ERR_ARGUMENT, "--calibrate",
                                  "only --precision int8 is calibrated");
        texts = calloc(MAX_LINES, sizeof *texts);
        if (texts == NULL) return em_problem_err(problem, EM_ERR_MEMORY, o->calibrate);
        err = read_lines(o->calibrate, problem, &file, texts, &options.n_texts);
        options.texts = texts;
    }
    if (err == EM_OK) err = em_pack_folder(folder, &options, problem, ret_pack);
    free(texts);
    return err;
}

/* NAME=TEXT, as the shell gave it; names and texts are judged when packing. */
static em_err read_prompts(const pack_options *o, em_problem *problem,
                           em_prompt *ret_prompts)
{
    for (size_t i = 0; i < o->prompt.n; i++) {
        const char *at = o->prompt.at[i], *is = strchr(at, '=');
        if (is == NULL)
            return em_problem_set(problem, EM_ERR_ARGUMENT, "--prompt",
                                  "%s is not NAME=TEXT", at);
        ret_prompts[i].name = em_view(at, (size_t)(is - at));
        ret_prompts[i].text = em_view(is + 1, strlen(is + 1));
    }
    return EM_OK;
}

static int pack(pack_options *o, const char *folder)
{
    EM_DROP(em_ed25519_secret) secret = {0};
    const em_pack_progress progress = {.tell = tell};
    em_ed25519_public public;
    em_problem problem = {0};
    em_pack *made = NULL;
    uint8_t hash[EM_MANIFEST_HASH_LEN];

    em_prompt prompts[EM_COUNT(o->prompt.at)];

    em_err err = em_keys_read_private(o->key, &problem, &secret, &public);
    if (err == EM_OK) err = read_prompts(o, &problem, prompts);
    if (err == EM_OK) err = make_image(o, folder, &problem, &made);
    if (err != EM_OK) return em_group_fail(program, problem.text, err, NULL);
    const em_pack_terms terms = {
        .id = em_view(o->id, strlen(o->id)),
        .version = em_view(o->version, strlen(o->version)),
        .number = o->number,
        .not_after_ms = em_clock_wall_ms() + o->days * DAY_MS,
        .licence = em_view(o->licence, strlen(o->licence)),
        .kms_key = em_view(o->wrap.key_arn, strlen(o->wrap.key_arn)),
        .chunk_len = (uint32_t)(o->chunk > UINT32_MAX ? UINT32_MAX : o->chunk),
        .key_out = o->key_out,
        .prompt = prompts,
        .n_prompts = o->prompt.n,
    };
    err = em_pack_bundle(made, &terms, &secret, em_wrap_key, &o->wrap, o->out, &progress,
                         &problem, hash);
    if (err == EM_OK)
        say_done(o, made, hash);
    else
        (void)em_group_fail(program, problem.text, err, NULL);
    em_pack_free(made);
    return err == EM_OK ? EM_EXIT_OK : EM_EXIT_CANNOT;
}

int em_model_pack_command(int argc, char **argv)
{
    static pack_options o = {.version = "1",
                             .licence = "unknown",
                             .precision = "f32",
                             .number = 1,
                             .days = 365,
                             .wrap.program = program};
    const em_arg table[] = {
        {.name = "id", .value = "TEXT", .help = "the model's id (needed)", .text = &o.id},
        {.name = "model-version",
         .value = "TEXT",
         .help = "version, for people (1)",
         .text = &o.version},
        {.name = "number",
         .value = "N",
         .help = "version number; floors compare it (1)",
         .number = &o.number},
        {.name = "days",
         .value = "N",
         .help = "accepted for so long (365)",
         .number = &o.days},
        {.name = "licence",
         .value = "TEXT",
         .help = "SPDX identifier of the weights",
         .text = &o.licence},
        {.name = "as",
         .value = "WHAT",
         .help = "embed or classify, where a folder could be either (what it\nsays: a "
                 "sentence-transformers folder embeds, one with a\nclassification head "
                 "classifies)",
         .text = &o.as},
        {.name = "activation",
         .value = "NAME",
         .help = "what a classifier's scores pass through: none, sigmoid or\nsoftmax "
                 "(what the folder says)",
         .text = &o.activation},
        {.name = "prompt",
         .value = "NAME=TEXT",
         .help = "what users may put before texts of some kind (e5:\n\"query=query: \" "
                 "and \"passage=passage: \"); beside the folder's\nown, or in place of "
                 "those; may be given many times",
         .each = &o.prompt},
        {.name = "key",
         .letter = 'k',
         .value = "FILE",
         .help = "the publisher's private key (needed)",
         .text = &o.key},
        {.name = "out",
         .letter = 'o',
         .value = "FILE",
         .help = "the bundle to write (needed)",
         .text = &o.out},
        {.name = "key-out",
         .value = "FILE",
         .help = "keep the content key here, for em replay: a secret",
         .text = &o.key_out},
        {.name = "precision",
         .value = "P",
         .help = "of the weights: f32, bf16 (half the size) or int8\n(a quarter; packing "
                 "takes "
                 "some time) (f32)",
         .text = &o.precision},
        {.name = "calibrate",
         .value = "FILE",
         .help = "texts like those to be served, one a line, by\nwhich int8 is "
                 "calibrated (texts of our own)",
         .text = &o.calibrate},
        {.name = "chunk",
         .value = "BYTES",
         .help = "chunk size (1M)",
         .number = &o.chunk},
        {.name = "kms-key",
         .value = "ARN",
         .help = "the KMS key that wraps the content key (needed)",
         .text = &o.wrap.key_arn},
        {.name = "kms",
         .value = "ADDR",
         .help = "where KMS is: tcp:kms.REGION.amazonaws.com:443 (needed)",
         .text = &o.wrap.connect},
        {.name = "kms-roots",
         .value = "PEM",
         .help = "certificates that KMS's TLS must chain to (needed)",
         .text = &o.wrap.roots},
        {.name = "credentials",
         .value = "FILE",
         .help = "AWS credentials as the instance metadata service\ngives them (JSON; "
                 "needed)",
         .text = &o.wrap.credentials},
        {.name = "json", .help = "one JSON object at the end", .flag = &o.json},
    };
    const em_args args = {
        .program = program,
        .summary = "seal a model folder into a signed bundle",
        .usage = "FOLDER --id TEXT --key FILE --out FILE --kms-key ARN ...",
        .details = "FOLDER is a Hugging Face model folder: config.json, "
                   "tokenizer.json or vocab.txt,\n*.safetensors.\n",
        .arg = table,
        .n = EM_COUNT(table),
        .min = 1,
        .max = 1};
    char **rest;
    size_t n;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;
    if (o.id == NULL || o.key == NULL || o.out == NULL || o.wrap.key_arn == NULL ||
        o.wrap.connect == NULL || o.wrap.roots == NULL || o.wrap.credentials == NULL) {
        fprintf(stderr,
                "%s: --id, --key, --out, --kms-key, --kms, --kms-roots and --credentials "
                "are needed\ntry: %s --help\n",
                program, program);
        return EM_EXIT_CANNOT;
    }
    return pack(&o, rest[0]);
}
