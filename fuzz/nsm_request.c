/* covers: twin/nsm_state.c
 *
 * Requests to the twin's NSM, a row of them: u16 BE length and bytes, again and again.
 * Whatever is asked, one item is answered, what is locked stays as it was, and locks only
 * grow. */
#include "base/read.h"
#include "crypto/setup.h"
#include "os/nsm.h"
#include "twin/nsm_state.h"
#include "wire/cbor.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool claim)
{
    if (!claim) abort();
}

static void open_ca(em_ca *ca)
{
    static const char *const names[] = {"nsm-root.key", "nsm-root.pem"};
    char folder[] = "/tmp/em-fuzz.XXXXXX", path[64];

    must(mkdtemp(folder) != NULL && em_ca_open(folder, ca) == EM_OK);
    for (size_t i = 0; i < EM_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static void ask(em_nsm_state *nsm, em_bytes request)
{
    static uint8_t answer[EM_NSM_MAX_RESPONSE];
    em_out o = EM_OUT(answer);
    em_nsm_state before = *nsm;

    must(em_nsm_state_answer(nsm, request, 1, &o) == EM_OK);
    em_cbor c = em_cbor_over_foreign(em_write_view(&o));
    (void)em_cbor_skip(&c);
    must(em_cbor_end(&c) == EM_OK);
    must((nsm->locked & before.locked) == before.locked);
    for (size_t i = 0; i < EM_NSM_STATE_PCRS; i++)
        if (before.locked >> i & 1)
            must(memcmp(before.pcr[i].pcr, nsm->pcr[i].pcr, EM_PCR_LEN) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static em_ca ca;
    em_measure pcr[3] = {0};
    em_nsm_state nsm;
    em_reader r = {.left = em_view(data, size)};

    must(em_setup() == EM_OK);
    if (ca.root == NULL) open_ca(&ca);
    must(em_nsm_state_boot(&ca, pcr, "role", "i-0", 1, false, &nsm) == EM_OK);
    while (r.left.len > 0 && em_read_ok(&r) == EM_OK) {
        size_t len = em_read_be16(&r);
        em_bytes request = em_read_bytes(&r, len < r.left.len ? len : r.left.len);
        if (request.len > 0 && request.len <= EM_NSM_MAX_REQUEST) ask(&nsm, request);
    }
    return 0;
}
