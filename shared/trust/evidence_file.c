#include "trust/evidence_file.h"
#include "trust/map_impl.h"

enum { MAX_MEMBERS = 9 };

/* ---- reading ---- */

static em_bytes since(const em_cbor *c, const uint8_t *start)
{
    return em_view(start, (size_t)(c->in.left.at - start));
}

static em_bytes some_bytes(em_cbor *c, size_t max)
{
    em_bytes got = em_cbor_bytes_max(c, max);

    if (got.len == 0) em_cbor_fail(c, EM_ERR_RANGE);
    return got;
}

/* DATA records; of an answer, one END behind them. */
static em_bytes read_records(em_cbor *c, bool ends, size_t max)
{
    const uint8_t *start = c->in.left.at;
    uint64_t n = em_cbor_array(c, EM_MAX_EVIDENCE_RECORDS);
    size_t total = 0;

    if (n == 0) em_cbor_fail(c, EM_ERR_RANGE);
    for (uint64_t i = 0; i < n && em_cbor_ok(c) == EM_OK; i++) {
        em_record_type want = ends && i + 1 == n ? EM_RECORD_END : EM_RECORD_DATA;
        em_cbor_array_of(c, 2);
        if (em_cbor_uint(c) != (uint64_t)want) em_cbor_fail(c, EM_ERR_RANGE);
        total += em_cbor_bytes_max(c, em_hello_max_body(want)).len;
        if (total > max) em_cbor_fail(c, EM_ERR_LIMIT);
    }
    return since(c, start);
}

static void read_crls(em_cbor *c, em_evidence *e)
{
    uint64_t n = em_cbor_array(c, EM_MAX_CRLS);

    if (n == 0) em_cbor_fail(c, EM_ERR_RANGE);
    for (uint64_t i = 0; i < n && em_cbor_ok(c) == EM_OK; i++)
        e->crl[e->n_crls++] = some_bytes(c, EM_MAX_CRL);
}

static em_err read_file(em_bytes file, em_evidence *e)
{
    em_cbor c = em_cbor_over(file);
    uint64_t left = em_cbor_map(&c, MAX_MEMBERS);

    map_want(&c, "v", &left);
    if (em_cbor_uint(&c) != 1) em_cbor_fail(&c, EM_ERR_RANGE);
    if (map_has(&c, "crls", &left)) read_crls(&c, e);
    map_want(&c, "hello", &left);
    e->hello = some_bytes(&c, EM_RECORD_HEAD + EM_MAX_HELLO);
    e->has_answer = map_has(&c, "answer", &left);
    if (e->has_answer) e->answer = read_records(&c, true, EM_MAX_ANSWER);
    map_want(&c, "attest", &left);
    e->attest = some_bytes(&c, EM_RECORD_HEAD + EM_MAX_ATTEST);
    map_want(&c, "policy", &left);
    e->policy = some_bytes(&c, EM_MAX_POLICY);
    map_want(&c, "receipt", &left);
    e->receipt = some_bytes(&c, EM_MAX_RECEIPT);
    e->has_request = map_has(&c, "request", &left);
    if (e->has_request) e->request = read_records(&c, false, EM_MAX_REQUEST);
    if (map_has(&c, "companion", &left)) e->companion = some_bytes(&c, EM_MAX_RECEIPT);
    map_done(&c, left);
    return em_cbor_end(&c);
}

em_err em_evidence_file_read(em_bytes file, em_evidence *ret_claims)
{
    em_evidence e = {0};

    if (file.len > EM_MAX_EVIDENCE) return EM_ERR_LIMIT;
    if (read_file(file, &e) != EM_OK) return EM_ERR_EVIDENCE_MALFORMED;
    *ret_claims = e;
    return EM_OK;
}

em_evidence_walk em_evidence_file_walk(em_bytes records)
{
    em_evidence_walk w = {.c = em_cbor_over(records)};

    w.left = (size_t)em_cbor_array(&w.c, EM_MAX_EVIDENCE_RECORDS);
    return w;
}

bool em_evidence_file_next(em_evidence_walk *w, em_evidence_record *ret_record)
{
    if (w->left == 0) return false;
    w->left--;
    em_cbor_array_of(&w->c, 2);
    ret_record->type = (em_record_type)em_cbor_uint(&w->c);
    ret_record->body = em_cbor_bytes(&w->c);
    return true;
}

void em_evidence_file_hash(em_bytes records, uint8_t ret_hash[EM_SHA256_LEN])
{
    em_evidence_walk w = em_evidence_file_walk(records);
    em_evidence_record r;
    em_sha256 h;

    em_sha2_256_init(&h);
    while (em_evidence_file_next(&w, &r)) em_sha2_256_add(&h, r.body);
    em_sha2_256_end(&h, ret_hash);
}

em_bytes em_evidence_file_last(em_bytes records)
{
    em_evidence_walk w = em_evidence_file_walk(records);
    em_evidence_record r = {0};

    while (em_evidence_file_next(&w, &r)) continue;
    return r.body;
}

/* ---- writing ---- */

static size_t head_len(uint64_t n)
{
    if (n < 24) return 1;
    if (n <= UINT8_MAX) return 2;
    if (n <= UINT16_MAX) return 3;
    return n <= UINT32_MAX ? 5 : 9;
}

static em_err add_bytes(size_t len, size_t *total)
{
    EM_TRY(em_add(*total, head_len(len), total));
    return em_add(*total, len, total);
}

/* A key and a byte string, where there is one. */
static em_err add_member(const char *key, em_bytes value, size_t *total)
{
    if (value.len == 0) return EM_OK;
    EM_TRY(add_bytes(strlen(key), total));
    return add_bytes(value.len, total);
}

static em_err add_records(const char *key, const em_evidence_record *r, size_t n,
                          size_t *total)
{
    if (n == 0) return EM_OK;
    EM_TRY(add_bytes(strlen(key), total));
    EM_TRY(em_add(*total, head_len(n), total));
    for (size_t i = 0; i < n; i++) {
        EM_TRY(em_add(*total, 1 + head_len((uint64_t)r[i].type), total));
        EM_TRY(add_bytes(r[i].body.len, total));
    }
    return EM_OK;
}

em_err em_evidence_file_len(const em_evidence_parts *p, size_t *ret_len)
{
    size_t total = 1 + 2 + 1; /* the map, "v", 1 */

    if (p->n_crls > 0) {
        EM_TRY(add_bytes(strlen("crls"), &total));
        EM_TRY(em_add(total, head_len(p->n_crls), &total));
        for (size_t i = 0; i < p->n_crls; i++) EM_TRY(add_bytes(p->crls[i].len, &total));
    }
    EM_TRY(add_member("hello", p->hello, &total));
    EM_TRY(add_records("answer", p->answer, p->n_answer, &total));
    EM_TRY(add_member("attest", p->attest, &total));
    EM_TRY(add_member("policy", p->policy, &total));
    EM_TRY(add_member("receipt", p->receipt, &total));
    EM_TRY(add_records("request", p->request, p->n_request, &total));
    EM_TRY(add_member("companion", p->companion, &total));
    if (total > EM_MAX_EVIDENCE) return EM_ERR_LIMIT;
    *ret_len = total;
    return EM_OK;
}

static void put_member(em_out *o, const char *key, em_bytes value)
{
    if (value.len == 0) return;
    em_cbor_put_str(o, key);
    em_cbor_put_bytes(o, value);
}

static void put_records(em_out *o, const char *key, const em_evidence_record *r, size_t n)
{
    if (n == 0) return;
    em_cbor_put_str(o, key);
    em_cbor_put_array(o, n);
    for (size_t i = 0; i < n; i++) {
        em_cbor_put_array(o, 2);
        em_cbor_put_uint(o, (uint64_t)r[i].type);
        em_cbor_put_bytes(o, r[i].body);
    }
}

static void put_file(em_out *o, const em_evidence_parts *p)
{
    const bool has[] = {true,
                        p->n_crls > 0,
                        p->hello.len > 0,
                        p->n_answer > 0,
                        p->attest.len > 0,
                        p->policy.len > 0,
                        p->receipt.len > 0,
                        p->n_request > 0,
                        p->companion.len > 0};
    uint64_t n = 0;

    for (size_t i = 0; i < EM_COUNT(has); i++) n += has[i];
    em_cbor_put_map(o, n);
    em_cbor_put_str(o, "v");
    em_cbor_put_uint(o, 1);
    if (p->n_crls > 0) {
        em_cbor_put_str(o, "crls");
        em_cbor_put_array(o, p->n_crls);
        for (size_t i = 0; i < p->n_crls; i++) em_cbor_put_bytes(o, p->crls[i]);
    }
    put_member(o, "hello", p->hello);
    put_records(o, "answer", p->answer, p->n_answer);
    put_member(o, "attest", p->attest);
    put_member(o, "policy", p->policy);
    put_member(o, "receipt", p->receipt);
    put_records(o, "request", p->request, p->n_request);
    put_member(o, "companion", p->companion);
}

em_err em_evidence_file_write(const em_evidence_parts *parts, em_out *o)
{
    size_t start = o->len, len;
    em_evidence again;

    EM_TRY(em_evidence_file_len(parts, &len));
    put_file(o, parts);
    EM_TRY(em_write_end(o));
    return em_evidence_file_read(em_view(o->at + start, o->len - start), &again);
}
