/* What a session costs without sockets: the document verified cold and with its CAs
 * known, both sides' set-up, sealing and opening, receipts.  The NSM is the twin's, in
 * this process. */
#include "bench/bench.h"
#include "crypto/setup.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "session/session_client.h"
#include "session/session_server.h"
#include "trust/message.h"
#include "trust/peer_receipt.h"
#include "twin/nsm_state.h"
#include "wire/cbor.h"

#include <unistd.h>

enum { RUNS = 51, ROUNDS = 20, MIB = 1 << 20 };

static em_ca ca;
static em_nsm_state nsm;
static uint8_t document[EM_MAX_DOCUMENT];
static size_t document_len;
static em_root root;
static em_report report;
static em_attested facts;
static em_x509_cache cache;

static void make_twin(void)
{
    char dir[] = "/tmp/em-bench-XXXXXX";
    em_measure pcr[3];

    if (mkdtemp(dir) == NULL) exit(1);
    bench_must(em_ca_open(dir, &ca), "twin");
    em_measure_local(EM_STR("program"), EM_STR("configuration"), pcr);
    bench_must(em_nsm_state_boot(&ca, pcr, "arn:aws:iam::111122223333:role/r",
                                 "i-0123456789abcdef0", 1, false, &nsm),
               "twin");
    em_x509_fingerprint(em_view(ca.chain.der[0], ca.chain.len[0]), root.sha256);
    char path[64];
    snprintf(path, sizeof path, "%s/nsm-root.key", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/nsm-root.pem", dir);
    unlink(path);
    rmdir(dir);
}

/* A document that carries what a session's carries. */
static void make_document(em_bytes nonce, em_bytes user_data, em_bytes public_key)
{
    static uint8_t request[4096], answer[EM_MAX_DOCUMENT + 256];
    em_out o = EM_OUT(request), a = EM_OUT(answer);

    em_cbor_put_map(&o, 1);
    em_cbor_put_str(&o, "Attestation");
    em_cbor_put_map(&o, 3);
    em_cbor_put_str(&o, "user_data");
    em_cbor_put_bytes(&o, user_data);
    em_cbor_put_str(&o, "nonce");
    em_cbor_put_bytes(&o, nonce);
    em_cbor_put_str(&o, "public_key");
    em_cbor_put_bytes(&o, public_key);
    bench_must(em_nsm_state_answer(&nsm, em_write_view(&o), em_clock_wall_ms(), &a),
               "nsm");
    em_cbor c = em_cbor_over_foreign(em_write_view(&a));
    em_cbor_map(&c, 1);
    em_cbor_text(&c);
    em_cbor_map(&c, 1);
    em_cbor_text(&c);
    em_bytes d = em_cbor_bytes(&c);
    bench_must(em_cbor_end(&c), "nsm");
    memcpy(document, d.at, d.len);
    document_len = d.len;
}

static void verify(em_x509_cache *with)
{
    const em_attest_ask ask = {
        .roots = &root, .roots_n = 1, .when = EM_ATTEST_SELF_DATED, .cache = with};

    bench_must(em_attest_verify(em_view(document, document_len), &ask, &report, &facts),
               "document");
}

static void bench_document(void)
{
    double cold[RUNS], warm[RUNS];

    verify(&cache);
    for (size_t r = 0; r < RUNS; r++) {
        double start = bench_now_us();
        verify(NULL);
        cold[r] = bench_now_us() - start;
        start = bench_now_us();
        verify(&cache);
        warm[r] = bench_now_us() - start;
    }
    bench_line("document.verify.cold", bench_median(cold, RUNS) / 1000, "ms",
               "five certificates and the signature");
    bench_line("document.verify.cached", bench_median(warm, RUNS) / 1000, "ms",
               "CAs known: leaf and signature");
}

/* HPKE of both sides of one session, as session/ does it: client's set-up, enclave's
 * set-up, the two exported keys on each side. */
static void bench_hpke(void)
{
    double took[RUNS];
    em_x25519_secret sk, eph;
    em_x25519_public pk;
    em_hpke send, recv;
    uint8_t enc[EM_HPKE_ENC_LEN], info[EM_HELLO_INFO_LEN] = {1}, out[44];

    for (size_t r = 0; r < RUNS; r++) {
        bench_must(em_entropy_fill(sk.b, sizeof sk.b), "entropy");
        bench_must(em_entropy_fill(eph.b, sizeof eph.b), "entropy");
        bench_must(em_x25519_public_of(&sk, &pk), "x25519");
        double start = bench_now_us();
        for (size_t i = 0; i < ROUNDS; i++) {
            bench_must(em_hpke_setup_send(EM_AEAD_CHACHA20_POLY1305, &eph, &pk,
                                          EM_BYTES(info), enc, &send),
                       "send");
            bench_must(em_hpke_setup_recv(EM_AEAD_CHACHA20_POLY1305, &sk, enc,
                                          EM_BYTES(info), &recv),
                       "recv");
            bench_must(em_hpke_export(&send, EM_STR("em/1 e2c key"), out, 32), "export");
            bench_must(em_hpke_export(&recv, EM_STR("em/1 e2c key"), out, 32), "export");
            bench_must(em_hpke_export(&send, EM_STR("em/1 e2c nonce"), out, 12),
                       "export");
            bench_must(em_hpke_export(&recv, EM_STR("em/1 e2c nonce"), out, 12),
                       "export");
        }
        took[r] = (bench_now_us() - start) / ROUNDS;
    }
    bench_line("session.setup.both", bench_median(took, RUNS) / 1000, "ms",
               "HPKE and exported keys, both sides");
}

static void bench_seal(void)
{
    static uint8_t plain[MIB], sealed[MIB + 16];
    em_aead_key key = {{7}};
    static const uint8_t nonce[EM_AEAD_NONCE_LEN];
    double seal[RUNS], open[RUNS];

    for (size_t r = 0; r < RUNS; r++) {
        double start = bench_now_us();
        bench_must(em_aead_seal(EM_AEAD_CHACHA20_POLY1305, &key, nonce, (em_bytes){0},
                                EM_BYTES(plain), sealed),
                   "seal");
        seal[r] = bench_now_us() - start;
        start = bench_now_us();
        bench_must(em_aead_open(EM_AEAD_CHACHA20_POLY1305, &key, nonce, (em_bytes){0},
                                EM_BYTES(sealed), plain),
                   "open");
        open[r] = bench_now_us() - start;
    }
    bench_line("session.seal.1MiB", bench_median(seal, RUNS) / 1000, "ms",
               "ChaCha20-Poly1305");
    bench_line("session.open.1MiB", bench_median(open, RUNS) / 1000, "ms",
               "ChaCha20-Poly1305");
}

static void bench_receipt(void)
{
    uint8_t seed[32] = {3}, out[2048], digest[32] = {1}, pcr[48] = {2};
    em_ed25519_secret secret;
    em_ed25519_public public;
    em_receipt receipt;
    double sign[RUNS], check[RUNS];
    size_t len = 0;

    bench_must(em_ed25519_from_seed(seed, &secret, &public), "key");
    const em_receipt_claims claims = {.iss = EM_STR("bench"),
                                      .iat = 1800000000,
                                      .cti = em_view(digest, 16),
                                      .eat_nonce = EM_BYTES(digest),
                                      .model_id = EM_STR("m"),
                                      .model_version = EM_STR("1"),
                                      .model_hash = EM_BYTES(digest),
                                      .request_hash = EM_BYTES(digest),
                                      .response_hash = EM_BYTES(digest),
                                      .attestation_doc_hash = EM_BYTES(digest),
                                      .measurements = {.type = EM_STR(EM_RECEIPT_NITRO),
                                                       .pcr0 = EM_BYTES(pcr),
                                                       .pcr1 = EM_BYTES(pcr),
                                                       .pcr2 = EM_BYTES(pcr)},
                                      .policy_version = EM_STR("1"),
                                      .security_mode = EM_STR("evaluation"),
                                      .model_hash_scheme = EM_STR(EM_RECEIPT_SCHEME)};
    for (size_t r = 0; r < RUNS; r++) {
        double start = bench_now_us();
        for (size_t i = 0; i < ROUNDS; i++) {
            em_out o = EM_OUT(out);
            bench_must(em_receipt_sign(&claims, &secret, &o), "sign");
            len = o.len;
        }
        sign[r] = (bench_now_us() - start) / ROUNDS;
        start = bench_now_us();
        for (size_t i = 0; i < ROUNDS; i++)
            bench_must(
                em_receipt_verify(em_view(out, len), &public, NULL, NULL, &receipt),
                "verify");
        check[r] = (bench_now_us() - start) / ROUNDS;
    }
    bench_line("receipt.sign", bench_median(sign, RUNS) / 1000, "ms", "encode and sign");
    bench_line("receipt.verify", bench_median(check, RUNS) / 1000, "ms",
               "parse, signature, values");
}

int main(void)
{
    static const uint8_t zero[32];

    bench_must(em_setup(), "setup");
    make_twin();
    make_document(EM_BYTES(zero),
                  EM_STR("user data of a session, about as long as one would be, "
                         "with a receipt key and a manifest hash"),
                  EM_BYTES(zero));
    bench_document();
    bench_hpke();
    bench_seal();
    bench_receipt();
    return 0;
}
