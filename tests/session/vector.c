/* One whole session with fixed keys, byte for byte: what is on the wire never changes by
 * accident.  With the argument --make it makes the tables anew (a new document, hence new
 * bytes) and prints them:
 *     build/tests/session/vector --make > tests/session/fixture_tables.h
 */
#include "crypto/setup.h"
#include "tests/session/rig.h"
#include "tests/trust/maker.h"
#include "tests/trust/manifest_sample.h"
#include "trust/manifest_body.h"

#include <openssl/hmac.h>
#include <openssl/sha.h>

static rig r;
static rig_tape tape;

/* ---- making
 * ---------------------------------------------------------------------------- */

static void print_table(const char *name, em_bytes bytes)
{
    printf("\nstatic const uint8_t %s[%zu] __attribute__((unused)) = {", name, bytes.len);
    for (size_t i = 0; i < bytes.len; i++)
        printf("%s0x%02x,", i % 16 == 0 ? "\n    " : " ", bytes.at[i]);
    printf("\n};\n");
}

/* All that a side sent, one record behind the other. */
static em_bytes stream_of(int from)
{
    size_t cap = EM_SESSION_CLIENT_IN;
    em_out o = em_out_over(test_alloc(cap), cap);

    for (size_t i = 0; i < tape.n[from]; i++) em_write_bytes(&o, tape.record[from][i]);
    MAKER_CHECK(em_write_end(&o) == EM_OK);
    return em_write_view(&o);
}

static em_bytes make_manifest(em_ed25519_public *ret_publisher)
{
    uint8_t *body = test_alloc(EM_MAX_MANIFEST), *all = test_alloc(EM_MAX_MANIFEST);
    em_out b = em_out_over(body, EM_MAX_MANIFEST), o = em_out_over(all, EM_MAX_MANIFEST);
    EM_DROP(em_ed25519_secret) secret = {0};
    em_manifest_body m = sample_body();

    *ret_publisher = sample_publisher(m.id, 0x50, 1, &secret).key;
    MAKER_CHECK(em_manifest_body_encode(&m, &b) == EM_OK);
    MAKER_CHECK(em_manifest_sign(em_write_view(&b), &secret, &o) == EM_OK);
    return em_write_view(&o);
}

static em_bytes make_policy(const maker *m, const maker_doc *d,
                            const em_ed25519_public *publisher)
{
    static em_policy_body p;
    uint8_t *body = test_alloc(EM_MAX_POLICY), *all = test_alloc(EM_MAX_POLICY);
    em_out b = em_out_over(body, EM_MAX_POLICY), o = em_out_over(all, EM_MAX_POLICY);
    EM_DROP(em_ed25519_secret) secret = {0};

    em_publisher signer = sample_publisher(EM_STR("policy"), 0x60, 0, &secret);
    em_ed25519_public expected = fixture_signer();
    MAKER_CHECK(em_same(EM_BYTES(signer.key.b), EM_BYTES(expected.b)));
    p = (em_policy_body){.id = EM_STR("test policy"),
                         .version = 1,
                         .mode = EM_MODE_EVALUATION,
                         .not_before_ms = FIXTURE_NOW_MS - 1000,
                         .not_after_ms = FIXTURE_NOW_MS + 1000,
                         .freshness_ms = EM_FRESH_DEFAULT_MS,
                         .n_roots = 1,
                         .n_tuples = 1,
                         .n_publishers = 1,
                         .root = {maker_root(m)},
                         .publisher = {{EM_STR("test/tiny"), *publisher, 1}},
                         .tuple = {{.pcr0 = em_view(d->pcr[0], EM_PCR_LEN),
                                    .pcr1 = em_view(d->pcr[1], EM_PCR_LEN),
                                    .pcr2 = em_view(d->pcr[2], EM_PCR_LEN),
                                    .pcr3 = em_view(d->pcr[3], EM_PCR_LEN),
                                    .protocol = EM_PROTOCOL_VERSION,
                                    .not_after_ms = FIXTURE_NOW_MS + 1000}}};
    MAKER_CHECK(em_policy_encode(&p, &b) == EM_OK);
    MAKER_CHECK(em_policy_sign(em_write_view(&b), &secret, &o) == EM_OK);
    return em_write_view(&o);
}

/* What an enclave with this manifest answers to the fixture's C1. */
static em_bytes make_e1(const maker *m, maker_doc *d, em_bytes manifest)
{
    uint8_t c1[EM_RECORD_HEAD + EM_MAX_HELLO], nonce[32], data[EM_MAX_USER_DATA];
    em_out c = EM_OUT(c1), u = EM_OUT(data);
    em_out o = em_out_over(test_alloc(EM_SESSION_CLIENT_IN), EM_SESSION_CLIENT_IN);
    EM_DROP(em_x25519_secret) secret = fixture_secret();
    em_user_data user = {.purpose = EM_PURPOSE_SESSION, .n_manifests = 1};
    em_x25519_public key;

    em_hello_put_c1(&c, fixture_nonce, fixture_deployment);
    em_hello_nonce(em_write_view(&c), nonce);
    memset(user.receipt_key.b, 0x5E, sizeof user.receipt_key.b);
    MAKER_CHECK(em_manifest_hash(manifest, user.manifest[0]) == EM_OK);
    em_hello_put_user_data(&u, &user);
    MAKER_CHECK(em_x25519_public_of(&secret, &key) == EM_OK);
    d->public_key = (em_document_field){EM_PRESENT, EM_BYTES(key.b)};
    d->user_data = (em_document_field){EM_PRESENT, em_write_view(&u)};
    d->nonce = (em_document_field){EM_PRESENT, EM_BYTES(nonce)};
    em_hello_e1 e1 = {
        .document = maker_document(m, d), .n_manifests = 1, .manifest = {manifest}};
    em_hello_put_e1(&o, &e1);
    MAKER_CHECK(em_write_end(&o) == EM_OK);
    return em_write_view(&o);
}

static int make(void)
{
    static maker m;
    static maker_doc d;
    em_ed25519_public publisher;

    maker_init(&m);
    d = maker_doc_good();
    em_bytes manifest = make_manifest(&publisher);
    fixture_new_policy = make_policy(&m, &d, &publisher);
    fixture_new_e1 = make_e1(&m, &d, manifest);
    rig_run(&r, rig_tape_wire, &tape);
    if (r.side[0].err != EM_OK || r.side[1].err != EM_OK) {
        fprintf(stderr, "the session failed: %s, %s\n", em_err_name(r.side[0].err),
                em_err_name(r.side[1].err));
        return 1;
    }

    printf(
        "/* fixture_tables.h - made by tests/session/vector.c --make; do not edit. */\n"
        "#ifndef EM_TESTS_SESSION_FIXTURE_TABLES_H\n"
        "#define EM_TESTS_SESSION_FIXTURE_TABLES_H\n\n#include <stdint.h>\n");
    print_table("fixture_signed_policy", fixture_new_policy);
    print_table("fixture_e1_record", fixture_new_e1);
    print_table("fixture_client_stream", stream_of(RIG_CLIENT));
    print_table("fixture_enclave_stream", stream_of(RIG_ENCLAVE));
    printf("\n#endif\n");
    maker_drop(&m);
    return 0;
}

/* ---- testing
 * --------------------------------------------------------------------------- */

static void the_bytes_on_the_wire_stay(void)
{
    rig_run(&r, rig_tape_wire, &tape);
    CHECK(r.side[0].err == EM_OK && r.side[1].err == EM_OK);
    CHECK(em_same(tape.record[RIG_ENCLAVE][0], fixture_e1()));
    CHECK(em_same(stream_of(RIG_CLIENT), EM_BYTES(fixture_client_stream)));
    CHECK(em_same(stream_of(RIG_ENCLAVE), EM_BYTES(fixture_enclave_stream)));
}

/* ---- an independent reading
 * ------------------------------------------------------------ */

/* RFC 9180 and PROTOCOL 2 once more, from libcrypto's primitives alone. */
static void hmac(em_bytes key, em_bytes data, uint8_t ret_tag[32])
{
    unsigned len = 32;
    MAKER_CHECK(HMAC(EVP_sha256(), key.len > 0 ? key.at : (const uint8_t *)"",
                     (int)key.len, data.at, data.len, ret_tag, &len) != NULL);
}

/* LabeledExtract with suite id `suite` (RFC 9180 4). */
static void extract(em_bytes suite, em_bytes salt, const char *label, em_bytes ikm,
                    uint8_t ret_prk[32])
{
    uint8_t buf[256];
    em_out o = EM_OUT(buf);

    em_write_bytes(&o, EM_STR("HPKE-v1"));
    em_write_bytes(&o, suite);
    em_write_bytes(&o, em_view(label, strlen(label)));
    em_write_bytes(&o, ikm);
    MAKER_CHECK(em_write_end(&o) == EM_OK);
    hmac(salt, em_write_view(&o), ret_prk);
}

/* LabeledExpand of at most 32 bytes: one block. */
static void expand(em_bytes suite, const uint8_t prk[32], const char *label,
                   em_bytes info, uint8_t *ret_okm, uint8_t len)
{
    uint8_t buf[256], block[32];
    em_out o = EM_OUT(buf);

    em_write_be16(&o, len);
    em_write_bytes(&o, EM_STR("HPKE-v1"));
    em_write_bytes(&o, suite);
    em_write_bytes(&o, em_view(label, strlen(label)));
    em_write_bytes(&o, info);
    em_write_u8(&o, 1);
    MAKER_CHECK(em_write_end(&o) == EM_OK);
    hmac(em_view(prk, 32), em_write_view(&o), block);
    memcpy(ret_okm, block, len);
}

static void agree(const uint8_t secret[32], const uint8_t peer[32],
                  uint8_t ret_shared[32])
{
    EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, 32);
    EVP_PKEY *other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, peer, 32);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
    size_t len = 32;

    MAKER_CHECK(EVP_PKEY_derive_init(ctx) == 1);
    MAKER_CHECK(EVP_PKEY_derive_set_peer(ctx, other) == 1);
    MAKER_CHECK(EVP_PKEY_derive(ctx, ret_shared, &len) == 1 && len == 32);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(other);
    EVP_PKEY_free(own);
}

typedef struct reading {
    uint8_t c2e_key[32], c2e_nonce[12], e2c_key[32], e2c_nonce[12];
} reading;

/* The enclave's side of DHKEM and the key schedule, mode_base. */
static void schedule(em_bytes c1, em_bytes open, em_bytes e1, reading *ret)
{
    static const uint8_t kem[] = "KEM\x00\x20", all[] = "HPKE\x00\x20\x00\x01\x00\x03";
    em_bytes kem_id = em_view(kem, 5), suite = em_view(all, 10), none = {0};
    const uint8_t *enc = open.at + EM_RECORD_HEAD;
    EM_DROP(em_x25519_secret) secret = fixture_secret();
    uint8_t dh[32], both[64], prk[32], shared[32], context[65] = {0}, info[44];
    uint8_t exporter[32];
    em_x25519_public own;
    em_bytes records[] = {c1, e1};
    uint8_t *joined = test_alloc(c1.len + e1.len);

    MAKER_CHECK(em_x25519_public_of(&secret, &own) == EM_OK);
    agree(secret.b, enc, dh);
    memcpy(both, enc, 32);
    memcpy(both + 32, own.b, 32);
    extract(kem_id, none, "eae_prk", EM_BYTES(dh), prk);
    expand(kem_id, prk, "shared_secret", EM_BYTES(both), shared, 32);

    memcpy(joined, records[0].at, c1.len);
    memcpy(joined + c1.len, records[1].at, e1.len);
    memcpy(info, "em/1 session", 12);
    SHA256(joined, c1.len + e1.len, info + 12);
    extract(suite, none, "psk_id_hash", none, context + 1);
    extract(suite, none, "info_hash", EM_BYTES(info), context + 33);
    extract(suite, EM_BYTES(shared), "secret", none, prk);
    expand(suite, prk, "key", EM_BYTES(context), ret->c2e_key, 32);
    expand(suite, prk, "base_nonce", EM_BYTES(context), ret->c2e_nonce, 12);
    expand(suite, prk, "exp", EM_BYTES(context), exporter, 32);
    expand(suite, exporter, "sec", EM_STR("em/1 e2c key"), ret->e2c_key, 32);
    expand(suite, exporter, "sec", EM_STR("em/1 e2c nonce"), ret->e2c_nonce, 12);
}

/* Opens a record; gives its body, or nothing. */
static em_bytes open_record(const uint8_t key[32], const uint8_t base[12], uint8_t seq,
                            uint8_t direction, em_bytes record)
{
    size_t len = record.len - EM_RECORD_HEAD - 16;
    uint8_t nonce[12], aad[11] = {record.at[0], record.at[1], direction};
    uint8_t *plain = test_alloc(len), tag[16];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;

    memcpy(nonce, base, 12);
    nonce[11] ^= seq;
    aad[10] = seq;
    memcpy(tag, record.at + record.len - 16, 16);
    MAKER_CHECK(EVP_DecryptInit_ex(ctx, EVP_chacha20_poly1305(), NULL, key, nonce) == 1);
    MAKER_CHECK(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1);
    MAKER_CHECK(EVP_DecryptUpdate(ctx, NULL, &n, aad, sizeof aad) == 1);
    MAKER_CHECK(EVP_DecryptUpdate(ctx, plain, &n, record.at + EM_RECORD_HEAD, (int)len));
    bool good = EVP_DecryptFinal_ex(ctx, plain + len, &n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (!good) return (em_bytes){0};
    return em_view(plain + 4, (size_t)plain[2] << 8 | plain[3]);
}

static void libcrypto_alone_reads_it(void)
{
    reading k;

    REQUIRE(tape.n[RIG_CLIENT] == 8 && tape.n[RIG_ENCLAVE] == 8);
    schedule(tape.record[RIG_CLIENT][0], tape.record[RIG_CLIENT][1],
             tape.record[RIG_ENCLAVE][0], &k);
    static const uint8_t requests[] = {3, 4, 5, 7};
    for (size_t i = 0; i < EM_COUNT(requests); i++) {
        uint8_t seq = (uint8_t)(requests[i] - 2); /* HELLO and OPEN are not sealed */
        em_bytes got = open_record(k.c2e_key, k.c2e_nonce, seq, 0,
                                   tape.record[RIG_CLIENT][requests[i]]);
        CHECK(em_same(got, rig_request[i]));
    }
    for (uint8_t i = 0; i < 4; i++)
        CHECK(em_same(
            open_record(k.e2c_key, k.e2c_nonce, i, 1, tape.record[RIG_ENCLAVE][i + 1]),
            rig_answer[i]));
    CHECK(open_record(k.e2c_key, k.e2c_nonce, 1, 1, tape.record[RIG_ENCLAVE][1]).len ==
          0);
}

/* A document made now, by another enclave of the same policy, opens a session as well. */
static void a_fresh_document_opens_a_session(void)
{
    static maker m;
    static maker_doc d;
    em_ed25519_public publisher;

    maker_init(&m);
    d = maker_doc_good();
    em_bytes manifest = make_manifest(&publisher);
    fixture_new_policy = make_policy(&m, &d, &publisher);
    fixture_new_e1 = make_e1(&m, &d, manifest);
    rig_run(&r, NULL, NULL);
    CHECK(r.side[0].err == EM_OK && r.side[1].err == EM_OK);
    CHECK(r.side[0].n_events == 8 && r.side[1].n_events == 7);

    /* and one of a root that the policy does not name does not */
    fixture_new_policy = (em_bytes){0};
    rig_run(&r, NULL, NULL);
    CHECK_ERR(r.side[0].err, EM_ERR_ROOT_UNKNOWN);
    CHECK_ERR(r.side[1].err, EM_ERR_CLOSED);
    fixture_new_e1 = (em_bytes){0};
    maker_drop(&m);
}

int main(int argc, char **argv)
{
    if (em_setup() != EM_OK) return 1;
    if (argc == 2 && strcmp(argv[1], "--make") == 0) return make();
    RUN(the_bytes_on_the_wire_stay);
    RUN(libcrypto_alone_reads_it);
    RUN(a_fresh_document_opens_a_session);
    return test_end();
}
