/* Revocation lists: a chain is checked when every certificate below the root has a good
 * list of its issuer's; one that names a certificate refuses, and so does one that is no
 * list of this chain's. */
#include "crypto/crl.h"
#include "crypto/setup.h"
#include "tests/trust/world.h"

static world w, fresh;

typedef struct crl {
    size_t issuer;    /* which certificate of the chain made it */
    int revokes;      /* a certificate of the chain, or -1 */
    int64_t next_s;   /* seconds after MAKER_NOW_MS; 0: no nextUpdate */
    bool by_stranger; /* signed by another key */
    bool sha256, version_1, critical;
} crl;

static void add_revoked(X509_CRL *list, const maker *m, int which)
{
    const unsigned char *at = m->der[which].at;
    X509 *x = d2i_X509(NULL, &at, (long)m->der[which].len);
    X509_REVOKED *r = X509_REVOKED_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)(MAKER_NOW_MS / 1000 + 60));

    MAKER_CHECK(x && r && when);
    MAKER_CHECK(X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(x)));
    MAKER_CHECK(X509_REVOKED_set_revocationDate(r, when) &&
                X509_CRL_add0_revoked(list, r));
    ASN1_TIME_free(when);
    X509_free(x);
}

static em_bytes make(const maker *m, crl c)
{
    X509_CRL *list = X509_CRL_new();
    X509_NAME *issuer = maker_name("maker", c.issuer);
    time_t now = (time_t)(MAKER_NOW_MS / 1000);
    ASN1_TIME *last = ASN1_TIME_set(NULL, now - 3600), *next = NULL;
    unsigned char *der = NULL;

    MAKER_CHECK(list && X509_CRL_set_version(list, c.version_1 ? 0 : 1));
    MAKER_CHECK(X509_CRL_set_issuer_name(list, issuer));
    MAKER_CHECK(X509_CRL_set1_lastUpdate(list, last));
    if (c.next_s != 0) {
        next = ASN1_TIME_set(NULL, now + (time_t)c.next_s);
        MAKER_CHECK(X509_CRL_set1_nextUpdate(list, next));
    }
    if (c.revokes >= 0) add_revoked(list, m, c.revokes);
    if (c.critical) {
        ASN1_INTEGER *n = ASN1_INTEGER_new();
        MAKER_CHECK(n && ASN1_INTEGER_set(n, 1));
        MAKER_CHECK(X509_CRL_add1_ext_i2d(list, NID_delta_crl, n, 1, 0));
        ASN1_INTEGER_free(n);
    }
    MAKER_CHECK(X509_CRL_sort(list));
    MAKER_CHECK(X509_CRL_sign(list, c.by_stranger ? m->stranger : m->key[c.issuer],
                              c.sha256 ? EVP_sha256() : EVP_sha384()) > 0);
    int len = i2d_X509_CRL(list, &der);
    MAKER_CHECK(len > 0);
    uint8_t *copy = test_alloc((size_t)len);
    memcpy(copy, der, (size_t)len);
    OPENSSL_free(der);
    ASN1_TIME_free(last);
    ASN1_TIME_free(next);
    X509_NAME_free(issuer);
    X509_CRL_free(list);
    return em_view(copy, (size_t)len);
}

static crl good(size_t issuer)
{
    return (crl){.issuer = issuer, .revokes = -1, .next_s = 3600};
}

static em_err check(const em_bytes *lists, size_t n, size_t *ret_covered)
{
    return em_crl_check(w.m.der, MAKER_LEAF, w.m.der[MAKER_LEAF], lists, n, MAKER_NOW_MS,
                        ret_covered);
}

static em_err check_one(crl c)
{
    em_bytes list = make(&w.m, c);
    size_t covered;

    return check(&list, 1, &covered);
}

static void lists_cover_what_their_issuers_signed(void)
{
    em_bytes lists[MAKER_LEAF];
    size_t covered = 99;

    CHECK_OK(check(NULL, 0, &covered));
    CHECK(covered == 0);
    for (size_t i = 0; i < MAKER_LEAF; i++) {
        lists[i] = make(&w.m, good(i));
        CHECK_OK(check(lists, i + 1, &covered));
        CHECK(covered == i + 1);
    }
    lists[3] = lists[0]; /* the same twice covers one */
    CHECK_OK(check(lists, 4, &covered));
    CHECK(covered == 3);
}

static void revoked_certificates_are_found(void)
{
    for (size_t i = 0; i < MAKER_LEAF; i++) {
        crl c = good(i);
        c.revokes = (int)i + 1;
        CHECK_ERR(check_one(c), EM_ERR_CERT_REVOKED);
        c.revokes = (int)i; /* not of this issuer's making */
        CHECK_OK(check_one(c));
    }
}

static void what_is_no_list_of_this_chain_refuses(void)
{
    crl c = good(1);

    c.by_stranger = true;
    CHECK_ERR(check_one(c), EM_ERR_CRL_INVALID);
    c = good(1);
    c.issuer = MAKER_LEAF; /* a leaf makes none */
    CHECK_ERR(check_one(c), EM_ERR_CRL_INVALID);
    c = good(1);
    c.next_s = -1;
    CHECK_ERR(check_one(c), EM_ERR_CRL_INVALID);
    c.next_s = 0;
    CHECK_ERR(check_one(c), EM_ERR_CRL_INVALID);
    c = good(1);
    c.sha256 = true;
    CHECK_ERR(check_one(c), EM_ERR_CRL_INVALID);
    c = good(1);
    c.version_1 = true;
    CHECK_ERR(check_one(c), EM_ERR_CRL_INVALID);
    c = good(1);
    c.critical = true; /* a delta list */
    CHECK_ERR(check_one(c), EM_ERR_CRL_INVALID);
    maker_cert was = w.m.cert[1];
    w.m.cert[1].no_crl_sign = true;
    maker_issue(&w.m);
    CHECK_ERR(check_one(good(1)), EM_ERR_CRL_INVALID);
    w.m.cert[1] = was;
    w.m = fresh.m;
}

static bool accepts(em_bytes in, void *arg)
{
    size_t covered;

    (void)arg;
    return check(&in, 1, &covered) == EM_OK;
}

static void no_cut_and_no_flip_passes(void)
{
    test_abuse_result r = test_abuse(make(&w.m, good(2)), accepts, NULL);

    CHECK(r.cuts_accepted == 0 && r.flips_accepted == 0);
}

/* ---- in evidence ---- */

static void evidence_says_whether_revocation_was_checked(void)
{
    em_evidence_facts f;
    em_report report;

    for (size_t i = 0; i < MAKER_LEAF; i++) w.crl[w.n_crls++] = make(&w.m, good(i));
    world_make(&w);
    CHECK_OK(world_verify(&w, &report, &f));
    CHECK(report.line[EM_CHECK_DOC_CRL].result == EM_RESULT_PASS);
    CHECK(report.line[EM_CHECK_DOC_CRL].detail == MAKER_LEAF);

    w.n_crls = 3; /* one certificate has no list: not a pass */
    world_make(&w);
    CHECK_OK(world_verify(&w, &report, &f));
    CHECK(report.line[EM_CHECK_DOC_CRL].result == EM_RESULT_SKIP);
    CHECK(report.line[EM_CHECK_DOC_CRL].detail == EM_SKIP_NO_CRL);

    crl c = good(3);
    c.revokes = MAKER_LEAF;
    w.crl[w.n_crls++] = make(&w.m, c);
    world_make(&w);
    CHECK_ERR(world_verify(&w, &report, &f), EM_ERR_CERT_REVOKED);
    CHECK(report.failed == EM_CHECK_DOC_CRL);
    w.crl[3] = EM_STR("no list");
    world_make(&w);
    CHECK_ERR(world_verify(&w, &report, &f), EM_ERR_CRL_INVALID);
    w = fresh;
}

int main(void)
{
    if (em_setup() != EM_OK) return 1;
    world_init(&w);
    fresh = w;
    RUN(lists_cover_what_their_issuers_signed);
    RUN(revoked_certificates_are_found);
    RUN(what_is_no_list_of_this_chain_refuses);
    RUN(no_cut_and_no_flip_passes);
    RUN(evidence_says_whether_revocation_was_checked);
    world_drop(&w);
    return test_end();
}
