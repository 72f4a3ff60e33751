/* covers: enclave/config.c
 *
 * The enclave's configuration: what is accepted is within every limit, and what is not
 * says where. */
#include "enclave/config.h"
#include "crypto/setup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool claim)
{
    if (!claim) abort();
}

static void check_text(const em_config_text *t)
{
    must(t->len > 0 && t->len < sizeof t->at && t->at[t->len] == 0);
    must(memchr(t->at, 0, t->len) == NULL);
}

static void check_address(const em_address *a)
{
    char text[EM_ADDRESS_TEXT];
    em_address again;

    em_address_print(a, text);
    must(em_address_parse(em_view(text, strlen(text)), &again) == EM_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static em_config c;
    em_publisher publishers[EM_MAX_MODELS * EM_CONFIG_KEYS];
    const char *where = NULL;

    must(em_setup() == EM_OK);
    memset(&c, 0xA5, sizeof c);
    if (em_config_read(em_view(data, size), &c, &where) != EM_OK) {
        must(where != NULL && c.n_models == (size_t)0xA5A5A5A5A5A5A5A5);
        return 0;
    }
    check_text(&c.version);
    check_text(&c.deployment);
    check_text(&c.nsm);
    check_address(&c.listen);
    check_address(&c.store);
    check_address(&c.credentials);
    check_address(&c.kms);
    must(c.n_roots >= 1 && c.n_roots <= EM_CONFIG_ROOTS);
    for (size_t i = 0; i < c.n_roots; i++)
        must(c.root[i].len > 0 && c.root[i].len <= EM_CONFIG_ROOT_DER);
    must(c.n_models >= 1 && c.n_models <= EM_MAX_MODELS);
    for (size_t i = 0; i < c.n_models; i++) {
        check_text(&c.model[i].id);
        check_text(&c.model[i].object);
        check_text(&c.model[i].kms_key);
        must(c.model[i].n_publishers >= 1 && c.model[i].n_publishers <= EM_CONFIG_KEYS);
    }
    must(em_config_publishers(&c, publishers) >= c.n_models);
    must(c.limits.sessions >= 1 && c.limits.sessions <= EM_MAX_SESSIONS);
    must(c.limits.memory >= EM_CONFIG_MEMORY && c.limits.queue <= 1024);
    must(c.limits.batch_tokens <= EM_MAX_BATCH_TOKENS);
    return 0;
}
