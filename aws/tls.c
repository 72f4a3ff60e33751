#include "aws/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum { WIRE_PIECE = 16 << 10, MAX_DEPTH = 8 };

void em_tls_drop(em_tls *tls)
{
    SSL_free(tls->session); /* and both BIOs */
    SSL_CTX_free(tls->context);
    em_stream_drop(&tls->stream);
    memset(tls, 0, sizeof *tls);
}

/* ---- set-up ------------------------------------------------------------------------ */

static em_err add_root(X509_STORE *store, em_bytes der)
{
    const unsigned char *at = der.at;
    X509 *root = der.len <= INT32_MAX ? d2i_X509(NULL, &at, (long)der.len) : NULL;
    bool whole = root != NULL && at == der.at + der.len;
    bool added = whole && X509_STORE_add_cert(store, root) == 1;

    X509_free(root);
    if (!whole) return EM_ERR_X509_MALFORMED;
    return added ? EM_OK : EM_ERR_CRYPTO;
}

static em_err make_context(const em_bytes *roots, size_t n, SSL_CTX **ret_context)
{
    /* whoever comes first decides; em_setup has said the same before */
    if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1) return EM_ERR_CRYPTO;
    SSL_CTX *c = SSL_CTX_new(TLS_client_method());
    if (c == NULL) return EM_ERR_CRYPTO;
    *ret_context = c;
    SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_security_level(c, 2);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_verify_depth(c, MAX_DEPTH);
    if (SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(c, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
        return EM_ERR_CRYPTO;
    for (size_t i = 0; i < n; i++) EM_TRY(add_root(SSL_CTX_get_cert_store(c), roots[i]));
    return EM_OK;
}

/* The name that is asked for, and the time and name that certificates are held to. */
static em_err set_expectations(SSL *s, em_bytes host, uint64_t now_ms)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(s);
    char name[256] = {0};

    if (host.len == 0 || host.len >= sizeof name || memchr(host.at, 0, host.len) != NULL)
        return EM_ERR_ARGUMENT;
    memcpy(name, host.at, host.len);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    X509_VERIFY_PARAM_set_time(param, (time_t)(now_ms / 1000));
    if (X509_VERIFY_PARAM_set1_host(param, name, host.len) != 1 ||
        SSL_set_tlsext_host_name(s, name) != 1)
        return EM_ERR_CRYPTO;
    return EM_OK;
}

static em_err make_session(em_tls *tls, em_bytes host, uint64_t now_ms)
{
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL *s = SSL_new(tls->context);

    if (in == NULL || out == NULL || s == NULL) {
        BIO_free(in);
        BIO_free(out);
        SSL_free(s);
        return EM_ERR_MEMORY;
    }
    BIO_set_mem_eof_return(in, -1); /* an empty one is "not yet", never the end */
    BIO_set_mem_eof_return(out, -1);
    SSL_set_bio(s, in, out);
    SSL_set_connect_state(s);
    tls->session = s;
    return set_expectations(s, host, now_ms);
}

/* ---- moving records ---------------------------------------------------------------- */

/* Writes to the stream what libssl has to say. */
static em_err flush(em_tls *tls, uint64_t deadline_ms)
{
    BIO *out = SSL_get_wbio(tls->session);
    char *at = NULL;
    long len = BIO_get_mem_data(out, &at);

    if (len > 0)
        EM_TRY(em_stream_write_full(&tls->stream, em_view(at, (size_t)len), deadline_ms));
    (void)BIO_reset(out);
    return EM_OK;
}

/* Gives libssl what the stream has. */
static em_err feed(em_tls *tls, uint64_t deadline_ms)
{
    uint8_t piece[WIRE_PIECE];
    size_t len = 0;

    EM_TRY(em_stream_read(&tls->stream, piece, sizeof piece, deadline_ms, &len));
    if (BIO_write(SSL_get_rbio(tls->session), piece, (int)len) != (int)len)
        return EM_ERR_MEMORY;
    return EM_OK;
}

/* Why the handshake failed. */
static em_err handshake_error(SSL *s)
{
    switch (SSL_get_verify_result(s)) {
    case X509_V_OK:
        return EM_ERR_TLS;
    case X509_V_ERR_HOSTNAME_MISMATCH:
        return EM_ERR_TLS_NAME;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return EM_ERR_CERT_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return EM_ERR_CERT_NOT_YET_VALID;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE: /* a root of the same name */
        return EM_ERR_TLS_ROOT;
    default:
        return EM_ERR_CHAIN_INVALID;
    }
}

static em_err shake_hands(em_tls *tls, uint64_t deadline_ms)
{
    for (;;) {
        ERR_clear_error();
        int ret = SSL_do_handshake(tls->session);
        int why = SSL_get_error(tls->session, ret);
        if (ret != 1 && why != SSL_ERROR_WANT_READ) {
            (void)!flush(tls, deadline_ms); /* the alert, as far as it goes */
            ERR_clear_error();
            return handshake_error(tls->session);
        }
        EM_TRY(flush(tls, deadline_ms));
        if (ret == 1) return EM_OK;
        EM_TRY(feed(tls, deadline_ms));
    }
}

em_err em_tls_connect(em_stream *stream, em_bytes host, const em_bytes *roots, size_t n,
                      uint64_t now_ms, uint64_t deadline_ms, em_tls *ret_tls)
{
    EM_DROP(em_tls) tls = {.stream = EM_TAKE(*stream)};
    SSL_CTX *context = NULL;

    em_err err = make_context(roots, n, &context);
    tls.context = context;
    ERR_clear_error();
    EM_TRY(err);
    EM_TRY(make_session(&tls, host, now_ms));
    EM_TRY(shake_hands(&tls, deadline_ms));
    /* belt and braces: no way leads here with anything else */
    if (SSL_get_verify_result(tls.session) != X509_V_OK) return EM_ERR_CHAIN_INVALID;
    *ret_tls = EM_TAKE(tls);
    return EM_OK;
}

em_err em_tls_read(em_tls *tls, void *to, size_t cap, uint64_t deadline_ms,
                   size_t *ret_len)
{
    if (tls->session == NULL || cap == 0) return EM_ERR_ARGUMENT;
    for (;;) {
        size_t len = 0;
        ERR_clear_error();
        int ret = SSL_read_ex(tls->session, to, cap, &len);
        int why = SSL_get_error(tls->session, ret);
        ERR_clear_error();
        EM_TRY(flush(tls, deadline_ms)); /* an answer to a key update */
        if (ret == 1) {
            *ret_len = len;
            return EM_OK;
        }
        if (why == SSL_ERROR_ZERO_RETURN) return EM_ERR_CLOSED;
        if (why != SSL_ERROR_WANT_READ) return EM_ERR_TLS;
        em_err err = feed(tls, deadline_ms);
        if (err != EM_OK) return err == EM_ERR_CLOSED ? EM_ERR_TRUNCATED : err;
    }
}

em_err em_tls_write(em_tls *tls, em_bytes from, uint64_t deadline_ms)
{
    if (tls->session == NULL) return EM_ERR_ARGUMENT;
    while (from.len > 0) {
        size_t len = 0, piece = from.len < WIRE_PIECE ? from.len : WIRE_PIECE;
        ERR_clear_error();
        /* never waits: the memory BIO takes everything, and nobody renegotiates */
        if (SSL_write_ex(tls->session, from.at, piece, &len) != 1) {
            ERR_clear_error();
            return EM_ERR_TLS;
        }
        EM_TRY(flush(tls, deadline_ms));
        from = em_view(from.at + len, from.len - len);
    }
    return EM_OK;
}
