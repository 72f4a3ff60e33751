#include "cmd/group.h"
#include "cmd/scores.h"

#include <stdio.h>
#include <stdlib.h>

static const char program[] = "em rerank";

/* A document and its score; kept until all are known. */
typedef struct found {
    float score;
    uint64_t index;
    json_t *json;
    char shown[EM_SCORES_SHOWN];
} found;

typedef struct options {
    em_scores scores;
    uint64_t top;
    found *found;
    size_t n, cap;
} options;

/* Best first; equal ones in the order in which they came. */
static int compare(const void *left, const void *right)
{
    const found *a = left, *b = right;

    if (a->score != b->score) return a->score < b->score ? 1 : -1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static int take(void *arg, const em_scores_batch *b)
{
    options *o = arg;
    size_t n = b->scores->n;

    if (o->n + n > o->cap) {
        size_t cap = 2 * o->cap + n;
        found *bigger = realloc(o->found, cap * sizeof *bigger);
        if (bigger == NULL) return em_group_fail(program, NULL, EM_ERR_MEMORY, NULL);
        o->found = bigger;
        o->cap = cap;
    }
    for (size_t i = 0; i < n; i++) {
        found *f = &o->found[o->n++];
        *f = (found){.score = b->scores->score[i], .index = b->first + i};
        f->json = em_scores_json(b, i);
        json_object_set_new(f->json, "score", json_real((double)f->score));
        em_scores_show(b->text[i], f->shown);
    }
    return EM_EXIT_OK;
}

static void print(options *o)
{
    bool json = o->scores.json || o->scores.jsonl;

    qsort(o->found, o->n, sizeof *o->found, compare);
    size_t n = o->top > 0 && o->top < o->n ? (size_t)o->top : o->n;
    for (size_t i = 0; i < n; i++) {
        if (json) {
            json_dumpf(o->found[i].json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
            printf("\n");
        } else {
            printf("%10.5f  [%llu]  %s\n", (double)o->found[i].score,
                   (unsigned long long)o->found[i].index, o->found[i].shown);
        }
    }
    if (!json) em_scores_sign_off(&o->scores);
}

int em_rerank_command(int argc, char **argv)
{
    static options o = {.scores.program = program};
    em_arg table[EM_SCORES_ARGS + 2] = {
        [EM_SCORES_ARGS] = {.name = "query",
                            .letter = 'q',
                            .value = "TEXT",
                            .help = "what every document is judged together with "
                                    "(needed)",
                            .text = &o.scores.query},
        {.name = "top", .value = "N", .help = "print the best N only", .number = &o.top},
    };
    const em_args args = {
        .program = program,
        .summary = "sort documents by how well they answer a query, in an enclave",
        .usage = "--to ADDR --deployment NAME --policy FILE --query TEXT [DOCUMENT...]",
        .details = "For cross-encoders: models of one label (em status says which those "
                   "are).  Without\nDOCUMENT and --file, every line of standard input is "
                   "one.  The number in brackets, and\n\"index\" with --json, is the "
                   "document's place in the input, from 0.\n\nexit codes: 0 done, 1 "
                   "refused, 2 could not run, 3 truncated, 130 interrupted\n",
        .arg = table,
        .n = EM_COUNT(table),
        .max = EM_MAX_INPUTS};
    char **rest;
    size_t n;

    em_scores_args(&o.scores, table);
    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;
    if (o.scores.query == NULL || o.scores.query[0] == 0) {
        fprintf(stderr, "%s: --query is needed\ntry: %s --help\n", program, program);
        return EM_EXIT_CANNOT;
    }
    int code = em_scores_run(&o.scores, (const char *const *)rest, n, take, &o);
    if (code == EM_EXIT_OK) print(&o);
    for (size_t i = 0; i < o.n; i++) json_decref(o.found[i].json);
    free(o.found);
    em_dial_drop(&o.scores.dial);
    return code;
}
