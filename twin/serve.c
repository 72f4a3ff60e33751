#include "twin/serve.h"

#include "os/clock.h"
#include "os/log.h"
#include "os/nsm.h"
#include "os/signals.h"
#include "wire/cbor.h"

#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { TICK_MS = 100, PATIENCE_MS = 30 * 1000 };

/* NSM ----------------------------------------------------------------------------------
 */

/* The document inside an Attestation answer, kept the first time and given ever after. */
static void keep_first_document(em_serve *serve, em_bytes answer)
{
    em_cbor c = em_cbor_over_foreign(answer);

    if (em_cbor_map(&c, 1) != 1 || !em_same(em_cbor_text(&c), EM_STR("Attestation")))
        return;
    em_cbor_map(&c, 1);
    em_cbor_text(&c);
    em_bytes document = em_cbor_bytes(&c);
    if (em_cbor_end(&c) != EM_OK || document.len > sizeof serve->first_document) return;
    memcpy(serve->first_document, document.at, document.len);
    serve->nsm.replay = em_view(serve->first_document, document.len);
}

static void serve_nsm(void *arg)
{
    struct em_serve_slot *slot = arg;
    em_serve *serve = slot->serve;
    uint8_t request[EM_NSM_MAX_REQUEST], answer[EM_NSM_MAX_RESPONSE];
    size_t len;

    while (em_nsm_take(&slot->stream, EM_NEVER, request, &len) == EM_OK) {
        em_out o = EM_OUT(answer);
        em_thread_lock(&serve->lock);
        em_err err = em_nsm_state_answer(&serve->nsm, em_view(request, len),
                                         em_clock_wall_ms(), &o);
        if (err == EM_OK && serve->replay && serve->nsm.replay.len == 0)
            keep_first_document(serve, em_write_view(&o));
        em_thread_unlock(&serve->lock);
        if (err != EM_OK || em_nsm_answer(&slot->stream, em_write_view(&o),
                                          em_clock_deadline(PATIENCE_MS)) != EM_OK)
            break;
    }
    em_stream_drop(&slot->stream);
    __atomic_store_n(&slot->used, false, __ATOMIC_RELEASE);
}

/* KMS ----------------------------------------------------------------------------------
 */

/* Wait until the TLS layer can go on after `result`; false when it cannot. */
static bool tls_wait(SSL *tls, int fd, int result)
{
    int why = SSL_get_error(tls, result);
    short events = why == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
    struct pollfd p = {.fd = fd, .events = events};

    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return false;
    return poll(&p, 1, PATIENCE_MS) == 1;
}

static bool tls_write(SSL *tls, int fd, em_bytes bytes)
{
    while (bytes.len > 0) {
        size_t sent;
        int result = SSL_write_ex(tls, bytes.at, bytes.len, &sent);
        if (result == 1)
            bytes.at += sent, bytes.len -= sent;
        else if (!tls_wait(tls, fd, result))
            return false;
    }
    return true;
}

/* Read more into buffer[*len..cap); false at the end of the stream. */
static bool tls_read(SSL *tls, int fd, uint8_t *buffer, size_t cap, size_t *len)
{
    for (;;) {
        size_t got;
        if (*len == cap) return false;
        int result = SSL_read_ex(tls, buffer + *len, cap - *len, &got);
        if (result == 1) {
            *len += got;
            return true;
        }
        if (!tls_wait(tls, fd, result)) return false;
    }
}

static const char *refusal_of(em_err err)
{
    if (err == EM_ERR_CREDENTIALS) return "UnrecognizedClientException";
    if (err == EM_ERR_STALE_DOCUMENT) return "RequestExpired";
    return err == EM_ERR_SIG_FAILED ? "InvalidSignatureException"
                                    : "IncompleteSignatureException";
}

/* The JSON answer to one whole request; the caller frees it. */
static char *answer_kms(em_serve *serve, const em_http1_head *head, em_bytes body,
                        unsigned *ret_status)
{
    char target[64] = "";
    em_bytes text;
    json_t *out;

    EM_DROP(em_thread_held) held = em_thread_hold(&serve->lock);
    em_err err = em_sigv4_check(head, body, serve->kms.region, "kms", &serve->access,
                                em_clock_wall_ms());
    if (err != EM_OK) {
        out = json_pack("{s:s,s:s}", "__type", refusal_of(err), "message",
                        "the request's signature is not accepted");
        *ret_status = 400;
    } else {
        if (em_http1_find(head, "x-amz-target", &text) && text.len < sizeof target)
            memcpy(target, text.at, text.len);
        out =
            em_kms_state_call(&serve->kms, target, body, em_clock_wall_ms(), ret_status);
    }
    const char *type = json_string_value(json_object_get(out, "__type"));
    em_log_write(type == NULL ? EM_LOG_INFO : EM_LOG_WARN,
                 type == NULL ? "kms.done" : "kms.refused",
                 (em_log_field[]){EM_LOG_NUMBER("status", *ret_status), {0}});
    char *dump = out != NULL ? json_dumps(out, JSON_COMPACT) : NULL;
    json_decref(out);
    return dump;
}

static bool send_answer(em_serve *serve, SSL *tls, int fd, unsigned status,
                        const char *json)
{
    char head[256];
    size_t len = strlen(json);
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %u %s\r\nContent-Type: application/x-amz-json-1.1\r\n"
                     "Content-Length: %zu\r\n\r\n",
                     status, status == 200 ? "OK" : "Bad Request", len);

    if (!tls_write(tls, fd, em_view(head, (size_t)n))) return false;
    return tls_write(tls, fd, em_view(json, serve->cut ? len / 2 : len)) && !serve->cut;
}

/* One request of the connection; false when it is the last. */
static bool one_request(em_serve *serve, SSL *tls, int fd, uint8_t *buffer, size_t cap)
{
    em_http1_head head;
    size_t len = 0;
    em_err err = EM_ERR_SHORT;

    while (err == EM_ERR_SHORT) {
        if (!tls_read(tls, fd, buffer, cap, &len)) return false;
        err = em_http1_request(em_view(buffer, len), &head);
    }
    if (err != EM_OK || !head.has_length || head.length > cap - head.len) return false;
    size_t whole = head.len + (size_t)head.length;
    while (len < whole)
        if (!tls_read(tls, fd, buffer, whole, &len)) return false;

    unsigned status = 500;
    char *json = answer_kms(serve, &head, em_view(buffer + head.len, (size_t)head.length),
                            &status);
    bool good = json != NULL && send_answer(serve, tls, fd, status, json);
    free(json);
    return good && !head.close;
}

static void serve_kms(void *arg)
{
    struct em_serve_slot *slot = arg;
    size_t cap = EM_MAX_HTTP_HEAD + EM_SERVE_MAX_BODY;
    uint8_t *buffer = malloc(cap);
    SSL *tls = SSL_new(slot->serve->tls);
    int fd = slot->stream.fd;

    if (buffer != NULL && tls != NULL && SSL_set_fd(tls, fd) == 1) {
        int result;
        while ((result = SSL_accept(tls)) != 1)
            if (!tls_wait(tls, fd, result)) break;
        if (result == 1)
            while (one_request(slot->serve, tls, fd, buffer, cap)) continue;
        if (result == 1 && !slot->serve->cut) SSL_shutdown(tls);
    }
    SSL_free(tls);
    ERR_clear_error();
    free(buffer);
    em_stream_drop(&slot->stream);
    __atomic_store_n(&slot->used, false, __ATOMIC_RELEASE);
}

/* Both ----------------------------------------------------------------------------------
 */

/* Take what waits at a listener into a free slot of its half. */
static void admit(em_serve *serve, em_stream_listener *at, size_t first,
                  void (*run)(void *))
{
    EM_DROP(em_stream) stream = {0};

    if (em_stream_accept(at, EM_NOW, &stream, NULL) != EM_OK) return;
    for (size_t i = first; i < first + EM_SERVE_CONNECTIONS; i++) {
        struct em_serve_slot *slot = &serve->slot[i];
        if (__atomic_load_n(&slot->used, __ATOMIC_ACQUIRE)) continue;
        em_thread_drop(&slot->thread); /* its run has ended */
        slot->serve = serve;
        slot->stream = EM_TAKE(stream);
        slot->used = true;
        if (em_thread_start(run, slot, "twin", &slot->thread) != EM_OK) {
            em_stream_drop(&slot->stream);
            slot->used = false;
        }
        return;
    }
}

em_err em_serve_run(em_serve *serve)
{
    struct pollfd p[3] = {
        {.fd = serve->nsm_at.open ? serve->nsm_at.fd : -1, .events = POLLIN},
        {.fd = serve->kms_at.open ? serve->kms_at.fd : -1, .events = POLLIN},
        {.fd = em_signals_fd(), .events = POLLIN},
    };

    while (em_signals_caught() == 0) {
        if (poll(p, EM_COUNT(p), -1) < 0) continue;
        if (p[0].revents != 0) admit(serve, &serve->nsm_at, 0, serve_nsm);
        if (p[1].revents != 0)
            admit(serve, &serve->kms_at, EM_SERVE_CONNECTIONS, serve_kms);
    }
    return EM_OK;
}
