#include "cmd/check_op.h"
#include "trust/attest.h"

#include <stdio.h>

/* What PCRs ought to be: by index, at NULL where nothing is asked. */
typedef struct wanted_pcrs {
    em_bytes pcr[EM_MAX_PCRS];
} wanted_pcrs;

/* Names are "0" .. "31"; any other is a member too many. */
static void read_pcrs(em_check_ask *ask, wanted_pcrs *want)
{
    em_check_ask inner = em_check_ask_object(ask, "pcrs", "pcrs.", EM_CHECK_OPTIONAL);

    for (unsigned i = 0; inner.object != NULL && i < EM_MAX_PCRS; i++) {
        char name[8];
        snprintf(name, sizeof name, "%u", i);
        want->pcr[i] = em_check_ask_hex(&inner, name, EM_CHECK_OPTIONAL);
    }
    (void)em_check_ask_end(&inner);
}

/* AWS's roots unless others are named. */
static void read_roots(em_check_ask *ask, em_attest_ask *want)
{
    size_t n = 0;
    bool given = json_object_get(ask->object, "roots") != NULL;
    const em_bytes *hex = em_check_ask_hexes(ask, "roots", &n);

    if (!given) {
        want->roots = em_roots_aws(&want->roots_n);
        return;
    }
    em_root *roots = em_check_ask_memory(ask->root, n * sizeof *roots);
    for (size_t i = 0; roots != NULL && ask->root->err == EM_OK && i < n; i++) {
        if (hex[i].len == sizeof roots[i].sha256)
            memcpy(roots[i].sha256, hex[i].at, sizeof roots[i].sha256);
        else
            em_check_ask_fail(ask, "roots", EM_ERR_RANGE);
    }
    want->roots = roots;
    want->roots_n = n;
}

static em_err compare_pcrs(const wanted_pcrs *want, const em_attested *facts)
{
    for (unsigned i = 0; i < EM_MAX_PCRS; i++) {
        em_bytes got = em_attest_pcr(facts, i);
        if (want->pcr[i].at == NULL) continue;
        if (got.len == 0 || !em_same(got, want->pcr[i])) return EM_ERR_PCR_MISMATCH;
    }
    return EM_OK;
}

static json_t *field_json(const em_attested_field *field)
{
    return field->is == EM_PRESENT ? em_lines_hex(em_attest_bytes(field)) : json_null();
}

static json_t *facts_json(const em_attested *f)
{
    json_t *pcrs = json_object();

    for (unsigned i = 0; i < EM_MAX_PCRS; i++) {
        char name[8];
        em_bytes pcr = em_attest_pcr(f, i);
        if (pcr.len == 0) continue;
        snprintf(name, sizeof name, "%u", i);
        json_object_set_new(pcrs, name, em_lines_hex(pcr));
    }
    return json_pack("{s:o,s:I,s:o,s:o,s:o,s:o,s:b,s:o,s:s}", "module_id",
                     json_stringn(f->module_id, f->module_id_len), "timestamp_ms",
                     (json_int_t)f->timestamp_ms, "pcrs", pcrs, "public_key",
                     field_json(&f->public_key), "user_data", field_json(&f->user_data),
                     "nonce", field_json(&f->nonce), "debug", 0, "root",
                     em_lines_hex(EM_BYTES(f->root.sha256)), "mode",
                     em_roots_mode_name(f->mode));
}

void em_check_nitro(em_check_ask *ask, em_check_answer *answer)
{
    static em_attested facts;
    static em_report report;
    em_attest_ask want = {.when = EM_ATTEST_SELF_DATED};
    wanted_pcrs pcrs = {0};
    em_bytes document = em_check_ask_base64(ask, "document_b64", EM_CHECK_NEEDED);

    if (em_check_ask_time(ask, "at", EM_CHECK_NEEDED, &want.at_ms))
        want.when = EM_ATTEST_AT;
    want.nonce = em_check_ask_hex(ask, "nonce_hex", EM_CHECK_OPTIONAL);
    want.has_nonce = want.nonce.at != NULL;
    read_roots(ask, &want);
    read_pcrs(ask, &pcrs);
    if (!em_check_ask_end(ask)) return;

    em_report_init(&report);
    em_err err = em_attest_verify(document, &want, &report, &facts);
    if (err == EM_OK) err = compare_pcrs(&pcrs, &facts);
    if (err == EM_OK)
        em_check_answer_accept(answer, facts_json(&facts));
    else
        em_check_answer_refuse(answer, err, NULL);
}
