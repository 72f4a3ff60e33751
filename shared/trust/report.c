#include "trust/report.h"

void em_report_init(em_report *r)
{
    if (r) memset(r, 0, sizeof *r);
}

void em_report_expect(em_report *r, em_check first, em_check last)
{
    for (unsigned i = first; r && i <= (unsigned)last; i++)
        r->line[i] = (em_report_line){EM_RESULT_SKIP, EM_OK, EM_SKIP_NOT_REACHED};
}

em_err em_report_judge(em_report *r, em_check check, em_err outcome, int64_t detail)
{
    if (!r) return outcome;
    r->line[check] = (em_report_line){
        .result = outcome == EM_OK ? EM_RESULT_PASS : EM_RESULT_FAIL,
        .err = outcome,
        .detail = detail,
    };
    if (outcome != EM_OK && r->err == EM_OK) {
        r->err = outcome;
        r->failed = check;
    }
    return outcome;
}

void em_report_drop(em_report *r, em_check check)
{
    if (r) r->line[check] = (em_report_line){0};
}

void em_report_skip(em_report *r, em_check check, em_skip why)
{
    if (r) r->line[check] = (em_report_line){EM_RESULT_SKIP, EM_OK, why};
}

void em_report_subject(em_report *r, em_bytes text)
{
    if (!r) return;
    r->subject_len = text.len < sizeof r->subject ? text.len : sizeof r->subject;
    if (r->subject_len > 0) memcpy(r->subject, text.at, r->subject_len);
}

static bool is_among(em_check check, const em_check *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == check) return true;
    return false;
}

bool em_report_is_whole(const em_report *r, const em_check *allowed, size_t n)
{
    for (unsigned i = 0; i < EM_CHECK_COUNT_; i++) {
        em_result got = r->line[i].result;
        if (got == EM_RESULT_FAIL) return false;
        if (got == EM_RESULT_SKIP && !is_among((em_check)i, allowed, n)) return false;
    }
    return r->err == EM_OK;
}

static const struct {
    const char *name, *clause, *text;
} checks[] = {
#define EM_CHECK(name, clause, text) {#name, clause, text},
#include "trust/checks.def"
#undef EM_CHECK
};

const char *em_report_name(em_check check)
{
    return (size_t)check < EM_COUNT(checks) ? checks[check].name : "?";
}

const char *em_report_clause(em_check check)
{
    return (size_t)check < EM_COUNT(checks) ? checks[check].clause : "?";
}

const char *em_report_text(em_check check)
{
    return (size_t)check < EM_COUNT(checks) ? checks[check].text : "?";
}

const char *em_report_result_name(em_result result)
{
    static const char *const names[] = {"none", "pass", "fail", "skip"};

    return (size_t)result < EM_COUNT(names) ? names[result] : "?";
}

const char *em_report_skip_text(em_skip why)
{
    static const char *const texts[EM_SKIP_COUNT_] = {
        [EM_SKIP_NOT_REACHED] = "not reached: an earlier check failed",
        [EM_SKIP_NOT_GIVEN] = "not checked: nothing to compare with was given",
        [EM_SKIP_NO_CRL] = "not checked: no revocation list was given",
        [EM_SKIP_ARCHIVED] = "not checked: has no meaning for archived evidence",
    };

    return (size_t)why < EM_COUNT(texts) ? texts[why] : "?";
}
