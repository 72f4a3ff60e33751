#include "tools/fetch_turn_impl.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { SLOW_BYTES = 1024, MAX_JUNK = 64 << 10 };

/* Keeps a header's value where it is printable and not too long. */
static void keep(em_bytes line, const char *name, char *to)
{
    size_t len = strlen(name), n = 0;

    if (line.len <= len || strncasecmp((const char *)line.at, name, len) != 0) return;
    line = em_view(line.at + len, line.len - len);
    while (line.len > 0 && (line.at[0] == ' ' || line.at[0] == '\t'))
        line = em_view(line.at + 1, line.len - 1);
    while (line.len > 0 && line.at[line.len - 1] <= ' ') line.len--;
    if (line.len >= EM_FETCH_TURN_WORD) return;
    for (size_t i = 0; i < line.len; i++)
        if (line.at[i] < ' ' || line.at[i] > '~') return;
    for (; n < line.len; n++) to[n] = (char)line.at[n];
    to[n] = 0;
}

static size_t take_header(char *at, size_t one, size_t n, void *arg)
{
    em_fetch_turn *t = arg;
    em_bytes line = em_view(at, one * n);

    if (line.len > 5 && memcmp(line.at, "HTTP/", 5) == 0)
        t->etag[0] = t->range[0] = t->commit[0] = t->error[0] = t->length[0] = 0;
    keep(line, "etag:", t->etag);
    keep(line, "content-range:", t->range);
    keep(line, "x-repo-commit:", t->commit);
    keep(line, "x-error-code:", t->error);
    keep(line, "content-length:", t->length);
    return line.len;
}

/* A decimal number and what follows it; false where there is none. */
static bool take_number(const char **at, uint64_t *ret_value)
{
    uint64_t value = 0;
    const char *from = *at;

    for (; **at >= '0' && **at <= '9'; (*at)++) {
        if (value > (UINT64_MAX - 9) / 10) return false;
        value = value * 10 + (uint64_t)(**at - '0');
    }
    *ret_value = value;
    return *at != from;
}

static em_err refuse(em_fetch_turn *t, em_err err, const char *what)
{
    return em_problem_set(t->problem, err, t->file->name, "%s", what);
}

/* A length that the server announces, held against what is known, before a byte is
 * written. */
static em_err check_length(em_fetch_turn *t, uint64_t len)
{
    const em_fetch_http_file *f = t->file;

    t->all = len;

    if (f->len != 0 && len != f->len)
        return em_problem_set(t->problem, EM_ERR_PIN, f->name,
                              "the server has %llu bytes, the pinned file has %llu",
                              (unsigned long long)len, (unsigned long long)f->len);
    if (len > f->limit)
        return em_problem_set(t->problem, EM_ERR_LIMIT, f->name,
                              "the server has %llu bytes; at most %llu are taken",
                              (unsigned long long)len, (unsigned long long)f->limit);
    return EM_OK;
}

/* 206: from where we asked; 200: from the start, whatever we asked. */
static em_err begin(em_fetch_turn *t)
{
    const char *at = t->status == 206 ? t->range : t->length;
    uint64_t first, last, all;

    t->begun = true;
    t->all = t->file->len;
    t->at = t->status == 206 ? t->asked : 0;
    if (t->status == 206) {
        if (strncasecmp(at, "bytes ", 6) != 0)
            return refuse(t, EM_ERR_HTTP_SYNTAX, "a part without Content-Range");
        at += 6;
        if (!take_number(&at, &first) || *at++ != '-' || !take_number(&at, &last) ||
            *at++ != '/' || first != t->asked)
            return refuse(t, EM_ERR_HTTP_SYNTAX,
                          "the server sends another part than was asked for");
        return take_number(&at, &all) ? check_length(t, all) : EM_OK;
    }
    if (take_number(&at, &all)) EM_TRY(check_length(t, all));
    if (ftruncate(t->fd, 0) != 0)
        return em_problem_set(t->problem, EM_ERR_IO, t->file->part, "%s",
                              strerror(errno));
    return EM_OK;
}

static em_err put(em_fetch_turn *t, em_bytes bytes)
{
    const em_fetch_http_file *f = t->file;
    uint64_t most = f->len != 0 ? f->len : f->limit;

    if (!t->begun) EM_TRY(begin(t));
    if (bytes.len > most || t->at > most - bytes.len)
        return em_problem_set(t->problem, EM_ERR_LIMIT, f->name,
                              "the server sends more than %llu bytes",
                              (unsigned long long)most);
    while (bytes.len > 0) {
        ssize_t n = pwrite(t->fd, bytes.at, bytes.len, (off_t)t->at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            return em_problem_set(t->problem, EM_ERR_IO, f->part, "%s", strerror(errno));
        t->at += (uint64_t)n;
        t->received += (uint64_t)n;
        bytes = em_view(bytes.at + n, bytes.len - (size_t)n);
    }
    return EM_OK;
}

static size_t take_body(char *at, size_t one, size_t n, void *arg)
{
    em_fetch_turn *t = arg;

    if (curl_easy_getinfo((CURL *)t->http->curl, CURLINFO_RESPONSE_CODE, &t->status) !=
        CURLE_OK)
        t->err = EM_ERR_INTERNAL;
    else if (t->file != NULL && (t->status == 200 || t->status == 206))
        t->err = put(t, em_view(at, one * n));
    else
        t->junk += one * n; /* what an error page says is not read */
    return t->err == EM_OK && t->junk <= MAX_JUNK ? one * n : 0;
}

static int watch(void *arg, curl_off_t all, curl_off_t now, curl_off_t up_all,
                 curl_off_t up_now)
{
    em_fetch_turn *t = arg;

    (void)all, (void)now, (void)up_all, (void)up_now;
    if (t->http->stop != NULL && t->http->stop(t->http->arg)) {
        t->err = EM_ERR_INTERRUPTED;
        return 1;
    }
    if (t->begun && t->http->tell != NULL)
        t->http->tell(t->http->arg, t->file->name, t->at, t->all);
    return 0;
}

static bool set_up(em_fetch_turn *t, const char *url, bool here,
                   struct curl_slist *headers)
{
    CURL *c = (CURL *)t->http->curl;
    char range[32];
    bool good = true;

    snprintf(range, sizeof range, "%llu-", (unsigned long long)t->asked);
    curl_easy_reset(c); /* the connection stays */
#define SET(option, value) good = good && curl_easy_setopt(c, option, value) == CURLE_OK
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, here ? "http" : "https");
    SET(CURLOPT_FOLLOWLOCATION, 0L); /* each step is looked at first */
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_USERAGENT, "em/" EM_VERSION);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)t->http->wait_ms);
    SET(CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
    SET(CURLOPT_LOW_SPEED_TIME, (long)((t->http->wait_ms + 999) / 1000));
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_XFERINFOFUNCTION, watch);
    SET(CURLOPT_XFERINFODATA, t);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_HTTPHEADER, headers);
    if (here) SET(CURLOPT_PROXY, "");
    if (t->http->ca != NULL) SET(CURLOPT_CAINFO, t->http->ca);
    if (t->file == NULL) SET(CURLOPT_NOBODY, 1L);
    if (t->asked > 0) SET(CURLOPT_RANGE, range);
#undef SET
    return good;
}

/* What a transfer that did not end well was. */
static em_err name_failure(em_fetch_turn *t, CURLcode code, const char *url)
{
    const char *name = t->file != NULL ? t->file->name : NULL,
               *why = curl_easy_strerror(code);

    if (t->err != EM_OK) return t->err;
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return em_problem_set(t->problem, EM_ERR_TIMEOUT, name,
                              "nothing, or next to nothing, came for %llu s",
                              (unsigned long long)((t->http->wait_ms + 999) / 1000));
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return em_problem_set(t->problem, EM_ERR_CLOSED, name,
                              "the connection broke off after %llu bytes (%s)",
                              (unsigned long long)t->at, why);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return em_problem_set(t->problem, EM_ERR_TLS, name, "%s", why);
    default:
        return em_problem_set(t->problem, EM_ERR_CONNECT, name, "%.200s: %s", url, why);
    }
}

em_err em_fetch_turn_run(em_fetch_turn *turn, const char *url, bool here, const char *tag)
{
    CURL *c = (CURL *)turn->http->curl;
    struct curl_slist *headers = NULL;
    char line[EM_FETCH_TURN_WORD + 16];
    curl_off_t wait = 0;
    char *next = NULL;

    if (tag[0] != 0 && turn->asked > 0) {
        snprintf(line, sizeof line, "If-Range: %s", tag);
        headers = curl_slist_append(NULL, line);
        if (headers == NULL) return EM_ERR_MEMORY;
    }
    turn->at = turn->asked;
    bool good = set_up(turn, url, here, headers);
    CURLcode code = good ? curl_easy_perform(c) : CURLE_FAILED_INIT;
    curl_slist_free_all(headers);
    if (code == CURLE_WRITE_ERROR && turn->junk > MAX_JUNK) code = CURLE_OK;
    if (code != CURLE_OK) return name_failure(turn, code, url);
    if (curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &turn->status) != CURLE_OK ||
        curl_easy_getinfo(c, CURLINFO_REDIRECT_URL, &next) != CURLE_OK ||
        curl_easy_getinfo(c, CURLINFO_RETRY_AFTER, &wait) != CURLE_OK)
        return EM_ERR_INTERNAL;
    turn->wait_s = wait > 0 ? (uint64_t)wait : 0;
    turn->next[0] = 0;
    if (next != NULL && strlen(next) < sizeof turn->next)
        memcpy(turn->next, next, strlen(next) + 1);
    /* an empty file has no body that would have begun it */
    if (turn->file != NULL && !turn->begun &&
        (turn->status == 200 || turn->status == 206))
        return begin(turn);
    return EM_OK;
}
