#include "tools/fetch_http.h"

#include "os/clock.h"
#include "os/file.h"
#include "tools/fetch_turn_impl.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_REDIRECTS = 8,
    MAX_DRY = 4, /* tries in a row without a new byte */
    MAX_TRIES = 200,
    MAX_WAIT_S = 60, /* a server that wants more is told to the user */
    MAX_PATH = 4096 + 16,
};

em_err em_fetch_http_start(em_fetch_http *http)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return EM_ERR_INTERNAL;
    http->curl = curl_easy_init();
    return http->curl != NULL ? EM_OK : EM_ERR_INTERNAL;
}

void em_fetch_http_drop(em_fetch_http *http)
{
    if (http->curl == NULL) return;
    curl_easy_cleanup((CURL *)http->curl);
    curl_global_cleanup();
    http->curl = NULL;
}

/* A part of a URL as libcurl itself reads it; empty where there is none. */
static void part_of(CURLU *url, CURLUPart part, char *to, size_t cap)
{
    char *text = NULL;

    to[0] = 0;
    if (curl_url_get(url, part, &text, 0) == CURLUE_OK && strlen(text) < cap)
        memcpy(to, text, strlen(text) + 1);
    curl_free(text);
}

em_err em_fetch_http_check(const char *url, bool may_be_here, em_problem *problem,
                           bool *ret_here)
{
    char scheme[16], host[264], user[16], password[16];
    bool good = false;
    CURLU *u = curl_url();

    if (u == NULL) return EM_ERR_MEMORY;
    if (strlen(url) < EM_FETCH_HTTP_MAX_URL)
        good = curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK;
    part_of(u, CURLUPART_SCHEME, scheme, sizeof scheme);
    part_of(u, CURLUPART_HOST, host, sizeof host);
    part_of(u, CURLUPART_USER, user, sizeof user);
    part_of(u, CURLUPART_PASSWORD, password, sizeof password);
    curl_url_cleanup(u);
    for (const char *c = url; *c != 0; c++) good = good && *c > ' ' && *c < 127;
    if (!good || host[0] == 0 || user[0] != 0 || password[0] != 0)
        return em_problem_set(problem, EM_ERR_ADDRESS, NULL, "'%.200s' is no URL we ask",
                              url);
    bool here = strcmp(host, "127.0.0.1") == 0 || strcmp(host, "[::1]") == 0 ||
                strcmp(host, "localhost") == 0;
    if (strcmp(scheme, "https") != 0 &&
        !(strcmp(scheme, "http") == 0 && here && may_be_here))
        return em_problem_set(problem, EM_ERR_ADDRESS, NULL, "'%.200s' is not https%s",
                              url, may_be_here ? " (http is for this machine only)" : "");
    *ret_here = strcmp(scheme, "http") == 0;
    return EM_OK;
}

static void tag_path(const char *part, char path[MAX_PATH])
{
    snprintf(path, MAX_PATH, "%s.etag", part);
}

/* A strong entity tag as the last run kept it, or the empty text. */
static void load_tag(const char *part, char tag[EM_FETCH_TURN_WORD])
{
    char path[MAX_PATH], text[EM_FETCH_TURN_WORD];
    size_t len;

    tag_path(part, path);
    tag[0] = 0;
    if (em_file_read(path, text, sizeof text - 1, &len) != EM_OK || len < 2) return;
    for (size_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] > '~') return;
    if (text[0] != '"' || text[len - 1] != '"') return;
    memcpy(tag, text, len);
    tag[len] = 0;
}

static void save_tag(const char *part, const char *tag)
{
    char path[MAX_PATH];
    size_t len = strlen(tag);

    tag_path(part, path);
    bool strong = len >= 2 && tag[0] == '"' && tag[len - 1] == '"';
    /* without it the rest is asked for unconditionally: the digest decides in any case */
    em_err err =
        strong ? em_file_write(path, em_view(tag, len), 0644) : em_file_remove(path);
    (void)err;
}

void em_fetch_http_forget(const char *part)
{
    char path[MAX_PATH];

    tag_path(part, path);
    em_err first = em_file_remove(path), second = em_file_remove(part);
    (void)first, (void)second;
}

static bool is_stopped(const em_fetch_http *http)
{
    return http->stop != NULL && http->stop(http->arg);
}

static em_err rest(const em_fetch_http *http, uint64_t ms)
{
    uint64_t until = em_clock_deadline(ms);
    const struct timespec tick = {.tv_nsec = 50 * 1000 * 1000};

    while (em_clock_monotonic_ms() < until) {
        if (is_stopped(http)) return EM_ERR_INTERRUPTED;
        nanosleep(&tick, NULL);
    }
    return EM_OK;
}

/* One answer behind all redirects. */
static em_err follow(em_fetch_turn *t, const char *url, const char *tag)
{
    char at[EM_FETCH_HTTP_MAX_URL];
    bool first_here, here;

    EM_TRY(em_fetch_http_check(url, true, t->problem, &first_here));
    snprintf(at, sizeof at, "%s", url);
    here = first_here;
    for (int i = 0; i <= MAX_REDIRECTS; i++) {
        EM_TRY(em_fetch_turn_run(t, at, here, tag));
        if (t->status < 300 || t->status > 399 || t->next[0] == 0) return EM_OK;
        /* a commit is named by the first answer, not by whoever keeps the bytes */
        if (t->file == NULL && t->commit[0] != 0) return EM_OK;
        memcpy(at, t->next, strlen(t->next) + 1);
        EM_TRY(em_fetch_http_check(at, first_here, t->problem, &here));
    }
    return em_problem_set(t->problem, EM_ERR_HTTP_STATUS,
                          t->file != NULL ? t->file->name : NULL,
                          "more than %d redirects", MAX_REDIRECTS);
}

/* An answer that is no success, in words. */
static em_err name_status(const em_fetch_turn *t, const char *name)
{
    em_problem *p = t->problem;
    const char *sep = t->error[0] != 0 ? ": " : "";

    switch (t->status) {
    case 401:
    case 403:
        return em_problem_set(p, EM_ERR_DENIED, name,
                              "the server wants a login, or there is no such repository "
                              "(%ld%s%s)",
                              t->status, sep, t->error);
    case 404:
    case 410:
        return em_problem_set(p, EM_ERR_NOT_FOUND, name,
                              "the server has no such file (%ld%s%s)", t->status, sep,
                              t->error);
    case 429:
    case 503:
        return em_problem_set(p, EM_ERR_BUSY, name, "the server is busy (%ld)%s",
                              t->status,
                              t->wait_s > MAX_WAIT_S ? " and asks for a long pause" : "");
    default:
        return em_problem_set(p, EM_ERR_HTTP_STATUS, name, "the server answers %ld%s%s",
                              t->status, sep, t->error);
    }
}

static bool may_help(const em_fetch_turn *t, em_err err)
{
    if (err == EM_ERR_CLOSED || err == EM_ERR_TIMEOUT) return true;
    if (err == EM_ERR_BUSY) return t->wait_s <= MAX_WAIT_S;
    return err == EM_ERR_HTTP_STATUS &&
           (t->status == 500 || t->status == 502 || t->status == 504);
}

/* One try; EM_OK when the part is whole, as far as a length can say. */
static em_err attempt(em_fetch_turn *t, const char *tag)
{
    const em_fetch_http_file *f = t->file;

    EM_TRY(follow(t, f->url, tag));
    if (t->status == 416 && t->asked > 0) {
        char whole[48];
        snprintf(whole, sizeof whole, "bytes */%llu", (unsigned long long)t->asked);
        if (f->len == 0 && strcmp(t->range, whole) == 0)
            return EM_OK; /* nothing is left */
        if (ftruncate(t->fd, 0) != 0)
            return em_problem_set(t->problem, EM_ERR_IO, f->part, "%s", strerror(errno));
        return em_problem_set(t->problem, EM_ERR_CLOSED, f->name,
                              "the server cannot go on where the part ends");
    }
    if (t->status != 200 && t->status != 206) return name_status(t, f->name);
    if (f->len != 0 && t->at < f->len)
        return em_problem_set(t->problem, EM_ERR_CLOSED, f->name,
                              "the server ends after %llu of %llu bytes",
                              (unsigned long long)t->at, (unsigned long long)f->len);
    return EM_OK;
}

static em_err length_of(int fd, uint64_t *ret_len)
{
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size < 0) return EM_ERR_IO;
    *ret_len = (uint64_t)st.st_size;
    return EM_OK;
}

static void say_again(const em_fetch_http *http, const em_problem *problem, uint64_t ms)
{
    char line[sizeof problem->text + 64];

    if (http->say == NULL) return;
    snprintf(line, sizeof line, "%s; trying again%s", problem->text,
             ms >= 2000 ? " in a while" : "");
    http->say(http->arg, line);
}

/* Tries until the part is whole, an error is final, or nothing new comes. */
static em_err fill(em_fetch_http *http, const em_fetch_http_file *f, int fd,
                   em_problem *problem, uint64_t *ret_received)
{
    char tag[EM_FETCH_TURN_WORD];
    uint64_t best = 0;

    load_tag(f->part, tag);
    for (unsigned dry = 0, tries = 1;; tries++) {
        em_fetch_turn t = {.http = http, .file = f, .problem = problem, .fd = fd};
        EM_TRY(length_of(fd, &t.asked));
        if (f->len != 0 && t.asked == f->len) return EM_OK;
        if (t.asked > (f->len != 0 ? f->len : f->limit)) {
            if (ftruncate(fd, 0) != 0) return EM_ERR_IO;
            t.asked = 0;
        }
        if (tries == 1) best = t.asked;
        em_err err = attempt(&t, tag);
        *ret_received += t.received;
        if (t.begun && strcmp(tag, t.etag) != 0) {
            memcpy(tag, t.etag, sizeof tag);
            save_tag(f->part, tag);
        }
        if (err == EM_OK || !may_help(&t, err)) return err;
        dry = t.at > best ? 0 : dry + 1;
        if (t.at > best) best = t.at;
        if (dry == MAX_DRY || tries == MAX_TRIES) return err;
        uint64_t ms = t.wait_s > 0 ? t.wait_s * 1000 : (uint64_t)250 << dry;
        say_again(http, problem, ms);
        EM_TRY(rest(http, ms));
    }
}

em_err em_fetch_http_get(em_fetch_http *http, const em_fetch_http_file *file,
                         em_problem *problem, uint64_t *ret_received)
{
    int fd = open(file->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

    *ret_received = 0;
    if (fd < 0)
        return em_problem_set(problem, EM_ERR_IO, file->part, "%s", strerror(errno));
    em_err err;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        err = em_problem_set(problem, EM_ERR_EXISTS, file->part,
                             "another process is fetching it");
    else
        err = fill(http, file, fd, problem, ret_received);
    uint64_t len;
    if (err == EM_OK && fsync(fd) != 0) err = EM_ERR_IO;
    /* nothing came: nothing stays */
    if (err != EM_OK && err != EM_ERR_EXISTS && length_of(fd, &len) == EM_OK && len == 0)
        em_fetch_http_forget(file->part);
    close(fd);
    return err;
}

em_err em_fetch_http_commit(em_fetch_http *http, const char *url, em_problem *problem,
                            char ret_commit[EM_PINS_REVISION])
{
    em_fetch_turn t = {.http = http, .problem = problem, .fd = -1};

    EM_TRY(follow(&t, url, ""));
    if (t.status >= 400) return name_status(&t, url);
    if (!em_pins_is_revision(em_view(t.commit, strlen(t.commit))))
        return em_problem_set(problem, EM_ERR_FORMAT, NULL,
                              "the server does not say which commit that is");
    memcpy(ret_commit, t.commit, EM_PINS_REVISION);
    return EM_OK;
}
