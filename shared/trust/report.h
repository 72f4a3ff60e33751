/* report.h - what a verifier looked at and what it found, line by line, on every path.
 *
 * A report is the one output that is written on failure too.  It is an array with one
 * line for every check there is (trust/checks.def); a verifier announces the checks it is
 * going to make, so that those behind a failure read "skip, not reached".  A skip is
 * never a pass.
 *
 * Trust:  `subject` may hold text out of hostile input: escape it before printing.
 * Memory: the caller's; nothing is allocated.  Every function takes NULL for no report.
 */
#ifndef EM_TRUST_REPORT_H
#define EM_TRUST_REPORT_H

#include "base/em.h"

typedef enum em_check {
#define EM_CHECK(name, clause, text) EM_CHECK_##name,
#include "trust/checks.def"
#undef EM_CHECK
    EM_CHECK_COUNT_ /* how many there are */
} em_check;

typedef enum em_result {
    EM_RESULT_NONE = 0, /* not part of this verification: no line */
    EM_RESULT_PASS,
    EM_RESULT_FAIL,
    EM_RESULT_SKIP,
} em_result;

/* Why a check was skipped: the detail of a SKIP line. */
typedef enum em_skip {
    EM_SKIP_NOT_REACHED = 0, /* an earlier check failed */
    EM_SKIP_NOT_GIVEN,       /* what it compares with was not given */
    EM_SKIP_NO_CRL,          /* revocation not checked: no list was given */
    EM_SKIP_ARCHIVED,        /* has no meaning offline: replay */
    EM_SKIP_COUNT_
} em_skip;

typedef struct em_report_line {
    em_result result;
    em_err err;     /* of a FAIL; else EM_OK */
    int64_t detail; /* PASS, FAIL: a number whose meaning the check's verifier documents
                       (index of a certificate, tuple or manifest; age in ms); SKIP:
                       em_skip */
} em_report_line;

enum { EM_REPORT_SUBJECT = 320 };

typedef struct em_report {
    em_report_line line[EM_CHECK_COUNT_]; /* by em_check */
    em_err err;                           /* the first failure, EM_OK while none */
    em_check failed;                      /* which check that was */
    size_t subject_len;
    char subject[EM_REPORT_SUBJECT]; /* what the failure is about, where its code carries
                                        a name: a claim's name, an unknown key */
} em_report;

/* Nothing looked at. */
void em_report_init(em_report *r);

/* Announce the checks first..last: SKIP, not reached, until they are judged. */
void em_report_expect(em_report *r, em_check first, em_check last);

/* Judge a check: PASS when `outcome` is EM_OK, FAIL otherwise.  Returns `outcome`, so
 * that a verifier reads  EM_TRY(em_report_judge(r, EM_CHECK_X, x(…), 0)); */
em_err em_report_judge(em_report *r, em_check check, em_err outcome, int64_t detail);

void em_report_skip(em_report *r, em_check check, em_skip why);

/* An announced check that turned out to have no meaning here: no line. */
void em_report_drop(em_report *r, em_check check);

/* Name what the failure is about; cut at EM_REPORT_SUBJECT bytes. */
void em_report_subject(em_report *r, em_bytes text);

/* Is there no FAIL, and no SKIP but those for the checks of `allowed` (n of them)? */
bool em_report_is_whole(const em_report *r, const em_check *allowed, size_t n);

/* "DOC_CHAIN"; "1.3"; "the certificate chain is valid"; static storage. */
const char *em_report_name(em_check check);
const char *em_report_clause(em_check check);
const char *em_report_text(em_check check);

/* "pass", "fail", "skip", "none". */
const char *em_report_result_name(em_result result);

/* Why it was skipped, a few words; static storage. */
const char *em_report_skip_text(em_skip why);

#endif
