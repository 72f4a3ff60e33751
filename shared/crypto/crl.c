#include "crypto/crl.h"
#include "crypto/x509_impl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

typedef struct chain {
    size_t n;
    em_x509_cert cert[EM_MAX_CHAIN]; /* root first */
} chain;

static void chain_drop(chain *c)
{
    for (size_t i = 0; i < c->n; i++) em_x509_cert_drop(&c->cert[i]);
}

typedef struct list {
    X509_CRL *crl;
} list;

static void list_drop(list *l)
{
    X509_CRL_free(l->crl);
}

static em_err load(em_bytes der, list *l)
{
    const unsigned char *at = der.at;

    if (der.len == 0 || der.len > EM_MAX_CRL) return EM_ERR_CRL_INVALID;
    l->crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    if (l->crl == NULL || at != der.at + der.len) return EM_ERR_CRL_INVALID;
    return EM_OK;
}

/* RFC 5280 5.1: version 2, one algorithm, and nothing critical that would narrow what the
 * list speaks of (an indirect, partial or delta list says so critically). */
static em_err check_form(const X509_CRL *crl)
{
    enum { VERSION_2 = 1 };

    if (X509_CRL_get_version(crl) != VERSION_2) return EM_ERR_CRL_INVALID;
    if (X509_CRL_get_signature_nid(crl) != NID_ecdsa_with_SHA384)
        return EM_ERR_CRL_INVALID;
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++)
        if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i)))
            return EM_ERR_CRL_INVALID;
    return EM_OK;
}

static em_err check_time(const X509_CRL *crl, uint64_t at_ms)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    time_t at = (time_t)(at_ms / 1000);

    /* X509_cmp_time: 0 is an error, negative is before */
    if (next == NULL || X509_cmp_time(next, &at) <= 0) return EM_ERR_CRL_INVALID;
    return EM_OK;
}

/* keyUsage must say cRLSign (RFC 5280 4.2.1.3); a CA always has key usage here. */
static bool signs_lists(X509 *x)
{
    return (X509_get_key_usage(x) & X509v3_KU_CRL_SIGN) != 0;
}

/* Which certificate of the chain made this list? */
static em_err find_issuer(const list *l, const chain *c, size_t *ret_issuer)
{
    const unsigned char *at;
    size_t len;

    if (X509_NAME_get0_der(X509_CRL_get_issuer(l->crl), &at, &len) != 1)
        return EM_ERR_CRL_INVALID;
    for (size_t i = 0; i + 1 < c->n; i++) {
        if (!em_same(c->cert[i].subject, em_view(at, len))) continue;
        EVP_PKEY *key = X509_get0_pubkey(c->cert[i].x);
        if (!signs_lists(c->cert[i].x) || key == NULL ||
            X509_CRL_verify(l->crl, key) != 1)
            continue;
        *ret_issuer = i;
        return EM_OK;
    }
    return EM_ERR_CRL_INVALID;
}

static em_err check_list(em_bytes der, const chain *c, uint64_t at_ms, bool *covered)
{
    EM_DROP(list) l = {0};
    X509_REVOKED *found;
    size_t issuer;

    EM_TRY(load(der, &l));
    EM_TRY(check_form(l.crl));
    EM_TRY(find_issuer(&l, c, &issuer));
    EM_TRY(check_time(l.crl, at_ms));
    const ASN1_INTEGER *serial = X509_get0_serialNumber(c->cert[issuer + 1].x);
    if (X509_CRL_get0_by_serial(l.crl, &found, serial) != 0) return EM_ERR_CERT_REVOKED;
    covered[issuer + 1] = true;
    return EM_OK;
}

static em_err check_all(chain *c, const em_bytes *cabundle, size_t n, em_bytes leaf,
                        const em_bytes *crls, size_t n_crls, uint64_t at_ms,
                        bool *covered)
{
    for (; c->n < n; c->n++) EM_TRY(em_x509_cert_parse(cabundle[c->n], &c->cert[c->n]));
    EM_TRY(em_x509_cert_parse(leaf, &c->cert[c->n]));
    c->n++;
    for (size_t i = 0; i < n_crls; i++) EM_TRY(check_list(crls[i], c, at_ms, covered));
    return EM_OK;
}

em_err em_crl_check(const em_bytes *cabundle, size_t n, em_bytes leaf,
                    const em_bytes *crls, size_t n_crls, uint64_t at_ms,
                    size_t *ret_covered)
{
    EM_DROP(chain) c = {0};
    bool covered[EM_MAX_CHAIN] = {0};
    size_t count = 0;

    if (n == 0 || n >= EM_MAX_CHAIN) return EM_ERR_ARGUMENT;
    em_err err = check_all(&c, cabundle, n, leaf, crls, n_crls, at_ms, covered);
    ERR_clear_error();
    EM_TRY(err);
    for (size_t i = 1; i <= n; i++) count += covered[i];
    *ret_covered = count;
    return EM_OK;
}
