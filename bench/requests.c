/* requests ADDR DEPLOYMENT POLICY SIGNER-HEX STATE-FILE N: N requests of one nine-token
 * text in one session through host and relay; what the whole request adds to the
 * computation. */
#include "bench/bench.h"
#include "crypto/setup.h"
#include "em/client.h"
#include "tests/support/test.h"

int main(int argc, char **argv)
{
    static unsigned char signer[1][32];
    static double took[10000];
    em_client_error why;
    em_client *client;
    em_client_vectors v;
    const em_client_text text = {"What is the capital of France?", 30};
    const em_client_embed_request request = {.text = &text, .n = 1};

    if (argc != 7) return 2;
    bench_must(em_setup(), "setup");
    em_bytes policy = test_file(argv[3]), hex = test_hex(argv[4]);
    memcpy(signer[0], hex.at, 32);
    size_t n = strtoul(argv[6], NULL, 10);
    if (n > EM_COUNT(took)) n = EM_COUNT(took);
    const em_client_options options = {.address = argv[1],
                                       .deployment = argv[2],
                                       .policy = policy.at,
                                       .policy_len = policy.len,
                                       .signers = (const unsigned char(*)[32])signer,
                                       .n_signers = 1,
                                       .state = argv[5]};
    double start = bench_now_us();
    if (em_client_open(&options, &client, &why) != EM_CLIENT_OK) {
        fprintf(stderr, "bench: %s\n", why.text);
        return 1;
    }
    bench_line("session.open.live", (bench_now_us() - start) / 1000, "ms",
               "TCP, attestation, verification");
    for (size_t i = 0; i < n; i++) {
        start = bench_now_us();
        if (em_client_embed(client, &request, &v, &why) != EM_CLIENT_OK) {
            fprintf(stderr, "bench: %s\n", why.text);
            return 1;
        }
        took[i] = bench_now_us() - start;
    }
    bench_line("request.9_tokens.whole", bench_median(took, n) / 1000, "ms",
               "client to client, receipt verified");
    for (size_t i = 0; i < n; i++) {
        em_client_status status;
        start = bench_now_us();
        if (em_client_status_of(client, &status, &why) != EM_CLIENT_OK) return 1;
        took[i] = bench_now_us() - start;
    }
    bench_line("request.status.whole", bench_median(took, n) / 1000, "ms",
               "the same way without a model and a receipt");
    em_client_close(client);
    return 0;
}
