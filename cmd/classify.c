#include "cmd/group.h"
#include "cmd/scores.h"

#include <stdio.h>
#include <stdlib.h>

static const char program[] = "em classify";

typedef struct options {
    em_scores scores;
    bool all;
} options;

/* The columns of a row, best first; equal ones in the manifest's order. */
static void sort(const float *row, size_t n, size_t order[EM_MAX_LABELS])
{
    for (size_t i = 0; i < n; i++) {
        size_t at = i;
        for (; at > 0 && row[order[at - 1]] < row[i]; at--) order[at] = order[at - 1];
        order[at] = i;
    }
}

static void print_json(const options *o, const em_scores_batch *b, size_t i,
                       const size_t *order)
{
    const em_client_scores *s = b->scores;
    const float *row = s->score + i * s->labels;
    json_t *line = em_scores_json(b, i);

    json_object_set_new(line, "label", json_string(s->label[order[0]]));
    json_object_set_new(line, "score", json_real((double)row[order[0]]));
    if (o->all) {
        json_t *every = json_object();
        for (size_t k = 0; k < s->labels; k++)
            json_object_set_new(every, s->label[order[k]],
                                json_real((double)row[order[k]]));
        json_object_set_new(line, "scores", every);
    }
    json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    printf("\n");
    json_decref(line);
}

static void print_people(const options *o, const em_scores_batch *b, size_t i,
                         const size_t *order)
{
    const em_client_scores *s = b->scores;
    const em_client_vectors *v = &s->answer;
    const float *row = s->score + i * s->labels;
    char shown[EM_SCORES_SHOWN];

    em_scores_show(b->text[i], shown);
    printf("%9.5f  %s  %u tokens%s  %s\n", (double)row[order[0]], s->label[order[0]],
           v->tokens[i], v->truncated[i] ? " (cut)" : "", shown);
    for (size_t k = 1; o->all && k < s->labels; k++)
        printf("%9.5f  %s\n", (double)row[order[k]], s->label[order[k]]);
}

static int take(void *arg, const em_scores_batch *b)
{
    const options *o = arg;
    size_t order[EM_MAX_LABELS];

    for (size_t i = 0; i < b->scores->n; i++) {
        sort(b->scores->score + i * b->scores->labels, b->scores->labels, order);
        (o->scores.json || o->scores.jsonl ? print_json : print_people)(o, b, i, order);
    }
    return EM_EXIT_OK;
}

int em_classify_command(int argc, char **argv)
{
    static options o = {.scores.program = program};
    em_arg table[EM_SCORES_ARGS + 1] = {
        [EM_SCORES_ARGS] = {.name = "all",
                            .help = "every label's score, best first; not only the best",
                            .flag = &o.all}};
    const em_args args = {
        .program = program,
        .summary = "say which label a text has, inside an attested enclave",
        .usage = "--to ADDR --deployment NAME --policy FILE [options] [TEXT...]",
        .details = "For models with a classification head; em status says which those "
                   "are.  Without\nTEXT and --file, every line of standard input is one "
                   "text.  Labels come from the\nmodel's verified manifest; scores are "
                   "what its activation gives (em status).\n\nexit codes: 0 done, 1 "
                   "refused, 2 could not run, 3 truncated, 130 interrupted\n",
        .arg = table,
        .n = EM_COUNT(table),
        .max = EM_MAX_INPUTS};
    char **rest;
    size_t n;

    em_scores_args(&o.scores, table);
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;
    int code = em_scores_run(&o.scores, (const char *const *)rest, n, take, &o);
    if (code == EM_EXIT_OK && !o.scores.json && !o.scores.jsonl)
        em_scores_sign_off(&o.scores);
    em_dial_drop(&o.scores.dial);
    return code;
}
