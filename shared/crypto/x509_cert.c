#include "base/limits.h"
#include "crypto/ber.h"
#include "crypto/x509_impl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

void em_x509_cert_drop(em_x509_cert *c)
{
    X509_free(c->x);
    *c = (em_x509_cert){0};
}

/* ---- DER --------------------------------------------------------------------------- */

/* libcrypto reads BER here and there; what it would not write the same way is not DER. */
static em_err load(em_bytes der, em_x509_cert *c)
{
    const unsigned char *at = der.at;
    uint8_t again[EM_MAX_CERT], *to = again;

    if (der.len == 0 || der.len > EM_MAX_CERT) return EM_ERR_X509_MALFORMED;
    c->x = d2i_X509(NULL, &at, (long)der.len);
    if (c->x == NULL || at != der.at + der.len) return EM_ERR_X509_MALFORMED;
    if (i2d_X509(c->x, NULL) != (int)der.len || i2d_X509(c->x, &to) != (int)der.len ||
        !em_same(em_view(again, der.len), der))
        return EM_ERR_X509_MALFORMED;

    em_ber b = em_ber_over(der);
    em_ber_enter(&b, EM_BER_SEQUENCE);
    c->tbs = em_ber_whole(&b, EM_BER_SEQUENCE);
    return b.err == EM_OK ? EM_OK : EM_ERR_X509_MALFORMED;
}

/* ---- time -------------------------------------------------------------------------- */

/* Two decimal digits; 100 or more where they are none. */
static unsigned pair(const uint8_t *at)
{
    unsigned tens = at[0] - '0', ones = at[1] - '0';

    return tens > 9 || ones > 9 ? 100 : 10 * tens + ones;
}

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in(unsigned year, unsigned month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* From 1970-01-01 to the first of the month. */
static uint64_t days_before(unsigned year, unsigned month)
{
    unsigned y = year - 1; /* whole years since the year 1 */
    uint64_t days = 365u * (uint64_t)y + y / 4 - y / 100 + y / 400 - 719162;

    for (unsigned m = 1; m < month; m++) days += days_in(year, m);
    return days;
}

/* RFC 5280 4.1.2.5: YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ, nothing else. */
static em_err time_ms(const ASN1_TIME *t, uint64_t *ret_ms)
{
    const uint8_t *at = ASN1_STRING_get0_data(t);
    int len = ASN1_STRING_length(t), type = ASN1_STRING_type(t);
    unsigned century;

    if (type == V_ASN1_UTCTIME && len == 13) {
        century = pair(at) >= 50 ? 19 : 20;
    } else if (type == V_ASN1_GENERALIZEDTIME && len == 15) {
        century = pair(at);
        at += 2;
    } else {
        return EM_ERR_X509_MALFORMED;
    }
    unsigned yy = pair(at), month = pair(at + 2), day = pair(at + 4);
    unsigned hour = pair(at + 6), minute = pair(at + 8), second = pair(at + 10);
    unsigned year = 100 * century + yy;

    if (century > 99 || yy > 99 || year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > days_in(year, month) || hour > 23 || minute > 59 || second > 59 ||
        at[12] != 'Z')
        return EM_ERR_X509_MALFORMED;
    uint64_t days = days_before(year, month) + day - 1;
    *ret_ms = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000;
    return EM_OK;
}

/* ---- algorithms -------------------------------------------------------------------- */

/* RFC 5758 3.2: ecdsa-with-SHA384, parameters absent */
static bool is_es384(const X509_ALGOR *alg)
{
    const ASN1_OBJECT *oid;
    int type;

    X509_ALGOR_get0(&oid, &type, NULL, alg);
    return OBJ_obj2nid(oid) == NID_ecdsa_with_SHA384 && type == V_ASN1_UNDEF;
}

static em_err signature(em_x509_cert *c)
{
    const ASN1_BIT_STRING *sig;
    const X509_ALGOR *outer;

    X509_get0_signature(&sig, &outer, c->x);
    if (!is_es384(outer) || !is_es384(X509_get0_tbs_sigalg(c->x)))
        return EM_ERR_CHAIN_INVALID;
    if ((sig->flags & 7) != 0) return EM_ERR_CHAIN_INVALID; /* unused bits */
    c->signature = em_view(sig->data, (size_t)sig->length);
    return EM_OK;
}

/* RFC 5480 2.1.1: id-ecPublicKey, the curve by its name, the point uncompressed */
static em_err public_key(em_x509_cert *c)
{
    ASN1_OBJECT *oid;
    const unsigned char *point;
    int len, type;
    X509_ALGOR *alg;
    const void *curve;

    if (X509_PUBKEY_get0_param(&oid, &point, &len, &alg, X509_get_X509_PUBKEY(c->x)) != 1)
        return EM_ERR_X509_MALFORMED;
    X509_ALGOR_get0(NULL, &type, &curve, alg);
    if (OBJ_obj2nid(oid) != NID_X9_62_id_ecPublicKey || type != V_ASN1_OBJECT ||
        OBJ_obj2nid(curve) != NID_secp384r1 || len != EM_P384_POINT_LEN ||
        point[0] != POINT_CONVERSION_UNCOMPRESSED)
        return EM_ERR_CHAIN_INVALID;
    memcpy(c->key.b, point, sizeof c->key.b);
    return EM_OK;
}

/* ---- extensions -------------------------------------------------------------------- */

static em_err basic_constraints(em_x509_cert *c)
{
    BASIC_CONSTRAINTS *bc = X509_get_ext_d2i(c->x, NID_basic_constraints, NULL, NULL);
    int64_t len = 0;

    if (bc == NULL) return EM_OK; /* absent; a broken one is caught by EXFLAG_INVALID */
    bool ok = bc->pathlen == NULL || (ASN1_INTEGER_get_int64(&len, bc->pathlen) == 1 &&
                                      len >= 0 && len <= INT32_MAX && bc->ca);
    c->is_ca = bc->ca != 0;
    c->has_path_len = bc->pathlen != NULL;
    c->path_len = (size_t)len;
    BASIC_CONSTRAINTS_free(bc);
    return ok ? EM_OK : EM_ERR_CHAIN_INVALID;
}

static void key_usage(em_x509_cert *c)
{
    enum { DIGITAL_SIGNATURE = 0, KEY_CERT_SIGN = 5 }; /* RFC 5280 4.2.1.3 */
    ASN1_BIT_STRING *ku = X509_get_ext_d2i(c->x, NID_key_usage, NULL, NULL);

    c->signs_certs = ku != NULL && ASN1_BIT_STRING_get_bit(ku, KEY_CERT_SIGN);
    c->signs_data = ku == NULL || ASN1_BIT_STRING_get_bit(ku, DIGITAL_SIGNATURE);
    ASN1_BIT_STRING_free(ku);
}

/* Each at most once (RFC 5280 4.2); critical ones only where we judge them. */
static em_err extensions(em_x509_cert *c)
{
    int n = X509_get_ext_count(c->x);

    c->plain = true;
    for (int i = 0; i < n; i++) {
        X509_EXTENSION *e = X509_get_ext(c->x, i);
        ASN1_OBJECT *oid = X509_EXTENSION_get_object(e);
        int nid = OBJ_obj2nid(oid);
        bool judged = nid == NID_basic_constraints || nid == NID_key_usage;

        if (X509_get_ext_by_OBJ(c->x, oid, i) >= 0) return EM_ERR_CHAIN_INVALID;
        if (!judged && X509_EXTENSION_get_critical(e)) return EM_ERR_CHAIN_INVALID;
        if (nid == NID_name_constraints) return EM_ERR_CHAIN_INVALID;
        if (!judged && nid != NID_subject_key_identifier) c->plain = false;
    }
    if (X509_get_extension_flags(c->x) & EXFLAG_INVALID) return EM_ERR_CHAIN_INVALID;
    EM_TRY(basic_constraints(c));
    key_usage(c);
    return EM_OK;
}

/* ---- the whole --------------------------------------------------------------------- */

static em_err name(const X509_NAME *n, em_bytes *ret_der)
{
    const unsigned char *at;
    size_t len;

    if (X509_NAME_get0_der(n, &at, &len) != 1) return EM_ERR_X509_MALFORMED;
    if (X509_NAME_entry_count(n) == 0) return EM_ERR_CHAIN_INVALID;
    *ret_der = em_view(at, len);
    return EM_OK;
}

static em_err judge(em_bytes der, em_x509_cert *c)
{
    enum { VERSION_3 = 2 };

    EM_TRY(load(der, c));
    EM_TRY(time_ms(X509_get0_notBefore(c->x), &c->not_before_ms));
    EM_TRY(time_ms(X509_get0_notAfter(c->x), &c->not_after_ms));
    if (X509_get_version(c->x) != VERSION_3) return EM_ERR_CHAIN_INVALID;
    EM_TRY(name(X509_get_subject_name(c->x), &c->subject));
    EM_TRY(name(X509_get_issuer_name(c->x), &c->issuer));
    EM_TRY(signature(c));
    EM_TRY(public_key(c));
    return extensions(c);
}

em_err em_x509_cert_parse(em_bytes der, em_x509_cert *ret_cert)
{
    EM_DROP(em_x509_cert) c = {0};
    em_err err = judge(der, &c);

    ERR_clear_error();
    if (err == EM_OK) *ret_cert = EM_TAKE(c);
    return err;
}
