/* serve.h - the twin's two servers: the NSM's frames and KMS over TLS, a thread a
 * connection.
 *
 * Trust:  peers are hostile: bounded sizes, deadlines and numbers of connections.
 * Memory: one em_serve for the life of the process.
 */
#ifndef EM_TWIN_SERVE_H
#define EM_TWIN_SERVE_H

#include "os/stream.h"
#include "os/thread.h"
#include "twin/kms_state.h"
#include "twin/nsm_state.h"
#include "twin/sigv4_check.h"

#include <openssl/ssl.h>

enum { EM_SERVE_CONNECTIONS = 64, EM_SERVE_MAX_BODY = 64 << 10 };

typedef struct em_serve {
    em_thread_mutex lock; /* of nsm and kms */
    em_nsm_state nsm;
    uint8_t first_document[EM_MAX_DOCUMENT]; /* for the villain's replay */
    bool replay;
    em_kms_state kms;
    em_sigv4_check_key access;
    bool cut; /* the villain: end KMS answers half-way */
    SSL_CTX *tls;
    em_stream_listener nsm_at, kms_at;
    struct em_serve_slot {
        struct em_serve *serve;
        em_thread thread;
        em_stream stream;
        bool used;
    } slot[2 * EM_SERVE_CONNECTIONS]; /* NSM's, then KMS's */
} em_serve;

/* Serves both until a signal was caught; listeners that are not open are left out. */
em_err em_serve_run(em_serve *serve);

#endif
