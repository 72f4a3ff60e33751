#include "cmd/check_op.h"
#include "crypto/ed25519.h"
#include "crypto/p384.h"
#include "wire/cose.h"
#include "wire/text.h"

/* RFC 9053 2.1, 2.2; RFC 9052 3.1 */
enum { ES384 = -35, EDDSA = -8, LABEL_ALG = 1, LABEL_CRIT = 2 };
enum { COORDINATE = 48, MAX_HEADERS = 16 };

typedef struct cose_key {
    int alg; /* 0: none of ours */
    em_p384_public p384;
    em_ed25519_public ed25519;
} cose_key;

/* ---- the key ---- */

/* A coordinate in base64: as JSON Web Keys have it (RFC 7515 2: URL-safe, not padded) or
 * as everything else in a request. */
static em_err decode_coordinate(em_bytes text, uint8_t *to, size_t len)
{
    char copy[2 * COORDINATE];
    uint8_t out[sizeof copy];
    size_t n = text.len, got;

    if (n + 3 >= sizeof copy) return EM_ERR_RANGE;
    if (n > 0) memcpy(copy, text.at, n);
    if (n % 4 != 0 || memchr(copy, '-', n) != NULL || memchr(copy, '_', n) != NULL) {
        for (size_t i = 0; i < n; i++) {
            if (copy[i] == '+' || copy[i] == '/' || copy[i] == '=') return EM_ERR_BASE64;
            if (copy[i] == '-') copy[i] = '+';
            if (copy[i] == '_') copy[i] = '/';
        }
        while (n % 4 != 0) copy[n++] = '=';
    }
    EM_TRY(em_text_from_base64(em_view(copy, n), out, sizeof out, &got));
    if (got != len) return EM_ERR_RANGE;
    memcpy(to, out, len);
    return EM_OK;
}

/* One of `name` and `name_hex`. */
static void read_coordinate(em_check_ask *ask, const char *name, const char *name_hex,
                            uint8_t *to, size_t len)
{
    bool is_hex = json_object_get(ask->object, name_hex) != NULL;
    em_bytes text;

    if (is_hex) {
        em_check_ask_hex_into(ask, name_hex, to, len);
        return;
    }
    text = em_check_ask_text(ask, name, EM_CHECK_NEEDED);
    if (text.at == NULL) return;
    em_err err = decode_coordinate(text, to, len);
    if (err != EM_OK) em_check_ask_fail(ask, name, err);
}

/* The members of a key that is of none of our kinds: texts, no more is known of them. */
static void pass_over(em_check_ask *ask)
{
    (void)em_check_ask_text(ask, "x", EM_CHECK_OPTIONAL);
    (void)em_check_ask_text(ask, "y", EM_CHECK_OPTIONAL);
    (void)em_check_ask_hex(ask, "x_hex", EM_CHECK_OPTIONAL);
    (void)em_check_ask_hex(ask, "y_hex", EM_CHECK_OPTIONAL);
}

static void read_key(em_check_ask *ask, cose_key *key)
{
    em_check_ask k = em_check_ask_object(ask, "key", "key.", EM_CHECK_NEEDED);
    em_bytes kty = em_check_ask_text(&k, "kty", EM_CHECK_NEEDED);
    em_bytes crv = em_check_ask_text(&k, "crv", EM_CHECK_NEEDED);

    if (em_same(kty, EM_STR("EC")) && em_same(crv, EM_STR("P-384"))) {
        key->alg = ES384;
        key->p384.b[0] = 4;
        read_coordinate(&k, "x", "x_hex", key->p384.b + 1, COORDINATE);
        read_coordinate(&k, "y", "y_hex", key->p384.b + 1 + COORDINATE, COORDINATE);
    } else if (em_same(kty, EM_STR("OKP")) && em_same(crv, EM_STR("Ed25519"))) {
        key->alg = EDDSA;
        read_coordinate(&k, "x", "x_hex", key->ed25519.b, sizeof key->ed25519.b);
    } else {
        pass_over(&k);
    }
    (void)em_check_ask_end(&k);
}

/* ---- the artefact ---- */

/* Reads one header map: is the algorithm there, and is it the key's?  Labels in any
 * order, none twice; what is marked as critical is nothing that we know. */
static em_err read_header(em_bytes header, int alg, bool *ret_has, bool *ret_right)
{
    em_cbor c = em_cbor_over_foreign(header);
    em_bytes label[MAX_HEADERS];
    uint64_t n = em_cbor_map(&c, MAX_HEADERS);

    if (n > MAX_HEADERS) return EM_ERR_BAD_PROTECTED;
    for (uint64_t i = 0; i < n && em_cbor_ok(&c) == EM_OK; i++) {
        label[i] = em_cbor_skip(&c);
        em_cbor name = em_cbor_over(label[i]), value = em_cbor_over(em_cbor_skip(&c));
        for (uint64_t k = 0; k < i; k++)
            if (em_same(label[k], label[i])) return EM_ERR_BAD_PROTECTED;
        int64_t number = em_cbor_int(&name);
        if (em_cbor_ok(&name) != EM_OK) continue;
        if (number == LABEL_CRIT) return EM_ERR_BAD_PROTECTED;
        if (number != LABEL_ALG) continue;
        *ret_has = true;
        *ret_right = em_cbor_int(&value) == alg && em_cbor_ok(&value) == EM_OK;
    }
    return em_cbor_end(&c) == EM_OK ? EM_OK : EM_ERR_BAD_PROTECTED;
}

/* The signed header names the key's algorithm, the other header none (RFC 9052 3). */
static em_err check_headers(const em_cose_sign1 *parts, int alg)
{
    bool has = false, right = false, has_outside = false, ignored = false;

    if (parts->protected.len == 0) return EM_ERR_BAD_ALG;
    EM_TRY(read_header(parts->protected, alg, &has, &right));
    if (!right) return EM_ERR_BAD_ALG;
    if (read_header(parts->unprotected, alg, &has_outside, &ignored) != EM_OK ||
        has_outside)
        return EM_ERR_BAD_UNPROTECTED;
    return EM_OK;
}

static em_err verify(em_check_ask *ask, em_bytes in, em_bytes external,
                     const cose_key *key, em_cose_sign1 *ret_parts)
{
    em_cose_sign1 parts;
    em_bytes tbs;

    EM_TRY(em_cose_parse(in, EM_COSE_EITHER, &parts));
    EM_TRY(check_headers(&parts, key->alg));
    if (!parts.has_payload) return EM_ERR_MISSING_PAYLOAD;
    size_t cap = in.len + external.len + 64;
    uint8_t *buf = em_check_ask_memory(ask->root, cap);
    if (buf == NULL) return EM_ERR_MEMORY;
    EM_TRY(em_cose_tbs(&parts, external, buf, cap, &tbs));
    if (key->alg == ES384)
        EM_TRY(em_p384_verify(&key->p384, tbs, parts.signature));
    else
        EM_TRY(em_ed25519_verify(&key->ed25519, tbs, parts.signature));
    *ret_parts = parts;
    return EM_OK;
}

void em_check_cose(em_check_ask *ask, em_check_answer *answer)
{
    cose_key key = {0};
    em_cose_sign1 parts;
    em_bytes in = em_check_ask_hex(ask, "hex", EM_CHECK_NEEDED);

    read_key(ask, &key);
    em_bytes external = em_check_ask_hex(ask, "external_hex", EM_CHECK_OPTIONAL);
    if (!em_check_ask_end(ask)) return;
    if (key.alg == 0) {
        em_check_answer_refuse(answer, EM_ERR_UNSUPPORTED,
                               "the key is neither EC on P-384 nor OKP on Ed25519");
        return;
    }
    em_err err = verify(ask, in, external, &key, &parts);
    if (err == EM_ERR_BAD_ALG)
        em_check_answer_set(answer, EM_VERDICT_REJECT, err,
                            "the protected header does not name the key's algorithm");
    else if (err == EM_ERR_MISSING_PAYLOAD)
        em_check_answer_set(answer, EM_VERDICT_REJECT, err, "there is no payload");
    else if (err != EM_OK)
        em_check_answer_refuse(answer, err, NULL);
    else
        em_check_answer_accept(
            answer, json_pack("{s:s,s:o}", "alg", key.alg == ES384 ? "ES384" : "EdDSA",
                              "payload_hex", em_lines_hex(parts.payload)));
}
