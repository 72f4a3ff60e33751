#include "cmd/scores.h"

#include "cmd/embed_run.h"
#include "cmd/group.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ROOM = EM_MAX_REQUEST - 4096, /* of texts in a request; the rest is the map around */
    EACH = 8,                     /* what a text's length costs */
};

/* The texts of one request. */
typedef struct gathered {
    char *bytes;
    size_t len, n, room;
    em_client_text text[EM_MAX_INPUTS];
    json_t *id[EM_MAX_INPUTS];
    em_embed_in_text next; /* read, but in no request yet */
    bool has_next;
} gathered;

/* What all answers came to. */
static struct {
    uint64_t requests, tokens, execution_ms, cut, texts;
    char model[129], version[65], mode[16];
} total;

void em_scores_args(em_scores *s, em_arg ret_rows[EM_SCORES_ARGS])
{
    const em_arg rows[EM_SCORES_ARGS - EM_DIAL_ARGS] = {
        {.name = "model",
         .letter = 'm',
         .value = "ID",
         .help = "which model, where several do this",
         .text = &s->model},
        {.name = "file",
         .letter = 'f',
         .value = "FILE",
         .help = "texts from a file, one a line; - is standard input;\nmay be given many "
                 "times",
         .each = &s->file},
        {.name = "jsonl",
         .help = "each line is a JSON text, or an object with the text\nin \"text\"; its "
                 "\"id\" (text or integer) goes with the score",
         .flag = &s->jsonl},
        {.name = "field",
         .value = "NAME",
         .help = "the member that is the text (text)",
         .text = &s->field},
        {.name = "evidence",
         .letter = 'e',
         .value = "FILE",
         .help = "write an evidence file for em verify; further requests\ngo to FILE.2, "
                 "FILE.3 ...",
         .text = &s->evidence},
        {.name = "refuse-truncation",
         .help = "an error where a text is too long for the model, instead of a cut",
         .flag = &s->refuse},
        {.name = "json", .help = "one JSON object a text; errors too", .flag = &s->json},
    };

    em_dial_args(&s->dial, ret_rows);
    memcpy(ret_rows + EM_DIAL_ARGS, rows, sizeof rows);
}

/* ---- texts ---- */

static void clear(gathered *g)
{
    for (size_t i = 0; i < g->n; i++) json_decref(g->id[i]);
    g->n = g->len = 0;
}

/* As many as one request takes; none at the end. */
static em_err gather(gathered *g, em_embed_in *in, em_problem *problem)
{
    bool any = true;

    clear(g);
    while (g->n < EM_MAX_INPUTS) {
        if (!g->has_next) EM_TRY(em_embed_in_next(in, problem, &g->next, &any));
        if (!any) return EM_OK;
        em_bytes text = g->next.text;
        g->has_next = g->len + (g->n + 1) * EACH + text.len > g->room;
        if (g->has_next && g->n == 0) {
            (void)em_problem_set(problem, EM_ERR_LIMIT, NULL,
                                 "text %llu does not fit a request",
                                 (unsigned long long)total.texts + 1);
            return EM_ERR_LIMIT;
        }
        if (g->has_next) return EM_OK;
        if (text.len > 0) memcpy(g->bytes + g->len, text.at, text.len);
        g->text[g->n] = (em_client_text){g->bytes + g->len, text.len};
        g->id[g->n++] = json_incref(g->next.id);
        g->len += text.len;
    }
    return EM_OK;
}

/* ---- requests ---- */

static int ask(const em_scores *s, const gathered *g, em_client_scores *ret)
{
    em_client_error error;
    int code;

    if (s->query == NULL) {
        const em_client_classify_request r = {.model = s->model,
                                              .text = g->text,
                                              .n = g->n,
                                              .refuse_truncation = s->refuse,
                                              .evidence = s->evidence != NULL};
        code = em_client_classify(s->dial.client, &r, ret, &error);
    } else {
        const em_client_rerank_request r = {.model = s->model,
                                            .query = {s->query, strlen(s->query)},
                                            .document = g->text,
                                            .n = g->n,
                                            .refuse_truncation = s->refuse,
                                            .evidence = s->evidence != NULL};
        code = em_client_rerank(s->dial.client, &r, ret, &error);
    }
    return code == EM_CLIENT_OK ? EM_EXIT_OK : em_dial_fail(s->program, &error, s->json);
}

static int keep_evidence(const em_scores *s, const em_client_vectors *v)
{
    char path[4096];

    if (s->evidence == NULL) return EM_EXIT_OK;
    em_err err = em_embed_run_evidence(s->evidence, total.requests, path, sizeof path);
    if (err == EM_OK)
        err = em_file_write(path, em_view(v->evidence, v->evidence_len), 0600);
    return err == EM_OK ? EM_EXIT_OK : em_group_fail(s->program, path, err, NULL);
}

/* JSON has no word for a number that is none, and it cannot be sorted. */
static bool is_finite(const em_client_scores *scores)
{
    for (size_t i = 0; i < scores->n * scores->labels; i++)
        if (!__builtin_isfinite(scores->score[i])) return false;
    return true;
}

static int answer(const em_scores *s, const gathered *g, em_scores_take *take, void *arg)
{
    em_client_scores scores;
    int code = ask(s, g, &scores);

    if (code != EM_EXIT_OK) return code;
    const em_client_vectors *v = &scores.answer;
    total.requests++;
    total.tokens += v->total_tokens;
    total.execution_ms += v->execution_ms;
    for (size_t i = 0; i < v->n; i++) total.cut += v->truncated[i];
    snprintf(total.model, sizeof total.model, "%s", v->model);
    snprintf(total.version, sizeof total.version, "%s", v->version);
    snprintf(total.mode, sizeof total.mode, "%s", v->security_mode);
    code = keep_evidence(s, v);
    if (code != EM_EXIT_OK) return code;
    if (!is_finite(&scores))
        return em_group_fail(s->program, "a score", EM_ERR_ANSWER_MALFORMED,
                             "The model gave a number that is infinite or none.");
    const em_scores_batch batch = {total.texts, g->text, g->id, &scores};
    total.texts += g->n;
    return take(arg, &batch);
}

static int all(em_scores *s, gathered *g, em_embed_in *in, em_scores_take *take,
               void *arg)
{
    em_problem problem = {0};
    em_err err = gather(g, in, &problem);
    int code = EM_EXIT_OK;

    /* what the user has to mend is found before anybody is connected to */
    if (err != EM_OK) return em_group_fail(s->program, problem.text, err, NULL);
    if (g->n == 0)
        return em_group_fail(s->program, "the input: no text", EM_ERR_SHORT, NULL);
    code = em_dial_open(&s->dial, s->program, s->json);
    if (code == EM_EXIT_OK) em_dial_tell(&s->dial);
    while (code == EM_EXIT_OK && g->n > 0) {
        code = answer(s, g, take, arg);
        if (code != EM_EXIT_OK) break;
        err = gather(g, in, &problem);
        if (err != EM_OK) code = em_group_fail(s->program, problem.text, err, NULL);
    }
    return code;
}

int em_scores_run(em_scores *s, const char *const *words, size_t n, em_scores_take *take,
                  void *arg)
{
    static const char *const standard_input[] = {"-"};
    static gathered g;
    em_embed_in in;

    if ((n > 0 && (s->file.n > 0 || s->jsonl)) || (s->field != NULL && !s->jsonl)) {
        fprintf(stderr, "%s: %s\ntry: %s --help\n", s->program,
                n > 0 ? "texts come from arguments or from files, not from both"
                      : "--field goes with --jsonl",
                s->program);
        return EM_EXIT_CANNOT;
    }
    size_t query = s->query != NULL ? strlen(s->query) : 0;
    g.room = query < ROOM ? ROOM - query : 0;
    if ((g.bytes = malloc(ROOM)) == NULL)
        return em_group_fail(s->program, NULL, EM_ERR_MEMORY, NULL);
    if (n > 0)
        em_embed_in_words(&in, words, n);
    else
        em_embed_in_files(&in, s->file.n > 0 ? s->file.at : standard_input,
                          s->file.n > 0 ? s->file.n : 1,
                          !s->jsonl          ? NULL
                          : s->field != NULL ? s->field
                                             : "text");
    int code = all(s, &g, &in, take, arg);
    clear(&g);
    free(g.bytes);
    em_embed_in_drop(&in);
    if (total.cut > 0)
        fprintf(stderr, "%s: %llu of %llu texts were longer than the model takes\n",
                s->program, (unsigned long long)total.cut,
                (unsigned long long)total.texts);
    return code;
}

/* ---- telling ---- */

void em_scores_sign_off(const em_scores *s)
{
    (void)s;
    printf("%s %s, %llu tokens, %llu ms inside, ", total.model, total.version,
           (unsigned long long)total.tokens, (unsigned long long)total.execution_ms);
    if (total.requests == 1)
        printf("receipt %s verified\n", total.mode);
    else
        printf("%llu receipts %s verified\n", (unsigned long long)total.requests,
               total.mode);
}

json_t *em_scores_json(const em_scores_batch *batch, size_t i)
{
    const em_client_vectors *v = &batch->scores->answer;
    json_t *line = json_pack("{s:I}", "index", (json_int_t)(batch->first + i));

    if (batch->id[i] != NULL) json_object_set(line, "id", batch->id[i]);
    json_object_set_new(line, "tokens", json_integer(v->tokens[i]));
    json_object_set_new(line, "truncated", json_boolean(v->truncated[i]));
    return line;
}

void em_scores_show(em_client_text text, char ret_shown[EM_SCORES_SHOWN])
{
    enum { MOST = 48 };
    size_t n = text.len > MOST ? MOST : text.len;

    /* no half character at the cut */
    while (n < text.len && n > 0 && ((uint8_t)text.at[n] & 0xC0) == 0x80) n--;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)text.at[i];
        ret_shown[i] = c < ' ' || c == 127 ? '?' : text.at[i];
    }
    memcpy(ret_shown + n, n < text.len ? "..." : "", n < text.len ? 4 : 1);
}
