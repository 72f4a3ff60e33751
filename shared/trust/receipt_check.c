#include "trust/receipt_check.h"

enum { MAX_MODEL_VERSION = 128, MAX_SECURITY_MODE = 64, MIN_NONCE = 8, MAX_NONCE = 64 };

static em_err about(em_report *report, em_err err, const char *name)
{
    em_report_subject(report, em_view(name, strlen(name)));
    return err;
}

static bool is_one_of(em_bytes text, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (em_same(text, em_view(names[i], strlen(names[i])))) return true;
    return false;
}

static em_err check_lengths(const em_receipt_measurements *m)
{
    const em_bytes needed[] = {m->pcr0, m->pcr1, m->pcr2};
    const em_bytes optional[] = {m->pcr3, m->pcr4, m->pcr8};

    for (size_t i = 0; i < EM_COUNT(needed); i++)
        if (needed[i].len != EM_PCR_LEN) return EM_ERR_BAD_MEASUREMENT_LENGTH;
    for (size_t i = 0; i < EM_COUNT(optional); i++)
        if (optional[i].at && optional[i].len != EM_PCR_LEN)
            return EM_ERR_BAD_MEASUREMENT_LENGTH;
    return EM_OK;
}

static bool has_length(em_bytes text, size_t max)
{
    return text.len > 0 && text.len <= max;
}

/* Names out of closed lists.  A security_mode of no allowed length is a bad value rather
 * than an unknown mode. */
static em_err check_names(const em_receipt_claims *c, em_report *report)
{
    static const char *const types[] = {EM_RECEIPT_NITRO, EM_RECEIPT_TDX};
    static const char *const schemes[] = {"sha256-single", "sha256-concat",
                                          EM_RECEIPT_SCHEME};
    static const char *const modes[] = {"production", "evaluation"};

    if (!is_one_of(c->measurements.type, types, EM_COUNT(types)))
        return about(report, EM_ERR_UNKNOWN_MTYPE, "measurement_type");
    if (c->model_hash_scheme.at &&
        !is_one_of(c->model_hash_scheme, schemes, EM_COUNT(schemes)))
        return about(report, EM_ERR_UNKNOWN_MODEL_HASH_SCHEME, "model_hash_scheme");
    if (has_length(c->security_mode, MAX_SECURITY_MODE) &&
        !is_one_of(c->security_mode, modes, EM_COUNT(modes)))
        return about(report, EM_ERR_UNKNOWN_SECURITY_MODE, "security_mode");
    return EM_OK;
}

static em_err check_texts(const em_receipt_claims *c, em_report *report)
{
    const struct {
        const char *name;
        em_bytes text;
        size_t max;
    } texts[] = {
        {"iss", c->iss, EM_MAX_CLAIM_TEXT},
        {"model_id", c->model_id, EM_MAX_CLAIM_TEXT},
        {"model_version", c->model_version, MAX_MODEL_VERSION},
        {"policy_version", c->policy_version, EM_MAX_CLAIM_TEXT},
        {"security_mode", c->security_mode, MAX_SECURITY_MODE},
    };

    for (size_t i = 0; i < EM_COUNT(texts); i++)
        if (!has_length(texts[i].text, texts[i].max))
            return about(report, EM_ERR_BAD_VALUE, texts[i].name);
    return EM_OK;
}

static em_err check_values(const em_receipt_claims *c, em_report *report)
{
    if (c->iat == 0) return about(report, EM_ERR_BAD_VALUE, "iat");
    if (em_all_zero(c->cti)) return about(report, EM_ERR_BAD_VALUE, "cti");
    if (c->eat_nonce.at && (c->eat_nonce.len < MIN_NONCE || c->eat_nonce.len > MAX_NONCE))
        return about(report, EM_ERR_BAD_VALUE, "eat_nonce");
    EM_TRY(check_texts(c, report));
    if (c->measurements.pcr8.at && em_same(c->measurements.type, EM_STR(EM_RECEIPT_TDX)))
        return about(report, EM_ERR_BAD_VALUE, "pcr8");
    return EM_OK;
}

em_err em_receipt_check(const em_receipt_claims *c, em_report *report)
{
    if (c->cti.len != EM_RECEIPT_CTI_LEN) return EM_ERR_BAD_CTI_LENGTH;
    if (em_all_zero(c->model_hash)) return EM_ERR_ZERO_MODEL_HASH;
    EM_TRY(check_lengths(&c->measurements));
    EM_TRY(check_names(c, report));
    return check_values(c, report);
}
