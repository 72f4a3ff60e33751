/* run.h - em-host as a process of its own (this very program, started again), and the
 * little that tests say to it.
 *
 * Trust:  test code only.
 * Memory: static buffers.
 */
#ifndef EM_TESTS_HOST_RUN_H
#define EM_TESTS_HOST_RUN_H

#include "host/host.h"
#include "os/file.h"
#include "os/process.h"
#include "os/thread.h"
#include "tests/support/test.h"

#include <signal.h>
#include <unistd.h>

/* First in main: the child's side. */
#define RUN_AS_HOST(argc, argv)                                                          \
    if ((argc) > 1 && strcmp((argv)[1], "--as-host") == 0)                               \
    return em_host_run((argc)-1, (argv) + 1)

typedef struct host {
    em_process process;
    char line[2048]; /* the ready line */
    char log[64];    /* a file */
} host;

static inline uint64_t soon(void)
{
    return em_clock_deadline(20000);
}

/* "NAME" becomes a Unix address that no other test of this run has. */
static inline const char *unix_address(const char *name)
{
    static char text[8][128];
    static unsigned turn;
    char *t = text[turn++ % 8];

    snprintf(t, sizeof text[0], "unix:/tmp/em-th-%d-%s", (int)getpid(), name);
    return t;
}

static inline em_address address_of(const char *text)
{
    em_address a = {0};

    if (em_address_parse(em_view(text, strlen(text)), &a) != EM_OK) {
        printf("  bad address in a test: %s\n", text);
        abort();
    }
    return a;
}

/* Starts em-host with these words (NULL last) and waits for its ready line; false with
 * the exit code in *ret_code where it ended instead. */
static inline bool host_try(host *h, const char *const *words, int *ret_code)
{
    const char *argv[64] = {"em-host", "--as-host"};
    size_t n = 2, len = 0, got = 0;
    em_process_end end = {0};

    *h = (host){0};
    snprintf(h->log, sizeof h->log, "/tmp/em-th-%d.log", (int)getpid());
    while (*words != NULL && n < 63) argv[n++] = *words++;
    em_process_plan plan = {.path = "/proc/self/exe",
                            .argv = argv,
                            .out = EM_PROCESS_PIPE,
                            .err = EM_PROCESS_FILE,
                            .err_path = h->log,
                            .dies_with_us = true};
    if (em_process_start(&plan, &h->process) != EM_OK) abort();
    while (len + 1 < sizeof h->line && memchr(h->line, '\n', len) == NULL &&
           em_stream_read(&h->process.out, h->line + len, sizeof h->line - 1 - len,
                          soon(), &got) == EM_OK)
        len += got;
    if (strncmp(h->line, "ready ", 6) == 0) return true;
    *ret_code = em_process_wait(&h->process, soon(), &end) == EM_OK && !end.signalled
                    ? end.code
                    : -1;
    em_process_drop(&h->process);
    return false;
}

static inline void host_start(host *h, const char *const *words)
{
    int code = 0;

    if (host_try(h, words, &code)) return;
    printf("  em-host did not start: exit %d; log %s\n", code, h->log);
    abort();
}
#define HOST_START(h, ...) host_start((h), (const char *const[]){__VA_ARGS__, NULL})

/* The address that the ready line names (the i-th of that name). */
static inline em_address host_address(const host *h, const char *name, int i)
{
    char key[32], text[EM_ADDRESS_TEXT] = {0};
    const char *at = h->line;

    snprintf(key, sizeof key, " %s=", name);
    for (int k = 0; k <= i; k++) {
        at = strstr(at, key);
        if (at == NULL) abort();
        at += strlen(key);
    }
    snprintf(text, sizeof text, "%.*s", (int)strcspn(at, " \n"), at);
    return address_of(text);
}

/* SIGTERM; the exit code, or -1 where it had to be killed. */
static inline int host_stop(host *h)
{
    em_process_end end = {0};
    em_err err = em_process_stop(&h->process, 10000, &end);

    em_process_drop(&h->process);
    unlink(h->log);
    return err == EM_OK && !end.signalled ? end.code : -1;
}

/* One HTTP exchange on a connection of its own: the status (0: no answer); the whole
 * answer in `answer`, *ret_body behind its head. */
static inline unsigned http(const em_address *at, const char *request, char *answer,
                            size_t cap, const char **ret_body, size_t *ret_len)
{
    EM_DROP(em_stream) s = {0};
    size_t len = 0, n = 0;
    unsigned status = 0;

    if (em_stream_connect(at, soon(), &s) != EM_OK) return 0;
    if (em_stream_write_full(&s, em_view(request, strlen(request)), soon()) != EM_OK)
        return 0;
    while (len + 1 < cap &&
           em_stream_read(&s, answer + len, cap - 1 - len, soon(), &n) == EM_OK)
        len += n;
    answer[len] = 0;
    const char *body = strstr(answer, "\r\n\r\n");
    if (sscanf(answer, "HTTP/1.1 %3u", &status) != 1 || body == NULL) return 0;
    if (ret_body != NULL) *ret_body = body + 4;
    if (ret_len != NULL) *ret_len = len - (size_t)(body + 4 - answer);
    return status;
}

static inline unsigned http_get(const em_address *at, const char *method,
                                const char *target, const char *headers, char *answer,
                                size_t cap, const char **ret_body, size_t *ret_len)
{
    char request[4096];

    snprintf(request, sizeof request,
             "%s %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n%s\r\n", method, target,
             headers);
    return http(at, request, answer, cap, ret_body, ret_len);
}

/* One number of /metrics, by its whole name with labels; UINT64_MAX when absent. */
static inline uint64_t host_metric(const em_address *admin, const char *name)
{
    static char page[32768];
    const char *body = NULL;
    char key[128];

    if (http_get(admin, "GET", "/metrics", "", page, sizeof page, &body, NULL) != 200)
        return UINT64_MAX;
    snprintf(key, sizeof key, "\n%s ", name);
    const char *at = strstr(body, key);
    return at == NULL ? UINT64_MAX : strtoull(at + strlen(key), NULL, 10);
}

#endif
