#include "twin/nsm_state.h"

#include "wire/cbor.h"
#include "wire/cose.h"

#include <openssl/rand.h>
#include <stdio.h>

enum { RANDOM_LEN = 256, MAX_FIELD = 1024 };

/* An Attestation request's fields: absent and null are the same. */
typedef struct attestation {
    bool has_user_data, has_nonce, has_public_key;
    em_bytes user_data, nonce, public_key;
} attestation;

em_err em_nsm_state_boot(em_ca *ca, const em_measure pcr012[3], const char *role,
                         const char *instance, uint64_t serial, bool debug,
                         em_nsm_state *ret_state)
{
    em_nsm_state s = {.ca = ca, .locked = (1u << EM_NSM_STATE_BOOT_PCRS) - 1};

    if (strncmp(instance, "i-", 2) != 0) return EM_ERR_FORMAT;
    int len = snprintf(s.module_id, sizeof s.module_id, "%s-enc%016llx", instance,
                       (unsigned long long)serial);
    if (len < 0 || (size_t)len >= sizeof s.module_id) return EM_ERR_LIMIT;
    if (!debug) memcpy(s.pcr, pcr012, 3 * sizeof s.pcr[0]);
    if (role[0] != 0) em_measure_extend(em_view(role, strlen(role)), &s.pcr[3]);
    em_measure_extend(em_view(instance, strlen(instance)), &s.pcr[4]);
    *ret_state = s;
    return EM_OK;
}

static void put_error(em_out *o, const char *name)
{
    em_cbor_put_map(o, 1);
    em_cbor_put_str(o, "Error");
    em_cbor_put_str(o, name);
}

static void describe_nsm(const em_nsm_state *s, em_out *o)
{
    em_cbor_put_map(o, 1);
    em_cbor_put_str(o, "DescribeNSM");
    em_cbor_put_map(o, 7);
    em_cbor_put_str(o, "version_major");
    em_cbor_put_uint(o, 1);
    em_cbor_put_str(o, "version_minor");
    em_cbor_put_uint(o, 0);
    em_cbor_put_str(o, "version_patch");
    em_cbor_put_uint(o, 0);
    em_cbor_put_str(o, "module_id");
    em_cbor_put_str(o, s->module_id);
    em_cbor_put_str(o, "max_pcrs");
    em_cbor_put_uint(o, EM_NSM_STATE_PCRS);
    em_cbor_put_str(o, "locked_pcrs");
    em_cbor_put_array(o, (uint64_t)__builtin_popcount(s->locked));
    for (unsigned i = 0; i < EM_NSM_STATE_PCRS; i++)
        if (s->locked >> i & 1) em_cbor_put_uint(o, i);
    em_cbor_put_str(o, "digest");
    em_cbor_put_str(o, "SHA384");
}

static void get_random(em_out *o)
{
    uint8_t random[RANDOM_LEN];

    if (RAND_bytes(random, sizeof random) != 1) {
        put_error(o, "InternalError");
        return;
    }
    em_cbor_put_map(o, 1);
    em_cbor_put_str(o, "GetRandom");
    em_cbor_put_map(o, 1);
    em_cbor_put_str(o, "random");
    em_cbor_put_bytes(o, EM_BYTES(random));
}

static void describe_pcr(const em_nsm_state *s, uint64_t index, em_out *o)
{
    em_cbor_put_map(o, 1);
    em_cbor_put_str(o, "DescribePCR");
    em_cbor_put_map(o, 2);
    em_cbor_put_str(o, "lock");
    em_cbor_put_bool(o, s->locked >> index & 1);
    em_cbor_put_str(o, "data");
    em_cbor_put_bytes(o, EM_BYTES(s->pcr[index].pcr));
}

static void extend_pcr(em_nsm_state *s, uint64_t index, em_bytes data, em_out *o)
{
    const em_bytes parts[] = {EM_BYTES(s->pcr[index].pcr), data};

    if (s->locked >> index & 1) {
        put_error(o, "ReadOnlyIndex");
        return;
    }
    em_measure next;
    em_sha2_384_of(parts, EM_COUNT(parts), next.pcr);
    s->pcr[index] = next;
    em_cbor_put_map(o, 1);
    em_cbor_put_str(o, "ExtendPCR");
    em_cbor_put_map(o, 1);
    em_cbor_put_str(o, "data");
    em_cbor_put_bytes(o, EM_BYTES(next.pcr));
}

static void put_optional(em_out *o, const char *key, bool present, em_bytes value)
{
    em_cbor_put_str(o, key);
    if (present)
        em_cbor_put_bytes(o, value);
    else
        em_cbor_put_null(o);
}

/* The payload as AWS writes it since late 2025: an indefinite map in AWS's own key order.
 */
static void put_payload(em_nsm_state *s, const attestation *a, uint64_t now_ms, em_out *o)
{
    em_ca *ca = s->ca;
    bool debug = s->debug_after != 0 && s->documents >= s->debug_after;
    static const em_measure zero;
    unsigned n = 0;

    for (unsigned i = 0; i < EM_NSM_STATE_PCRS; i++) n += s->locked >> i & 1;
    em_write_u8(o, 0xBF);
    em_cbor_put_str(o, "module_id");
    em_cbor_put_str(o, s->module_id);
    em_cbor_put_str(o, "digest");
    em_cbor_put_str(o, "SHA384");
    em_cbor_put_str(o, "timestamp");
    em_cbor_put_uint(o, now_ms + (uint64_t)s->skew_ms);
    em_cbor_put_str(o, "pcrs");
    em_cbor_put_map(o, n);
    for (unsigned i = 0; i < EM_NSM_STATE_PCRS; i++) {
        if (!(s->locked >> i & 1)) continue;
        em_cbor_put_uint(o, i);
        em_cbor_put_bytes(o,
                          debug && i < 3 ? EM_BYTES(zero.pcr) : EM_BYTES(s->pcr[i].pcr));
    }
    em_cbor_put_str(o, "certificate");
    em_cbor_put_bytes(o,
                      em_view(ca->chain.der[EM_CA_LEVELS], ca->chain.len[EM_CA_LEVELS]));
    em_cbor_put_str(o, "cabundle");
    em_cbor_put_array(o, EM_CA_LEVELS);
    for (size_t i = 0; i < EM_CA_LEVELS; i++)
        em_cbor_put_bytes(o, em_view(ca->chain.der[i], ca->chain.len[i]));
    put_optional(o, "public_key", a->has_public_key, a->public_key);
    put_optional(o, "user_data", a->has_user_data, a->user_data);
    put_optional(o, "nonce", a->has_nonce, a->nonce);
    em_write_u8(o, 0xFF);
}

static em_err make_document(em_nsm_state *s, const attestation *a, uint64_t now_ms,
                            uint8_t *document, size_t cap, em_bytes *ret_document)
{
    static const uint8_t protected[] = {0xA1, 0x01, 0x38, 0x22}; /* {1: -35}, ES384 */
    uint8_t payload[EM_MAX_DOCUMENT], tbs[EM_MAX_DOCUMENT + 64], sig[96];
    em_out p = EM_OUT(payload), t = EM_OUT(tbs), d = em_out_over(document, cap);

    EM_TRY(em_ca_renew(s->ca, s->module_id, now_ms));
    put_payload(s, a, now_ms, &p);
    EM_TRY(em_write_end(&p));
    em_cose_put_tbs_head(&t, EM_BYTES(protected), (em_bytes){0}, p.len);
    em_write_bytes(&t, em_write_view(&p));
    EM_TRY(em_write_end(&t));
    EM_TRY(em_ca_sign(s->ca, em_write_view(&t), sig));
    em_cose_put_sign1(&d, false, EM_BYTES(protected), em_write_view(&p), EM_BYTES(sig));
    EM_TRY(em_write_end(&d));
    s->documents++;
    *ret_document = em_write_view(&d);
    return EM_OK;
}

static void attest(em_nsm_state *s, const attestation *a, uint64_t now_ms, em_out *o)
{
    uint8_t buffer[EM_MAX_DOCUMENT];
    em_bytes document = s->replay;

    if (a->user_data.len > MAX_FIELD || a->nonce.len > MAX_FIELD ||
        a->public_key.len > MAX_FIELD) {
        put_error(o, "InputTooLarge");
        return;
    }
    if (document.len == 0 &&
        make_document(s, a, now_ms, buffer, sizeof buffer, &document) != EM_OK) {
        put_error(o, "InternalError");
        return;
    }
    em_cbor_put_map(o, 1);
    em_cbor_put_str(o, "Attestation");
    em_cbor_put_map(o, 1);
    em_cbor_put_str(o, "document");
    em_cbor_put_bytes(o, document);
}

/* A field that may be null. */
static bool read_optional(em_cbor *c, em_bytes *ret_value)
{
    if (em_cbor_peek(c) == EM_CBOR_NULL) {
        em_cbor_null(c);
        return false;
    }
    *ret_value = em_cbor_bytes(c);
    return true;
}

/* Members by name, each of them once; bit i of *seen is names[i]. */
static size_t next_member(em_cbor *c, const char *const *names, size_t n, unsigned *seen)
{
    em_bytes key = em_cbor_text(c);
    size_t i = 0;

    while (i < n && !em_same(key, em_view(names[i], strlen(names[i])))) i++;
    if (i == n) em_cbor_fail(c, EM_ERR_CBOR_KEY);
    if (i < n && (*seen >> i & 1)) em_cbor_fail(c, EM_ERR_CBOR_DUPLICATE);
    *seen |= 1u << i;
    return i;
}

static em_err read_attestation(em_cbor *c, attestation *ret_a)
{
    static const char *const names[] = {"user_data", "nonce", "public_key"};
    attestation a = {0};
    unsigned seen = 0;

    for (uint64_t n = em_cbor_map(c, 3); n > 0 && em_cbor_ok(c) == EM_OK; n--) {
        size_t i = next_member(c, names, EM_COUNT(names), &seen);
        if (i == 0) a.has_user_data = read_optional(c, &a.user_data);
        if (i == 1) a.has_nonce = read_optional(c, &a.nonce);
        if (i == 2) a.has_public_key = read_optional(c, &a.public_key);
    }
    EM_TRY(em_cbor_end(c));
    *ret_a = a;
    return EM_OK;
}

enum { INDEX = 1, RANGE = 2, DATA = 4 }; /* members of requests about PCRs */

typedef struct pcr_request {
    uint64_t index, range;
    em_bytes data;
} pcr_request;

/* Exactly these members. */
static em_err read_pcr_request(em_cbor *c, unsigned wanted, pcr_request *ret_request)
{
    static const char *const names[] = {"index", "range", "data"};
    pcr_request r = {0};
    unsigned seen = 0;

    for (uint64_t n = em_cbor_map(c, 2); n > 0 && em_cbor_ok(c) == EM_OK; n--) {
        size_t i = next_member(c, names, EM_COUNT(names), &seen);
        if (i == 0) r.index = em_cbor_uint(c);
        if (i == 1) r.range = em_cbor_uint(c);
        if (i == 2) r.data = em_cbor_bytes(c);
    }
    EM_TRY(em_cbor_end(c));
    if (seen != wanted) return EM_ERR_CBOR_KEY;
    *ret_request = r;
    return EM_OK;
}

static void lock_pcr(em_nsm_state *s, uint64_t index, em_out *o)
{
    if (s->locked >> index & 1) {
        put_error(o, "ReadOnlyIndex");
        return;
    }
    s->locked |= 1u << index;
    em_cbor_put_str(o, "LockPCR");
}

static void lock_pcrs(em_nsm_state *s, uint64_t range, em_out *o)
{
    if (range > EM_NSM_STATE_PCRS) {
        put_error(o, "InvalidIndex");
        return;
    }
    s->locked |= (uint32_t)(((uint64_t)1 << range) - 1);
    em_cbor_put_str(o, "LockPCRs");
}

static void answer_pcr(em_nsm_state *s, em_bytes name, em_cbor *c, em_out *o)
{
    static const struct {
        const char *name;
        unsigned wanted;
    } known[] = {{"DescribePCR", INDEX},
                 {"ExtendPCR", INDEX | DATA},
                 {"LockPCR", INDEX},
                 {"LockPCRs", RANGE}};
    pcr_request r;
    size_t i = 0;

    while (i < EM_COUNT(known) &&
           !em_same(name, em_view(known[i].name, strlen(known[i].name))))
        i++;
    if (i == EM_COUNT(known) || read_pcr_request(c, known[i].wanted, &r) != EM_OK)
        put_error(o, "InvalidOperation");
    else if (i == 3)
        lock_pcrs(s, r.range, o);
    else if (r.index >= EM_NSM_STATE_PCRS)
        put_error(o, "InvalidIndex");
    else if (i == 0)
        describe_pcr(s, r.index, o);
    else if (i == 1)
        extend_pcr(s, r.index, r.data, o);
    else
        lock_pcr(s, r.index, o);
}

static void answer_map(em_nsm_state *s, em_cbor *c, uint64_t now_ms, em_out *o)
{
    attestation a = {0};

    em_cbor_map_of(c, 1);
    em_bytes name = em_cbor_text(c);
    if (!em_same(name, EM_STR("Attestation")))
        answer_pcr(s, name, c, o);
    else if (read_attestation(c, &a) == EM_OK)
        attest(s, &a, now_ms, o);
    else
        put_error(o, "InvalidOperation");
}

em_err em_nsm_state_answer(em_nsm_state *state, em_bytes request, uint64_t now_ms,
                           em_out *o)
{
    em_cbor c = em_cbor_over_foreign(request);

    if (em_cbor_peek(&c) == EM_CBOR_TEXT) {
        em_bytes name = em_cbor_text(&c);
        if (em_cbor_end(&c) == EM_OK && em_same(name, EM_STR("DescribeNSM")))
            describe_nsm(state, o);
        else if (em_cbor_end(&c) == EM_OK && em_same(name, EM_STR("GetRandom")))
            get_random(o);
        else
            put_error(o, "InvalidOperation");
    } else if (em_cbor_peek(&c) == EM_CBOR_MAP) {
        answer_map(state, &c, now_ms, o);
    } else {
        put_error(o, "InvalidOperation");
    }
    return em_write_end(o);
}
