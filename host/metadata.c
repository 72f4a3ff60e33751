#include "host/metadata.h"
#include "os/file.h"

#include <curl/curl.h>
#include <stdio.h>

enum { KEEP_MS = 60 * 1000, WAIT_MS = 3000, CONNECT_MS = 1000, TOKEN = 512 };

static const char roles[] = "/latest/meta-data/iam/security-credentials/";

typedef struct em_metadata_answer {
    size_t len;
    uint8_t at[EM_METADATA_MAX];
} em_metadata_answer;
EM_HOLDS_SECRET(em_metadata_answer);

typedef struct em_metadata_header {
    char text[TOKEN + 32];
} em_metadata_header;
EM_HOLDS_SECRET(em_metadata_header);

/* ---- asking the metadata service ---- */

static size_t take(char *from, size_t one, size_t n, void *arg)
{
    em_metadata_answer *a = arg;

    /* fewer than given ends the transfer with an error */
    if (one != 1 || n > sizeof a->at - a->len) return 0;
    memcpy(a->at + a->len, from, n);
    a->len += n;
    return n;
}

static em_err ask(const em_metadata *m, const char *method, const char *path,
                  const char *header, em_metadata_answer *ret_answer)
{
    char url[512];
    long status = 0;
    em_err err = EM_ERR_CREDENTIALS;
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, header);

    ret_answer->len = 0;
    int len = snprintf(url, sizeof url, "%s%s", m->base_url, path);
    if (curl != NULL && headers != NULL && len > 0 && (size_t)len < sizeof url) {
        (void)curl_easy_setopt(curl, CURLOPT_URL, url);
        (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
        (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
        (void)curl_easy_setopt(curl, CURLOPT_PROXY,
                               ""); /* whatever the environment says */
        (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)WAIT_MS);
        (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
        (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
        (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret_answer);
        if (curl_easy_perform(curl) == CURLE_OK &&
            curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
            status == 200)
            err = EM_OK;
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return err;
}

/* A token goes into a header line, a role into a path: nothing in them may end either. */
static em_err checked_text(const em_metadata_answer *a, size_t most, const char *also,
                           char *ret_text)
{
    size_t len = a->len;

    while (len > 0 && (a->at[len - 1] == '\n' || a->at[len - 1] == '\r')) len--;
    if (len == 0 || len > most) return EM_ERR_CREDENTIALS;
    for (size_t i = 0; i < len; i++) {
        char c = (char)a->at[i];
        bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == 0 || strchr(also, c) == NULL)) return EM_ERR_CREDENTIALS;
    }
    memcpy(ret_text, a->at, len);
    ret_text[len] = 0;
    return EM_OK;
}

/* Token, role, document: the service's version 2. */
static em_err fetch(em_metadata *m)
{
    EM_DROP(em_metadata_answer) a = {0};
    EM_DROP(em_metadata_header) token = {"X-aws-ec2-metadata-token: "};
    char role[EM_METADATA_ROLE + 1], path[sizeof roles + EM_METADATA_ROLE];

    EM_TRY(ask(m, "PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60",
               &a));
    EM_TRY(checked_text(&a, TOKEN, "+/=_-", token.text + strlen(token.text)));
    EM_TRY(ask(m, "GET", roles, token.text, &a));
    EM_TRY(checked_text(&a, EM_METADATA_ROLE, "+=,.@_-", role));
    (void)snprintf(path, sizeof path, "%s%s", roles, role);
    EM_TRY(ask(m, "GET", path, token.text, &a));
    if (a.len == 0) return EM_ERR_CREDENTIALS;
    memcpy(m->document, a.at, a.len);
    m->len = a.len;
    memcpy(m->role, role, sizeof role);
    m->fetched_ms = em_clock_monotonic_ms();
    return EM_OK;
}

/* ---- answering the enclave ---- */

static em_err load(em_metadata *m)
{
    size_t len = 0;

    if (m->file != NULL) {
        EM_TRY(em_file_read(m->file, m->document, sizeof m->document, &len));
        if (len == 0) return EM_ERR_CREDENTIALS;
        m->len = len;
        return EM_OK;
    }
    uint64_t now = em_clock_monotonic_ms();
    if (m->fetched_ms != 0 && now - m->fetched_ms < KEEP_MS) return EM_OK;
    em_wipe(m->document, sizeof m->document);
    m->len = 0;
    m->fetched_ms = 0;
    return fetch(m);
}

static unsigned answer(void *arg, const em_web_request *request)
{
    em_metadata *m = arg;
    const char *target = request->target;
    const size_t prefix = sizeof roles - 1;
    bool direct = strcmp(target, "/credentials") == 0;

    if (!direct && strncmp(target, roles, prefix) != 0)
        return em_web_status(request, MHD_HTTP_NOT_FOUND);
    EM_DROP(em_thread_held) held = em_thread_hold(&m->lock);
    if (load(m) != EM_OK) return em_web_status(request, MHD_HTTP_BAD_GATEWAY);

    if (!direct && target[prefix] == 0)
        return em_web_text(request, MHD_HTTP_OK, "text/plain",
                           em_view(m->role, strlen(m->role)));
    if (!direct && strcmp(target + prefix, m->role) != 0)
        return em_web_status(request, MHD_HTTP_NOT_FOUND);
    return em_web_text(request, MHD_HTTP_OK, "application/json",
                       em_view(m->document, m->len));
}

static void count(void *arg, unsigned status)
{
    em_metadata *m = arg;

    em_metrics_add(m->metrics,
                   status == MHD_HTTP_OK ? EM_METRIC_CREDENTIALS_OK
                   : status < 500        ? EM_METRIC_CREDENTIALS_REFUSED
                                         : EM_METRIC_CREDENTIALS_FAILED,
                   1);
}

em_err em_metadata_start(em_metadata *metadata, const char *file,
                         const em_address *service, const em_stream_listener *listener,
                         uint32_t only_cid, em_metrics *metrics)
{
    *metadata = (em_metadata){.file = file, .metrics = metrics};
    if (file != NULL) {
        memcpy(metadata->role, "file", sizeof "file");
    } else if (service != NULL) {
        bool v6 = strchr(service->name, ':') != NULL;
        int len = snprintf(metadata->base_url, sizeof metadata->base_url,
                           v6 ? "http://[%s]:%u" : "http://%s:%u", service->name,
                           (unsigned)service->port);
        if (service->kind != EM_ADDRESS_TCP || len < 0 ||
            (size_t)len >= sizeof metadata->base_url)
            return EM_ERR_ADDRESS;
    } else {
        memcpy(metadata->base_url, "http://169.254.169.254",
               sizeof "http://169.254.169.254");
    }
    metadata->web =
        (em_web){.answer = answer, .count = count, .arg = metadata, .only_cid = only_cid};
    return em_web_start(&metadata->web, listener);
}

void em_metadata_drop(em_metadata *metadata)
{
    em_web_drop(&metadata->web);
    em_wipe(metadata->document, sizeof metadata->document);
}
