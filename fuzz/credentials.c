/* covers: aws/credentials.c
 *
 * What a credentials service may answer; what is accepted can stand in a header line. */
#include "aws/sigv4.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    em_credentials c = {0};
    const em_sigv4_pair host = {EM_STR("Host"), EM_STR("h")};
    em_sigv4_request request = {
        .method = EM_STR("GET"), .path = EM_STR("/"), .field = &host, .n_fields = 1};
    em_sigv4_scope scope = {EM_STR("r"), EM_STR("s"), 1795342830000};
    uint8_t buf[8192];
    em_out o = EM_OUT(buf);

    if (em_credentials_parse(em_view(data, size), &c) != EM_OK) return 0;
    if (c.id_len == 0 || c.id_len > sizeof c.id || c.secret_len > sizeof c.secret)
        abort();
    if (em_sigv4_put_fields(&o, &request, &scope, &c) != EM_OK) abort();
    for (size_t i = 0; i < o.len; i++) {
        bool ends = buf[i] == '\r' || buf[i] == '\n';
        if (!ends && (buf[i] < 0x20 || buf[i] >= 0x7F)) abort();
    }
    size_t lines = 0;
    for (size_t i = 0; i < o.len; i++) lines += buf[i] == '\n';
    if (lines != (c.token_len > 0 ? 3u : 2u)) abort();
    em_credentials_drop(&c);
    return 0;
}
