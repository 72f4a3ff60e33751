#include "trust/receipt_claims.h"
#include "wire/cbor.h"

/* Of 18 claims there are; a map with more keys than this has an unknown one among the
 * first of them, or one of those twice. */
enum { KEYS_KEPT = 32 };

/* One member of a closed map.  The receipt's own have integers for keys, those of the
 * measurements their names. */
typedef struct rule {
    const char *name;
    int32_t key; /* 0: the name is the key */
    em_cbor_kind kind;
    bool is_optional;
} rule;

typedef enum claim {
    ISS,
    IAT,
    CTI,
    EAT_NONCE,
    EAT_PROFILE,
    MODEL_ID,
    MODEL_VERSION,
    MODEL_HASH,
    REQUEST_HASH,
    RESPONSE_HASH,
    ATTESTATION_DOC_HASH,
    ENCLAVE_MEASUREMENTS,
    POLICY_VERSION,
    SEQUENCE_NUMBER,
    EXECUTION_TIME_MS,
    MEMORY_PEAK_MB,
    SECURITY_MODE,
    MODEL_HASH_SCHEME,
    CLAIMS
} claim;

static const rule claim_rules[CLAIMS] = {
    [ISS] = {"iss", 1, EM_CBOR_TEXT, false},
    [IAT] = {"iat", 6, EM_CBOR_UINT, false},
    [CTI] = {"cti", 7, EM_CBOR_BYTES, false},
    [EAT_NONCE] = {"eat_nonce", 10, EM_CBOR_BYTES, true},
    [EAT_PROFILE] = {"eat_profile", 265, EM_CBOR_TEXT, false},
    [MODEL_ID] = {"model_id", -65537, EM_CBOR_TEXT, false},
    [MODEL_VERSION] = {"model_version", -65538, EM_CBOR_TEXT, false},
    [MODEL_HASH] = {"model_hash", -65539, EM_CBOR_BYTES, false},
    [REQUEST_HASH] = {"request_hash", -65540, EM_CBOR_BYTES, false},
    [RESPONSE_HASH] = {"response_hash", -65541, EM_CBOR_BYTES, false},
    [ATTESTATION_DOC_HASH] = {"attestation_doc_hash", -65542, EM_CBOR_BYTES, false},
    [ENCLAVE_MEASUREMENTS] = {"enclave_measurements", -65543, EM_CBOR_MAP, false},
    [POLICY_VERSION] = {"policy_version", -65544, EM_CBOR_TEXT, false},
    [SEQUENCE_NUMBER] = {"sequence_number", -65545, EM_CBOR_UINT, false},
    [EXECUTION_TIME_MS] = {"execution_time_ms", -65546, EM_CBOR_UINT, false},
    [MEMORY_PEAK_MB] = {"memory_peak_mb", -65547, EM_CBOR_UINT, false},
    [SECURITY_MODE] = {"security_mode", -65548, EM_CBOR_TEXT, false},
    [MODEL_HASH_SCHEME] = {"model_hash_scheme", -65549, EM_CBOR_TEXT, true},
};

typedef enum measurement {
    PCR0,
    PCR1,
    PCR2,
    PCR3,
    PCR4,
    PCR8,
    MTYPE,
    MEASUREMENTS
} measurement;

static const rule measurement_rules[MEASUREMENTS] = {
    [PCR0] = {"pcr0", 0, EM_CBOR_BYTES, false},
    [PCR1] = {"pcr1", 0, EM_CBOR_BYTES, false},
    [PCR2] = {"pcr2", 0, EM_CBOR_BYTES, false},
    [PCR3] = {"pcr3", 0, EM_CBOR_BYTES, true},
    [PCR4] = {"pcr4", 0, EM_CBOR_BYTES, true},
    [PCR8] = {"pcr8", 0, EM_CBOR_BYTES, true},
    [MTYPE] = {"measurement_type", 0, EM_CBOR_TEXT, false},
};

static em_err about(em_report *report, em_err err, const char *name)
{
    em_report_subject(report, em_view(name, strlen(name)));
    return err;
}

/* ---- keys ---- */

typedef struct number {
    bool is_number, is_negative; /* then the number is -1 - arg */
    uint64_t arg;
} number;

/* A well-formed key as a number, if it is one. */
static number number_of(em_bytes key)
{
    number n = {.is_number = key.at[0] >> 6 == 0, .is_negative = key.at[0] >> 5 == 1};

    if (key.len == 1) n.arg = key.at[0] & 31;
    for (size_t i = 1; n.is_number && i < key.len; i++) n.arg = n.arg << 8 | key.at[i];
    return n;
}

/* Names are shorter than 24 bytes: one byte of head. */
static bool is_text_key(em_bytes key, const char *name)
{
    size_t len = strlen(name);

    return key.len == 1 + len && key.at[0] == (0x60 | len) &&
           memcmp(key.at + 1, name, len) == 0;
}

/* Which rule an encoded key belongs to; n for none. */
static size_t find_rule(em_bytes key, const rule *rules, size_t n)
{
    number num = number_of(key);

    for (size_t i = 0; i < n; i++) {
        int64_t want = rules[i].key;
        bool is_it = want == 0 ? is_text_key(key, rules[i].name)
                               : num.is_number && num.is_negative == (want < 0) &&
                                     num.arg == (uint64_t)(want < 0 ? -1 - want : want);
        if (is_it) return i;
    }
    return n;
}

/* Any well-formed integer key in decimal, also beyond 64 bits signed. */
static void put_decimal(em_out *o, number n)
{
    if (!n.is_negative) {
        em_write_decimal(o, n.arg);
    } else if (n.arg == UINT64_MAX) {
        em_write_bytes(o, EM_STR("-18446744073709551616"));
    } else {
        em_write_u8(o, '-');
        em_write_decimal(o, n.arg + 1);
    }
}

/* Tells the report which key it was: a claim's name, else the key itself. */
static em_err about_key(em_report *report, em_err err, em_bytes key, const rule *rules,
                        size_t n)
{
    em_cbor c = em_cbor_over(key);
    uint8_t buf[EM_REPORT_SUBJECT];
    em_out o = EM_OUT(buf);
    size_t i = find_rule(key, rules, n);

    if (i < n) return about(report, err, rules[i].name);
    if (number_of(key).is_number) {
        put_decimal(&o, number_of(key));
        em_report_subject(report, em_write_view(&o));
    } else if (em_cbor_peek(&c) == EM_CBOR_TEXT) {
        em_report_subject(report, em_cbor_text(&c));
    } else {
        em_bytes head = {key.at, key.len < sizeof buf / 2 ? key.len : sizeof buf / 2};
        em_write_hex(&o, head);
        em_report_subject(report, em_write_view(&o));
    }
    return err;
}

/* ---- maps ---- */

/* A key that stands in this map twice; empty when none does. */
static em_err find_double(em_bytes map, em_bytes *ret_key)
{
    em_cbor c = em_cbor_over_foreign(map);
    em_bytes kept[KEYS_KEPT];
    size_t n_kept = 0;

    *ret_key = (em_bytes){0};
    if (em_cbor_peek(&c) != EM_CBOR_MAP) return EM_ERR_PAYLOAD_NOT_MAP;
    uint64_t n = em_cbor_map(&c, UINT64_MAX);
    if (n == UINT64_MAX) return EM_ERR_PAYLOAD_NOT_MAP;
    for (uint64_t i = 0; i < n && em_cbor_ok(&c) == EM_OK; i++) {
        em_bytes key = em_cbor_skip(&c);
        (void)em_cbor_skip(&c);
        for (size_t k = 0; k < n_kept && ret_key->len == 0; k++)
            if (em_same(kept[k], key)) *ret_key = key;
        if (n_kept < EM_COUNT(kept)) kept[n_kept++] = key;
    }
    return em_cbor_end(&c) == EM_OK ? EM_OK : EM_ERR_PAYLOAD_NOT_MAP;
}

/* Sorts a closed map's encoded values by the rules: none missing, each of its type, none
 * unknown, in that order.  `map` is known to be deterministic. */
static em_err read_map(em_bytes map, const rule *rules, size_t n, em_report *report,
                       em_bytes *ret_values)
{
    em_cbor c = em_cbor_over(map);
    uint64_t left = em_cbor_map(&c, UINT64_MAX);
    em_bytes unknown = {0};

    memset(ret_values, 0, n * sizeof *ret_values);
    for (; left > 0 && em_cbor_ok(&c) == EM_OK; left--) {
        em_bytes key = em_cbor_skip(&c), value = em_cbor_skip(&c);
        size_t i = find_rule(key, rules, n);
        if (i < n)
            ret_values[i] = value;
        else if (unknown.len == 0)
            unknown = key;
    }
    if (em_cbor_end(&c) != EM_OK) return EM_ERR_PAYLOAD_NOT_MAP;
    for (size_t i = 0; i < n; i++)
        if (ret_values[i].len == 0 && !rules[i].is_optional)
            return about(report, EM_ERR_MISSING_CLAIM, rules[i].name);
    for (size_t i = 0; i < n; i++) {
        em_cbor value = em_cbor_over(ret_values[i]);
        if (ret_values[i].len > 0 && em_cbor_peek(&value) != rules[i].kind)
            return about(report, EM_ERR_WRONG_TYPE, rules[i].name);
    }
    if (unknown.len > 0)
        return about_key(report, EM_ERR_UNKNOWN_CLAIM, unknown, rules, n);
    return EM_OK;
}

/* No key stands in it twice. */
static em_err check_map(em_bytes map, const rule *rules, size_t n, em_report *report)
{
    em_bytes twice;

    EM_TRY(find_double(map, &twice));
    if (twice.len > 0) return about_key(report, EM_ERR_DUPLICATE_CLAIM, twice, rules, n);
    return EM_OK;
}

/* The value of an integer key in a map whose order is not known yet; empty when absent.
 */
static em_bytes find_value(em_bytes map, const rule *r)
{
    em_cbor c = em_cbor_over_foreign(map);
    uint64_t n = em_cbor_map(&c, UINT64_MAX);

    for (uint64_t i = 0; i < n && em_cbor_ok(&c) == EM_OK; i++) {
        em_bytes key = em_cbor_skip(&c), value = em_cbor_skip(&c);
        if (find_rule(key, r, 1) == 0) return value;
    }
    return (em_bytes){0};
}

/* No key twice, in the measurements neither, then all that determinism asks. */
static em_err check_shape(em_bytes payload, em_report *report)
{
    EM_TRY(check_map(payload, claim_rules, CLAIMS, report));
    em_bytes inner = find_value(payload, &claim_rules[ENCLAVE_MEASUREMENTS]);
    if (inner.len > 0 && inner.at[0] >> 5 == 5)
        EM_TRY(check_map(inner, measurement_rules, MEASUREMENTS, report));
    return em_cbor_check(payload) == EM_OK ? EM_OK : EM_ERR_PAYLOAD_NOT_MAP;
}

/* ---- values ---- */

static em_bytes text_of(em_bytes value)
{
    em_cbor c = em_cbor_over(value);

    return em_cbor_text(&c);
}

/* An absent one has at NULL. */
static em_bytes bytes_of(em_bytes value)
{
    em_cbor c = em_cbor_over(value);

    return value.len > 0 ? em_cbor_bytes(&c) : (em_bytes){0};
}

static uint64_t uint_of(em_bytes value)
{
    em_cbor c = em_cbor_over(value);

    return em_cbor_uint(&c);
}

static em_err read_measurements(em_bytes map, em_report *report,
                                em_receipt_measurements *ret_m)
{
    em_bytes v[MEASUREMENTS];

    EM_TRY(read_map(map, measurement_rules, MEASUREMENTS, report, v));
    *ret_m = (em_receipt_measurements){
        .type = text_of(v[MTYPE]),
        .pcr0 = bytes_of(v[PCR0]),
        .pcr1 = bytes_of(v[PCR1]),
        .pcr2 = bytes_of(v[PCR2]),
        .pcr3 = bytes_of(v[PCR3]),
        .pcr4 = bytes_of(v[PCR4]),
        .pcr8 = bytes_of(v[PCR8]),
    };
    return EM_OK;
}

em_err em_receipt_claims_read(em_bytes payload, em_report *report,
                              em_receipt_claims *ret_claims)
{
    static const claim hashes[] = {MODEL_HASH, REQUEST_HASH, RESPONSE_HASH,
                                   ATTESTATION_DOC_HASH};
    em_bytes v[CLAIMS];
    em_receipt_measurements measurements;

    EM_TRY(check_shape(payload, report));
    EM_TRY(read_map(payload, claim_rules, CLAIMS, report, v));
    EM_TRY(read_measurements(v[ENCLAVE_MEASUREMENTS], report, &measurements));
    for (size_t i = 0; i < EM_COUNT(hashes); i++)
        if (bytes_of(v[hashes[i]]).len != EM_RECEIPT_HASH_LEN)
            return about(report, EM_ERR_BAD_HASH_LENGTH, claim_rules[hashes[i]].name);
    if (!em_same(text_of(v[EAT_PROFILE]), EM_STR(EM_RECEIPT_PROFILE)))
        return EM_ERR_WRONG_PROFILE;

    *ret_claims = (em_receipt_claims){
        .iss = text_of(v[ISS]),
        .iat = uint_of(v[IAT]),
        .cti = bytes_of(v[CTI]),
        .eat_nonce = bytes_of(v[EAT_NONCE]),
        .model_id = text_of(v[MODEL_ID]),
        .model_version = text_of(v[MODEL_VERSION]),
        .model_hash = bytes_of(v[MODEL_HASH]),
        .request_hash = bytes_of(v[REQUEST_HASH]),
        .response_hash = bytes_of(v[RESPONSE_HASH]),
        .attestation_doc_hash = bytes_of(v[ATTESTATION_DOC_HASH]),
        .measurements = measurements,
        .policy_version = text_of(v[POLICY_VERSION]),
        .sequence_number = uint_of(v[SEQUENCE_NUMBER]),
        .execution_time_ms = uint_of(v[EXECUTION_TIME_MS]),
        .memory_peak_mb = uint_of(v[MEMORY_PEAK_MB]),
        .security_mode = text_of(v[SECURITY_MODE]),
        .model_hash_scheme =
            v[MODEL_HASH_SCHEME].len > 0 ? text_of(v[MODEL_HASH_SCHEME]) : (em_bytes){0},
    };
    return EM_OK;
}
