#include "cmd/dial.h"
#include "cmd/group.h"
#include "os/file.h"
#include "os/signals.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char program[] = "em embed";

typedef struct embed_options {
    em_dial dial;
    const char *model, *evidence;
    bool json, refuse;
} embed_options;

/* The texts: arguments, or the lines of standard input. */
typedef struct texts {
    em_client_text text[EM_MAX_INPUTS];
    size_t n;
    char *input;
} texts;

static int read_lines(texts *t)
{
    size_t len = 0, cap = EM_MAX_REQUEST;

    t->input = malloc(cap + 1);
    if (t->input == NULL) return em_group_fail(program, NULL, EM_ERR_MEMORY, NULL);
    len = fread(t->input, 1, cap + 1, stdin);
    if (ferror(stdin)) return em_group_fail(program, "standard input", EM_ERR_IO, NULL);
    if (len > cap)
        return em_group_fail(program, "standard input", EM_ERR_LIMIT,
                             "8 MiB of text go into one request.");
    for (size_t at = 0; at < len;) {
        const char *end = memchr(t->input + at, '\n', len - at);
        size_t line = end != NULL ? (size_t)(end - t->input) - at : len - at;
        if (t->n == EM_MAX_INPUTS)
            return em_group_fail(program, "standard input", EM_ERR_LIMIT,
                                 "1024 texts go into one request.");
        t->text[t->n++] = (em_client_text){t->input + at, line};
        at += line + 1;
    }
    if (t->n == 0)
        return em_group_fail(program, "standard input: no text", EM_ERR_SHORT, NULL);
    return EM_EXIT_OK;
}

static int take_texts(char **rest, size_t n, texts *t)
{
    if (n == 0) return read_lines(t);
    for (size_t i = 0; i < n; i++)
        t->text[i] = (em_client_text){rest[i], strlen(rest[i])};
    t->n = n;
    return EM_EXIT_OK;
}

/* JSON has no word for a number that is none. */
static bool is_finite(const em_client_vectors *v)
{
    for (size_t i = 0; i < v->n * v->dim; i++)
        if (!__builtin_isfinite(v->vector[i])) return false;
    return true;
}

static void print_json(const em_client_vectors *v)
{
    for (size_t i = 0; i < v->n; i++) {
        json_t *vector = json_array();
        for (size_t k = 0; k < v->dim; k++)
            json_array_append_new(vector, json_real((double)v->vector[i * v->dim + k]));
        json_t *line = json_pack("{s:I,s:I,s:b,s:o}", "index", (json_int_t)i, "tokens",
                                 (json_int_t)v->tokens[i], "truncated", v->truncated[i],
                                 "vector", vector);
        json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
        printf("\n");
        json_decref(line);
    }
}

static void print_people(const texts *t, const em_client_vectors *v)
{
    enum { SHOWN = 5 };

    for (size_t i = 0; i < v->n; i++) {
        const float *row = v->vector + i * v->dim;
        int shown = t->text[i].len > 48 ? 48 : (int)t->text[i].len;
        printf("[");
        for (size_t k = 0; k < v->dim && k < SHOWN; k++) printf("% .5f ", (double)row[k]);
        printf("... %zu]  %u tokens%s  %.*s%s\n", v->dim, v->tokens[i],
               v->truncated[i] ? " (cut)" : "", shown, t->text[i].at,
               t->text[i].len > 48 ? "..." : "");
    }
    printf("%s %s, %llu tokens, %llu ms inside, receipt %s verified\n", v->model,
           v->version, (unsigned long long)v->total_tokens,
           (unsigned long long)v->execution_ms, v->security_mode);
}

static int embed(embed_options *o, const texts *t)
{
    em_client_error error;
    em_client_vectors v;
    const em_client_embed_request request = {.model = o->model,
                                             .text = t->text,
                                             .n = t->n,
                                             .refuse_truncation = o->refuse,
                                             .evidence = o->evidence != NULL};
    int code = em_dial_open(&o->dial, program, o->json);

    if (code != EM_EXIT_OK) return code;
    em_dial_tell(&o->dial);
    if (em_client_embed(o->dial.client, &request, &v, &error) != EM_CLIENT_OK)
        return em_dial_fail(program, &error, o->json);
    if (o->evidence != NULL) {
        em_err err =
            em_file_write(o->evidence, em_view(v.evidence, v.evidence_len), 0600);
        if (err != EM_OK) return em_group_fail(program, o->evidence, err, NULL);
    }
    if (!o->json) {
        print_people(t, &v);
        return EM_EXIT_OK;
    }
    if (!is_finite(&v))
        return em_group_fail(program, "a vector", EM_ERR_ANSWER_MALFORMED,
                             "The model gave a number that is infinite or none.");
    print_json(&v);
    return EM_EXIT_OK;
}

int em_embed_command(int argc, char **argv)
{
    static embed_options o;
    static texts t;
    em_arg table[EM_DIAL_ARGS + 4] = {
        [EM_DIAL_ARGS] = {.name = "model",
                          .letter = 'm',
                          .value = "ID",
                          .help = "which model, where the enclave serves several",
                          .text = &o.model},
        {.name = "evidence",
         .letter = 'e',
         .value = "FILE",
         .help = "write an evidence file: em verify FILE checks it, years later",
         .text = &o.evidence},
        {.name = "refuse-truncation",
         .help = "an error where a text is too long for the model, instead of a cut",
         .flag = &o.refuse},
        {.name = "json",
         .help = "one JSON object a text, with its whole vector",
         .flag = &o.json},
    };
    const em_args args = {
        .program = program,
        .summary = "turn texts into vectors inside an attested enclave",
        .usage = "--to ADDR --deployment NAME --policy FILE [options] [TEXT...]",
        .details =
            "Without TEXT, every line of standard input is one text.\n\n"
            "The enclave is verified before a byte of a text is sent, and every receipt\n"
            "before a vector is printed.\n\n"
            "exit codes: 0 done, 1 refused, 2 could not run, 3 truncated, 130 "
            "interrupted\n",
        .arg = table,
        .n = EM_COUNT(table),
        .max = EM_MAX_INPUTS};
    char **rest;
    size_t n;

    em_dial_args(&o.dial, table);
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;
    int code = take_texts(rest, n, &t);
    if (code == EM_EXIT_OK) code = embed(&o, &t);
    em_dial_drop(&o.dial);
    free(t.input);
    return code;
}
