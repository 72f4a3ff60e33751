#include "cmd/group.h"
#include "cmd/lines.h"
#include "cmd/model_fetch.h"
#include "cmd/model_pack.h"
#include "cmd/model_try.h"
#include "infer/task.h"
#include "os/clock.h"
#include "tools/bundlefile.h"
#include "tools/keys.h"
#include "tools/synth.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *text_json(em_bytes text)
{
    return json_stringn((const char *)text.at, text.len);
}

static const char *precision_name(em_precision precision)
{
    static const char *const names[] = {[EM_PRECISION_F32] = "f32",
                                        [EM_PRECISION_BF16] = "bf16",
                                        [EM_PRECISION_INT8] = "int8"};

    return precision < EM_COUNT(names) ? names[precision] : NULL;
}

static const char *activation_name(em_activation activation)
{
    static const char *const names[] = {[EM_ACTIVATION_NONE] = "none",
                                        [EM_ACTIVATION_SIGMOID] = "sigmoid",
                                        [EM_ACTIVATION_SOFTMAX] = "softmax"};

    return activation < EM_COUNT(names) ? names[activation] : NULL;
}

/* What the model can be asked for, and how. */
static void add_use(json_t *out, const em_manifest_body *b)
{
    const em_model_shape *s = &b->model.shape;
    json_t *ops = json_array(), *labels = json_array(), *prompts = json_object();
    unsigned can = em_task_ops(s);

    for (em_op op = EM_OP_EMBED; op < EM_OP_COUNT_; op++)
        if (can & 1u << op)
            json_array_append_new(ops, json_string(em_message_op_name(op)));
    for (uint32_t i = 0; i < s->labels; i++)
        json_array_append_new(labels, text_json(b->label[i]));
    for (uint32_t i = 0; i < b->n_prompts; i++)
        json_object_setn_new(prompts, (const char *)b->prompt[i].name.at,
                             b->prompt[i].name.len, text_json(b->prompt[i].text));
    json_object_set_new(out, "ops", ops);
    json_object_set_new(out, "labels", labels);
    json_object_set_new(out, "activation", json_string(activation_name(s->activation)));
    json_object_set_new(out, "prompts", prompts);
}

static json_t *claims_json(const em_bundlefile *f)
{
    const em_manifest_body *b = &f->claims;
    const em_model_shape *s = &b->model.shape;
    json_t *sources = json_array();
    char until[EM_LINES_TIME];

    em_lines_time(b->not_after_ms, until);
    for (uint32_t i = 0; i < b->n_sources; i++)
        json_array_append_new(
            sources, json_pack("{s:o,s:I,s:o}", "name", text_json(b->source[i].name),
                               "bytes", (json_int_t)b->source[i].len, "sha256",
                               em_lines_hex(EM_BYTES(b->source[i].sha256))));
    json_t *shape = json_pack(
        "{s:i,s:i,s:i,s:i,s:i,s:i,s:s,s:b}", "layers", (int)s->layers, "hidden",
        (int)s->hidden, "heads", (int)s->heads, "intermediate", (int)s->intermediate,
        "vocab", (int)s->vocab, "max_tokens", (int)s->max_tokens, "pooling",
        s->pooling == EM_POOLING_CLS ? "cls" : "mean", "normalize", s->normalize);
    json_t *out =
        json_pack("{s:o,s:o,s:I,s:s,s:o,s:o,s:o}", "model", text_json(b->id), "version",
                  text_json(b->version), "number", (json_int_t)b->number, "not_after",
                  until, "profile", text_json(b->profile), "licence",
                  text_json(b->licence), "kms_key", text_json(b->kms_key));
    json_object_set_new(out, "manifest", em_lines_hex(EM_BYTES(f->hash)));
    json_object_set_new(shape, "precision", json_string(precision_name(s->precision)));
    json_object_set_new(out, "shape", shape);
    add_use(out, b);
    json_object_set_new(out, "tensors", json_integer(b->model.n));
    json_object_set_new(out, "image_bytes", json_integer((json_int_t)b->image_len));
    json_object_set_new(out, "chunks", json_integer(b->n_chunks));
    json_object_set_new(out, "merkle_root", em_lines_hex(EM_BYTES(b->root)));
    json_object_set_new(out, "sources", sources);
    return out;
}

static int run_inspect(int argc, char **argv)
{
    static em_bundlefile file; /* points into itself */
    const em_args args = {.program = "em model inspect",
                          .summary =
                              "print what a bundle says (its signature is not checked)",
                          .usage = "BUNDLE",
                          .min = 1,
                          .max = 1};
    em_problem problem = {0};
    char **rest;
    size_t n;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;

    em_err err = em_bundlefile_open(rest[0], &problem, &file);
    if (err != EM_OK) {
        (void)em_group_fail(args.program, problem.text, err, NULL);
        return err == EM_ERR_NOT_FOUND || err == EM_ERR_IO ? EM_EXIT_CANNOT
                                                           : EM_EXIT_REFUSED;
    }
    json_t *out = claims_json(&file);
    json_dumpf(out, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(out);
    em_bundlefile_drop(&file);
    return EM_EXIT_OK;
}

static int run_verify(int argc, char **argv)
{
    static em_bundlefile file;
    const char *key_path = NULL;
    uint64_t floor = 0;
    bool json = false;
    const em_arg table[] = {
        {.name = "publisher",
         .letter = 'k',
         .value = "KEY.pub",
         .help = "whose signature it must bear (needed)",
         .text = &key_path},
        {.name = "floor",
         .value = "N",
         .help = "the least version number (0)",
         .number = &floor},
        {.name = "json", .help = "one JSON object", .flag = &json},
    };
    const em_args args = {
        .program = "em model verify",
        .summary = "verify a bundle's signature, date, length and chunks",
        .usage = "BUNDLE --publisher KEY.pub [--floor N] [--json]",
        .details = "Without the content key: the signature, and the Merkle root "
                   "over the sealed chunks.\n",
        .arg = table,
        .n = EM_COUNT(table),
        .min = 1,
        .max = 1};
    em_ed25519_public key;
    em_problem problem = {0};
    char **rest;
    size_t n;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;
    if (key_path == NULL) {
        fprintf(stderr, "%s: --publisher is needed\n", args.program);
        return EM_EXIT_CANNOT;
    }

    em_err err = em_keys_read_public(key_path, &problem, &key);
    if (err != EM_OK) return em_group_fail(args.program, problem.text, err, NULL);
    err = em_bundlefile_open(rest[0], &problem, &file);
    if (err == EM_ERR_NOT_FOUND || err == EM_ERR_IO)
        return em_group_fail(args.program, problem.text, err, NULL);
    if (err == EM_OK) {
        const em_publisher publisher = {
            .model = file.claims.id, .key = key, .floor = floor};
        err = em_bundlefile_verify(&file, &publisher, 1, em_clock_wall_ms(), &problem);
    }
    if (json)
        printf("{\"verified\":%s,\"code\":\"%s\"}\n", err == EM_OK ? "true" : "false",
               em_err_name(err));
    else if (err == EM_OK)
        printf("VERIFIED: signature, date, floor, length, every chunk\n");
    else
        (void)em_group_fail(args.program, problem.text, err, NULL);
    em_bundlefile_drop(&file);
    return err == EM_OK ? EM_EXIT_OK : EM_EXIT_REFUSED;
}

static int run_synth(int argc, char **argv)
{
    em_synth plain = {0};
    uint64_t labels = 0;
    const em_arg table[] = {
        {.name = "labels",
         .value = "N",
         .help = "a classifier of so many labels, \"kind 0\" and so on;\none makes a "
                 "reranker (0: an embedder)",
         .number = &labels},
        {.name = "activation",
         .value = "NAME",
         .help = "of a classifier: Identity, Sigmoid or Softmax",
         .text = &plain.activation},
        {.name = "prompts",
         .help = "prompts \"query\" and \"passage\"",
         .flag = &plain.prompts},
    };
    const em_args args = {
        .program = "em model synth",
        .summary = "write a small made-up model folder, for trying things out",
        .usage = "FOLDER [--labels N]",
        .details = "Its weights are made up: equal texts give equal vectors, and "
                   "that is all they mean.\n",
        .arg = table,
        .n = EM_COUNT(table),
        .min = 1,
        .max = 1};
    em_problem problem = {0};
    char **rest;
    size_t n;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;

    plain.labels = labels > EM_MAX_LABELS ? EM_MAX_LABELS + 1 : (uint32_t)labels;
    em_err err = em_synth_write(rest[0], &plain, &problem);
    if (err != EM_OK) return em_group_fail(args.program, problem.text, err, NULL);
    printf("%s: a synthetic model (its %s mean nothing)\n", rest[0],
           labels > 0 ? "scores" : "vectors");
    return EM_EXIT_OK;
}

int em_model_command(int argc, char **argv)
{
    static const em_subcommand table[] = {
        {"fetch", "fetch a model folder, every file against its pin",
         em_model_fetch_command},
        {"pack", "seal a model folder into a signed bundle", em_model_pack_command},
        {"try", "run a model folder here, without an enclave", em_model_try_command},
        {"inspect", "print what a bundle says", run_inspect},
        {"verify", "verify a bundle's signature and chunks", run_verify},
        {"synth", "write a small made-up model folder", run_synth},
    };

    return em_group_run("em model", "fetch, pack, inspect and verify models", table,
                        EM_COUNT(table), argc, argv);
}
