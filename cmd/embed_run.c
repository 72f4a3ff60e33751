#include "cmd/embed_run.h"

#include "cmd/group.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_TRIES = 5, /* of one request, where a session that worked broke */
    ROOM = EM_MAX_REQUEST - 2048,
    EACH = 8, /* what a text's length costs in a request */
    TICK_MS = 500,
};

/* The texts of one request. */
typedef struct batch {
    char *bytes; /* ROOM of them */
    size_t len, n;
    em_client_text text[EM_MAX_INPUTS];
    json_t *id[EM_MAX_INPUTS];
} batch;

typedef struct state {
    const em_embed_run *run;
    em_embed_out out;
    batch batch;
    em_embed_in_text next; /* read, but in no batch yet */
    bool has_next;
    em_problem problem;

    uint64_t texts, tokens, cut, requests, execution_ms, started_ms, told_ms;
    uint64_t opened_ms, messages, bytes; /* of this session */
    char model[129], version[65], mode[16];
    uint8_t hash[32]; /* of the manifest that the first answer names */
} state;

em_err em_embed_run_evidence(const char *file, uint64_t n, char *path, size_t cap)
{
    int len = n == 1 ? snprintf(path, cap, "%s", file)
                     : snprintf(path, cap, "%s.%llu", file, (unsigned long long)n);
    return len > 0 && (size_t)len < cap ? EM_OK : EM_ERR_LIMIT;
}

bool em_embed_run_is_old(uint64_t age_ms, uint64_t messages, uint64_t bytes)
{
    return age_ms >= EM_SESSION_LIFE_MS / 2 || messages >= EM_SESSION_MESSAGES / 2 ||
           bytes >= EM_SESSION_BYTES / 2;
}

/* Batches -------------------------------------------------------------------------------
 */

static void clear(batch *b)
{
    for (size_t i = 0; i < b->n; i++) json_decref(b->id[i]);
    b->n = b->len = 0;
}

/* Adds a text; false where the request is full.  The prompt that the client library will
 * put before it is known there; here there is room for any. */
static bool add(state *s, const em_embed_in_text *text)
{
    batch *b = &s->batch;
    size_t each = EACH + (s->run->prompt != NULL ? EM_MAX_PROMPT : 0);
    size_t len = text->text.len;

    if (b->n == s->run->most) return false;
    if (b->len + len + (b->n + 1) * each > ROOM) return false;
    char *at = b->bytes + b->len;
    if (len > 0) memcpy(at, text->text.at, len);
    b->text[b->n] = (em_client_text){at, len};
    b->id[b->n] = json_incref(text->id);
    b->len += len;
    b->n++;
    return true;
}

/* As many texts as one request takes; an empty batch at the end.  On an error the batch
 * keeps what was read before it. */
static em_err gather(state *s)
{
    bool any = true;

    clear(&s->batch);
    for (;;) {
        if (!s->has_next) {
            EM_TRY(em_embed_in_next(s->run->in, &s->problem, &s->next, &any));
            if (!any) return EM_OK;
            s->has_next = true;
        }
        if (!add(s, &s->next)) return EM_OK;
        s->has_next = false;
        if (s->batch.n == s->run->most) return EM_OK;
    }
}

/* Progress ------------------------------------------------------------------------------
 */

static void clear_line(const state *s)
{
    if (s->told_ms != 0) fprintf(stderr, "\r\033[K");
}

/* A line that is written over, where a person watches a long input. */
static void tell(state *s)
{
    const em_embed_in *in = s->run->in;
    uint64_t now = em_clock_monotonic_ms();

    if (s->requests < 2 || now - s->told_ms < TICK_MS || !isatty(STDERR_FILENO)) return;
    s->told_ms = now;
    double seconds = (double)(now - s->started_ms + 1) / 1000;
    fprintf(stderr, "\r\033[K%s: %llu texts, %.0f texts/s, %.0f tokens/s",
            s->run->program, (unsigned long long)s->texts, (double)s->texts / seconds,
            (double)s->tokens / seconds);
    if (in->bytes_all > 0)
        fprintf(stderr, ", %llu %%",
                (unsigned long long)(in->bytes_read * 100 / in->bytes_all));
}

/* Requests ------------------------------------------------------------------------------
 */

static int open_session(state *s, bool json)
{
    int code = em_dial_open(s->run->dial, s->run->program, json);

    s->opened_ms = em_clock_monotonic_ms();
    s->messages = s->bytes = 0;
    if (code == EM_EXIT_OK) em_dial_tell(s->run->dial);
    return code;
}

/* Is it worth asking again in a new session?  Only where one has worked before: otherwise
 * the answer is the user's to judge. */
static bool may_help(const state *s, const em_client_error *error)
{
    static const char *const names[] = {"SESSION_EXPIRED",
                                        "SESSION_LIMIT",
                                        "SESSION_CLOSED",
                                        "TRUNCATED",
                                        "CLOSED",
                                        "IO",
                                        "BUSY",
                                        "HOST_REFUSED"};

    if (s->requests == 0 || em_signals_caught() != 0) return false;
    for (size_t i = 0; i < EM_COUNT(names); i++)
        if (strcmp(error->name, names[i]) == 0) return true;
    return false;
}

static void rest(uint64_t ms)
{
    uint64_t until = em_clock_deadline(ms);
    const struct timespec tick = {.tv_nsec = 50 * 1000 * 1000};

    while (em_clock_monotonic_ms() < until && em_signals_caught() == 0)
        nanosleep(&tick, NULL);
}

/* A new session in place of one that is old or broken; a few times, if need be. */
static int renew(state *s, unsigned tries)
{
    int code = EM_EXIT_CANNOT;

    for (; tries < MAX_TRIES && em_signals_caught() == 0; tries++) {
        if (tries > 0) rest((uint64_t)500 << tries);
        em_dial_drop(s->run->dial);
        code = open_session(s, s->run->json && tries + 1 == MAX_TRIES);
        if (code != EM_EXIT_CANNOT && code != EM_EXIT_TRUNCATED) return code;
    }
    return em_signals_caught() != 0 ? EM_EXIT_INTERRUPTED : code;
}

/* One batch's vectors, its receipt verified. */
static int ask(state *s, em_client_vectors *ret)
{
    const em_embed_run *run = s->run;
    em_client_error error;
    const em_client_embed_request request = {.model = run->model,
                                             .text = s->batch.text,
                                             .n = s->batch.n,
                                             .prompt = run->prompt,
                                             .refuse_truncation = run->refuse,
                                             .evidence = run->evidence != NULL};

    if (em_embed_run_is_old(em_clock_monotonic_ms() - s->opened_ms, s->messages,
                            s->bytes)) {
        int code = renew(s, 0);
        if (code != EM_EXIT_OK) return code;
    }
    for (unsigned tries = 1;; tries++) {
        if (em_client_embed(run->dial->client, &request, ret, &error) == EM_CLIENT_OK)
            break;
        clear_line(s);
        if (tries == MAX_TRIES || !may_help(s, &error)) {
            if (strcmp(error.name, "TIMEOUT") == 0)
                fprintf(stderr, "--wait SECONDS allows more, --batch N asks for less at "
                                "once.\n");
            return em_dial_fail(run->program, &error, run->json);
        }
        fprintf(stderr, "%s: %s (%s); asking again in a new session\n", run->program,
                error.text, error.name);
        int code = renew(s, tries);
        if (code != EM_EXIT_OK) return code;
    }
    s->messages++;
    s->bytes += s->batch.len + ret->n * ret->dim * sizeof(float);
    return EM_EXIT_OK;
}

static int keep_evidence(const state *s, const em_client_vectors *v)
{
    char path[4096];

    if (s->run->evidence == NULL) return EM_EXIT_OK;
    em_err err = em_embed_run_evidence(s->run->evidence, s->requests, path, sizeof path);
    if (err == EM_OK)
        err = em_file_write(path, em_view(v->evidence, v->evidence_len), 0600);
    return err == EM_OK ? EM_EXIT_OK : em_group_fail(s->run->program, path, err, NULL);
}

static void count(state *s, const em_client_vectors *v)
{
    s->texts += v->n;
    s->tokens += v->total_tokens;
    s->execution_ms += v->execution_ms;
    for (size_t i = 0; i < v->n; i++) s->cut += v->truncated[i];
    snprintf(s->model, sizeof s->model, "%s", v->model);
    snprintf(s->version, sizeof s->version, "%s", v->version);
    snprintf(s->mode, sizeof s->mode, "%s", v->security_mode);
}

/* Vectors of two models do not belong into one output: a new session may have met another
 * version. */
static int check_model(state *s, const em_client_vectors *v)
{
    if (s->requests == 0) memcpy(s->hash, v->model_hash, sizeof s->hash);
    if (memcmp(s->hash, v->model_hash, sizeof s->hash) == 0) return EM_EXIT_OK;
    (void)em_group_fail(s->run->program, "the model was replaced meanwhile",
                        EM_ERR_MODEL_HASH_MISMATCH,
                        "What is written so far is all of the model that was there "
                        "before.");
    return EM_EXIT_REFUSED;
}

static int send_batch(state *s)
{
    em_client_vectors v;
    int code = ask(s, &v);

    if (code == EM_EXIT_OK) code = check_model(s, &v);
    if (code != EM_EXIT_OK) return code;
    s->requests++;
    code = keep_evidence(s, &v);
    if (code != EM_EXIT_OK) return code;
    const em_embed_out_batch rows = {
        .vectors = &v, .text = s->batch.text, .id = s->batch.id};
    em_err err = em_embed_out_write(&s->out, &rows, &s->problem);
    if (err != EM_OK) return em_group_fail(s->run->program, s->problem.text, err, NULL);
    count(s, &v);
    tell(s);
    return EM_EXIT_OK;
}

/* The whole -----------------------------------------------------------------------------
 */

static void say_end(const state *s, bool whole)
{
    const em_embed_run *run = s->run;

    clear_line(s);
    if (whole && run->format == EM_EMBED_PEOPLE) {
        FILE *to = s->out.to;
        fprintf(to, "%s %s, %llu tokens, %llu ms inside, ", s->model, s->version,
                (unsigned long long)s->tokens, (unsigned long long)s->execution_ms);
        if (s->requests == 1)
            fprintf(to, "receipt %s verified\n", s->mode);
        else
            fprintf(to, "%llu receipts %s verified\n", (unsigned long long)s->requests,
                    s->mode);
    }
    if (s->cut > 0)
        fprintf(stderr,
                "%s: %llu of %llu texts were longer than the model takes, and were cut\n",
                run->program, (unsigned long long)s->cut, (unsigned long long)s->texts);
    if (run->evidence != NULL && s->requests > 1)
        fprintf(stderr, "%s: evidence of %llu requests: %s, %s.2 ... %s.%llu\n",
                run->program, (unsigned long long)s->requests, run->evidence,
                run->evidence, run->evidence, (unsigned long long)s->requests);
}

static int finish(state *s, int code)
{
    const em_embed_run *run = s->run;
    em_problem problem = {0};
    const char *kept;

    say_end(s, code == EM_EXIT_OK);
    uint64_t rows = s->out.rows, dim = s->out.dim;
    em_err err = em_embed_out_close(&s->out, code == EM_EXIT_OK, &problem, &kept);
    if (err != EM_OK && code == EM_EXIT_OK)
        code = em_group_fail(run->program, problem.text, err, NULL);
    if (kept != NULL)
        fprintf(stderr, "%s: the %llu vectors before are kept in %s\n", run->program,
                (unsigned long long)rows, kept);
    else if (code == EM_EXIT_OK && run->out != NULL)
        fprintf(stderr, "%s: %s: %llu vectors of %llu numbers\n", run->program, run->out,
                (unsigned long long)rows, (unsigned long long)dim);
    return code;
}

static int say_bad_input(const state *s, em_err err)
{
    clear_line(s);
    if (err == EM_ERR_INTERRUPTED) {
        (void)em_group_fail(s->run->program, NULL, err, NULL);
        return EM_EXIT_INTERRUPTED;
    }
    return em_group_fail(s->run->program, s->problem.text, err, NULL);
}

/* What was read before a bad line is still answered, and what was answered is kept. */
static int pump(state *s, em_err bad)
{
    int code = EM_EXIT_OK;

    while (code == EM_EXIT_OK) {
        if (bad == EM_ERR_INTERRUPTED) return say_bad_input(s, bad);
        const em_problem why = s->problem;
        if (s->batch.n > 0) code = send_batch(s);
        if (code != EM_EXIT_OK) return code;
        if (bad != EM_OK) {
            s->problem = why;
            return say_bad_input(s, bad);
        }
        if (s->batch.n == 0) return EM_EXIT_OK;
        bad = gather(s);
    }
    return code;
}

static int run_all(state *s)
{
    const em_embed_run *run = s->run;

    s->batch.bytes = malloc(ROOM);
    if (s->batch.bytes == NULL)
        return em_group_fail(run->program, NULL, EM_ERR_MEMORY, NULL);
    /* what the user has to mend is found before anybody is connected to */
    em_err bad = gather(s);
    if (s->batch.n == 0 && bad != EM_OK) return say_bad_input(s, bad);
    if (s->batch.n == 0)
        return em_group_fail(run->program, "the input: no text", EM_ERR_SHORT, NULL);
    em_problem problem = {0};
    em_err err =
        em_embed_out_open(&s->out, run->format, run->out, run->expected, &problem);
    if (err != EM_OK) return em_group_fail(run->program, problem.text, err, NULL);
    int code = open_session(s, run->json);
    if (code == EM_EXIT_OK) {
        s->started_ms = em_clock_monotonic_ms();
        code = pump(s, bad);
    }
    return finish(s, code);
}

int em_embed_run_all(const em_embed_run *run)
{
    static state s;

    s = (state){.run = run};
    int code = run_all(&s);
    clear(&s.batch);
    free(s.batch.bytes);
    return code;
}
