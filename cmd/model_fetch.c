#include "cmd/model_fetch.h"

#include "cmd/group.h"
#include "cmd/lines.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/signals.h"
#include "tools/fetch.h"
#include "tools/fetch_catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char program[] = "em model fetch";

enum { MAX_FOLDER = 2048, TICK_MS = 200, MEGA = 1 << 20 };

typedef struct fetch_options {
    const char *revision, *pins, *out, *from, *ca;
    em_arg_list sha256;
    uint64_t limit, wait_s;
    bool show, list, json;

    const em_fetch_catalogue_model *known; /* NULL: not in the catalogue */
    em_pins pin;                           /* what is to be fetched */
    const char *repository;
    char folder[MAX_FOLDER];
    uint64_t told_ms, file_ms, file_from; /* of the progress line */
} fetch_options;

/* Progress ------------------------------------------------------------------------------
 */

static bool stop(void *arg)
{
    (void)arg;
    return em_signals_caught() != 0;
}

static void clear_line(const fetch_options *o)
{
    if (o->told_ms != 0) fprintf(stderr, "\r\033[K");
}

/* A line that is written over, where a person watches. */
static void tell(void *arg, const char *name, uint64_t done, uint64_t all)
{
    fetch_options *o = arg;
    uint64_t now = em_clock_monotonic_ms();

    if (!isatty(STDERR_FILENO)) return;
    if (done < o->file_from || o->file_ms == 0) {
        o->file_from = done;
        o->file_ms = now;
    }
    if (now - o->told_ms < TICK_MS) return;
    o->told_ms = now;
    double seconds = (double)(now - o->file_ms + 1) / 1000;
    fprintf(stderr, "\r\033[K%s: %s %.1f MiB", program, name, (double)done / MEGA);
    if (all > 0)
        fprintf(stderr, " of %.1f (%llu %%)", (double)all / MEGA,
                (unsigned long long)(done * 100 / all));
    fprintf(stderr, ", %.1f MiB/s", (double)(done - o->file_from) / MEGA / seconds);
}

static void say(void *arg, const char *line)
{
    clear_line(arg);
    fprintf(stderr, "%s: %s\n", program, line);
}

/* What is to be fetched -----------------------------------------------------------------
 */

static int wrong(const char *what, const char *next)
{
    fprintf(stderr, "%s: %s\n%s\n", program, what, next);
    return EM_EXIT_CANNOT;
}

static int read_pins(fetch_options *o)
{
    static char text[EM_PINS_MAX_FILE + 1];
    em_problem problem = {0};
    size_t len = 0;

    if (o->pins != NULL) {
        em_err err = em_file_read(o->pins, text, sizeof text, &len);
        if (err != EM_OK) return em_group_fail(program, o->pins, err, NULL);
        err = em_pins_read(em_view(text, len), o->pins, &problem, &o->pin);
        if (err != EM_OK) return em_group_fail(program, problem.text, err, NULL);
    }
    for (size_t i = 0; i < o->sha256.n; i++) {
        const char *equals = strrchr(o->sha256.at[i], '=');
        if (equals == NULL)
            return wrong("--sha256 is FILE=HEX", "FILE as the repository names it.");
        em_err err = em_pins_add(
            &o->pin, em_view(o->sha256.at[i], (size_t)(equals - o->sha256.at[i])),
            em_view(equals + 1, strlen(equals + 1)), &problem);
        if (err != EM_OK) return em_group_fail(program, problem.text, err, NULL);
    }
    if ((o->pins != NULL || o->sha256.n > 0) && o->pin.n == 0)
        return wrong("the list pins no file", "sha256sum FILE... writes such a list.");
    return EM_EXIT_OK;
}

static int unknown_name(const char *name)
{
    const char *names[8];
    size_t n = 0;

    for (const em_fetch_catalogue_model *m;
         n < EM_COUNT(names) && (m = em_fetch_catalogue_at(n)) != NULL; n++)
        names[n] = m->name;
    const char *near = em_args_nearest(name, names, n);
    fprintf(stderr, "%s: no model is known as '%s'", program, name);
    if (near != NULL) fprintf(stderr, "; did you mean '%s'?", near);
    fprintf(stderr, "\n%s --list says which are; others are fetched as OWNER/NAME.\n",
            program);
    return EM_EXIT_CANNOT;
}

static int without_pins(const char *name)
{
    fprintf(stderr,
            "%s: nobody here knows which bytes %s should have\n"
            "Give their digests: --revision COMMIT with --pins FILE or --sha256 "
            "FILE=HEX...\n"
            "Or --show-pins: fetches what the server has now and prints its digests, for "
            "you to\ncompare with another source and to keep for the next time.\n",
            program, name);
    return EM_EXIT_CANNOT;
}

/* Repository, revision and pins out of options, list and catalogue. */
static int choose(fetch_options *o, const char *name)
{
    int code = read_pins(o);
    if (code != EM_EXIT_OK) return code;

    bool pinned = o->pin.n > 0;
    o->known = em_fetch_catalogue_find(name);
    o->repository = o->known != NULL ? o->known->repository : name;
    if (o->known == NULL && !em_pins_is_repository(em_view(name, strlen(name))))
        return unknown_name(name);
    if (pinned && o->pin.repository[0] != 0 &&
        strcmp(o->pin.repository, o->repository) != 0)
        return wrong("the list is of another repository",
                     "Its line '# repository' says of which.");
    if (o->revision != NULL && o->pin.revision[0] != 0 &&
        strcmp(o->revision, o->pin.revision) != 0)
        return wrong("--revision and the list's '# revision' differ", "Leave one out.");
    if (o->revision == NULL && o->pin.revision[0] != 0) o->revision = o->pin.revision;
    if (!pinned && o->known != NULL &&
        (o->revision == NULL || strcmp(o->revision, o->known->revision) == 0)) {
        em_err err = em_fetch_catalogue_pins(o->known, &o->pin);
        if (err != EM_OK) return em_group_fail(program, name, err, NULL);
        o->revision = o->known->revision;
        pinned = true;
    }
    if (!pinned && !o->show) return without_pins(name);
    if (pinned && o->revision == NULL)
        return wrong("--revision COMMIT is needed",
                     "A branch moves; digests belong to one commit.");
    if (!pinned && o->revision == NULL) o->revision = "main";
    return EM_EXIT_OK;
}

/* --out, or a folder of its own for each commit in the cache. */
static int choose_folder(fetch_options *o)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int len = -1;

    if (o->out != NULL)
        len = snprintf(o->folder, sizeof o->folder, "%s", o->out);
    else if (cache != NULL && cache[0] == '/')
        len = snprintf(o->folder, sizeof o->folder, "%s/ephemeralml/models/%s/%s", cache,
                       o->repository, o->revision);
    else if (home != NULL && home[0] == '/')
        len = snprintf(o->folder, sizeof o->folder, "%s/.cache/ephemeralml/models/%s/%s",
                       home, o->repository, o->revision);
    if (len <= 0 || (size_t)len >= sizeof o->folder)
        return wrong("there is no folder to write to", "--out FOLDER names one.");
    return EM_EXIT_OK;
}

/* What came of it -----------------------------------------------------------------------
 */

static const char *hint_for(em_err err)
{
    switch (err) {
    case EM_ERR_PIN:
        return "A download that is wrong is deleted; a file that was there before is "
               "left "
               "as it is.\nCompare the pin with another source before you change it.";
    case EM_ERR_NOT_FOUND:
        return "Look at the repository's name, --revision and the names of the files.";
    case EM_ERR_DENIED:
        return "em logs in nowhere: get such files by hand, and have them checked with "
               "--pins and --out FOLDER.";
    case EM_ERR_CONNECT:
    case EM_ERR_TLS:
        return "Is there a network?  --from URL asks a mirror, --ca PEM trusts other "
               "roots.\nFiles that you put into --out FOLDER by hand are checked there "
               "without any network.";
    case EM_ERR_TIMEOUT:
    case EM_ERR_CLOSED:
    case EM_ERR_BUSY:
    case EM_ERR_HTTP_STATUS:
    case EM_ERR_INTERRUPTED:
        return "What came is kept: the same command, now or later, goes on from there.";
    case EM_ERR_LIMIT:
        return "--limit BYTES (K, M, G) takes more.";
    default:
        return NULL;
    }
}

static int fail(fetch_options *o, em_err err, const em_problem *problem)
{
    const char *hint = hint_for(err);
    const char *what = err == EM_ERR_INTERRUPTED ? NULL : problem->text;

    clear_line(o);
    (void)em_group_fail(program, what, err, hint);
    if (o->json) {
        json_t *out =
            json_pack("{s:s,s:s,s:s}", "error", em_err_name(err), "text",
                      what != NULL ? what : em_err_text(err), "folder", o->folder);
        json_dumpf(out, stdout, JSON_COMPACT);
        printf("\n");
        json_decref(out);
    }
    if (err == EM_ERR_INTERRUPTED) return EM_EXIT_INTERRUPTED;
    return err == EM_ERR_PIN ? EM_EXIT_REFUSED : EM_EXIT_CANNOT;
}

static void print_json(const fetch_options *o, const em_fetch_result *r)
{
    static const char *const words[] = {"present", "fetched", "resumed"};
    json_t *files = json_array();

    for (size_t i = 0; i < r->pins.n; i++) {
        const em_pin *p = &r->pins.pin[i];
        json_array_append_new(files, json_pack("{s:s,s:I,s:o,s:s}", "name", p->name,
                                               "bytes", (json_int_t)p->len, "sha256",
                                               em_lines_hex(EM_BYTES(p->sha256)), "state",
                                               words[r->state[i]]));
    }
    json_t *out =
        json_pack("{s:s,s:s,s:s,s:b,s:I,s:o}", "folder", o->folder, "repository",
                  r->pins.repository, "revision", r->pins.revision, "pinned",
                  o->pin.n > 0, "received", (json_int_t)r->received, "files", files);
    json_dumpf(out, stdout, JSON_COMPACT);
    printf("\n");
    json_decref(out);
}

/* The digests that nobody vouches for, and a word of warning that cannot be missed. */
static void print_pins(const fetch_options *o, const em_fetch_result *r)
{
    static char text[EM_MAX_SOURCES * (EM_PINS_NAME + 70) + 512];
    em_out out = em_out_over(text, sizeof text);
    size_t had = 0;

    em_pins_put(&out, &r->pins);
    fwrite(text, 1, out.len, stdout);
    if (o->pin.n > 0) return;
    for (size_t i = 0; i < r->pins.n; i++) had += r->state[i] == EM_FETCH_HAD;
    fprintf(stderr,
            "%s: WARNING: NOBODY HAS VOUCHED FOR THESE BYTES.  They are what the server "
            "sent now.\nCompare the digests with another source, keep the list, and use "
            "it from then on:\n  %s %s --pins FILE\n",
            program, program, o->repository);
    if (had > 0)
        fprintf(stderr,
                "%zu of the files were in the folder before: their digests are of those, "
                "not the server's.\n",
                had);
}

/* The command that comes next, on one line. */
static void print_next(const fetch_options *o, FILE *to)
{
    const char *slash = strrchr(o->repository, '/');
    char id[EM_MAX_MODEL_ID] = "";

    for (size_t i = 0; slash[1 + i] != 0 && i + 1 < sizeof id; i++) {
        char c = slash[1 + i];
        id[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        id[i + 1] = 0;
    }
    fprintf(to,
            "next: em model pack %s --id %s --licence %s --key PUBLISHER --out %s.emb "
            "--kms-key ARN ... (em model pack --help)\n",
            o->folder, id, o->known != NULL ? o->known->licence : "SPDX-ID", id);
}

static int report(fetch_options *o, const em_fetch_result *r)
{
    FILE *to = o->show ? stderr : stdout;
    size_t had = 0;

    clear_line(o);
    if (o->json) {
        print_json(o, r);
        return EM_EXIT_OK;
    }
    for (size_t i = 0; i < r->pins.n; i++) had += r->state[i] == EM_FETCH_HAD;
    fprintf(to, "%s: %zu files of %s at %s%s (%zu were there, %.1f MiB came)\n",
            o->folder, r->pins.n, r->pins.repository, r->pins.revision,
            o->pin.n > 0 ? ", every SHA-256 as pinned" : ", NOT PINNED", had,
            (double)r->received / MEGA);
    if (o->show) print_pins(o, r);
    print_next(o, to);
    return EM_EXIT_OK;
}

static int list(bool json)
{
    const em_fetch_catalogue_model *m;
    json_t *all = json_array();

    for (size_t i = 0; (m = em_fetch_catalogue_at(i)) != NULL; i++) {
        uint64_t len = 0;
        for (size_t k = 0; k < m->n; k++) len += m->file[k].len;
        if (!json)
            printf("%-20s %s at %s\n%20s %.1f MiB, %s; digests: %s\n", m->name,
                   m->repository, m->revision, "", (double)len / MEGA, m->licence,
                   m->known);
        json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s,s:I,s:s}", "name", m->name,
                                             "repository", m->repository, "revision",
                                             m->revision, "licence", m->licence, "bytes",
                                             (json_int_t)len, "digests", m->known));
    }
    if (json) {
        json_dumpf(all, stdout, JSON_COMPACT);
        printf("\n");
    }
    json_decref(all);
    return EM_EXIT_OK;
}

static int fetch(fetch_options *o, const char *name)
{
    static em_fetch_result result;
    em_problem problem = {0};
    int code = choose(o, name);

    if (code == EM_EXIT_OK) code = choose_folder(o);
    if (code != EM_EXIT_OK) return code;
    em_fetch_http http = {.ca = o->ca,
                          .wait_ms = o->wait_s * 1000,
                          .stop = stop,
                          .tell = tell,
                          .say = say,
                          .arg = o};
    const em_fetch_options options = {.from = o->from,
                                      .repository = o->repository,
                                      .revision = o->revision,
                                      .folder = o->folder,
                                      .pins = &o->pin,
                                      .trust = o->pin.n == 0,
                                      .limit = o->limit};
    em_err err = em_signals_catch();
    if (err == EM_OK) err = em_fetch_http_start(&http);
    if (err == EM_OK) err = em_fetch_run(&http, &options, &problem, &result);
    em_fetch_http_drop(&http);
    return err == EM_OK ? report(o, &result) : fail(o, err, &problem);
}

int em_model_fetch_command(int argc, char **argv)
{
    static fetch_options o = {.limit = (uint64_t)8 << 30, .wait_s = 30};
    const em_arg table[] = {
        {.name = "revision",
         .letter = 'r',
         .value = "COMMIT",
         .help = "the commit, 40 hexadecimal digits\n(with --show-pins a branch or tag "
                 "too: main)",
         .text = &o.revision},
        {.name = "pins",
         .letter = 'p',
         .value = "FILE",
         .help = "which files, and the SHA-256 of each, as sha256sum\nwrites it",
         .text = &o.pins},
        {.name = "sha256",
         .value = "FILE=HEX",
         .help = "one more file and its SHA-256; may be given many times",
         .each = &o.sha256},
        {.name = "show-pins",
         .help = "print such a list of what is in the folder at the end;\nwithout pins: "
                 "fetch what the server has, unvouched for",
         .flag = &o.show},
        {.name = "out",
         .letter = 'o',
         .value = "FOLDER",
         .help = "where to (~/.cache/ephemeralml/models/OWNER/NAME/COMMIT)",
         .text = &o.out},
        {.name = "from",
         .value = "URL",
         .help = "the server (" EM_FETCH_FROM ")",
         .text = &o.from},
        {.name = "ca",
         .value = "PEM",
         .help = "TLS roots in place of the system's",
         .text = &o.ca},
        {.name = "limit",
         .value = "BYTES",
         .help = "all files together may have so many (8G)",
         .number = &o.limit},
        {.name = "wait",
         .value = "SECONDS",
         .help = "give a connection up that is slower than 1 KiB/s for\nso long (30)",
         .number = &o.wait_s},
        {.name = "list", .help = "the models that are known by name", .flag = &o.list},
        {.name = "json", .help = "one JSON object at the end", .flag = &o.json},
    };
    const em_args args = {
        .program = program,
        .summary = "fetch a model folder from Hugging Face, every file against its pin",
        .usage = "NAME | OWNER/NAME --revision COMMIT --pins FILE [options]",
        .details =
            "NAME is one of --list: its commit and digests are built in.  A file whose\n"
            "SHA-256 is not the pinned one is deleted and refused.  What broke off is "
            "taken up\nagain by the same command; files that are there already are "
            "checked, not fetched.\n\n"
            "exit codes: 0 done, 1 a file is not the pinned one, 2 could not run, 130 "
            "interrupted\n",
        .arg = table,
        .n = EM_COUNT(table),
        .max = 1};
    char **rest;
    size_t n;

    em_args_next next = em_args_parse(&args, argc, argv, &rest, &n);
    if (next != EM_ARGS_RUN) return next == EM_ARGS_DONE ? EM_EXIT_OK : EM_EXIT_CANNOT;
    if (o.list) return list(o.json);
    if (n != 1) return wrong("which model?", "em model fetch --list; or OWNER/NAME.");
    if (o.wait_s < 1 || o.wait_s > 3600)
        return wrong("--wait is 1 to 3600 seconds", "30 is the default.");
    return fetch(&o, rest[0]);
}
