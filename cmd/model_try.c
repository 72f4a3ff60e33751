#include "cmd/model_try.h"

#include "cmd/group.h"
#include "cmd/isa.h"
#include "os/cpu.h"
#include "tools/trial.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char program[] = "em model try";

typedef struct try_options {
    const char *pair, *isa, *precision, *as, *activation;
    uint64_t pad, threads;
    bool no_mask, json;
} try_options;

static double norm_of(const float *row, uint32_t n)
{
    double sum = 0;

    for (uint32_t i = 0; i < n; i++) sum += (double)row[i] * (double)row[i];
    return sqrt(sum);
}

static void print_json(const em_trial *t, size_t index, const float *row,
                       const em_trial_size *size)
{
    const em_model_shape *s = &t->bert.shape;
    uint32_t n = em_bert_width(s);
    json_t *line = json_pack("{s:I,s:I,s:b}", "index", (json_int_t)index, "tokens",
                             (json_int_t)size->tokens, "truncated", size->truncated);
    json_t *numbers = s->labels > 0 ? json_object() : json_array();

    for (uint32_t i = 0; i < n; i++) {
        json_t *number = json_real((double)row[i]); /* NULL for none: null then */
        if (number == NULL) number = json_null();
        if (s->labels > 0)
            json_object_set_new(numbers, em_trial_label(t, i), number);
        else
            json_array_append_new(numbers, number);
    }
    if (s->labels == 0) json_object_set_new(line, "norm", json_real(norm_of(row, n)));
    json_object_set_new(line, s->labels > 0 ? "scores" : "vector", numbers);
    json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    printf("\n");
    json_decref(line);
}

static void print_people(const em_trial *t, const char *text, const float *row,
                         const em_trial_size *size)
{
    enum { SHOWN = 8, TEXT = 48 };
    const em_model_shape *s = &t->bert.shape;
    uint32_t n = em_bert_width(s);

    if (s->labels > 0) {
        for (uint32_t i = 0; i < n; i++)
            printf("%9.5f  %s\n", (double)row[i], em_trial_label(t, i));
        printf("%9s  %u tokens%s  %.*s%s\n", "", size->tokens,
               size->truncated ? " (cut)" : "", TEXT, text,
               strlen(text) > TEXT ? "..." : "");
        return;
    }
    printf("[");
    for (uint32_t i = 0; i < n && i < SHOWN; i++) printf("% .5f ", (double)row[i]);
    printf("... %u]  norm %.6f  %u tokens%s  %.*s%s\n", n, norm_of(row, n), size->tokens,
           size->truncated ? " (cut)" : "", TEXT, text, strlen(text) > TEXT ? "..." : "");
}

static void describe(const em_trial *t, const char *folder, const try_options *o)
{
    const em_model_shape *s = &t->bert.shape;
    em_bytes profile = em_bert_profile(s->precision);

    fprintf(stderr, "%s: %u layers of %u, %.*s on %s, at most %u tokens, ", folder,
            s->layers, s->hidden, (int)profile.len, (const char *)profile.at,
            t->kernels.level, s->max_tokens);
    if (s->labels > 0)
        fprintf(stderr, "scores of %u label%s\n", s->labels, s->labels == 1 ? "" : "s");
    else
        fprintf(stderr, "%s pooling, %s\n", s->pooling == EM_POOLING_CLS ? "CLS" : "mean",
                s->normalize && o->pad == 0 ? "normalised" : "not normalised");
    if (o->pad > 0)
        fprintf(stderr,
                "padded to %llu tokens and not masked, as other systems do it: for "
                "comparison only\n",
                (unsigned long long)o->pad);
    fprintf(stderr, "computed here, outside any enclave: no receipt, no proof\n");
}

static int run_texts(const try_options *o, const char *folder, em_trial *t, char **text,
                     size_t n)
{
    em_problem problem = {0};
    float *row = calloc(em_bert_width(&t->bert.shape), sizeof *row);

    if (row == NULL) return em_group_fail(program, NULL, EM_ERR_MEMORY, NULL);
    em_err err = EM_OK;
    for (size_t i = 0; err == EM_OK && i < n; i++) {
        em_trial_ask ask = {.text = em_view(text[i], strlen(text[i])),
                            .has_pair = o->pair != NULL,
                            .pad = (uint32_t)o->pad};
        em_trial_size size;
        if (o->pair != NULL) ask.pair = em_view(o->pair, strlen(o->pair));
        err = em_trial_run(t, &ask, &problem, row, &size);
        if (err != EM_OK) break;
        if (i == 0) describe(t, folder, o);
        if (o->json)
            print_json(t, i, row, &size);
        else
            print_people(t, text[i], row, &size);
    }
    free(row);
    return err == EM_OK ? EM_EXIT_OK : em_group_fail(program, problem.text, err, NULL);
}

static int try(const try_options *o, const char *folder, char **text, size_t n)
{
    static em_trial trial;
    em_problem problem = {0};
    em_pack *pack = NULL;
    unsigned cpu;

    if (!em_isa_choose(o->isa != NULL ? em_view(o->isa, strlen(o->isa)) : (em_bytes){0},
                       &cpu)) {
        char names[EM_ISA_NAMES];
        em_isa_names(names);
        fprintf(stderr, "%s: --isa %s: this machine has %s\n", program, o->isa, names);
        return EM_EXIT_CANNOT;
    }
    em_pack_options options = {.workers = (size_t)o->threads};
    em_err err = em_pack_precision(em_view(o->precision, strlen(o->precision)),
                                   &options.precision);
    if (err != EM_OK)
        (void)em_problem_set(&problem, err, "--precision", "f32, bf16 or int8");
    if (err == EM_OK)
        err = em_hf_head_choose(o->as, o->activation, &problem, &options.choice);
    if (err == EM_OK) err = em_pack_folder(folder, &options, &problem, &pack);
    if (err == EM_OK)
        err = em_trial_open(pack, (size_t)o->threads, cpu, &problem, &trial);
    int code = err == EM_OK ? run_texts(o, folder, &trial, text, n)
                            : em_group_fail(program, problem.text, err, NULL);
    if (err == EM_OK) em_trial_drop(&trial);
    em_pack_free(pack);
    return code;
}

static const char *contradiction(const try_options *o)
{
    if (o->pad > 0 && !o->no_mask)
        return "--pad needs --no-mask: with a mask, padding changes nothing but the "
               "time, and\nthere is none here; without one it changes the vectors, as "
               "some systems do it";
    if (o->no_mask && o->pad == 0)
        return "--no-mask needs --pad N: without padding there is nothing to mask";
    if (o->pad > EM_MAX_POSITIONS) return "--pad is more than any model takes";
    if (o->threads == 0 || o->threads > EM_JOBS_MAX_WORKERS)
        return "--threads is 1 to 64";
    return NULL;
}

int em_model_try_command(int argc, char **argv)
{
    static try_options o = {.precision = "f32"};
    const em_arg table[] = {
        {.name = "pair",
         .value = "TEXT",
         .help = "a second text for every first one, as a reranker takes\na document "
                 "behind a query",
         .text = &o.pair},
        {.name = "pad",
         .value = "N",
         .help = "fill every text with [PAD] to N tokens; with --no-mask only",
         .number = &o.pad},
        {.name = "no-mask",
         .help = "let attention see the padding, and do not normalise: what\nsome other "
                 "systems give, for comparison",
         .flag = &o.no_mask},
        {.name = "precision",
         .value = "NAME",
         .help = "f32, bf16 or int8, as em model pack would make it (f32)",
         .text = &o.precision},
        {.name = "as",
         .value = "WHAT",
         .help = "embed or classify, where a folder could be either",
         .text = &o.as},
        {.name = "activation",
         .value = "NAME",
         .help = "what a classifier's scores pass through: none, sigmoid,\nsoftmax",
         .text = &o.activation},
        {.name = "isa",
         .value = "NAME",
         .help = "which kernels (the best there are); the numbers are the same",
         .text = &o.isa},
        {.name = "threads",
         .value = "N",
         .help = "how many (one a processor)",
         .number = &o.threads},
        {.name = "json",
         .help = "one JSON object a text, with its whole vector",
         .flag = &o.json},
    };
    const em_args args = {
        .program = program,
        .summary = "run a model folder here, without an enclave and without a receipt",
        .usage = "FOLDER TEXT... [--pair TEXT] [--json]",
        .details = "For publishers, to see what a folder gives before it is packed: the "
                   "same bits as an\nenclave would give, and no proof of it.\n",
        .arg = table,
        .n = EM_COUNT(table),
        .min = 2,
        .max = EM_MAX_INPUTS};
    char **rest;
    size_t n;

    o.threads = em_cpu_count();
    if (o.threads > EM_JOBS_MAX_WORKERS) o.threads = EM_JOBS_MAX_WORKERS;
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;
    const char *wrong = contradiction(&o);
    if (wrong != NULL) {
        fprintf(stderr, "%s: %s\ntry: %s --help\n", program, wrong, program);
        return EM_EXIT_CANNOT;
    }
    return try(&o, rest[0], rest + 1, n - 1);
}
